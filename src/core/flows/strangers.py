"""Tells the admins what the sweep has stopped that no row knew, and writes it into the audit trail.

The clock that sweeps may not speak; it leaves a wake. Of a table that was lost there may be three
of those a minute for hours, so the admins hear of the first at once and of the others together.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core import deeds, messages
from core.flows.house import House
from core.flows.speak import to_admins
from core.model import Deed, SweepWatch
from core.ports import StaleRow
from core.reconcile import runs

TOLD_EVERY = timedelta(minutes=15)
_DONE = {"stop": "stopped", "terminate": "ended"}


def noted(house: House, region: str, action: str, epoch: str, ids: str) -> None:
    """`ids`: instances that the sweep was about to stop, with commas between them. Of those that
    run still nothing is said: EC2 refused, or the clock died before it asked; it will try again.

    Whoever dies before the admins were told is followed by another delivery, or by the row's own
    time. What stands in the audit trail was remembered, so another delivery does not do it again.
    """
    at = datetime.fromtimestamp(int(epoch), UTC)
    up = {one.instance.id for one in house.cloud.tagged(region) if runs(one)}
    known = {one.id for one in house.ledger.deeds(at, at + timedelta(seconds=1))}
    new = [id for id in ids.split(",") if id not in up and _name(id) not in known]
    _remember(house, [f"{region}/{action}/{id}" for id in new])
    for id in new:
        house.ledger.add_deed(_deed(at, region, action, id))
    tell(house)


def _deed(at: datetime, region: str, action: str, id: str) -> Deed:
    did = f"{_DONE.get(action, action)} {id} in {region}, which no row knows"
    return Deed(at=at, id=_name(id), who=deeds.BOT, did=did, answer="")


def _name(id: str) -> str:
    return f"swept.{id}"


def _remember(house: House, new: Sequence[str]) -> None:
    seen = house.ledger.row(SweepWatch, SweepWatch().key)
    row = seen or SweepWatch()
    untold = tuple(dict.fromkeys((*row.untold, *new)))
    if untold != row.untold:
        house.ledger.save_row(replace(row, untold=untold, due_at=house.clock()), seen)


def tell(house: House) -> None:
    """Of all that is untold, unless the admins have just read of others."""
    row, now = house.ledger.row(SweepWatch, SweepWatch().key), house.clock()
    if row is None or not row.untold:
        return
    if row.told_at is not None and now < row.told_at + TOLD_EVERY:
        _write(house, replace(row, due_at=row.told_at + TOLD_EVERY), row)
        return
    to_admins(house, messages.strangers(row.untold))
    _write(house, replace(row, untold=(), told_at=now, due_at=None), row)


def _write(house: House, new: SweepWatch, seen: SweepWatch) -> None:
    if new == seen:
        return
    try:
        house.ledger.save_row(new, seen)
    except StaleRow:
        return  # there is more to tell already: it is due
