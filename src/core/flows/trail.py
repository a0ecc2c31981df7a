"""Writes the audit trail: one line for each request of a person, and for what the bot does alone.

A line is written when its request has been carried out. The same request, delivered again, is the
same line; of one that died before its line, the next delivery writes it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from core import commands, deeds, messages, names
from core import lifecycle as life
from core.blocks import Home, Message
from core.faults import CloudError
from core.files import File
from core.flows.house import House
from core.flows.request import Asked, Click, Request
from core.model import Access, Deed, Machine, OneTimeLink, Person, Place
from core.ports import Chat, ChatError, StaleRow

A = TypeVar("A", Request, Click)

_RECENT = timedelta(minutes=5)  # a queue has brought a killed function's wake again by then
_OF_ONE = (
    commands.Stop,
    commands.Start,
    commands.End,
    commands.Extend,
    commands.Idle,
    commands.Save,
    commands.Share,
)


@dataclass
class _Overhearing:
    """Slack, and the last answer that only the caller saw."""

    chat: Chat
    said: Message | None = None

    def post(self, channel: str, message: Message, thread: str | None = None) -> Place:
        return self.chat.post(channel, message, thread)

    def update(self, place: Place, message: Message) -> None:
        self.chat.update(place, message)

    def dm(self, user: str, message: Message) -> Place:
        return self.chat.dm(user, message)

    def respond(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        self.said = self.said or message
        self.chat.respond(response_url, message, replace=replace)

    def person(self, user: str) -> Person:
        return self.chat.person(user)

    def group_members(self, group: str) -> frozenset[str]:
        return self.chat.group_members(group)

    def upload(self, user: str, file: File) -> None:
        self.chat.upload(user, file)

    def publish(self, user: str, home: Home) -> None:
        self.chat.publish(user, home)

    def whisper(self, channel: str, user: str, message: Message) -> None:
        self.chat.whisper(channel, user, message)

    def scopes(self) -> frozenset[str]:
        return self.chat.scopes()


def recorded(house: House, asked: A, flow: Callable[[House, A], None]) -> None:
    """Carry it out, and write down who asked for what and what they were told."""
    heard = _Overhearing(house.chat)
    try:
        flow(replace(house, chat=heard), asked)
    except CloudError as error:
        _write(house, asked, f"AWS refused it: {error.fault.code}.")
        raise
    except ChatError:
        # It may be done, and only its answer lost. What was not begun is written when it is.
        if heard.said is not None:
            _write(house, asked, deeds.sentence(heard.said))
        raise
    _write(house, asked, deeds.sentence(heard.said))


def _write(house: House, asked: Asked, answer: str) -> None:
    did = _did(asked)
    if not did:
        return
    m = _machine(house, asked)
    house.ledger.add_deed(
        Deed(
            at=asked.at or house.clock(),
            id=asked.id,
            who=asked.user,
            did=did,
            answer=answer or (life.next_decider(m) if m else ""),
            machine=m.name if m else _named(asked),
            channel=asked.channel,
        )
    )


def by_a_link(house: House, link: OneTimeLink, granted: Access, at: datetime) -> None:
    """Write down which address a one-time link lets in; the same use again is the same line."""
    said = messages.access_added((granted,), ())
    did = f"allow me: link used from {granted.cidr}"
    answer = deeds.sentence(said)
    house.ledger.add_deed(Deed(at=at, id=link.id, who=link.user, did=did, answer=answer))


def _named(asked: Asked) -> str:
    """A machine that is gone, or never was, by what it was called."""
    parsed = commands.parse(asked.text) if isinstance(asked, Request) else None
    return (parsed.name or "") if isinstance(parsed, _OF_ONE) else ""


def _did(asked: Asked) -> str:
    """Empty: it only looked."""
    if isinstance(asked, Click):
        return f"button {asked.action}"
    parsed = commands.parse(asked.text)
    return deeds.typed(asked.text, parsed) if deeds.is_deed(parsed) else ""


def words_of(asked: Asked) -> str:
    """The command as it was typed, without anything secret; of a button nothing."""
    if isinstance(asked, Click):
        return ""
    return deeds.typed(asked.text, commands.parse(asked.text))


def _machine(house: House, asked: Asked) -> Machine | None:
    """The machine that it was about, where there is one."""
    if isinstance(asked, Click):
        return house.ledger.machine(asked.value.partition(":")[0].partition(".")[0])
    parsed = commands.parse(asked.text)
    if isinstance(parsed, commands.Launch):
        return house.ledger.machine(names.machine_id(asked.id))
    if not isinstance(parsed, _OF_ONE):
        return None
    if parsed.name:
        return house.ledger.named(parsed.name)
    return next((m for m in house.ledger.of_owner(asked.user) if asked.id in m.heard), None)


# ---- what nobody asked for ------------------------------------------------------------------


def by_the_bot(house: House, before: Machine, after: Machine) -> None:
    """Write down what a step has done to a machine without a person's word."""
    for line in deeds.by_the_bot(before, after):
        if line.at > house.clock() - _RECENT:
            done(house, line.at, after, line.what)


def done(house: House, at: datetime, m: Machine, what: str, answer: str = "") -> None:
    """One thing that the bot did by itself; the same again is the same line."""
    mark = hashlib.sha256(what.encode()).hexdigest()[:12]
    deed = Deed(
        at=at,
        id=f"{m.id}.{mark}",
        who=deeds.BOT,
        did=what,
        answer=answer,
        machine=m.name,
        channel=m.channel,
    )
    try:
        house.ledger.add_deed(deed)
    except StaleRow:
        return  # another function writes this very line at this moment
