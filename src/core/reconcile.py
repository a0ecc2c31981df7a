"""(what EC2's tags tell, what the ledger has, now) → what the sweep does, each with its reason.

The sweep is the second of three layers that stop a machine: it believes tags, so it works when a
row is lost; where there is a row, the row may only save a machine whose tag is behind its lease.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.lifecycle import is_tag_wrong
from core.model import FINAL, Desire, Machine, Market, State
from core.ports import Tagged

GRACE = timedelta(minutes=2)  # the row's own step comes first
EXPLAINED_WITHIN = timedelta(minutes=15)  # after a launch, its row may still be being written
UNTAGGED_LIVES = timedelta(hours=24)
MOST_UNEXPLAINED = 3  # a sweep: more than that means that the ledger is wrong, not the machines


class Action(StrEnum):
    """What the sweep does with an instance."""

    WAKE = "wake"  # have its row looked at
    STOP = "stop"
    TERMINATE = "terminate"


@dataclass(frozen=True, kw_only=True)
class Swept:
    """One instance that needs something, and why."""

    tagged: Tagged
    action: Action
    reason: str


def sweep(
    found: tuple[tuple[Tagged, Machine | None], ...],
    now: datetime,
    unread: tuple[Tagged, ...] = (),
) -> tuple[Swept, ...]:
    """What to do about each instance of this deployment; most need nothing.

    `unread`: instances whose rows could not be read. Their tags alone decide, some minutes later
    than a row would, and none of them is unexplained.
    """
    overdue = [_blind(t) for t in unread if _runs(t) and _past(t, None, now - GRACE)]
    unexplained, changed = [], []
    for tagged, machine in found:
        if not _runs(tagged):
            continue
        if _past(tagged, machine, now):
            overdue.append(_overdue(tagged, machine, now))
        elif _unexplained(tagged, machine, now):
            unexplained.append(
                Swept(tagged=tagged, action=_harder(tagged), reason="no row knows it")
            )
        elif machine is not None and _is_changed(tagged, machine, now):
            changed.append(
                Swept(tagged=tagged, action=Action.WAKE, reason="changed outside the bot")
            )
    return (*overdue, *unexplained[:MOST_UNEXPLAINED], *changed)


def _runs(tagged: Tagged) -> bool:
    return tagged.instance.state in ("pending", "running")


def _blind(tagged: Tagged) -> Swept:
    return Swept(tagged=tagged, action=_harder(tagged), reason="overdue, and its row is unreadable")


def _deadline(tagged: Tagged, machine: Machine | None) -> datetime:
    """The later of tag and lease: an extension may not have reached the tag yet."""
    deadline = tagged.deadline or tagged.instance.launched_at + UNTAGGED_LIVES
    if machine is not None and machine.lease is not None and machine.state not in FINAL:
        return max(deadline, machine.lease.deadline) if tagged.deadline else machine.lease.deadline
    return deadline


def _past(tagged: Tagged, machine: Machine | None, now: datetime) -> bool:
    return now >= _deadline(tagged, machine)


def _overdue(tagged: Tagged, machine: Machine | None, now: datetime) -> Swept:
    known = machine is not None and machine.state not in FINAL
    # What was started again after its deadline (in the console, say) is its row's to decide on.
    since = max(_deadline(tagged, machine), tagged.instance.launched_at)
    if known and now < since + GRACE:
        return Swept(tagged=tagged, action=Action.WAKE, reason="its deadline has passed")
    return Swept(tagged=tagged, action=_harder(tagged), reason="it outlived its deadline")


def _unexplained(tagged: Tagged, machine: Machine | None, now: datetime) -> bool:
    if now < tagged.instance.launched_at + EXPLAINED_WITHIN:
        return False
    if machine is None or machine.state in FINAL:
        return True
    # The row has other instances than this one: whatever this is, nobody watches it.
    known = {one.id for one in machine.instances}
    return bool(known) and tagged.instance.id not in known


def _is_changed(tagged: Tagged, machine: Machine, now: datetime) -> bool:
    """Its tag is not what its row believes, or it runs and should lie stopped."""
    if machine.state is State.STOPPED and machine.desire is Desire.STOP:
        return True
    return is_tag_wrong(machine, replace(tagged.instance, deadline=tagged.deadline), now)


def _harder(tagged: Tagged) -> Action:
    """A one-time spot instance cannot be stopped; an on-demand one keeps its disk."""
    return Action.TERMINATE if tagged.market is Market.SPOT else Action.STOP
