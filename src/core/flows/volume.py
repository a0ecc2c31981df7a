"""Brings a data volume to where it belongs, step by step, whoever looks.

What is to be done is written before it is done, and everything that is made in EC2 carries the
volume's tag, so that it is found again whenever a function dies. Two looks at once are safe: the
second loses its write.
"""

import math
from dataclasses import replace
from datetime import timedelta

from core import messages, volumes
from core.blocks import Message
from core.faults import CloudError, Fault, FaultKind
from core.flows import tabs
from core.flows.house import House
from core.flows.speak import for_good_let_go, passing, say
from core.lifecycle import FENCE
from core.model import DataVolume, Instance, Machine, VolumeState
from core.ports import ChatError, Snapshot, StaleRow, Volume
from core.volumes import Step

TAG = "gpu:data"
MOST_STEPS = 30
# The same call may succeed in a moment; nobody needs to hear of it.
_PASSING = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED, FaultKind.WRONG_STATE})


def noticed(house: House, m: Machine) -> None:
    """Its machine has changed: the volume may have something to do. A hint only."""
    if m.data is not None:
        house.wakes.wake(f"data-volume/{m.data}")


def follow_if_due(house: House, key: str) -> None:
    """For a delayed wake: one that comes early or twice finds a later `due_at`."""
    row = house.ledger.row(DataVolume, key)
    if row and row.due_at and row.due_at <= house.clock() + timedelta(seconds=1):
        follow(house, key)


def follow(house: House, key: str) -> None:
    """As far as it will go now; then say what changed, and arrange the next look."""
    row = house.ledger.row(DataVolume, key)
    try:
        if row is not None:
            row = _go_on(house, row)
        if row is not None:
            tabs.of_volume(house, row)
            _rest(house, _speak(house, row))
    except StaleRow:
        return  # somebody else is at it and has the newer row


def _go_on(house: House, row: DataVolume) -> DataVolume | None:
    """The row as written; None when the volume is gone for good."""
    for _ in range(MOST_STEPS):
        m = _machine(house, row)
        try:
            seen, copied = _read(house, row)
            step = volumes.next_step(row, m, seen, copied, house.clock())
            to = _carry_out(house, row, m, seen, step)
        except CloudError as error:
            return _refused(house, row, error.fault)
        if to is None:
            _drop(house, row)
        if to is None or to == row:
            return to
        row = house.ledger.save_row(to, row)
    return row


def _machine(house: House, row: DataVolume) -> Machine | None:
    return house.ledger.machine(row.machine) if row.machine else None


def _read(house: House, row: DataVolume) -> tuple[Volume | None, Snapshot | None]:
    """Its volume, and the snapshot that a move waits for."""
    if row.region is None:
        return None, None
    seen = house.disks.volume(row.region, row.volume) if row.volume else None
    move = row.move
    if move and move.snapshot and not move.complete:
        return seen, house.disks.snapshot(row.region, move.snapshot)
    if move and move.copy and not move.copied:
        return seen, house.disks.snapshot(move.region, move.copy)
    return seen, None


def _refused(house: House, row: DataVolume, fault: Fault) -> DataVolume:
    """What may pass is tried again in silence; the rest is said once."""
    if fault.kind in _PASSING or row.trouble == fault.code:
        return row
    return house.ledger.save_row(replace(row, trouble=fault.code), row)


# ---- one step -------------------------------------------------------------------------------


def _carry_out(
    house: House, row: DataVolume, m: Machine | None, seen: Volume | None, step: Step
) -> DataVolume | None:
    """Do it; the row as it is to be written, the same when nothing can be done now, None when there
    is nothing more of it."""
    at = volumes.standing(m) if m else None
    match step:
        case Step.REST:
            return row
        case Step.RELEASE:
            return volumes.released(row)
        case Step.DISCARD:
            return replace(row, state=VolumeState.LEAVING)
        case Step.DELETE:
            return _delete(house, row)
        case Step.CLEAN:
            return _clean(house, row)
        case Step.MISS:
            return replace(row, missing_since=house.clock())
        case Step.FOUND:
            return replace(row, missing_since=None)
        case Step.MEASURE:
            assert seen is not None
            return replace(row, gb=seen.gb)
        case Step.LOSE:
            _tell_of_the_loss(house, row, m)
            return None
        case Step.TURN_BACK:
            return volumes.turned_back(row)
        case Step.COMPLETE:
            return volumes.completed(row)
        case Step.SNAPSHOT | Step.COPY | Step.SWAP:
            assert m is not None
            return _move(house, row, volumes.wanted_gb(row, m), step)
        case _:
            assert m is not None
            assert at is not None
            return _bring(house, row, at, volumes.wanted_gb(row, m), step)


def _bring(house: House, row: DataVolume, at: Instance, gb: int, step: Step) -> DataVolume:
    """To the machine that waits for it, which wants it `gb` large."""
    if step is Step.SETTLE:
        return replace(row, region=at.region, zone=at.zone)
    if step is Step.MAKE:
        made = _make(house, row, row.region, row.zone, gb, None)
        return replace(row, volume=made.id, gb=made.gb, trouble="")
    if step is Step.SET_OUT:
        return volumes.set_out(row, at)
    if step is Step.GIVE:
        return volumes.given(row, at)
    assert row.volume is not None
    if step is Step.ARRIVED:
        return volumes.arrived(row)
    if step is Step.ATTACH:
        house.disks.attach(at.region, row.volume, at.id, volumes.DEVICE)
        return replace(row, state=VolumeState.ATTACHED, trouble="")
    house.disks.grow(at.region, row.volume, gb)  # the next looks see how far it has come
    return replace(row, trouble="")


