"""A stop for another reason than the lease: announced, carried out in time, or taken back."""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import owing, told
from core.model import ALIVE, Cause, Desire, Doom, Machine, NoticeKind

_NOTICES = {Cause.IDLE: NoticeKind.IDLE, Cause.BUDGET: NoticeKind.BUDGET}


def doomed(m: Machine, now: datetime, doom: Doom) -> Machine:
    """It stops at that time unless that is taken back, and its owner is told; once.

    One whose lease ends before is left to its lease.
    """
    up = m.state in ALIVE and m.desire is Desire.RUN
    if not up or m.doom is not None or (m.lease is not None and m.lease.deadline <= doom.at):
        return m
    m = told(replace(m, doom=doom), now, f"to stop soon: {doom.cause}")
    return owing(m, now, _NOTICES[doom.cause], doom.detail)


def spared(m: Machine, now: datetime, cause: Cause, what: str) -> Machine:
    """It does not stop for that reason, after all. `what`: a line for its history."""
    if m.doom is None or m.doom.cause is not cause or m.desire is not Desire.RUN:
        return m
    return told(replace(m, doom=None), now, what)
