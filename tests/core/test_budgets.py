"""Budgets: what is spent and promised, what would pass one, which marks are reached."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import budgets
from core.model import Bill, Budget, Commitment, Over, Run, Scope

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEAM = Budget(scope=Scope.TEAM, monthly=Decimal(100))


def bill(owner: str = "U1", hours: int = 10, channel: str = "C1") -> Bill:
    """Hours at $0.995 with an address: $1 each."""
    start = NOW - hours * HOUR
    run = Run(started_at=start, ended_at=NOW, hourly=Decimal("0.995"))
    return Bill(machine="m-1", name="bert", owner=owner, channel=channel, runs=(run,))


def promise(
    hours: int = 10, owner: str = "U1", each: str = "1", machine: str = "m-2"
) -> Commitment:
    return Commitment(
        machine=machine,
        owner=owner,
        channel="C1",
        hourly=Decimal(each),
        since=NOW,
        until=NOW + hours * HOUR,
    )


def test_what_is_spent_and_what_is_promised_are_told_apart() -> None:
    at = budgets.standing(TEAM, "", [bill()], [promise(5)], NOW)
    assert (at.spent, at.promised, at.rate) == (Decimal(10), Decimal(5), Decimal(1))
    assert at.percent == 10


def test_only_this_month_counts_and_only_as_far_as_it_goes() -> None:
    first = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
    long = Commitment(
        machine="m",
        owner="U1",
        channel="C1",
        hourly=Decimal(1),
        since=first,
        until=first + 9 * HOUR,
    )
    assert budgets.standing(TEAM, "", [], [long], first).promised == 4
    december = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
    assert budgets.standing(TEAM, "", [bill()], [], december).spent == 0


@pytest.mark.parametrize(
    ("budget", "hours", "passes"),
    [
        (TEAM, 85, False),
        (TEAM, 86, True),
        (Budget(scope=Scope.TEAM, hourly=Decimal(2)), 1, False),
        (Budget(scope=Scope.TEAM, hourly=Decimal("1.99")), 1, True),
        (Budget(scope=Scope.PERSON, monthly=Decimal(15)), 1, True),
        (Budget(scope=Scope.PERSON, who="U1", monthly=Decimal(16)), 1, False),
        (Budget(scope=Scope.PERSON, who="U2", monthly=Decimal(1)), 50, False),
        (Budget(scope=Scope.CHANNEL, who="C1", monthly=Decimal(15)), 1, True),
        (Budget(scope=Scope.CHANNEL, who="C2", monthly=Decimal(1)), 50, False),
    ],
)
def test_a_launch_is_held_against_what_is_spent_and_promised_already(
    budget: Budget, hours: int, passes: bool
) -> None:
    others, new = (promise(5),), promise(hours, machine="m-3")
    found = budgets.broken([budget], Over.BLOCK, (bill(),), others, new, NOW)
    assert bool(found) is passes
    assert all(one.final for one in found)


def test_a_named_budget_comes_before_everybodys_own() -> None:
    own = Budget(scope=Scope.PERSON, monthly=Decimal(1))
    named = Budget(scope=Scope.PERSON, who="U1", monthly=Decimal(1000))
    assert budgets.applying([own, named], "U1", "C1") == ((named, "U1"),)
    assert budgets.applying([own, named], "U2", "C1") == ((own, "U2"),)


@pytest.mark.parametrize("spent", [(), (bill(channel=""),), (bill(channel=""), bill(owner="U2"))])
def test_what_is_in_no_channel_is_no_channels(spent: tuple[Bill, ...]) -> None:
    each = Budget(scope=Scope.CHANNEL, monthly=Decimal(15))
    assert budgets.applying([TEAM, each], "U1", "") == ((TEAM, ""),)
    channels = {who for budget, who in budgets.everybodys([each], spent, ()) if budget == each}
    assert channels == ({"C1"} if len(spent) > 1 else {""})  # it is seen, with nothing spent
    assert budgets.standing(each, "", spent, (), NOW).spent == 0


@pytest.mark.parametrize(
    ("spent", "marks"), [(0, ()), (49, ()), (50, (50,)), (80, (50, 80)), (100, (50, 80, 100))]
)
def test_marks_are_reached_one_after_the_other(spent: int, marks: tuple[int, ...]) -> None:
    at = budgets.standing(TEAM, "", [bill(hours=spent)] if spent else [], [], NOW)
    assert budgets.reached(at) == marks


@given(
    hours=st.lists(st.integers(1, 200), max_size=6),
    limit=st.integers(1, 400),
    wanted=st.integers(1, 200),
)
def test_what_is_let_through_never_passes_the_budget(
    hours: list[int], limit: int, wanted: int
) -> None:
    budget = Budget(scope=Scope.TEAM, monthly=Decimal(limit))
    kept: tuple[Commitment, ...] = ()
    for n, one in enumerate([*hours, wanted]):
        new = promise(one, machine=f"m-{n}")
        if not budgets.broken([budget], Over.BLOCK, (), kept, new, NOW):
            kept = (*kept, new)
    assert budgets.standing(budget, "", [], kept, NOW).promised <= limit
