"""Asking an approver, and answering: the buttons. What follows is in `approvals`."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from core import gate, messages
from core import lifecycle as life
from core.flows import permits
from core.flows.again import heard_before
from core.flows.approvals import approvers, barred, follow, moved_on
from core.flows.find import touchable
from core.flows.gate import extension
from core.flows.house import House, rewrite
from core.flows.manage import until_click
from core.flows.request import Asked, Click
from core.flows.speak import answer
from core.flows.step import step
from core.model import ALIVE, Approval, Asking, Cause, Desire, Machine, State, Verdict
from core.policy import Denied
from core.ports import StaleRow
from core.times import read_moment

_ITS_END = timedelta(minutes=5)  # a question ends before the launch that waits for it does
_MOST_ASKED = 3  # times for one deadline of one lease: whoever is refused asks for something else
_IN_VAIN = frozenset({Verdict.DENIED, Verdict.EXPIRED, Verdict.WITHDRAWN})


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
        return

    def change(machine: Machine) -> Machine:
        if machine.state is not State.HELD or machine.turn != m.turn:
            return machine
        waits = life.awaiting_approval(machine, now, row.key, ends + _ITS_END, click.user)
        return life.heard(waits, click.id)

    rewrite(house, m.id, change)
    follow(house, row.key)
    step(house, m.id)  # its card says what it waits for
    return


def ask_extension(house: House, click: Click) -> None:
    """The button of an extension that was refused: `<id>:<version of the lease>:<epoch>`.

    Where by now nobody's yes is needed, or none would do, it is as if it were typed again.
    """
    id, version, epoch = [*click.value.split(":"), "", ""][:3]
    m = None if heard_before(house, click) else touchable(house, click, id)
    if m is None:
        return None
    hourly = life.hourly_now(m)
    up = m.state in ALIVE and m.desire is Desire.RUN and hourly is not None
    to = read_moment(epoch)
    if not up or m.lease is None or str(m.lease.version) != version:
        return answer(house, click.response_url, messages.old_button(m))
    if to is None or to <= m.lease.deadline:
        return answer(house, click.response_url, messages.old_button(m))
    found = extension(house, m, to, click.user)
    if not found or any(one.final for one in found):
        return until_click(house, click)
    assert hourly is not None
    asked = gate.Asked(hourly=hourly, length=to - m.lease.deadline)
    row = _question(house, click, m, Asking.EXTEND, m.lease.version, asked)
    row = replace(
        row,
        id=f"{m.id}.x{m.lease.version}.{epoch}",
        until=to,
        expires_at=m.lease.deadline,
        broken=tuple(one.words for one in found),
    )
    row = _asked_anew(house, row)
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


def _asked_anew(house: House, row: Approval) -> Approval:
    """The question; where the same was asked in vain, the next one, which says so to approvers. The
    machine runs on, so nothing else makes another question of it, as a new launch would."""
    first, before = row, house.ledger.row(Approval, row.key)
    for number in range(2, _MOST_ASKED + 1):
        if before is None or before.verdict not in _IN_VAIN:
            break
        said = messages.asked_before(before)
        row = replace(first, id=f"{first.id}.{number}", broken=(*first.broken, said))
        before = house.ledger.row(Approval, row.key)
    return row


def _opened(house: House, click: Click, m: Machine, row: Approval) -> bool:
    """Whether the question is written down; the caller is told where nobody could answer it, and
    what became of it where somebody has."""
    if not approvers(house, row, m.owner):
        answer(house, click.response_url, messages.nobody_approves(m, row.asking))
        return False
    stored = house.ledger.row(Approval, row.key)
    if stored is not None and stored.verdict is not Verdict.OPEN:
        answer(house, click.response_url, messages.approval_closed(stored))
        return True
    if stored is None:
        with suppress(StaleRow):  # the same press, delivered twice at once
            house.ledger.save_row(row, None)
    answer(house, click.response_url, messages.approval_asked(row, approvers(house, row, m.owner)))
    return True


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
    # Approved now, it would be a yes to something else than what was shown, or to what may not be.
    if moved_on(m, row) or barred(house, m, row):
        follow(house, row.key)
        over = house.ledger.row(Approval, row.key) or row
        return answer(house, click.response_url, messages.approval_closed(over))
    now = house.clock()
    no = gate.may_decide(click.user, row.requester, m.owner, house.policy, row.expires_at, now)
    if no:
        return answer(house, click.response_url, messages.may_not_approve(row, no))
    launches = verdict is Verdict.APPROVED and row.asking is Asking.LAUNCH
    denied = permits.may_go_on(house, m) if launches else None
    if denied:
        return _give_up(house, click, m, row, denied)
    decided = replace(row, verdict=verdict, decided_by=click.user, decided_at=now, due_at=now)
    try:
        house.ledger.save_row(decided, row)
    except StaleRow:
        return _decide(house, click, verdict)  # somebody was first: they are named
    follow(house, row.key)
    return answer(house, click.response_url, messages.approval_closed(decided))


def _give_up(house: House, click: Click, m: Machine, row: Approval, denied: Denied) -> None:
    """Nobody can say yes for somebody who may not launch any more."""
    now = house.clock()

    def change(one: Machine) -> Machine:
        return one if moved_on(one, row) else life.unwanted(one, now, Cause.BARRED, None, end=True)

    rewrite(house, m.id, change)
    step(house, m.id)
    follow(house, row.key)
    return answer(house, click.response_url, messages.may_not_launch_any_more(m, denied.rule))
