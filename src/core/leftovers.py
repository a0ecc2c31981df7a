"""What a machine has in EC2: what each thing costs, and which of it may go when it is over.

Pure. A disk is deleted only when its machine's row says that the machine is over; what no row
knows is told to the admins and left alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core import price
from core.model import FINAL, Instance, Machine
from core.ports import Part, PartKind

SETTLED_AFTER = timedelta(hours=1)  # younger things may belong to a row that is being written
_GOING = frozenset({"deleting", "deleted", "deregistered"})


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Everything of one machine that EC2 shows."""

    instances: tuple[Instance, ...]
    parts: tuple[Part, ...]

    @property
    def monthly(self) -> Decimal:
        """USD per month of what costs money whether the machine runs or not."""
        return sum((monthly(part) for part in self.parts), Decimal(0))


def monthly(part: Part) -> Decimal:
    """USD per month; groups, keys and spot requests are free, an image costs what its snapshots
    do."""
    match part.kind:
        case PartKind.VOLUME:
            return price.disk_monthly(part.gb, part.disk_type, part.iops, part.throughput)
        case PartKind.SNAPSHOT:
            return price.snapshot_monthly(part.gb)
        case _:
            return Decimal(0)


class Fate(StrEnum):
    """What is to become of a part of a machine that is over."""

    REMOVE = "remove"
    WAIT = "wait"  # EC2 has not let go of it yet
    LEAVE = "leave"  # it outlives the machine, or somebody else has it now


def fate(part: Part, m: Machine) -> Fate:
    """What is to become of this part, the machine's instances being gone."""
    if part.outlives or part.state in _GOING:
        return Fate.LEAVE
    if part.kind is PartKind.VOLUME and part.state == "in-use":
        own = {one.id for one in m.instances}
        # Attached to another instance by hand: whoever did that wants it.
        return Fate.WAIT if part.instance in own else Fate.LEAVE
    return Fate.REMOVE


@dataclass(frozen=True, kw_only=True)
class Strays:
    """What no living machine owns: of machines that are over, and of none that is known."""

    dead: tuple[tuple[Machine, tuple[Part, ...]], ...]
    unknown: tuple[Part, ...]


def strays(parts: Iterable[Part], machines: dict[str, Machine | None], now: datetime) -> Strays:
    """Sort what a region has by what becomes of it; `machines` has the row of every id, or None."""
    dead: dict[str, list[Part]] = {}
    unknown: list[Part] = []
    for part in parts:
        m = machines.get(part.machine)
        if part.outlives or _young(part, now):
            continue
        if m is None:
            unknown.append(part)
        elif m.state in FINAL and now - _over_since(m) >= SETTLED_AFTER:
            dead.setdefault(m.id, []).append(part)
    known = {m.id: m for m in machines.values() if m is not None}
    return Strays(
        dead=tuple((known[id], tuple(those)) for id, those in dead.items()),
        unknown=tuple(unknown),
    )


def _young(part: Part, now: datetime) -> bool:
    return part.made_at is not None and now - part.made_at < SETTLED_AFTER


def _over_since(m: Machine) -> datetime:
    return m.history[-1].at if m.history else m.created_at
