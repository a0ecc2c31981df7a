"""Stopping, starting again and ending: what nobody may keep running any more, and its end."""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import closed, owing, told
from core.lifecycle.recovery import was_taken
from core.lifecycle.stuck import leaving
from core.lifecycle.terms import (
    KEEP_TRYING_FOR,
    LAUNCH_WITHIN,
    ONE_NOTICE,
    SNAPSHOT_TAKES,
    START_ARRIVES,
    pause,
)
from core.model import (
    ALIVE,
    UNBOUGHT,
    Cause,
    Desire,
    Hold,
    Lease,
    Machine,
    NoticeKind,
    State,
)
from core.stores import stored


def unwanted(
    m: Machine, now: datetime, cause: Cause, by: str | None, *, end: bool = False
) -> Machine:
    """Nobody wants it to run any more: it stops, or ends where it cannot stop or `end` says so."""
    unbought = m.kept is None and (m.state in UNBOUGHT or m.state is State.LAUNCHING)
    gone = end or not m.can_stop or unbought
    stops = m.desire is Desire.STOP and not (was_taken(m) and cause is Cause.PERSON)
    if m.desire is Desire.GONE or (stops and not gone):
        return m
    desire = Desire.GONE if gone else Desire.STOP
    m = replace(m, desire=desire, cause=cause, ended_by=by, turn=m.turn + 1, doom=None)
    return told(m, now, f"to {'end' if gone else 'stop'}: {cause}" + (f" (by {by})" if by else ""))


def stopping(m: Machine, now: datetime) -> Machine:
    """From here on no path keeps it running."""
    return replace(leaving(m, now), state=State.STOPPING, unseen=0)


def ending(m: Machine, now: datetime, cause: Cause, by: str | None) -> Machine:
    """From here on no path keeps it at all."""
    m = replace(leaving(m, now), state=State.ENDING, desire=Desire.GONE, unseen=0)
    m = replace(m, cause=cause, ended_by=by)
    return told(m, now, f"ending: {cause}")


def ended(m: Machine, now: datetime) -> Machine:
    """Nothing of it is alive and nothing can come: the slot and the name are free."""
    if m.instance is None and not m.runs:
        return failed(m, now, m.cause or Cause.REFUSED, m.ended_by)
    m = stored(m, now)
    m = stored(replace(tidied(m), state=State.ENDED, runs=closed(m.runs, now), kept=None), now)
    m = told(m, now, "ended")
    # `due_at` stays until this has been told: whoever dies before that is followed by another.
    return owing(m, now, NoticeKind.ENDED)


def failed(m: Machine, now: datetime, cause: Cause, by: str | None) -> Machine:
    """A launch that came to nothing. Those who had waited long are told in a new message."""
    waited = m.state is State.WAITING or now > m.created_at + LAUNCH_WITHIN
    waited = waited or cause is Cause.BARRED
    m = replace(tidied(m), state=State.FAILED, cause=cause, ended_by=by, lease=None)
    m = told(m, now, f"failed: {cause}")
    if waited and cause is not Cause.PERSON:
        m = owing(m, now, NoticeKind.FAILED)
    return m


def interrupted(m: Machine, now: datetime, instance: str = "") -> Machine:
    """EC2 gave notice that it takes a spot instance back; told once. Of a group the others stay.

    A notice that comes late or again may be about an instance that it had before.
    """
    if m.members:
        return _member_interrupted(m, now, instance)
    if instance and m.instance is not None and m.instance.id != instance:
        return m
    if m.state not in ALIVE or m.taken_at is not None:
        return m
    m = told(replace(m, taken_at=now), now, "EC2's two-minute notice")
    return owing(m, now, NoticeKind.INTERRUPTED)


def _member_interrupted(m: Machine, now: datetime, instance: str) -> Machine:
    """Several are often taken within seconds: one message for them, and all of them on the card."""
    one = next((one for one in m.members if one.instance.id == instance), None)
    if one is None or one.taken_at is not None:
        return m
    lately = any(o.taken_at and now < o.taken_at + ONE_NOTICE for o in m.members)
    members = tuple(replace(o, taken_at=now) if o is one else o for o in m.members)
    m = told(replace(m, members=members), now, f"EC2's two-minute notice: {one.number}")
    if lately or m.state not in ALIVE:
        return m
    return owing(m, now, NoticeKind.INTERRUPTED)


