"""What exists in the world: mutable records, one class for each kind of AWS resource."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
    tags: Tags


@dataclass(kw_only=True)
class Key:
    id: str
    name: str
    kind: str  # rsa | ed25519
    fingerprint: str
    text: str
    created: datetime
    tags: Tags


@dataclass(kw_only=True)
class Subnet:
    id: str
    zone: str
    zone_id: str
    vpc: str
    cidr: str
    tags: Tags = field(default_factory=dict)


@dataclass(kw_only=True)
class Volume:
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
    """A zone without capacity: for one type or market, or for all where it is None."""

    zone: str
    instance_type: str | None
    market: str | None

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
    vpc: str
    subnets: dict[str, Subnet]
    groups: dict[str, Group]
    limits: dict[str, float]
    instances: dict[str, Instance] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    spot_requests: dict[str, SpotRequest] = field(default_factory=dict)
    quota_requests: dict[str, QuotaRequest] = field(default_factory=dict)
    launches: dict[tuple[str | None, str], Launch] = field(default_factory=dict)
    full: set[Full] = field(default_factory=set)
    vpc_tags: Tags = field(default_factory=dict)
