"""Approvals: a question to the approvers, its reminders, its answer and its end.

The row of a question is the truth about it; `follow` brings Slack to what the row says and can be
called at any time. Who asks, who answers and when is looked at anew at each click.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from core import lifecycle as life
from core import messages
from core.blocks import Message
from core.budgets import Broken
from core.flows import purse, trail
from core.flows.gate import extension
from core.flows.house import House, rewrite
from core.flows.speak import for_good_let_go, passing, say
from core.model import (
    ALIVE,
    Approval,
    Asking,
    Desire,
    Grant,
    Machine,
    Place,
    State,
    Verdict,
)
from core.ports import ChatError, StaleRow

_RETRY = timedelta(seconds=30)
_CLOSED = (Verdict.APPROVED, Verdict.DENIED, Verdict.EXPIRED, Verdict.WITHDRAWN)


def resume(house: House, m: Machine) -> Machine:
    """A launch that waits: go on, or be held again with the answer; the row itself while open."""
    row = house.ledger.row(Approval, life.approval_of(m))
    now = house.clock()
    if row is None or row.verdict is Verdict.OPEN:
        return m
    if row.verdict is Verdict.APPROVED and row.decided_by:
        grant = Grant(
            by=row.decided_by, at=now, hourly=row.hourly, length=row.length, total=row.total
        )
        return house.ledger.save(life.granted(m, now, grant), m)
    assert m.hold is not None
    left = tuple(one for one in m.hold.choices if one.kind is not one.kind.APPROVAL)
    hold = replace(m.hold, choices=left, detail=messages.no_approval(row))
    return house.ledger.save(life.held(m, now, replace(hold, kind=hold.kind.OVER_LIMIT)), m)


def follow(house: House, key: str) -> None:
    """Bring everything to what the question's row says: machine, messages and its next look."""
    row = house.ledger.row(Approval, key)
    if row is None or (row.due_at is None and row.told):
        return
    try:
        row = _ended(house, row)
        if row.verdict is Verdict.APPROVED and row.asking is Asking.EXTEND and not row.told:
            row = _extend(house, row)
        row = _said(house, row)
        if row.verdict is not Verdict.OPEN:
            house.wakes.wake(f"machine/{row.machine}")  # before nobody looks at this row any more
        house.ledger.save_row(replace(row, due_at=_next(row, house.clock())), row)
    except StaleRow:
        return  # somebody else is at it
    except ChatError as error:
        if not passing(error):
            raise
        _look_again(house, key)


def _ended(house: House, row: Approval) -> Approval:
    """Whether it is over: nobody decided in time, its machine or the rules have moved on."""
    now = house.clock()
    if row.verdict is not Verdict.OPEN:
        return row
    m = house.ledger.machine(row.machine)
    gone = moved_on(m, row) or barred(house, m, row)
    verdict = Verdict.WITHDRAWN if gone else Verdict.EXPIRED
    if verdict is Verdict.EXPIRED and now < row.expires_at:
        return row
    return house.ledger.save_row(replace(row, verdict=verdict, decided_at=now, due_at=now), row)


def moved_on(m: Machine | None, row: Approval) -> bool:
    """Whether what was asked for is not there to be approved any more."""
    if m is None or m.desire is not Desire.RUN:
        return True
    if row.asking is Asking.EXTEND:
        return m.lease is None or m.lease.version != row.turn or m.state not in ALIVE
    # Between the question and the machine's own row a function may have died: it is held still.
    waits = m.state is State.WAITING and life.approval_of(m) == row.key
    return not waits and not (m.state is State.HELD and m.turn == row.turn)


def barred(house: House, m: Machine | None, row: Approval) -> tuple[Broken, ...]:
    """Which rules no approver may lift by now stand against an extension that was asked for."""
    if row.until is None or m is None:
        return ()
    found = extension(house, m, row.until, row.requester)
    return tuple(one for one in found if one.final)


