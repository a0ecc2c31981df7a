"""Who people are, which keys and networks are theirs, and what lets them in."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Person:
    """A Slack user, as users.info tells it at the time of this click."""

    id: str
    team_id: str
    name: str
    tz: str  # IANA name, "UTC" where Slack gives none
    active: bool  # neither deleted nor a bot
    member: bool  # a full member of the home workspace: no guest, no stranger


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """An OpenSSH public key. `fingerprint` is SHA256:… as ssh-keygen -l prints it."""

    fingerprint: str
    text: str  # "ssh-ed25519 AAAA…", without the comment
    comment: str
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Access:
    """One network that may reach port 22 of its owner's machines, until it expires."""

    cidr: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Closing:
    """Somebody asked that a network or a colleague be let in no longer, and when that was typed."""

    what: str
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a person has told the bot: keys and addresses. `version` 0 means never stored."""

    user: str
    version: int = 0
    keys: tuple[PublicKey, ...] = ()
    accesses: tuple[Access, ...] = ()
    heard: tuple[str, ...] = ()  # the latest requests that changed it
    closed: tuple[Closing, ...] = ()  # the latest of each network, whether it was open or not

    def at(self, now: datetime) -> "Profile":
        """The same without the addresses whose time is over."""
        return replace(self, accesses=tuple(a for a in self.accesses if a.until > now))

    @property
    def has_address(self) -> bool:
        """Whether anybody could connect: machines have IPv4 addresses."""
        return any(":" not in access.cidr for access in self.accesses)


@dataclass(frozen=True, kw_only=True)
class OneTimeLink:
    """A link that opens port 22 to the address it is opened from: one person's, once, for minutes.

    `id` is a hash of the secret in the link, which is stored nowhere.
    """

    id: str
    user: str
    until: datetime
    length: timedelta  # of the access that it gives
    response_url: str = ""
    used_at: datetime | None = None
    address: str = ""  # the network that it was used for
    told: bool = False  # its person has heard of it
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


@dataclass(frozen=True, kw_only=True)
class SentCommand:
    """One Run Command of Systems Manager, and the instances that it was sent to."""

    id: str
    instances: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KeyDelivery:
    """The keys of others have still to be put on a machine that has booted, or taken off it.

    It says that somebody must bring the machine's file to what the rows say, not which keys those
    are. `added` and `removed` are the people whom the channel will be told about.
    """

    machine: str
    request: str = ""  # the latest that made it necessary
    by: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    since: datetime | None = None  # it runs, and its keys are not as they should be
    held_up: bool = False  # that EC2 does not take its addresses has been said
    sent: tuple[SentCommand, ...] = ()  # with no answer yet
    done: tuple[str, ...] = ()  # the instances that have carried it out
    version: int = 0
    due_at: datetime | None = None  # None: there is nothing left to do

    @property
    def key(self) -> str:
        """The machine's id."""
        return self.machine


@dataclass(frozen=True, kw_only=True)
class HomeTab:
    """Somebody has opened the app's Home tab, and it is kept true from then on."""

    user: str
    version: int = 0
    due_at: datetime | None = None  # it has still to be drawn anew

    @property
    def key(self) -> str:
        """Whose."""
        return self.user
