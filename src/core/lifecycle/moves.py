"""The legal moves of a machine: the one thing to do next, and when somebody must look again."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from core.lifecycle import groups
from core.lifecycle.acts import (
    Alert,
    AwaitQuota,
    Change,
    ChangeType,
    Confirm,
    EndIt,
    GiveUp,
    Keep,
    Look,
    Move,
    Open,
    Plan,
    Resolve,
    Rest,
    Retag,
    Send,
    StartIt,
    StopIt,
    Tidy,
)
from core.lifecycle.dues import due
from core.lifecycle.ends import (
    ended,
    ending,
    failed,
    start_failed,
    starting_now,
    stopping,
    tidied,
    unwanted,
)
from core.lifecycle.keeping import (
    KeepStep,
    called_off,
    fallen_back,
    is_overtaken,
    overtaken,
    resting,
    settling,
)
from core.lifecycle.launching import trying_again
from core.lifecycle.leases import eve_is_due, eve_told, warned, warning_is_due
from core.lifecycle.shelves import next_on_shelf
from core.lifecycle.stuck import is_stuck
from core.lifecycle.terms import (
    FENCE,
    MOST_SENDS,
    MOST_STARTS,
    RESEND_AFTER,
    SENDER_LIVES,
)
from core.model import (
    ALIVE,
    Cause,
    Desire,
    Kept,
    Machine,
    State,
)

_RUNNING_WORDS = frozenset({"pending", "running"})


def next_move(m: Machine, now: datetime, *, looked: bool) -> Move:
    """The one thing to do next. `looked`: the instance was read from EC2 a moment ago."""
    match m.state:
        case State.ENDED | State.FAILED:
            return Rest(until=due(m, now))
        case State.REQUESTED | State.HELD | State.WAITING:
            return _unbought(m, now)
        case State.LAUNCHING:
            if m.members and _is_over(m, now):
                return Change(to=_given_up(m, now))
            return _attempt(m, now) if m.attempt else _launching(m, now)
        case State.PENDING | State.RUNNING | State.STARTING:
            return _alive(m, now, looked)
        case State.STOPPING:
            return _stopping(m, now, looked)
        case State.STOPPED:
            return _stopped(m, now, looked)
        case State.ENDING:
            return _ending(m, now, looked)
        case _:
            assert_never(m.state)


def _unbought(m: Machine, now: datetime) -> Move:
    if m.desire is not Desire.RUN:
        return _failed_after_tidy(m, now, m.cause or Cause.PERSON, m.ended_by)
    if now >= m.launch_by:
        return _failed_after_tidy(m, now, Cause.EXPIRED, None)
    if m.state is State.REQUESTED:
        return Plan()
    if m.state is State.WAITING and m.retry_at is not None:
        return Change(to=trying_again(m)) if now >= m.retry_at else Rest(until=due(m, now))
    if m.state is State.WAITING:
        return AwaitQuota()
    return _tidy(m, now, tidied(m)) if m.prepared else Rest(until=due(m, now))


def _failed_after_tidy(m: Machine, now: datetime, cause: Cause, by: str | None) -> Move:
    final = failed(m, now, cause, by)
    return _tidy(m, now, final) if m.prepared else Change(to=final)


def _tidy(m: Machine, now: datetime, then: Machine) -> Move:
    """Once nobody can be making what is to be deleted: a step may have set out and not said yet."""
    if m.group is None and m.prepared_at and now < m.prepared_at + SENDER_LIVES:
        return Rest(until=m.prepared_at + SENDER_LIVES)
    return Tidy(then=then)


def _is_over(m: Machine, now: datetime) -> bool:
    """Whether a group that is still being bought has to go, an unanswered attempt or not."""
    return m.desire is not Desire.RUN or (m.lease is not None and now >= m.lease.deadline)


def _given_up(m: Machine, now: datetime) -> Machine:
    cause = Cause.DEADLINE if m.desire is Desire.RUN else m.cause or Cause.PERSON
    return ending(m, now, cause, m.ended_by)


def _launching(m: Machine, now: datetime) -> Move:
    if m.members:
        late = now >= m.launch_by
        return Open(placement=m.placements[0]) if m.placements and not late else GiveUp()
    if m.kept and m.desire is Desire.STOP:
        return Change(to=called_off(m, now))
    if m.kept and m.desire is Desire.RUN and _too_late(m, now):
        return Change(to=start_failed(m, now, "too-late"))
    if m.desire is not Desire.RUN:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if _too_late(m, now):
        return Change(to=ending(m, now, Cause.EXPIRED, None))
    if not m.placements:
        return GiveUp()
    if m.prepared and m.prepared != m.placements[0].region:
        return Tidy(then=tidied(m))
    if m.group is None and m.prepared_at and now < m.prepared_at + RESEND_AFTER:
        return Rest(until=due(m, now))  # it could not be made, or somebody else is making it
    return Open(placement=m.placements[0])


def _too_late(m: Machine, now: datetime) -> bool:
    return now >= m.launch_by or (m.wish.until is not None and now >= m.wish.until)


def _attempt(m: Machine, now: datetime) -> Move:
    attempt = m.attempt
    assert attempt is not None
    wanted = m.desire is Desire.RUN and m.state is State.LAUNCHING and now < m.launch_by
    if not attempt.sends:  # none, or none that can have come to anything
        return _unsent(m, now, wanted=wanted)
    assert attempt.last_send is not None
    if not attempt.unclear and now < attempt.last_send + SENDER_LIVES:
        return Rest(until=due(m, now))  # its sender may still be writing the answer
    return Resolve(last=now >= attempt.last_send + FENCE)


def _unsent(m: Machine, now: datetime, *, wanted: bool) -> Move:
    """At once, or in a moment where EC2 did not know the group or the key yet."""
    if not wanted:
        return Change(to=replace(m, attempt=None))
    last = m.attempt.last_send if m.attempt else None
    rested = last is None or now >= last + RESEND_AFTER
    return Send() if rested else Rest(until=due(m, now))


def after_unfound(m: Machine, now: datetime) -> Move:
    """What follows when EC2 shows nothing of the open attempt, or a part of it, before its fence
    has passed."""
    attempt = m.attempt
    assert attempt is not None
    assert attempt.last_send is not None
    wanted = m.desire is Desire.RUN and m.state is State.LAUNCHING and now < m.launch_by
    rested = now >= attempt.last_send + RESEND_AFTER * attempt.sends
    if wanted and attempt.sends < MOST_SENDS and rested:
        return Send()
    return Rest(until=due(m, now))


def _alive(m: Machine, now: datetime, looked: bool) -> Move:
    if not looked:
        return Look()
    if m.desire is Desire.GONE:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if m.desire is Desire.STOP:
        return Change(to=stopping(m, now))
    if m.lease and now >= m.lease.deadline:
        return Change(to=unwanted(m, now, Cause.DEADLINE, None))
    if m.doom and m.doom.cause is not Cause.IDLE and now >= m.doom.at:
        return Change(to=unwanted(m, now, m.doom.cause, None))
    if m.state is State.STARTING and m.instance and m.instance.state in ("stopped", "stopping"):
        return _start_again(m, now, m.instance.state)
    if m.state is State.RUNNING and warning_is_due(m, now):
        return Change(to=warned(m, now))
    if m.state is State.RUNNING and eve_is_due(m, now):
        return Change(to=eve_told(m, now))
    if m.lease and m.tagged != m.lease.deadline:
        return Retag()
    if m.state is State.RUNNING and m.kept and not resting(m.kept, now):
        return Keep(step=KeepStep.RELEASE)
    if m.doom and now >= m.doom.at:
        return Confirm()
    return Rest(until=due(m, now))


def _start_again(m: Machine, now: datetime, state: str) -> Move:
    """The first time at once, then in a moment: what passes is not over the same second."""
    if state == "stopping" or (m.start_sent and now < m.start_sent + RESEND_AFTER):
        return Rest(until=due(m, now))
    if m.starts >= MOST_STARTS:
        return Change(to=start_failed(m, now, "DidNotStayUp"))
    if not m.starts and _too_late(m, now):
        return Change(to=start_failed(m, now, "no-answer" if m.start_sent else "too-late"))
    return ChangeType() if m.placements else StartIt()


def goes_unread(m: Machine, now: datetime) -> bool:
    """Whether it has a move to make where EC2 cannot be read now: what somebody, its lease or its
    budget asks for. A start that is not known to have come up waits for a read."""
    if m.desire is not Desire.RUN or (m.lease is not None and now >= m.lease.deadline):
        return True
    down = m.instance is None or m.instance.state not in _RUNNING_WORDS
    if m.lease is None or m.state not in ALIVE or down:
        return False
    spent = m.doom is not None and m.doom.cause is not Cause.IDLE and now >= m.doom.at
    told = warning_is_due(m, now) or eve_is_due(m, now)
    return spent or m.tagged != m.lease.deadline or (m.state is State.RUNNING and told)


def _stopping(m: Machine, now: datetime, looked: bool) -> Move:
    if m.desire is Desire.GONE:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if m.instance and m.instance.state == "terminated":
        # Looked at again it would only vanish; what it has left behind is what counts.
        return Keep(step=KeepStep.FIND) if m.leaves_disk else Change(to=fallen_back(m, now))
    if not looked:
        return Look()
    if m.instance and m.instance.state in _RUNNING_WORDS:
        return EndIt() if m.leaves_disk else StopIt()
    return _hangs(m, now)


def _hangs(m: Machine, now: datetime) -> Move:
    """EC2 is at it, and nothing can be done but wait."""
    return Alert() if is_stuck(m, now) else Rest(until=due(m, now))


def _stopped(m: Machine, now: datetime, looked: bool) -> Move:
    if m.desire is Desire.GONE:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if is_overtaken(m):
        return Change(to=overtaken(m, now))
    if m.kept and not _starts_as_it_is(m, m.kept, now):
        return _kept(m, now, m.kept)
    if not looked:
        return Look()
    if m.desire is Desire.RUN:
        return _waiting_start(m, now) or Change(to=starting_now(m, now))
    return _lying(m, now)


def _starts_as_it_is(m: Machine, kept: Kept, now: datetime) -> bool:
    """Whether a start need not wait for EC2 to let go of what was made of its disk meanwhile."""
    return m.desire is Desire.RUN and kept.staying is not None and resting(kept, now) is not None


def _lying(m: Machine, now: datetime) -> Move:
    to = next_on_shelf(m, now)
    return Change(to=to) if to else Rest(until=due(m, now))


def _kept(m: Machine, now: datetime, kept: Kept) -> Move:
    """Bring the disk to its snapshot and image; start from the image as soon as it is there."""
    step = settling(kept)
    if m.desire is Desire.RUN:
        waiting = _waiting_start(m, now)
        if waiting:
            return waiting
        if kept.image is not None and not kept.staying:
            return Keep(step=KeepStep.PLAN)
    return Keep(step=step) if step and not resting(kept, now) else _lying(m, now)


def _waiting_start(m: Machine, now: datetime) -> Move | None:
    """A start that comes too late, or that is to be tried again later only."""
    up = m.instance is not None and m.instance.state in _RUNNING_WORDS
    if not up and _too_late(m, now):
        return Change(to=start_failed(m, now, "too-late"))
    if m.retry_at is not None and now < m.retry_at:
        return Rest(until=due(m, now))
    return None


def _ending(m: Machine, now: datetime, looked: bool) -> Move:
    known = m.instance is not None and m.instance.state not in groups.GONE
    if m.attempt and not known:
        return _attempt(m, now)
    if m.instance is None:
        return _tidy(m, now, ended(m, now))
    if m.instance.state == "terminated":
        return Tidy(then=ended(m, now))
    if not looked:
        return Look()
    if m.instance.state == "shutting-down":
        return _hangs(m, now)
    return EndIt()
