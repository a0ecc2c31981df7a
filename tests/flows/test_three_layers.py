"""Three layers that stop a machine, each shown to work while the two others are dead: the clock
with its rows, the sweep over EC2's tags, and the machine's own timer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.model import Cause, State
from core.ports import UnreadableRow
from sim.town import Town

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
KINDS = ["g5.xlarge on-demand", "g5.xlarge spot", "g5.xlarge spot keep", "g5.xlarge x3 on-demand"]


def _town(*, guest: bool = False, sweeping: bool = False) -> Town:
    here = Town(sweeping=sweeping)
    here.control(do="settings", guest=1 if guest else None)
    here.with_quota()
    here.ready_to_launch()
    return here


def _launched(here: Town, kind: str = KINDS[0], length: str = "1h") -> None:
    here.type(f"launch {kind} in us-east-1 for {length} name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING


def _deaf(here: Town) -> None:
    """No wake is delivered: the rows are looked at by nobody."""
    hands: Any = here
    hands._wake = lambda _: None


def _dead(here: Town) -> None:
    """Nothing of the bot runs any more."""
    _deaf(here)
    hands: Any = here
    hands._clock_strikes = lambda: None


def _up(here: Town) -> list[str]:
    return list(here.world.up())


def _outlived(here: Town) -> timedelta:
    """By how much the last of its instances outlives the deadline of the lease, to the second."""
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.deadline - SECOND - here.now)
    assert _up(here), "stopped before its deadline"
    while _up(here):
        here.pass_time(SECOND)
        assert here.now < lease.deadline + timedelta(hours=2), "it runs on"
    return here.now - lease.deadline


# ---- the clock alone ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_clock_alone_stops_it_within_three_minutes(kind: str) -> None:
    here = _town()
    _launched(here, kind)
    assert _outlived(here) <= 3 * MINUTE


def test_the_clock_alone_without_the_exact_wakes_stops_it_within_three_minutes() -> None:
    """The queue's own delays are lost: only what the clock puts there each minute arrives."""
    here = _town()
    _launched(here)
    wakes: Any = here.wakes
    wake = wakes.wake
    wakes.wake = lambda key, after=timedelta(0): None if after else wake(key)
    assert _outlived(here) <= 3 * MINUTE


@pytest.mark.parametrize("skew", [-2 * MINUTE, 2 * MINUTE])
def test_the_clock_alone_with_functions_whose_clocks_are_wrong_stops_it_within_three_minutes(
    skew: timedelta,
) -> None:
    here = _town()
    _launched(here)
    here.house = replace(here.house, clock=lambda: here.now + skew)
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.deadline + 3 * MINUTE - here.now)
    assert _up(here) == []
    assert here.machine().cause is Cause.DEADLINE


def test_two_clocks_at_once_stop_it_once_and_say_so_once() -> None:
    here = _town(sweeping=True)
    hands: Any = here
    strikes: Callable[[], None] = here._clock_strikes

    def twice() -> None:
        strikes()
        strikes()

    hands._clock_strikes = twice
    _launched(here)
    stopped = here.hearing("StopInstances")
    assert _outlived(here) <= 3 * MINUTE
    here.pass_time(5 * MINUTE)
    assert len(stopped) == 1
    assert len([one for one in here.news() if "was stopped" in one.text]) == 1
    assert here.failures == []


# ---- the sweep alone ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_sweep_alone_stops_it_within_three_minutes(kind: str) -> None:
    here = _town(sweeping=True)
    _launched(here, kind)
    _deaf(here)
    assert _outlived(here) <= 3 * MINUTE


def test_the_sweep_alone_does_not_need_to_read_the_row() -> None:
    here = _town(sweeping=True)
    _launched(here)
    _deaf(here)
    lease = here.machine().lease
    assert lease is not None

    def unreadable(id: str) -> None:
        raise UnreadableRow(id)

    ledger: Any = here.ledger
    ledger.machine = unreadable
    here.pass_time(lease.deadline - SECOND - here.now)
    assert _up(here)
    here.pass_time(3 * MINUTE + SECOND)
    assert _up(here) == []


