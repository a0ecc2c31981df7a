"""Says what the row says: the card edited in place, then the messages owed, each once.

Record, then speak: nothing here decides. A message that Slack does not take now stays owed in the
row and is tried again; one that Slack will never take is let go, so that nothing loops for it.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from core import lifecycle, messages
from core.blocks import Message
from core.flows import admins, homes
from core.flows.house import House, rewrite
from core.flows.request import who_in_person
from core.model import Machine, Notice, NoticeKind, Place
from core.ports import BAD_TOKEN, ChatError, NotInChannel, StaleRow

# Slack is away or busy: the same call may succeed later. Every other error is final.
_PASSING = frozenset(
    {
        "unreachable",
        "ratelimited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    }
)
_LEFT = frozenset({"user_not_found", "user_disabled", "users_not_found", "account_inactive"})
_TO_ADMINS = frozenset(
    {NoticeKind.DENIED, NoticeKind.STUCK_ADMINS, NoticeKind.LEFT, NoticeKind.REMAINS}
)
_TO_OWNER_TOO = frozenset(
    {
        NoticeKind.WARNING,
        NoticeKind.INTERRUPTED,
        NoticeKind.EVE,
        NoticeKind.SHELF,
        NoticeKind.RECOVERING,
        NoticeKind.STUCK,
    }
)


def passing(error: ChatError) -> bool:
    """Whether the same words may go through later."""
    return error.code in _PASSING | BAD_TOKEN or error.code.startswith("http_5")


@contextmanager
def for_good_let_go() -> Iterator[None]:
    """What Slack will never take is let go; what may pass is an error, and comes again."""
    try:
        yield
    except ChatError as error:
        if passing(error):
            raise


def speak(house: House, m: Machine) -> Machine:
    """The row after the card and every owed message have been brought to Slack, as far as it lets.

    A race lost to somebody else's write ends the talking: they will speak for the newer row.
    """
    return spoken(house, m)[0]


def spoken(house: House, m: Machine) -> tuple[Machine, bool]:
    """The same, and whether Slack has taken everything: else the card may not be as things are."""
    if m.quiet_until is not None and house.clock() < m.quiet_until:
        return m, False
    try:
        m = _show_card(house, m)
        for notice in m.owed:
            m = _tell(house, m, notice)
    except StaleRow:
        return house.ledger.machine(m.id) or m, True
    except ChatError as error:
        # Slack is down or slow, or the row has moved on. What is owed stays in the row, whose
        # `due_at` brings somebody back within half a minute; nothing that costs money waits for it.
        return _silent(house, m, error), False
    return m, True


def _silent(house: House, m: Machine, error: ChatError) -> Machine:
    """Slack says for how long it wants to hear nothing: it is not asked before that."""
    if error.retry_after is None:
        return house.ledger.machine(m.id) or m
    until = house.clock() + error.retry_after
    return rewrite(house, m.id, lambda row: replace(row, quiet_until=until))


# ---- the card -------------------------------------------------------------------------------


def _show_card(house: House, m: Machine) -> Machine:
    card = messages.card(m, house.clock())
    digest = _digest(card)
    if m.shown == digest:
        return m
    try:
        place = _place_card(house, m, card)
    except ChatError as error:
        if passing(error):
            raise
        return house.ledger.save(replace(m, shown=digest), m)  # nobody will ever see this one
    m = house.ledger.save(lifecycle.carded(m, place, digest), m)
    homes.changed(house, m)
    return m


def _digest(message: Message) -> str:
    text = json.dumps([message.text, message.blocks], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _place_card(house: House, m: Machine, card: Message) -> Place:
    if m.card is None:
        return say(house, m.channel, m.owner, card)
    try:
        house.chat.update(m.card, card)
    except ChatError as error:
        if passing(error):
            raise
        # Deleted, too old, or in a channel that the bot has left: a new one takes its place.
        return say(house, m.channel, m.owner, card)
    return m.card


# ---- what is owed ---------------------------------------------------------------------------


def _tell(house: House, m: Machine, notice: Notice) -> Machine:
    """Claim it, post it, strike it out. Two steps at once post it once; after a crash in between
    it is posted again once the claim has run out."""
    now = house.clock()
    if notice not in m.owed:
        return m
    if notice.claimed and now < notice.claimed + lifecycle.SENDER_LIVES:
        return m
    mine = replace(notice, claimed=now)
    m = house.ledger.save(lifecycle.claimed(m, notice, mine), m)
    try:
        here = _post_notice(house, m, mine)
    except ChatError as error:
        if passing(error):
            said = notice.said or isinstance(error, _OwnerUnreached)
            again = replace(notice, said=said)
            rewrite(house, m.id, lambda row: lifecycle.claimed(row, mine, again))
            raise
        here = True
    return rewrite(house, m.id, lambda row: _told(row, mine, house, here=here))


class _OwnerUnreached(ChatError):
    """The channel has it; its owner's direct messages do not take it now."""


def _told(m: Machine, notice: Notice, house: House, *, here: bool) -> Machine:
    m = lifecycle.paid(m, notice)
    return m if here else lifecycle.owner_left(m, house.clock())


def _post_notice(house: House, m: Machine, notice: Notice) -> bool:
    """Whether its owner is still there, as far as that was asked."""
    message = _words(house, m, notice)
    if notice.kind in _TO_ADMINS:
        to_admins(house, message)
        return True
    to_owner = notice.kind in _TO_OWNER_TOO or lifecycle.asks_about_idle(notice)
    if not notice.said:
        threaded = notice.kind is NoticeKind.READY and m.card and m.card.channel == m.channel
        place = say(house, m.channel, m.owner, message, m.card.ts if threaded and m.card else None)
        to_owner = to_owner and not _is_direct(place)
    return _to_owner(house, m, message) if to_owner else True


def _words(house: House, m: Machine, notice: Notice) -> Message:
    if notice.kind is NoticeKind.DENIED:
        return admins.why_denied(house, m, notice)
    return messages.notice(m, notice, house.clock())


def _to_owner(house: House, m: Machine, message: Message) -> bool:
    """Whether they are still there. Whoever has left is not written to: nobody would read it."""
    try:
        if not house.chat.person(m.owner).active:
            return False
        house.chat.dm(m.owner, message)
    except ChatError as error:
        if passing(error):
            raise _OwnerUnreached(error.code, retry_after=error.retry_after) from error
        return error.code not in _LEFT
    return True


def _is_direct(place: Place) -> bool:
    return place.channel.startswith("D")


# ---- saying it ------------------------------------------------------------------------------


def say(
    house: House, channel: str, user: str, message: Message, thread: str | None = None
) -> Place:
    """In the channel; where the bot may not write, in the person's direct messages."""
    try:
        return house.chat.post(channel, message, thread)
    except NotInChannel:
        return house.chat.dm(user, message)


def to_admins(house: House, message: Message, *, but: str = "") -> None:
    """To each admin in direct messages, `but` one who knows. After an error in between some may
    read it twice."""
    for admin in sorted(house.policy.admins - {but}):
        with for_good_let_go():
            house.chat.dm(admin, message)


def answer(house: House, response_url: str, message: Message) -> None:
    """What only the caller sees: in the channel, or in direct messages where nothing was typed or
    pressed in a channel.

    A response_url lives for half an hour and five answers. One that Slack does not take any more is
    no reason to do the work again: the machine's card says the same in the channel. While Slack
    cannot be reached the error goes on, and the queue brings the request again.
    """
    user = who_in_person(response_url)
    with for_good_let_go():
        if user is None:
            house.chat.respond(response_url, message)
        else:
            house.chat.dm(user, message)
