"""A function may die at any call: no image is made twice, none is lost, none stays."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from core.model import FINAL, SavedImage, State, Tab
from sim.fuse import fused, guarded
from sim.town import Town

MINUTE = timedelta(minutes=1)
PORTS = ("own_images", "disks", "images", "chat", "ledger", "wakes")


def _prepared() -> Town:
    here = Town(wire=False)
    here.ready_to_launch()
    here.with_quota("us-east-1")
    here.with_quota("eu-west-1")
    here.type("launch g5.xlarge in us-east-1 name amber-fox")
    here.until_quiet()
    return here


def _making(here: Town) -> Iterator[Callable[[], object]]:
    save = here.request("save amber-fox as bert-env")
    yield lambda: here.deliver(save)
    yield lambda: here.pass_time(3 * MINUTE)


def _copying(here: Town) -> Iterator[Callable[[], object]]:
    launch = here.request("launch g5.xlarge image bert-env in eu-west-1 name two")
    yield lambda: here.deliver(launch)
    yield lambda: here.pass_time(4 * MINUTE)


def _deleting(here: Town) -> Iterator[Callable[[], object]]:
    delete = here.request("images delete bert-env yes")
    yield lambda: here.deliver(delete)
    yield lambda: here.pass_time(MINUTE)


def _lived(story: Callable[[Town], Iterator[Callable[[], object]]], *before: Any) -> Iterator[Any]:
    """(call, town) for a death before and after every other call of the story."""
    for after in (False, True):
        for at in range(1, 1000, 2):
            here = _prepared()
            for earlier in before:
                for act in earlier(here):
                    act()
            fuse = fused(here, at, after=after, ports=PORTS)
            for act in story(here):
                guarded(act)
            if not fuse.burnt:
                break
            here.pass_time(12 * MINUTE)
            yield f"{at}, {'after' if after else 'before'}", here


def _regions(here: Town) -> list[str]:
    return [image["region"] for image in here.world.state()["images"]]


def _costing(here: Town) -> int:
    """Of how many things the cost is still being counted."""
    stores = [store for tab in here.ledger.rows(Tab) for store in tab.stores]
    return sum(store.ended_at is None for store in stores)


def test_killed_at_any_call_one_image_is_made_and_told() -> None:
    for at, here in _lived(_making):
        assert _regions(here) == ["us-east-1"], at
        row = here.ledger.row(SavedImage, "bert-env")
        assert row is not None, at
        assert row.told, at
        assert row.due_at is None, at
        assert _costing(here) == 1, at
        assert any("is ready" in m.text for m in here.news()), at


def test_killed_at_any_call_one_copy_is_made_and_the_launch_goes_on() -> None:
    for at, here in _lived(_copying, _making):
        assert _regions(here) == ["us-east-1", "eu-west-1"], at
        running = [m for m in here.ledger.everything() if m.name == "two"]
        assert [m.state for m in running] == [State.RUNNING], at
        assert _costing(here) == 1, at  # two copies, one tab


def test_killed_at_any_call_nothing_is_left_of_a_deleted_image() -> None:
    for at, here in _lived(_deleting, _making, _copying):
        state = here.world.state()
        assert not state["images"], at
        assert not state["snapshots"], at
        assert here.ledger.row(SavedImage, "bert-env") is None, at
        assert _costing(here) == 0, at
        assert all(m.state not in FINAL for m in here.ledger.everything()), at
