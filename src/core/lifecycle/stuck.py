"""A machine that is to stop or end, and does not: it is tried for ever, and told of once.

Told once for each time that it was told to: an end that hangs after a stop that hung is told again.
"""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import owing, told
from core.lifecycle.terms import POLL, STUCK_AFTER
from core.model import Machine, NoticeKind, Remains, State

_ARRIVED = {
    State.STOPPING: frozenset({"stopped", "terminated"}),
    State.ENDING: frozenset({"terminated"}),
}


def leaving(m: Machine, now: datetime) -> Machine:
    """From now on it is waited for."""
    return replace(m, parting_since=now, stuck_told=False, tidying_since=None)


def is_stuck(m: Machine, now: datetime) -> bool:
    """Whether people have to hear that EC2 has still something of it that should be gone."""
    return hangs(m, now) and not m.stuck_told


def hangs(m: Machine, now: datetime) -> bool:
    """Whether EC2 has still something of it that should be gone for long, told or not."""
    if m.state not in _ARRIVED or m.parting_since is None:
        return False
    late = now >= m.parting_since + STUCK_AFTER
    return late and any(one.state not in _ARRIVED[m.state] for one in m.instances)


def stuck(m: Machine, now: datetime, code: str) -> Machine:
    """Its owner and the admins hear of it; `code` is AWS's refusal, empty where it only hangs."""
    verb = "stopping" if m.state is State.STOPPING else "ending"
    m = told(replace(m, stuck_told=True), now, f"still {verb}: people are told")
    m = owing(m, now, NoticeKind.STUCK, code)
    return owing(m, now, NoticeKind.STUCK_ADMINS, code)


# ---- what EC2 holds on to -------------------------------------------------------------------


def held_on(m: Machine, now: datetime) -> Machine:
    """Nothing of it runs, and EC2 does not let go of something else of it yet."""
    return m if m.tidying_since else replace(m, tidying_since=now)


def holds_for_long(m: Machine, now: datetime) -> bool:
    """Whether that has lasted so long that nobody waits for it any more."""
    return m.tidying_since is not None and now >= m.tidying_since + STUCK_AFTER


def next_tidying(since: datetime, now: datetime) -> datetime:
    """The next try: often at first, for EC2 mostly needs seconds, then ever more seldom."""
    pause = max(POLL, (now - since) / 4)
    last = since + STUCK_AFTER
    return min(now + pause, last) if now < last else now + pause


def left_behind(then: Machine, now: datetime, remains: Remains) -> Machine:
    """It is over all the same, and its name free; the admins hear what is left, and each hour the
    look for strays (flows/leftovers.py) tries to remove it."""
    m = told(replace(then, remains=remains), now, "EC2 holds on to something of it")
    return owing(m, now, NoticeKind.REMAINS)
