"""The nouns: what a machine, a lease, an attempt, a quote and a policy are.

Frozen values only. Money is `Decimal` US dollars, time is aware UTC, sizes are GB, quotas vCPUs.
Nothing here knows AWS, Slack or the table; everything else knows this.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Market(StrEnum):
    """How EC2 sells the machine."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"


class State(StrEnum):
    """Where a machine is in its life. FAILED and ENDED are final: nothing runs or can come."""

    REQUESTED = "requested"  # accepted, nothing bought
    HELD = "held"  # a person must decide, nothing bought
    WAITING = "waiting"  # for AWS to decide on a quota, or for capacity; nothing bought
    LAUNCHING = "launching"  # an attempt is open or the next one is to be opened
    PENDING = "pending"  # EC2 has it, it is booting
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"  # the disk is kept and costs money
    STARTING = "starting"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"  # never had an instance


FINAL = frozenset({State.ENDED, State.FAILED})
UNBOUGHT = frozenset({State.REQUESTED, State.HELD, State.WAITING})
ALIVE = frozenset({State.PENDING, State.RUNNING, State.STARTING})


class Desire(StrEnum):
    """What people or the lease want of a machine. GONE is never taken back."""

    RUN = "run"
    STOP = "stop"
    GONE = "gone"


class Cause(StrEnum):
    """Why a machine was stopped, ended or refused."""

    PERSON = "person"
    DEADLINE = "deadline"
    SPOT = "spot"  # EC2 took the spot capacity back
    OUTSIDE = "outside"  # the console, the machine itself or another tool
    REFUSED = "refused"  # EC2 or a rule said no
    EXPIRED = "expired"  # nobody decided in time, or the launch came too late
    LOST = "lost"  # an attempt whose outcome stayed unknown until the fence had passed


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
class Profile:
    """What a person has told the bot: keys and addresses. `version` 0 means never stored."""

    user: str
    version: int = 0
    keys: tuple[PublicKey, ...] = ()
    accesses: tuple[Access, ...] = ()

    def at(self, now: datetime) -> "Profile":
        """The same without the addresses whose time is over."""
        return replace(self, accesses=tuple(a for a in self.accesses if a.until > now))

    @property
    def has_address(self) -> bool:
        """Whether anybody could connect: machines have IPv4 addresses."""
        return any(":" not in access.cidr for access in self.accesses)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for, before any fact is known.

    Type, market and region are the first choice; the `or_…` are as welcome to the person, who said
    them or, for regions, named none at all.
    """

    instance_type: str
    market: Market
    region: str
    or_types: tuple[str, ...] = ()
    or_on_demand: bool = False  # where no spot can be had
    or_regions: tuple[str, ...] = ()
    anywhere: bool = False  # no region was said: those above are simply the allowed ones
    count: int = 1
    length: timedelta | None = None  # how long it may run
    until: datetime | None = None  # or until when; the policy's default where both are None
    keep_until: datetime | None = None  # without capacity: tried again until then, unasked
    image: str = "base"  # a word of core.images, a saved image's name, or ami-…
    disk_gb: int | None = None
    disk_type: str = "gp3"  # gp3 | io2
    iops: int | None = None
    throughput: int | None = None  # MiB/s, gp3 only
    data: str | None = None  # the name of the owner's data volume that comes along
    data_gb: int | None = None  # how large it is made, or grown to; None: as it is
    keep: bool = False  # spot whose disk is kept when it stops (`spot keep`)
    name: str | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """Every type that is welcome, the first choice first."""
        return tuple(dict.fromkeys((self.instance_type, *self.or_types)))

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that is welcome, the first choice first."""
        return tuple(dict.fromkeys((self.region, *self.or_regions)))

    @property
    def markets(self) -> tuple[Market, ...]:
        """Every market that is welcome, the first choice first."""
        more = (Market.ON_DEMAND,) if self.or_on_demand else ()
        return tuple(dict.fromkeys((self.market, *more)))


class Chip(StrEnum):
    """What kind of accelerator."""

    GPU = "gpu"
    NEURON = "neuron"  # AWS's Trainium and Inferentia
    FPGA = "fpga"
    MEDIA = "media"  # video transcoding
    INFERENCE = "inference"


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """The accelerators of a type, as DescribeInstanceTypes reports them."""

    name: str
    maker: str
    count: Decimal  # 0.125 for an eighth of an L4 (g6f)
    memory_mib: int  # of each one
    chip: Chip = Chip.GPU


