"""The nouns of a Slack workspace, and its refusals by Slack's own names."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]

TEAM_ID = "T06GPULAB01"
TEAM_DOMAIN = "gpu-lab"
FOREIGN_TEAM_ID = "T09OTHER001"
APP_ID = "A06GPU2APP1"
BOT_ID = "B06GPU1B0T7"
BOT_USER = "U06GPU0B0T5"
SLACKBOT = "USLACKBOT"
COMMAND = "/gpu"


class SlackError(Exception):
    """Slack's refusal of one call. `code` is Slack's error name; `retry_after` is in seconds."""

    def __init__(
        self,
        code: str,
        messages: tuple[str, ...] = (),
        retry_after: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages
        self.retry_after = retry_after
        self.more = more


class ChannelKind(StrEnum):
    """How a conversation is joined, which decides how a refusal is worded."""

    PUBLIC = "public"
    PRIVATE = "private"
    DIRECT = "direct"


@dataclass(frozen=True, kw_only=True)
class User:
    """A member, a guest or a stranger from another workspace."""

    id: str
    name: str
    real_name: str
    tz: str
    team_id: str = TEAM_ID
    is_admin: bool = False
    is_restricted: bool = False
    is_bot: bool = False

    @property
    def is_stranger(self) -> bool:
        """True for somebody who is here only through a shared channel."""
        return self.team_id != TEAM_ID

    def json(self, now: datetime) -> Json:
        """The user as users.info gives it; the offset is the one in force at `now`."""
        local = now.astimezone(ZoneInfo(self.tz))
        offset = local.utcoffset() or timedelta()
        profile = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "team": self.team_id,
        }
        found: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": False,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": local.tzname() or self.tz,
            "tz_offset": int(offset.total_seconds()),
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": int(now.timestamp()),
        }
        return found | ({"is_stranger": True} if self.is_stranger else {})


@dataclass(frozen=True, kw_only=True)
class UserGroup:
    """Some members under one name, that can be mentioned together."""

    id: str
    handle: str
    members: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A conversation and who is in it."""

    id: str
    name: str
    kind: ChannelKind
    members: frozenset[str]
    topic: str = ""

    def json(self) -> Json:
        """The channel as conversations.info gives it to the bot."""
        if self.kind is ChannelKind.DIRECT:
            other = next(iter(sorted(self.members - {BOT_USER})), "")
            return {"id": self.id, "is_im": True, "is_org_shared": False, "user": other}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind is ChannelKind.PUBLIC,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.kind is ChannelKind.PRIVATE,
            "is_archived": False,
            "is_general": False,
            "is_member": BOT_USER in self.members,
            "context_team_id": TEAM_ID,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }


@dataclass(frozen=True, kw_only=True)
class Post:
    """One message. `only_for` makes it ephemeral: one person sees it and no API lists it."""

    channel: str
    ts: str
    author: str
    text: str
    blocks: tuple[Json, ...] = ()
    thread_ts: str | None = None
    edited_ts: str | None = None
    only_for: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    files: tuple[str, ...] = ()  # ids

    @property
    def is_reply(self) -> bool:
        """True for a message inside a thread, false for the one that began it."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(frozen=True, kw_only=True)
class View:
    """A form or a Home tab, as one person has it before them."""

    id: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None

    @property
    def is_home(self) -> bool:
        """True for the Home tab, of which each person has one."""
        return self.body.get("type") == "home"

    def json(self) -> Json:
        """The view as the views methods and the payloads give it."""
        given = {k: v for k, v in self.body.items() if k != "type"}
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "type": self.body["type"],
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "state": {"values": {}},
            "hash": self.hash,
            "root_view_id": self.root,
            "previous_view_id": self.previous,
            "app_id": APP_ID,
            "bot_id": BOT_ID,
        } | given


@dataclass(kw_only=True)
class SharedFile:
    """A file on its way: a place for its bytes, then the bytes, then shared."""

    id: str
    name: str
    length: int
    secret: str
    content: bytes | None = None
    title: str = ""
    shared: bool = False


@dataclass(kw_only=True)
class Trigger:
    """The short-lived right to open a form for `user`."""

    user: str
    made_at: float
    used: bool = False


@dataclass(kw_only=True)
class ResponseUrl:
    """The right to answer one request without a token: five posts within thirty minutes."""

    channel: str
    user: str
    made_at: float
    source_ts: str | None = None
    uses: int = field(default=0)


PEOPLE = (
    User(id="U06ADA4K7QX", name="ada", real_name="Ada Byron", tz="Europe/London"),
    User(id="U06LIN9F2TB", name="lin", real_name="Lin Zhao", tz="America/Los_Angeles"),
    User(id="U06SAM3W8HC", name="sam", real_name="Sam Keller", tz="Europe/Berlin", is_admin=True),
    User(
        id="U06GUS5P1RD", name="gus", real_name="Gus Moreau", tz="Europe/Paris", is_restricted=True
    ),
    User(
        id="U09EVE7N4YZ",
        name="eve",
        real_name="Eve Stranger",
        tz="Asia/Tokyo",
        team_id=FOREIGN_TEAM_ID,
    ),
    User(id=BOT_USER, name="gpu", real_name="GPU", tz="Etc/UTC", is_bot=True),
    User(id=SLACKBOT, name="slackbot", real_name="Slackbot", tz="Etc/UTC"),
)

_ID = {person.name: person.id for person in PEOPLE}


def _members(*names: str) -> frozenset[str]:
    return frozenset(_ID[name] for name in names)


USER_GROUPS = (
    UserGroup(id="S06MLTEAM1", handle="ml-team", members=_members("ada", "sam")),
    UserGroup(id="S06NOBODY9", handle="nobody-yet", members=frozenset()),
)

CHANNELS = (
    Channel(
        id="C06GPULAB42",
        name="gpu-lab",
        kind=ChannelKind.PUBLIC,
        members=_members("ada", "lin", "sam", "gus", "eve", "gpu"),
        topic="GPU machines for the course: type /gpu",
    ),
    Channel(
        id="C06RANDOM77",
        name="random",
        kind=ChannelKind.PUBLIC,
        members=_members("ada", "lin", "sam"),
        topic="Everything else. The GPU app is not in this channel",
    ),
    Channel(
        id="C06STAFFPR9",
        name="gpu-staff",
        kind=ChannelKind.PRIVATE,
        members=_members("ada", "sam", "gpu"),
        topic="Private: the course staff",
    ),
    Channel(
        id="D06ADA00L1N",
        name="directmessage",
        kind=ChannelKind.DIRECT,
        members=_members("ada", "lin"),
    ),
    *(
        Channel(
            id=f"D06{name.upper()}0GPU{at}",
            name="directmessage",
            kind=ChannelKind.DIRECT,
            members=_members(name, "gpu"),
        )
        for at, name in enumerate(("ada", "lin", "sam", "gus", "eve"))
    ),
)
