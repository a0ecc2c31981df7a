"""Schedules: announced, started and stopped by the hours, skipped with one click, once each day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.flows import clockwork
from core.model import Schedule, State
from sim.fuse import EVERY_PORT, Killed, fused
from sim.town import ADA, LIN, SAM, Town, buttons, town

MINUTE = timedelta(minutes=1)


def _scheduled() -> Town:
    """A stopped machine of Ada's (London) that is to run from two hours ahead, for three hours."""
    here = town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 1h name bert")
    here.pass_time(3 * MINUTE)
    here.type("stop bert yes")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.STOPPED
    starts = here.now + timedelta(hours=2)
    days = "mon,tue,wed,thu,fri,sat,sun"
    said = here.type(f"schedule bert {days} {starts:%H:%M}-{starts + timedelta(hours=3):%H:%M}")
    assert "Next:" in said[0].text
    return here


def _row(here: Town) -> Schedule:
    row = here.ledger.row(Schedule, here.machine().id)
    assert row is not None
    return row


def _to_start(here: Town, and_then: timedelta) -> None:
    row = _row(here)
    day = here.now.date()
    starts = datetime(day.year, day.month, day.day, *row.starts, tzinfo=UTC)
    here.pass_time(starts + and_then - here.now)


def _told(here: Town, words: str) -> list[Any]:
    return [n for n in here.news() if words in n.text]


def test_it_is_announced_then_started_and_stopped_every_day() -> None:
    here = _scheduled()
    _to_start(here, -31 * MINUTE)
    assert _told(here, "starts by its schedule") == []
    _to_start(here, -28 * MINUTE)
    (said,) = _told(here, "starts by its schedule")
    assert "That costs $3.02" in said.text
    assert [b["action_id"] for b in buttons(said)] == ["schedule-skip"]
    _to_start(here, 4 * MINUTE)
    assert here.machine().state is State.RUNNING
    _to_start(here, timedelta(hours=3, minutes=5))
    assert here.machine().state is State.STOPPED
    here.pass_time(timedelta(days=1) - timedelta(hours=3))
    assert here.machine().state is State.RUNNING
    assert len(_told(here, "starts by its schedule")) == 2
    assert here.failures == []


def test_one_click_skips_a_day_and_undo_brings_it_back() -> None:
    here = _scheduled()
    _to_start(here, -28 * MINUTE)
    (said,) = _told(here, "starts by its schedule")
    assert here.press(said, "schedule-skip", LIN)[0].text.startswith("*bert* belongs")
    (answer,) = here.press(said, "schedule-skip")
    here.press(said, "schedule-skip")
    assert len(_row(here).skipped) == 1
    here.press(answer, "schedule-undo")
    assert _row(here).skipped == ()
    here.press(said, "schedule-skip")
    _to_start(here, 10 * MINUTE)
    assert here.machine().state is State.STOPPED
    here.pass_time(timedelta(days=1))
    assert here.machine().state is State.RUNNING


def test_a_skip_that_is_delivered_twice_skips_one_day() -> None:
    here = _scheduled()
    request = here.request("schedule bert skip")
    here.deliver(request)
    here.deliver(request)
    assert len(_row(here).skipped) == 1


def test_a_machine_that_runs_gets_the_later_deadline_and_never_an_earlier_one() -> None:
    here = _scheduled()
    here.type("start bert for 3h")
    _to_start(here, MINUTE)
    lease = here.machine().lease
    assert lease is not None
    assert (lease.deadline.hour, lease.deadline.minute) == _row(here).stops
    here.type("extend bert 2h")
    longer = here.machine().lease
    assert longer is not None and longer.deadline == lease.deadline + timedelta(hours=2)
    _to_start(here, timedelta(hours=3, minutes=10))
    assert here.machine().state is State.RUNNING
    assert here.machine().lease == longer


def _running_into_its_hours(here: Town, starts: datetime) -> Town:
    """Its lease ends as its hours begin, or within them and may not be made longer."""
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 23h name bert")
    here.pass_time(5 * MINUTE)
    days = "mon,tue,wed,thu,fri,sat,sun"
    here.type(f"schedule bert {days} {starts:%H:%M}-{starts + timedelta(hours=8):%H:%M}")
    return here