@pytest.mark.parametrize("skew", [-2 * MINUTE, 2 * MINUTE])
def test_a_sweep_whose_clock_is_wrong_is_wrong_by_no_more_than_that(skew: timedelta) -> None:
    here = _town(sweeping=True)
    _launched(here)
    _deaf(here)
    lease = here.machine().lease
    assert lease is not None
    here.house = replace(here.house, clock=lambda: here.now + skew)
    here.pass_time(lease.deadline + 3 * MINUTE - skew - here.now)
    assert _up(here) == []


def test_what_the_sweep_has_stopped_is_told_as_the_end_of_its_lease() -> None:
    here = _town(sweeping=True)
    _launched(here)
    hands: Any = here
    wake = here._wake
    _deaf(here)
    assert _outlived(here) <= 3 * MINUTE
    hands._wake = wake
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert here.machine().cause is Cause.DEADLINE
    assert here.failures == []


# ---- the machine's own timer alone ----------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS, "g4dn.xlarge on-demand"])
@pytest.mark.parametrize("length", ["20m", "1h", "61m"])
def test_with_every_function_dead_it_stops_itself_within_two_minutes(
    kind: str, length: str
) -> None:
    here = _town(guest=True)
    _launched(here, kind, length)
    _dead(here)
    assert MINUTE <= _outlived(here) <= 2 * MINUTE


def test_an_extension_just_before_the_functions_die_counts() -> None:
    here = _town(guest=True)
    _launched(here)
    before = here.machine().lease
    assert before is not None
    here.pass_time(before.deadline - 5 * SECOND - here.now)
    here.type("extend bert 30m")
    here.pass_time(SECOND)
    after = here.machine().lease
    assert after is not None
    assert after.deadline == before.deadline + 30 * MINUTE
    _dead(here)
    assert MINUTE <= _outlived(here) <= 2 * MINUTE


def test_an_older_type_whose_tags_may_be_old_stops_at_the_longest_time_after_its_boot() -> None:
    here = _town(guest=True)
    _launched(here, "p3.2xlarge on-demand")
    _dead(here)
    booted = here.now
    here.pass_time(23 * 60 * MINUTE)
    assert _up(here)
    here.pass_time(booted + timedelta(days=30) - here.now)
    assert _up(here) == []


def test_what_stopped_itself_is_told_as_the_end_of_its_lease_once_the_bot_is_back() -> None:
    here = _town(guest=True)
    _launched(here)
    hands: Any = here
    wake, strikes = here._wake, here._clock_strikes
    _dead(here)
    assert _outlived(here) <= 2 * MINUTE
    here.pass_time(5 * MINUTE)
    hands._wake, hands._clock_strikes = wake, strikes
    here.pass_time(5 * MINUTE)
    m = here.machine()
    assert m.state is State.STOPPED
    assert m.cause is Cause.DEADLINE
    assert "outside" not in here.news()[-1].text
    assert here.failures == []


def test_what_somebody_shuts_down_before_its_deadline_was_stopped_outside() -> None:
    here = _town(guest=True)
    _launched(here)
    here.control(do="stop-outside", instance=_up(here)[0])
    here.pass_time(2 * MINUTE)
    assert here.machine().cause is Cause.OUTSIDE


# ---- all three ------------------------------------------------------------------------------


def test_while_the_bot_works_the_machines_own_timer_never_comes_first() -> None:
    here = _town(guest=True, sweeping=True)
    _launched(here)
    stopped = here.hearing("StopInstances")
    assert _outlived(here) <= MINUTE
    assert len(stopped) == 1


def test_with_a_clock_late_by_an_hour_nothing_outlives_its_deadline_by_two_minutes() -> None:
    here = _town(guest=True, sweeping=True)
    _launched(here)
    here._next_minute = here.now + timedelta(hours=2)
    _deaf(here)
    assert _outlived(here) <= 2 * MINUTE
