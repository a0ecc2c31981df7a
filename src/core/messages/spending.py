"""What is said about budgets."""

from datetime import datetime

from core.blocks import Message, actions, code, context, escape, message, section, user
from core.budgets import Standing, amount, rule
from core.commands import BudgetSet
from core.lifecycle import hourly_now
from core.messages import buttons, words
from core.model import ALIVE, Budget, Desire, Machine, Notice, Over, Policy, Scope

_MOST_SHOWN = 40
_WIDTH = 10
_OVER = {
    Over.WARN: "What passes a budget is told, and nothing is refused.",
    Over.APPROVE: "What would pass a budget asks an approver.",
    Over.BLOCK: "What would pass a budget is refused.",
    Over.STOP: "What would pass a budget is refused, and when it is spent, what runs is stopped.",
}


def notice(m: Machine, owed: Notice, now: datetime) -> Message:
    """That a machine stops because what may be spent is spent."""
    name, which = words.name(m), escape(owed.detail)
    if m.doom is None or m.state not in ALIVE or m.desire is not Desire.RUN:
        said = f"The {which} was spent, but {name} is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {said}"))
    verb = "stops" if m.can_stop else "ends, and its disk is deleted"
    hourly = hourly_now(m)
    each = f" It costs {words.hourly(hourly)}." if hourly is not None else ""
    return message(
        section(
            f"{words.owner(m)} The {which} is spent, so {name} {verb} "
            f"{words.at(m.doom.at)}.{each} Save your work. An admin can raise the budget until "
            "then."
        ),
        actions(buttons.stop_button(m)),
        context(f"The budgets: {code('/gpu budget')}"),
    )


# ---- shown ----------------------------------------------------------------------------------


def budgets(found: tuple[Standing, ...], policy: Policy) -> Message:
    """Every budget, what is spent of it and what is promised."""
    hint = context(
        _OVER[policy.over],
        "Set one: `/gpu budget team 2000`, `/gpu budget each 20/h`, `/gpu budget @kim off`",
    )
    if not found:
        return message(section("There are no budgets: leases alone limit what is spent."), hint)
    shown = sorted(found, key=lambda at: (at.budget.scope, at.who))[:_MOST_SHOWN]
    lines = [_line(at) for at in shown]
    if len(found) > len(shown):
        lines.append(f"… and {len(found) - len(shown)} more")
    chunks = [lines[i : i + 8] for i in range(0, len(lines), 8)]
    return message(
        section("*Budgets of this month* (UTC)"),
        *(section("\n".join(chunk)) for chunk in chunks),
        hint,
    )


def _line(at: Standing) -> str:
    limit = at.budget.monthly
    said = f"• *{_whose(at.budget, at.who)}*: {amount(at.budget)}. "
    if limit is not None:
        said += (
            f"{bar(at.percent)} {at.percent} %: {words.money(at.spent)} spent, "
            f"{words.money(at.promised)} promised to what runs. "
        )
    return f"{said}{words.hourly(at.rate)} runs now."


def bar(percent: int) -> str:
    """`▓▓▓░░░░░░░`"""
    full = min(_WIDTH, percent * _WIDTH // 100)
    return "▓" * full + "░" * (_WIDTH - full)


def _whose(budget: Budget, who: str) -> str:
    id = who or budget.who
    match budget.scope:
        case Scope.TEAM:
            return "The team"
        case Scope.PERSON:
            return user(id) if id else "Each person"
        case Scope.CHANNEL:
            return f"<#{id}>" if id else "Each channel"


def budget_set(wanted: BudgetSet, after: tuple[Budget, ...], policy: Policy) -> Message:
    """What the budget is now, and what passing it means by the policy."""
    now = next((b for b in after if (b.scope, b.who) == (wanted.scope, wanted.who)), None)
    whose = _whose(Budget(scope=wanted.scope, who=wanted.who), wanted.who)
    said = f"{amount(now)}. {_held_to(policy)}" if now else f"no budget any more. {_left(after)}"
    return message(
        section(f"{whose}: {said}"),
        context(f"How it stands: {code('/gpu budget')}"),
    )


def _held_to(policy: Policy) -> str:
    if policy.over is Over.STOP:
        return _OVER[policy.over]
    return f"What runs now runs on. {_OVER[policy.over]}"


def _left(after: tuple[Budget, ...]) -> str:
    if after:
        return "The other budgets stay as they are."
    return "There is no other: leases alone limit what is spent."


# ---- marks ----------------------------------------------------------------------------------


def budget_mark(at: Standing, mark: int, policy: Policy) -> Message:
    """50, 80 or 100 per cent are spent, told to those whose budget it is."""
    whose = (
        f"Your own budget ({user(at.who)})"
        if at.budget.scope is Scope.PERSON
        else f"The {rule(at.budget, at.who)}"
    )
    return _mark(whose, at, mark, policy)


def budget_mark_to_admins(
    at: Standing, mark: int, policy: Policy, unsaid: str | None = None
) -> Message:
    """The same with whose budget it is. `unsaid`: Slack's error, where those whose it is could not
    be told."""
    of = "the team" if at.budget.scope is Scope.TEAM else _whose(at.budget, at.who)
    why = f" {_unsaid(at, unsaid)}" if unsaid is not None else ""
    return _mark(f"The budget of {of}", at, mark, policy, why)


def _mark(whose: str, at: Standing, mark: int, policy: Policy, why: str = "") -> Message:
    monthly = words.money(at.budget.monthly) if at.budget.monthly is not None else ""
    spent = "is spent" if mark == 100 else f"is {mark} % spent"
    return message(
        section(
            f"{whose} of {monthly} for this month {spent}: {words.money(at.spent)} so far, "
            f"{words.money(at.promised)} more is promised to what runs now "
            f"({words.hourly(at.rate)}). {_then(mark, policy)}{why}"
        ),
        context("What it was spent on: `/gpu cost`", "What runs: `/gpu list all`", "`/gpu budget`"),
    )


def _unsaid(at: Standing, error: str) -> str:
    if at.budget.scope is Scope.CHANNEL:
        return (
            f"It could not be said in <#{at.who}>: the bot may not write there ({code(error)}). "
            f"To have the next word there, type {code('/invite @gpu')} in that channel."
        )
    return f"It could not be said to {user(at.who)}: Slack does not let it ({code(error)})."


def _then(mark: int, policy: Policy) -> str:
    return _OVER[policy.over] if mark == 100 else "Nothing is refused yet."
