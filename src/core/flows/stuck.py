"""Tells that a stop or an end is refused or hangs: once in Slack, and to the alarm outside at each
look for as long as it lasts, so that the alarm stays on until it is over."""

from core import lifecycle as life
from core.flows.house import House
from core.model import Machine

METRIC = "Stuck"


def refused(house: House, m: Machine, code: str) -> Machine:
    """EC2 would not: it is tried again for ever. The row as written, once that has lasted."""
    return alert(house, m, code) if life.is_stuck(m, house.clock()) else m


def alert(house: House, m: Machine, code: str = "") -> Machine:
    """Its owner and the admins hear of it. The row as written."""
    return house.ledger.save(life.stuck(m, house.clock(), code), m)


def count(house: House, m: Machine) -> None:
    """One more look at which it was so."""
    if life.hangs(m, house.clock()):
        house.count(METRIC)
