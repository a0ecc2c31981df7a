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
    """`instance_type` is a type, or a GPU or its memory (`8xh100`, `24gb`), in lower case.

    `or_types` and `or_regions` are as welcome. `cheapest`: of all types that have the GPU or the
    memory, not the smallest. `keep_trying`: without capacity, until `keep_until` where it is given.
    """

    instance_type: str
    or_types: tuple[str, ...] = ()
    cheapest: bool = False
    market: Market | None = None
    or_on_demand: bool = False
    region: str | None = None
    or_regions: tuple[str, ...] = ()
    count: int = 1
    length: timedelta | None = None
    until: Until | None = None
    keep_trying: bool = False
    keep_until: Until | None = None
    image: str | None = None
    disk_gb: int | None = None
    disk_type: str | None = None
    iops: int | None = None
    throughput: int | None = None
    data: str | None = None
    data_gb: int | None = None
    keep: bool = False
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
class KeyImport:
    """The public keys that a GitHub user shows at github.com/<account>.keys."""

    account: str


@dataclass(frozen=True, kw_only=True)
class Share:
    """Let a colleague's keys and addresses in to a machine too; `stop`: no longer."""

    user: str
    name: str | None = None
    stop: bool = False


@dataclass(frozen=True, kw_only=True)
class AllowMe:
    """A link that opens port 22 to the address it is opened from."""

    length: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class AllowOffice:
    """Every network of the admins' list."""

    length: timedelta | None = None


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
class Types:
    """What EC2 sells: all of it, or what fits a family (`g5`), a GPU, its memory or a maker."""

    filter: str | None = None
    market: Market | None = None
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Price:
    """Where a type, or whatever has that GPU or that much memory, is cheapest now."""

    instance_type: str
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Save:
    """Make an image of a machine."""

    image: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Images:
    """The saved images."""


@dataclass(frozen=True, kw_only=True)
class ImageDelete:
    """A saved image with its copies and snapshots. `sure`: the question has been answered."""

    image: str
    sure: bool = False


@dataclass(frozen=True, kw_only=True)
class DataList:
    """One's own data volumes."""


@dataclass(frozen=True, kw_only=True)
class DataDelete:
    """A data volume with everything on it. `sure`: the question has been answered."""

    data: str
    sure: bool = False


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
    | Share
    | KeyAdd
    | KeyImport
    | KeyList
    | KeyRemove
    | Allow
    | AllowMe
    | AllowOffice
    | AllowRemove
    | Types
    | Price
    | Quota
    | QuotaRaise
    | Save
    | Images
    | ImageDelete
    | DataList
    | DataDelete
    | Help
)
