"""The sweep: tags decide where no row does; a row may only save what its tag is behind of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.model import (
    Desire,
    Instance,
    Lease,
    Machine,
    Market,
    State,
    Wish,
)
from core.ports import Tagged
from core.reconcile import GRACE, MOST_UNEXPLAINED, Action, sweep

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _tagged(
    deadline: datetime | None,
    *,
    market: Market = Market.ON_DEMAND,
    state: str = "running",
    launched: datetime = NOW - 5 * HOUR,
    id: str = "i-1",
) -> Tagged:
    instance = Instance(
        id=id, region="us-east-1", zone="us-east-1a", state=state, launched_at=launched
    )
    return Tagged(instance=instance, machine="m-1", owner="U1", market=market, deadline=deadline)


def _row(state: State, deadline: datetime) -> Machine:
    lease = Lease(
        length=HOUR,
        started_at=deadline - HOUR,
        deadline=deadline,
        warn_at=deadline,
        hard=deadline + HOUR,
    )
    return Machine(
        id="m-1",
        version=1,
        name="amber-fox",
        owner="U1",
        channel="C1",
        wish=Wish(instance_type="g5.xlarge", market=Market.ON_DEMAND, region="us-east-1"),
        state=state,
        desire=Desire.RUN,
        created_at=NOW - 5 * HOUR,
        launch_by=NOW,
        due_at=NOW,
        lease=lease,
    )


def test_a_machine_within_its_lease_is_left_alone() -> None:
    found = ((_tagged(NOW + HOUR), _row(State.RUNNING, NOW + HOUR)),)
    assert sweep(found, NOW) == ()


def test_a_deadline_that_has_just_passed_wakes_the_row_first() -> None:
    at = NOW - timedelta(seconds=10)
    (swept,) = sweep(((_tagged(at), _row(State.RUNNING, at)),), NOW)
    assert swept.action is Action.WAKE


@pytest.mark.parametrize(
    ("market", "action"), [(Market.SPOT, Action.TERMINATE), (Market.ON_DEMAND, Action.STOP)]
)
def test_a_machine_that_outlived_its_deadline_is_stopped_whatever_its_row_does(
    market: Market, action: Action
) -> None:
    at = NOW - GRACE - timedelta(seconds=1)
    (swept,) = sweep(((_tagged(at, market=market), _row(State.RUNNING, at)),), NOW)
    assert swept.action is action


def test_a_row_that_was_extended_saves_a_machine_whose_tag_is_old() -> None:
    assert sweep(((_tagged(NOW - HOUR), _row(State.RUNNING, NOW + HOUR)),), NOW) == ()


def test_an_older_lease_in_the_row_does_not_kill_a_machine_whose_tag_is_newer() -> None:
    assert sweep(((_tagged(NOW + HOUR), _row(State.RUNNING, NOW - HOUR)),), NOW) == ()


def test_a_machine_whose_row_is_lost_is_stopped_at_the_deadline_of_its_tag() -> None:
    (swept,) = sweep(((_tagged(NOW - timedelta(seconds=1)), None),), NOW)
    assert swept.action is Action.STOP


@pytest.mark.parametrize("state", ["stopping", "stopped", "shutting-down"])
def test_what_does_not_run_is_never_touched(state: str) -> None:
    assert sweep(((_tagged(NOW - HOUR, state=state), None),), NOW) == ()


def test_no_more_than_three_unexplained_machines_are_stopped_in_one_sweep() -> None:
    found = tuple((_tagged(NOW + HOUR, id=f"i-{n}"), None) for n in range(50))
    assert len(sweep(found, NOW)) == MOST_UNEXPLAINED


def test_a_machine_launched_a_moment_ago_may_still_wait_for_its_row() -> None:
    young = _tagged(NOW + HOUR, launched=NOW - timedelta(minutes=5))
    assert sweep(((young, None),), NOW) == ()


def test_an_instance_that_is_not_the_one_in_its_row_is_watched_by_nobody() -> None:
    mine = _tagged(NOW + HOUR, id="i-other")
    row = replace(_row(State.RUNNING, NOW + HOUR), instance=_tagged(None).instance)
    (swept,) = sweep(((mine, row),), NOW)
    assert swept.action is Action.STOP
    assert sweep(((_tagged(NOW + HOUR), row),), NOW) == ()


def test_a_row_that_cannot_be_read_is_no_reason_to_stop_before_the_tag_says_so() -> None:
    in_time, late = _tagged(NOW + HOUR), _tagged(NOW - GRACE - timedelta(seconds=1))
    assert sweep((), NOW, (in_time,)) == ()
    (swept,) = sweep((), NOW, (late,))
    assert swept.action is Action.STOP


def test_an_unreadable_deadline_counts_as_passed_after_a_day() -> None:
    row = None
    before = _tagged(None, launched=NOW - timedelta(minutes=10))
    after = _tagged(None, launched=NOW - timedelta(hours=24, minutes=1))
    assert sweep(((before, row),), NOW) == ()
    assert len(sweep(((after, row),), NOW)) == 1
