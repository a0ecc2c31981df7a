"""A data volume's life: which one step comes next, told by its row, its machine and what EC2 shows.

Pure. What is on it is never in one place only by accident: the old volume goes when a new one, made
from a complete snapshot, has reached the machine.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.lifecycle.terms import ABSENT_FOR
from core.model import ALIVE, FINAL, DataVolume, Desire, Instance, Machine, State, VolumeState
from core.model import VolumeMove as Move
from core.ports import Snapshot, Volume

DEVICE = "/dev/sdf"  # where it is attached; the machine looks for it there (core.user_data)
# A launch claims the volume a moment before it writes its machine's row.
CLAIM = timedelta(minutes=2)
SOON = timedelta(seconds=10)
COPYING = timedelta(seconds=30)  # between looks at a snapshot
AGAIN = timedelta(minutes=5)  # after EC2 has refused something
CHECK = timedelta(minutes=10)
_UP = frozenset({"pending", "running"})
_USABLE = frozenset({"available", "in-use"})


class Step(StrEnum):
    """The one thing to do next."""

    REST = "rest"
    SETTLE = "settle"  # write where it is to be made
    MAKE = "make"
    GIVE = "give"  # write which instance gets it
    ATTACH = "attach"
    ARRIVED = "arrived"  # write that the instance has it
    GROW = "grow"
    SET_OUT = "set-out"  # write where it is to go
    SNAPSHOT = "snapshot"
    COMPLETE = "complete"  # write that the snapshot, or its copy, is complete
    COPY = "copy"  # the snapshot, to the other region
    SWAP = "swap"  # make the new volume; it is the volume from then on
    TURN_BACK = "turn-back"  # give the move up: it stays where it is
    CLEAN = "clean"  # delete what a move has left
    RELEASE = "release"
    DISCARD = "discard"  # nobody ever had it: it goes with its launch
    DELETE = "delete"
    MISS = "miss"  # write that EC2 does not show it
    FOUND = "found"  # write that it does again
    MEASURE = "measure"  # write how large it is
    LOSE = "lose"  # somebody has deleted it outside


def next_step(
    row: DataVolume,
    m: Machine | None,
    seen: Volume | None,
    copied: Snapshot | None,
    now: datetime,
) -> Step:
    """What comes next. `seen`: its volume as EC2 shows it; `copied`: the snapshot that a move
    waits for."""
    if row.state is VolumeState.LEAVING:
        return Step.DELETE
    if seen is not None and row.missing_since is not None:
        return Step.FOUND
    if seen is not None and seen.gb != row.gb:
        return Step.MEASURE
    if row.machine is not None and m is None and not _claim_is_over(row, now):
        return Step.REST
    if m is None or m.state in FINAL:
        return _free(row, seen, now)
    at = standing(m)
    if row.volume is None:
        return (Step.MAKE if row.region else Step.SETTLE) if at else Step.REST
    if seen is None:
        return _unseen(row, now)
    if at is None:
        return Step.TURN_BACK if row.move and m.state is State.STOPPED else Step.REST
    if row.move is not None:
        return _moving(row, row.move, at, copied)
    if (row.region, row.zone) != (at.region, at.zone):
        if seen.state not in _USABLE:
            return Step.REST
        return Step.CLEAN if row.litter else Step.SET_OUT
    return _here(row, m, at, seen)


def is_held(row: DataVolume, m: Machine | None, now: datetime) -> bool:
    """Whether a machine, or a launch at this moment, has it or waits for it."""
    if row.machine is None:
        return False
    return m.state not in FINAL if m is not None else not _claim_is_over(row, now)


def standing(m: Machine) -> Instance | None:
    """The instance that can have a volume now, or None."""
    if m.state not in ALIVE or m.desire is not Desire.RUN or m.instance is None:
        return None
    return m.instance if m.instance.state in _UP else None


def claimed(row: DataVolume, machine: str, gb: int | None, now: datetime) -> DataVolume:
    """The row of a volume that a launch takes along. One that is there is as large as EC2 made it:
    a larger wish is its machine's, and goes with it."""
    return replace(
        row,
        state=VolumeState.WANTED,
        gb=row.gb if row.volume else gb or row.gb,
        machine=machine,
        claimed_at=now,
        trouble="",
        told="",
        due_at=now + CLAIM,
    )


def wanted_gb(row: DataVolume, m: Machine) -> int:
    """How large its machine wants it; a volume cannot shrink."""
    return max(row.gb, m.wish.data_gb or 0)


def set_out(row: DataVolume, at: Instance) -> DataVolume:
    """It has to go to where its machine came up."""
    move = Move(region=at.region, zone=at.zone)
    return replace(row, state=VolumeState.MOVING, move=move, serial=row.serial + 1, trouble="")


