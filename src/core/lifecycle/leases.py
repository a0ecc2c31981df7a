"""How long a machine may run: the lease, its warning, its extensions, its tag."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.lifecycle.idling import is_idle_doomed, let_be
from core.lifecycle.record import owing, told
from core.lifecycle.terms import EVE_BEFORE, SEVERAL_DAYS, WARN_BEFORE
from core.meter import chains
from core.model import (
    ALIVE,
    Desire,
    Lease,
    Machine,
    NoticeKind,
    Policy,
    Wish,
)


def lease(length: timedelta, now: datetime, policy: Policy) -> Lease:
    """A lease that starts now. `hard`: the policy's longest, or the length where that is more."""
    return Lease(
        length=length,
        started_at=now,
        deadline=now + length,
        warn_at=now + length - _lead(length),
        hard=now + max(length, policy.longest_lease),
        eve_at=_eve(now, now + length),
    )


def length_wanted(wish: Wish, now: datetime, policy: Policy) -> timedelta:
    """How long the machine is to run if it starts now; not above zero once `until` has passed."""
    if wish.until is not None:
        return wish.until - now
    return wish.length or policy.default_lease


def _eve(now: datetime, deadline: datetime) -> datetime | None:
    return deadline - EVE_BEFORE if deadline - now >= SEVERAL_DAYS else None


def _lead(length: timedelta) -> timedelta:
    return min(WARN_BEFORE, length / 4)


@dataclass(frozen=True, kw_only=True)
class NotExtended:
    """Why a deadline does not move. `latest`: how far it may."""

    why: str
    latest: datetime | None = None


def began(m: Machine) -> datetime | None:
    """When it was last started. A new price or another number of instances is no start."""
    return chains(m.runs)[-1][0].started_at if m.runs else None


def latest_for_admins(m: Machine, longest: timedelta) -> datetime | None:
    """How far an admin may extend: `longest` after its start, where that is later."""
    since = began(m)
    if m.lease is None or since is None:
        return None
    return max(m.lease.hard, since + longest)


def extended(
    m: Machine, now: datetime, to: datetime, by: str, latest: datetime | None = None
) -> Machine | NotExtended:
    """The machine with its deadline moved to `to` and its warning armed again.

    Whoever extends it wants it to run: it is not stopped for having been unused until now.
    `latest`: how far this person may go, where that is not the lease's own `hard`.
    """
    if m.lease is None or m.desire is not Desire.RUN or m.state not in ALIVE:
        return NotExtended(why="not-running")
    if now >= m.lease.deadline:
        return NotExtended(why="too-late")
    latest = latest or m.lease.hard
    if to > latest:
        return NotExtended(why="beyond-longest", latest=latest)
    if to <= m.lease.deadline:
        return NotExtended(why="not-later", latest=latest)
    new = replace(
        m.lease,
        started_at=now,
        deadline=to,
        warn_at=to - _lead(to - now),
        version=m.lease.version + 1,
        warned=False,
        eve_at=_eve(now, to),
        eve_told=False,
    )
    m = let_be(m, now) if is_idle_doomed(m) else m
    return told(replace(m, lease=new), now, f"extended (by {by})")


def retagged(m: Machine) -> Machine:
    """The instance's tag now tells the lease's deadline."""
    return replace(m, tagged=m.lease.deadline if m.lease else None)


def extension(m: Machine) -> timedelta | None:
    """What the Extend button offers: two hours, no more than the lease was, never past `hard`."""
    if m.lease is None or m.taken_at is not None:
        return None
    step = min(timedelta(hours=2), m.lease.length, m.lease.hard - m.lease.deadline)
    return step if step > timedelta(0) else None


def warning_is_due(m: Machine, now: datetime) -> bool:
    """Whether its deadline is near and nobody has been told."""
    return m.lease is not None and not m.lease.warned and now >= m.lease.warn_at


def eve_is_due(m: Machine, now: datetime) -> bool:
    """Whether a lease of several days ends within a day and nobody has been told."""
    lease = m.lease
    if lease is None or lease.eve_at is None or lease.eve_told or lease.warned:
        return False
    return now >= lease.eve_at


def eve_told(m: Machine, now: datetime) -> Machine:
    """Told a day ahead."""
    assert m.lease is not None
    m = replace(m, lease=replace(m.lease, eve_told=True))
    return owing(told(m, now, "told a day ahead"), now, NoticeKind.EVE)


def warned(m: Machine, now: datetime) -> Machine:
    """Warned shortly before."""
    assert m.lease is not None
    m = replace(m, lease=replace(m.lease, warned=True))
    return owing(told(m, now, "warned"), now, NoticeKind.WARNING)
