"""The purse: what is set aside for machines, so that two launches cannot both have the rest of a
budget. Written before anything is bought; taken out when a machine can cost nothing any more.

Where there is no budget there is no purse. One that was set later finds what runs by `settle`.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core import budgets
from core import lifecycle as life
from core.budgets import Broken
from core.flows import spending
from core.flows.house import House
from core.model import ALIVE, Bill, Commitment, Machine, Over, Purse, State
from core.ports import StaleRow, UnreadableRow

MOST_TRIES = 40
CLAIM_FIRST = timedelta(seconds=30)  # at most between a claim and the row that it is for
KEY = "team"
_HOLDING = ALIVE | {State.STOPPING, State.ENDING}


def claim(
    house: House, m: Machine, *, hourly: Decimal, until: datetime, forced: bool = False
) -> tuple[Broken, ...]:
    """Set aside what the machine may cost: `hourly` USD for all of its instances, until then.

    Nothing is set aside where a budget stands against it; where it is `forced` (an approver has
    said yes), only one that no approver may lift. What was set aside for it before is replaced. Of
    many that claim the last money at once, one gets it: the others read again what is left.
    """
    if not house.policy.budgets:
        return ()
    new, bills = _new(house, m, hourly, until), _bills(house)
    for _ in range(MOST_TRIES):
        seen = house.ledger.row(Purse, KEY)
        found = _against(house, seen, bills, new)
        if forced:
            found = tuple(one for one in found if one.final)
        if found:
            return found
        if _written(house, seen, (*_others(seen, m.id), new)):
            return ()
    raise StaleRow(KEY)


def stands(house: House, m: Machine, *, hourly: Decimal, until: datetime) -> tuple[Broken, ...]:
    """The budgets that stand against it now, as a claim would find them; nothing is set aside."""
    if not house.policy.budgets:
        return ()
    seen = house.ledger.row(Purse, KEY)
    return _against(house, seen, _bills(house), _new(house, m, hourly, until))


def _new(house: House, m: Machine, hourly: Decimal, until: datetime) -> Commitment:
    return Commitment(
        machine=m.id,
        owner=m.owner,
        channel=m.channel,
        hourly=hourly,
        since=house.clock(),
        until=until,
    )


def _bills(house: House) -> tuple[Bill, ...]:
    return spending.bills(house, budgets.month_of(house.clock())[0])


def _against(
    house: House, seen: Purse | None, bills: tuple[Bill, ...], new: Commitment
) -> tuple[Broken, ...]:
    """None where the policy only warns."""
    over, others = house.policy.over, _others(seen, new.machine)
    if over is Over.WARN:
        return ()
    return budgets.broken(house.policy.budgets, over, bills, others, new, new.since)


def follow(house: House, m: Machine) -> None:
    """After each step: the purse holds for the machine what its row says, no more and no less.

    While it is being launched the claim stands as it was made; nothing else is checked here, for
    what runs, runs.
    """
    if not house.policy.budgets or m.state is State.LAUNCHING:
        return
    for _ in range(MOST_TRIES):
        seen = house.ledger.row(Purse, KEY)
        known = (
            next((one for one in seen.commitments if one.machine == m.id), None) if seen else None
        )
        wanted = _right(known, m, house.clock())
        if known is not None and wanted is None:
            # Another step may have brought it on since its row was read, and have claimed for it.
            wanted = _still(house, known, house.clock())
        if wanted == known:
            return
        new = () if wanted is None else (wanted,)
        if _written(house, seen, (*_others(seen, m.id), *new)):
            return
    raise StaleRow(KEY)


def _right(known: Commitment | None, m: Machine, now: datetime) -> Commitment | None:
    """What the purse should hold for a machine, beside what it holds.

    A claim for a launch, a start or a longer lease is written a moment before the row says so: a
    step in between must not take it back, or somebody else could have that money too. A start that
    found no room and is tried again later claims anew then.
    """
    wanted = _of(m, now)
    if known is None:
        return wanted
    if m.state is State.LAUNCHING:
        return known
    fresh = now < known.since + CLAIM_FIRST
    if wanted is None:
        return known if fresh and _about_to(m) else None
    same = (known.hourly, known.until) == (wanted.hourly, wanted.until)
    return known if same or (fresh and known.until > wanted.until) else wanted


def _about_to(m: Machine) -> bool:
    """Whether somebody may be about to launch or to start it."""
    return m.state is State.REQUESTED or (m.state is State.STOPPED and m.retry_at is None)


def _of(m: Machine, now: datetime) -> Commitment | None:
    hourly = life.hourly_now(m)
    if m.state not in _HOLDING or m.lease is None or hourly is None or not m.instances:
        return None
    return Commitment(
        machine=m.id,
        owner=m.owner,
        channel=m.channel,
        hourly=hourly,
        since=now,
        until=m.lease.deadline,
    )


def settle(house: House) -> tuple[Commitment, ...]:
    """Drop what is promised to machines that can cost nothing, add what runs and is not in it; and
    what there is then. A write that is lost is made the next time."""
    seen = house.ledger.row(Purse, KEY)
    before = seen.commitments if seen else ()
    if not house.policy.budgets:
        return before
    now = house.clock()
    kept = [_still(house, one, now) for one in before]
    known = {one.machine for one in before}
    missing = [_of(m, now) for m in house.ledger.live() if m.id not in known]
    settled = tuple(one for one in (*kept, *missing) if one is not None)
    if settled != before:
        _written(house, seen, settled)
    return settled


def _still(house: House, one: Commitment, now: datetime) -> Commitment | None:
    """Asked of the row itself: the list of those that live may lag, and a machine that is not in
    it yet would lose its claim. One that cannot be read may run: what is set aside for it stays."""
    try:
        m = house.ledger.machine(one.machine)
    except UnreadableRow:
        return one
    return None if m is None else _right(one, m, now)


def _others(seen: Purse | None, machine: str) -> tuple[Commitment, ...]:
    return tuple(one for one in (seen.commitments if seen else ()) if one.machine != machine)


def _written(house: House, seen: Purse | None, commitments: tuple[Commitment, ...]) -> bool:
    try:
        house.ledger.save_row(replace(seen or Purse(), commitments=commitments), seen)
    except StaleRow:
        return False
    return True
