"""Gathers every bill there is of a stretch of time: of machines that have ended, of those that
live, and of what outlives them."""

from datetime import datetime

from core.bills import bill_of
from core.flows.house import House
from core.model import Bill, Tab


def bills(house: House, since: datetime) -> tuple[Bill, ...]:
    """Of everything that may have cost something since then. Each once: those that live are read
    first, so that a machine that ends while this is read stands in both lists and not in none."""
    living = {m.id: bill_of(m) for m in house.ledger.live()}
    ended = {bill.machine: bill for bill in house.ledger.bills(since, house.clock())}
    return (*{**living, **ended}.values(), *lasting(house))


def lasting(house: House) -> tuple[Bill, ...]:
    """Of data volumes and saved images, those that are gone too."""
    return tuple(_bill(tab) for tab in house.ledger.rows(Tab))


def _bill(tab: Tab) -> Bill:
    return Bill(
        machine=tab.what, name=tab.name, owner=tab.owner, channel=tab.channel, stores=tab.stores
    )
