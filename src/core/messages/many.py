"""What is said of a group beside what is said of any machine: how many, where, what is missing."""

from collections import Counter

from core.blocks import code, escape
from core.lifecycle import spread
from core.model import Machine, State

_STATES = {
    "pending": "booting",
    "stopping": "stopping",
    "stopped": "stopped",
    "shutting-down": "ending",
    "terminated": "ended",
}


def number(m: Machine) -> str:
    """`16 x `, `13 of 16 x ` where not all of them are there; nothing for one machine."""
    if not m.is_group:
        return ""
    all_of_them = len(m.members) + m.lost + max(0, m.missing)
    if not m.members or len(m.members) == all_of_them:
        return f"{all_of_them} x "
    return f"{len(m.members)} of {all_of_them} x "


def zones(m: Machine) -> str:
    """us-east-1a (10), us-east-1c (6)."""
    return ", ".join(f"{escape(zone)} ({count})" for zone, count in spread(m))


def disk(m: Machine, gb: int) -> str:
    """What is kept or deleted with it, in the singular: a 50 GB disk, or a set of them."""
    if len(m.members) < 2:
        return f"{gb} GB disk"
    return f"set of {len(m.members)} disks ({gb} GB each)"


def so_far(m: Machine) -> str:
    """The headline of a launch that some members of have been bought."""
    cost = "They cost money now."
    if m.attempt and m.attempt.unclear:
        return (
            f"EC2 gave no clear answer about the other {m.missing}. They are being looked for, and "
            f"none is started twice. {cost}"
        )
    at = m.attempt.placement if m.attempt else next(iter(m.placements), None)
    return f"Trying {escape(at.zone)} for the other {m.missing}. {cost}" if at else cost


def standing(m: Machine) -> str:
    """Which of its members are not as the headline says, and why there are fewer than asked for."""
    said = []
    if m.missing > 0 and m.state is not State.LAUNCHING:
        verb = "was" if m.missing == 1 else "were"
        said.append(f"{m.missing} {verb} not launched: EC2 had no more.")
    if m.lost:
        said.append(f"{m.lost} ended before: EC2 took it back, or somebody ended it.")
    if taken(m):
        said.append(f"EC2 takes {taken(m)} back within two minutes: save your work there now.")
    return " ".join([*said, *_apart(m)])


def _apart(m: Machine) -> list[str]:
    """Those that are booting, stopped or ending while others run."""
    found = Counter(_STATES.get(one.instance.state, "") for one in m.members)
    parts = [f"{found[word]} {word}" for word in dict.fromkeys(_STATES.values()) if found[word]]
    if not parts or len(m.members) in found.values():
        return []
    more = " Stop and start it to try those again." if found["stopped"] else ""
    return [f"Of them {', '.join(parts)}.{more}"]


def rest(m: Machine) -> str:
    """Where the missing ones are being tried for."""
    return f"Keep trying for {m.missing}"


def addresses(m: Machine) -> str:
    """Where the addresses of all of them stand."""
    return f"Their addresses: {code(f'/gpu ssh {m.name}')}"


def taken(m: Machine) -> str:
    """*amber-fox-3*, *amber-fox-7*: those that EC2 is taking back."""
    return ", ".join(f"*{escape(m.name)}-{one.number}*" for one in m.members if one.taken_at)
