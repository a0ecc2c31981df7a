"""When somebody must look at a row again, in every state."""

from datetime import datetime, timedelta
from typing import assert_never

from core.lifecycle.ends import (
    start_may_arrive,
)
from core.lifecycle.keeping import resting, settling
from core.lifecycle.shelves import shelf_due
from core.lifecycle.stuck import next_tidying
from core.lifecycle.terms import (
    CHECK,
    CHECK_SNAPSHOT,
    CHECK_STOPPED,
    FENCE,
    LOOK_APART,
    MOST_SENDS,
    POLL,
    RESEND_AFTER,
    RETRY_LOOK,
    RETRY_TAG,
    RETRY_TIDY,
    RETRY_WORDS,
    SENDER_LIVES,
)
from core.model import (
    Desire,
    Machine,
    State,
)


def due(m: Machine, now: datetime) -> datetime | None:
    """When somebody must look at the row again; None when nothing can happen to it any more."""
    natural = _natural_due(m, now)
    if natural is not None and natural <= now:
        # It was due and could not be done: not at once again, or one wake would breed the next.
        natural = now + POLL
    natural = _with_news(m, now, natural)
    return _with_words(m, now, natural) if m.owed else natural


def due_again(m: Machine, now: datetime) -> datetime:
    """The same where Slack has just not taken what there was to say or to show."""
    return _with_words(m, now, due(m, now))


def _with_news(m: Machine, now: datetime, natural: datetime | None) -> datetime | None:
    """What an event told after a group was read may not have been seen: it is read once more."""
    if natural is None or m.news_at is None or m.looked_at is None:
        return natural
    return min(natural, max(m.looked_at + LOOK_APART, now + timedelta(seconds=1)))


def _with_words(m: Machine, now: datetime, natural: datetime | None) -> datetime:
    words = max(now + RETRY_WORDS, m.quiet_until or now)
    return words if natural is None else min(words, natural)


def _natural_due(m: Machine, now: datetime) -> datetime | None:
    match m.state:
        case State.ENDED | State.FAILED:
            return None
        case State.HELD:
            stuck = m.prepared is not None or m.desire is not Desire.RUN
            return now + RETRY_TIDY if stuck else m.launch_by
        case State.WAITING:
            return min(m.launch_by, m.retry_at or now + CHECK)
        case State.REQUESTED:
            return now + timedelta(minutes=1)
        case State.LAUNCHING:
            return _attempt_due(m, now)
        case State.ENDING if m.tidying_since is not None:
            return next_tidying(m.tidying_since, now)
        case State.PENDING | State.STARTING | State.STOPPING | State.ENDING:
            return now + POLL
        case State.RUNNING:
            return _running_due(m, now)
        case State.STOPPED:
            return _stopped_due(m, now)
        case _:
            assert_never(m.state)


def _attempt_due(m: Machine, now: datetime) -> datetime:
    due = _answer_due(m, now)
    return min(due, m.lease.deadline) if m.members and m.lease else due


def _answer_due(m: Machine, now: datetime) -> datetime:
    attempt = m.attempt
    if attempt is None or attempt.last_send is None:
        return now + POLL
    if not attempt.sends:
        return attempt.last_send + RESEND_AFTER
    if not attempt.unclear:
        return attempt.last_send + SENDER_LIVES
    if attempt.sends < MOST_SENDS:
        return attempt.last_send + RESEND_AFTER * attempt.sends
    return max(now + POLL, min(now + timedelta(minutes=1), attempt.last_send + FENCE))


def _running_due(m: Machine, now: datetime) -> datetime:
    times = [now + (CHECK if m.ready_at else POLL)]
    if m.unseen:
        times.append(now + RETRY_LOOK)
    if m.lease:
        times.append(m.lease.deadline)
        if not m.lease.warned:
            times.append(m.lease.warn_at)
        if m.lease.eve_at and not (m.lease.eve_told or m.lease.warned):
            times.append(m.lease.eve_at)
        if m.tagged != m.lease.deadline:
            times.append(now + RETRY_TAG)
    if m.doom:
        times.append(m.doom.at if now < m.doom.at else now + RETRY_WORDS)
    if m.kept:
        times.append(resting(m.kept, now) or now + RETRY_TIDY)
    return min(times)


def _stopped_due(m: Machine, now: datetime) -> datetime:
    if m.desire is Desire.RUN and m.retry_at is not None:
        return min(m.retry_at, m.launch_by)
    again = resting(m.kept, now)
    if again is not None and m.desire is not Desire.GONE:
        return min(again, m.launch_by) if m.desire is Desire.RUN else again
    if m.desire is not Desire.STOP or start_may_arrive(m, now):
        return now + POLL
    times = [now + (CHECK_SNAPSHOT if m.kept and settling(m.kept) else CHECK_STOPPED)]
    lies_until = shelf_due(m)
    return min([*times, *([lies_until] if lies_until else [])])
