"""What a good read of EC2 means for the row: reality wins over what the row believed."""

from dataclasses import replace
from datetime import datetime

from core.lifecycle import groups
from core.lifecycle.billing import seen_over, taken_back
from core.lifecycle.ends import ending, start_may_arrive
from core.lifecycle.keeping import parting
from core.lifecycle.record import closed, owing, told
from core.lifecycle.stuck import leaving
from core.lifecycle.terms import (
    ABSENT_FOR,
    ABSENT_READS,
)
from core.model import (
    ALIVE,
    Cause,
    Desire,
    Instance,
    Machine,
    NoticeKind,
    Run,
    State,
)


def seen(m: Machine, now: datetime, instance: Instance | None) -> Machine:
    """The row after a good read of EC2: reality wins over what the row believed."""
    if instance is None:
        return _unseen(m, now)
    return _held_against(replace(m, unseen=0, unseen_since=None), now, instance)


def seen_all(m: Machine, now: datetime, found: tuple[Instance, ...]) -> Machine:
    """The same for a group: its members one by one, then the one that is furthest behind."""
    m = groups.sighted(replace(m, looked_at=now, news_at=None), now, found)
    assert m.instance is not None
    return groups.repriced(_held_against(m, now, m.instance), now)


def _held_against(m: Machine, now: datetime, instance: Instance) -> Machine:
    m = replace(m, instance=instance)
    match instance.state:
        case "pending" | "running":
            return _seen_up(m, now, instance)
        case "stopping" | "stopped":
            return _seen_stopped(m, now, instance)
        case "shutting-down" | "terminated":
            return _seen_gone(m, now, instance)
        case _:
            return m


def _unseen(m: Machine, now: datetime) -> Machine:
    since = m.unseen_since or now
    m = replace(m, unseen=m.unseen + 1, unseen_since=since)
    assert m.instance is not None
    if m.unseen < ABSENT_READS or now < since + ABSENT_FOR:
        return m
    gone = replace(m.instance, state="terminated", reason="NotFound")
    m = replace(m, instance=gone)
    if m.state is State.ENDING:
        return m
    if m.kept or m.leaves_disk:
        return _seen_gone(m, now, gone)
    return ending(m, now, Cause.OUTSIDE, None)


def _seen_up(m: Machine, now: datetime, instance: Instance) -> Machine:
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        if start_may_arrive(m, now):
            # A start of ours was on its way when somebody stopped it: the stop stands.
            return replace(leaving(m, now), state=State.STOPPING)
        m = told(replace(m, desire=Desire.RUN), now, "started outside the bot")
    if m.state in (State.STOPPED, State.STARTING) and instance.state == "running":
        m = _restarted(m, instance)
    if m.state is State.PENDING and instance.state == "running":
        m = told(replace(m, state=State.RUNNING), now, "running, waiting for SSH")
    if m.state is State.RUNNING and m.ready_at is None and instance.checks_ok:
        m = told(replace(m, ready_at=now), now, "ready")
        m = owing(m, now, NoticeKind.READY)
    return m


def _restarted(m: Machine, instance: Instance) -> Machine:
    run = Run(started_at=instance.launched_at, ended_at=None, hourly=groups.billed(m))
    m = replace(m, state=State.RUNNING, ready_at=None, runs=(*closed(m.runs, None), run))
    # Whoever has told it to stop again before it was seen up is still the one who did.
    return replace(m, cause=None, ended_by=None) if m.desire is Desire.RUN else m


def _seen_stopped(m: Machine, now: datetime, instance: Instance) -> Machine:
    if m.state in (State.STOPPED, State.STARTING, State.ENDING):
        return m
    if m.desire is Desire.RUN:
        m = replace(m, cause=_why(m, now, instance), ended_by=None, desire=Desire.STOP)
    m = m if m.state is State.STOPPING else leaving(m, now)
    m = replace(m, state=State.STOPPING, runs=seen_over(m, now, instance))
    if instance.state == "stopping":
        return m
    if m.desire is Desire.GONE:
        return replace(m, state=State.STOPPED, ready_at=None)  # on its way to the end
    m = told(replace(m, state=State.STOPPED, ready_at=None), now, "stopped")
    return owing(m, now, NoticeKind.STOPPED)


def _seen_gone(m: Machine, now: datetime, instance: Instance) -> Machine:
    m = replace(m, runs=seen_over(m, now, instance))
    if m.state is State.ENDING:
        return m
    cause = _why(m, now, instance)
    if (m.kept or m.leaves_disk) and m.desire is not Desire.GONE:
        return parting(m, now, cause, instance)
    if m.desire is Desire.RUN or m.state is State.STOPPED:
        return ending(m, now, cause, None)
    return ending(m, now, m.cause or Cause.PERSON, m.ended_by)


def _why(m: Machine, now: datetime, instance: Instance) -> Cause:
    """Whatever stopped it at its deadline (its own timer, the sweep) did what the lease says."""
    if taken_back(instance):
        return Cause.SPOT
    over = m.lease is not None and (instance.ended_at or now) >= m.lease.deadline
    return Cause.DEADLINE if over and m.state in ALIVE else Cause.OUTSIDE