def wants_start(
    m: Machine, now: datetime, lease: Lease, by: str, until: datetime | None = None
) -> Machine:
    """A stopped machine that is to run again, with a lease of its own, to `until` if that is said.

    The lease's version goes on counting, so that no button of an earlier run fits this one.
    """
    before = m.lease.version if m.lease else 0
    within = SNAPSHOT_TAKES if m.kept and m.kept.image is None else LAUNCH_WITHIN
    m = replace(
        _decided(m),
        desire=Desire.RUN,
        lease=replace(lease, version=before + 1),
        wish=replace(m.wish, length=None if until else lease.length, until=until),
        launch_by=now + within,
        starts=0,
        recoveries=0,
        doom=None,
        shelf=None,
        grant=None,  # it was given for the launch
    )
    return told(m, now, f"to start (by {by})")


def starts_by_schedule(m: Machine, now: datetime, lease: Lease, until: datetime) -> Machine:
    """A start at the hour of its schedule; without capacity it is tried for until the hours end."""
    m = wants_start(m, now, lease, "its schedule", until)
    return replace(m, keep_until=until, launch_by=until, tries=0)


def keeps_starting(m: Machine, now: datetime, by: str) -> Machine:
    """A start without capacity that is tried again and again, the first time at once."""
    until = m.wish.until or now + KEEP_TRYING_FOR
    m = replace(
        _decided(m), desire=Desire.RUN, keep_until=until, retry_at=now, tries=0, launch_by=until
    )
    return told(m, now, f"keeps trying to start (by {by})")


def _decided(m: Machine) -> Machine:
    """Whatever was offered or being tried before is over; `turn` makes its buttons old ones."""
    return replace(
        m,
        turn=m.turn + 1,
        hold=None,
        keep_until=None,
        retry_at=None,
        placements=(),
        tried=(),
    )


def start_resting(m: Machine, now: datetime) -> Machine:
    """No capacity once more: the next try to start comes after a longer pause."""
    following = now + pause(m.tries)
    m = replace(m, state=State.STOPPED, attempt=None, retry_at=following, tries=m.tries + 1)
    return told(m, now, "no capacity yet")


def starting_now(m: Machine, now: datetime) -> Machine:
    """A stopped instance is to be started; its lease begins now, not when it was asked for."""
    lease = _from_now(m.lease, now) if m.lease and m.retry_at and not m.wish.until else m.lease
    return replace(m, state=State.STARTING, lease=lease, retry_at=None, starts=0, unseen=0)


def _from_now(lease: Lease, now: datetime) -> Lease:
    later = now - lease.started_at
    return replace(
        lease,
        started_at=now,
        deadline=lease.deadline + later,
        warn_at=lease.warn_at + later,
        hard=lease.hard + later,
        eve_at=lease.eve_at + later if lease.eve_at else None,
    )


def starting(m: Machine, now: datetime) -> Machine:
    """Written before each StartInstances: from here on EC2 may start it, whatever is said since."""
    return replace(m, start_sent=now)


def start_answered(m: Machine) -> Machine:
    """EC2 has taken the start, or said that it is not in the state for it: neither goes on for
    ever. One that was throttled or not answered is tried again for as long as a start may take."""
    return replace(m, starts=m.starts + 1)


def start_may_arrive(m: Machine, now: datetime) -> bool:
    return m.start_sent is not None and now < m.start_sent + START_ARRIVES


def start_failed(m: Machine, now: datetime, code: str, hold: Hold | None = None) -> Machine:
    """It could not be started: it stays stopped and keeps its disk; `hold` has the ways on."""
    m = replace(
        _decided(m), state=State.STOPPED, desire=Desire.STOP, attempt=None, hold=hold, tried=m.tried
    )
    return owing(told(m, now, f"not started: {code}"), now, NoticeKind.START_FAILED, code)


def tidied(m: Machine) -> Machine:
    """Its group and its key are gone."""
    return replace(m, prepared=None, prepared_at=None, group=None, tidying_since=None)
