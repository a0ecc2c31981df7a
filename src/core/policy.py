"""Who may do what, where and for how long. Denied unless allowed; ids only, never names."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.model import Machine, Person, Policy
from core.times import SHORTEST
from core.words import closest, echo

ADMINS_LONGEST = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Denied:
    """A rule says no: which one, and what the person can do about it."""

    what: str
    next: str | None = None


def may_press(person: Person, policy: Policy) -> Denied | None:
    """Whether somebody may use the bot at all: an active full member of the home workspace."""
    if policy.team_id and person.team_id != policy.team_id:
        return Denied(what="Only members of this workspace may use this bot.")
    if not person.active:
        return Denied(what="This account is not active in this workspace.")
    if not person.member:
        return Denied(
            what="Guests may not launch or change machines.",
            next="Ask a full member of the workspace to do it.",
        )
    return None


def may_launch(person: Person, channel: str, policy: Policy) -> Denied | None:
    """Whether somebody may start something that costs money, from this channel."""
    denied = may_press(person, policy)
    if denied:
        return denied
    if policy.channels and channel not in policy.channels:
        return Denied(
            what="Machines may not be launched from this channel. Nothing was started.",
            next="Use a channel that the admins have set up for it.",
        )
    return None


def may_touch(user: str, machine: Machine, policy: Policy) -> Denied | None:
    """Whether somebody may stop, extend, end or connect to a machine: its owner, or an admin."""
    if user == machine.owner or user in policy.admins:
        return None
    return Denied(
        what=f"{machine.name} is somebody else's machine. Nothing was changed.",
        next="Ask its owner or an admin.",
    )


def may_use_region(region: str, policy: Policy) -> Denied | None:
    """Whether the admins have allowed the region; the nearest that they have, otherwise."""
    if region in policy.regions:
        return None
    near = closest(region, policy.regions) or policy.region
    allowed = ", ".join(policy.regions)
    return Denied(
        what=f"{echo(region)} is not a region that may be used here. Nothing was started.",
        next=f"Did you mean `in {near}`? Allowed: {allowed}.",
    )


def lease_for(
    length: timedelta | None, until: datetime | None, user: str, policy: Policy, now: datetime
) -> timedelta | Denied:
    """How long a machine that starts now may run, or why not that long.

    `until` counts where it is given; neither means the policy's default. Admins have seven days,
    or the policy's longest where that is more.
    """
    longest = _longest(user, policy)
    if until is not None:
        wanted = until - now
        if wanted <= timedelta(0):
            return Denied(
                what="That time has passed already. Nothing was started.",
                next="Say for how long instead, such as `for 4h`.",
            )
    else:
        wanted = length if length is not None else min(policy.default_lease, longest)
    if wanted < SHORTEST:
        return Denied(
            what="That is less than 2 minutes. Nothing was started.", next="Say `for 2m` or more."
        )
    if wanted > longest:
        return Denied(
            what=f"A machine may run for {_spoken(longest)} at most. Nothing was started.",
            next=f"Say `for {_typed(longest)}`, or ask an admin, who may give more.",
        )
    return wanted


def _longest(user: str, policy: Policy) -> timedelta:
    if user in policy.admins:
        return max(policy.longest_lease, ADMINS_LONGEST)
    return policy.longest_lease


def _typed(length: timedelta) -> str:
    """As the parser reads it: `24h`, `1h30m`, `90m`."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes or not hours else "")


def _spoken(length: timedelta) -> str:
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    parts = [
        f"{n} {unit}{'' if n == 1 else 's'}"
        for n, unit in ((hours, "hour"), (minutes, "minute"))
        if n
    ]
    return " and ".join(parts) or "0 minutes"
