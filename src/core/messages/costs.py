"""What was spent: the team's total and everybody's share, in words and as a chart."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from core import price
from core.blocks import (
    MOST_CHART_LABEL,
    Block,
    Message,
    bar_chart,
    code,
    context,
    escape,
    message,
    section,
    user,
)
from core.costs import Costly, Parts, Report, Share
from core.messages import words
from core.messages.market import paragraphs
from core.messages.prices import sparkline
from core.model import Market, Reconciled
from core.periods import Period

MOST_LISTED = 10
MOST_READ = 3  # of AWS's own days
Series = tuple[tuple[str, tuple[Decimal, ...]], ...]

_UTC = "Weeks (from Monday) and months in UTC, as AWS's bill and the budgets have them"


def cost(
    found: Report,
    caller: str,
    bars: Series,
    names: Mapping[str, str],
    read: tuple[Reconciled, ...],
    *,
    whose: str | None = None,
    project: str | None = None,
) -> Message:
    """The answer to `/gpu cost`. `bars`: USD by day; `names`: what their keys are called in a
    chart. `whose`, `project`: only that person's, only that project's."""
    head = section(_head(found, whose, project))
    hints = context(_UTC, *_hints(found, caller, whose))
    if not found.total:
        return message(head, hints)
    everybody = whose is None
    return message(
        head,
        *paragraphs(people(found, caller) if everybody else ()),
        *chart(found, bars, names),
        *paragraphs(by_day(found)),
        *paragraphs(_machines(found, named=everybody)),
        *paragraphs(_projects(found.projects)),
        *paragraphs(_parts(found)),
        *paragraphs(_read(read)),
        hints,
    )


# ---- the whole ------------------------------------------------------------------------------


def _head(found: Report, whose: str | None, project: str | None) -> str:
    by = f" by {user(whose)}" if whose else " by the team"
    on = f" on project {code(project)}" if project else ""
    period = found.period
    until = words.at(period.until) if period.over else "now"
    return (
        f"*Spent {_when(found)}{by}{on}: {words.money(found.total)}*, from "
        f"{words.at(period.since)} until {until}.\n{now(found)}\n{compared(found)}"
    )


def _when(found: Report) -> str:
    name = found.period.name
    return name if name.startswith("this") else f"in {name}"


def now(found: Report) -> str:
    """At what rate money is spent."""
    if not found.hourly:
        return "Nothing costs money now."
    each = words.hourly(found.hourly)
    if not found.running:
        return f"Nothing runs now; what is stored costs {each}."
    count = f"{found.running} instance{'s' if found.running != 1 else ''}"
    return f"Running now: *{each}* for {count}, with all that is stored."


def compared(found: Report) -> str:
    """Beside as long a stretch of the period before."""
    stretch = "" if found.period.over else "the same stretch of "
    former = f"{stretch}{found.period.former}"
    if not found.before:
        return f"In {former} nothing was spent."
    more = found.total - found.before
    if price.dollars(abs(more)) == "$0.00":
        return f"In {former} it was as much."
    side = "more" if more > 0 else "less"
    before = words.money(found.before)
    return f"That is {words.money(abs(more))} {side} than in {former} ({before})."


def _hints(found: Report, caller: str, whose: str | None) -> Iterator[str]:
    yield "As a file: `/gpu cost csv`"
    if whose is None:
        yield "Yours alone: `/gpu cost me`"
    elif whose != caller:
        yield "Everybody's: `/gpu cost`"
    if found.period.name != "this week":
        yield "`/gpu cost week`"


# ---- whose ----------------------------------------------------------------------------------


def people(found: Report, caller: str, most: int = MOST_LISTED) -> Iterator[str]:
    """The caller first, then the others, the dearest first."""
    own = next((share.usd for share in found.people if share.key == caller), Decimal(0))
    yield "*By person*"
    yield f"• You: {_of(own, found.total)}"
    others = tuple(share for share in found.people if share.key != caller)
    yield from _shares(others, found.total, user, most)


def _projects(shares: tuple[Share, ...]) -> Iterator[str]:
    if not any(share.key for share in shares):
        return
    yield "*By project*"
    total = sum((share.usd for share in shares), Decimal(0))
    yield from _shares(shares, total, lambda key: code(key) if key else "no project")


def _shares(
    shares: tuple[Share, ...], total: Decimal, called: Callable[[str], str], most: int = MOST_LISTED
) -> Iterator[str]:
    for share in shares[:most]:
        yield f"• {called(share.key)}: {_of(share.usd, total)}"
    rest = shares[most:]
    if rest:
        usd = sum((share.usd for share in rest), Decimal(0))
        yield f"… and {len(rest)} more: {_of(usd, total)}"


def _of(usd: Decimal, total: Decimal) -> str:
    """$12.30 (25 %)."""
    if not usd or not total:
        return words.money(usd)
    percent = round(usd * 100 / total)
    return f"{words.money(usd)} ({percent or 'under 1'} %)"


def _machines(found: Report, *, named: bool) -> Iterator[str]:
    yield "*By machine, the dearest first*"
    for one in found.machines[:MOST_LISTED]:
        yield f"• {_machine(one, named=named)}: {words.money(one.usd)}"
    rest = found.machines[MOST_LISTED:]
    if rest:
        usd = sum((one.usd for one in rest), Decimal(0))
        yield f"… and {len(rest)} more: {words.money(usd)}, all of them in `/gpu cost csv`"


def _machine(one: Costly, *, named: bool) -> str:
    bill = one.bill
    owner = f" {user(bill.owner)}" if named else ""
    over = ", ended" if one.ended else ""
    if not bill.kind:
        return f"*{escape(bill.name)}*{owner} ({_lasting(one)})"
    market = f" {bill.market}" if bill.market else ""
    return f"*{escape(bill.name)}*{owner} ({code(bill.kind)}{market}{over})"


def _lasting(one: Costly) -> str:
    kind = one.bill.machine.partition("/")[0].replace("-", " ")
    return escape(kind)


def _parts(found: Report) -> Iterator[str]:
    yield "*What for*"
    markets = {share.key: share.usd for share in found.markets}
    by_market = [
        f"{words.money(markets[market])} with {market} machines"
        for market in Market
        if markets.get(market)
    ]
    for label, usd in _labelled(found.parts):
        if usd:
            yield f"• {label}: {_of(usd, found.total)}"
    if by_market:
        yield f"• By market, all of that included: {', '.join(by_market)}"


def _labelled(parts: Parts) -> tuple[tuple[str, Decimal], ...]:
    return (
        ("GPU machines while they ran", parts.compute),
        ("their public addresses", parts.addresses),
        ("their disks while they ran", parts.disks),
        ("stopped machines (their disks)", parts.stopped),
        ("data volumes", parts.data),
        ("snapshots and images", parts.kept),
    )


# ---- by day ---------------------------------------------------------------------------------


def chart(found: Report, bars: Series, names: Mapping[str, str]) -> tuple[Block, ...]:
    """Bars by day, side by side for whoever has spent most."""
    if not bars:
        return ()
    labels = [day.label for day in found.days]
    called = _told_apart([names.get(key, key) for key, _ in bars])
    lines = list(zip(called, (values for _, values in bars), strict=True))
    title = f"Spent {_when(found)}, by day"
    return (bar_chart(title, labels, lines, x_label="UTC", y_label="USD"),)


def _told_apart(names: Iterable[str]) -> list[str]:
    """A chart cuts names, and wants each of its own."""
    found: list[str] = []
    for name in names:
        short = name[:MOST_CHART_LABEL]
        at = 2
        while short in found:
            short = f"{name[: MOST_CHART_LABEL - 3]} {at}"
            at += 1
        found.append(short)
    return found


def by_day(found: Report) -> Iterator[str]:
    """The same in words: every column of the chart with its sum."""
    yield f"*By day* {bars(found.daily)}"
    yield ", ".join(
        f"{day.label} {words.money(usd)}"
        for day, usd in zip(found.days, found.daily, strict=True)
        if usd
    )


def bars(values: tuple[Decimal, ...]) -> str:
    """Small bars that stand on zero."""
    return code(sparkline((Decimal(0), *values))[1:])


# ---- AWS's own bill -------------------------------------------------------------------------


def _read(rows: tuple[Reconciled, ...]) -> Iterator[str]:
    """The latest days first."""
    if rows:
        yield "*Beside AWS's own bill*"
    for row in rows[:MOST_READ]:
        yield f"• {_beside(row)}"


def _beside(row: Reconciled) -> str:
    ours = words.money(row.ours)
    if row.theirs is None:
        why = f" ({code(row.why)})" if row.why else " yet"
        return f"AWS's own bill for {row.day} cannot be read{why}; ours {ours}"
    if not row.theirs and round(row.ours, 2):
        return (
            f"AWS's own bill for {row.day} has nothing marked {code('gpu:stack')}; ours {ours}. An "
            "admin of the AWS account activates that cost-allocation tag once (docs/deploy.md)"
        )
    apart = row.ours - row.theirs
    more = "no difference" if not round(apart, 2) else f"difference {words.money(apart)}"
    late = "; AWS may still add to it" if _early(row) else ""
    return f"AWS's own bill for {row.day}: {words.money(row.theirs)}; ours {ours}; {more}{late}"


def _early(row: Reconciled) -> bool:
    """Whether it was read before AWS must have had all of the day: it is up to a day late."""
    return row.read_at is not None and (row.read_at.date() - date.fromisoformat(row.day)).days < 2


# ---- as a file ------------------------------------------------------------------------------


def file_of_costs(
    period: Period, lines: int, total: Decimal, whose: str | None, project: str | None
) -> str:
    """The words that the file comes with."""
    by = f" by {user(whose)}" if whose else " by the team"
    on = f" on project {code(project)}" if project else ""
    rows = f"{lines} line{'s' if lines != 1 else ''}"
    return (
        f"Spent from {words.at(period.since)} until {words.at(period.until)}{by}{on}: "
        f"{words.money(total)}, in {rows}. Times are UTC, amounts US dollars and exact."
    )
