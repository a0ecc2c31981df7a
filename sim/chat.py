"""Slack in memory: what was posted where, edited how often, answered to whom."""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from core.blocks import Home, Message
from core.files import File
from core.model import Person, Place
from core.ports import ChatError, NotInChannel

SCOPES = frozenset(
    ("chat:write", "commands", "files:write", "im:write", "usergroups:read", "users:read")
)
MOST_ANSWERS = 5  # what Slack takes for one response_url


@dataclass
class Posted:
    """A message as it stands now, and each of its earlier versions."""

    place: Place
    message: Message
    thread: str | None
    earlier: list[Message] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What only the caller saw."""

    response_url: str
    message: Message
    replace: bool


@dataclass
class MemoryChat:
    """core.ports.Chat. `down`: Slack takes nothing; `closed`: channels that the bot is not in."""

    down: bool = False
    bad_token: bool = False  # the Web API refuses everything; response_urls know no token
    busy_for: timedelta | None = None  # every call is answered 429 with that as Retry-After
    asked: int = 0  # calls that came, whatever they were answered
    blind: str = ""  # the error that users.info answers with, whoever is asked for
    closed: set[str] = field(default_factory=set)
    lacks_scope: bool = False
    missing_scopes: frozenset[str] = frozenset()
    away: set[str] = field(default_factory=set)  # people who are in no channel
    whispers: list[tuple[str, str, Message]] = field(default_factory=list)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)  # user groups and who is in
    no_home: bool = False
    answers: list[Answer] = field(default_factory=list)
    files: list[tuple[str, File]] = field(default_factory=list)
    homes: dict[str, list[Home]] = field(default_factory=dict)  # each as it was, the latest last
    _people: dict[str, Person] = field(default_factory=dict)
    _posted: list[Posted] = field(default_factory=list)
    _clock: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, *people: Person) -> None:
        """People whom users.info knows; again to change what it says."""
        self._people.update({person.id: person for person in people})

    # ---- the port ---------------------------------------------------------------------------

    def post(self, channel: str, message: Message, thread: str | None = None) -> Place:
        """A new message; NotInChannel where the bot is not."""
        with self._lock:
            self._reach()
            if channel in self.closed:
                raise NotInChannel("not_in_channel")
            place = Place(channel=channel, ts=f"1700000000.{next(self._clock):06d}")
            self._posted.append(Posted(place=place, message=message, thread=thread))
            return place

    def update(self, place: Place, message: Message) -> None:
        """Edit a message in place."""
        with self._lock:
            self._reach()
            found = [p for p in self._posted if p.place == place]
            if not found:
                raise ChatError("message_not_found")
            found[0].earlier.append(found[0].message)
            found[0].message = message

    def dm(self, user: str, message: Message) -> Place:
        """A new message in the person's direct messages."""
        with self._lock:
            self._reach()
            self._find(user)
            return self.post(direct(user), message)

    def respond(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """An answer that only the caller sees; the sixth for one URL is refused."""
        with self._lock:
            self._reach(with_token=False)
            if len([a for a in self.answers if a.response_url == response_url]) >= MOST_ANSWERS:
                raise ChatError("used_url")
            self.answers.append(Answer(response_url=response_url, message=message, replace=replace))

    def person(self, user: str) -> Person:
        """Who that is; ChatError for a stranger to users.info."""
        with self._lock:
            self._reach()
            if self.blind:
                raise ChatError(self.blind)
            if user not in self._people:
                raise ChatError("user_not_found")
            return self._people[user]

    def group_members(self, group: str) -> frozenset[str]:
        """Who is in a user group; ChatError for one that is not there."""
        with self._lock:
            self._reach()
            if group not in self.groups:
                raise ChatError("no_such_subteam")
            return self.groups[group]

    def upload(self, user: str, file: File) -> None:
        """A file in the person's direct messages; `lacks_scope`: the app may not."""
        with self._lock:
            self._reach()
            if self.lacks_scope:
                raise ChatError("missing_scope")
            if user not in self._people:
                raise ChatError("user_not_found")
            self.files.append((user, file))

    def publish(self, user: str, home: Home) -> None:
        """Put this into the person's Home tab; `no_home`: the app has none."""
        with self._lock:
            self._reach()
            if self.no_home:
                raise ChatError("not_enabled")
            if user not in self._people:
                raise ChatError("user_not_found")
            self.homes.setdefault(user, []).append(home)

    def whisper(self, channel: str, user: str, message: Message) -> None:
        """A message that one person sees in a channel that they and the bot are in."""
        with self._lock:
            self._reach()
            if channel in self.closed:
                raise NotInChannel("not_in_channel")
            if user in self.away:
                raise ChatError("user_not_in_channel")
            self.whispers.append((channel, user, message))

    def scopes(self) -> frozenset[str]:
        """What manifest.yaml asks for, but for those that are missing."""
        with self._lock:
            self._reach()
            return SCOPES - self.missing_scopes

    def _reach(self, *, with_token: bool = True) -> None:
        self.asked += 1
        if self.bad_token and with_token:
            raise ChatError("invalid_auth")
        if self.down:
            raise ChatError("unreachable")
        if self.busy_for is not None:
            raise ChatError("ratelimited", retry_after=self.busy_for)

    def _find(self, user: str) -> None:
        """conversations.open: neither for a stranger nor for somebody who has left."""
        if user not in self._people:
            raise ChatError("user_not_found")
        if not self._people[user].active:
            raise ChatError("user_disabled")

    def known(self, user: str) -> Person | None:
        """Whom users.info knows by that id."""
        return self._people.get(user)

    # ---- what tests look at -----------------------------------------------------------------

    def channel(self, id: str) -> tuple[Posted, ...]:
        """What stands in a channel, oldest first, the threads' messages among them."""
        with self._lock:
            return tuple(p for p in self._posted if p.place.channel == id)

    def everything(self) -> tuple[Posted, ...]:
        """Every message wherever it stands, oldest first."""
        with self._lock:
            return tuple(self._posted)

    def thread(self, place: Place) -> tuple[Posted, ...]:
        """The replies to a message."""
        return tuple(p for p in self.channel(place.channel) if p.thread == place.ts)

    def directs(self, user: str) -> tuple[Posted, ...]:
        """What stands in a person's direct messages."""
        return self.channel(direct(user))

    def texts(self, id: str) -> tuple[str, ...]:
        """The words of a channel as they stand now."""
        return words(p.message for p in self.channel(id))

    def delete(self, place: Place) -> None:
        """Somebody deletes a message in Slack."""
        with self._lock:
            self._posted = [p for p in self._posted if p.place != place]


def direct(user: str) -> str:
    """The channel of a person's direct messages."""
    return f"D{user[1:]}"


def words(messages: Iterable[Message]) -> tuple[str, ...]:
    """The texts of messages."""
    return tuple(message.text for message in messages)
