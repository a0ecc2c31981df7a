"""Carries a disk over from one instance to the next: volume, snapshot, image, a new instance.

Every step looks things up by the ids in the row, or makes them under a name that is derived from
the row, so that a step that was cut off is simply taken again. What cannot be done now is left as
it is: the row is due again. What EC2 refuses is told once and tried every five minutes.
"""

from collections.abc import Callable
from typing import assert_never

from core import lifecycle as life
from core import run_instances
from core.faults import CloudError, Fault, FaultKind
from core.flows import restart
from core.flows.house import House
from core.lifecycle import KeepStep
from core.meter import chains
from core.model import FINAL, Kept, Machine

MACHINE = "gpu:machine"
# The same call may succeed in a moment; nobody needs to hear of it.
_PASSING = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED, FaultKind.WRONG_STATE})
_READ_ONLY = frozenset({KeepStep.FIND, KeepStep.PLAN})


def carry_out(house: House, m: Machine, step: KeepStep) -> Machine:
    """The row as written after one step; the same row when nothing can be done now."""
    assert m.kept is not None or step is KeepStep.FIND
    try:
        return _carry_out(house, m, step)
    except CloudError as error:
        return _refused(house, m, step, error.fault)


def _refused(house: House, m: Machine, step: KeepStep, fault: Fault) -> Machine:
    """What may pass is tried again in silence; the rest is said once, and tried more seldom."""
    if m.kept is None or step in _READ_ONLY or fault.kind in _PASSING:
        return m  # no answer, no conclusion
    to = life.troubled(m, house.clock(), fault.code)
    if m.kept.trouble != fault.code:
        to = life.telling_admins(to, house.clock(), fault)
    return house.ledger.save(to, m)


def _carry_out(house: House, m: Machine, step: KeepStep) -> Machine:
    match step:
        case KeepStep.FIND:
            return _find(house, m)
        case KeepStep.SNAPSHOT:
            return _snapshot(house, m)
        case KeepStep.AWAIT:
            return _await(house, m)
        case KeepStep.REGISTER:
            return _register(house, m)
        case KeepStep.PART:
            return _part(house, m)
        case KeepStep.WITHDRAW:
            return _withdraw(house, m)
        case KeepStep.DROP:
            return _drop(house, m)
        case KeepStep.PLAN:
            return restart.plan(house, m)
        case KeepStep.RELEASE:
            return _release(house, m)
        case _:
            assert_never(step)


def _find(house: House, m: Machine) -> Machine:
    """The volume that the ended instance has left; EC2 may need a moment to let go of it."""
    assert m.instance is not None
    known = life.things(m.kept) if m.kept else ()
    volumes = house.disks.volumes(m.instance.region, MACHINE, m.id)
    left = [v for v in volumes if v.id not in known]
    free = next((v for v in left if v.state == "available"), None)
    now = house.clock()
    if free is not None:
        return house.ledger.save(life.found(m, now, free.id, free.zone, free.gb), m)
    return m if left else house.ledger.save(life.unfound(m, now), m)


def _snapshot(house: House, m: Machine) -> Machine:
    kept = _of(m)
    volume = kept.volume or _root_of(house, kept)
    if volume is None:
        # The stopped instance has lost its disk or is gone: reality is looked at next.
        return house.ledger.save(life.released(m), m)
    tags = run_instances.tags(m, house.policy)
    made = house.disks.make_snapshot(kept.region, volume, _name(m), tags)
    return house.ledger.save(life.snapshotted(m, made.id), m)


def _root_of(house: House, kept: Kept) -> str | None:
    if kept.instance is None:
        return None
    root = house.disks.root_volume(kept.region, kept.instance)
    return root.id if root else None


def _await(house: House, m: Machine) -> Machine:
    kept = _of(m)
    assert kept.snapshot is not None
    shown = house.disks.snapshot(kept.region, kept.snapshot)
    if shown is None:
        return house.ledger.save(life.snapshot_unseen(m, house.clock()), m)
    if shown.state == "completed":
        return house.ledger.save(life.completed(m, house.clock()), m)
    if shown.state == "error" and house.disks.delete_snapshot(kept.region, kept.snapshot):
        return house.ledger.save(life.snapshot_failed(m, house.clock()), m)
    return m


