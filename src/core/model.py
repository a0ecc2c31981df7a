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
    """What was asked for, before any fact is known."""

    instance_type: str
    market: Market
    region: str
    length: timedelta | None = None  # how long it may run
    until: datetime | None = None  # or until when; the policy's default where both are None
    image: str = "base"  # base | pytorch | ami-…
    disk_gb: int | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """The accelerators of a type, as DescribeInstanceTypes reports them."""

    name: str
    maker: str
    count: Decimal  # 0.125 for an eighth of an L4 (g6f)
    memory_mib: int  # of each one


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


@dataclass(frozen=True, kw_only=True)
class Zone:
    """An Availability Zone. Names differ between accounts, ids do not."""

    name: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """The region's default VPC and one public subnet for each zone name."""

    vpc: str
    subnets: tuple[tuple[str, str], ...]  # (zone name, subnet id)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An AMI: what boots, and who logs in."""

    id: str
    name: str
    architecture: str
    root_device: str
    root_gb: int  # the least root disk that EC2 accepts for it
    user: str  # the SSH user


@dataclass(frozen=True, kw_only=True)
class QuotaFacts:
    """Limit and use of one vCPU quota (a family and market) in one region."""

    code: str
    name: str
    region: str
    limit: int
    used: int  # pending and running instances, from EC2
    in_flight: int = 0  # our own launches that EC2 does not show yet

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
    granted: int | None = None  # the applied limit after AWS decided
    told: bool = False  # the outcome has been posted
    due_at: datetime | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """Which quota this is about; a waiting machine names it."""
        return f"{self.region}/{self.code}"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One place to try: one market in one zone, at one price."""

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
    """A stretch of time that EC2 bills, at the price it had when it began."""

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


class NoticeKind(StrEnum):
    """New messages that are owed (the card is edited, these are posted)."""

    READY = "ready"
    WARNING = "warning"
    INTERRUPTED = "interrupted"  # EC2 gave the two-minute notice
    STOPPED = "stopped"
    ENDED = "ended"
    START_FAILED = "start-failed"
    FAILED = "failed"  # a launch that had waited could not be carried out


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
    facts: TypeFacts | None = None
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
    instance: Instance | None = None
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
        """US dollars per hour of the placement it runs in (or last ran in)."""
        return self.placement.hourly if self.placement else None

    @property
    def market(self) -> Market:
        """How it was bought, or will be."""
        return self.placement.market if self.placement else self.wish.market

    @property
    def can_stop(self) -> bool:
        """Whether stopping keeps it: a one-time spot instance can only end."""
        return self.market is Market.ON_DEMAND


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

    @property
    def region(self) -> str:
        """Where a launch goes when nobody says."""
        return self.regions[0]
