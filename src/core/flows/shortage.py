"""Remembers for a few minutes what had no capacity, for every launch: those places come last."""

from datetime import timedelta

from core.flows.house import House
from core.model import Full, Placement
from core.ports import StaleRow

REMEMBERED_FOR = timedelta(minutes=5)  # spot pools are said to turn over within minutes


def remember(house: House, at: Placement) -> None:
    """That EC2 had none of these there a moment ago. A hint: nothing is lost without it."""
    row = Full(
        region=at.region,
        zone=at.zone,
        instance_type=at.instance_type,
        market=at.market,
        until=house.clock() + REMEMBERED_FOR,
    )
    try:
        house.ledger.save_row(row, house.ledger.row(Full, row.key))
    except StaleRow:
        return  # another launch has just learned the same


def recent(house: House) -> frozenset[str]:
    """The keys of all that is remembered still."""
    now = house.clock()
    return frozenset(row.key for row in house.ledger.rows(Full) if row.until > now)