def _register(house: House, m: Machine) -> Machine:
    kept = _of(m)
    assert kept.snapshot is not None
    assert m.image is not None
    tags = run_instances.tags(m, house.policy)
    image = house.own_images.register(kept.region, _name(m), kept.snapshot, m.image, kept.gb, tags)
    return house.ledger.save(life.registered(m, image), m)


def _part(house: House, m: Machine) -> Machine:
    """End the stopped instance once its disk can be started from: never before."""
    kept = _of(m)
    assert kept.image is not None
    assert kept.instance is not None
    own = house.own_images.own(kept.region, kept.image)
    if own is None or own.state == "failed":
        return restart.without(house, m, own)
    if own.state != "available":
        return m
    if not kept.sealed:
        return house.ledger.save(life.sealed(m), m)
    house.cloud.terminate(kept.region, kept.instance)
    return house.ledger.save(life.parted(m, house.clock()), m)


def _withdraw(house: House, m: Machine) -> Machine:
    """What was made to put it away goes again, also what a step that was under way has still made.

    Where its disk is gone meanwhile, the snapshot is all that there is of it, and stays.
    """
    kept = _of(m)
    assert kept.staying is not None
    if kept.snapshot is not None and _root_of(house, kept) is None:
        return house.ledger.save(life.sealed(m), m)
    made = house.own_images.named(kept.region, _name(m))
    copies = house.disks.snapshots(kept.region, MACHINE, m.id)
    found = (*([made.image.id] if made else ()), *life.things(kept), *(one.id for one in copies))
    gone = _gone(house, kept.region, tuple(dict.fromkeys(found)))
    if not gone:
        return house.ledger.save(life.used_elsewhere(m, house.clock()), m)
    settled = house.clock() >= kept.staying + life.SENDER_LIVES
    return house.ledger.save(life.released(m), m) if settled else m


def _drop(house: House, m: Machine) -> Machine:
    kept = _of(m)
    ids = (*([kept.volume] if kept.volume else ()), *kept.spare)
    return _once_gone(house, m, ids, life.settled)


def _release(house: House, m: Machine) -> Machine:
    return _once_gone(house, m, life.things(_of(m)), life.released)


def _once_gone(
    house: House, m: Machine, ids: tuple[str, ...], then: Callable[[Machine], Machine]
) -> Machine:
    gone = _gone(house, _of(m).region, ids)
    return house.ledger.save(then(m) if gone else life.used_elsewhere(m, house.clock()), m)


def let_go(house: House, m: Machine, then: Machine) -> bool:
    """Whether a machine that is over has let go of the stopped instances that its disk was to move
    from. All the rest of a kept disk carries the machine's tag, by which `leftovers` removes it."""
    if then.state not in FINAL or m.kept is None:
        return True
    old = [id for id in (m.kept.instance, *m.kept.spare) if id and id.startswith("i-")]
    try:
        return all(_is_ended(house, m.kept.region, id) for id in old)
    except CloudError:
        return False


def _is_ended(house: House, region: str, instance: str) -> bool:
    house.cloud.terminate(region, instance)
    shown = house.cloud.look(region, instance)
    return shown is None or shown.state == "terminated"


def _gone(house: House, region: str, ids: tuple[str, ...]) -> bool:
    """Remove them in their order, which EC2 asks for: no snapshot goes before its image."""
    return all(_removed(house, region, id) for id in ids)


def _removed(house: House, region: str, id: str) -> bool:
    match id.partition("-")[0]:
        case "i":
            house.cloud.terminate(region, id)
        case "ami":
            house.own_images.remove(region, id)
        case "snap":
            return house.disks.delete_snapshot(region, id)
        case _:
            return house.disks.delete_volume(region, id)
    return True


def _name(m: Machine) -> str:
    """One for each time that its disk is put away, so that a step taken twice makes one thing.

    By its attempts as well as its starts: one that never ran is not counted among the latter, and
    what was made of the disk before must not be taken for what is made of it now.
    """
    return f"gpu-{m.id}-{m.attempts}-{len(chains(m.runs))}"


def _of(m: Machine) -> Kept:
    assert m.kept is not None
    return m.kept
