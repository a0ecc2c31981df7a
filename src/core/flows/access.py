"""Who gets in: public keys and the networks that may reach port 22, each with its end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from core import commands, messages, networks
from core.blocks import Message
from core.faults import CloudError
from core.flows import admitted, order, sharing
from core.flows.decide import refresh_access
from core.flows.house import MOST_RACES, House
from core.flows.request import Request
from core.flows.speak import answer
from core.model import Access, Machine, Profile, PublicKey
from core.ports import StaleRow, UnreadableRow
from core.words import whole_number

MOST_KEYS = 10
MOST_HEARD = 20  # requests of one person that a profile remembers
MOST_NETWORKS = 20  # EC2 allows 60 rules in a group
OFFICE = "office"  # in `allow remove`: all that is wider than one address
DEFAULT_ACCESS = timedelta(hours=12)
LONGEST_ACCESS = timedelta(days=7)


def _rewrite(
    house: House, user: str, change: Callable[[Profile], Profile], request: str = ""
) -> Profile:
    """A person's own profile, changed whoever else changes it; see `house.rewrite`.

    The same write says which request it was, so that none is carried out twice.
    """
    for _ in range(MOST_RACES):
        seen = house.ledger.profile(user)
        wanted = change(seen)
        if wanted == seen or (request and request in seen.heard):
            return seen
        if request:
            wanted = replace(wanted, heard=(*seen.heard, request)[-MOST_HEARD:])
        try:
            return house.ledger.save_profile(wanted, seen)
        except StaleRow:
            continue
    raise StaleRow(user)


def heard_before(house: House, request: Request, said: Callable[[Profile], Message]) -> bool:
    """Whether it has been carried out: then what it began goes on, and `said` tells how it is now.

    Somebody may have decided otherwise since: `key remove 1` again would be the next key.
    """
    if request.id not in house.ledger.profile(request.user).heard:
        return False
    sharing.keys_changed(house, request.user)
    refresh_access(house, request.user)
    apply(house, request.user)
    profile = admitted.profile(house, request.user)
    answer(house, request.response_url, said(profile))
    return True


def add_key(house: House, request: Request, wanted: commands.KeyAdd) -> None:
    if heard_before(house, request, messages.keys):
        return None
    key = commands.read_key(wanted.text, house.clock())
    if isinstance(key, commands.UsageError):
        return answer(house, request.response_url, messages.usage(key))
    if len(house.ledger.profile(request.user).keys) >= MOST_KEYS:
        full = commands.UsageError(what=f"You have {MOST_KEYS} keys already.", topic="key")
        return answer(house, request.response_url, messages.usage(full))
    resumed = add_keys(house, request.user, (key,), request.id)
    return answer(house, request.response_url, messages.key_added(key, resumed))


def add_keys(
    house: House, user: str, keys: tuple[PublicKey, ...], request: str
) -> tuple[Machine, ...]:
    """Keep them, in their order, while there is room; gives the launches that go on with them."""

    def change(profile: Profile) -> Profile:
        for key in keys:
            profile = _with_key(profile, key)
        return profile

    _rewrite(house, user, change, request)
    sharing.keys_changed(house, user)
    return refresh_access(house, user)


def _with_key(profile: Profile, key: PublicKey) -> Profile:
    known = any(k.fingerprint == key.fingerprint for k in profile.keys)
    if known or len(profile.keys) >= MOST_KEYS:
        return profile
    return replace(profile, keys=(*profile.keys, key))


def list_keys(house: House, request: Request) -> None:
    profile = house.ledger.profile(request.user)
    answer(house, request.response_url, messages.keys(profile))


def remove_key(house: House, request: Request, wanted: commands.KeyRemove) -> None:
    """By number in the list, fingerprint or comment. Machines that run keep the keys they have."""
    if heard_before(house, request, messages.keys):
        return None
    profile = house.ledger.profile(request.user)
    key = _which_key(profile, wanted.which)
    if key is None:
        unknown = commands.UsageError(
            what=f"None of your keys is {wanted.which}. Nothing was removed.", nearest="key list"
        )
        return answer(house, request.response_url, messages.usage(unknown))
    _rewrite(
        house,
        request.user,
        lambda p: replace(p, keys=tuple(k for k in p.keys if k.fingerprint != key.fingerprint)),
        request.id,
    )
    sharing.keys_changed(house, request.user)
    return answer(house, request.response_url, messages.key_removed(key))


def _which_key(profile: Profile, which: str) -> PublicKey | None:
    number = whole_number(which, 3)
    if number is not None and 1 <= number <= len(profile.keys):
        return profile.keys[number - 1]
    wanted = which.removeprefix("SHA256:")
    for key in profile.keys:
        printed = key.fingerprint.removeprefix("SHA256:")
        if key.comment == which or (len(wanted) >= 6 and printed.startswith(wanted)):
            return key
    return None


def allow(house: House, request: Request, wanted: commands.Allow) -> None:
    """Open port 22 of the person's machines to one network, until it expires."""
    if wanted.cidr is None:
        told = house.ledger.profile(request.user)
        open_now = admitted.standing(house, told)
        closing = tuple(a.cidr for a in told.accesses if a not in open_now.accesses)
        return answer(house, request.response_url, messages.accesses(open_now, closing))
    if heard_before(house, request, messages.accesses):
        return None
    cidr = commands.read_network(wanted.cidr, house.policy.networks)
    if isinstance(cidr, commands.UsageError):
        return answer(house, request.response_url, messages.usage(cidr))
    refused = too_long(wanted.length, f"allow {cidr}") or too_many(house, request.user, (cidr,))
    if refused:
        return answer(house, request.response_url, messages.usage(refused))
    access = Access(cidr=cidr, until=house.clock() + (wanted.length or DEFAULT_ACCESS))
    opened = grant(house, request.user, (access,), request.id, request.at)
    said = granted(house, request.user, (access,), opened)
    return answer(house, request.response_url, said)


