"""What exists in the world: mutable records, one class for each kind of AWS resource."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Tags = dict[str, str]


@dataclass(kw_only=True)
class Rule:
    """One security group rule; exactly one of `cidr`, `cidr6` and `group` is set."""

    id: str
    egress: bool
    protocol: str
    from_port: int
    to_port: int
    cidr: str | None = None
    cidr6: str | None = None
    group: str | None = None
    description: str | None = None
    tags: Tags = field(default_factory=dict)

    @property
    def what(self) -> tuple[bool, str, int, int, str]:
        """What makes two rules the same to EC2."""
        peer = self.cidr or self.cidr6 or self.group or ""
        return (self.egress, self.protocol, self.from_port, self.to_port, peer)


@dataclass(kw_only=True)
class Group:
    id: str
    name: str
    description: str
    vpc: str
    rules: list[Rule]
    known_at: datetime  # before that it can be seen and not used
    tags: Tags


@dataclass(kw_only=True)
class Key:
    id: str
    name: str
    kind: str  # rsa | ed25519
    fingerprint: str
    text: str
    created: datetime
    known_at: datetime  # before that it can be seen and not used
    tags: Tags


@dataclass(kw_only=True)
class Subnet:
    id: str
    zone: str
    zone_id: str
    vpc: str
    cidr: str
    public: bool = True  # its route table leads to an internet gateway
    taken: int = 0  # addresses that others have
    tags: Tags = field(default_factory=dict)


@dataclass(kw_only=True)
class Volume:
    """A disk. `content` names what is on it: a copy by snapshot holds the same, a blank one is its
    own."""

    id: str
    zone: str
    size: int
    kind: str
    encrypted: bool
    iops: int | None
    throughput: int | None
    snapshot: str
    created: datetime
    visible_at: datetime
    instance: str | None
    device: str
    dies_with: bool
    tags: Tags
    phase: str = ""  # creating | error; else it is available or in use
    link: str = "attached"  # attaching | attached | detaching, while it has an instance
    content: str = ""
    changes: list["Modification"] = field(default_factory=list)

    @property
    def state(self) -> str:
        return self.phase or ("in-use" if self.instance else "available")


@dataclass(kw_only=True)
class Modification:
    """A ModifyVolume: modifying, then optimizing with the new size in effect, then completed."""

    state: str
    began: datetime
    before: int
    after: int


@dataclass(kw_only=True)
class Snapshot:
    """A copy of a volume as it was. `images` are the ids of those that boot from it."""

    id: str
    volume: str
    size: int
    encrypted: bool
    description: str
    began: datetime
    takes: float  # seconds until it is complete
    content: str
    tags: Tags
    state: str = "pending"  # pending | completed | error
    images: set[str] = field(default_factory=set)


class Bootable(Protocol):
    """What a launch asks of an image, whoever made it."""

    @property
    def name(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def root_device(self) -> str: ...
    @property
    def root_gb(self) -> int: ...
    @property
    def created(self) -> str: ...
    @property
    def owner(self) -> str: ...
    def id(self, region: str) -> str: ...
    def snapshot(self, region: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class ImageDisk:
    """A disk of an image: what a launch makes of which snapshot. GiB."""

    device: str
    snapshot: str
    size: int
    kind: str
    encrypted: bool


@dataclass(kw_only=True)
class OwnImage:
    """An image that this account made. Its root disk comes first."""

    ami: str
    name: str
    description: str
    architecture: str
    boot: str | None
    root_device: str
    disks: tuple[ImageDisk, ...]
    created: str
    owner: str
    visible_at: datetime
    tags: Tags
    state: str = "pending"  # pending | available | failed
    reason: str = ""
    source: tuple[str, str] | None = None  # (region, image) that it is a copy of
    instance: str | None = None
    token: str | None = None

    @property
    def root_gb(self) -> int:
        return self.disks[0].size

    def id(self, _: str) -> str:
        return self.ami

    def snapshot(self, _: str) -> str:
        return self.disks[0].snapshot


@dataclass(kw_only=True)
class Interface:
    id: str
    subnet: Subnet
    groups: list[str]
    instance: str
    private_ip: str
    public_ip: str | None
    wants_public_ip: bool
    description: str
    dies_with: bool
    created: datetime
    visible_at: datetime
    tags: Tags


@dataclass(kw_only=True)
class SpotRequest:
    id: str
    instance: str
    instance_type: str
    image: str
    zone: str
    state: str  # active | closed
    status: str
    status_message: str
    created: datetime
    updated: datetime
    visible_at: datetime
    max_price: str
    tags: Tags


@dataclass(kw_only=True)
class Reason:
    """Why an instance left its state."""

    code: str
    message: str
    transition: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A script that Systems Manager was asked to run there; `heard`: the agent was online."""

    id: str
    script: str
    sent_at: datetime
    heard: bool


