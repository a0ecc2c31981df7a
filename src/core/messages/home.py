"""The Home tab: one's machines with their buttons, the team's spending, budgets and quota room."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from core.blocks import Block, Home, actions, context, divider, escape, header, home, section, user
from core.budgeting import BudgetState
from core.costs import Report
from core.messages import buttons, costs, words
from core.messages.lists import no_machine, rows, totals
from core.messages.market import paragraphs
from core.messages.uses import Used, line
from core.model import ALIVE, Desire, Machine, QuotaFacts, QuotaRoom, Scope, State
from core.quota import families

MOST_MINE = 20  # two blocks each
MOST_PEOPLE = 5
MOST_QUOTAS = 8
_TENTHS = 10
_ASKED_FOR = frozenset({"g", "p", "p2", "p3", "p4", "p5"})

_LAUNCH = "Launch one: type `/gpu launch g5.xlarge spot for 2h` in a channel"


def home_tab(
    viewer: str,
    mine: tuple[Machine, ...],
    others: tuple[Machine, ...],
    found: Report,
    bars: costs.Series,
    names: Mapping[str, str],
    budgets: tuple[BudgetState, ...],
    room: QuotaRoom | None,
    used: Used,
    now: datetime,
    stored: Decimal = Decimal(0),
) -> Home:
    """`others`: the team's other machines, of admins only. `stored`: USD a month of the viewer's
    data volumes and images."""
    return home(
        header("Your machines"),
        *_mine(mine, used, now, stored),
        divider(),
        header("The team's spending this month"),
        *_spending(viewer, found, bars, names),
        *paragraphs(_budgets(budgets, viewer)),
        *_others(others, used, now),
        divider(),
        *paragraphs(_room(room, now)),
        context(
            f"As of {words.at(now)}. It is drawn anew when you open it and when something changes.",
            "`/gpu cost` has more, `/gpu help` all commands",
        ),
    )


# ---- machines -------------------------------------------------------------------------------


def _mine(
    machines: tuple[Machine, ...], used: Used, now: datetime, stored: Decimal
) -> Iterator[Block]:
    if not machines:
        yield section(f"{no_machine('You have no machine', stored)}\n{_LAUNCH}.")
        return
    yield section(totals(machines, now))
    for m in machines[:MOST_MINE]:
        yield section("\n".join(_told(m, used, now)))
        pressed = _buttons(m)
        if pressed:
            yield actions(*pressed)
    if len(machines) > MOST_MINE:
        yield context(f"… and {len(machines) - MOST_MINE} more: `/gpu list`")
    yield context(_LAUNCH)


def _told(m: Machine, used: Used, now: datetime) -> Iterator[str]:
    yield rows((m,), now, everyone=False)[0]
    bars = line(m, used, now) if m.state in ALIVE else ""
    if bars:
        yield bars


def _buttons(m: Machine) -> list[Block]:
    """As in a list: what lengthens, what stops, what starts it again."""
    if m.state in ALIVE and m.lease and m.desire is Desire.RUN:
        found = (buttons.extend_button(m, style=None), buttons.stop_button(m))
        return [one for one in found if one is not None]
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        return [buttons.start_button(m, style=None)]
    return []


def _others(machines: tuple[Machine, ...], used: Used, now: datetime) -> Iterator[Block]:
    if not machines:
        return
    yield divider()
    yield header("The team's other machines")
    yield section(totals(machines, now))
    yield from paragraphs(rows(machines, now, everyone=True, used=used))


# ---- money ----------------------------------------------------------------------------------


def _spending(
    viewer: str, found: Report, bars: costs.Series, names: Mapping[str, str]
) -> Iterator[Block]:
    """In words and bars, and as a chart where the Home tab takes one."""
    lines = [f"*{words.money(found.total)}* by the team. {costs.now(found)}"]
    lines.append(costs.compared(found))
    if found.total:
        lines += costs.by_day(found)
    yield from paragraphs(lines)
    if found.total:
        yield from costs.chart(found, bars, names)
        yield from paragraphs(costs.people(found, viewer, MOST_PEOPLE))


def _budgets(states: tuple[BudgetState, ...], viewer: str) -> Iterator[str]:
    if states:
        yield "*Budgets*"
    for one in states:
        yield f"• {_whose(one, viewer)}: {_amount(one)} {_gauge(one)}"


def _whose(one: BudgetState, viewer: str) -> str:
    match one.budget.scope:
        case Scope.TEAM:
            return "the team"
        case Scope.CHANNEL:
            return f"<#{escape(one.who)}>"
        case Scope.PERSON:
            return "you" if one.who == viewer else user(one.who)


def _amount(one: BudgetState) -> str:
    if one.hourly:
        return f"{words.hourly(one.used)} of {words.hourly(one.limit)}"
    return f"{words.money(one.used)} of {words.money(one.limit)} this month"


def _gauge(one: BudgetState) -> str:
    """`██████░░░░` 62 %."""
    percent = int(one.used * 100 / one.limit) if one.limit else 100
    full = min(_TENTHS, percent * _TENTHS // 100)
    return f"`{'█' * full}{'░' * (_TENTHS - full)}` {percent} %"


# ---- quota ----------------------------------------------------------------------------------


def _room(room: QuotaRoom | None, now: datetime) -> Iterator[str]:
    yield "*Quota room*"
    if room is None:
        yield "AWS has not told it yet: `/gpu quota`"
        return
    some = sorted((facts for facts in room.facts if facts.limit), key=_rank)
    for facts in some[:MOST_QUOTAS]:
        yield _quota(facts)
    if len(some) > MOST_QUOTAS:
        yield f"… and {len(some) - MOST_QUOTAS} more: `/gpu quota`"
    where = escape(room.region)
    if not some:
        yield f"Your account may run no GPU in {where} yet: `/gpu quota raise g5.xlarge spot`"
    age = now - room.read_at
    ago = f"{words.length(age)} ago" if age >= timedelta(minutes=1) else "just now"
    yield f"_In {where}, as AWS told it {ago}; all regions now: `/gpu quota`_"


def _rank(facts: QuotaFacts) -> tuple[int, bool]:
    """What is used most comes first, then what people ask for most."""
    return -facts.used - facts.in_flight, not families(facts.name) & _ASKED_FOR


def _quota(facts: QuotaFacts) -> str:
    busy = facts.used + facts.in_flight
    what = words.vcpus_of(facts.name)
    return f"• {facts.room} {what} free ({busy} of {facts.limit} used)"
