"""EC2's own times cut what is billed, in whatever order and however often they are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from core import lifecycle as life
from core.lifecycle.billing import seen_over
from core.model import Desire, Instance, Machine, Market, Run, State, Wish
from core.news import wake_key

T = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
INSTANCE = Instance(id="i-1", region="us-east-1", zone="us-east-1a", state="running", launched_at=T)
PRICE = Decimal(1)


def run(start: datetime, end: datetime | None = None, hourly: Decimal = PRICE) -> Run:
    return Run(started_at=start, ended_at=end, hourly=hourly)


def machine(*runs: Run) -> Machine:
    return Machine(
        id="m-1",
        version=1,
        name="amber-fox",
        owner="U1",
        channel="C1",
        wish=Wish(instance_type="g5.xlarge", market=Market.ON_DEMAND, region="us-east-1"),
        state=State.RUNNING,
        desire=Desire.RUN,
        created_at=T,
        launch_by=T,
        due_at=T,
        instance=INSTANCE,
        runs=runs,
    )


TOLD = (
    ("running", T + 9 * SECOND),
    ("stopping", T + HOUR),
    ("stopped", T + HOUR + 20 * SECOND),
)


@pytest.mark.parametrize("order", [*permutations(TOLD), TOLD * 2])
def test_whatever_the_order_and_however_often_what_ec2_tells_comes_to_the_same(
    order: tuple[tuple[str, datetime], ...],
) -> None:
    m = machine(run(T, T + HOUR + MINUTE))
    for state, at in order:
        m = life.timed(m, "i-1", state, at)
    assert m.runs == (run(T + 9 * SECOND, T + HOUR),)


def test_a_late_end_is_that_of_the_start_it_falls_into() -> None:
    later = run(T + 2 * HOUR)
    m = life.timed(machine(run(T, T + HOUR + MINUTE), later), "i-1", "stopping", T + HOUR)
    assert m.runs == (run(T, T + HOUR), later)


def test_prices_that_came_after_the_end_are_not_paid() -> None:
    dearer = run(T + HOUR, None, Decimal(2))
    m = life.timed(machine(run(T, T + HOUR), dearer), "i-1", "stopping", T + 30 * MINUTE)
    assert m.runs == (run(T, T + 30 * MINUTE),)


@pytest.mark.parametrize(
    ("instance", "state", "at"),
    [
        ("i-other", "stopping", T + MINUTE),
        ("i-1", "pending", T + MINUTE),
        ("i-1", "running", T + HOUR),
        ("i-1", "stopping", T - MINUTE),
        ("i-1", "stopping", T),
    ],
)
def test_what_is_not_about_it_changes_nothing(instance: str, state: str, at: datetime) -> None:
    m = machine(run(T))
    assert life.timed(m, instance, state, at) is m


def test_a_final_machine_keeps_the_bill_that_was_written() -> None:
    m = replace(machine(run(T, T + HOUR)), state=State.ENDED)
    assert life.timed(m, "i-1", "stopping", T + MINUTE) is m


def test_it_is_over_when_ec2_says_and_else_when_it_was_seen() -> None:
    m = machine(run(T))
    told = replace(INSTANCE, state="stopped", ended_at=T + HOUR)
    assert seen_over(m, T + 2 * HOUR, told) == (run(T, T + HOUR),)
    assert seen_over(m, T + 2 * HOUR, INSTANCE) == (run(T, T + 2 * HOUR),)


def test_an_event_becomes_a_wake_with_its_own_time() -> None:
    event = {
        "detail-type": "EC2 Instance State-change Notification",
        "time": "2026-11-24T12:00:00Z",
        "detail": {"instance-id": "i-1", "state": "stopping"},
    }
    assert wake_key(event, "m-1") == f"told/machine/m-1/i-1/stopping/{int(T.timestamp())}"
    notice = {**event, "detail-type": "EC2 Spot Instance Interruption Warning"}
    assert wake_key(notice, "m-1") == "spot/machine/m-1/i-1"