@dataclass(frozen=True, kw_only=True)
class TypeFacts:
    """What EC2 says an instance type is."""

    name: str
    vcpus: int
    memory_mib: int
    architecture: str  # "x86_64" | "arm64"
    gpu: Gpu | None
    markets: frozenset[Market]
    nvme_gb: int = 0
    network: str = ""  # in EC2's words: "Up to 25 Gigabit"
    boot_modes: tuple[str, ...] = ()  # legacy-bios, uefi; empty where EC2 does not say


@dataclass(frozen=True, kw_only=True)
class Zone:
    """An Availability Zone. Names differ between accounts, ids do not."""

    name: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """The region's default VPC and one public subnet with free addresses for each zone name."""

    vpc: str
    subnets: tuple[tuple[str, str], ...]  # (zone name, subnet id)
    full: tuple[str, ...] = ()  # zones whose public subnets have no address left


@dataclass(frozen=True, kw_only=True)
class Image:
    """An AMI: what boots, and who logs in."""

    id: str
    name: str
    architecture: str
    root_device: str
    root_gb: int  # the least root disk that EC2 accepts for it
    user: str  # the SSH user
    state: str = "available"  # EC2's word
    root_type: str = "ebs"  # or instance-store
    boot: str = ""  # legacy-bios, uefi or uefi-preferred, where the image says
    windows: bool = False
    origin: str = ""  # of a saved one: the name of the image that it began as


@dataclass(frozen=True, kw_only=True)
class QuotaFacts:
    """Limit and use of one vCPU quota (a family and market) in one region."""

    code: str
    name: str
    region: str
    limit: int
    used: int  # pending and running instances, from EC2
    in_flight: int = 0  # our own launches that EC2 does not show yet
    unsure: bool = False  # AWS does not say that this is the one; it has the most room of those

    @property
    def room(self) -> int:
        """The vCPUs that can still be launched, never below 0."""
        return max(0, self.limit - self.used - self.in_flight)


class QuotaStatus(StrEnum):
    """What became of a request for more, as Service Quotas names it."""

    PENDING = "PENDING"
    CASE_OPENED = "CASE_OPENED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    NOT_APPROVED = "NOT_APPROVED"
    CASE_CLOSED = "CASE_CLOSED"
    INVALID_REQUEST = "INVALID_REQUEST"

    @property
    def is_open(self) -> bool:
        """Whether AWS has still to decide."""
        return self in (QuotaStatus.PENDING, QuotaStatus.CASE_OPENED)


@dataclass(frozen=True, kw_only=True)
class QuotaChange:
    """AWS's own record of a request for more vCPUs."""

    id: str
    status: QuotaStatus
    desired: int
    case_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a message stands in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class QuotaRequest:
    """A request for more that somebody made here and that the clock follows up."""

    region: str
    code: str
    name: str
    before: int  # the applied limit when it was asked
    desired: int
    change_id: str
    status: QuotaStatus
    asked_by: str
    asked_at: datetime
    channel: str
    thread: str | None  # where the outcome is told
    case_id: str | None = None
    outside: bool = False  # somebody had asked AWS for it without the bot
    granted: int | None = None  # the applied limit after AWS decided
    told: bool = False  # the outcome has been posted
    due_at: datetime | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """Which quota this is about; a waiting machine names it."""
        return f"{self.region}/{self.code}"


@dataclass(frozen=True, kw_only=True)
class Option:
    """What would be launched in one region: a type with the image and the disk that suit it."""

    region: str
    type: TypeFacts
    image: Image
    disk_gb: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One place to try: one type and market in one zone, at one price for each instance."""

    instance_type: str
    region: str
    zone: str
    subnet: str
    market: Market
    hourly: Decimal


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One RunInstances, frozen before it is sent, so that every re-send is the same call.

    `sends` is written before each send: a refusal closes the attempt only if it was the only one.
    """

    number: int
    placement: Placement
    token: str
    request: str  # the whole of RunInstances' arguments as JSON
    sends: int = 0
    last_send: datetime | None = None
    unclear: bool = False  # some send had no answer


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A placement that EC2 refused, and in which words."""

    zone: str
    market: Market
    code: str
    instance_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """What EC2 shows of an instance. `state` is EC2's word."""

    id: str
    region: str
    zone: str
    state: str
    launched_at: datetime
    address: str | None = None
    reason: str | None = None  # StateReason.Code
    checks_ok: bool = False  # both status checks passed: SSH answers


