"""A machine that nobody uses: its owner is asked, and it stops unless it is kept or used again."""

from dataclasses import replace
from datetime import datetime, timedelta

from core.lifecycle.record import asks_about_idle, owing, told
from core.lifecycle.terms import TO_ANSWER
from core.model import Cause, Desire, Doom, Machine, NoticeKind, State

USED = "used"
UNKNOWN = "unknown"


def may_be_asked(m: Machine, now: datetime) -> bool:
    """Whether a question makes sense: nothing else stops it before it could be answered."""
    if m.state is not State.RUNNING or m.desire is not Desire.RUN or m.doom or m.taken_at:
        return False
    return m.lease is None or m.lease.deadline > now + TO_ANSWER


def idle_asked(m: Machine, now: datetime, since: datetime) -> Machine:
    """It stops in five minutes for being unused; from the question on, should that be late."""
    doom = Doom(at=now + TO_ANSWER, cause=Cause.IDLE, detail=str(int(since.timestamp())))
    return owing(told(replace(m, doom=doom), now, "unused: to stop soon"), now, NoticeKind.IDLE)


def is_idle_doomed(m: Machine) -> bool:
    """Whether it is to stop for being unused."""
    return m.doom is not None and m.doom.cause is Cause.IDLE


def waits_for_question(m: Machine) -> bool:
    """Whether its owner has still to be asked: nothing is stopped before that."""
    return any(asks_about_idle(notice) for notice in m.owed)


def spared(m: Machine, now: datetime, why: str) -> Machine:
    """It is used again, or nobody knows any more: it runs on, which those who were asked hear."""
    was_asked = not waits_for_question(m)
    what = "in use again" if why == USED else "not known to be unused any more"
    m = told(let_be(m, now), now, what)
    return owing(m, now, NoticeKind.IDLE, why) if was_asked else m


def kept_on(m: Machine, now: datetime, by: str) -> Machine:
    """Somebody wants it to run on, used or not: what was before does not count any more."""
    return told(let_be(m, now), now, f"kept running (by {by})")


def let_be(m: Machine, now: datetime) -> Machine:
    """What was asked is void, and what was before does not count any more."""
    owed = tuple(notice for notice in m.owed if not asks_about_idle(notice))
    return replace(m, doom=None, idle_from=now, owed=owed)


def idle_after(m: Machine, now: datetime, length: timedelta | None, by: str) -> Machine:
    """From now on it is stopped when unused for so long; zero: never. What was asked is void."""
    m = replace(m, wish=replace(m.wish, idle=length))
    m = let_be(m, now) if is_idle_doomed(m) else replace(m, idle_from=now)
    minutes = int((length or timedelta(0)).total_seconds()) // 60
    what = f"stops after {minutes} min unused" if minutes else "not stopped for being unused"
    return told(m, now, f"{what} (by {by})")