def _extend(house: House, row: Approval) -> Approval:
    """Carry out an extension that was approved, if the lease is still the one that was shown and
    the rules still let an approver allow it.

    A function may have died after this: the deadline tells that it was carried out.
    """
    until, by = row.until, row.decided_by
    assert until is not None
    assert by is not None

    def change(m: Machine) -> Machine:
        if m.lease is None or m.lease.version != row.turn or m.desire is not Desire.RUN:
            return m
        if barred(house, m, row):
            return m
        new = life.extended(m, house.clock(), until, by, until)
        return m if isinstance(new, life.NotExtended) else new

    after = rewrite(house, row.machine, change)
    if after.lease is None or after.lease.deadline < until:
        return house.ledger.save_row(replace(row, verdict=Verdict.WITHDRAWN), row)
    hourly = life.hourly_now(after)
    if hourly is not None:
        purse.claim(house, after, hourly=hourly, until=after.lease.deadline, forced=True)
    return row


def _said(house: House, row: Approval) -> Approval:
    if row.verdict in _CLOSED:
        return _closed(house, row)
    if not row.places:
        return _posted(house, row, reminder=False)
    if row.remind_at is not None and house.clock() >= row.remind_at:
        return _posted(house, row, reminder=True)
    return row


def _posted(house: House, row: Approval, *, reminder: bool) -> Approval:
    """One message for each approver. A function that dies in between may say it twice."""
    m = house.ledger.machine(row.machine)
    message = messages.approval(row, reminder=reminder)
    places = [*row.places]
    for user in approvers(house, row, m.owner if m else row.requester):
        with for_good_let_go():
            places.append(house.chat.dm(user, message))
    reminders = row.reminders + reminder
    pause = life.REMIND_AFTER * 2**reminders
    more = reminders < life.MOST_REMINDERS
    return house.ledger.save_row(
        replace(
            row,
            places=tuple(places),
            reminders=reminders,
            remind_at=house.clock() + pause if more else None,
        ),
        row,
    )


def _closed(house: House, row: Approval) -> Approval:
    """The buttons go, and the requester hears the end of it, once; unless nobody can reach them."""
    if row.told:
        return row
    for place in row.places:
        _edited(house, place, row)
    m = house.ledger.machine(row.machine)
    if m is not None and row.decided_by is None and row.decided_at is not None:
        what = f"the question for approval: {row.verdict}"
        trail.done(house, row.decided_at, m, what, f"Asked by {row.requester}.")
    said = _outcome(house, m, row)
    if said is not None and m is not None:
        thread = m.card.ts if m.card and m.card.channel == m.channel else None
        with for_good_let_go():
            say(house, row.channel, row.requester, said, thread)
    return house.ledger.save_row(replace(row, told=True), row)


def _outcome(house: House, m: Machine | None, row: Approval) -> Message | None:
    """What is told; nothing to those who know, for they have stopped or extended it themselves."""
    if row.verdict is not Verdict.WITHDRAWN:
        return messages.approval_outcome(row)
    found = () if moved_on(m, row) else barred(house, m, row)
    return messages.barred(row, " ".join(one.words for one in found)) if found else None


def _edited(house: House, place: Place, row: Approval) -> None:
    with for_good_let_go():
        house.chat.update(place, messages.approval(row, reminder=False))


def _next(row: Approval, now: datetime) -> datetime | None:
    if row.verdict is not Verdict.OPEN:
        return None if row.told else now + _RETRY
    times = [row.expires_at, *([row.remind_at] if row.remind_at else [])]
    return max(min(times), now + timedelta(seconds=1))


def _look_again(house: House, key: str) -> None:
    row = house.ledger.row(Approval, key)
    if row is None:
        return
    with suppress(StaleRow):  # somebody else is at it, and sets its next look
        house.ledger.save_row(replace(row, due_at=house.clock() + _RETRY), row)


def approvers(house: House, row: Approval, owner: str) -> tuple[str, ...]:
    """Who may decide: never the requester, never the owner."""
    return tuple(sorted(house.policy.deciders - {row.requester, owner}))
