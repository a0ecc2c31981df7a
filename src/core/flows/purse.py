"""The purse: what is set aside for machines, so that two launches cannot both have the rest of a
budget. Written before anything is bought; taken out when a machine can cost nothing any more.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.flows.house import House
from core.model import Machine


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A budget that stands against it, in words; `final`: no approver may lift it."""

    rule: str  # `budget team monthly`
    words: str
    final: bool = False


def claim(
    house: House, m: Machine, *, hourly: Decimal, until: datetime, forced: bool = False
) -> tuple[Broken, ...]:
    """Set aside what the machine may cost: `hourly` USD for all of its instances, until then.

    Nothing is set aside where a budget stands against it, unless it is `forced` (an approver has
    said yes). What was set aside for it before is replaced.
    """
    return ()


def release(house: House, machine: str) -> None:
    """It can cost nothing any more but its disk: what was set aside for it is free."""
