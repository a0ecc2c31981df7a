"""Sums of spending: whatever they are cut into, they add up to the meter's."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import costs, meter
from core.model import Bill, Market, Run, Store
from core.periods import period

NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
MONTH = period("month", NOW)
TINY = Decimal("1e-15")  # what 28 digits may lose on the way
money = st.decimals(Decimal("0.0001"), Decimal(99), places=4)
moments = st.integers(0, 70 * 86_400).map(lambda s: NOW - timedelta(seconds=s))


@st.composite
def runs(draw: st.DrawFn) -> tuple[Run, ...]:
    """Starts and price changes, one after the other; the last may still go on."""
    edges = sorted(draw(st.lists(moments, min_size=2, max_size=7, unique=True)))
    found = []
    for started, ended in itertools.pairwise(edges):
        if draw(st.booleans()):
            run = Run(
                started_at=started,
                ended_at=ended,
                hourly=draw(money),
                instances=draw(st.integers(1, 3)),
            )
            found.append(run)
    return tuple(found)


stores = st.builds(
    lambda kind, a, b, hourly: Store(
        kind=kind, started_at=min(a, b), ended_at=max(a, b), hourly=hourly
    ),
    st.sampled_from(["disk", "snapshot", "data", "image"]),
    moments,
    moments,
    money,
)
bills = st.lists(
    st.builds(
        Bill,
        machine=st.uuids().map(str),
        name=st.just("amber-fox"),
        owner=st.sampled_from([f"U{n}" for n in range(9)]),
        project=st.sampled_from(["", "bert"]),
        kind=st.just("g5.xlarge"),
        market=st.sampled_from(Market),
        runs=runs(),
        stores=st.lists(stores, max_size=3).map(tuple),
    ),
    max_size=8,
).map(tuple)
slow = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def add(values: Iterable[Decimal]) -> Decimal:
    return sum(values, Decimal(0))


@slow
@given(bills)
def test_every_way_to_cut_the_sum_adds_up_to_the_meters(found: tuple[Bill, ...]) -> None:
    total = meter.total(found, MONTH.since, MONTH.until)
    report = costs.report(found, MONTH, NOW)
    assert report.total == total
    assert abs(report.parts.total - total) < TINY
    for shares in (report.people, report.projects, report.markets, report.machines):
        assert abs(add(one.usd for one in shares) - total) < TINY
    lines = costs.lines(found, MONTH.since, MONTH.until)
    assert abs(add(line.parts.total for line in lines) - total) < TINY
    assert all(MONTH.since <= line.started_at <= line.ended_at <= MONTH.until for line in lines)


@slow
@given(bills)
def test_the_bars_of_a_day_add_up_to_the_day(found: tuple[Bill, ...]) -> None:
    report = costs.report(found, MONTH, NOW)
    drawn = costs.series(found, report.days, lambda bill: bill.owner)
    assert len(drawn) <= costs.MOST_SERIES
    for at, usd in enumerate(report.daily):
        assert abs(add(values[at] for _, values in drawn) - usd) < TINY
    assert abs(add(report.daily) - report.total) < TINY * 100


@slow
@given(bills)
def test_no_part_is_less_than_nothing(found: tuple[Bill, ...]) -> None:
    parts = costs.parts(found, MONTH.since, MONTH.until)
    assert min(parts.compute, parts.addresses, parts.disks, parts.data, parts.kept) >= 0
    assert parts.stopped >= 0


def hours(count: float) -> datetime:
    return NOW - timedelta(hours=count)


STOPPED = Bill(
    machine="m1",
    name="amber-fox",
    owner="U0ADA",
    runs=(Run(started_at=hours(10), ended_at=hours(6), hourly=Decimal(1)),),
    stores=(
        Store(kind="disk", started_at=hours(10), ended_at=None, hourly=Decimal("0.01")),
        Store(kind="snapshot", started_at=hours(1), ended_at=None, hourly=Decimal("0.1")),
    ),
)


def test_a_disk_is_told_apart_by_whether_its_machine_ran() -> None:
    parts = costs.parts([STOPPED], MONTH.since, MONTH.until)
    assert (parts.compute, parts.addresses) == (Decimal(4), Decimal("0.02"))
    assert (parts.disks, parts.stopped) == (Decimal("0.04"), Decimal("0.06"))
    assert (parts.kept, parts.data) == (Decimal("0.1"), Decimal(0))


@pytest.mark.parametrize(("at", "usd"), [(8, "1.015"), (5, "0.01"), (0.5, "0.11")])
def test_the_rate_is_of_what_costs_money_at_that_moment(at: float, usd: str) -> None:
    assert costs.rate(STOPPED, hours(at)) == Decimal(usd)


def test_the_dearest_come_first_and_the_rest_together() -> None:
    found = tuple(
        Bill(
            machine=f"m{n}",
            name=f"m{n}",
            owner=f"U{n}",
            runs=(Run(started_at=hours(2), ended_at=hours(1), hourly=Decimal(n)),),
        )
        for n in range(1, 9)
    )
    report = costs.report(found, MONTH, NOW)
    assert [share.key for share in report.people][:2] == ["U8", "U7"]
    drawn = costs.series(found, report.days, lambda bill: bill.owner)
    assert {name for name, _ in drawn} == {"U8", "U7", "U6", "U5", "U4", costs.OTHERS}
    assert len(costs.series(found[:6], report.days, lambda bill: bill.owner)) == 6
