"""Bad days of a lease: it ends when it says, whatever Slack, the clock or people do, and
whoever has to know of it does so once."""

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.model import Cause, Lease, State
from sim.town import ADA, CHANNEL, SAM, Town, person

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def _running(kind: str = "g5.xlarge on-demand", length: str = "1h") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"launch {kind} in us-east-1 for {length} name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _lease(here: Town) -> Lease:
    lease = here.machine().lease
    assert lease is not None
    return lease


def _until(here: Town, at: datetime) -> None:
    here.pass_time(at - here.now)


def _said(here: Town, words: str, channel: str = CHANNEL) -> int:
    return len([one for one in here.news(channel) if words in one.text])


WARNED, STOPPED = "stops by itself", "was stopped"


def _told_once(here: Town) -> None:
    assert _said(here, f"*bert* {WARNED}") == 1
    assert _said(here, f"*bert* {STOPPED}") == 1
    assert here.machine().owed == ()
    assert here.failures == []


# ---- the clock ------------------------------------------------------------------------------


def test_with_a_clock_late_by_an_hour_it_is_stopped_and_everybody_told_once() -> None:
    here = _running(length="2h")
    here._next_minute = _lease(here).deadline + 30 * MINUTE
    _until(here, _lease(here).deadline + 3 * MINUTE)
    assert here.world.up() == ()
    here.pass_time(HOUR)
    assert here.machine().state is State.STOPPED
    assert here.machine().cause is Cause.DEADLINE
    assert _said(here, f"*bert* {STOPPED}") == 1
    assert _said(here, f"*bert* {WARNED}") <= 1
    assert here.machine().owed == ()


def test_two_clocks_at_once_warn_and_stop_once() -> None:
    here = _running()
    hands: Any = here
    strikes: Callable[[], None] = here._clock_strikes

    def twice() -> None:
        strikes()
        strikes()

    hands._clock_strikes = twice
    _until(here, _lease(here).deadline + 5 * MINUTE)
    assert here.machine().state is State.STOPPED
    _told_once(here)


# ---- Slack ----------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [20 * MINUTE, 5 * MINUTE, MINUTE])
def test_while_slack_takes_nothing_for_ten_minutes_it_stops_and_all_is_said_once_afterwards(
    before: timedelta,
) -> None:
    here = _running()
    _until(here, _lease(here).deadline - before)
    here.chat.down = True
    here.pass_time(10 * MINUTE)
    here.chat.down = False
    _until(here, _lease(here).deadline + 3 * MINUTE)
    assert here.world.up() == ()
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert _said(here, f"*bert* {STOPPED}") == 1
    told = ("*bert* stops", "its deadline and")
    warned = [one for one in here.news() if any(words in one.text for words in told)]
    assert len(warned) == 1
    assert len([p for p in here.chat.directs(ADA) if p.message == warned[0]]) == 1
    assert here.machine().owed == ()
    assert here.failures == []


def test_after_a_429_slack_is_not_asked_again_before_it_wants_to_be() -> None:
    here = _running()
    _until(here, _lease(here).warn_at - SECOND)
    here.chat.busy_for = 3 * MINUTE
    here.pass_time(2 * SECOND)
    asked, at = here.chat.asked, here.now
    assert asked > 0
    _until(here, at + 3 * MINUTE - 3 * SECOND)
    assert here.chat.asked == asked
    here.chat.busy_for = None
    here.pass_time(MINUTE)
    assert _said(here, f"*bert* {WARNED}") == 1
    _until(here, _lease(here).deadline + 5 * MINUTE)
    _told_once(here)


def test_a_429_neither_keeps_it_running_nor_loses_a_message() -> None:
    here = _running()
    _until(here, _lease(here).deadline - MINUTE)
    here.chat.busy_for = 10 * MINUTE
    here.pass_time(4 * MINUTE)
    assert here.world.up() == ()
    here.chat.busy_for = None
    here.pass_time(15 * MINUTE)
    _told_once(here)


