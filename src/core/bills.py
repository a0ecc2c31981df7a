"""A machine's bill: the part of its row that says what it has cost, and when."""

from datetime import datetime

from core.model import FINAL, Bill, Machine


def bill_of(m: Machine) -> Bill:
    """What there is to be paid for it, also while it lives."""
    at = m.placement
    return Bill(
        machine=m.id,
        name=m.name,
        owner=m.owner,
        channel=m.channel,
        project=m.wish.project,
        kind=at.instance_type if at else m.wish.instance_type,
        market=m.market,
        region=at.region if at else m.wish.region,
        runs=m.runs,
        stores=m.stores,
        ended_at=_ended_at(m) if m.state in FINAL else None,
    )


def _ended_at(m: Machine) -> datetime:
    return m.history[-1].at if m.history else m.created_at
