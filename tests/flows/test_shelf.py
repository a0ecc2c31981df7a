"""The second lease: a stopped machine is asked about, then put away as a snapshot, never lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.model import Shelf, State
from sim.fuse import fused, guarded
from sim.town import ADA, LIN, Town, buttons, town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _stopped(
    text: str = "launch g5.xlarge on-demand in us-east-1 for 2h name bert",
    shelf: timedelta = 7 * DAY,
) -> Town:
    here = town(shelf=shelf)
    here.with_quota()
    here.ready_to_launch()
    here.type(text)
    here.pass_time(3 * MINUTE)
    here.type("stop bert yes")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.STOPPED
    here.strikes_every = timedelta(minutes=20)  # days pass in which nothing happens
    return here


def _shelf(here: Town) -> Shelf:
    shelf = here.machine().shelf
    assert shelf is not None
    return shelf


def _told(here: Town, words: str) -> list[Any]:
    return [n for n in here.news() if words in n.text]


def test_its_owner_is_asked_a_day_before_and_then_it_is_put_away_as_a_snapshot() -> None:
    here = _stopped()
    shelf = _shelf(here)
    assert shelf.until - shelf.since == 7 * DAY
    here.pass_time(shelf.until - DAY - here.now - MINUTE)
    assert _told(here, "lies stopped") == []
    here.pass_time(30 * MINUTE)
    (asked,) = _told(here, "lies stopped")
    assert "costs $4.00 a month" in asked.text and "at most $2.50 a month" in asked.text
    assert [b["action_id"] for b in buttons(asked)] == ["shelf-keep", "start", "end"]
    assert [p for p in here.chat.directs(ADA) if "lies stopped" in p.message.text]
    here.pass_time(shelf.until - here.now + 90 * MINUTE)
    (done,) = _told(here, "put away")
    assert "$4.00 a month" in done.text and "$2.50 a month" in done.text
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (0, 0, 1)
    assert here.machine().state is State.STOPPED


def test_what_was_put_away_starts_again_and_leaves_nothing_behind() -> None:
    here = _stopped()
    here.pass_time(7 * DAY + 90 * MINUTE)
    here.type("allow 203.0.113.7")
    here.type("start bert for 1h")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.RUNNING
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (1, 1, 0)
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert set(here.counts().values()) == {0}


def _started_anew() -> Town:
    """From the snapshot that it was put away as; its new instance runs, or is about to."""
    here = _stopped(shelf=2 * DAY)
    here.pass_time(2 * DAY + 90 * MINUTE)
    here.type("allow 203.0.113.7")
    here.strikes_every = MINUTE
    return here


@pytest.mark.parametrize("when", [timedelta(seconds=4), timedelta(seconds=9), MINUTE])
@pytest.mark.parametrize("held", [False, True])
def test_who_stops_it_before_the_old_disk_is_gone_has_the_new_one_and_starts_from_it(
    when: timedelta, held: bool
) -> None:
    here = _started_anew()
    here.control(do="settings", pending=8)
    if held:  # somebody made an image of it, say
        disks: Any = here.house.disks
        disks.delete_snapshot = lambda *_: False
    here.type("start bert for 1h")
    here.pass_time(when)
    here.type("stop bert yes")
    here.pass_time(5 * MINUTE)
    new = here.machine().instance
    assert new is not None
    assert here.machine().state is State.STOPPED
    here.type("start bert for 1h")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.world.up() == (new.id,)
    if held:
        del disks.delete_snapshot
        here.pass_time(10 * MINUTE)
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (1, 1, 0)
    here.type("end bert yes")
    here.pass_time(5 * MINUTE)
    assert set(here.counts().values()) == {0}
    assert here.failures == []


def test_a_snapshot_that_somebody_uses_keeps_nothing_else_from_being_done() -> None:
    here = _started_anew()
    disks: Any = here.house.disks
    asked: list[Any] = []

    def used(*which: Any) -> bool:
        asked.append(which)
        return False

    disks.delete_snapshot = used
    here.type("start bert for 1h")
    here.pass_time(5 * MINUTE)
    here.type("extend bert 2h")
    here.pass_time(3 * HOUR - 10 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.lease is not None
    assert (m.tagged, m.lease.warned) == (m.lease.deadline, True)
    assert len(asked) < 40
    here.type("stop bert yes")
    here.pass_time(5 * MINUTE)
    here.strikes_every = HOUR
    before = len(_told(here, "lies stopped"))
    here.pass_time(2 * DAY)
    assert len(_told(here, "lies stopped")) > before
    assert here.machine().state is State.STOPPED


def test_keep_moves_the_second_lease_on_and_the_second_click_hears_who_was_first() -> None:
    here = _stopped()
    here.pass_time(_shelf(here).ask_at - here.now + 30 * MINUTE)
    (asked,) = _told(here, "lies stopped")
    before = _shelf(here).until
    assert "until" in here.press(asked, "shelf-keep")[0].text
    assert _shelf(here).until == before + 7 * DAY
    said = here.press(asked, "shelf-keep")
    assert _shelf(here).until == before + 7 * DAY
    assert ADA in said[0].text
    here.pass_time(before - here.now + DAY)
    assert here.machine().kept is None, "it was kept"
    assert here.press(asked, "shelf-keep", LIN)[0].text.startswith("*bert* belongs")


@pytest.mark.parametrize("words", ["extend bert", "extend bert 14d"])
def test_extend_means_the_second_lease_of_a_stopped_machine(words: str) -> None:
    here = _stopped()
    before = _shelf(here).until
    request = here.request(words)
    here.deliver(request)
    here.deliver(request)
    assert _shelf(here).until == before + (14 if "14d" in words else 7) * DAY


def test_a_stopped_machine_is_kept_for_a_year_from_now_at_most() -> None:
    here = _stopped()
    before = here.machine()
    for words in ("99999d", "359d", "for 99999.9d 99999h 99999m"):
        (said,) = here.type(f"extend bert {words}")
        assert "365 d from now at most" in said.text and "Nothing was changed" in said.text
        assert "$4.00 a month" in said.text and "/gpu extend bert 358d" in said.text
        assert here.machine() == before
    assert "stays stopped as it is until" in here.type("extend bert 358d")[0].text
    assert _shelf(here).until - here.now <= 365 * DAY
    (said,) = here.type("extend bert")
    assert "Nothing was changed" in said.text and "You are asked about it before" in said.text
    here.strikes_every = DAY
    here.pass_time(8 * DAY)
    assert "stays stopped" in here.type("extend bert 7d")[0].text
    assert _shelf(here).ask_at - here.now < 365 * DAY, "it is asked about again"


def test_one_that_was_kept_for_centuries_can_be_asked_about_and_started() -> None:
    here = _stopped()
    m = here.machine()
    assert m.shelf is not None
    far = replace(m.shelf, until=m.shelf.until.replace(year=9990), ask_at=m.shelf.until)
    here.ledger.save(replace(m, shelf=far), m)
    assert "Nothing was changed" in here.type("extend bert 99999d")[0].text
    assert "Nothing was changed" in here.type("extend bert")[0].text


def test_a_start_takes_it_off_the_shelf_and_the_next_stop_begins_anew() -> None:
    here = _stopped()
    here.pass_time(6 * DAY + 30 * MINUTE)
    here.type("allow 203.0.113.7")
    here.type("start bert for 1h")
    here.pass_time(3 * MINUTE)
    assert here.machine().shelf is None
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    assert _shelf(here).until > here.now + 6 * DAY


@pytest.mark.usefixtures("without_wire")
def test_a_kept_spot_disk_is_asked_about_every_thirty_days_and_never_deleted() -> None:
    here = _stopped("launch g5.xlarge spot keep in us-east-1 for 2h name bert")
    here.pass_time(95 * DAY)
    assert len(_told(here, "lies stopped")) == 3
    assert here.counts()["snapshots"] == 1


@pytest.mark.usefixtures("without_wire")
def test_several_are_asked_about_and_never_removed_unasked() -> None:
    here = _stopped("launch g5.xlarge on-demand x2 in us-east-1 for 2h name bert")
    here.pass_time(22 * DAY)
    assert len(_told(here, "lies stopped")) == 3
    assert here.counts()["instances"] == 2


@pytest.mark.usefixtures("without_wire")
def test_who_has_kept_several_longer_is_asked_as_often_as_before() -> None:
    here = _stopped("launch g5.xlarge on-demand x2 in us-east-1 for 2h name bert")
    here.strikes_every = 6 * HOUR
    here.type("extend bert 20d")
    here.pass_time(_shelf(here).ask_at - here.now + 7 * HOUR)
    (asked,) = _told(here, "lies stopped")
    assert buttons(asked)[0]["text"]["text"] == "Keep 7 d more"
    before = _shelf(here).until
    here.press(asked, "shelf-keep")
    assert _shelf(here).until == before + 7 * DAY
    here.pass_time(_shelf(here).until - here.now + 13 * HOUR)
    assert _shelf(here).until - _shelf(here).since == 7 * DAY


@pytest.mark.usefixtures("without_wire")
def test_a_snapshot_that_was_kept_for_long_is_asked_about_every_thirty_days_after_that() -> None:
    here = _stopped("launch g5.xlarge spot keep in us-east-1 for 2h name bert", shelf=60 * DAY)
    here.strikes_every = 6 * HOUR
    here.pass_time(2 * HOUR)
    here.type("extend bert 20d")
    here.pass_time(_shelf(here).until - here.now + 13 * HOUR)
    assert _shelf(here).until - _shelf(here).since == 30 * DAY


def test_a_row_of_before_its_length_was_written_is_asked_about_within_thirty_days() -> None:
    here = _stopped("launch g5.xlarge on-demand x2 in us-east-1 for 2h name bert")
    here.strikes_every = 6 * HOUR
    m, shelf = here.machine(), _shelf(here)
    old = replace(shelf, length=None, since=shelf.since - 90 * DAY)
    here.ledger.save(replace(m, shelf=old), m)
    here.pass_time(shelf.until - here.now + 13 * HOUR)
    assert _shelf(here).until - _shelf(here).since == 30 * DAY


def test_a_snapshot_that_fails_leaves_the_disk_where_it_is_and_is_made_again() -> None:
    here = _stopped()
    here.control(do="fault", operation="CreateSnapshot", code="InternalError", times=3)
    here.pass_time(7 * DAY + 120 * MINUTE)
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (0, 0, 1)


def _being_put_away(shelf: timedelta = 7 * DAY, snapshot: int = 1800) -> tuple[Town, Any]:
    """Its time is over, nobody has answered, and its snapshot takes half an hour."""
    here = _stopped(shelf=shelf)
    here.control(do="settings", snapshot=snapshot)
    here.pass_time(_shelf(here).until - here.now + MINUTE)
    here.wakes.wake(f"machine/{here.machine().id}")
    here.pass_time(timedelta(seconds=2))
    kept = here.machine().kept
    assert kept is not None
    assert kept.parting
    assert here.counts()["snapshots"] == 1
    (asked,) = _told(here, "lies stopped")
    return here, asked


@pytest.mark.parametrize("words", ["", "extend bert 7d"])
def test_who_keeps_it_while_its_snapshot_is_made_has_it_as_it_was_and_nothing_besides(
    words: str,
) -> None:
    here, asked = _being_put_away()
    (said,) = here.type(words) if words else here.press(asked, "shelf-keep")
    assert "stays stopped as it is until" in said.text
    assert "the snapshot that was made for that is deleted" in said.text
    assert _shelf(here).until > here.now + 6 * DAY
    here.pass_time(timedelta(hours=1))
    counts = here.counts()
    assert (counts["instances"], counts["volumes"]) == (1, 1)
    assert (counts["snapshots"], counts["images"]) == (0, 0)
    assert (here.machine().state, here.machine().kept) == (State.STOPPED, None)
    assert _told(here, "put away,") == []
    here.pass_time(7 * DAY + timedelta(hours=1))
    assert _told(here, "put away,"), "nobody kept it the next time"


def test_who_starts_what_was_kept_at_the_last_moment_starts_it_as_it_is() -> None:
    here, asked = _being_put_away()
    here.press(asked, "shelf-keep")
    here.type("allow 203.0.113.7")
    (said,) = here.type("start bert for 1h")
    assert "snapshot" not in said.text
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.RUNNING
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (1, 1, 0)


def test_what_is_kept_as_its_disk_is_lost_keeps_the_snapshot_of_it() -> None:
    here, asked = _being_put_away()
    (instance,) = here.world.state()["instances"]
    here.control(do="terminate-outside", instance=instance["id"])
    here.pass_time(timedelta(seconds=10))
    here.press(asked, "shelf-keep")
    here.pass_time(timedelta(hours=1))
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (0, 0, 1)
    assert here.machine().state is State.STOPPED


def test_who_keeps_it_as_its_instance_is_being_ended_hears_that_it_is_too_late() -> None:
    here, asked = _being_put_away()
    here.control(do="fault", operation="TerminateInstances", code="InternalError", times=100_000)
    here.pass_time(timedelta(hours=1))
    (said,) = here.press(asked, "shelf-keep")
    assert "it is too late to keep it as it is" in said.text
    assert "/gpu start bert" in said.text
    here.control(do="clear-faults")
    here.pass_time(10 * MINUTE)
    counts = here.counts()
    assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (0, 0, 1)


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_of_keeping_it_at_last_it_is_there_and_nothing_besides(
    after: bool,
) -> None:
    here, asked = _being_put_away(timedelta(hours=1), 120)
    fuse = fused(here)
    here.press(asked, "shelf-keep")
    here.pass_time(4 * MINUTE)
    for at in range(1, fuse.counted + 1):
        here, asked = _being_put_away(timedelta(hours=1), 120)
        click = here.pressed("shelf-keep", f"{here.machine().id}:1")
        fused(here, at, after=after)
        guarded(lambda here=here, click=click: here.press_button(click))  # type: ignore[misc]
        guarded(lambda here=here, click=click: here.press_button(click))  # type: ignore[misc]
        guarded(lambda here=here: here.pass_time(4 * MINUTE))  # type: ignore[misc]
        here.pass_time(10 * MINUTE)
        counts = here.counts()
        assert (counts["instances"], counts["volumes"]) == (1, 1), at
        assert (counts["snapshots"], counts["images"]) == (0, 0), at


def test_one_that_is_ended_in_the_console_meanwhile_is_noticed() -> None:
    here = _stopped()
    (instance,) = here.world.state()["instances"]
    here.control(do="terminate-outside", instance=instance["id"])
    here.pass_time(8 * DAY)
    assert here.machine().state is State.ENDED
    assert set(here.counts().values()) == {0}


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_of_putting_it_away_its_disk_is_somewhere_and_nothing_is_left(
    after: bool,
) -> None:
    def prepared() -> Town:
        here = _stopped(shelf=timedelta(hours=1))
        here.strikes_every = MINUTE
        here.pass_time(_shelf(here).until - here.now - MINUTE)
        return here

    here = prepared()
    fuse = fused(here)
    here.pass_time(10 * MINUTE)
    for at in range(1, fuse.counted + 1):
        here = prepared()
        fused(here, at, after=after)
        guarded(lambda here=here: here.pass_time(10 * MINUTE))  # type: ignore[misc]
        counts = here.counts()
        assert counts["volumes"] + counts["snapshots"] > 0, at
        here.pass_time(20 * MINUTE)
        counts = here.counts()
        assert (counts["instances"], counts["volumes"], counts["snapshots"]) == (0, 0, 1), at
        assert here.machine().state is State.STOPPED, at
        assert len(_told(here, "put away")) >= 1, at


def test_what_may_not_be_put_away_lies_there_and_is_told_once() -> None:
    here = _stopped()
    here.control(do="deny", operation="RegisterImage", by="scp")
    calls = here.hearing("RegisterImage")
    here.pass_time(_shelf(here).until - here.now + timedelta(hours=3))
    (said,) = _told(here, "could not be put away")
    assert "it stays stopped, with its disk, as it is" in said.text
    assert len(calls) < 40
    assert (here.counts()["instances"], here.counts()["volumes"]) == (1, 1)
    here.control(do="allow", operation="RegisterImage")
    here.pass_time(timedelta(hours=1))
    assert (here.counts()["instances"], here.counts()["snapshots"]) == (0, 1)
    assert _told(here, "was put away")


def test_snapshots_that_fail_as_it_is_put_away_are_said_once_and_made_again_seldom() -> None:
    here = _stopped()
    disks: Any = here.house.disks
    make = disks.make_snapshot
    failing, made = [True], []

    def failed(region: str, *args: Any) -> Any:
        one = make(region, *args)
        made.append(one.id)
        if failing:
            here.world._ground.regions[region].snapshots[one.id].state = "error"
        return one

    disks.make_snapshot = failed
    here.pass_time(_shelf(here).until - here.now)
    here.pass_time(timedelta(hours=3))
    (said,) = _told(here, "EC2 could not make the snapshot")
    assert "it stays stopped, with its disk, as it is" in said.text
    assert 10 < len(made) < 50
    assert (here.counts()["instances"], here.counts()["snapshots"]) == (1, 0)
    failing.clear()
    here.pass_time(timedelta(hours=1))
    counts = here.counts()
    assert (counts["instances"], counts["snapshots"], counts["images"]) == (0, 1, 1)


def test_an_image_that_fails_as_it_is_put_away_ends_nothing_and_is_made_again() -> None:
    here = _stopped()
    images: Any = here.house.own_images
    register = images.register
    failing = [True]

    def failed(region: str, *args: Any) -> str:
        id = register(region, *args)
        if failing:
            here.world._ground.regions[region].own_images[id].state = "failed"
        return str(id)

    images.register = failed
    here.pass_time(_shelf(here).until - here.now)
    writes = here.ledger.writes
    here.pass_time(timedelta(hours=3))
    assert len(_told(here, "EC2 could not make an image")) == 1
    assert here.ledger.writes - writes < 250
    assert (here.counts()["instances"], here.counts()["images"]) == (1, 0)
    failing.clear()
    here.pass_time(timedelta(hours=1))
    counts = here.counts()
    assert (counts["instances"], counts["snapshots"], counts["images"]) == (0, 1, 1)


def test_a_start_of_one_that_nobody_could_log_in_to_says_what_is_missing() -> None:
    here = _stopped(shelf=2 * DAY)
    here.pass_time(3 * DAY)
    assert _told(here, "put away")
    here.type("start bert for 4h")  # the address was open for twelve hours
    here.pass_time(10 * MINUTE)
    (said,) = _told(here, "could not be started")
    assert "nobody could log in to it" in said.text
    assert "/gpu allow &lt;your address&gt;/32" in said.text
    assert "EC2 refused" not in said.text
    here.type("allow 203.0.113.7")
    here.type("start bert for 4h")
    here.pass_time(30 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_extend_until_a_day_lets_it_lie_until_then_and_never_shorter() -> None:
    here = _stopped(shelf=2 * DAY)
    before = _shelf(here).until
    (said,) = here.type("extend bert until friday 18:00")
    assert "stays stopped as it is until" in said.text
    kept = _shelf(here).until
    assert f"{kept:%A %H:%M}" == "Friday 18:00"
    (said,) = here.type("extend bert until tomorrow 18:00")
    assert _shelf(here).until == kept > before
    assert "stays stopped as it is until" in said.text
