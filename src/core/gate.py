"""Which limits a launch, a start or an extension passes, and whether an approver may lift them.

Pure. A rule that is passed is told in its own words with its name; a grant lifts what it was given
for and nothing beyond.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core import lifecycle as life
from core import price
from core.budgets import Broken
from core.disks import disk_of
from core.model import Grant, Machine, Over, Policy, Wish
from core.policy import ADMINS_LONGEST


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to run: at most this much an hour (all instances together), for that long."""

    hourly: Decimal
    length: timedelta

    @property
    def total(self) -> Decimal:
        """USD at most."""
        return price.cost(self.hourly, self.length)


def disk_hourly(wish: Wish, gb: int, policy: Policy) -> Decimal:
    """USD an hour of the root disk, where a dearer one is wished for than machines have anyway; 0
    for the usual one, so that it tips nothing over a limit."""
    monthly = disk_of(wish, gb).monthly
    size = gb if wish.disk_gb is None else policy.default_disk_gb  # an image may need more
    dearer = monthly > price.disk_monthly(size)
    return monthly / price.HOURS_A_MONTH if dearer else Decimal(0)


def of_disk(hourly: Decimal, count: int) -> str:
    """How much of what is asked for is the disk."""
    whose = "the disk of each machine" if count > 1 else "its disk"
    return f"Of that, {price.per_hour(hourly)} is {whose}."


def limits(asked: Asked, user: str, policy: Policy) -> tuple[Broken, ...]:
    """The price limit and the longest lease, as far as they count for this person."""
    found = []
    if asked.hourly > policy.approval_above and not _free(user, policy):
        said = (
            f"{price.per_hour(asked.hourly)} is above the price limit of "
            f"{price.per_hour(policy.approval_above)} (rule `approval-above`)."
        )
        found.append(Broken(rule="approval-above", words=said, final=_final(policy.over_price)))
    if asked.length > policy.longest_lease and user not in policy.admins:
        most = hours(policy.longest_lease)
        said = (
            f"{hours(asked.length)} is longer than a machine may run: {most} "
            "(rule `longest-lease`)."
        )
        found.append(Broken(rule="longest-lease", words=said, final=_final(policy.over_length)))
    return tuple(found)


def beyond(m: Machine, to: datetime, user: str, policy: Policy) -> tuple[Broken, ...]:
    """The longest lease, where this person's extension would pass it."""
    most = latest(m, user, policy)
    if most is None or m.lease is None or to <= most:
        return ()
    began = life.began(m) or m.lease.started_at
    said = (
        f"It would have run {hours(to - began)} by then, {hours(to - most)} longer than it may "
        "(rule `longest-lease`)."
    )
    final = to > (furthest(m, user, policy) or most)
    return (Broken(rule="longest-lease", words=said, final=final),)


def latest(m: Machine, user: str, policy: Policy) -> datetime | None:
    """Until when this person may extend unasked: to its longest; admins seven days."""
    if user in policy.admins:
        return _as_admins(m)
    return m.lease.hard if m.lease else None


def furthest(m: Machine, user: str, policy: Policy) -> datetime | None:
    """Until when this person may extend with an approver's yes: as far as admins may, unless the
    policy blocks what is longer."""
    if policy.over_length is Over.APPROVE:
        return _as_admins(m)
    return latest(m, user, policy)


def _as_admins(m: Machine) -> datetime | None:
    return life.latest_for_admins(m, ADMINS_LONGEST) or (m.lease.hard if m.lease else None)


def _final(over: Over) -> bool:
    return over in (Over.BLOCK, Over.STOP)


def _free(user: str, policy: Policy) -> bool:
    """Admins launch above the price limit, unless approving is somebody else's office."""
    if policy.over_price is Over.WARN:
        return True
    return user in policy.admins and (not policy.approvers or user in policy.approvers)


def covers(grant: Grant | None, asked: Asked) -> bool:
    """Whether all of it was approved."""
    return (
        grant is not None
        and asked.hourly <= grant.hourly
        and asked.length <= grant.length
        and asked.total <= grant.total
    )


def dearer(grant: Grant, asked: Asked) -> str:
    """That it became dearer than what was approved."""
    return (
        f"It became dearer than what was approved: {price.per_hour(asked.hourly)} instead of "
        f"{price.per_hour(grant.hourly)} at most, {price.dollars(asked.total)} in all instead of "
        f"{price.dollars(grant.total)}."
    )


def hours(length: timedelta) -> str:
    """`36 h`, `1 h 30 min`."""
    whole, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return f"{whole} h {minutes} min" if minutes else f"{whole} h"


def may_decide(
    user: str, requester: str, owner: str, policy: Policy, expires_at: datetime, now: datetime
) -> str:
    """Why somebody may not decide about what was asked; empty where they may."""
    if user not in policy.deciders:
        return "Only approvers decide about this."
    if user in (requester, owner):
        return "Nobody approves what is their own."
    return "Its time is over: it has to be asked for anew." if now >= expires_at else ""
