"""Several instances as one machine: who belongs to it, which is behind, what they cost together.

A group has one row, one lease and one card. It moves as the member that is furthest behind does,
so every rule about one machine holds for it; only buying and losing members is its own.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.lifecycle.billing import freed, taken_back
from core.lifecycle.record import closed, told
from core.lifecycle.terms import ABSENT_FOR, ABSENT_READS
from core.model import (
    Desire,
    Instance,
    Machine,
    Member,
    Placement,
    Run,
    State,
)

UP = frozenset({"pending", "running"})
GONE = frozenset({"shutting-down", "terminated"})
# From what has everything before it to what nothing can happen to any more.
_COURSE = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated")


def grown(m: Machine, now: datetime, bought: tuple[Instance, ...]) -> Machine:
    """The open attempt gave these: they are members, and the rest is asked of the other zones.

    All members are of one type in one region: they share a security group and a key pair.
    """
    assert m.attempt is not None
    at = m.attempt.placement
    rest = tuple(
        p
        for p in m.placements
        if p != at and (p.instance_type, p.region) == (at.instance_type, at.region)
    )
    before = len(m.members)
    m = replace(
        _joined(m, bought, at),
        attempt=None,
        placements=rest,
        placement=m.placement or at,
        tagged=m.lease.deadline if m.lease else None,
        unseen=0,
    )
    m = told(m, now, f"{len(m.members) - before} launched in {at.zone}, {_of(m)}")
    if m.state is not State.ENDING:
        m = replace(m, state=State.LAUNCHING) if m.missing > 0 else gathered(m)
    first = min((i.launched_at for i in bought), default=now)
    return _priced(replace(m, instance=behind(m)), now if m.runs else first)


def _of(m: Machine) -> str:
    return f"{len(m.members)} of {m.wish.count}"


def _joined(m: Machine, found: tuple[Instance, ...], at: Placement) -> Machine:
    known = {one.instance.id for one in m.members}
    new = [instance for instance in found if instance.id not in known]
    first = len(m.members) + m.lost + 1
    members = [
        Member(number=number, instance=one, placement=replace(at, zone=one.zone))
        for number, one in enumerate(new, first)
    ]
    return replace(m, members=(*m.members, *members))


def given_up(m: Machine) -> Machine:
    """No more is bought: the group goes on with the members that it has."""
    return replace(m, state=State.LAUNCHING, attempt=None, placements=())


def gathered(m: Machine) -> Machine:
    """It has the members that it will have."""
    return replace(m, state=State.PENDING, placements=(), hold=None, keep_until=None, retry_at=None)


def behind(m: Machine) -> Instance:
    """The member that is furthest behind, for whatever is to come: running, stopped or gone."""
    return min((one.instance for one in m.members), key=_progress)


def _progress(instance: Instance) -> tuple[int, bool]:
    return _COURSE.index(instance.state), instance.checks_ok


def sighted(m: Machine, now: datetime, found: tuple[Instance, ...]) -> Machine:
    """The members as a good read of EC2 shows them: those that have ended are counted as lost.

    An instance that carries the machine's tag and is no member yet (the answer of its launch was
    lost, and EC2 showed the others first) becomes one.
    """
    assert m.placement is not None
    newcomers = tuple(one for one in found if one.state not in GONE)
    before = m.members
    m = freed(_seen_each(_joined(m, newcomers, m.placement), now, found), before, now)
    if m.state is not State.ENDING and m.desire is not Desire.GONE:
        m = _without_lost(m, now)
    return replace(m, instance=behind(m))


def _seen_each(m: Machine, now: datetime, found: tuple[Instance, ...]) -> Machine:
    shown = {one.id: one for one in found}
    unseen = [
        one.instance.id
        for one in m.members
        if one.instance.id not in shown and one.instance.state != "terminated"
    ]
    since = (m.unseen_since or now) if unseen else None
    count = m.unseen + 1 if unseen else 0
    if since is not None and count >= ABSENT_READS and now >= since + ABSENT_FOR:
        for one in m.members:
            if one.instance.id in unseen:
                gone = replace(one.instance, state="terminated", reason="NotFound")
                shown[gone.id] = gone
        since, count = None, 0
    members = tuple(
        replace(one, instance=shown.get(one.instance.id, one.instance)) for one in m.members
    )
    return replace(m, members=members, unseen=count, unseen_since=since)


def _without_lost(m: Machine, now: datetime) -> Machine:
    """Members that ended by themselves; the last ones stay, as what the group ends with."""
    left = tuple(one for one in m.members if one.instance.state not in GONE)
    gone = [one for one in m.members if one.instance.state in GONE]
    if not gone or not left:
        return m
    spot = sum(taken_back(one.instance) for one in gone)
    why = "taken back by EC2" if spot == len(gone) else "ended outside the bot"
    numbers = ", ".join(str(one.number) for one in gone)
    m = replace(m, members=left, lost=m.lost + len(gone))
    return told(m, now, f"{why}: {numbers}; {len(left)} are left")


def believed(m: Machine, state: str, ids: tuple[str, ...]) -> Machine:
    """EC2 accepted a call for these; the next look says what became of them."""
    assert m.instance is not None
    if not m.members:
        return replace(m, instance=replace(m.instance, state=state))
    members = tuple(
        replace(one, instance=replace(one.instance, state=state)) if one.instance.id in ids else one
        for one in m.members
    )
    m = replace(m, members=members)
    return replace(m, instance=behind(m))


# ---- what they cost -------------------------------------------------------------------------


def billed(m: Machine) -> Decimal:
    """USD per hour of what is up now."""
    if not m.members:
        return m.hourly or Decimal(0)
    up = (one.placement.hourly for one in m.members if one.instance.state in UP)
    return sum(up, Decimal(0))


def hourly_now(m: Machine) -> Decimal | None:
    """USD per hour of what is up, while it runs; else of all that a start brings."""
    return billed(m) if m.members and m.state is State.RUNNING else m.hourly


def repriced(m: Machine, now: datetime) -> Machine:
    """Where the members that are billed have changed: the stretch ends, and another one begins."""
    running = bool(m.runs) and m.runs[-1].ended_at is None
    return _priced(m, now) if running and m.members else m


def _priced(m: Machine, since: datetime) -> Machine:
    each, up = billed(m), sum(one.instance.state in UP for one in m.members)
    last = m.runs[-1] if m.runs else None
    if last and (last.ended_at, last.hourly, last.instances) == (None, each, up):
        return m
    new = (Run(started_at=since, ended_at=None, hourly=each, instances=up),) if each else ()
    return replace(m, runs=(*closed(m.runs, since), *new))


def spread(m: Machine) -> tuple[tuple[str, int], ...]:
    """How many members each zone has, by zone name."""
    return tuple(sorted(Counter(one.placement.zone for one in m.members).items()))


def split(m: Machine, now: datetime, rest: str, by: str | None = None) -> Machine:
    """The missing ones are a launch of their own from now on: this group is all that it will be."""
    what = f"{m.missing} more are tried for as {rest}" + (f" (by {by})" if by else "")
    return told(replace(m, wish=replace(m.wish, count=m.wish.count - m.missing)), now, what)
