"""The commands as values: what somebody wants, before anything is known about whether it can be."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from core.model import Market, Scope
from core.times import Hours, Until


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Bare `/gpu`."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """`instance_type` is a type, or a GPU or its memory (`8xh100`, `24gb`), in lower case.

    `or_types` and `or_regions` are as welcome. `cheapest`: of all types that have the GPU or the
    memory, not the smallest. `keep_trying`: without capacity, until `keep_until` or for `keep_for`
    where one is given.
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
    keep_for: timedelta | None = None
    image: str | None = None
    disk_gb: int | None = None
    disk_type: str | None = None
    iops: int | None = None
    throughput: int | None = None
    data: str | None = None
    data_gb: int | None = None
    keep: bool = False
    recover: bool = False
    idle: timedelta | None = None  # zero: never
    project: str | None = None
    why: str | None = None
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
class Cost:
    """What was spent: `period` is week, month, or a month such as 2026-11. `user`: one person's;
    `mine`: the caller's own."""

    period: str = "month"
    user: str | None = None
    mine: bool = False
    project: str | None = None
    csv: bool = False


@dataclass(frozen=True, kw_only=True)
class BudgetShow:
    """The budgets and what is left of them."""


@dataclass(frozen=True, kw_only=True)
class BudgetSet:
    """One budget, per month or per hour in USD; `amount` None takes it away."""

    scope: Scope
    who: str = ""
    amount: Decimal | None = None
    hourly: bool = False


@dataclass(frozen=True, kw_only=True)
class PolicyShow:
    """Every rule, and who has changed which."""


@dataclass(frozen=True, kw_only=True)
class PolicySet:
    """One rule's new value as it was typed; `value` None: what the deployment says again."""

    rule: str
    value: str | None = None


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Who did what. `period` as of Cost."""

    period: str = "week"
    user: str | None = None
    machine: str | None = None
    csv: bool = False


@dataclass(frozen=True, kw_only=True)
class Idle:
    """When a machine that nobody uses is stopped; zero: never."""

    name: str | None = None
    length: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class ScheduleList:
    """One's own schedules."""


@dataclass(frozen=True, kw_only=True)
class ScheduleSet:
    """Hours at which a machine runs; None takes them away."""

    name: str | None = None
    hours: Hours | None = None


@dataclass(frozen=True, kw_only=True)
class ScheduleSkip:
    """The next start does not happen."""

    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """Whether the bot has all that it needs; for admins."""


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
    | Cost
    | BudgetShow
    | BudgetSet
    | PolicyShow
    | PolicySet
    | Audit
    | Idle
    | ScheduleList
    | ScheduleSet
    | ScheduleSkip
    | Doctor
    | Help
)
