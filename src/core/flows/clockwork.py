"""Keeps the hours of a schedule: says that a start is near, and carries it out.

Whoever looks claims the row first; if they die, it is looked at again when no sender can be alive.
The machine's own row knows a start by its day, so that one that was carried out is not again.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from core import hours, messages, policy
from core import lifecycle as life
from core.blocks import escape
from core.flows import start
from core.flows.house import House
from core.flows.manage import lengthened
from core.flows.speak import passing, say, to_admins
from core.model import ALIVE, FINAL, Cause, Desire, Machine, Person, Schedule, State
from core.ports import ChatError, StaleRow

_AGAIN = timedelta(minutes=1)


def follow(house: House, id: str) -> None:
    """Do what the schedule of a machine asks for now; another one that looks is left to it."""
    row, now = house.ledger.row(Schedule, id), house.clock()
    if row is None or row.due_at is None or now < row.due_at:
        return None
    m = house.ledger.machine(id)
    try:
        if m is None or m.state in FINAL or m.desire is Desire.GONE:
            return house.ledger.drop_row(row)
        row = house.ledger.save_row(replace(row, due_at=now + life.SENDER_LIVES), row)
        _keep(house, m, row)
    except StaleRow:
        return None  # somebody else is at it, or has changed it, which made it due again
    except ChatError as error:
        if not passing(error):
            raise


def _keep(house: House, m: Machine, row: Schedule) -> None:
    now, one = house.clock(), hours.following(row, house.clock())
    if one is None or now < one.starts - hours.AHEAD:
        return _rest(house, row)
    person = _owner(house, m)
    if person is None:
        to_admins(house, messages.owner_left(m))
        return house.ledger.drop_row(row)
    if now >= one.starts:
        return _carry_out(house, m, row, one)
    if (row.told is None or row.told < one.day) and m.state in (State.STOPPED, State.STOPPING):
        say(house, m.channel, m.owner, messages.schedule_announced(m, one))
    return _rest(house, replace(row, told=one.day))


def _owner(house: House, m: Machine) -> Person | None:
    """None where they have left."""
    try:
        person = house.chat.person(m.owner)
    except ChatError as error:
        if passing(error):
            raise
        return None
    return person if person.active else None


def _carry_out(house: House, m: Machine, row: Schedule, one: hours.Stretch) -> None:
    id = f"schedule:{m.id}:{one.day.isoformat()}"
    if _stopped_since(m, one) or _stopped_short(m, row, one):
        return _done(house, row, one)
    if m.state is State.STOPPED or id in m.heard:
        why = start.by_schedule(house, m, id, one.stops)
    elif _goes_on(m, house.clock()):
        why = lengthened(house, m, id, one.stops)
    else:  # it is on its way to somewhere, be it to its stop
        house.ledger.save_row(replace(row, due_at=house.clock() + _AGAIN), row)
        return None
    trouble = _said(why)
    m = house.ledger.machine(m.id) or m
    if trouble:
        say(house, m.channel, m.owner, messages.not_by_schedule(m, trouble, one))
    elif m.retry_at is not None and m.desire is Desire.RUN:
        say(house, m.channel, m.owner, messages.schedule_keeps_trying(m, one))
    elif m.lease and _goes_on(m, house.clock()) and m.lease.deadline < one.stops:
        return _falls_short(house, m, m.lease.deadline, row, one)
    return _done(house, row, one, trouble)


def _goes_on(m: Machine, now: datetime) -> bool:
    """Whether it runs, and its lease can still be made longer."""
    up = m.state in ALIVE and m.desire is Desire.RUN
    return up and m.lease is not None and now < m.lease.deadline


def _falls_short(
    house: House, m: Machine, ends: datetime, row: Schedule, one: hours.Stretch
) -> None:
    """One lease may not last until the hours end: they are looked at again when it is over."""
    if row.short != one.day:
        say(house, m.channel, m.owner, messages.schedule_falls_short(m, one))
    house.ledger.save_row(
        replace(row, told=one.day, short=one.day, due_at=max(ends, house.clock()) + _AGAIN), row
    )


def _stopped_short(m: Machine, row: Schedule, one: hours.Stretch) -> bool:
    """Whether something else than its deadline has stopped it within its hours."""
    return row.short == one.day and m.state is State.STOPPED and m.cause is not Cause.DEADLINE


def _stopped_since(m: Machine, one: hours.Stretch) -> bool:
    """Whether a person has stopped it since its hours began: that stands for the day."""
    decided = m.decided_at is not None and m.decided_at >= one.starts
    return decided and m.desire is Desire.STOP


def _done(house: House, row: Schedule, one: hours.Stretch, trouble: str = "") -> None:
    return _rest(house, replace(row, told=one.day, started=one.day, trouble=trouble))


def _said(why: policy.Denied | None) -> str:
    return escape(" ".join(part for part in (why.what, why.next) if part)) if why else ""


def _rest(house: House, row: Schedule) -> None:
    now = house.clock()
    new = replace(row, skipped=hours.recent(row, now))
    house.ledger.save_row(replace(new, due_at=hours.next_look(new, now)), row)
