"""Sums of what was spent: by person, machine, project and market, by day, and what part was what.

Every sum is made of `meter.spent` of whole bills or of parts of them, so that they add up.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core import meter, price
from core.model import Bill, Run, Store
from core.periods import Period, Stretch, days

MOST_SERIES = 6
OTHERS = "others"  # the key of what has no place of its own in a chart
_NOTHING = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What was paid for, in USD."""

    compute: Decimal = _NOTHING
    addresses: Decimal = _NOTHING  # public IPv4
    disks: Decimal = _NOTHING  # of machines that ran
    stopped: Decimal = _NOTHING  # disks of machines while they were stopped
    data: Decimal = _NOTHING  # data volumes
    kept: Decimal = _NOTHING  # snapshots and images

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.compute + self.addresses + self.disks + self.stopped + self.data + self.kept


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one person, machine, project or market has cost."""

    key: str
    usd: Decimal


@dataclass(frozen=True, kw_only=True)
class Costly:
    """A machine, a data volume or a saved image with what it has cost."""

    bill: Bill
    usd: Decimal
    ended: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that is said about the spending of one period. Shares: the dearest first."""

    period: Period
    total: Decimal
    before: Decimal  # in as long a stretch of the period before
    hourly: Decimal  # USD per hour now
    running: int  # instances up now
    parts: Parts
    people: tuple[Share, ...]
    machines: tuple[Costly, ...]
    projects: tuple[Share, ...]
    markets: tuple[Share, ...]
    days: tuple[Stretch, ...]
    daily: tuple[Decimal, ...]


def report(bills: tuple[Bill, ...], wanted: Period, now: datetime) -> Report:
    """Adds up what `bills` have cost in the period."""
    since, until = wanted.since, wanted.until
    shown = days(wanted)
    return Report(
        period=wanted,
        total=meter.total(bills, since, until),
        before=meter.total(bills, wanted.before, wanted.before_until),
        hourly=sum((rate(bill, now) for bill in bills), _NOTHING),
        running=sum(run.instances for bill in bills for run in _open(bill, now)),
        parts=parts(bills, since, until),
        people=shares(bills, since, until, lambda bill: bill.owner),
        machines=_machines(bills, since, until),
        projects=shares(bills, since, until, lambda bill: bill.project),
        markets=shares(bills, since, until, lambda bill: bill.market or ""),
        days=shown,
        daily=tuple(meter.total(bills, day.since, day.until) for day in shown),
    )


def shares(
    bills: Iterable[Bill], since: datetime, until: datetime, key: Callable[[Bill], str]
) -> tuple[Share, ...]:
    """The sums by key, without those that have cost nothing; the dearest first."""
    sums: dict[str, Decimal] = {}
    for bill in bills:
        sums[key(bill)] = sums.get(key(bill), _NOTHING) + meter.spent(bill, since, until)
    found = [Share(key=name, usd=usd) for name, usd in sums.items() if usd]
    return tuple(sorted(found, key=lambda share: (-share.usd, share.key)))


def _machines(bills: Iterable[Bill], since: datetime, until: datetime) -> tuple[Costly, ...]:
    found = [
        Costly(bill=bill, usd=usd, ended=bill.ended_at is not None)
        for bill in bills
        if (usd := meter.spent(bill, since, until))
    ]
    return tuple(sorted(found, key=lambda one: (-one.usd, one.bill.name, one.bill.machine)))


# ---- now ------------------------------------------------------------------------------------


def rate(bill: Bill, now: datetime) -> Decimal:
    """USD per hour at this moment: what runs, its addresses, and what is stored."""
    running = (run.hourly + run.instances * price.PUBLIC_IPV4_HOURLY for run in _open(bill, now))
    stored = (s.hourly for s in bill.stores if _lasts(s, now))
    return sum(running, _NOTHING) + sum(stored, _NOTHING)


def lasting_monthly(bills: Iterable[Bill], now: datetime) -> Decimal:
    """USD a month of what there is without a machine: data volumes and saved images."""
    rates = (rate(bill, now) for bill in bills if not bill.runs)
    return sum(rates, _NOTHING) * price.HOURS_A_MONTH


def _open(bill: Bill, now: datetime) -> list[Run]:
    return [run for run in bill.runs if _lasts(run, now)]


def _lasts(it: Run | Store, now: datetime) -> bool:
    return it.started_at <= now and (it.ended_at is None or it.ended_at > now)