def test_a_429_between_the_channel_and_the_owner_says_nothing_twice_in_the_channel() -> None:
    here = _running()
    _until(here, _lease(here).warn_at - SECOND)
    chat: Any = here.chat
    dm, times = chat.dm, itertools.count()

    def refused_twice(user: str, message: Any) -> Any:
        chat.busy_for = 40 * SECOND if next(times) < 2 else None
        try:
            return dm(user, message)
        finally:
            chat.busy_for = None

    chat.dm = refused_twice
    here.pass_time(5 * MINUTE)
    assert _said(here, f"*bert* {WARNED}") == 1
    direct = Counter(p.message.text for p in here.chat.directs(ADA) if WARNED in p.message.text)
    assert list(direct.values()) == [1]


# ---- people ---------------------------------------------------------------------------------


@pytest.mark.parametrize("forgotten", [False, True])
def test_the_machine_of_somebody_who_left_is_warned_of_and_stopped_and_the_admins_hear_once(
    *, forgotten: bool
) -> None:
    here = _running(length="3h")
    here.chat.add(replace(person(ADA, "ada"), active=False))
    if forgotten:
        del here.chat._people[ADA]
    before = len(here.chat.directs(ADA))
    _until(here, _lease(here).deadline + 5 * MINUTE)
    assert here.machine().state is State.STOPPED
    _told_once(here)
    assert len(here.chat.directs(ADA)) == before
    (to_admin,) = [p.message.text for p in here.chat.directs(SAM) if "workspace" in p.message.text]
    assert f"<@{ADA}>" in to_admin
    assert "*bert*" in to_admin
    asked = here.chat.asked
    here.pass_time(3 * HOUR)
    assert here.chat.asked <= asked + 4


@pytest.mark.parametrize("seconds", [1, 5, 30])
def test_an_extension_just_before_the_end_is_kept_and_one_just_after_it_is_refused(
    seconds: int,
) -> None:
    here = _running()
    old = _lease(here)
    _until(here, old.deadline - seconds * SECOND)
    here.type("extend bert 30m")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert _lease(here).deadline == old.deadline + 30 * MINUTE
    _until(here, _lease(here).deadline)
    here.type("extend bert 30m")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.STOPPED


def test_an_extension_written_between_the_look_and_the_stop_wins() -> None:
    here = _running()
    old = _lease(here)
    _until(here, old.deadline - SECOND)
    ledger: Any = here.ledger
    save = ledger.save
    raced: list[bool] = []

    def racing(new: Any, seen: Any) -> Any:
        if new.desire is not seen.desire and not raced:
            raced.append(True)
            row = ledger.machine(seen.id)
            lease = replace(row.lease, deadline=old.deadline + 30 * MINUTE, version=2)
            save(replace(row, lease=lease), row)
        return save(new, seen)

    ledger.save = racing
    here.pass_time(5 * MINUTE)
    assert raced
    assert here.machine().state is State.RUNNING
    assert len(here.world.up()) == 1


# ---- prices ---------------------------------------------------------------------------------


def test_a_spot_price_that_is_missing_breaks_neither_cards_nor_warnings_nor_costs() -> None:
    here = _running("g5.xlarge spot")
    empty: dict[str, Any] = {"SpotPriceHistory": []}
    call = here.world.call

    def without(service: str, region: str, operation: str, params: Any) -> Any:
        return (
            empty
            if operation == "DescribeSpotPriceHistory"
            else call(service, region, operation, params)
        )

    world: Any = here.world
    world.call = without
    for words in ("cost", "list", "show bert", "extend bert 5m"):
        assert here.type(words)
    _until(here, _lease(here).deadline + 5 * MINUTE)
    assert here.machine().state is State.ENDED
    assert _said(here, "*bert* ends by itself") == 1
    assert here.machine().runs[-1].hourly > Decimal(0)
    assert here.failures == []
