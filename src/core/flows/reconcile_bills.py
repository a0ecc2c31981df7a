"""Our own meter beside AWS's Cost Explorer: the last three finished days (UTC), read once a day.

AWS is up to a day late, so every day is read three times, and what was read last counts. It is only
compared: nothing is decided by it. That AWS does not tell is an answer too, and is shown as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core import meter
from core.faults import CloudError, FaultKind
from core.flows import spending
from core.flows.house import House
from core.model import Bill, Reconciled
from core.ports import StaleRow

DAYS = 3
FROM_HOUR = 12  # UTC: before that AWS knows little of the day before
_DAY = timedelta(days=1)
_PASSING = frozenset({FaultKind.THROTTLED, FaultKind.UNKNOWN})  # asked again in an hour


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What AWS said, or the code with which it did not. `final`: for today."""

    days: Mapping[date, Decimal] = field(default_factory=dict)
    why: str = ""
    final: bool = True


def look(house: House) -> None:
    """Read each of the days unless all were read today; whoever is delivered twice pays once."""
    today = house.clock().astimezone(UTC).date()
    days = tuple(today - number * _DAY for number in range(DAYS, 0, -1))
    known = {day: house.ledger.row(Reconciled, day.isoformat()) for day in days}
    if house.clock() < _began(today) + timedelta(hours=FROM_HOUR) or _read_on(today, known):
        return
    told = _ask(house, days[0], today)
    bills = spending.bills(house, _began(days[0]))
    for day, seen in known.items():
        _write(house, _beside(house, bills, day, seen, told), seen)


def _began(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _read_on(today: date, known: Mapping[date, Reconciled | None]) -> bool:
    at = [row.read_at if row else None for row in known.values()]
    return all(when is not None and when.astimezone(UTC).date() == today for when in at)


def _ask(house: House, first: date, after: date) -> _Told:
    try:
        return _Told(days=house.invoices.by_day(first, after))
    except CloudError as error:
        return _Told(why=error.fault.code, final=error.fault.kind not in _PASSING)


def _beside(
    house: House, bills: tuple[Bill, ...], day: date, seen: Reconciled | None, told: _Told
) -> Reconciled:
    """The day's row. What AWS has once told stands until it tells something else."""
    now, began = house.clock(), _began(day)
    ours = meter.total(bills, began, began + _DAY)
    theirs = told.days.get(day)
    if not theirs and ours and now < began + 2 * _DAY:
        theirs = None  # of a day that it does not know yet it says zero
    if theirs is None and seen is not None:
        theirs = seen.theirs
    return replace(
        seen or Reconciled(day=day.isoformat(), ours=ours, theirs=None),
        ours=ours,
        theirs=theirs,
        why=told.why if theirs is None else "",
        read_at=now if told.final else None,
    )


def _write(house: House, row: Reconciled, seen: Reconciled | None) -> None:
    try:
        house.ledger.save_row(row, seen)
    except StaleRow:
        return  # somebody else has read the same day at the same time
