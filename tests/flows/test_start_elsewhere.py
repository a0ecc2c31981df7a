"""A stopped machine that finds no capacity: another zone, another type, or again later."""

from datetime import timedelta

from core.model import State
from sim.town import Town, buttons

MINUTE = timedelta(minutes=1)


def _refused() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 1h name bert")
    here.pass_time(2 * MINUTE)
    here.type("stop bert")
    here.pass_time(MINUTE)
    at = here.machine().placement
    assert at is not None
    here.control(do="fill-zone", region="us-east-1", zone=at.zone, instance_type="g5.xlarge")
    here.type("start bert")
    assert here.machine().state is State.STOPPED
    return here


def _press(here: Town, label: str) -> None:
    (found,) = [b for b in buttons(here.news()[-1]) if label in b["text"]["text"]]
    here.click(found["action_id"], found["value"])


def test_another_zone_takes_the_disk_along_and_the_old_instance_ends() -> None:
    here = _refused()
    before = here.machine().placement
    _press(here, "another zone")
    here.pass_time(5 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert before is not None
    assert m.placement is not None
    assert m.placement.zone != before.zone
    counts = here.counts()
    assert [counts[k] for k in ("instances", "volumes", "snapshots", "images")] == [1, 1, 0, 0]


def test_another_type_is_the_same_instance_at_its_own_price() -> None:
    here = _refused()
    before = here.machine()
    hold = before.hold
    assert hold is not None
    (choice,) = [c for c in hold.choices if c.kind == "type"]
    _press(here, choice.value)
    here.pass_time(2 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.instance is not None
    assert before.instance is not None
    assert m.instance.id == before.instance.id
    assert m.hourly == choice.hourly


def test_keep_trying_starts_it_when_there_is_room() -> None:
    here = _refused()
    _press(here, "Keep trying")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(7 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_button_of_an_older_failure_changes_nothing() -> None:
    here = _refused()
    old = buttons(here.news()[-1])[0]
    here.type("start bert")
    (said,) = here.click(old["action_id"], old["value"])
    assert "old one" in said.text