@dataclass(frozen=True, kw_only=True)
class Member:
    """One instance of a machine that has several, and where it was bought."""

    number: int  # counts from 1 and is never given again: amber-fox-3
    instance: Instance
    placement: Placement
    taken_at: datetime | None = None  # when EC2 gave notice that it takes this one back


@dataclass(frozen=True, kw_only=True)
class HostKeys:
    """The fingerprints of an instance's SSH host keys: "SHA256:… (ED25519)", best one first."""

    instance: str
    prints: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The root disk that a machine is to be started from anew: a volume, then a snapshot and an
    image of it, from which it can be started in every zone of the region.

    The volume is never deleted before its snapshot is complete; the rest not before the new
    instance runs.
    """

    region: str
    zone: str  # of the volume
    gb: int
    volume: str | None = None  # it has outlived its instance; None once it is deleted
    instance: str | None = None  # or the stopped instance that has it still
    snapshot: str | None = None
    complete: bool = False  # the snapshot
    image: str | None = None
    spare: tuple[str, ...] = ()  # ids of an earlier stop's, of no use once `image` is there


@dataclass(frozen=True, kw_only=True)
class Lease:
    """How long a machine may run. `version` counts what people decided about it."""

    length: timedelta  # as first asked for; the Extend button offers no more than this
    started_at: datetime  # of the lease or of its last extension
    deadline: datetime
    warn_at: datetime
    hard: datetime  # no extension goes beyond
    version: int = 1
    warned: bool = False


@dataclass(frozen=True, kw_only=True)
class Run:
    """A stretch of time that EC2 bills, at the price (of all instances) it had when it began."""

    started_at: datetime
    ended_at: datetime | None
    hourly: Decimal


class HoldKind(StrEnum):
    """Why a launch waits for a person."""

    QUOTA = "quota"
    NO_CAPACITY = "no-capacity"
    NOT_OFFERED = "not-offered"
    NO_ACCESS = "no-access"  # no key, no allowed address, or neither
    TOO_DEAR = "too-dear"
    REFUSED = "refused"  # EC2 said no for a reason that another try does not change


class ChoiceKind(StrEnum):
    """What a button of a held launch does."""

    ASK_QUOTA = "ask-quota"
    ASK_AND_LAUNCH = "ask-and-launch"
    MARKET = "market"
    TYPE = "type"
    REGION = "region"
    DISK = "disk"
    IMAGE = "image"
    COUNT = "count"  # fewer at once
    ZONE = "zone"  # elsewhere, from a snapshot of the disk
    KEEP_TRYING = "keep-trying"
    RETRY = "retry"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One way on. `value` is a market, type, region or number of vCPUs; buttons carry its index."""

    kind: ChoiceKind
    value: str
    hourly: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A launch that cannot go on by itself: why, and the ways on."""

    kind: HoldKind
    choices: tuple[Choice, ...] = ()
    quota: QuotaFacts | None = None
    needed: int = 0  # vCPUs
    hourly: Decimal | None = None  # of the cheapest zone, where the price is known
    asked: str | None = None  # key of the QuotaRequest that was made from this hold
    lacks_key: bool = False
    lacks_address: bool = False
    code: str = ""  # EC2's error code, or the rule's name
    detail: str = ""
    # What it is about, of all that the wish leaves open; "" and None: its first choice.
    instance_type: str = ""
    market: Market | None = None
    region: str = ""


class NoticeKind(StrEnum):
    """New messages that are owed (the card is edited, these are posted)."""

    READY = "ready"
    WARNING = "warning"
    INTERRUPTED = "interrupted"  # EC2 gave the two-minute notice
    STOPPED = "stopped"
    ENDED = "ended"
    START_FAILED = "start-failed"
    FAILED = "failed"  # a launch that had waited could not be carried out
    DENIED = "denied"  # to the admins alone: why AWS denied it


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A message that must still be posted; it leaves the row once Slack has it."""

    kind: NoticeKind
    at: datetime
    detail: str = ""
    claimed: datetime | None = None  # somebody is posting it since then


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A line of a machine's history."""

    at: datetime
    what: str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine from the moment it was asked for; one row of the ledger.

    `version` counts writes; `turn` counts decisions of people on a held launch, so that an old
    button is known as old. `due_at` is when somebody must look again; None only when final.
    """

    id: str
    version: int
    name: str
    owner: str
    channel: str
    wish: Wish
    state: State
    desire: Desire
    created_at: datetime
    launch_by: datetime
    due_at: datetime | None
    turn: int = 0
    hold: Hold | None = None
    waits_for: str | None = None  # QuotaRequest.key, in WAITING
    keep_until: datetime | None = None  # capacity is tried for again until then
    retry_at: datetime | None = None  # the next try, in WAITING
    tries: int = 0  # since it keeps trying
    options: tuple[Option, ...] = ()  # one for each type and region among the placements
    facts: TypeFacts | None = None  # of what is being tried, or runs
    image: Image | None = None
    disk_gb: int | None = None
    prepared: str | None = None  # the region in which its group and key are, or may be
    prepared_at: datetime | None = None  # when somebody last set out to make them
    group: str | None = None  # id of its security group
    placements: tuple[Placement, ...] = ()  # still to be tried
    placement: Placement | None = None  # where it runs
    attempts: int = 0
    attempt: Attempt | None = None  # open: EC2 may have it
    tried: tuple[Tried, ...] = ()
    instance: Instance | None = None  # of several, the one that is furthest behind
    members: tuple[Member, ...] = ()  # of a machine that was asked for with xN; else empty
    lost: int = 0  # members that have ended by themselves
    looked_at: datetime | None = None  # when its members were last read from EC2
    kept: Kept | None = None  # its disk, while it has no instance
    data: str | None = None  # key of the data volume that is attached, or to be
    shared: tuple[str, ...] = ()  # users whose keys it has too
    host_keys: tuple[HostKeys, ...] = ()  # of each instance whose console has told them
    lease: Lease | None = None
    tagged: datetime | None = None  # the deadline that the instance's own tag tells
    runs: tuple[Run, ...] = ()
    ready_at: datetime | None = None
    taken_at: datetime | None = None  # when EC2 gave notice that it takes a spot instance back
    ended_by: str | None = None  # a user id
    cause: Cause | None = None
    card: Place | None = None
    shown: str = ""  # digest of the card as last shown
    owed: tuple[Notice, ...] = ()
    heard: tuple[str, ...] = ()  # ids of the latest requests that were carried out on it
    unseen: int = 0  # good reads in a row that did not find the instance
    unseen_since: datetime | None = None
    starts: int = 0  # StartInstances sent for this start
    start_sent: datetime | None = None  # written before each of them
    history: tuple[Happening, ...] = ()

    @property
    def hourly(self) -> Decimal | None:
        """US dollars per hour of all its instances, where they run (or last ran)."""
        if self.members:
            return sum((one.placement.hourly for one in self.members), Decimal(0))
        return self.placement.hourly if self.placement else None

    @property
    def market(self) -> Market:
        """How it was bought, or will be."""
        return self.placement.market if self.placement else self.wish.market

    @property
    def can_stop(self) -> bool:
        """Whether stopping keeps its disk: a one-time spot instance can only end."""
        if any(one.placement.market is Market.SPOT for one in self.members):
            return False
        return self.market is Market.ON_DEMAND or self.leaves_disk

    @property
    def leaves_disk(self) -> bool:
        """Whether its instance ends when it stops, and leaves the disk behind (`spot keep`)."""
        return self.wish.keep and self.market is Market.SPOT

    @property
    def has_something(self) -> bool:
        """Whether EC2 has something of it that may cost money: an instance or a kept disk."""
        return self.instance is not None or self.kept is not None

    @property
    def is_group(self) -> bool:
        """Whether it is, or is to be, several instances."""
        return self.wish.count > 1 or bool(self.members)

    @property
    def missing(self) -> int:
        """How many instances have never been bought: one that has ended since is not missing."""
        if self.is_group:
            return self.wish.count - len(self.members) - self.lost
        return 1 if self.state in UNBOUGHT | {State.LAUNCHING} else 0

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance that is its own, as it was seen last."""
        if self.members:
            return tuple(one.instance for one in self.members)
        return (self.instance,) if self.instance else ()