def test_a_lease_that_may_not_last_until_the_hours_end_is_followed_by_another_start() -> None:
    here = town()
    starts = here.now + timedelta(hours=22)
    _running_into_its_hours(here, starts)
    here.pass_time(starts + 2 * MINUTE - here.now)
    lease = here.machine().lease
    assert lease is not None and lease.deadline == lease.hard < starts + timedelta(hours=8)
    (said,) = _told(here, "rule `longest-lease`")
    assert "starts again a moment later" in said.text
    here.pass_time(lease.deadline - here.now + 10 * MINUTE)
    m = here.machine()
    assert m.lease is not None
    assert (m.state, m.lease.deadline) == (State.RUNNING, starts + timedelta(hours=8))
    here.pass_time(timedelta(hours=8))
    assert here.machine().state is State.STOPPED
    assert len(_told(here, "rule `longest-lease`")) == 1


@pytest.mark.parametrize("how", ["stop bert yes", "outside", "schedule bert skip"])
def test_what_stops_within_its_hours_for_another_reason_is_not_started_again(how: str) -> None:
    here = town()
    starts = here.now + timedelta(hours=22)
    _running_into_its_hours(here, starts)
    here.pass_time(starts + 10 * MINUTE - here.now)
    if how == "outside":
        here.control(do="stop-outside", instance=here.world.state()["instances"][0]["id"])
    else:
        here.type(how)
    here.pass_time(timedelta(hours=4))
    assert here.machine().state is State.STOPPED
    here.pass_time(timedelta(hours=20))
    assert here.machine().state is State.RUNNING, "the next day is another one"


def test_a_lease_that_ends_as_the_hours_begin_costs_no_day() -> None:
    here = town()
    starts = (here.now + timedelta(hours=2)).replace(second=0, microsecond=0)
    _running_into_its_hours(here, starts)
    m = here.machine()
    assert m.lease is not None
    here.ledger.save(replace(m, lease=replace(m.lease, deadline=starts, hard=starts)), m)
    here.pass_time(starts - here.now - timedelta(seconds=1))
    here.now = starts + timedelta(milliseconds=300)
    clockwork.follow(here.house, m.id)  # before anybody has looked at the machine
    here.pass_time(5 * MINUTE)
    m = here.machine()
    assert m.lease is not None
    assert (m.state, m.lease.deadline) == (State.RUNNING, starts + timedelta(hours=8))


def test_nothing_is_started_by_a_schedule_that_is_off_or_whose_machine_has_ended() -> None:
    here = _scheduled()
    here.type("schedule bert off")
    here.pass_time(timedelta(hours=2, minutes=10))
    assert here.machine().state is State.STOPPED
    other = _scheduled()
    other.type("end bert")
    other.pass_time(timedelta(hours=3))
    assert other.ledger.rows(Schedule) == ()
    assert other.failures == []


def test_an_hour_late_it_starts_if_enough_of_the_hours_is_left() -> None:
    here = _scheduled()
    _to_start(here, -10 * MINUTE)
    here.strikes_every = timedelta(hours=1)
    here.now = here.now + 70 * MINUTE
    here.pass_time(5 * MINUTE)
    assert here.machine().state in (State.STARTING, State.RUNNING)


def test_with_less_than_a_quarter_of_an_hour_left_it_waits_for_the_next_day() -> None:
    here = _scheduled()
    _to_start(here, -10 * MINUTE)
    here.now = here.now + timedelta(hours=2, minutes=58)
    here.pass_time(MINUTE * 5)
    assert here.machine().state is State.STOPPED


