"""Budgets: what is spent and promised under each, what would pass one, which marks are reached.

Pure. Spent is what the bills say of this calendar month (UTC) up to now; promised is what the purse
has set aside from now to the deadlines, as far as they lie in this month. Nothing is in both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core import meter, price
from core.model import Bill, Budget, Commitment, Over, Scope

MARKS = (50, 80, 100)  # per cent


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One budget and whose it is: a person's own one stands for each person by itself."""

    budget: Budget
    who: str  # user or channel; empty for the team
    spent: Decimal  # USD this month
    promised: Decimal  # USD more until the deadlines, this month
    rate: Decimal  # USD per hour of all that is promised now

    @property
    def percent(self) -> int:
        """How much of the month's money is spent, in whole per cent, rounded down."""
        limit = self.budget.monthly
        if limit is None:
            return 0
        return int(self.spent * 100 / limit) if limit else 100

    @property
    def over(self) -> bool:
        """Whether the month's money is spent."""
        return self.budget.monthly is not None and self.spent >= self.budget.monthly


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A budget that would be passed, in words; `final`: no approver may lift it."""

    rule: str
    words: str
    final: bool


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """(its first moment, the first moment of the next), UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=32)).replace(day=1)


def rule(budget: Budget, who: str = "") -> str:
    """What it is called, said of a machine: `budget of the team`, `budget of its owner`."""
    match budget.scope:
        case Scope.TEAM:
            return "budget of the team"
        case Scope.PERSON:
            return "budget of its owner" if who else "budget of each person"
        case Scope.CHANNEL:
            return "budget of its channel" if who else "budget of each channel"


def amount(budget: Budget) -> str:
    """$2,000.00 a month and $20.00/h at a time."""
    said = []
    if budget.monthly is not None:
        said.append(f"{price.dollars(budget.monthly)} a month")
    if budget.hourly is not None:
        said.append(f"{price.per_hour(budget.hourly)} at a time")
    return " and ".join(said) or "no limit"


def applying(budgets: Iterable[Budget], owner: str, channel: str) -> tuple[tuple[Budget, str], ...]:
    """The budgets that count for a machine of that owner in that channel, each with whose it is.

    A budget with a name comes before everybody's own. Data volumes are in no channel.
    """
    every = tuple(budgets)
    found: list[tuple[Budget, str]] = [(one, "") for one in every if one.scope is Scope.TEAM]
    for scope, who in ((Scope.PERSON, owner), (Scope.CHANNEL, channel)):
        of_scope = [one for one in every if one.scope is scope and who]
        named = [one for one in of_scope if one.who == who]
        found += [(one, who) for one in named or [one for one in of_scope if not one.who]]
    return tuple(found)


def standing(
    budget: Budget,
    who: str,
    bills: Iterable[Bill],
    commitments: Iterable[Commitment],
    now: datetime,
) -> Standing:
    """How it stands now."""
    first, following = month_of(now)
    mine = [one for one in commitments if is_of(budget, who, one.owner, one.channel)]
    of_it = [one for one in bills if is_of(budget, who, one.owner, one.channel)]
    return Standing(
        budget=budget,
        who=who,
        spent=meter.total(of_it, first, now),
        promised=sum((_left(one, now, following) for one in mine), Decimal(0)),
        rate=sum((one.hourly for one in mine), Decimal(0)),
    )


def is_of(budget: Budget, who: str, owner: str, channel: str) -> bool:
    """Whether what is that owner's, in that channel, counts for the budget of `who`."""
    match budget.scope:
        case Scope.TEAM:
            return True
        case Scope.PERSON:
            return owner == who
        case Scope.CHANNEL:
            return bool(who) and channel == who


def _left(one: Commitment, now: datetime, following: datetime) -> Decimal:
    """USD that it still promises this month."""
    length = min(one.until, following) - max(now, one.since)
    seconds = max(0, int(length.total_seconds()))
    return one.hourly * seconds / 3600


def broken(
    budgets: Iterable[Budget],
    over: Over,
    bills: tuple[Bill, ...],
    others: tuple[Commitment, ...],
    new: Commitment,
    now: datetime,
) -> tuple[Broken, ...]:
    """Every budget that the new commitment would pass; `others` are all the other ones."""
    final = over in (Over.BLOCK, Over.STOP)
    _, following = month_of(now)
    adds = _left(new, now, following)
    found = []
    for budget, who in applying(budgets, new.owner, new.channel):
        at = standing(budget, who, bills, others, now)
        said = _passed(at, adds, new.hourly)
        if said:
            found.append(Broken(rule=rule(budget, who), words=said, final=final))
    return tuple(found)


def _passed(at: Standing, adds: Decimal, hourly: Decimal) -> str:
    """In words, or nothing."""
    monthly, limit = at.budget.monthly, at.budget.hourly
    name = rule(at.budget, at.who)
    if limit is not None and at.rate + hourly > limit:
        return (
            f"The {name} is {price.per_hour(limit)} at a time: {price.per_hour(at.rate)} runs, and "
            f"this adds {price.per_hour(hourly)}."
        )
    if monthly is not None and at.spent + at.promised + adds > monthly:
        return (
            f"The {name} is {price.dollars(monthly)} a month: {price.dollars(at.spent)} is spent, "
            f"{price.dollars(at.promised)} promised to what runs, and this adds up to "
            f"{price.dollars(adds)}."
        )
    return ""


def reached(at: Standing) -> tuple[int, ...]:
    """The marks that the month's spending has reached."""
    return tuple(mark for mark in MARKS if at.budget.monthly is not None and at.percent >= mark)


def mark_key(at: Standing, mark: int) -> str:
    """Under which name it is remembered that a mark has been told; a changed budget is another."""
    return f"{at.budget.scope}/{at.who}/{at.budget.monthly}/{mark}"


def everybodys(
    budgets: Iterable[Budget], bills: Iterable[Bill], commitments: Iterable[Commitment]
) -> tuple[tuple[Budget, str], ...]:
    """Every budget with everyone that it counts for and who has spent or been promised anything;
    with nobody where there is no such one."""
    known = {(one.owner, one.channel) for one in bills}
    known |= {(one.owner, one.channel) for one in commitments}
    found: dict[tuple[Budget, str], None] = {}
    for owner, channel in sorted(known):
        for budget, who in applying(budgets, owner, channel):
            found[budget, who] = None
    used = {budget for budget, _ in found}
    for budget in budgets:
        if budget.who or budget not in used:
            found[budget, budget.who] = None
    return tuple(found)
