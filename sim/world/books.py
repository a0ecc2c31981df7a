"""What the account's bill is made of: a line for everything that costs money, while it does.

Kept by the world as things happen; `bill` says what the lines come to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from sim.world.things import Instance, Snapshot, Tags, Volume

V = TypeVar("V")

_MONTH = Decimal(730 * 3600)  # seconds, as AWS itself reckons
_GP3, _GP3_IOPS, _GP3_MIBS = Decimal("0.08"), Decimal("0.005"), Decimal("0.04")
_IO2 = Decimal("0.125")
_IO2_TIERS = ((32_000, Decimal("0.065")), (32_000, Decimal("0.0455")), (192_000, Decimal("0.032")))
_SNAPSHOT = Decimal("0.05")


@dataclass(kw_only=True)
class Line:
    """One thing that costs money from `start` to `end`. `rate`: USD a second, of a disk or such."""

    kind: str  # instance | volume | snapshot
    id: str
    region: str
    tags: Tags
    start: datetime
    end: datetime | None = None
    rate: Decimal = Decimal(0)
    zone: str = ""
    instance_type: str = ""
    market: str = ""
    address: bool = False
    taken: bool = False  # EC2 itself ended the spot instance


@dataclass(kw_only=True)
class Books:
    """Every line that ever was. `activated`: the tag splits the costs; `readable`: Cost Explorer
    may be read; `late`: how old the newest of what it knows is."""

    lines: list[Line] = field(default_factory=list)
    open: dict[str, Line] = field(default_factory=dict)
    activated: bool = True
    readable: bool = True
    late: timedelta = timedelta(0)

    def instance(self, region: str, at: datetime, one: Instance, *, address: bool) -> None:
        """An instance has entered a state: running costs money, nothing else does."""
        if one.state == "running":
            self._open(
                Line(
                    kind="instance",
                    id=one.id,
                    region=region,
                    tags=one.tags,
                    start=at,
                    zone=one.zone,
                    instance_type=one.instance_type,
                    market=one.market,
                    address=address,
                )
            )
        elif one.id in self.open:
            by_ec2 = one.reason is not None and one.reason.code == "Server.SpotInstanceTermination"
            self.open[one.id].taken = by_ec2
            self.close(one.id, at)

    def volume(self, region: str, at: datetime, one: Volume) -> None:
        """A volume is there, or has another size."""
        self.close(one.id, at)
        rate = _disk(one) / _MONTH
        self._open(
            Line(kind="volume", id=one.id, region=region, tags=one.tags, start=at, rate=rate)
        )

    def snapshot(self, region: str, at: datetime, one: Snapshot) -> None:
        """A snapshot is there; it is billed as if its disk were full."""
        rate = _SNAPSHOT * one.size / _MONTH
        self._open(
            Line(kind="snapshot", id=one.id, region=region, tags=one.tags, start=at, rate=rate)
        )

    def close(self, id: str, at: datetime) -> None:
        """It costs nothing any more."""
        line = self.open.pop(id, None)
        if line is not None:
            line.end = at

    def _open(self, line: Line) -> None:
        self.close(line.id, line.start)
        self.open[line.id] = line
        self.lines.append(line)


class Watched(dict[str, V]):
    """A shelf of things whose coming and going is told."""

    def __init__(self, came: Callable[[V], None], went: Callable[[str], None]) -> None:
        super().__init__()
        self._came, self._went = came, went

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        self._came(value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._went(key)


def _disk(one: Volume) -> Decimal:
    """USD a month."""
    if one.kind == "io2":
        left, total = one.iops or 0, _IO2 * one.size
        for width, each in _IO2_TIERS:
            total += min(left, width) * each
            left = max(0, left - width)
        return total
    faster = max(0, (one.iops or 3000) - 3000) * _GP3_IOPS
    wider = max(0, (one.throughput or 125) - 125) * _GP3_MIBS
    return _GP3 * one.size + faster + wider