def test_a_start_that_is_throttled_for_minutes_runs_for_the_hours_that_are_left() -> None:
    here = _scheduled()
    here.control(do="fault", operation="StartInstances", code="RequestLimitExceeded", times=120)
    _to_start(here, 15 * MINUTE)
    assert here.machine().state is State.STARTING
    _to_start(here, 25 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert _told(here, "could not be started") == []


def test_without_capacity_it_says_so_once_and_goes_on_trying() -> None:
    here = _scheduled()
    zone = here.machine().placement
    assert zone is not None
    here.control(do="fill-zone", region="us-east-1", zone=zone.zone)
    _to_start(here, 20 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert len(_told(here, "EC2 has no room for")) == 1
    here.control(do="free-zone", region="us-east-1", zone=zone.zone)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_an_owner_who_left_starts_nothing_and_the_admins_hear_it_once() -> None:
    here = _scheduled()
    here.chat.add(replace(here.chat.person(ADA), active=False))
    _to_start(here, timedelta(hours=1))
    assert here.machine().state is State.STOPPED
    assert here.ledger.rows(Schedule) == ()
    admin = min(here.policy.admins)
    assert len([p for p in here.chat.directs(admin) if "no longer in" in p.message.text]) == 1


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_call_starts_it_once_all_the_same(after: bool) -> None:
    count = _scheduled()
    _to_start(count, -timedelta(seconds=1))
    for at in range(1, 40):
        here = _scheduled()
        _to_start(here, -timedelta(seconds=1))
        fuse = fused(here, at, after=after, ports=EVERY_PORT)
        try:
            here.pass_time(10 * MINUTE)
        except Killed:
            here.pass_time(10 * MINUTE)
        assert fuse.burnt
        assert here.machine().state is State.RUNNING, at
        starts = [h for h in here.machine().history if h.what.startswith("to start (by its")]
        assert len(starts) == 1, at


def test_only_the_owner_or_an_admin_gives_hours() -> None:
    here = _scheduled()
    before = _row(here)
    here.type("schedule bert off", LIN)
    assert _row(here) == before
    assert "bert" in here.type("schedule")[0].text
    assert "None of your machines" in here.type("schedule", SAM)[0].text
    assert "Runs every day" in here.type("show bert")[0].text


def test_a_second_clock_and_late_wakes_start_nothing_twice() -> None:
    here = _scheduled()
    _to_start(here, MINUTE)
    here.type("stop bert yes")
    here.pass_time(5 * MINUTE)
    for _ in range(3):
        here.wakes.wake(f"due/schedule/{here.machine().id}")
        here.pass_time(MINUTE)
    assert here.machine().state is State.STOPPED, "a person's stop stands for that day"


def test_a_stop_that_is_typed_before_the_schedule_looks_stands_for_that_day() -> None:
    here = _scheduled()
    here.type("start bert for 3h")
    _to_start(here, timedelta(seconds=-30))
    here.now += timedelta(seconds=50)  # its hours have begun, and the clock has not struck yet
    here.type("stop bert yes")
    assert here.machine().state is State.STOPPING
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED
    here.pass_time(timedelta(days=1))
    assert here.machine().state is State.RUNNING
    assert here.failures == []


def test_what_a_rule_stands_against_is_told_once_that_day() -> None:
    here = _scheduled()
    here.house = replace(here.house, policy=replace(here.policy, types=("g4dn.xlarge",)))
    _to_start(here, timedelta(hours=1))
    assert here.machine().state is State.STOPPED
    (said,) = _told(here, "could not be kept")
    assert "stopped" in said.text


def test_hours_longer_than_the_longest_lease_are_not_given() -> None:
    here = _scheduled()
    before = _row(here)
    shorter = replace(here.policy, longest_lease=timedelta(hours=4))
    here.house = replace(here.house, policy=shorter)
    (refused,) = here.type("schedule bert weekdays 9:00-18:00")
    assert "rule `longest-lease`" in refused.text
    assert _row(here) == before


def test_a_spot_machine_that_ends_at_its_deadline_is_given_no_hours() -> None:
    here = town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge spot in us-east-1 for 1h name bert")
    here.pass_time(3 * MINUTE)
    (said,) = here.type("schedule bert weekdays 9:00-18:00")
    assert "cannot have a schedule" in said.text
    assert here.ledger.rows(Schedule) == ()


def test_hours_that_have_begun_as_they_are_given_start_nothing_yet() -> None:
    here = _scheduled()
    began, ends = here.now - timedelta(hours=1), here.now + timedelta(hours=2)
    here.type(f"schedule bert mon,tue,wed,thu,fri,sat,sun {began:%H:%M}-{ends:%H:%M}")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED
