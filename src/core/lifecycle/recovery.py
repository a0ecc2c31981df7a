"""What EC2 takes, or may take. What it took comes back by itself where that is wanted: from its
kept disk, on the rest of its lease.

Whoever stops or ends it in between wins: what is wanted of it is read when its disk is found, and
again before anything is bought.
"""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import owing, told
from core.lifecycle.terms import MOST_RECOVERIES, SNAPSHOT_TAKES, WORTH_COMING_BACK
from core.model import ALIVE, Cause, Desire, Machine, NoticeKind

TOO_SHORT = "too-short"
TOO_OFTEN = "too-often"


def advised(m: Machine, now: datetime, instance: str) -> Machine:
    """EC2 may take it back soon: told once of what runs now, as advice only."""
    mine = any(one.id == instance for one in m.instances)
    up = m.state in ALIVE and m.desire is Desire.RUN
    if not mine or not up or m.advised_at is not None or m.taken_at is not None:
        return m
    m = told(replace(m, advised_at=now), now, "EC2 may take it back soon")
    return owing(m, now, NoticeKind.REBALANCE)


def was_taken(m: Machine) -> bool:
    """Whether EC2 took a machine that is to come back, and nobody has stopped it since."""
    taken = m.desire is Desire.STOP and m.cause is Cause.SPOT
    return taken and m.wish.recover and m.lease is not None


def stays_away(m: Machine, now: datetime) -> str:
    """Why it does not come back, taken now or never; empty where it does."""
    if m.lease is None or m.lease.deadline - now < WORTH_COMING_BACK:
        return TOO_SHORT
    return TOO_OFTEN if m.recoveries >= MOST_RECOVERIES else ""


def recovering(m: Machine, now: datetime) -> Machine:
    """Its disk is found: it is to start from it, until the deadline that it has had all along.

    Unlike a start that somebody asks for this is no new lease; only its old buttons are old. Where
    the wish said to keep trying without capacity, that counts for this, too.
    """
    lease = m.lease
    assert lease is not None
    launch_by = min(now + SNAPSHOT_TAKES, lease.deadline - WORTH_COMING_BACK)
    m = replace(
        m,
        desire=Desire.RUN,
        turn=m.turn + 1,
        lease=replace(lease, version=lease.version + 1),
        wish=replace(m.wish, length=None, until=lease.deadline),
        launch_by=launch_by,
        recoveries=m.recoveries + 1,
        hold=None,
        keep_until=launch_by if m.wish.keep_until is not None else None,
        retry_at=None,
        tries=0,
        placements=(),
        tried=(),
        starts=0,
        doom=None,
    )
    return owing(told(m, now, "EC2 took it: comes back by itself"), now, NoticeKind.RECOVERING)


def resumes_lease(m: Machine) -> bool:
    """Whether what is bought now runs on the lease that is there: members that come one by one,
    and a machine that comes back by itself."""
    return bool(m.members) or (m.recoveries > 0 and m.kept is not None)
