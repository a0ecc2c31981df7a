"""Tells that a stop or an end is refused or hangs, once: in Slack, and to the alarm outside."""

from core import lifecycle as life
from core.flows.house import House
from core.model import Machine

METRIC = "Stuck"


def refused(house: House, m: Machine, code: str) -> Machine:
    """EC2 would not: it is tried again for ever. The row as written, once that has lasted."""
    return alert(house, m, code) if life.is_stuck(m, house.clock()) else m


def alert(house: House, m: Machine, code: str = "") -> Machine:
    """Counted before it is written: whoever dies in between counts it twice, never not at all."""
    house.count(METRIC)
    return house.ledger.save(life.stuck(m, house.clock(), code), m)
