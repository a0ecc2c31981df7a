"""A machine that is to stop or end, and does not: it is tried for ever, and told of once.

Told once for each time that it was told to: an end that hangs after a stop that hung is told again.
"""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import owing, told
from core.lifecycle.terms import STUCK_AFTER
from core.model import Machine, NoticeKind, State

_ARRIVED = {
    State.STOPPING: frozenset({"stopped", "terminated"}),
    State.ENDING: frozenset({"terminated"}),
}


def leaving(m: Machine, now: datetime) -> Machine:
    """From now on it is waited for."""
    return replace(m, parting_since=now, stuck_told=False)


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
