"""A machine whose budget is spent: it stops soon, unless the budget is raised in time."""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import owing, told
from core.model import ALIVE, Cause, Desire, Doom, Machine, NoticeKind


def budget_spent(m: Machine, now: datetime, at: datetime, budget: str) -> Machine:
    """It stops at that time, and its owner is told; once. One whose lease ends before is left to
    its lease, and one that stops for another reason to that."""
    up = m.state in ALIVE and m.desire is Desire.RUN
    if not up or m.doom is not None or (m.lease is not None and m.lease.deadline <= at):
        return m
    doom = Doom(at=at, cause=Cause.BUDGET, detail=budget)
    m = told(replace(m, doom=doom), now, "its budget is spent: to stop soon")
    return owing(m, now, NoticeKind.BUDGET, budget)


def is_over_budget(m: Machine) -> bool:
    """Whether it is to stop because its budget is spent."""
    return m.doom is not None and m.doom.cause is Cause.BUDGET and m.desire is Desire.RUN


def ends_at(m: Machine) -> datetime | None:
    """When it stops by itself: at its deadline, or before, where something else stops it."""
    if m.lease is None or m.doom is None:
        return m.lease.deadline if m.lease else None
    return min(m.doom.at, m.lease.deadline)


def budget_raised(m: Machine, now: datetime) -> Machine:
    """It runs on, after all."""
    if not is_over_budget(m):
        return m
    return told(replace(m, doom=None), now, "its budget was raised: it runs on")
