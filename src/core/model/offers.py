"""What EC2 sells and where: types, zones, networks, images, and what was full a moment ago."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.model.wishes import Market


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
    licensed: str = ""  # the system that AWS takes more for than for Linux, in EC2's words
    origin: str = ""  # of a saved one: the name of the image that it began as


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
