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
from core.flows import (
    approvals,
    attempts,
    changed,
    fingerprints,
    groups,
    images,
    keep,
    leftovers,
    planning,
    purse,
    quota,
    restart,
    spot_prices,
    stuck,
    trail,
    unused,
    volume,
)
from core.flows.house import House, machine_key, rewrite
from core.flows.speak import speak, spoken
from core.model import Instance, Machine
from core.ports import StaleRow
from core.stores import stored

MOST_MOVES = 40
_PENDING = frozenset({"pending"})
_RUNNING = frozenset({"running"})
_NOT_GONE = frozenset({"pending", "running", "stopping", "stopped"})
LONGEST_DELAY = timedelta(minutes=15)  # what SQS allows for one message


def step(house: House, id: str) -> None:
    """Bring one machine as far as it will go now, say what changed, and arrange the next look."""
    m = house.ledger.machine(id)
    if m is None:
        return
    if m.card is None:
        m = speak(house, m)  # the card stands before the first slow call to AWS
    before = m
    try:
        m = _move_on(house, m)
    except StaleRow:
        return  # somebody else is at it and has the newer row
    stuck.count(house, m)
    trail.by_the_bot(house, before, m)
    rested = _rest(house, *spoken(house, m))
    if rested is not None:
        purse.follow(house, rested)


def step_if_due(house: House, id: str) -> None:
    """The same for a delayed wake: one that comes early or twice finds a later `due_at`."""
    m = house.ledger.machine(id)
    if m is not None and m.due_at is not None and m.due_at <= house.clock() + timedelta(seconds=1):
        step(house, id)


def step_on_event(house: House, id: str) -> None:
    """The same for news of an instance. A group of a hundred brings two hundred of them at once:
    the first is looked into, the others are one more look a few seconds later. A step that has
    read the group already, and is about to rest, finds in the row that there is news."""
    m, now = house.ledger.machine(id), house.clock()
    if m is None or m.looked_at is None or now >= m.looked_at + life.LOOK_APART:
        return step(house, id)
    if m.due_at is not None and m.news_at is None:
        rewrite(house, id, lambda row: replace(row, news_at=row.news_at or now))
        house.wakes.wake(f"due/{machine_key(m)}", _seconds(m.looked_at + life.LOOK_APART, now))
    return None


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
        if m.state is not before.state:
            volume.noticed(house, m)
        moved = m.state is not before.state or m.attempts != before.attempts
        if moved and not life.tries_quietly(m):
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
            return _resume(house, m)
        case life.Open(placement=placement):
            return attempts.open_attempt(house, m, placement)
        case life.Send():
            return attempts.send(house, m)
        case life.Resolve(last=last):
            return attempts.resolve(house, m, last=last)
        case life.GiveUp():
            return _give_up(house, m)
        case life.StartIt():
            return _start(house, m)
        case life.StopIt():
            return _stop(house, m)
        case life.EndIt():
            return _end(house, m)
        case life.Alert():
            return stuck.alert(house, m)
        case life.Retag():
            return _retag(house, m)
        case life.ChangeType():
            return restart.change_type(house, m)
        case life.Keep(step=step):
            return keep.carry_out(house, m, step)
        case life.Confirm():
            return unused.confirm(house, m)
        case life.Tidy(then=then):
            return leftovers.tidy(house, m, then) if keep.let_go(house, m, then) else m
        case _:
            assert_never(move)


def _resume(house: House, m: Machine) -> Machine:
    if life.awaits_approval(m):
        return approvals.resume(house, m)
    return images.resume(house, m) if life.awaits_image(m) else quota.resume(house, m)


def _give_up(house: House, m: Machine) -> Machine:
    if m.kept:
        return restart.give_up(house, m)
    return groups.settle(house, m) if m.members else planning.give_up(house, m)


def _look(house: House, m: Machine) -> Machine:
    """Hold the row against EC2. A read that fails says nothing: the row stays and is due again."""
    assert m.instance is not None
    try:
        if m.members:
            all_of_it = house.cloud.look_all(m.instance.region, m.id)
            to = changed.seen_all(house, m, all_of_it)
        else:
            found = house.cloud.look(m.instance.region, m.instance.id)
            to = changed.seen(house, m, found)
    except CloudError:
        return _unread(house, m)
    to = spot_prices.follow(house, fingerprints.read_in_time(house, to))
    # Reading is a move even when nothing changed, so that the next move is chosen on fresh facts.
    return house.ledger.save(to, m)


