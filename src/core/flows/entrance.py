"""How keys and addresses come without being typed: from GitHub, by a one-time link, by the list."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core import commands, late, messages
from core.blocks import Message
from core.flows import access, permits, rules, trail
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer, for_good_let_go, passing
from core.model import Access, OneTimeLink, PublicKey
from core.ports import ChatError, StaleRow, Unreachable

LINK_LIVES = timedelta(minutes=10)
MOST_LINES = 100


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Somebody pressed the button behind a link: which link, from which address, and when."""

    link: str
    user: str
    address: str
    at: datetime


def import_keys(house: House, request: Request, wanted: commands.KeyImport) -> None:
    """Keep the keys that an account at GitHub shows, those that EC2 takes, as far as they fit."""
    if access.heard_before(house, request, messages.keys):
        return None
    try:
        lines = house.public_keys.of(wanted.account)
    except Unreachable:
        return answer(house, request.response_url, messages.github_away(wanted.account))
    if lines is None:
        return answer(house, request.response_url, messages.github_unknown(wanted.account))
    told = tuple(line for line in lines if line.strip())[:MOST_LINES]
    read = [commands.read_key(f"{line} github:{wanted.account}", house.clock()) for line in told]
    good = tuple(key for key in read if isinstance(key, PublicKey))
    bad = tuple(key.what for key in read if isinstance(key, commands.UsageError))
    if not good:
        return answer(house, request.response_url, messages.github_no_keys(wanted.account, bad))
    before = {key.fingerprint for key in house.ledger.profile(request.user).keys}
    resumed = access.add_keys(house, request.user, good, request.id)
    kept = {key.fingerprint for key in house.ledger.profile(request.user).keys}
    fits = tuple(key for key in good if key.fingerprint in kept)
    said = messages.keys_imported(
        wanted.account,
        new=tuple(key for key in fits if key.fingerprint not in before),
        known=tuple(key for key in fits if key.fingerprint in before),
        refused=bad,
        left_out=len(good) - len(fits),
        resumed=resumed,
    )
    return answer(house, request.response_url, said)


def allow_office(house: House, request: Request, wanted: commands.AllowOffice) -> None:
    """Open every network that the admins have listed, for a while."""
    if access.heard_before(house, request, messages.accesses):
        return None
    if not house.policy.networks:
        return answer(house, request.response_url, messages.no_office())
    networks = _office(house, request.user, wanted)
    if isinstance(networks, commands.UsageError):
        return answer(house, request.response_url, messages.usage(networks))
    until = house.clock() + (wanted.length or access.DEFAULT_ACCESS)
    accesses = tuple(Access(cidr=cidr, until=until) for cidr in networks)
    opened = access.grant(house, request.user, accesses, request.id, request.at)
    said = access.granted(house, request.user, accesses, opened)
    return answer(house, request.response_url, said)


def _office(
    house: House, user: str, wanted: commands.AllowOffice
) -> tuple[str, ...] | commands.UsageError:
    """The admins' networks, each read as if somebody had typed it, or why they stay closed."""
    listed = house.policy.networks
    read = [commands.read_network(cidr, listed) for cidr in listed]
    bad = [one for one in read if isinstance(one, commands.UsageError)]
    cidrs = tuple(dict.fromkeys(one for one in read if isinstance(one, str)))
    refused = bad[0] if bad else access.too_long(wanted.length, "allow office")
    return refused or access.too_many(house, user, cidrs) or cidrs


# ---- the one-time link ----------------------------------------------------------------------


def allow_me(house: House, request: Request, wanted: commands.AllowMe) -> None:
    """A link that opens port 22 to the address that it is opened from."""
    refused = access.too_long(wanted.length, "allow me")
    if refused:
        return answer(house, request.response_url, messages.usage(refused))
    length = wanted.length or access.DEFAULT_ACCESS
    until = house.clock() + LINK_LIVES
    id, _ = house.links.link(request.id, request.user, until, length)
    row = _given(house, request, id, until, length)
    # Once more, with the end that a first delivery of this request has written.
    _, url = house.links.link(request.id, request.user, row.until, row.length)
    return answer(house, request.response_url, messages.here_link(url, row.until, row.length))


def _given(
    house: House, request: Request, id: str, until: datetime, length: timedelta
) -> OneTimeLink:
    new = OneTimeLink(
        id=id, user=request.user, until=until, length=length, response_url=request.response_url
    )
    seen = house.ledger.row(OneTimeLink, id)
    if seen is not None:
        return seen
    try:
        return house.ledger.save_row(new, None)
    except StaleRow:
        return house.ledger.row(OneTimeLink, id) or new


def here(house: House, opened: Opened) -> None:
    """Use the link up, then open its person's machines to the address. Once, whoever tries again.

    The same press delivered twice does nothing twice; another address finds the link used. What
    was told is done: its address may have been closed since, and stays closed.
    """
    house = rules.ruled(house)
    link = house.ledger.row(OneTimeLink, opened.link)
    if link is None or link.user != opened.user or opened.at > link.until:
        return None  # not one that was given here, or its time was over: the door has said so
    cidr = commands.read_network(opened.address, house.policy.networks)
    if isinstance(cidr, commands.UsageError):
        return _say(house, link, messages.usage(cidr))
    if link.told and link.address == cidr:
        return None
    if _comes_too_late(house, link, opened):
        return _in_person(house, link, messages.link_too_late(cidr, opened.at))
    denied = permits.may_press(house, link.user)
    if denied:
        return _in_person(house, link, messages.denied(denied))
    refused = access.too_many(house, link.user, (cidr,))
    if refused:
        return _say(house, link, messages.usage(refused))
    used = _used_up(house, link, cidr, opened.at)
    if used.used_at is None or used.address != cidr:
        return _say(house, link, messages.link_used(used))
    if used.told:
        return None
    granted = Access(cidr=cidr, until=used.used_at + link.length)
    trail.by_a_link(house, link, granted, used.used_at)
    _say(house, link, _opened(house, link, granted, opened.at))
    with suppress(StaleRow):  # another delivery of the same press has told it, too
        house.ledger.save_row(replace(used, told=True), used)
    return None


def _comes_too_late(house: House, link: OneTimeLink, opened: Opened) -> bool:
    """Whether nobody expects it any more, and no delivery of it has opened anything in time."""
    now = house.clock()
    in_time = not late.is_late(opened.at, now) and now < opened.at + link.length
    return not in_time and link.id not in house.ledger.profile(link.user).heard


def _opened(house: House, link: OneTimeLink, granted: Access, at: datetime) -> Message:
    """Open it once, however often this is tried; where its person has closed it in between, what
    is open now."""
    machines = access.grant(house, link.user, (granted,), link.id, at)
    return access.granted(house, link.user, (granted,), machines)


def _used_up(house: House, link: OneTimeLink, cidr: str, at: datetime) -> OneTimeLink:
    """The row as the first use has left it, whoever that was. What it opens ends as long after the
    press as was asked for, however late the press is carried out."""
    if link.used_at is not None:
        return link
    try:
        return house.ledger.save_row(replace(link, used_at=at, address=cidr), link)
    except StaleRow:
        return house.ledger.row(OneTimeLink, link.id) or link


def _in_person(house: House, link: OneTimeLink, said: Message) -> None:
    with for_good_let_go():  # who has left reads nothing
        house.chat.dm(link.user, said)


def _say(house: House, link: OneTimeLink, said: Message) -> None:
    """To the person alone: where the command was typed, or else in direct messages."""
    try:
        house.chat.respond(link.response_url, said)
    except ChatError as error:
        if passing(error):
            raise
        house.chat.dm(link.user, said)
