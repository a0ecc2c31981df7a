"""What a row remembers: its history, what it owes, which requests it has heard, what was billed."""

from dataclasses import replace
from datetime import datetime

from core.denials import Refused
from core.faults import Fault, FaultKind
from core.lifecycle.terms import (
    MOST_HEARD,
    MOST_HISTORY,
    TO_ANSWER,
)
from core.model import (
    Cause,
    Happening,
    Machine,
    Notice,
    NoticeKind,
    Place,
    Run,
)

TOLD_ADMINS = "AWS's reason goes to the admins"
OWNER_LEFT = "its owner has left the workspace"
_FOR_ADMINS = frozenset({FaultKind.DENIED, FaultKind.ACCOUNT})


def told(m: Machine, now: datetime, what: str) -> Machine:
    """The row with one more line of history."""
    return replace(m, history=(*m.history, Happening(at=now, what=what))[-MOST_HISTORY:])


def heard(m: Machine, request: str) -> Machine:
    """The row that has carried out this request: a second delivery of it changes nothing."""
    return replace(m, heard=(*m.heard, request)[-MOST_HEARD:])


def owing(m: Machine, now: datetime, kind: NoticeKind, detail: str = "") -> Machine:
    """The row with one more message owed."""
    return replace(m, owed=(*m.owed, Notice(kind=kind, at=now, detail=detail)))


def telling_admins(m: Machine, now: datetime, fault: Fault) -> Machine:
    """The row that owes the admins AWS's reason, where only they can do something about it; once
    a launch, however often it is tried again."""
    known = any(line.what == TOLD_ADMINS for line in m.history)
    if fault.kind not in _FOR_ADMINS or known:
        return m
    refused = Refused(operation=fault.operation, code=fault.code, message=fault.message)
    return owing(told(m, now, TOLD_ADMINS), now, NoticeKind.DENIED, refused.as_text())


def claimed(m: Machine, notice: Notice, mine: Notice) -> Machine:
    """The row in which one owed message has changed hands."""
    if notice not in m.owed:
        return m
    m = replace(m, owed=tuple(mine if n == notice else n for n in m.owed))
    asks = m.doom is not None and m.doom.cause is Cause.IDLE and asks_about_idle(mine)
    if m.doom is None or mine.claimed is None or not asks:
        return m
    # The time to answer begins when the question is posted, however long Slack was away.
    return replace(m, doom=replace(m.doom, at=max(m.doom.at, mine.claimed + TO_ANSWER)))


def asks_about_idle(notice: Notice) -> bool:
    """Whether it is the question itself, and not what became of it."""
    return notice.kind is NoticeKind.IDLE and not notice.detail


def paid(m: Machine, notice: Notice) -> Machine:
    """The row without that message, once Slack has it."""
    if notice not in m.owed:
        return m
    return replace(m, owed=tuple(n for n in m.owed if n != notice))


def owner_left(m: Machine, now: datetime) -> Machine:
    """The row that owes the admins that its owner has left the workspace; once a machine."""
    if any(line.what == OWNER_LEFT for line in m.history):
        return m
    return owing(told(m, now, OWNER_LEFT), now, NoticeKind.LEFT)


def carded(m: Machine, place: Place, digest: str) -> Machine:
    """The row that knows where its card stands and what it shows."""
    return replace(m, card=place, shown=digest)


def closed(runs: tuple[Run, ...], now: datetime | None) -> tuple[Run, ...]:
    """The same stretches with the last one ended; `None` ends it where it began."""
    if not runs or runs[-1].ended_at is not None:
        return runs
    last = runs[-1]
    return (*runs[:-1], replace(last, ended_at=now or last.started_at))


def next_decider(m: Machine) -> str:
    """What happened last, in the words of the history; old buttons answer with it."""
    return m.history[-1].what if m.history else "nothing yet"
