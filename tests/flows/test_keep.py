"""`spot keep`: the disk outlives the spot machine, and a new one is started from it."""

from datetime import timedelta

from core.model import Desire, State
from sim.town import SAM, Town

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


def test_a_start_that_dies_at_birth_leaves_the_disk_as_it_was() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    here.control(do="settings", pending=600)
    here.type("start bert")
    here.pass_time(MINUTE)
    code = "Server.InsufficientInstanceCapacity"
    here.control(do="terminate-outside", instance=_instance(here), code=code)
    here.pass_time(10 * MINUTE)
    assert (here.machine().state, _stays(here)) == (State.STOPPED, KEPT)
    here.control(do="settings", pending=2)
    here.type("start bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING


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


# ---- what EC2 refuses -----------------------------------------------------------------------


def _refusals(here: Town) -> list[str]:
    return [m.text for m in here.news() if "could not" in m.text]


def test_a_snapshot_that_is_denied_is_told_once_and_made_when_it_is_allowed() -> None:
    here = _running()
    here.control(do="deny", operation="CreateSnapshot", by="scp")
    calls = here.hearing("CreateSnapshot")
    here.type("stop bert")
    here.pass_time(120 * MINUTE)
    (said,) = _refusals(here)
    assert "The disk of *bert* could not become a snapshot to start from" in said
    assert "AWS does not let the bot do this. An admin has to look at its permissions." in said
    assert "Nothing of it is lost. It costs $0.13 a day meanwhile." in said
    assert [p for p in here.chat.directs(SAM) if "`CreateSnapshot`" in p.message.text]
    assert len(calls) < 30
    assert _stays(here) == {**KEPT, "volumes": 1, "snapshots": 0, "images": 0}
    here.type("allow 203.0.113.7")
    (answered,) = here.type("start bert for 1h")
    assert "So far that has been refused." in answered.text
    assert len(_refusals(here)) == 1
    here.control(do="allow", operation="CreateSnapshot")
    here.pass_time(8 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.failures == []


def test_a_start_whose_time_is_over_meanwhile_says_what_it_has_waited_for() -> None:
    here = _running()
    here.control(do="fault", operation="CreateSnapshot", code="SnapshotLimitExceeded", times=9999)
    here.type("stop bert")
    here.pass_time(MINUTE)
    here.type("start bert for 1h")
    here.pass_time(timedelta(hours=13))
    (said,) = [m.text for m in here.news() if "could not be started" in m.text]
    assert "The account's quota for snapshots is used up." in said
    assert here.counts()["volumes"] == 1
    here.control(do="clear-faults")
    here.pass_time(7 * MINUTE)
    assert (here.machine().state, _stays(here)) == (State.STOPPED, KEPT)


def test_an_image_that_has_failed_goes_and_another_is_made() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    (image,) = here.world._ground.regions["us-east-1"].own_images.values()
    image.state = "failed"
    made = here.hearing("RegisterImage")
    writes = here.ledger.writes
    here.type("start bert for 1h")
    here.pass_time(MINUTE)
    (said,) = _refusals(here)
    assert "EC2 could not make an image of the snapshot." in said
    assert here.ledger.writes - writes < 25
    here.pass_time(8 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert len(made) < 5
    assert _stays(here) == {"instances": 1, "volumes": 1, "snapshots": 0, "images": 0}
