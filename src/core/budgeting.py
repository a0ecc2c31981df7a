"""How far each budget is used: what was spent or runs, beside what may."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import costs, meter
from core.budgets import is_of
from core.model import Bill, Budget, Scope
from core.periods import period


@dataclass(frozen=True, kw_only=True)
class BudgetState:
    """One limit of a budget. USD, or USD per hour where it is `hourly`."""

    budget: Budget
    who: str  # a user's or channel's id; "" is the team
    hourly: bool
    used: Decimal
    limit: Decimal


def states(
    budgets: tuple[Budget, ...], viewer: str, bills: tuple[Bill, ...], now: datetime
) -> tuple[BudgetState, ...]:
    """Those of the team, of channels that are named, and of the viewer: nobody else's."""
    month = period("month", now)
    found = []
    for budget in budgets:
        who = budget.who or (viewer if budget.scope is Scope.PERSON else "")
        if _is_seen(budget, who, viewer, budgets):
            own = [bill for bill in bills if is_of(budget, who, bill.owner, bill.channel)]
            if budget.monthly is not None:
                used = meter.total(own, month.since, month.until)
                found.append(_state(budget, who, used, budget.monthly, hourly=False))
            if budget.hourly is not None:
                rate = sum((costs.rate(bill, now) for bill in own), Decimal(0))
                found.append(_state(budget, who, rate, budget.hourly, hourly=True))
    return tuple(found)


def _state(budget: Budget, who: str, used: Decimal, limit: Decimal, *, hourly: bool) -> BudgetState:
    return BudgetState(budget=budget, who=who, hourly=hourly, used=used, limit=limit)


def _is_seen(budget: Budget, who: str, viewer: str, budgets: tuple[Budget, ...]) -> bool:
    match budget.scope:
        case Scope.TEAM:
            return True
        case Scope.CHANNEL:
            return bool(who)
        case Scope.PERSON:
            named = any(b.scope is Scope.PERSON and b.who == viewer for b in budgets)
            return who == viewer and (bool(budget.who) or not named)