def _make(
    house: House,
    row: DataVolume,
    region: str | None,
    zone: str | None,
    gb: int,
    snapshot: str | None,
) -> Volume:
    assert region is not None
    assert zone is not None
    name = volumes.resource_name(row)
    return house.disks.make_volume(region, zone, gb, name, _tags(row), snapshot)


def _move(house: House, row: DataVolume, gb: int, step: Step) -> DataVolume:
    """Snapshot, copy to another region, new volume: each is found again by its name."""
    move, name, marks = row.move, volumes.resource_name(row), _tags(row)
    assert move is not None
    assert row.region is not None
    assert row.volume is not None
    if step is Step.SNAPSHOT:
        taken = house.disks.make_snapshot(row.region, row.volume, name, marks)
        return replace(row, move=replace(move, snapshot=taken.id), trouble="")
    assert move.snapshot is not None
    if step is Step.COPY:
        copy = house.disks.copy_snapshot(move.region, row.region, move.snapshot, name, marks)
        return replace(row, move=replace(move, copy=copy), trouble="")
    source = move.copy or move.snapshot
    made = _make(house, row, move.region, move.zone, gb, source)
    return replace(volumes.swapped(row, made), trouble="")


def _tags(row: DataVolume) -> dict[str, str]:
    return {"Name": row.name, TAG: row.key, "gpu:owner": row.owner}


# ---- what goes ------------------------------------------------------------------------------


def _clean(house: House, row: DataVolume) -> DataVolume:
    """Delete what moves have left behind, first the volumes, then the snapshots."""
    left = tuple(region for region in row.litter if not _cleared(house, row, region))
    return replace(row, litter=left)


def _delete(house: House, row: DataVolume) -> DataVolume | None:
    """Everything of it, in every region where something may lie; None once nothing is left.

    The volume itself goes by its id, for EC2 may not show yet what was made a moment ago; and where
    an answer with the id may have been lost, nothing shown is nothing there only after the fence.
    """
    if row.volume and row.region and not house.disks.delete_volume(row.region, row.volume):
        return row
    regions = dict.fromkeys((*row.litter, row.region, row.move.region if row.move else None))
    whole = replace(row, volume=None)
    if not all(_cleared(house, whole, region) for region in regions if region):
        return row
    if row.region and not row.volume and not _is_surely_gone(house, row):
        return row if row.missing_since else replace(row, missing_since=house.clock())
    return None


def _is_surely_gone(house: House, row: DataVolume) -> bool:
    return row.missing_since is not None and house.clock() >= row.missing_since + FENCE


def _cleared(house: House, row: DataVolume, region: str) -> bool:
    """Delete whatever is there but the volume of the row itself; whether a read shows no more."""
    others, snapshots = _found(house, row, region)
    for one in others:
        if one.instance is None and one.state != "creating":
            house.disks.delete_volume(region, one.id)
    for copy in snapshots:
        house.disks.delete_snapshot(region, copy.id)
    return not (others or snapshots) or not any(_found(house, row, region))


def _found(
    house: House, row: DataVolume, region: str
) -> tuple[tuple[Volume, ...], tuple[Snapshot, ...]]:
    every = house.disks.volumes(region, TAG, row.key)
    others = tuple(one for one in every if one.id != row.volume)
    return others, house.disks.snapshots(region, TAG, row.key)


def _tell_of_the_loss(house: House, row: DataVolume, m: Machine | None) -> None:
    """Somebody has deleted it outside: nobody goes on waiting for it, nor for Slack to take the
    word of it for one who has left."""
    with for_good_let_go():
        _say(house, row, m, messages.data_lost(row))


def _drop(house: House, row: DataVolume) -> None:
    """Its tab ends first: whoever dies in between comes back to the row. What fails here comes
    again as a whole, for the row may be gone all the same. And once more: whoever had read the
    row before may have opened the tab again."""
    tabs.of_volume(house, row, gone=True)
    house.ledger.drop_row(row)
    tabs.of_volume(house, row, gone=True)


# ---- saying it ------------------------------------------------------------------------------


def _speak(house: House, row: DataVolume) -> DataVolume:
    """What its machine's thread has not heard yet; while Slack is away it stays to be said."""
    m = _machine(house, row)
    news = _news(row)
    if m is None or not news or row.told == news:
        return row
    try:
        _say(house, row, m, messages.data_news(row, m))
    except ChatError as error:
        if passing(error):
            return row
    return house.ledger.save_row(replace(row, told=news), row)


def _news(row: DataVolume) -> str:
    if row.trouble:
        return f"trouble {row.trouble}"
    if row.move is not None:
        return f"moving {row.move.zone}"
    return f"attached {row.instance}" if row.state is VolumeState.ATTACHED else ""


def _say(house: House, row: DataVolume, m: Machine | None, message: Message) -> None:
    if m is None or m.card is None:
        house.chat.dm(row.owner, message)
        return
    say(house, m.card.channel, row.owner, message, m.card.ts)


def _rest(house: House, row: DataVolume) -> None:
    """Write when the row is due, and send a delayed wake: a hint, more exact than the minute."""
    now, pause = house.clock(), volumes.pause(row, _machine(house, row))
    due = now + pause if pause is not None else None
    if due == row.due_at:
        return
    house.ledger.save_row(replace(row, due_at=due), row)
    if pause is not None:
        seconds = timedelta(seconds=math.ceil(pause.total_seconds()))
        house.wakes.wake(f"due/data-volume/{row.key}", seconds)
