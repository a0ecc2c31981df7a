"""Says what the row says: the card edited in place, then the messages owed, each once.

Record, then speak: nothing here decides. A message that Slack does not take stays owed in the row
and is tried again, so a crash between Slack's answer and the write repeats at most one message.
"""

import hashlib
import json
from dataclasses import replace

from core import lifecycle, messages
from core.blocks import Message
from core.flows.house import House
from core.model import Machine, Notice, NoticeKind, Place
from core.ports import ChatError, NotInChannel, StaleRow

_SLACK_IS_AWAY = frozenset({"unreachable", "ratelimited"})
_TO_OWNER_TOO = frozenset({NoticeKind.WARNING, NoticeKind.INTERRUPTED})


def speak(house: House, m: Machine) -> Machine:
    """The row after the card and every owed message have been brought to Slack, as far as it lets.

    A race lost to somebody else's write ends the talking: they will speak for the newer row.
    """
    try:
        m = _show_card(house, m)
        for notice in m.owed:
            m = _tell(house, m, notice)
    except (ChatError, StaleRow):
        # Slack is down or slow, or the row has moved on. What is owed stays in the row, whose
        # `due_at` brings somebody back within half a minute; nothing that costs money waits for it.
        return house.ledger.machine(m.id) or m
    return m


def _show_card(house: House, m: Machine) -> Machine:
    card = messages.card(m, house.clock())
    digest = _digest(card)
    if m.card is not None and m.shown == digest:
        return m
    place = _place_card(house, m, card)
    return house.ledger.save(lifecycle.carded(m, place, digest), m)


def _digest(message: Message) -> str:
    text = json.dumps([message.text, message.blocks], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _place_card(house: House, m: Machine, card: Message) -> Place:
    if m.card is None:
        return _post(house, m, card)
    try:
        house.chat.update(m.card, card)
    except ChatError as error:
        if error.code not in ("message_not_found", "cant_update_message", "edit_window_closed"):
            raise
        return _post(house, m, card)
    return m.card


def _post(house: House, m: Machine, message: Message, thread: str | None = None) -> Place:
    """In the channel; where the bot may not write, in the owner's direct messages."""
    try:
        return house.chat.post(m.channel, message, thread)
    except NotInChannel:
        return house.chat.dm(m.owner, message)


def _tell(house: House, m: Machine, notice: Notice) -> Machine:
    message = messages.notice(m, notice, house.clock())
    threaded = notice.kind is NoticeKind.READY and m.card and m.card.channel == m.channel
    place = _post(house, m, message, m.card.ts if threaded and m.card else None)
    m = house.ledger.save(lifecycle.paid(m, notice), m)
    if notice.kind in _TO_OWNER_TOO and not _is_direct(place):
        house.chat.dm(m.owner, message)
    return m


def _is_direct(place: Place) -> bool:
    return place.channel.startswith("D")


def answer(house: House, response_url: str, message: Message) -> None:
    """What only the caller sees.

    A response_url lives for half an hour and five answers. One that Slack does not take any more is
    no reason to do the work again: the machine's card says the same in the channel. While Slack
    cannot be reached the error goes on, and the queue brings the request again.
    """
    try:
        house.chat.respond(response_url, message)
    except ChatError as error:
        if error.code in _SLACK_IS_AWAY or error.code.startswith("http_5"):
            raise


def with_due(m: Machine, house: House) -> Machine:
    """The row with the time at which it must be looked at again."""
    return replace(m, due_at=lifecycle.due(m, house.clock()))
