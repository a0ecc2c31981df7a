"""Budgets: shown, set, watched. What is near its end is told once; what is over is acted on.

Our own meter decides, minute by minute: AWS's bill is a day late.
"""

from dataclasses import replace
from datetime import timedelta

from core import budgets, commands, messages
from core import lifecycle as life
from core.budgets import Standing
from core.flows import purse, spending
from core.flows.house import House, rewrite
from core.flows.request import Request
from core.flows.rules import stored
from core.flows.speak import answer, passing, to_admins
from core.model import ALIVE, Budget, BudgetWatch, Machine, Over, Rules, Scope
from core.policy import Denied
from core.ports import ChatError, StaleRow

WARNED_FOR = timedelta(minutes=15)  # between the warning and the stop
MOST_TRIES = 8
MOST_HEARD = 20
NOW = "budgets/now"  # the wake that has them looked at


# ---- seen and set ---------------------------------------------------------------------------


def show(house: House, request: Request) -> None:
    """Every budget with what is spent of it."""
    answer(house, request.response_url, messages.budgets(standings(house), house.policy))


def standings(house: House) -> tuple[Standing, ...]:
    """How every budget stands now, for everyone that it counts for."""
    now, every = house.clock(), house.policy.budgets
    if not every:
        return ()
    bills = spending.bills(house, budgets.month_of(now)[0])
    promised = purse.settle(house)
    return tuple(
        budgets.standing(budget, who, bills, promised, now)
        for budget, who in budgets.everybodys(every, bills, promised)
    )


def change(house: House, request: Request, wanted: commands.BudgetSet) -> None:
    """Set or take away one budget; admins only. Looked at at once, for it may be spent already."""
    if request.user not in house.policy.admins:
        no = Denied(
            rule="budget",
            what="Only admins set budgets (rule `budget`). Nothing was changed.",
            next="The budgets and what is left of them: /gpu budget",
        )
        return answer(house, request.response_url, messages.denied(no))
    after = _set(house, request, wanted)
    answer(house, request.response_url, messages.budget_set(wanted, after, house.policy))
    return watch(replace(house, policy=replace(house.policy, budgets=after)))


def _set(house: House, request: Request, wanted: commands.BudgetSet) -> tuple[Budget, ...]:
    """Written whoever else writes the rules; a second delivery leaves what came after the first."""
    for _ in range(MOST_TRIES):
        seen = stored(house) or Rules()
        before = house.policy.budgets if seen.budgets is None else seen.budgets
        if request.id in seen.heard:
            return before
        after, heard = _with(before, wanted), (*seen.heard, request.id)[-MOST_HEARD:]
        new = replace(seen, budgets=after, heard=heard, by=request.user, at=house.clock())
        try:
            house.ledger.save_row(new, seen if seen.version else None)
        except StaleRow:
            continue
        return after
    raise StaleRow("policy")


def _with(before: tuple[Budget, ...], wanted: commands.BudgetSet) -> tuple[Budget, ...]:
    same = [one for one in before if (one.scope, one.who) == (wanted.scope, wanted.who)]
    first = same[0] if same else Budget(scope=wanted.scope, who=wanted.who)
    if wanted.hourly:
        new = replace(first, hourly=wanted.amount)
    else:
        new = replace(first, monthly=wanted.amount)
    others = tuple(one for one in before if one not in same)
    empty = new.hourly is None and new.monthly is None
    return others if empty else (*others, new)


# ---- watched --------------------------------------------------------------------------------


def watch(house: House) -> None:
    """Tell of the marks that were reached, once a month each; stop what the policy stops."""
    found = standings(house)
    if not found:
        return _spare(house, ())
    month, _ = budgets.month_of(house.clock())
    for at in found:
        if at.who or at.budget.scope is Scope.TEAM:
            _tell(house, f"{month:%Y-%m}", at)
    over = tuple(at for at in found if at.over) if house.policy.over is Over.STOP else ()
    for m in house.ledger.live():
        against = next((at for at in over if _concerns(at, m)), None)
        if against is not None and m.state in ALIVE and m.doom is None:
            _doom(house, m, against)
    return _spare(house, over)


def _concerns(at: Standing, m: Machine) -> bool:
    return budgets.is_of(at.budget, at.who, m.owner, m.channel)


def _doom(house: House, m: Machine, against: Standing) -> None:
    now, which = house.clock(), budgets.rule(against.budget, against.who)
    rewrite(house, m.id, lambda row: life.budget_spent(row, now, now + WARNED_FOR, which))
    house.wakes.wake(f"machine/{m.id}")


def _spare(house: House, over: tuple[Standing, ...]) -> None:
    """A budget that was raised in time takes the stop back."""
    now = house.clock()
    for m in house.ledger.live():
        if life.is_over_budget(m) and not any(_concerns(at, m) for at in over):
            rewrite(house, m.id, lambda row: life.budget_raised(row, now))
            house.wakes.wake(f"machine/{m.id}")


def _tell(house: House, month: str, at: Standing) -> None:
    """The highest mark that is new; a function that dies in between tells it once more."""
    seen = house.ledger.row(BudgetWatch, month)
    told = seen.told if seen else ()
    new = [mark for mark in budgets.reached(at) if budgets.mark_key(at, mark) not in told]
    if not new:
        return
    try:
        _say(house, at, max(new))
    except ChatError:
        return  # Slack is away; in five minutes again
    keys = tuple(budgets.mark_key(at, mark) for mark in new)
    row = replace(seen or BudgetWatch(month=month), told=(*told, *keys), looked_at=house.clock())
    try:
        house.ledger.save_row(row, seen)
    except StaleRow:
        return  # another look has told something in between; this is told again at the next


def _say(house: House, at: Standing, mark: int) -> None:
    """A person's own budget is told to that person, a channel's there, the team's to the admins;
    the admins hear of everything that is spent, and of what cannot be said where it belongs."""
    unsaid = _unsaid(house, at, mark)
    spent = mark == max(budgets.MARKS)
    if at.budget.scope is Scope.TEAM or spent or unsaid is not None:
        to_admins(house, messages.budget_mark_to_admins(at, mark, house.policy, unsaid))


def _unsaid(house: House, at: Standing, mark: int) -> str | None:
    """Tell those whose budget it is; Slack's error, where it will never take that."""
    message = messages.budget_mark(at, mark, house.policy)
    try:
        match at.budget.scope:
            case Scope.PERSON:
                house.chat.dm(at.who, message)
            case Scope.CHANNEL:
                house.chat.post(at.who, message)
            case Scope.TEAM:
                pass
    except ChatError as error:
        if passing(error):
            raise
        return error.code
    return None
