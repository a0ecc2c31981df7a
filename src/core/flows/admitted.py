"""Who gets in to one machine, and from where: its owner, and those with whom it is shared."""

from dataclasses import replace

from core import shared_keys
from core.flows.house import MOST_RACES, House
from core.model import Instance, Machine, Profile
from core.networks import read_network
from core.ports import StaleRow, UnreadableRow

MOST_RULES = 60  # what EC2 allows in one security group
MOST_KEY_TEXT = 6000  # characters of others' keys in user data, which holds 16 KB in all


def profile(house: House, user: str) -> Profile:
    """What a person has told, as it counts now."""
    return standing(house, house.ledger.profile(user))


def standing(house: House, told: Profile) -> Profile:
    """The same without addresses whose time is over, and without what the rule `networks` would
    refuse now: an admin has taken its network off the list."""
    wider = house.policy.networks
    kept = (a for a in told.at(house.clock()).accesses if read_network(a.cidr, wider) == a.cidr)
    return replace(told, accesses=tuple(kept))


def networks(house: House, m: Machine) -> frozenset[str]:
    """The networks that may reach it now; where they are too many, its owner's come first."""
    found = dict.fromkeys(
        access.cidr for user in (m.owner, *m.shared) for access in profile(house, user).accesses
    )
    return frozenset(list(found)[:MOST_RULES])


def let_in(house: House, m: Machine) -> bool:
    """Make its group allow exactly what the rows say, and look at them again: of two functions at
    once the one that had read the older rows may be the last to reach EC2. Whether it has one."""
    now: Machine | None = m
    for _ in range(MOST_RACES):
        if now is None or now.group is None or now.prepared is None:
            return False
        wanted = networks(house, now)
        house.cloud.set_addresses(now.prepared, now.group, wanted)
        now = house.ledger.machine(m.id)
        if now is None or networks(house, now) == wanted:
            return True
    raise StaleRow(m.id)


def unlisted(house: House) -> None:
    """Have looked at whoever let a network in that the admins have taken off their list since."""
    live = house.ledger.live()
    for user in sorted({user for m in live for user in (m.owner, *m.shared)}):
        if _holds_unlisted(house, user):
            house.wakes.wake(f"profile/{user}")


def _holds_unlisted(house: House, user: str) -> bool:
    try:
        told = house.ledger.profile(user).at(house.clock())
    except UnreadableRow:  # keeps nobody else's network open
        return False
    return standing(house, told) != told


def keys_of_others(house: House, m: Machine) -> tuple[str, ...]:
    """The public keys of those with whom it is shared, without comments, each once."""
    own = {key.text for key in house.ledger.profile(m.owner).keys}
    found = (key.text for user in m.shared for key in house.ledger.profile(user).keys)
    return tuple(dict.fromkeys(text for text in found if text not in own))


def first_keys(house: House, m: Machine) -> tuple[str, ...]:
    """What its first boot lets in: all of its owner's keys, and as many of others' as fit."""
    lines = [key.text for key in house.ledger.profile(m.owner).keys]
    room = MOST_KEY_TEXT
    for text in keys_of_others(house, m):
        room -= len(text)
        if room >= 0:
            lines.append(shared_keys.marked(text))
    return tuple(lines)


def shared_with(house: House, user: str) -> tuple[Machine, ...]:
    """The live machines of others that let this person in too."""
    return tuple(m for m in house.ledger.live() if user in m.shared)


def instances(m: Machine) -> tuple[Instance, ...]:
    """All that it has in EC2."""
    if m.members:
        return tuple(member.instance for member in m.members)
    return (m.instance,) if m.instance else ()