# ---- what part was what ---------------------------------------------------------------------


def parts(bills: Iterable[Bill], since: datetime, until: datetime) -> Parts:
    """Of all of them together; the total is that of the meter."""
    all_of_it = [_parts(bill, since, until) for bill in bills]
    return Parts(
        compute=sum((one.compute for one in all_of_it), _NOTHING),
        addresses=sum((one.addresses for one in all_of_it), _NOTHING),
        disks=sum((one.disks for one in all_of_it), _NOTHING),
        stopped=sum((one.stopped for one in all_of_it), _NOTHING),
        data=sum((one.data for one in all_of_it), _NOTHING),
        kept=sum((one.kept for one in all_of_it), _NOTHING),
    )


def _parts(bill: Bill, since: datetime, until: datetime) -> Parts:
    def of(runs: tuple[Run, ...] = (), stores: tuple[Store, ...] = ()) -> Decimal:
        return meter.spent(replace(bill, runs=runs, stores=stores), since, until)

    disks = tuple(store for store in bill.stores if store.kind == "disk")
    disk = of(stores=disks)
    # Parts of seconds are rounded up for each piece, so the pieces may come to more than the whole.
    used = min(disk, of(stores=tuple(_while_up(disks, bill.runs))))
    return Parts(
        compute=of(runs=tuple(replace(run, instances=0) for run in bill.runs)),
        addresses=of(runs=tuple(replace(run, hourly=_NOTHING) for run in bill.runs)),
        disks=used,
        stopped=disk - used,
        data=of(stores=tuple(s for s in bill.stores if s.kind == "data")),
        kept=of(stores=tuple(s for s in bill.stores if s.kind not in ("disk", "data"))),
    )


def _while_up(disks: tuple[Store, ...], runs: tuple[Run, ...]) -> Iterable[Store]:
    """The stretches of the disks in which their machine ran."""
    for disk in disks:
        for run in runs:
            started = max(disk.started_at, run.started_at)
            ended = min((at for at in (disk.ended_at, run.ended_at) if at), default=None)
            if ended is None or ended > started:
                yield replace(disk, started_at=started, ended_at=ended)


# ---- for a chart ----------------------------------------------------------------------------


def series(
    bills: tuple[Bill, ...], shown: tuple[Stretch, ...], key: Callable[[Bill], str]
) -> tuple[tuple[str, tuple[Decimal, ...]], ...]:
    """USD by day of the five dearest keys and of all others together; of six, all six."""
    if not shown:
        return ()
    ranked = [share.key for share in shares(bills, shown[0].since, shown[-1].until, key)]
    own = ranked if len(ranked) <= MOST_SERIES else ranked[: MOST_SERIES - 1]
    groups: dict[str, list[Bill]] = {name: [] for name in own}
    for bill in bills:
        groups.setdefault(key(bill) if key(bill) in own else OTHERS, []).append(bill)
    return tuple(
        (name, tuple(meter.total(group, day.since, day.until) for day in shown))
        for name, group in groups.items()
        if name in own or len(ranked) > len(own)
    )


# ---- for a table ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Line:
    """One start of a machine until its stop, or one stretch of something stored."""

    bill: Bill
    started_at: datetime
    ended_at: datetime
    parts: Parts


def lines(bills: Iterable[Bill], since: datetime, until: datetime) -> tuple[Line, ...]:
    """Everything that has cost something in the period; their parts add up to its total."""
    found = [line for bill in bills for line in _lines(bill, since, until) if line.parts.total]
    return tuple(sorted(found, key=lambda line: (line.started_at, line.bill.machine)))


def _lines(bill: Bill, since: datetime, until: datetime) -> Iterable[Line]:
    for chain in meter.chains(bill.runs):
        only = replace(bill, runs=tuple(chain), stores=())
        found = _parts(only, since, until)
        yield _line(bill, chain[0].started_at, chain[-1].ended_at, found, since, until)
    for store in bill.stores:
        found = _parts(replace(bill, stores=(store,)), since, until)
        stored = replace(found, compute=_NOTHING, addresses=_NOTHING)
        yield _line(bill, store.started_at, store.ended_at, stored, since, until)


def _line(
    bill: Bill,
    started_at: datetime,
    ended_at: datetime | None,
    found: Parts,
    since: datetime,
    until: datetime,
) -> Line:
    return Line(
        bill=bill,
        started_at=max(started_at, since),
        ended_at=min(ended_at or until, until),
        parts=found,
    )
