"""`spot keep`: the disk outlives the spot machine, and a new one is started from it."""

from datetime import timedelta

from core.model import Desire, State
from sim.town import Town

MINUTE = timedelta(minutes=1)


def _running() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge spot keep in us-east-1 for 1h name bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _instance(here: Town) -> str:
    instance = here.machine().instance
    assert instance is not None
    return instance.id


def _stays(here: Town) -> dict[str, int]:
    counts = here.counts()
    return {name: counts[name] for name in ("instances", "volumes", "snapshots", "images")}


KEPT = {"instances": 0, "volumes": 0, "snapshots": 1, "images": 1}


def test_a_stop_ends_the_spot_machine_and_keeps_a_snapshot_and_its_image() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    assert (here.machine().state, _stays(here)) == (State.STOPPED, KEPT)
    assert "snapshot" in here.card().text
    assert here.failures == []


def test_a_start_brings_a_new_machine_up_and_leaves_nothing_of_the_old_one() -> None:
    here = _running()
    old = _instance(here)
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    here.type("start bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert _instance(here) != old
    assert _stays(here) == {"instances": 1, "volumes": 1, "snapshots": 0, "images": 0}


def test_a_start_waits_for_the_snapshot_and_goes_on_by_itself() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(timedelta(seconds=12))
    assert here.machine().state is State.STOPPED
    here.type("start bert")
    assert here.machine().state is State.STOPPED
    assert here.machine().desire is Desire.RUN
    here.pass_time(4 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_machine_ended_in_the_console_is_stopped_with_its_disk() -> None:
    here = _running()
    here.control(do="terminate-outside", instance=_instance(here))
    here.pass_time(3 * MINUTE)
    assert (here.machine().state, _stays(here)) == (State.STOPPED, KEPT)


def test_an_end_leaves_nothing() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    here.type("end bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.ENDED
    assert set(here.counts().values()) == {0}


def test_a_start_without_capacity_stays_stopped_and_keeps_the_disk() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    here.control(do="fill-zone", region="us-east-1")
    here.type("start bert")
    here.pass_time(MINUTE)
    assert (here.machine().state, _stays(here)) == (State.STOPPED, KEPT)
    assert here.machine().desire is Desire.STOP
    assert "could not be started" in here.news()[-1].text
