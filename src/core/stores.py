"""What of a machine costs money whether it runs or not: its disks and their snapshots, by the hour.

Pure: what the row says that there is, held against the stretches that are counted.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core import price
from core.disks import disk_of
from core.model import FINAL, Kept, Machine, State, Store

_DISK, _SNAPSHOT = "disk", "snapshot"
_LEAVING = frozenset({State.STOPPING, State.ENDING})


def standing(m: Machine) -> dict[str, Decimal]:
    """USD an hour of what there is now, by kind; nothing once the machine is over."""
    if m.state in FINAL:
        return {}
    disks = _disks(m) + (_of(m.kept, "vol-") if m.kept else 0)
    snapshots = _of(m.kept, "snap-") if m.kept else 0
    size = m.kept.gb if m.kept else 0
    found = {
        _DISK: disks * _disk_hourly(m),
        _SNAPSHOT: snapshots * price.snapshot_monthly(size) / price.HOURS_A_MONTH,
    }
    return {kind: hourly for kind, hourly in found.items() if hourly}


def kept_up(
    stores: tuple[Store, ...], now: datetime, wanted: dict[str, Decimal]
) -> tuple[Store, ...]:
    """The stretches with those ended that are no more as they were, and those begun that are new;
    the same where nothing has changed."""
    going_on = {s.kind: s.hourly for s in stores if s.ended_at is None}
    if going_on == wanted:
        return stores
    ended = [
        replace(s, ended_at=max(now, s.started_at))
        if s.ended_at is None and wanted.get(s.kind) != s.hourly
        else s
        for s in stores
    ]
    new = [
        Store(kind=kind, started_at=now, ended_at=None, hourly=hourly)
        for kind, hourly in sorted(wanted.items())
        if going_on.get(kind) != hourly
    ]
    return (*ended, *new)


def stored(m: Machine, now: datetime) -> Machine:
    """The row that counts exactly what there is of it; a first disk from when it was launched."""
    wanted = standing(m)
    stores = kept_up(m.stores, min(now, _changed_at(m) or now), wanted)
    return m if stores == m.stores else replace(m, stores=stores)


def _changed_at(m: Machine) -> datetime | None:
    """When EC2 says that its disks came or went; None: when it was seen."""
    if not m.stores:
        return min((one.launched_at for one in m.instances), default=None)
    gone = all(one.state == "terminated" for one in m.instances)
    outlived = any(one.kind == _SNAPSHOT and one.ended_at is None for one in m.stores)
    if m.instance is None or not gone or outlived or m.leaves_disk:
        return None
    return m.instance.ended_at


def _disks(m: Machine) -> int:
    """Root disks of its instances. One that is left behind counts until it is found."""
    held = sum(one.state != "terminated" for one in m.instances)
    left = m.leaves_disk and m.instance is not None and m.instance.state == "terminated"
    unfound = left and m.state in _LEAVING and (m.kept is None or m.kept.volume is None)
    return held + (1 if unfound else 0)


def _disk_hourly(m: Machine) -> Decimal:
    gb = m.kept.gb if m.kept else m.disk_gb or (m.image.root_gb if m.image else 0)
    return disk_of(m.wish, gb).monthly / price.HOURS_A_MONTH


def _of(kept: Kept, prefix: str) -> int:
    """How many volumes (`vol-`) or snapshots (`snap-`) there are of a kept disk."""
    every: Iterable[str | None] = (kept.volume, kept.snapshot, *kept.spare)
    return sum(one is not None and one.startswith(prefix) for one in every)
