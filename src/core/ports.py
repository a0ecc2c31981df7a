"""The narrow doors out of the house: what the flows ask of AWS, Slack and the table.

Every method may raise `CloudError` (core.faults) for EC2, Service Quotas, Pricing and SSM, and
`ChatError` (below) for Slack. Implementations: adapters/ for the real thing, sim/ for the tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from core.blocks import Home, Message
from core.faults import Fault
from core.files import File
from core.model import (
    Approval,
    Bill,
    BudgetWatch,
    DataVolume,
    Deed,
    Full,
    HomeTab,
    Image,
    Instance,
    KeyDelivery,
    Machine,
    Market,
    Network,
    OneTimeLink,
    Person,
    Place,
    Profile,
    Pulse,
    Purse,
    QuotaChange,
    QuotaRequest,
    QuotaRoom,
    Reconciled,
    RegionOffers,
    Rules,
    SavedImage,
    Schedule,
    StrayWatch,
    SweepWatch,
    Tab,
    TypeFacts,
    Usage,
    Zone,
)

# With these Slack refuses the bot's token: what was to be said can be said once it is replaced.
BAD_TOKEN = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired"})


class ChatError(Exception):
    """Slack did not take a message. `code` is Slack's error name."""

    def __init__(self, code: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class NotInChannel(ChatError):
    """The bot may not post there; the owner's direct messages are the next best place."""


class StaleRow(Exception):
    """Somebody else wrote the row since it was read: read again, decide again."""


class UnreadableRow(Exception):
    """A row that this version cannot read: a newer deployment wrote it, or it is damaged."""


class NameTaken(Exception):
    """Another live machine has that name."""


@dataclass(frozen=True, kw_only=True)
class InUse:
    """vCPUs that pending and running instances of one type and market use in a region.

    `machine` and `attempt` say which launch bought them, where their own tags tell.
    """

    instance_type: str
    market: Market
    vcpus: int
    machine: str = ""
    attempt: str = ""


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """An instance that carries this deployment's mark, as its own tags tell it.

    `deadline` is None where the tag is missing or unreadable.
    """

    instance: Instance
    machine: str
    owner: str
    market: Market
    deadline: datetime | None


class PartKind(StrEnum):
    """What a machine brings to EC2 beside its instances."""

    IMAGE = "image"
    SNAPSHOT = "snapshot"
    VOLUME = "volume"
    SPOT_REQUEST = "spot request"
    KEY = "key pair"
    GROUP = "security group"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing in EC2 that carries this deployment's mark. A key pair's id is its name."""

    kind: PartKind
    id: str
    region: str
    machine: str  # the id in its tag; empty where it has none
    state: str = ""  # EC2's word
    outlives: bool = False  # a data volume or a saved image, with its snapshots
    name: str = ""  # of a group
    gb: int = 0
    disk_type: str = ""
    iops: int | None = None
    throughput: int | None = None
    instance: str | None = None  # it is attached to, or was bought by it
    made_at: datetime | None = None  # groups do not tell


class Cloud(Protocol):
    """EC2, one region a call."""

    def type_facts(self, region: str, name: str) -> TypeFacts | None:
        """What the type is, or None where the region does not know it."""

    def types_named(self, region: str, names: tuple[str, ...]) -> Mapping[str, TypeFacts]:
        """What these types are, in one read; those that the region does not know are absent."""

    def gpu_types(self, region: str) -> tuple[TypeFacts, ...]:
        """Every type with an accelerator of any kind that the region knows, by name.

        EC2 is asked for all of its types, ten pages of them: flows.market.offers_of remembers.
        """

    def zones_offering(self, region: str, name: str) -> tuple[Zone, ...]:
        """The zones that sell the type, by name; empty when it is not offered."""

    def zones_selling(self, region: str, names: tuple[str, ...]) -> Mapping[str, tuple[Zone, ...]]:
        """The same for many types at once, a call for a hundred; one that none sells is absent."""

    def spot_prices(
        self, region: str, names: tuple[str, ...], now: datetime
    ) -> Mapping[tuple[str, str], Decimal]:
        """USD per hour in effect now by (type, zone name). Types without a price are absent."""

    def spot_history(
        self, region: str, names: tuple[str, ...], since: datetime
    ) -> Mapping[tuple[str, str], tuple[tuple[datetime, Decimal], ...]]:
        """(from when on, USD per hour) by (type, zone name), oldest first: what was in effect at
        `since` and every change after it. Types without a price are absent."""

    def network(self, region: str) -> Network | None:
        """The default VPC and its public subnets; None where the region has none."""

    def in_use(self, region: str) -> tuple[InUse, ...]:
        """What pending and running instances of the whole account use."""

    def ensure_group(self, region: str, name: str, vpc: str, tags: Mapping[str, str]) -> str:
        """The id of the security group of that name, made with no rule at all if need be."""

    def set_addresses(self, region: str, group: str, cidrs: frozenset[str]) -> None:
        """Make exactly these networks, and no others, reach TCP 22."""

    def ensure_key(self, region: str, name: str, text: str, tags: Mapping[str, str]) -> None:
        """Import the public key under that name unless it is there."""

    def run(self, region: str, request: Mapping[str, Any]) -> tuple[Instance, ...]:
        """RunInstances with exactly these arguments, sent once; as many as EC2 gave."""

    def find(self, region: str, machine: str, attempt: int) -> tuple[Instance, ...]:
        """Every instance EC2 shows that this attempt of the machine bought, whatever its state."""

    def look(self, region: str, instance: str) -> Instance | None:
        """The instance, its status checks included; None when a good read did not find it."""

    def look_all(self, region: str, machine: str) -> tuple[Instance, ...]:
        """Every instance EC2 shows with that machine's tag, status checks included."""

    def tagged(self, region: str) -> tuple[Tagged, ...]:
        """Every instance of this deployment that is not terminated, by its tags alone."""

    def start(self, region: str, *instances: str) -> None:
        """Start all of them. The error, if any, is raised after the others were started."""

    def stop(self, region: str, *instances: str) -> None:
        """Stop all of them. The error, if any, is raised after the others were stopped."""

    def change_type(self, region: str, instance: str, instance_type: str) -> None:
        """Make a stopped instance another type of the same architecture."""

    def terminate(self, region: str, *instances: str) -> None:
        """Terminate all of them; one that is gone already is no error."""

    def tag_deadline(self, region: str, deadline: datetime, *instances: str) -> None:
        """Move their gpu:deadline tag (epoch seconds), which the sweep reads."""

    def delete_group(self, region: str, name: str) -> bool:
        """Delete the machine's group; False while something still uses it, True once it is gone."""

    def delete_key(self, region: str, name: str) -> None: ...

    def console_output(self, region: str, instance: str) -> str:
        """What the instance has printed on its console so far; empty where EC2 has none yet."""

    def parts(self, region: str, machine: str | None = None) -> tuple[Part, ...]:
        """Everything with this deployment's mark but instances, or of one machine only.

        Images come before their snapshots, and both before volumes: the order to delete them in.
        """

    def cancel_spot(self, region: str, *requests: str) -> None:
        """Cancel spot requests; one that is gone already is no error."""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """An EBS volume as EC2 shows it. `state` is EC2's word."""

    id: str
    region: str
    zone: str
    gb: int
    kind: str  # gp3, io2, …
    state: str  # creating, available, in-use, deleting, error
    instance: str | None = None  # it is attached to
    snapshot: str | None = None  # it was made from


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An EBS snapshot as EC2 shows it. `state` is EC2's word: pending, completed, error."""

    id: str
    region: str
    gb: int
    state: str
    progress: int  # per cent
    started_at: datetime


class Disks(Protocol):
    """EBS volumes and snapshots, one region a call.

    `name` marks a thing as the one of a purpose (tag gpu:for): asked for again, it is found, not
    made a second time, for CreateSnapshot knows no client token.
    """

    def volumes(self, region: str, tag: str, value: str) -> tuple[Volume, ...]:
        """Every volume of this deployment with that tag (gpu:machine, gpu:data), not deleted."""

    def snapshots(self, region: str, tag: str, value: str) -> tuple[Snapshot, ...]:
        """Every snapshot of this deployment with that tag."""

    def volume(self, region: str, id: str) -> Volume | None:
        """The volume, or None when a good read did not find it."""

    def root_volume(self, region: str, instance: str) -> Volume | None:
        """The volume that the instance boots from, while it is attached."""

    def make_volume(
        self,
        region: str,
        zone: str,
        gb: int,
        name: str,
        tags: Mapping[str, str],
        snapshot: str | None = None,
    ) -> Volume:
        """An encrypted gp3 volume; the one of that name in that zone if it is there."""

    def default_key(self, region: str) -> str:
        """What the account encrypts new disks with: alias/aws/ebs, or the ARN of its own key."""

    def grow(self, region: str, id: str, gb: int) -> None:
        """Make it larger; nothing where it is as large already."""

    def attach(self, region: str, id: str, instance: str, device: str) -> None:
        """Attach it; nothing where it is attached to that instance already."""

    def delete_volume(self, region: str, id: str) -> bool:
        """False while something still uses it, True once it is going or gone."""

    def make_snapshot(
        self, region: str, volume: str, name: str, tags: Mapping[str, str]
    ) -> Snapshot:
        """A snapshot of the volume as it is now; the one of that name if it is there."""

    def copy_snapshot(
        self, region: str, source_region: str, id: str, name: str, tags: Mapping[str, str]
    ) -> str:
        """The id of a copy of another region's snapshot in `region`, which EC2 may not show yet; of
        the one of that name if it is there."""

    def snapshot(self, region: str, id: str) -> Snapshot | None:
        """The snapshot, or None when a good read did not find it."""

    def delete_snapshot(self, region: str, id: str) -> bool:
        """False while an image still uses it, True once it is gone."""


@dataclass(frozen=True, kw_only=True)
class OwnImage:
    """An AMI of this account as EC2 shows it. `state` is EC2's word: pending, available, failed."""

    image: Image
    region: str
    state: str
    snapshots: tuple[str, ...]
    gb: int  # of all its snapshots
    reason: str = ""  # why it failed


class OwnImages(Protocol):
    """AMIs that this deployment makes, one region a call. Names are unique in a region: asked for
    again under the same name, the image is found, not made a second time."""

    def make(self, region: str, instance: str, name: str, tags: Mapping[str, str]) -> str:
        """CreateImage of its root disk, without a reboot; its id, which is pending at first."""

    def register(
        self, region: str, name: str, snapshot: str, like: Image, gb: int, tags: Mapping[str, str]
    ) -> str:
        """RegisterImage with a root disk from the snapshot, otherwise `like` the first image."""

    def copy(
        self, region: str, source_region: str, image: str, name: str, tags: Mapping[str, str]
    ) -> str:
        """CopyImage into `region`, encrypted; the copy's id, which is pending at first."""

    def named(self, region: str, name: str) -> OwnImage | None:
        """This deployment's image of that name whatever its state."""

    def own(self, region: str, image: str) -> OwnImage | None:
        """The image whatever its state, or None when a good read did not find it."""

    def remove(self, region: str, image: str) -> None:
        """Deregister it; one that is gone already is no error. Its snapshots stay."""


class Images(Protocol):
    """Which AMI is the newest of its kind (SSM public parameters, DescribeImages as fallback)."""

    def newest(
        self, region: str, parameters: tuple[str, ...], patterns: tuple[str, ...], architecture: str
    ) -> Image | None:
        """The first parameter that resolves, else the newest image any pattern matches."""

    def by_id(self, region: str, image: str) -> Image | None:
        """The image of that id, whatever its state; None where this account sees none."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A quota of EC2 as AWS lists it, in vCPUs."""

    code: str
    name: str
    vcpus: int


class Quotas(Protocol):
    """Service Quotas of EC2."""

    def limits(self, region: str) -> tuple[Limit, ...]:
        """Every quota of EC2 with its applied value, or its default where none was applied."""

    def limit(self, region: str, name: str, code: str) -> tuple[str, str, int]:
        """(code, name, applied vCPUs) of the quota with that name; the code where it is certain."""

    def raise_to(self, region: str, code: str, vcpus: int) -> QuotaChange:
        """Ask AWS for this new total; an open request for the same quota is returned instead."""

    def change(self, region: str, change_id: str) -> QuotaChange: ...

    def open_change(self, region: str, code: str) -> QuotaChange | None:
        """The request that AWS has still to decide, if there is one."""


class Reasons(Protocol):
    """Why policies deny (STS)."""

    def decode(self, message: str) -> str | None:
        """The JSON in an encoded authorization message; None where AWS does not tell."""


class Prices(Protocol):
    """List prices."""

    def on_demand(self, region: str, instance_type: str) -> Decimal | None:
        """USD per hour of Linux on shared tenancy, None where AWS lists none."""

    def listed(self, region: str, names: tuple[str, ...]) -> Mapping[str, Decimal]:
        """The same for many types at once, a call or two for a hundred; those AWS does not list
        are absent."""


class Invoices(Protocol):
    """What AWS itself asks for (Cost Explorer), up to a day late."""

    def by_day(self, first: date, after: date) -> Mapping[date, Decimal]:
        """USD of each day (UTC) for all that carries this deployment's mark. A day that AWS does
        not tell yet is absent or zero: it does not say which."""


class Unreachable(Exception):
    """Nobody answered in time, or not in a way that says anything."""


class PublicKeys(Protocol):
    """The public keys that people show under their account at GitHub."""

    def of(self, account: str) -> tuple[str, ...] | None:
        """Its keys, one line each, unchecked; None: no such account. Unreachable where GitHub is
        away."""


class CommandState(StrEnum):
    """What became of a command on one instance."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Commands(Protocol):
    """Systems Manager's Run Command, one region a call."""

    def online(self, region: str, *instances: str) -> frozenset[str]:
        """Those of them whose agent answers."""

    def send(self, region: str, script: str, *instances: str) -> str:
        """Run a shell script as root on all of them, fifty at most; the command's id."""

    def state(self, region: str, command: str, instance: str) -> CommandState: ...


class Links(Protocol):
    """One-time links and tokens for the door."""

    def link(self, request: str, user: str, until: datetime, length: timedelta) -> tuple[str, str]:
        """(id, URL) of a link that this request gives that person; the same for each delivery."""

    def beats_to(self, machine: str) -> str | None:
        """The URL at which that machine reports how much it is used, a secret of it and of us;
        None where there is no door to report to."""


class Chat(Protocol):
    """Slack."""

    def post(self, channel: str, message: Message, thread: str | None = None) -> Place:
        """A new message; NotInChannel where the bot may not."""

    def update(self, place: Place, message: Message) -> None:
        """Edit a message in place."""

    def dm(self, user: str, message: Message) -> Place:
        """A new message in the person's direct messages."""

    def respond(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """An answer that only the caller sees."""

    def person(self, user: str) -> Person:
        """Who that is, by users.info; ChatError when Slack does not say."""

    def group_members(self, group: str) -> frozenset[str]:
        """User ids of a user group, at most a minute old; none of one that is switched off.
        ChatError when Slack does not say."""

    def upload(self, user: str, file: File) -> None:
        """A file in the person's direct messages; ChatError `missing_scope` where the app may not.

        Delivered twice it is there twice: Slack knows no token for it.
        """

    def publish(self, user: str, home: Home) -> None:
        """Put this into the person's Home tab; ChatError `not_enabled` where there is none."""

    def whisper(self, channel: str, user: str, message: Message) -> None:
        """A message in a channel that only that person sees; NotInChannel where the bot may not,
        ChatError `user_not_in_channel` where they are not."""

    def scopes(self) -> frozenset[str]:
        """What the app may do in Slack, in Slack's words; ChatError when Slack does not say."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A call that was tried without being made: `fault` is why AWS would not do it, if so."""

    operation: str
    fault: Fault | None = None


class Trials(Protocol):
    """EC2's dry runs, one region a call: nothing is made, changed or charged by any of them.

    No trial raises; that AWS could not be asked is a fault like the others.
    """

    def launch(self, region: str, request: Mapping[str, Any]) -> Trial:
        """RunInstances with these arguments."""

    def make(self, region: str, vpc: str, zone: str, tags: Mapping[str, str]) -> tuple[Trial, ...]:
        """What a launch makes before and beside its instance."""

    def manage(
        self, region: str, instance: str, group: str | None, tags: Mapping[str, str]
    ) -> tuple[Trial, ...]:
        """What is done to a machine that is there: to its instance, and to its group if it has
        one."""


@dataclass(frozen=True, kw_only=True)
class AlarmMail:
    """How many addresses the alarms are mailed to, and how many have not said yes to it yet."""

    confirmed: int
    waiting: int


class Watchers(Protocol):
    """What looks at the bot from outside of it."""

    def dead_letters(self) -> Mapping[str, int]:
        """How many messages failed for good, by the name of their queue."""

    def alarm_mail(self) -> AlarmMail: ...


class Wakes(Protocol):
    """The queue that brings somebody back to look at a row."""

    def wake(self, key: str, after: timedelta = timedelta(0)) -> None:
        """Have `key` (ledger key of a machine, quota request or profile) looked at. A hint only."""

    def send(self, key: str, after: timedelta = timedelta(0)) -> None:
        """The same for what no row knows of: it must not get lost. Raises CloudError."""

    def wake_all(self, keys: Sequence[str]) -> int:
        """The same for many, now, the first ones first; how many were sent. One that cannot be
        sent keeps no other from being sent."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The outcome of opening a request: the machine, and whether it is the first delivery of it."""

    machine: Machine
    fresh: bool


class Row(Protocol):
    """What all rows but machines, profiles and quota requests have in common."""

    @property
    def key(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def due_at(self) -> datetime | None: ...


R = TypeVar("R", bound=Row)

# What each kind of row is called in the table's keys and in wakes.
ROW_NAMES: dict[type, str] = {
    RegionOffers: "region-offers",
    Full: "full",
    SavedImage: "saved-image",
    DataVolume: "data-volume",
    OneTimeLink: "one-time-link",
    KeyDelivery: "key-delivery",
    StrayWatch: "stray-watch",
    SweepWatch: "sweep-watch",
    Approval: "approval",
    BudgetWatch: "budget-watch",
    Pulse: "pulse",
    Purse: "purse",
    Reconciled: "reconciled",
    Rules: "rules",
    Schedule: "schedule",
    Tab: "tab",
    Usage: "usage",
    HomeTab: "home-tab",
    QuotaRoom: "quota-room",
}


class Ledger(Protocol):
    """The table. Every write is conditional; a lost race is StaleRow.

    A row that cannot be read is UnreadableRow to whoever asks for it. Lists of many leave it out,
    for it must not stop what is about others; `whole` is for those who conclude something from what
    is not in the list: then it is an error, too.
    """

    def open(self, machine: Machine, *, request: str, twin: str, now: datetime) -> Accepted:
        """Record a new machine, its request id, its name and its owner's slot, or nothing at all.

        `request` is the id of this very request: a redelivery gets the machine it made. `twin` is
        what makes two requests the same to a person (who, where, which words): a second one within
        30 seconds gets the first one's machine. `now` is when it was typed, however late it is
        carried out. NameTaken when a live machine has the name.
        """

    def machine(self, id: str) -> Machine | None:
        """A consistent read."""

    def save(self, machine: Machine, seen: Machine) -> Machine:
        """Write if nobody wrote since `seen` was read; gives it back with its new version.

        A final machine gives up its name and its owner's slot in the same write; a new instance id
        becomes findable in it.
        """

    def named(self, name: str) -> Machine | None:
        """The live machine of that name."""

    def of_owner(self, user: str, *, whole: bool = False) -> tuple[Machine, ...]:
        """The person's live machines, oldest first; a consistent read."""

    def live(self) -> tuple[Machine, ...]:
        """Every machine that is not final; may lag by a moment."""

    def by_instance(self, instance: str) -> Machine | None: ...

    def watched(self) -> Mapping[str, datetime]:
        """Every machine that is not final, or owes words, and when it is due; by id, and may lag
        by a moment. What has no appointment is due in the year 9999."""

    def machines(self, ids: Sequence[str]) -> Mapping[str, Machine | UnreadableRow]:
        """Consistent reads of a hundred rows at most, in one call; what is not there is absent.

        A row that cannot be read keeps no other from being read.
        """

    def owners(self, instances: Sequence[str]) -> Mapping[str, str]:
        """Of which machines, final or not, a hundred instances at most are or were; those that no
        row has ever had are absent."""

    def due(self, now: datetime) -> tuple[str, ...]:
        """Keys of machines, quota requests and profiles whose time has come."""

    def profile(self, user: str) -> Profile: ...

    def save_profile(self, profile: Profile, seen: Profile) -> Profile: ...

    def quota_request(self, key: str) -> QuotaRequest | None: ...

    def save_quota_request(
        self, request: QuotaRequest, seen: QuotaRequest | None
    ) -> QuotaRequest: ...

    def quota_requests(self) -> tuple[QuotaRequest, ...]:
        """Those that AWS has still to decide."""

    def row(self, kind: type[R], key: str) -> R | None:
        """A consistent read of one row of core.model that is a `Row`."""

    def rows(self, kind: type[R], *, whole: bool = False) -> tuple[R, ...]:
        """Every row of a kind, by key; a consistent read."""

    def save_row(self, new: R, seen: R | None) -> R:
        """Write if nobody wrote since `seen` (None: if there is none yet); with its new version.

        While it has a `due_at` it is woken as `due/<kind>/<key>`: saved-image, data-volume, ….
        """

    def drop_row(self, seen: Row) -> None:
        """Delete it if nobody wrote since; one that is gone already is no error."""

    def bills(self, since: datetime, until: datetime) -> tuple[Bill, ...]:
        """Of every machine that ended between the two, oldest first; not of those that live.

        A bill is written together with the row that became final.
        """

    def add_deed(self, deed: Deed) -> None:
        """One more line of the audit trail; the same line again changes nothing. None is ever
        changed or deleted."""

    def deeds(self, since: datetime, until: datetime) -> tuple[Deed, ...]:
        """The lines from `since` on and before `until`, oldest first."""
