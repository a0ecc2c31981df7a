"""A disk that outlives its instance: kept when a spot machine ends, started from in any zone.

Volume, snapshot, image: each is made before the one in front of it goes, so the data is somewhere
at every moment. The machine is STOPPED meanwhile; a start waits for the image, and whatever a new
instance was started from goes once that instance runs.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from core.lifecycle.ends import ending
from core.lifecycle.groups import GONE
from core.lifecycle.record import owing, told
from core.lifecycle.recovery import recovering, stays_away, was_taken
from core.lifecycle.stuck import leaving
from core.lifecycle.terms import ABSENT_FOR, ABSENT_READS, AGAIN, LAUNCH_WITHIN
from core.model import (
    Cause,
    Desire,
    Instance,
    Kept,
    Machine,
    NoticeKind,
    State,
    TypeFacts,
)

# As refusals; EC2 has no codes for them.
SNAPSHOT_FAILED = "SnapshotFailed"
IMAGE_FAILED = "ImageFailed"


class KeepStep(StrEnum):
    """The one thing to do next about a kept disk."""

    FIND = "find"  # the volume that the ended instance left behind
    SNAPSHOT = "snapshot"
    AWAIT = "await"  # see whether the snapshot is complete
    REGISTER = "register"  # an image from the snapshot
    PART = "part"  # end the stopped instance: its disk is an image by now
    WITHDRAW = "withdraw"  # the stopped instance stays after all: what was made for that goes
    DROP = "drop"  # the volume and whatever is of no use beside the image
    PLAN = "plan"  # look for a place to start from the image
    RELEASE = "release"  # everything: another instance has the disk's content and runs


def settling(kept: Kept) -> KeepStep | None:
    """What has still to be done until nothing is left but a snapshot and its image, or the stopped
    instance as it was."""
    if kept.staying is not None:
        return KeepStep.WITHDRAW
    if kept.snapshot is None:
        return KeepStep.SNAPSHOT
    if not kept.complete:
        return KeepStep.AWAIT
    if kept.image is None:
        return KeepStep.REGISTER
    if kept.parting and kept.instance:
        return KeepStep.PART
    return KeepStep.DROP if kept.volume or kept.spare else None


def resting(kept: Kept | None, now: datetime) -> datetime | None:
    """When it is tried again, where EC2 has refused a moment ago; None: nothing is waited for."""
    again = kept.again_at if kept else None
    return again if again is not None and now < again else None


def things(kept: Kept) -> tuple[str, ...]:
    """Ids of all of it that is to go from EC2 one day, in the order in which EC2 lets them go."""
    going = kept.instance if kept.staying is None else None
    mine = (going, kept.image, kept.snapshot, kept.volume)
    return (*(id for id in mine if id is not None), *kept.spare)


def parting(m: Machine, now: datetime, cause: Cause, instance: Instance) -> Machine:
    """Its instance is ending and leaves the disk behind: a stop, whoever has ended it."""
    if m.desire is Desire.RUN:
        m = replace(m, desire=Desire.STOP, cause=cause, ended_by=None)
    if m.state is not State.STOPPING:
        m = told(leaving(m, now), now, f"its instance is {instance.state}")
    return replace(m, state=State.STOPPING, ready_at=None, unseen=0, unseen_since=None)


def found(m: Machine, now: datetime, volume: str, zone: str, gb: int) -> Machine:
    """The volume that the instance left behind. What it was started from is of no use any more
    as soon as there is an image of this one."""
    assert m.instance is not None
    spare = things(m.kept) if m.kept else ()
    kept = Kept(region=m.instance.region, zone=zone, gb=gb, volume=volume, spare=spare)
    return _stopped(replace(m, kept=kept), now)


def unfound(m: Machine, now: datetime) -> Machine:
    """A good read showed no volume. Absence is believed late; then what it was started from is
    still there, or nothing is."""
    since = m.unseen_since or now
    m = replace(m, unseen=m.unseen + 1, unseen_since=since)
    if m.unseen < ABSENT_READS or now < since + ABSENT_FOR:
        return m
    return fallen_back(m, now) if m.kept else ending(m, now, m.cause or Cause.OUTSIDE, m.ended_by)


def fallen_back(m: Machine, now: datetime) -> Machine:
    """The new instance ended before it ran and left nothing: the disk is as it was before."""
    return _stopped(m, now)


def _stopped(m: Machine, now: datetime) -> Machine:
    m = replace(m, state=State.STOPPED, ready_at=None, unseen=0, unseen_since=None)
    if not was_taken(m):
        return owing(told(m, now, "stopped"), now, NoticeKind.STOPPED)
    why = stays_away(m, now)
    return (
        owing(told(m, now, "stopped"), now, NoticeKind.STOPPED, why) if why else recovering(m, now)
    )


def moving(m: Machine, now: datetime) -> Machine:
    """A stopped machine that is to come up in another zone: its disk goes there as a snapshot."""
    assert m.instance is not None
    gb = m.disk_gb or (m.image.root_gb if m.image else 0)
    at = m.instance
    kept = Kept(region=at.region, zone=at.zone, gb=gb, instance=at.id)
    return replace(m, kept=kept)


# ---- the steps ------------------------------------------------------------------------------


def snapshotted(m: Machine, snapshot: str) -> Machine:
    """EC2 has begun the snapshot."""
    return _kept(m, snapshot=snapshot, trouble=_told_failure(m, SNAPSHOT_FAILED))


def completed(m: Machine, now: datetime) -> Machine:
    """The snapshot is complete: the volume is needed no longer."""
    return told(_kept(m, complete=True), now, "the snapshot of its disk is complete")


def snapshot_unseen(m: Machine, now: datetime) -> Machine:
    """A good read did not show the snapshot, which may be new: absence is believed late."""
    since = m.unseen_since or now
    m = replace(m, unseen=m.unseen + 1, unseen_since=since)
    gone = m.unseen >= ABSENT_READS and now >= since + ABSENT_FOR
    return unsnapshotted(m) if gone else m


def unsnapshotted(m: Machine) -> Machine:
    """The snapshot came to nothing; the volume is still there for another."""
    assert m.kept is not None
    return _kept(m, snapshot=None, trouble=m.kept.trouble)


def snapshot_failed(m: Machine, now: datetime) -> Machine:
    """The snapshot is of no use and gone; another one is made in some minutes."""
    return troubled(unsnapshotted(m), now, SNAPSHOT_FAILED)


def registered(m: Machine, image: str) -> Machine:
    """It can be started from the image now."""
    return _kept(m, image=image, trouble=_told_failure(m, IMAGE_FAILED))


def _told_failure(m: Machine, failure: str) -> str:
    """One after another that failed may fail as well: that was told, and is not told of each."""
    assert m.kept is not None
    return failure if m.kept.trouble == failure else ""


def unregistered(m: Machine) -> Machine:
    """The image is gone, or not to be seen yet; the snapshot is still there for another."""
    assert m.kept is not None
    return _kept(m, image=None, trouble=m.kept.trouble)


def image_failed(m: Machine, now: datetime) -> Machine:
    """The image that was made of it is of no use and gone; another one is made in some minutes."""
    return troubled(unregistered(m), now, IMAGE_FAILED)


def troubled(m: Machine, now: datetime, code: str) -> Machine:
    """EC2 refuses what is next: its owner hears that once, and it is tried again more seldom."""
    assert m.kept is not None
    new = code != m.kept.trouble
    m = replace(m, kept=replace(m.kept, trouble=code, again_at=now + AGAIN))
    return owing(told(m, now, f"its disk: {code}"), now, NoticeKind.DISK, code) if new else m


def used_elsewhere(m: Machine, now: datetime) -> Machine:
    """Something else uses it still, an image that somebody made of the snapshot: tried again more
    seldom, and nothing else waits for it."""
    assert m.kept is not None
    return replace(m, kept=replace(m.kept, again_at=now + AGAIN))


def settled(m: Machine) -> Machine:
    """Nothing is left but the snapshot and its image."""
    return _kept(m, volume=None, spare=())


def released(m: Machine) -> Machine:
    """The new instance has it all."""
    return replace(m, kept=None, unseen=0, unseen_since=None)


def _kept(m: Machine, **changes: object) -> Machine:
    assert m.kept is not None
    new = {"trouble": "", "again_at": None, **changes}
    kept = replace(m.kept, **new)  # type: ignore[arg-type]  # keys are Kept's own
    return replace(m, kept=kept, unseen=0, unseen_since=None)


def is_overtaken(m: Machine) -> bool:
    """Whether an instance that was started from it lies stopped, with a newer disk of its own."""
    at = m.instance
    return (
        at is not None and at.state not in GONE and m.kept is not None and at.id != m.kept.instance
    )


def overtaken(m: Machine, now: datetime) -> Machine:
    """The disk is the new instance's, which stays; all that it was started from goes."""
    assert m.instance is not None
    assert m.kept is not None
    old = (m.kept.instance,) if m.kept.instance else ()
    return _kept(
        m,
        zone=m.instance.zone,
        instance=m.instance.id,
        spare=(*m.kept.spare, *old),
        parting=False,
        sealed=False,
        staying=now,
    )


# ---- starting from it -----------------------------------------------------------------------


def relaunching(m: Machine, now: datetime) -> Machine:
    """A start that is about to know where to try: a launch from here on, with its own attempts.

    It has as long as any launch has, or as long as it was to keep trying.
    """
    within = now + LAUNCH_WITHIN
    return replace(
        m,
        instance=None,
        members=(),
        tried=(),
        retry_at=None,
        cause=None,
        ended_by=None,
        ready_at=None,
        taken_at=None,
        advised_at=None,
        host_keys=(),
        launch_by=m.launch_by if m.keep_until else min(within, m.launch_by),
    )


def called_off(m: Machine, now: datetime) -> Machine:
    """A start that nobody wants any more, with nothing bought."""
    m = replace(m, state=State.STOPPED, placements=(), keep_until=None, retry_at=None, hold=None)
    return owing(told(m, now, "the start was called off"), now, NoticeKind.STOPPED)


def retyped(m: Machine, now: datetime, facts: TypeFacts | None) -> Machine:
    """The stopped instance is another type from here on, at that type's price."""
    at = m.placements[0]
    m = replace(m, placement=at, placements=(), facts=facts)
    return told(m, now, f"is a {at.instance_type} now")
