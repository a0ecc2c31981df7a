"""A function may die at any call: nothing is bought twice, nothing is lost, nothing stays."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from core.model import FINAL, State
from sim.fuse import fused, guarded
from sim.town import ADA, Town


def _story(here: Town) -> Iterator[Callable[[], object]]:
    request = here.request("launch p3.2xlarge on-demand for 1h name bert")
    yield lambda: here.deliver(request)
    yield lambda: here.pass_time(timedelta(minutes=2))
    stop = here.request("stop bert")
    yield lambda: here.deliver(stop)
    yield lambda: here.pass_time(timedelta(minutes=3))


def _prepared() -> Town:
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    return here


def _calls() -> int:
    here = _prepared()
    fuse = fused(here)
    for act in _story(here):
        act()
    assert here.machine().state is State.STOPPED
    return fuse.counted


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_the_story_ends_with_one_stopped_machine(after: bool) -> None:
    calls = _calls()
    assert calls > 60
    for at in range(1, calls + 1):
        here = _prepared()
        fuse = fused(here, at, after=after)
        for act in _story(here):
            guarded(act)
        here.pass_time(timedelta(minutes=12))
        bought = here.world.state()["instances"]
        assert fuse.burnt, at
        assert len(bought) <= 1, f"call {at}: {len(bought)} instances"
        m = here.machine(0)
        assert m.state in (*FINAL, State.STOPPED), f"call {at}: {m.state}"
        assert m.owed == (), f"call {at}"
        assert not [i for i in bought if i["state"] in ("pending", "running")], at


@pytest.mark.parametrize(
    "fault", ["timeout-with-effect", "timeout-without-effect"], ids=["bought", "not-bought"]
)
def test_a_launch_without_an_answer_is_one_machine(fault: str) -> None:
    here = _prepared()
    here.control(do="fault", operation="RunInstances", code=fault, times=1)
    here.type("launch p3.2xlarge on-demand for 1h")
    here.pass_time(timedelta(minutes=2))
    assert here.machine().state is State.RUNNING
    assert len(here.world.state()["instances"]) == 1


def test_a_stop_while_the_launch_has_no_answer_ends_what_it_bought() -> None:
    here = _prepared()
    here.control(do="fault", operation="RunInstances", code="timeout-with-effect", times=1)
    here.type("launch p3.2xlarge on-demand for 1h name bert")
    here.type("end bert")
    here.pass_time(timedelta(minutes=15))
    assert here.machine().state in FINAL
    assert set(here.counts().values()) == {0}
    assert here.ledger.of_owner(ADA) == ()
