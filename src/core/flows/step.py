"""One level-triggered step: read the row, read EC2, do one thing, write with a condition, repeat.

Every trigger ends here: a command, a button, an EC2 event, the clock, a delayed wake. None of them
says what to do; the row and EC2 do. Two steps at once are safe: the second loses its write.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from core import lifecycle as life
from core.faults import CloudError, FaultKind
from core.flows import attempts, planning, quota
from core.flows.house import House, machine_key
from core.flows.speak import speak
from core.model import FINAL, Machine
from core.ports import StaleRow

MOST_MOVES = 40
LONGEST_DELAY = timedelta(minutes=15)  # what SQS allows for one message


def step(house: House, id: str) -> None:
    """Bring one machine as far as it will go now, say what changed, and arrange the next look."""
    m = house.ledger.machine(id)
    if m is None:
        return
    if m.card is None:
        m = speak(house, m)  # the card stands before the first slow call to AWS
    try:
        m = _move_on(house, m)
    except StaleRow:
        return  # somebody else is at it and has the newer row
    _rest(house, speak(house, m))


def step_if_due(house: House, id: str) -> None:
    """The same for a delayed wake: one that comes early or twice finds a later `due_at`."""
    m = house.ledger.machine(id)
    if m is not None and m.due_at is not None and m.due_at <= house.clock() + timedelta(seconds=1):
        step(house, id)


def _move_on(house: House, m: Machine) -> Machine:
    looked = False
    for _ in range(MOST_MOVES):
        move = life.next_move(m, house.clock(), looked=looked)
        if isinstance(move, life.Rest):
            return m
        looked = looked or isinstance(move, life.Look)
        before, m = m, _carry_out(house, m, move)
        if m == before:
            return m
        if m.state is not before.state or m.attempts != before.attempts:
            m = speak(house, m)
    return m


def _carry_out(house: House, m: Machine, move: life.Move) -> Machine:
    """Do it, and give back the row as written; the same row when nothing can be done now."""
    match move:
        case life.Rest():
            return m
        case life.Change(to=to):
            return house.ledger.save(to, m)
        case life.Look():
            return _look(house, m)
        case life.Plan():
            return planning.plan(house, m)
        case life.AwaitQuota():
            return quota.resume(house, m)
        case life.Open(placement=placement):
            return attempts.open_attempt(house, m, placement)
        case life.Send():
            return attempts.send(house, m)
        case life.Resolve(last=last):
            return attempts.resolve(house, m, last=last)
        case life.GiveUp():
            return planning.give_up(house, m)
        case life.StartIt():
            return _start(house, m)
        case life.StopIt():
            return _stop(house, m)
        case life.EndIt():
            return _end(house, m)
        case life.Retag():
            return _retag(house, m)
        case life.Tidy(then=then):
            return attempts.tidy(house, m, then)
        case _:
            assert_never(move)


def _look(house: House, m: Machine) -> Machine:
    """Hold the row against EC2. A read that fails says nothing: the row stays and is due again."""
    assert m.instance is not None
    try:
        found = house.cloud.look(m.instance.region, m.instance.id)
    except CloudError:
        return _overdue_anyway(house, m)
    to = life.seen(m, house.clock(), found)
    # Reading is a move even when nothing changed, so that the next move is chosen on fresh facts.
    return house.ledger.save(to, m)


def _overdue_anyway(house: House, m: Machine) -> Machine:
    """EC2 could not be read; a deadline that has passed is acted on all the same."""
    now = house.clock()
    late = m.lease is not None and now >= m.lease.deadline
    if not late and m.desire is m.desire.RUN:
        return m
    return house.ledger.save(replace(m, unseen=0), m)


def _start(house: House, m: Machine) -> Machine:
    assert m.instance is not None
    assert m.lease is not None
    m = house.ledger.save(life.starting(m, house.clock()), m)
    assert m.instance is not None
    assert m.lease is not None
    try:
        house.cloud.tag_deadline(m.instance.region, m.instance.id, m.lease.deadline)
        house.cloud.start(m.instance.region, m.instance.id)
    except CloudError as error:
        if error.fault.kind in (FaultKind.UNKNOWN, FaultKind.THROTTLED, FaultKind.WRONG_STATE):
            return m  # starting twice is harmless: look again, then decide
        return house.ledger.save(life.start_failed(m, house.clock(), error.fault.code), m)
    return house.ledger.save(_believed(life.retagged(m), "pending"), m)


def _retag(house: House, m: Machine) -> Machine:
    """A tag that cannot be moved now is tried again; the row, not the tag, is the lease."""
    assert m.instance is not None
    assert m.lease is not None
    try:
        house.cloud.tag_deadline(m.instance.region, m.instance.id, m.lease.deadline)
    except CloudError:
        return m
    return house.ledger.save(life.retagged(m), m)


def _stop(house: House, m: Machine) -> Machine:
    assert m.instance is not None
    try:
        house.cloud.stop(m.instance.region, m.instance.id)
    except CloudError:
        return m  # it stays STOPPING and is tried again for ever
    return house.ledger.save(_believed(m, "stopping"), m)


def _end(house: House, m: Machine) -> Machine:
    assert m.instance is not None
    try:
        house.cloud.terminate(m.instance.region, m.instance.id)
    except CloudError:
        return m  # it stays ENDING and is tried again for ever
    return house.ledger.save(_believed(m, "shutting-down"), m)


def _believed(m: Machine, state: str) -> Machine:
    """EC2 accepted the call; the next look says what became of it."""
    assert m.instance is not None
    return replace(m, instance=replace(m.instance, state=state))


def _rest(house: House, m: Machine) -> None:
    """Write when the row is due, and send a delayed wake when that is soon.

    The wake is only a hint, more exact than the clock's minute; the row's `due_at` is the promise.
    """
    now = house.clock()
    due = life.due(m, now)
    if due != m.due_at:
        try:
            m = house.ledger.save(replace(m, due_at=due), m)
        except StaleRow:
            return
    if due is not None and due - now <= LONGEST_DELAY and not (m.state in FINAL and not m.owed):
        house.wakes.wake(f"due/{machine_key(m)}", _seconds(due, now))


def _seconds(due: datetime, now: datetime) -> timedelta:
    return timedelta(seconds=max(1, math.ceil((due - now).total_seconds())))
