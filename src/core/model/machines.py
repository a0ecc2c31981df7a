"""A machine: one row, from the moment somebody asked for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.model.holds import Hold
from core.model.offers import Image, TypeFacts
from core.model.people import Closing
from core.model.wishes import Market, Wish


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
    BARRED = "barred"  # while it waited its owner lost the right to launch it
    EXPIRED = "expired"  # nobody decided in time, or the launch came too late
    LOST = "lost"  # an attempt whose outcome stayed unknown until the fence had passed
    IDLE = "idle"  # nobody used it, and nobody said to keep it
    BUDGET = "budget"  # what may be spent is spent, and the policy stops machines then


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a message stands in Slack."""

    channel: str
    ts: str


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
    The only one is taken off again where it has certainly done nothing and just came too early.
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
    kind: str = ""  # its instance type; "" where it was not read
    ended_at: datetime | None = None  # when EC2 says that it was stopped or ended, where it does
    deadline: datetime | None = None  # what its own gpu:deadline tag tells


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
    parting: bool = False  # `instance` is to go once there is an image
    sealed: bool = False  # written before `instance` is ended: nobody can keep it any more
    staying: datetime | None = None  # since when `instance` stays after all, and the rest is to go
    trouble: str = ""  # why EC2 would not go on with it, once that was told
    again_at: datetime | None = None  # the next try after a refusal


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What EC2 still held of a machine when it was over: looked for each hour until it is gone."""

    region: str
    things: tuple[tuple[str, str], ...]  # kind and id; none where EC2 could not be read
    monthly: Decimal  # USD of all of them
    code: str = ""  # AWS's refusal; empty where something else uses them


@dataclass(frozen=True, kw_only=True)
class Lease:
    """How long a machine may run. `version` counts what people decided about it."""

    length: timedelta  # as first asked for; the Extend button offers no more than this
    started_at: datetime  # of the lease or of its last extension
    deadline: datetime
    warn_at: datetime
    hard: datetime  # only an admin's extension goes beyond
    version: int = 1
    warned: bool = False
    eve_at: datetime | None = None  # of a lease of several days: told a day ahead, too
    eve_told: bool = False


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """How long a stopped machine may lie there: its second lease.

    At `ask_at` its owner is asked; at `until` its disk becomes a snapshot and the rest goes. What
    is a snapshot already is only asked about, again and again: nothing is deleted unasked.
    """

    since: datetime
    until: datetime
    ask_at: datetime
    asked: bool = False
    version: int = 1  # counts what people decided about it
    length: timedelta | None = None  # between two questions, however long it is kept in between


@dataclass(frozen=True, kw_only=True)
class Doom:
    """It stops at `at` for a reason other than its lease, unless that is taken back."""

    at: datetime
    cause: "Cause"  # IDLE or BUDGET
    detail: str = ""  # the budget that is spent, say


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What an approver has allowed a machine beyond the limits, and by whom."""

    by: str
    at: datetime
    hourly: Decimal  # USD, of all its instances together, at most
    length: timedelta  # at most
    total: Decimal  # USD at most


@dataclass(frozen=True, kw_only=True)
class Run:
    """A stretch of time that EC2 bills, at the price (of all instances) it had when it began."""

    started_at: datetime
    ended_at: datetime | None
    hourly: Decimal
    instances: int = 1  # that are up, each with a public address of its own
    taken: bool = False  # EC2 took the spot instance back: within the first hour it is free


@dataclass(frozen=True, kw_only=True)
class Store:
    """A stretch of time in which something that does not run costs money: a disk, a snapshot."""

    kind: str  # disk | snapshot | data | image
    started_at: datetime
    ended_at: datetime | None
    hourly: Decimal  # USD


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
    EVE = "eve"  # a lease of several days ends within a day
    SHELF = "shelf"  # a stopped machine is about to be put away: keep it?
    ARCHIVED = "archived"  # its disk is a snapshot now, and the machine is gone from EC2
    IDLE = "idle"  # nobody uses it: it stops in five minutes
    REBALANCE = "rebalance"  # EC2 may take it back soon
    RECOVERING = "recovering"  # it was taken back, and comes back by itself
    STUCK = "stuck"  # it has been stopping or ending for too long; it may still cost money
    STUCK_ADMINS = "stuck-admins"  # to the admins alone: the same, and what they can do
    CHANGED = "changed"  # somebody changed it outside the bot
    BUDGET = "budget"  # what may be spent is spent: it stops soon
    LEFT = "left"  # to the admins alone: its owner is in the workspace no more
    DISK = "disk"  # EC2 refuses what is to become of its kept disk
    REMAINS = "remains"  # to the admins alone: it is over, and EC2 does not let go of all of it


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A message that must still be posted; it leaves the row once Slack has it."""

    kind: NoticeKind
    at: datetime
    detail: str = ""
    claimed: datetime | None = None  # somebody is posting it since then
    said: bool = False  # the channel has it; its owner, in direct messages, not yet


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
    waits_in: str = ""  # the region that its saved image is awaited in
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
    news_at: datetime | None = None  # an event told of one of them, and nobody has read since
    kept: Kept | None = None  # its disk, while it has no instance
    data: str | None = None  # key of the data volume that is attached, or to be
    shared: tuple[str, ...] = ()  # users whose keys it has too
    unshared: tuple[Closing, ...] = ()  # the latest of each user, whether they were let in or not
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
    quiet_until: datetime | None = None  # Slack wants to hear nothing before that
    asked_at: datetime | None = None  # when the door took what it was asked for with
    decided_at: datetime | None = None  # when the latest stop or start by a person was typed
    hours_at: datetime | None = None  # when its hours were last typed, or taken away
    heard: tuple[str, ...] = ()  # ids of the latest requests that were carried out on it
    unseen: int = 0  # good reads in a row that did not find the instance
    unseen_since: datetime | None = None
    stores: tuple[Store, ...] = ()  # what its disks and snapshots have cost and cost
    priced_at: datetime | None = None  # up to when the spot price of its last run was followed
    shelf: Shelf | None = None  # while it is stopped
    doom: Doom | None = None
    idle_from: datetime | None = None  # what was before this does not count as idle
    grant: Grant | None = None
    recoveries: int = 0  # how often it came back by itself after EC2 had taken it
    advised_at: datetime | None = None  # when EC2 last said that it may take it back soon
    parting_since: datetime | None = None  # when it was last told to stop or end
    stuck_told: bool = False
    tidying_since: datetime | None = None  # it is over, and EC2 holds on to something of it
    remains: Remains | None = None
    starts: int = 0  # StartInstances that EC2 has answered, for this start
    start_sent: datetime | None = None  # written before each that is sent
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
    def starts_anew(self) -> bool:
        """Whether a start brings its kept disk to a new instance, and not its own one up."""
        return self.kept is not None and self.kept.staying is None

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
