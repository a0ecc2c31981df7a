"""The commands as values: what somebody wants, before anything is known about whether it can be."""

from dataclasses import dataclass
from datetime import timedelta

from core.model import Market
from core.times import Until


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Bare `/gpu`."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """`instance_type` is a type, or a GPU or its memory (`8xh100`, `24gb`), in lower case."""

    instance_type: str
    market: Market | None = None
    region: str | None = None
    length: timedelta | None = None
    until: Until | None = None
    image: str | None = None
    disk_gb: int | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListMachines:
    """One's own machines, or everybody's."""

    everyone: bool = False


@dataclass(frozen=True, kw_only=True)
class Show:
    """One machine with its history; the only one where no name is given, as below."""

    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """`sure`: the answer to the question has been typed along."""

    name: str | None = None
    everything: bool = False
    sure: bool = False


@dataclass(frozen=True, kw_only=True)
class Start:
    """A stopped machine again, with a lease of its own."""

    name: str | None = None
    length: timedelta | None = None
    until: Until | None = None


@dataclass(frozen=True, kw_only=True)
class End:
    """Terminate."""

    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Extend:
    """By a length, to a time of day, or by what the button offers."""

    name: str | None = None
    length: timedelta | None = None
    until: Until | None = None


@dataclass(frozen=True, kw_only=True)
class Ssh:
    """How to connect."""

    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class KeyAdd:
    """`text` is unchecked; `read_key` reads it."""

    text: str


@dataclass(frozen=True, kw_only=True)
class KeyList:
    """One's own keys."""


@dataclass(frozen=True, kw_only=True)
class KeyRemove:
    """`which`: number in the list, fingerprint or comment."""

    which: str


@dataclass(frozen=True, kw_only=True)
class Allow:
    """`cidr` is unchecked; `read_network` reads it. None shows what is allowed."""

    cidr: str | None = None
    length: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class AllowRemove:
    """`cidr` is unchecked."""

    cidr: str


@dataclass(frozen=True, kw_only=True)
class Quota:
    """Of one type, or of the GPU families."""

    instance_type: str | None = None
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class QuotaRaise:
    """Enough for `count` more of a type."""

    instance_type: str
    count: int = 1
    region: str | None = None
    market: Market | None = None


@dataclass(frozen=True, kw_only=True)
class Help:
    """All of it, or one topic."""

    topic: str | None = None


Command = (
    Overview
    | Launch
    | ListMachines
    | Show
    | Stop
    | Start
    | End
    | Extend
    | Ssh
    | KeyAdd
    | KeyList
    | KeyRemove
    | Allow
    | AllowRemove
    | Quota
    | QuotaRaise
    | Help
)