def granted(
    house: House, user: str, accesses: tuple[Access, ...], opened: tuple[Machine, ...]
) -> Message:
    """What was opened, or how it is now where that was closed by what was typed later."""
    profile = admitted.profile(house, user)
    if not {*accesses} <= {*profile.accesses}:
        return messages.access_since(profile)
    return messages.access_added(accesses, opened)


def too_long(length: timedelta | None, otherwise: str) -> commands.UsageError | None:
    """Why an address may not be open for that long; `otherwise` is the command without it."""
    if length is None or length <= LONGEST_ACCESS:
        return None
    return commands.UsageError(
        what="An address may be open for 7 days at most. Nothing was changed.",
        nearest=f"{otherwise} for 7d",
        topic="allow",
    )


def too_many(house: House, user: str, cidrs: tuple[str, ...]) -> commands.UsageError | None:
    """Why these may not be opened besides what is open; one that is open already takes no room."""
    profile = admitted.profile(house, user)
    if len({a.cidr for a in profile.accesses} | {*cidrs}) <= MOST_NETWORKS:
        return None
    return commands.UsageError(
        what=f"You may have {MOST_NETWORKS} addresses at most. Nothing was changed.",
        nearest="allow",
        topic="allow",
    )


def grant(
    house: House,
    user: str,
    accesses: tuple[Access, ...],
    request: str = "",
    at: datetime | None = None,
) -> tuple[Machine, ...]:
    """Open port 22 to these networks, on machines that are there and those that come; not to one
    that was closed by what was typed after `at`."""

    def change(profile: Profile) -> Profile:
        new = tuple(a for a in accesses if not _closed_since(house, profile, a.cidr, at))
        cidrs = {access.cidr for access in new}
        rest = tuple(a for a in profile.accesses if a.cidr not in cidrs)
        return replace(profile, accesses=(*rest, *new))

    _rewrite(house, user, change, request)
    refresh_access(house, user)
    return apply(house, user)


def _closed_since(house: House, profile: Profile, cidr: str, at: datetime | None) -> bool:
    office = (OFFICE,) if _is_office(house, cidr) else ()
    return any(order.closed_since(profile.closed, what, at) for what in (cidr, *office))