@dataclass(kw_only=True)
class Load:
    """How much an instance is used, as its own program finds it; None: it cannot tell.

    `silent`: nothing of what it reports arrives. The rest is what it has looked at since its boot.
    """

    gpu: int | None = 0
    cpu: int | None = 3
    ssh: int | None = 1
    silent: bool = False
    life: int = 0  # the boot that it tells of
    looks: int = 0
    kept: list[tuple[datetime, int | None, int | None, int | None]] = field(default_factory=list)
    ready: bool = False  # a report is to be sent


@dataclass(kw_only=True)
class Instance:
    """`life` counts the commands it got: a planned change of an older life does not happen."""

    id: str
    reservation: str
    index: int
    instance_type: str
    vcpus: int
    architecture: str
    market: str  # spot | on-demand
    image: str
    root_device: str
    zone: str
    zone_id: str
    subnet: str
    vpc: str
    key: str | None
    token: str
    tags: Tags
    metadata: dict[str, Any]
    shutdown: str  # stop | terminate: what a shutdown from inside does
    user_data: str | None
    launched_at: datetime
    visible_at: datetime
    state: str = "pending"
    life: int = 0
    running_since: datetime | None = None
    ended_at: datetime | None = None
    reason: Reason | None = None
    spot_request: str | None = None
    interrupted: bool = False
    interface: str | None = None
    volumes: list[str] = field(default_factory=list)
    profile: str | None = None  # ARN
    load: Load = field(default_factory=Load)
    registered: bool = False  # with Systems Manager
    commands: list[Command] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.state != "terminated"

    @property
    def counts(self) -> bool:
        """Whether its vCPUs count against the quota."""
        return self.state in ("pending", "running")


@dataclass(kw_only=True)
class Launch:
    """What a client token brought, kept to answer the same call again."""

    request: dict[str, Any]
    instances: list[str]
    reservation: str


@dataclass(kw_only=True)
class QuotaRequest:
    id: str
    region: str
    code: str
    name: str
    desired: float
    status: str
    created: datetime
    updated: datetime
    case: str | None = None


@dataclass(frozen=True, kw_only=True)
class Full:
    """A zone without capacity, or with `room` for so many more: for one type or market, or for all
    where it is None."""

    zone: str
    instance_type: str | None
    market: str | None
    room: int = 0

    def holds(self, zone: str, instance_type: str, market: str) -> bool:
        return (
            self.zone == zone
            and self.instance_type in (None, instance_type)
            and self.market in (None, market)
        )


@dataclass(kw_only=True)
class Region:
    """Everything in one region of the account. `zones` are (name, id) pairs."""

    name: str
    zones: tuple[tuple[str, str], ...]
    vpc: str  # the default VPC; empty where there is none
    subnets: dict[str, Subnet]
    groups: dict[str, Group]
    limits: dict[str, float]
    instances: dict[str, Instance] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    volume_tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    own_images: dict[str, OwnImage] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    spot_requests: dict[str, SpotRequest] = field(default_factory=dict)
    quota_requests: dict[str, QuotaRequest] = field(default_factory=dict)
    launches: dict[tuple[str | None, str], Launch] = field(default_factory=dict)
    full: set[Full] = field(default_factory=set)
    vpc_tags: Tags = field(default_factory=dict)
    disk_key: str = "alias/aws/ebs"  # the account's default key for EBS
