"""(what EC2's tags tell, what the ledger has, now) → what the sweep does, each with its reason.

The sweep is the second of three layers that stop a machine: it believes tags, so it works when a
row is lost; where there is a row, the row may only save a machine whose tag is behind its lease.
What no row knows is stopped with a brake: a ledger that was lost or restored must not stop
everything before somebody has read what is happening.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.lifecycle import is_tag_wrong
from core.model import FINAL, UNBOUGHT, Desire, Machine, Market, State
from core.ports import Tagged

GRACE = timedelta(minutes=2)  # the row's own step comes first
EXPLAINED_WITHIN = timedelta(minutes=15)  # after a launch, its row may still be being written
UNTAGGED_LIVES = timedelta(hours=24)
MOST_UNEXPLAINED = 3  # a sweep: more than that means that the ledger is wrong, not the machines
SETTLED = timedelta(minutes=2)  # EC2 may not show yet what was bought a moment ago
LONGEST_REST = timedelta(hours=25)  # no row of a machine rests longer than a day by its own will
_FAR = datetime.max.replace(tzinfo=UTC)
_NO_ROW = "no row knows it"
_SHOWN = frozenset({"pending", "running", "stopping", "stopped"})


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
    known: bool = True  # a live row has this very instance, or may still come to have it


def sweep(
    found: Iterable[tuple[Tagged, Machine | None]],
    now: datetime,
    unread: Iterable[Tagged] = (),
) -> tuple[Swept, ...]:
    """What to do about all instances of this deployment at once; most need nothing.

    `unread`: instances whose rows could not be read. Their tags alone decide, some minutes later
    than a row would, and none of them is unexplained.
    """
    verdicts = [verdict for one, m in found if (verdict := judged(one, m, now))]
    verdicts += [verdict for one in unread if (verdict := blind(one, now))]
    return braked(verdicts, now)


def judged(tagged: Tagged, machine: Machine | None, now: datetime) -> Swept | None:
    """What one instance needs; None: nothing. Of those that no row explains see `braked`."""
    if not runs(tagged):
        return None
    known = _knows(machine, tagged)
    deadline = _deadline(tagged, machine)
    if deadline is not None and now >= deadline:
        return _overdue(tagged, machine, deadline, now, known=known)
    young = now < tagged.instance.launched_at + EXPLAINED_WITHIN
    if not known:
        return None if young else _harder(tagged, _NO_ROW, known=False)
    if machine is not None and _is_changed(tagged, machine, now):
        return _wake(tagged, "changed outside the bot")
    return None


def blind(tagged: Tagged, now: datetime) -> Swept | None:
    """The same where its row could not be read: without a deadline of its own nothing is known."""
    if not runs(tagged) or tagged.deadline is None or now < tagged.deadline + GRACE:
        return None
    return _harder(tagged, "overdue, and its row is unreadable")


def braked(verdicts: Iterable[Swept], now: datetime) -> tuple[Swept, ...]:
    """The same, those first that should have stopped longest ago, and of what no row knows three
    at most: each minute other ones, so that three that EC2 refuses to stop save no others."""
    ordered = sorted(
        verdicts, key=lambda one: (one.tagged.deadline or _FAR, one.tagged.instance.id)
    )
    unexplained = [one for one in ordered if one.reason == _NO_ROW]
    turn = int(now.timestamp()) // 60 * MOST_UNEXPLAINED % max(1, len(unexplained))
    some = (unexplained[turn:] + unexplained[:turn])[:MOST_UNEXPLAINED]
    return (*(one for one in ordered if one.reason != _NO_ROW), *some)


def neglected(
    m: Machine,
    watched: Mapping[str, datetime] | None,
    shown: Mapping[str, Collection[str]],
    now: datetime,
) -> str | None:
    """Why a row must be looked at that nobody would look at otherwise, or not soon.

    `watched`: what the index of appointments has, None where it could not be read; `shown`: the
    instances that EC2 shows in each region that was read to its end.
    """
    if m.state in FINAL:
        return None
    settled = now - SETTLED
    lost = watched is not None and m.id not in watched and m.created_at <= settled
    if lost or m.due_at is None or m.due_at > now + LONGEST_REST:
        return "nobody would look at it again"
    # A row that has missed its instance already is looked at each minute by itself.
    missing = not m.unseen and any(
        one.state in _SHOWN and one.launched_at <= settled and one.id not in shown[one.region]
        for one in m.instances
        if one.region in shown
    )
    return "EC2 shows its instance no more" if missing else None


def runs(tagged: Tagged) -> bool:
    """Whether it is up, or about to be."""
    return tagged.instance.state in ("pending", "running")


def _knows(machine: Machine | None, tagged: Tagged) -> bool:
    """Whether a live row has this very instance, or is buying and may find that it has."""
    if machine is None or machine.state in FINAL:
        return False
    own = {one.id for one in machine.instances}
    has_none = machine.state in UNBOUGHT | {State.STOPPED}
    buying = machine.attempt is not None or not (own or has_none)
    return buying or tagged.instance.id in own


def _deadline(tagged: Tagged, machine: Machine | None) -> datetime | None:
    """The later of tag and lease: an extension may not have reached the tag yet. None where
    neither a tag nor a row tells anything."""
    if machine is None or machine.state in FINAL:
        return tagged.deadline
    if machine.lease is not None:
        return max(tagged.deadline or machine.lease.deadline, machine.lease.deadline)
    return tagged.deadline or tagged.instance.launched_at + UNTAGGED_LIVES


def _overdue(
    tagged: Tagged, machine: Machine | None, deadline: datetime, now: datetime, *, known: bool
) -> Swept:
    has_row = machine is not None and machine.state not in FINAL
    # What was started again after its deadline (in the console, say) is its row's to decide on.
    since = max(deadline, tagged.instance.launched_at)
    if has_row and now < since + GRACE:
        return _wake(tagged, "its deadline has passed")
    return _harder(tagged, "it outlived its deadline", known=known)


def _is_changed(tagged: Tagged, machine: Machine, now: datetime) -> bool:
    """Its tag is not what its row believes, or it runs and should lie stopped."""
    if machine.state is State.STOPPED and machine.desire is Desire.STOP:
        return True
    return is_tag_wrong(machine, replace(tagged.instance, deadline=tagged.deadline), now)


def _wake(tagged: Tagged, reason: str) -> Swept:
    return Swept(tagged=tagged, action=Action.WAKE, reason=reason)


def _harder(tagged: Tagged, reason: str, *, known: bool = True) -> Swept:
    """A one-time spot instance cannot be stopped; an on-demand one keeps its disk."""
    action = Action.TERMINATE if tagged.market is Market.SPOT else Action.STOP
    return Swept(tagged=tagged, action=action, reason=reason, known=known)