def remove(house: House, request: Request, wanted: commands.AllowRemove) -> None:
    """Close port 22 at once to one network, or to all wider ones: `office`.

    What is open can be closed, whether it may be opened or not.
    """
    if heard_before(house, request, messages.accesses):
        return None
    cidrs = _which_networks(house, house.ledger.profile(request.user), wanted.cidr)
    named = (*cidrs, *_meant(wanted.cidr))
    if not cidrs:  # what was typed before it may still come
        _rewrite(house, request.user, lambda p: _remembering(p, named, request.at))
        unknown = _not_open(house, wanted.cidr)
        return answer(house, request.response_url, messages.usage(unknown))
    now = house.clock()
    _rewrite(
        house,
        request.user,
        lambda p: _remembering(_ending(p, cidrs, now), named, request.at),
        request.id,
    )
    closed, left, _ = _closed(house, request.user)
    return answer(house, request.response_url, messages.access_removed(cidrs, closed, left))


def _meant(word: str) -> tuple[str, ...]:
    """What is remembered as closed, whether it was open or not."""
    found = OFFICE if word.lower() == OFFICE else networks.cidr(word)
    return (found,) if found else ()


def _remembering(profile: Profile, whats: tuple[str, ...], at: datetime | None) -> Profile:
    return replace(profile, closed=order.closing(profile.closed, whats, at))


def _ending(profile: Profile, cidrs: tuple[str, ...], now: datetime) -> Profile:
    """With these over. They stay in the profile, which is due by them, until EC2 has closed them:
    nobody else would ask it again."""
    kept = (replace(a, until=now) if a.cidr in cidrs else a for a in profile.accesses)
    return replace(profile, accesses=tuple(kept))


def _which_networks(house: House, profile: Profile, word: str) -> tuple[str, ...]:
    """Those of the person's own that a word means."""
    own = tuple(access.cidr for access in profile.accesses)
    if word.lower() == OFFICE:
        return tuple(c for c in own if _is_office(house, c))
    return tuple(c for c in own if networks.cidr(c) == networks.cidr(word))


def _is_office(house: House, cidr: str) -> bool:
    return cidr in house.policy.networks or not networks.is_one_address(cidr)


def _not_open(house: House, word: str) -> commands.UsageError:
    if word.lower() == OFFICE:
        what = "No network of the admins' list is open, so nothing was changed."
        return commands.UsageError(what=what, nearest="allow")
    cidr = commands.read_network(word, house.policy.networks)
    if isinstance(cidr, commands.UsageError):
        return cidr
    what = f"{cidr} was not allowed, so nothing was changed."
    return commands.UsageError(what=what, nearest="allow")


def expire(house: House, user: str) -> None:
    """Take out what may not be open any more, and close it on every machine. Due again while any
    is left."""
    _, _, failed = _closed(house, user)
    if failed is not None:
        raise failed


def _closed(
    house: House, user: str
) -> tuple[tuple[Machine, ...], tuple[Machine, ...], CloudError | None]:
    """Close what is over; the profile forgets it once it is closed everywhere. Gives the machines
    on which it is, those on which it is not, and what EC2 said there."""
    told = house.ledger.profile(user)
    over = {*told.accesses} - {*admitted.standing(house, told).accesses}
    closed, left, failed = _applied(house, user)
    if left:
        return closed, left, failed
    try:
        house.ledger.of_owner(user, whole=True)
    except UnreadableRow:
        return closed, left, None  # open on that machine, and due until the row can be read
    _rewrite(house, user, lambda p: _without(p, over))
    return closed, left, None


def _without(profile: Profile, over: set[Access]) -> Profile:
    return replace(profile, accesses=tuple(a for a in profile.accesses if a not in over))


def apply(house: House, user: str) -> tuple[Machine, ...]:
    """Make the groups of the person's machines, and of those that are shared with them, allow
    exactly what the profiles say.

    A group that cannot be reached now raises: the caller's trigger is delivered again.
    """
    touched, _, failed = _applied(house, user)
    if failed is not None:
        raise failed
    return touched


def _applied(
    house: House, user: str
) -> tuple[tuple[Machine, ...], tuple[Machine, ...], CloudError | None]:
    """The machines whose groups are so now, those whose are not, and what EC2 said last of them."""
    touched: list[Machine] = []
    left: list[Machine] = []
    failed: CloudError | None = None
    for m in (*house.ledger.of_owner(user), *admitted.shared_with(house, user)):
        try:
            touched += [m] if admitted.let_in(house, m) else []
        except CloudError as error:
            left.append(m)
            failed = error
    return tuple(touched), tuple(left), failed