def _unread(house: House, m: Machine) -> Machine:
    """EC2 could not be read: what is due all the same is done."""
    if not life.goes_unread(m, house.clock()):
        return m
    return house.ledger.save(replace(m, unseen=0), m)


def _start(house: House, m: Machine) -> Machine:
    assert m.instance is not None
    assert m.lease is not None
    if m.starts == 0 and m.hourly is not None:
        # It may be long since it was asked for: others have been launched since.
        over = purse.claim(house, m, hourly=m.hourly, until=m.lease.deadline)
        if over:
            return restart.over_budget(house, m, m.hourly, over)
    m = house.ledger.save(life.starting(m, house.clock()), m)
    assert m.instance is not None
    assert m.lease is not None
    try:
        house.cloud.tag_deadline(m.instance.region, m.lease.deadline, *_ids(m, _NOT_GONE))
        started = groups.start(house, m) if m.members else _start_one(house, m.instance)
    except CloudError as error:
        if error.fault.kind in (FaultKind.UNKNOWN, FaultKind.THROTTLED):
            return m  # starting twice is harmless: look again in a moment, then decide
        if error.fault.kind is FaultKind.WRONG_STATE:
            return house.ledger.save(life.start_answered(m), m)
        return restart.not_started(house, m, error.fault)
    taken = life.start_answered(life.retagged(m))
    return house.ledger.save(life.believed(taken, "pending", started), m)


def _start_one(house: House, instance: Instance) -> tuple[str, ...]:
    house.cloud.start(instance.region, instance.id)
    return (instance.id,)


def _retag(house: House, m: Machine) -> Machine:
    """A tag that cannot be moved now is tried again; the row, not the tag, is the lease."""
    assert m.instance is not None
    assert m.lease is not None
    try:
        house.cloud.tag_deadline(m.instance.region, m.lease.deadline, *_ids(m, _NOT_GONE))
    except CloudError:
        return m
    return house.ledger.save(life.retagged(m), m)


def _stop(house: House, m: Machine) -> Machine:
    assert m.instance is not None
    # EC2 stops none of a group while one of them is still pending: those that run go first.
    ids = _ids(m, _RUNNING) or _ids(m, _PENDING)
    try:
        house.cloud.stop(m.instance.region, *ids)
    except CloudError as error:
        return stuck.refused(house, m, error.fault.code)
    return house.ledger.save(life.believed(m, "stopping", ids), m)


def _end(house: House, m: Machine) -> Machine:
    assert m.instance is not None
    ids = _ids(m, _NOT_GONE)
    try:
        house.cloud.terminate(m.instance.region, *ids)
    except CloudError as error:
        return stuck.refused(house, m, error.fault.code)
    return house.ledger.save(life.believed(m, "shutting-down", ids), m)


def _ids(m: Machine, states: frozenset[str]) -> tuple[str, ...]:
    """Those of its instances that were seen last in one of these states."""
    return tuple(one.id for one in m.instances if one.state in states)


def _rest(house: House, m: Machine, said: bool) -> Machine | None:
    """Write when the row is due, and send a delayed wake when that is soon; None where somebody
    else has the newer row. What Slack has not taken is brought again, whatever state the machine is
    in: it may be its last word.

    The wake is only a hint, more exact than the clock's minute; the row's `due_at` is the promise.
    """
    now = house.clock()
    to = stored(life.shelved(m, now, house.policy.shelf), now)
    due = life.due(to, now) if said else life.due_again(to, now)
    to = replace(to, due_at=due, news_at=None)
    if to != m:
        try:
            m = house.ledger.save(to, m)
        except StaleRow:
            return None
    if due is not None and due - now <= LONGEST_DELAY:
        house.wakes.wake(f"due/{machine_key(m)}", _seconds(due, now))
    return m


def _seconds(due: datetime, now: datetime) -> timedelta:
    return timedelta(seconds=max(1, math.ceil((due - now).total_seconds())))
