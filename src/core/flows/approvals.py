"""Approvals: a question to the approvers, its reminders, its answer and its end.

The row of a question is the truth about it; `follow` brings Slack to what the row says and can be
called at any time. Who asks, who answers and when is looked at anew at each click.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from core import gate, messages
from core import lifecycle as life
from core.flows import purse
from core.flows.again import heard_before
from core.flows.find import touchable
from core.flows.house import House, rewrite
from core.flows.request import Asked, Click
from core.flows.speak import answer, passing, say
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
_ITS_END = timedelta(minutes=5)  # a question ends before the launch that waits for it does
_CLOSED = (Verdict.APPROVED, Verdict.DENIED, Verdict.EXPIRED, Verdict.WITHDRAWN)


# ---- asking ---------------------------------------------------------------------------------


def ask_launch(house: House, click: Click, m: Machine) -> None:
    """The button of a held launch: it waits for an approver from now on."""
    assert m.hold is not None
    now = house.clock()
    ends = min(now + life.WAIT_FOR_APPROVAL, m.wish.until or now + life.WAIT_FOR_APPROVAL)
    length = life.length_wanted(m.wish, now, house.policy)
    hourly = (m.hold.hourly or house.policy.approval_above) * m.wish.count
    asked = gate.Asked(hourly=hourly, length=length)
    row = _question(house, click, m, Asking.LAUNCH, m.turn, asked)
    row = replace(row, expires_at=ends, broken=(messages.why_held(m),))
    if not _opened(house, click, m, row):
        return None

    def change(machine: Machine) -> Machine:
        if machine.state is not State.HELD or machine.turn != m.turn:
            return machine
        waits = life.awaiting_approval(machine, now, row.key, ends + _ITS_END, click.user)
        return life.heard(waits, click.id)

    rewrite(house, m.id, change)
    return follow(house, row.key)


def ask_extension(house: House, click: Click) -> None:
    """The button of an extension that was refused: `<id>:<version of the lease>:<epoch>`."""
    id, version, epoch = [*click.value.split(":"), "", ""][:3]
    m = None if heard_before(house, click) else touchable(house, click, id)
    if m is None:
        return None
    up = m.state in ALIVE and m.desire is Desire.RUN and m.hourly is not None
    if not up or m.lease is None or str(m.lease.version) != version or not epoch.isdecimal():
        return answer(house, click.response_url, messages.old_button(m))
    to = datetime.fromtimestamp(int(epoch[:12]), house.clock().tzinfo)
    began = m.runs[-1].started_at if m.runs else m.lease.started_at
    assert m.hourly is not None
    asked = gate.Asked(hourly=m.hourly, length=to - m.lease.deadline)
    row = _question(house, click, m, Asking.EXTEND, m.lease.version, asked)
    row = replace(
        row,
        id=f"{m.id}.x{m.lease.version}.{epoch}",
        until=to,
        expires_at=m.lease.deadline,
        broken=(messages.why_not_extended(m, to, to - began, house.policy),),
    )
    if _opened(house, click, m, row):
        rewrite(house, m.id, lambda one: life.heard(one, click.id))
        follow(house, row.key)
    return None


def _question(
    house: House, asked: Asked, m: Machine, asking: Asking, turn: int, what: gate.Asked
) -> Approval:
    now = house.clock()
    return Approval(
        id=f"{m.id}.{turn}",
        asking=asking,
        machine=m.id,
        name=m.name,
        requester=asked.user,
        channel=m.channel,
        turn=turn,
        what=messages.what_is_asked(m),
        hourly=what.hourly,
        length=what.length,
        total=what.total,
        until=None,
        broken=(),
        why=m.wish.why,
        asked_at=now,
        expires_at=now + life.WAIT_FOR_APPROVAL,
        remind_at=now + life.REMIND_AFTER,
        due_at=now,
    )


def _opened(house: House, click: Click, m: Machine, row: Approval) -> bool:
    """Whether the question is written down; the caller is told where nobody could answer it."""
    if not _approvers(house, row, m.owner):
        answer(house, click.response_url, messages.nobody_approves(m))
        return False
    if house.ledger.row(Approval, row.key) is None:
        with suppress(StaleRow):  # the same press, delivered twice at once
            house.ledger.save_row(row, None)
    answer(house, click.response_url, messages.approval_asked(row, _approvers(house, row, m.owner)))
    return True


def _approvers(house: House, row: Approval, owner: str) -> tuple[str, ...]:
    return tuple(sorted(house.policy.deciders - {row.requester, owner}))


# ---- deciding -------------------------------------------------------------------------------


def approve_click(house: House, click: Click) -> None:
    """Yes, to exactly what was shown."""
    _decide(house, click, Verdict.APPROVED)


def deny_click(house: House, click: Click) -> None:
    """No."""
    _decide(house, click, Verdict.DENIED)


def _decide(house: House, click: Click, verdict: Verdict) -> None:
    row = house.ledger.row(Approval, click.value)
    m = house.ledger.machine(row.machine) if row else None
    if row is None or m is None:
        return answer(house, click.response_url, messages.old_button(None))
    if row.verdict is not Verdict.OPEN:
        follow(house, row.key)
        return answer(house, click.response_url, messages.approval_closed(row))
    now = house.clock()
    no = gate.may_decide(click.user, row.requester, m.owner, house.policy, row.expires_at, now)
    if no:
        return answer(house, click.response_url, messages.may_not_approve(row, no))
    decided = replace(row, verdict=verdict, decided_by=click.user, decided_at=now, due_at=now)
    try:
        house.ledger.save_row(decided, row)
    except StaleRow:
        return _decide(house, click, verdict)  # somebody was first: they are named
    follow(house, row.key)
    return answer(house, click.response_url, messages.approval_closed(decided))


# ---- what follows ---------------------------------------------------------------------------


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
            _extend(house, row)
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
    """Whether it is over: nobody decided in time, or its machine has moved on."""
    now = house.clock()
    if row.verdict is not Verdict.OPEN:
        return row
    m = house.ledger.machine(row.machine)
    verdict = Verdict.WITHDRAWN if _moved_on(m, row) else Verdict.EXPIRED
    if verdict is Verdict.EXPIRED and now < row.expires_at:
        return row
    return house.ledger.save_row(replace(row, verdict=verdict, decided_at=now, due_at=now), row)


def _moved_on(m: Machine | None, row: Approval) -> bool:
    if m is None or m.desire is not Desire.RUN:
        return True
    if row.asking is Asking.EXTEND:
        return m.lease is None or m.lease.version != row.turn or m.state not in ALIVE
    # Between the question and the machine's own row a function may have died: it is held still.
    waits = m.state is State.WAITING and life.approval_of(m) == row.key
    return not waits and not (m.state is State.HELD and m.turn == row.turn)


def _extend(house: House, row: Approval) -> None:
    """Carry out an extension that was approved, if the lease is still the one that was shown."""

    def change(m: Machine) -> Machine:
        if (
            m.lease is None
            or m.lease.version != row.turn
            or row.until is None
            or not row.decided_by
        ):
            return m
        new = life.extended(m, house.clock(), row.until, row.decided_by, row.until)
        return m if isinstance(new, life.NotExtended) else new

    after = rewrite(house, row.machine, change)
    if after.lease is not None and after.hourly is not None:
        purse.claim(house, after, hourly=after.hourly, until=after.lease.deadline, forced=True)


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
    for user in _approvers(house, row, m.owner if m else row.requester):
        try:
            places.append(house.chat.dm(user, message))
        except ChatError as error:
            if passing(error):
                raise
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
    """The buttons go, and the requester hears the end of it, once."""
    if row.told:
        return row
    for place in row.places:
        _edited(house, place, row)
    m = house.ledger.machine(row.machine)
    if row.verdict is not Verdict.WITHDRAWN and m is not None:
        thread = m.card.ts if m.card and m.card.channel == m.channel else None
        say(house, row.channel, row.requester, messages.approval_outcome(row), thread)
    return house.ledger.save_row(replace(row, told=True), row)


def _edited(house: House, place: Place, row: Approval) -> None:
    try:
        house.chat.update(place, messages.approval(row, reminder=False))
    except ChatError as error:
        if passing(error):
            raise


def _next(row: Approval, now: datetime) -> datetime | None:
    if row.verdict is not Verdict.OPEN:
        return None if row.told else now + _RETRY
    times = [row.expires_at, *([row.remind_at] if row.remind_at else [])]
    return max(min(times), now + timedelta(seconds=1))


def _look_again(house: House, key: str) -> None:
    row = house.ledger.row(Approval, key)
    if row is not None:
        house.ledger.save_row(replace(row, due_at=house.clock() + _RETRY), row)