def turned_back(row: DataVolume) -> DataVolume:
    """It stays where it is; what the move has made is litter."""
    assert row.move is not None
    litter = _with(row.litter, row.region, row.move.region)
    return replace(row, state=VolumeState.WANTED, move=None, litter=litter)


def completed(row: DataVolume) -> DataVolume:
    """The snapshot that the move waits for is complete."""
    assert row.move is not None
    first = not row.move.complete
    return replace(row, move=replace(row.move, complete=True, copied=not first))


def swapped(row: DataVolume, made: Volume) -> DataVolume:
    """The new volume is the volume; the old one and the snapshots are litter."""
    return replace(
        row,
        state=VolumeState.WANTED,
        region=made.region,
        zone=made.zone,
        volume=made.id,
        gb=made.gb,
        move=None,
        litter=_with(row.litter, row.region, made.region),
    )


def given(row: DataVolume, at: Instance) -> DataVolume:
    """Written before it is attached: from here on there may be something on it."""
    return replace(row, used=True, instance=at.id)


def arrived(row: DataVolume) -> DataVolume:
    """The instance has it."""
    return replace(row, state=VolumeState.ATTACHED, trouble="")


def released(row: DataVolume) -> DataVolume:
    """Its machine is over and EC2 has let go of it."""
    return replace(
        row, state=VolumeState.FREE, machine=None, instance=None, claimed_at=None, trouble=""
    )


def resource_name(row: DataVolume) -> str:
    """What marks the volumes and snapshots of one making; no later volume has the same."""
    return f"{row.key}.{int(row.made_at.timestamp())}.{row.serial}"


def pause(row: DataVolume, m: Machine | None) -> timedelta | None:
    """How long until somebody must look again; None: nothing can happen to it by itself."""
    if row.trouble:
        return AGAIN
    if row.state is VolumeState.LEAVING:
        return COPYING
    if row.missing_since is not None:
        return SOON
    if row.state is VolumeState.ATTACHED:
        ends = m is not None and m.state in FINAL
        grows = m is not None and wanted_gb(row, m) > row.gb
        return COPYING if row.litter or ends or grows else CHECK
    if row.machine is None:
        return COPYING if row.litter else None
    if m is None:
        return CLAIM
    if m.state in FINAL:
        return SOON
    if standing(m) is None:
        return CHECK
    return COPYING if row.move else SOON


# ---- cases ----------------------------------------------------------------------------------


def _claim_is_over(row: DataVolume, now: datetime) -> bool:
    return row.claimed_at is None or now >= row.claimed_at + CLAIM


def _free(row: DataVolume, seen: Volume | None, now: datetime) -> Step:
    if row.move is not None:
        return Step.TURN_BACK
    if not row.used:
        return Step.DISCARD
    if seen is None:
        return _unseen(row, now)
    if seen.instance is not None:
        return Step.REST  # EC2 has still to let go of it
    if row.machine is not None:
        return Step.RELEASE
    return Step.CLEAN if row.litter and seen.state in _USABLE else Step.REST


def _unseen(row: DataVolume, now: datetime) -> Step:
    """A volume that was just made may not show yet."""
    if row.missing_since is None:
        return Step.MISS
    return Step.LOSE if now >= row.missing_since + ABSENT_FOR else Step.REST


def _moving(row: DataVolume, move: Move, at: Instance, copied: Snapshot | None) -> Step:
    if (move.region, move.zone) != (at.region, at.zone):
        return Step.TURN_BACK
    if move.snapshot is None:
        return Step.SNAPSHOT
    if not move.complete:
        return _awaited(copied)
    if move.region == row.region or move.copied:
        return Step.SWAP
    return Step.COPY if move.copy is None else _awaited(copied)


def _awaited(snapshot: Snapshot | None) -> Step:
    if snapshot is None or snapshot.state == "pending":
        return Step.REST
    return Step.COMPLETE if snapshot.state == "completed" else Step.TURN_BACK


def _here(row: DataVolume, m: Machine, at: Instance, seen: Volume) -> Step:
    if seen.instance == at.id:
        if row.state is not VolumeState.ATTACHED:
            return Step.ARRIVED
        if row.litter:
            return Step.CLEAN
        return Step.GROW if wanted_gb(row, m) > seen.gb else Step.REST
    if seen.state != "available" or at.state != "running":
        return Step.REST
    return Step.ATTACH if row.used and row.instance == at.id else Step.GIVE


def _with(regions: tuple[str, ...], *more: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*regions, *(region for region in more if region))))
