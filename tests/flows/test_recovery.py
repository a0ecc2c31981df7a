"""A spot machine that EC2 took comes back by itself, on the rest of its lease, unless somebody or
something says no."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.model import Budget, Cause, DataVolume, Desire, Machine, Market, Over, Scope, State
from sim.fuse import fused, guarded
from sim.town import ADA, POLICY, SAM, Town, town

MINUTE = timedelta(minutes=1)
ONE_UP = {"instances": 1, "volumes": 1, "snapshots": 0, "images": 0}
KEPT = {"instances": 0, "volumes": 0, "snapshots": 1, "images": 1}
RECOVER = "launch g5.xlarge spot recover in us-east-1 for 2h name bert"


def _running(text: str = RECOVER, here: Town | None = None) -> Town:
    here = here or Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(text)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING, here.machine().history
    return here


def _take(here: Town) -> None:
    instance = here.machine().instance
    assert instance is not None
    here.control(do="interrupt", instance=instance.id)


def _taken(here: Town, wait: timedelta = 6 * MINUTE) -> Machine:
    _take(here)
    here.pass_time(wait)
    assert here.failures == []
    return here.machine()


def _deadline(m: Machine) -> object:
    assert m.lease is not None
    return m.lease.deadline


def _counts(here: Town) -> dict[str, int]:
    return {name: here.counts()[name] for name in ONE_UP}


def _said(here: Town, words: str) -> list[str]:
    return [m.text for m in here.news() if words in m.text]


# ---- it comes back --------------------------------------------------------------------------


def test_it_comes_back_with_its_disk_and_its_deadline_stays() -> None:
    here = _running()
    before = here.machine()
    m = _taken(here)
    assert (m.state, m.recoveries, m.market) == (State.RUNNING, 1, Market.SPOT)
    assert m.instance != before.instance
    assert _deadline(m) == _deadline(before)
    assert "two minutes' notice; it comes back from its disk" in here.card().text
    assert m.lease is not None
    assert before.lease is not None
    assert (m.lease.hard, m.lease.length) == (before.lease.hard, before.lease.length)
    assert _counts(here) == ONE_UP


def test_the_channel_is_told_that_it_was_taken_that_it_comes_and_where_it_is() -> None:
    here = _running()
    m = _taken(here)
    assert m.placement is not None
    (notice,) = _said(here, "takes *bert* back and ends it")
    assert "Then it comes back by itself." in notice
    (coming,) = _said(here, "it comes back by itself: a new machine")
    assert "Spot is tried in every zone of us-east-1." in coming
    assert "`/gpu stop bert`" in coming
    (ready, again) = _said(here, "is ready")
    assert "It is back" not in ready
    assert f"It is back after EC2 took it: spot in {m.placement.zone}." in again
    assert [m for m in here.chat.directs(ADA) if "comes back by itself" in m.message.text]


def test_its_machine_knows_the_old_deadline_as_the_sweep_reads_it() -> None:
    here = _running()
    m = _taken(here)
    assert m.instance is not None
    shown = here.house.cloud.look(m.instance.region, m.instance.id)
    assert shown is not None
    assert shown.deadline == _deadline(m)


def test_another_zone_does_where_its_own_has_no_spot_left() -> None:
    here = _running()
    at = here.machine().placement
    assert at is not None
    here.control(do="fill-zone", region="us-east-1", zone=at.zone)
    m = _taken(here)
    assert m.placement is not None
    assert (m.state, m.market) == (State.RUNNING, Market.SPOT)
    assert m.placement.zone != at.zone


def test_on_demand_does_only_where_the_wish_said_so() -> None:
    here = _running("launch g5.xlarge spot or on-demand recover in us-east-1 for 2h name bert")
    before = here.machine()
    here.control(do="fill-zone", region="us-east-1", market="spot")
    m = _taken(here)
    assert (m.state, m.market) == (State.RUNNING, Market.ON_DEMAND)
    assert _deadline(m) == _deadline(before)
    assert _said(here, "It is back after EC2 took it: on-demand in us-east-1")


def test_its_data_volume_comes_along_to_another_zone() -> None:
    here = _running(f"{RECOVER} data bert 20")
    here.pass_time(2 * MINUTE)
    at = here.machine().placement
    assert at is not None
    here.control(do="fill-zone", region="us-east-1", zone=at.zone)
    m = _taken(here, 12 * MINUTE)
    row = here.ledger.row(DataVolume, f"{ADA}.bert")
    assert row is not None
    assert m.instance is not None
    (attached,) = [v for v in here.world.state()["volumes"] if v["tags"].get("gpu:data")]
    assert (m.state, attached["instance"]) == (State.RUNNING, m.instance.id)
    assert _said(here, "Its data volume *bert* stays.")
    assert _said(here, "Its data volume *bert* comes along.")


def test_it_stops_at_the_deadline_that_it_always_had() -> None:
    here = _running()
    end = _deadline(here.machine())
    m = _taken(here)
    here.pass_time(timedelta(hours=2))
    m = here.machine()
    assert (m.state, m.cause, _deadline(m)) == (State.STOPPED, Cause.DEADLINE, end)
    assert _counts(here) == KEPT


def test_spot_comes_back_where_the_rules_say_so_and_nobody_else() -> None:
    here = _running("launch g5.xlarge spot in us-east-1 for 2h name bert", town(recover=True))
    m = _taken(here)
    assert (m.state, m.recoveries) == (State.RUNNING, 1)
    bought = _running("launch g5.xlarge on-demand in us-east-1 for 2h", town(recover=True))
    assert not bought.machine().wish.recover


def test_spot_keep_that_nobody_wants_back_stays_stopped() -> None:
    here = _running("launch g5.xlarge spot keep in us-east-1 for 2h name bert")
    m = _taken(here)
    assert (m.state, m.desire, m.recoveries) == (State.STOPPED, Desire.STOP, 0)
    assert _counts(here) == KEPT


# ---- once a notice, and not for ever --------------------------------------------------------


def test_it_comes_back_three_times_in_a_lease_and_then_says_why_not() -> None:
    here = _running()
    for time in range(1, 4):
        assert _taken(here).recoveries == time
        assert here.machine().state is State.RUNNING
    m = _taken(here)
    assert (m.state, m.desire, m.recoveries) == (State.STOPPED, Desire.STOP, 3)
    (why,) = _said(here, "was stopped because EC2 took the spot capacity back")
    assert "does not come back by itself: EC2 has taken it 3 times before" in why
    assert "`/gpu start bert` starts it again" in why
    here.type("start bert")
    here.pass_time(3 * MINUTE)
    assert _taken(here).recoveries == 1


def test_with_less_than_a_quarter_of_an_hour_left_it_stays_and_says_so() -> None:
    here = _running("launch g5.xlarge spot recover in us-east-1 for 20m name bert")
    here.pass_time(4 * MINUTE)
    m = _taken(here)
    assert (m.state, m.desire, m.cause) == (State.STOPPED, Desire.STOP, Cause.SPOT)
    (why,) = _said(here, "was stopped because EC2 took")
    assert "does not come back by itself: its lease ends" in why
    assert _said(here, "takes *bert* back and ends it")
    assert not _said(here, "it comes back by itself:")


def test_a_snapshot_that_takes_too_long_leaves_it_stopped() -> None:
    here = _running("launch g5.xlarge spot recover in us-east-1 for 30m name bert")
    here.control(do="settings", snapshot=1800)
    m = _taken(here, 16 * MINUTE)
    assert (m.state, m.desire) == (State.STOPPED, Desire.STOP)
    assert _said(here, "could not be started: its time was over")


def test_the_same_notice_twice_brings_one_machine_back() -> None:
    here = _running()
    m = here.machine()
    assert m.instance is not None
    _take(here)
    for wait in (0, 1, 3, 4):
        here.pass_time(wait * MINUTE)
        here.wakes.wake(f"spot/machine/{m.id}/{m.instance.id}")
    here.pass_time(2 * MINUTE)
    after = here.machine()
    assert (after.recoveries, after.state, _counts(here)) == (1, State.RUNNING, ONE_UP)
    assert len(_said(here, "it comes back by itself: a new machine")) == 1
    assert len(_said(here, "takes *bert* back")) == 1


# ---- people, rules and capacity may say no --------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 60, 121, 124, 128, 135, 150, 165, 180])
def test_a_persons_stop_wins_whenever_it_comes(seconds: int) -> None:
    here = _running()
    _take(here)
    here.pass_time(timedelta(seconds=seconds))
    here.type("stop bert")
    here.pass_time(8 * MINUTE)
    m = here.machine()
    assert (m.state, m.desire) == (State.STOPPED, Desire.STOP), m.history
    assert _counts(here) == KEPT
    assert here.failures == []


@pytest.mark.parametrize("seconds", [60, 122, 128, 140, 165, 180])
def test_a_persons_end_wins_and_leaves_nothing(seconds: int) -> None:
    here = _running()
    _take(here)
    here.pass_time(timedelta(seconds=seconds))
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.ENDED
    assert set(here.counts().values()) == {0}


def test_without_room_it_says_why_and_offers_the_ways_on() -> None:
    here = _running()
    here.control(do="fill-zone", region="us-east-1", market="spot")
    m = _taken(here)
    assert (m.state, m.desire, _counts(here)) == (State.STOPPED, Desire.STOP, KEPT)
    said = here.news()[-1]
    assert "could not be started: EC2 has none of these free there right now." in said.text
    assert any(b["type"] == "actions" for b in said.blocks)
    here.press(said, "choose-0")
    here.pass_time(3 * MINUTE)
    assert (here.machine().state, here.machine().market) == (State.RUNNING, Market.ON_DEMAND)


def test_who_said_keep_trying_is_taken_at_it_when_it_comes_back() -> None:
    here = _running("launch g5.xlarge spot recover in us-east-1 for 2h keep trying name bert")
    before = here.machine()
    here.control(do="fill-zone", region="us-east-1", market="spot")
    m = _taken(here, 20 * MINUTE)
    assert (m.state, m.desire, here.counts()["instances"]) == (State.STOPPED, Desire.RUN, 0)
    assert "keeps trying to start" in here.card().text
    here.control(do="free-zone", region="us-east-1", market="spot")
    here.pass_time(7 * MINUTE)
    m = here.machine()
    assert (m.state, m.recoveries, _deadline(m)) == (State.RUNNING, 1, _deadline(before))


def test_trying_to_come_back_ends_a_quarter_of_an_hour_before_the_deadline() -> None:
    here = _running("launch g5.xlarge spot recover in us-east-1 for 1h keep trying name bert")
    here.control(do="fill-zone", region="us-east-1", market="spot")
    m = _taken(here, 44 * MINUTE)
    assert (m.state, m.desire, _counts(here)) == (State.STOPPED, Desire.STOP, KEPT)
    assert _said(here, "could not be started: its time was over")


def test_a_budget_that_is_spent_meanwhile_keeps_it_stopped_and_is_named() -> None:
    here = _running()
    cap = Budget(scope=Scope.TEAM, monthly=Decimal("0.01"))
    here.house = replace(here.house, policy=replace(POLICY, budgets=(cap,), over=Over.BLOCK))
    m = _taken(here)
    assert (m.state, m.desire, _counts(here)) == (State.STOPPED, Desire.STOP, KEPT)
    (said,) = _said(here, "could not be started")
    assert "budget" in said
    assert "AWS gave no clear answer" not in said


def _approved() -> Town:
    """Above the price limit for Ada; Sam has said yes."""
    here = town(approval_above=Decimal("0.01"))
    here.with_quota()
    here.ready_to_launch()
    here.type(RECOVER)
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    (asked,) = [p.message for p in here.chat.directs(SAM) if "approval" in p.message.text]
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING, here.machine().history
    return here


def test_what_an_approver_allowed_comes_back_and_a_later_start_by_a_person_is_judged_anew() -> None:
    here = _approved()
    m = _taken(here)
    assert (m.state, m.recoveries) == (State.RUNNING, 1), m.history
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    here.type("start bert")
    here.pass_time(5 * MINUTE)
    assert (here.machine().state, here.machine().desire) == (State.STOPPED, Desire.STOP)
    assert _said(here, "could not be started")


def test_what_has_become_dearer_than_was_allowed_does_not_come_back() -> None:
    here = _approved()
    m = here.machine()
    assert m.grant is not None
    cheap = replace(m.grant, hourly=Decimal("0.02"), total=Decimal("0.04"))
    here.ledger.save(replace(m, grant=cheap), m)
    m = _taken(here)
    assert (m.state, m.desire, _counts(here)) == (State.STOPPED, Desire.STOP, KEPT)
    assert _said(here, "dearer than what was approved")


def test_a_machine_that_was_ended_in_the_console_does_not_come_back() -> None:
    here = _running()
    m = here.machine()
    assert m.instance is not None
    here.control(do="terminate-outside", instance=m.instance.id)
    here.pass_time(6 * MINUTE)
    m = here.machine()
    assert (m.state, m.cause, m.recoveries) == (State.STOPPED, Cause.OUTSIDE, 0)


def test_an_admin_may_stop_what_comes_back() -> None:
    here = _running()
    _take(here)
    here.pass_time(timedelta(seconds=150))
    here.type("stop bert", SAM)
    here.pass_time(6 * MINUTE)
    assert here.machine().state is State.STOPPED


# ---- a function may die anywhere ------------------------------------------------------------


def _story(here: Town) -> Iterator[Callable[[], object]]:
    yield lambda: _take(here)
    yield lambda: here.pass_time(6 * MINUTE)


def _has_a_disk(here: Town) -> bool:
    return here.counts()["volumes"] + here.counts()["snapshots"] > 0


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_it_comes_back_once_with_its_disk(after: bool) -> None:
    here = _running()
    end = _deadline(here.machine())
    fuse = fused(here)
    for act in _story(here):
        act()
    assert fuse.counted > 80
    for at in range(1, fuse.counted + 1):
        here = _running()
        fused(here, at, after=after)
        take, wait = _story(here)
        take()
        guarded(wait)
        assert _has_a_disk(here), at
        here.pass_time(6 * MINUTE)
        m = here.machine()
        assert (m.state, m.recoveries) == (State.RUNNING, 1), (at, m.history)
        assert (_counts(here), m.kept, _deadline(m)) == (ONE_UP, None, end), at