@dataclass(frozen=True, kw_only=True)
class RegionOffers:
    """What EC2 sells in a region, as it was read at `read_at`: the accelerated types and where."""

    region: str
    read_at: datetime
    types: tuple[TypeFacts, ...]
    zones: tuple[Zone, ...]
    sold: tuple[tuple[str, tuple[str, ...]], ...]  # type → names of the zones that sell it
    on_demand: tuple[tuple[str, Decimal], ...] = ()  # type → list price, USD per hour
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The region."""
        return self.region


@dataclass(frozen=True, kw_only=True)
class Full:
    """A zone that had no capacity for a type and market a moment ago."""

    region: str
    zone: str
    instance_type: str
    market: Market
    until: datetime  # what it says is worth nothing after that
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Which placement it is about."""
        return self.key_of(self.region, self.zone, self.instance_type, self.market)

    @staticmethod
    def key_of(region: str, zone: str, instance_type: str, market: Market) -> str:
        """The key of what is known about that placement."""
        return f"{region}.{zone}.{instance_type}.{market}"


class ImageState(StrEnum):
    """What became of a saved image or of a copy of it."""

    PENDING = "pending"
    AVAILABLE = "available"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ImageCopy:
    """A saved image in one region."""

    region: str
    image: str  # ami-…; "" until EC2 has given it an id
    state: ImageState
    began: datetime
    snapshots: tuple[str, ...] = ()
    reason: str = ""  # why it failed
    until: datetime | None = None  # a failed one is remembered until then, lest it be hammered


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """An image that somebody made of a machine; everybody may launch from it."""

    name: str
    owner: str
    source: str  # the machine's name
    source_type: str
    instance: str  # that it is made of
    channel: str
    made_at: datetime
    architecture: str
    user: str  # who logs in
    root_gb: int
    copies: tuple[ImageCopy, ...]  # the one that was made of the machine comes first
    running: bool = False  # while it was made: what was being written may be half there
    origin: str = ""  # name of the image that its machine was launched from
    request: str = ""  # id of the request that made it, so that a redelivery is known
    leaving: bool = False  # it is being deleted
    told: bool = False  # that it is ready has been said
    place: Place | None = None  # its message
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its name."""
        return self.name


class VolumeState(StrEnum):
    """Where a data volume is in its life."""

    WANTED = "wanted"  # to be made where its machine comes up
    FREE = "free"
    ATTACHED = "attached"
    MOVING = "moving"  # by snapshot, to another zone
    LEAVING = "leaving"  # being deleted


@dataclass(frozen=True, kw_only=True)
class VolumeMove:
    """A data volume on its way to another zone: snapshot, its copy in another region, new volume.

    The old volume stays what it is until the new one has been made.
    """

    region: str
    zone: str
    snapshot: str | None = None  # where it comes from
    complete: bool = False
    copy: str | None = None  # where it goes, if that is another region
    copied: bool = False  # the copy is complete


@dataclass(frozen=True, kw_only=True)
class DataVolume:
    """A disk that outlives its machines: one person's, attached to one machine at a time.

    `serial` counts the volumes and snapshots made for it, so that each has a name of its own.
    `litter` are regions where something of it may lie that is no longer needed.
    """

    name: str
    owner: str
    gb: int
    state: VolumeState
    made_at: datetime
    region: str | None = None
    zone: str | None = None
    volume: str | None = None
    serial: int = 1
    used: bool = False  # it has been given to a machine: there may be something on it
    move: VolumeMove | None = None
    litter: tuple[str, ...] = ()
    machine: str | None = None  # id of the machine that has it or waits for it
    instance: str | None = None  # the one that it was last given to
    claimed_at: datetime | None = None
    missing_since: datetime | None = None  # reads in a row have not found it
    trouble: str = ""  # the code with which EC2 last refused something
    told: str = ""  # what its machine's thread has heard last
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Whose and which."""
        return f"{self.owner}.{self.name}"


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
    sent: tuple[SentCommand, ...] = ()  # with no answer yet
    done: tuple[str, ...] = ()  # the instances that have carried it out
    version: int = 0
    due_at: datetime | None = None  # None: there is nothing left to do

    @property
    def key(self) -> str:
        """The machine's id."""
        return self.machine


@dataclass(frozen=True, kw_only=True)
class StrayWatch:
    """When a region was last looked over for things that no living machine owns."""

    region: str
    looked_at: datetime
    told_at: datetime | None = None  # when the admins were last told of what nobody knows
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The region."""
        return self.region


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the admins decided when they deployed."""

    stack: str  # tag value that marks everything this deployment made
    team_id: str
    regions: tuple[str, ...]
    channels: frozenset[str]  # empty: every channel of the workspace
    admins: frozenset[str]
    default_lease: timedelta
    longest_lease: timedelta
    default_disk_gb: int
    approval_above: Decimal  # USD per hour
    networks: tuple[str, ...] = ()  # CIDRs wider than one host that people may open
    instance_profile: str = ""  # ARN of what every machine runs under, for Session Manager

    @property
    def region(self) -> str:
        """Where a launch goes when nobody says."""
        return self.regions[0]
