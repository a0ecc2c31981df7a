"""Who may do what, where and for how long. Denied unless allowed; ids only, never names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.model import Machine, Market, Over, Person, Policy
from core.times import SHORTEST
from core.words import closest, echo

ADMINS_LONGEST = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Denied:
    """A rule says no: which one, in what is said too, and what the person can do about it."""

    rule: str  # a name of core.rulebook
    what: str
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pointless:
    """Something that cannot be done, by no rule: it is so already, or what it is about is not."""

    what: str
    next: str | None = None


def may_press(person: Person, policy: Policy) -> Denied | None:
    """Whether somebody may use the bot at all: an active full member of the home workspace."""
    if policy.team_id and person.team_id != policy.team_id:
        return Denied(
            rule="members",
            what="Only members of this workspace may use this bot (rule `members`).",
        )
    if not person.active:
        return Denied(
            rule="members",
            what="This account is not active in this workspace (rule `members`).",
        )
    if not person.member:
        return Denied(
            rule="members",
            what="Guests may not launch or change machines (rule `members`).",
            next="Ask a full member of the workspace to do it.",
        )
    return None


def may_launch(
    person: Person, channel: str, policy: Policy, *, grouped: bool | None
) -> Denied | None:
    """Whether somebody may start something that costs money, from this channel.

    `grouped`: whether they are in one of the policy's user groups; None where Slack did not tell.
    Where there are no such groups it does not matter.
    """
    denied = may_press(person, policy)
    if denied:
        return denied
    if policy.channels and channel not in policy.channels:
        return Denied(
            rule="channels",
            what="Machines may not be launched from this channel (rule `channels`). "
            "Nothing was started.",
            next="Use a channel that the admins have set up for it: /gpu policy names them.",
        )
    if policy.groups and not grouped and person.id not in policy.admins:
        return _not_in_a_group(known=grouped is not None)
    return None


def _not_in_a_group(*, known: bool) -> Denied:
    if known:
        return Denied(
            rule="groups",
            what="Only members of certain user groups may launch machines (rule `groups`). "
            "Nothing was started.",
            next="Ask somebody to add you to one of them; /gpu policy names them.",
        )
    return Denied(
        rule="groups",
        what="Slack does not tell now who is in the user groups that may launch machines "
        "(rule `groups`). Nothing was started.",
        next="Try again in a minute.",
    )


def may_have(instance_type: str, market: Market, region: str, policy: Policy) -> Denied | None:
    """Whether the admins allow machines of this type, bought like this, in this region."""
    if not allows_type(instance_type, policy):
        return Denied(
            rule="types",
            what=f"{instance_type} is not among the types that may be launched (rule `types`).",
            next=f"Allowed: {', '.join(policy.types)}.",
        )
    if market not in policy.markets:
        (allowed,) = policy.markets
        return Denied(
            rule="markets",
            what=f"Machines may be launched {allowed} only (rule `markets`).",
            next=f"Say `{allowed}` instead of `{market}`.",
        )
    return may_use_region(region, policy)


def allows_type(instance_type: str, policy: Policy) -> bool:
    """Whether the type or its family is among those that may be launched."""
    family = instance_type.partition(".")[0]
    return not policy.types or not {instance_type, family}.isdisjoint(policy.types)


def may_be_so_many(count: int, gpus: Decimal, policy: Policy) -> Denied | None:
    """Whether one launch may have this many machines with `gpus` GPUs each."""
    if count > policy.most_count:
        return Denied(
            rule="most-count",
            what=f"One launch may have {_counted(policy.most_count, 'machine')} at most "
            "(rule `most-count`).",
            next=f"Say `x{policy.most_count}`.",
        )
    if policy.most_gpus is not None and count * gpus > policy.most_gpus:
        return Denied(
            rule="most-gpus",
            what=f"One launch may have {_counted(policy.most_gpus, 'GPU')} at most, of all its "
            f"machines together (rule `most-gpus`); this would be {(count * gpus).normalize():f}.",
        )
    return None


def most_machines(gpus: Decimal, policy: Policy) -> int:
    """How many machines with `gpus` GPUs each one launch may have; 0: not even one."""
    if policy.most_gpus is None or gpus == 0:
        return policy.most_count
    return min(policy.most_count, int(policy.most_gpus // gpus))


def may_be_so_large(gb: int, policy: Policy) -> Denied | None:
    """Whether a disk may have so many GB."""
    largest = policy.largest_disk_gb
    if largest is None or gb <= largest:
        return None
    return Denied(
        rule="largest-disk",
        what=f"A disk may have {largest:,} GB at most (rule `largest-disk`); this would be "
        f"{gb:,} GB.",
    )


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def may_touch(user: str, machine: Machine, policy: Policy) -> Denied | None:
    """Whether somebody may stop, extend, end or connect to a machine: its owner, or an admin."""
    if user == machine.owner or user in policy.admins:
        return None
    return Denied(
        rule="owner",
        what=f"{machine.name} is somebody else's machine (rule `owner`). Nothing was changed.",
        next="Ask its owner or an admin.",
    )


def may_use_region(region: str, policy: Policy) -> Denied | None:
    """Whether the admins have allowed the region; the nearest that they have, otherwise."""
    if region in policy.regions:
        return None
    near = closest(region, policy.regions) or policy.region
    allowed = ", ".join(policy.regions)
    return Denied(
        rule="regions",
        what=f"{echo(region)} is not a region that may be used here (rule `regions`). "
        "Nothing was started.",
        next=f"Did you mean `in {near}`? Allowed: {allowed}.",
    )


PASSED = Denied(
    rule="shortest-lease",
    what="That time has passed already (rule `shortest-lease`). Nothing was started.",
    next="Say a time that is to come, or for how long, such as `for 4h`.",
)


def lease_for(
    length: timedelta | None, until: datetime | None, user: str, policy: Policy, now: datetime
) -> timedelta | Denied:
    """How long a machine that starts now may run, or why not that long.

    `until` counts where it is given; neither means the policy's default. Admins have seven days,
    or the policy's longest where that is more; as much may be approved where the policy says so.
    """
    longest = _longest(user, policy)
    if until is not None:
        wanted = until - now
        if wanted <= timedelta(0):
            return PASSED
    else:
        wanted = length if length is not None else min(policy.default_lease, longest)
    if wanted < SHORTEST:
        return Denied(
            rule="shortest-lease",
            what="That is less than 2 minutes (rule `shortest-lease`). Nothing was started.",
            next="Say `for 2m` or more.",
        )
    if wanted > longest and not _may_be_approved(user, wanted, policy):
        return Denied(
            rule="longest-lease",
            what=f"A machine may run for {_spoken(longest)} at most (rule `longest-lease`). "
            "Nothing was started.",
            next=f"Say `for {_typed(longest)}`, or ask an admin, who may give more.",
        )
    return wanted


def _may_be_approved(user: str, wanted: timedelta, policy: Policy) -> bool:
    """Whether an approver may allow that much: then the launch is held, and asks."""
    asks = policy.over_length is Over.APPROVE and user not in policy.admins
    return asks and wanted <= max(policy.longest_lease, ADMINS_LONGEST)


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
