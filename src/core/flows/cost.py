"""What was spent: by person, machine and project, this week or month; as a table and as CSV."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from core import commands, costs, messages, periods
from core.files import Cell, File, table
from core.flows import sending, spending
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer
from core.model import Bill, Reconciled
from core.periods import Period
from core.ports import ChatError

_MOMENT = timedelta(seconds=1)  # a month that is over ends as the next one's first day begins
MOST_NAMES = 50  # people whom Slack is asked about for one file

_HEADER = [
    "period",
    "machine",
    "owner",
    "channel",
    "project",
    "type",
    "market",
    "region",
    "from",
    "to",
    "seconds",
    "usd_compute",
    "usd_public_ipv4",
    "usd_disk_running",
    "usd_disk_stopped",
    "usd_data_volume",
    "usd_snapshot_image",
    "usd_total",
]


def show(house: House, request: Request, wanted: commands.Cost) -> None:
    """Answer with the spending, or send it as a file. Everybody may look: everybody pays."""
    if wanted.mine:
        wanted = replace(wanted, user=request.user)
    now = house.clock()
    period = periods.period(wanted.period, now)
    bills = tuple(bill for bill in spending.bills(house, period.before) if _fits(bill, wanted))
    if wanted.csv:
        return sending.send(house, request, _file(house, bills, period, wanted))
    found = costs.report(bills, period, now)
    bars, names = _chart(house, bills, found, by_machine=wanted.user is not None)
    return answer(
        house,
        request.response_url,
        messages.cost(
            found,
            request.user,
            bars,
            names,
            _read(house, period) if wanted.user is None and wanted.project is None else (),
            whose=wanted.user,
            project=wanted.project,
        ),
    )


def _fits(bill: Bill, wanted: commands.Cost) -> bool:
    same_project = wanted.project is None or bill.project.lower() == wanted.project.lower()
    return same_project and wanted.user in (None, bill.owner)


def _chart(
    house: House, bills: tuple[Bill, ...], found: costs.Report, *, by_machine: bool
) -> tuple[messages.Series, dict[str, str]]:
    """A series for each person; of one person's, for each machine. And what they are called."""
    if by_machine:
        bars = costs.series(bills, found.days, lambda bill: bill.machine)
        return bars, {bill.machine: bill.name for bill in bills}
    bars = costs.series(bills, found.days, lambda bill: bill.owner)
    return bars, called(house, (key for key, _ in bars if key != costs.OTHERS))


def called(house: House, users: Iterable[str]) -> dict[str, str]:
    """Their names; whoever Slack does not tell of has their id."""
    found = {}
    for user in users:
        try:
            found[user] = house.chat.person(user).name
        except ChatError:
            found[user] = user
    return found


def _read(house: House, period: Period) -> tuple[Reconciled, ...]:
    """AWS's own days of the period, the latest first."""
    first, last = f"{period.since:%Y-%m-%d}", f"{period.until - _MOMENT:%Y-%m-%d}"
    found = [row for row in house.ledger.rows(Reconciled) if first <= row.day <= last]
    return tuple(sorted(found, key=lambda row: row.day, reverse=True))


# ---- as a file ------------------------------------------------------------------------------


def _file(house: House, bills: tuple[Bill, ...], period: Period, wanted: commands.Cost) -> File:
    lines = costs.lines(bills, period.since, period.until)
    owners = sorted({line.bill.owner for line in lines})[:MOST_NAMES]
    names = called(house, owners)
    rows = [_row(line, period, names.get(line.bill.owner, line.bill.owner)) for line in lines]
    stamp = f"{period.since:%Y-%m-%d}"
    total = sum((line.parts.total for line in lines), costs.Parts().total)
    return File(
        name=f"gpu-cost-{stamp}.csv",
        title=f"GPU spending {period.name}",
        text=table(_HEADER, rows),
        said=messages.file_of_costs(period, len(rows), total, wanted.user, wanted.project),
    )


def _row(line: costs.Line, period: Period, owner: str) -> tuple[Cell, ...]:
    bill, parts = line.bill, line.parts
    return (
        _days(period.since, period.until),
        bill.name,
        owner,
        bill.channel,
        bill.project,
        bill.kind,
        bill.market or "",
        bill.region,
        line.started_at,
        line.ended_at,
        int((line.ended_at - line.started_at).total_seconds()),
        parts.compute,
        parts.addresses,
        parts.disks,
        parts.stopped,
        parts.data,
        parts.kept,
        parts.total,
    )


def _days(since: datetime, until: datetime) -> str:
    return f"{since:%Y-%m-%d} to {until:%Y-%m-%d}"
