"""What somebody has changed outside the bot: reality wins where it can be lived with, the
lease where it cannot. Each is told once."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.lifecycle.record import owing, told
from core.model import ALIVE, Desire, Instance, Lease, Machine, NoticeKind, State, TypeFacts

STARTED, TAG, TYPE = "started", "tag", "type"
_TAG_LINE = "its deadline tag was not its lease's: put back"
SHOWN_WITHIN = timedelta(minutes=2)  # a tag that was moved may still be shown as it was
_UP = frozenset({"pending", "running"})


def is_tag_wrong(m: Machine, instance: Instance, now: datetime) -> bool:
    """Whether a tag that the row believes to be right tells something else."""
    if m.lease is None or m.state is not State.RUNNING or instance.state not in _UP:
        return False
    if m.tagged != m.lease.deadline or now < m.lease.started_at + SHOWN_WITHIN:
        return False
    shown = instance.deadline
    return shown is None or int(shown.timestamp()) != int(m.lease.deadline.timestamp())


def tags_held(m: Machine, now: datetime) -> Machine:
    """A deadline tag that is not the lease's is put back: told once a lease."""
    if not any(is_tag_wrong(m, one, now) for one in m.instances):
        return m
    since = m.lease.started_at if m.lease else now
    m = replace(m, tagged=None)
    if any(line.what == _TAG_LINE and line.at >= since for line in m.history):
        return m
    return owing(told(m, now, _TAG_LINE), now, NoticeKind.CHANGED, TAG)


def was_started_outside(before: Machine, m: Machine) -> bool:
    """Whether the look in between found running what was to lie stopped."""
    stopped = before.state is State.STOPPED and before.desire is Desire.STOP
    return stopped and m.state in ALIVE | {State.STOPPED} and m.desire is Desire.RUN


def started_outside(m: Machine, now: datetime, lease: Lease) -> Machine:
    """It has a lease of its own from now on: the one before is over or was given up."""
    before = m.lease.version if m.lease else 0
    m = replace(
        m,
        lease=replace(lease, version=before + 1),
        tagged=None,
        wish=replace(m.wish, length=lease.length, until=None),
        turn=m.turn + 1,
        recoveries=0,
        doom=None,
        shelf=None,
    )
    return owing(m, now, NoticeKind.CHANGED, STARTED)


def other_type(m: Machine, instance: Instance) -> str | None:
    """The type that somebody gave it while it was stopped; None where it is the row's, or where we
    may be changing it ourselves."""
    ours = m.attempt is not None or m.placements or m.members or m.placement is None
    if ours or not instance.kind or m.placement is None:
        return None
    return instance.kind if instance.kind != m.placement.instance_type else None


def typed(
    m: Machine, now: datetime, name: str, facts: TypeFacts | None, hourly: Decimal | None
) -> Machine:
    """It is of that type now, at that price; without a price the old one stays."""
    assert m.placement is not None
    old = m.placement.instance_type
    price = m.placement.hourly if hourly is None else hourly
    at = replace(m.placement, instance_type=name, hourly=price)
    m = replace(m, placement=at, facts=facts or m.facts)
    m = told(m, now, f"changed to {name} outside the bot")
    detail = f"{TYPE} {old}" + (" unpriced" if hourly is None else "")
    return owing(m, now, NoticeKind.CHANGED, detail)
