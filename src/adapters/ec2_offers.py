"""What EC2 sells: instance types, the zones that offer them, spot prices."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.model import Chip, Gpu, Market, TypeFacts, Zone

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_MARKETS = {market.value: market for market in Market}
_MOST_FILTER_VALUES = 200
# Where DescribeInstanceTypes tells of accelerators: the part, its list, what they are.
_ACCELERATORS = (
    ("GpuInfo", "Gpus", Chip.GPU),
    ("NeuronInfo", "NeuronDevices", Chip.NEURON),
    ("FpgaInfo", "Fpgas", Chip.FPGA),
    ("MediaAcceleratorInfo", "Accelerators", Chip.MEDIA),
    ("InferenceAcceleratorInfo", "Accelerators", Chip.INFERENCE),
)
# EC2 says 512 GiB of a Trainium2 chip, which is more than it has: AWS's own data sheet says 96.
_MISREPORTED = {("Trainium2", 524288): 98304}


class Offers:
    """The part of core.ports.Cloud that only reads what is on sale.

    A region's zones hardly ever change, so they are read once a process. Everything else is read
    anew: who wants it remembered writes it down with its age.
    """

    def __init__(self, clients: "Callable[[str], EC2Client]") -> None:
        self._ec2 = clients
        self._zones: dict[str, dict[str, Zone]] = {}

    def type_facts(self, region: str, name: str) -> TypeFacts | None:
        """What the type is, or None where the region does not know it."""
        with translated("DescribeInstanceTypes"):
            try:
                answer = self._ec2(region).describe_instance_types(InstanceTypes=[_any(name)])
            except ClientError as error:
                if code_of(error) == "InvalidInstanceType":
                    return None
                raise
        return next((_facts(one) for one in answer["InstanceTypes"]), None)

    def types_named(self, region: str, names: tuple[str, ...]) -> Mapping[str, TypeFacts]:
        """What these types are. By filter: a list of names is refused whole for an unknown one."""
        found: dict[str, TypeFacts] = {}
        wanted = sorted(set(names))
        for start in range(0, len(wanted), _MOST_FILTER_VALUES):
            some = wanted[start : start + _MOST_FILTER_VALUES]
            with translated("DescribeInstanceTypes"):
                pages = (
                    self._ec2(region)
                    .get_paginator("describe_instance_types")
                    .paginate(Filters=[{"Name": "instance-type", "Values": some}])
                )
                every = (t for page in pages for t in page["InstanceTypes"])
                found.update({t["InstanceType"]: _facts(t) for t in every})
        return found

    def gpu_types(self, region: str) -> tuple[TypeFacts, ...]:
        """Every type with an accelerator of any kind that the region knows, by name."""
        with translated("DescribeInstanceTypes"):
            pages = self._ec2(region).get_paginator("describe_instance_types").paginate()
            every = [_facts(t) for page in pages for t in page["InstanceTypes"]]
        return tuple(sorted((t for t in every if t.gpu), key=lambda t: t.name))

    def zones_offering(self, region: str, name: str) -> tuple[Zone, ...]:
        """The zones that sell the type, by name; empty when it is not offered."""
        return self.zones_selling(region, (name,)).get(name, ())

    def zones_selling(self, region: str, names: tuple[str, ...]) -> Mapping[str, tuple[Zone, ...]]:
        """The same for many types at once; a type that no zone sells is absent."""
        zones = self._zones_of(region)
        found: dict[str, list[Zone]] = {}
        with translated("DescribeInstanceTypeOfferings"):
            for name, zone in self._sold(region, sorted(set(names))):
                if zone in zones:
                    found.setdefault(name, []).append(zones[zone])
        return {name: tuple(sorted(at, key=lambda z: z.name)) for name, at in found.items()}

    def _sold(self, region: str, names: list[str]) -> Iterator[tuple[str, str]]:
        """(type, zone name) of every offering of these types."""
        asking = self._ec2(region).get_paginator("describe_instance_type_offerings")
        for start in range(0, len(names), _MOST_FILTER_VALUES):
            some = names[start : start + _MOST_FILTER_VALUES]
            pages = asking.paginate(
                LocationType="availability-zone",
                Filters=[{"Name": "instance-type", "Values": some}],
            )
            for offer in (one for page in pages for one in page["InstanceTypeOfferings"]):
                yield str(offer["InstanceType"]), offer["Location"]

    def _zones_of(self, region: str) -> dict[str, Zone]:
        if region not in self._zones:
            with translated("DescribeAvailabilityZones"):
                answer = self._ec2(region).describe_availability_zones()
            self._zones[region] = {
                z["ZoneName"]: Zone(name=z["ZoneName"], id=z["ZoneId"])
                for z in answer["AvailabilityZones"]
                if _is_ordinary(z)
            }
        return self._zones[region]

    def spot_prices(
        self, region: str, names: tuple[str, ...], now: datetime
    ) -> Mapping[tuple[str, str], Decimal]:
        """USD per hour in effect now by (type, zone name). Types without a price are absent."""
        history = self.spot_history(region, names, now)
        return {pool: changes[-1][1] for pool, changes in history.items()}

    def spot_history(
        self, region: str, names: tuple[str, ...], since: datetime
    ) -> Mapping[tuple[str, str], tuple[tuple[datetime, Decimal], ...]]:
        """(from when on, USD per hour) by (type, zone name), oldest first."""
        if not names:
            return {}
        found: dict[tuple[str, str], dict[datetime, Decimal]] = {}
        with translated("DescribeSpotPriceHistory"):
            for row in self._spot_rows(region, names, since):
                key = (str(row["InstanceType"]), row["AvailabilityZone"])
                at = row["Timestamp"].astimezone(UTC)
                found.setdefault(key, {})[at] = Decimal(row["SpotPrice"])
        return {pool: tuple(sorted(changes.items())) for pool, changes in found.items()}

    def _spot_rows(
        self, region: str, names: tuple[str, ...], since: datetime
    ) -> Iterator[Mapping[str, Any]]:
        """EC2 gives the price in effect at the start and every later change of it."""
        pages = (
            self._ec2(region)
            .get_paginator("describe_spot_price_history")
            .paginate(
                InstanceTypes=[_any(name) for name in names],
                ProductDescriptions=["Linux/UNIX"],
                StartTime=since,
            )
        )
        for page in pages:
            yield from page["SpotPriceHistory"]


def _is_ordinary(zone: Mapping[str, Any]) -> bool:
    """No Local Zone, which has prices and networks of its own, and none that is out of order."""
    kind, state = zone.get("ZoneType"), zone.get("State")
    return kind in (None, "availability-zone") and state in (None, "available")


def _any(name: str) -> Any:
    """A type's name as it comes: boto3's stubs know only the types of their own day."""
    return name


def _facts(t: Mapping[str, Any]) -> TypeFacts:
    architectures = t.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
    storage = t.get("InstanceStorageInfo", {})
    return TypeFacts(
        name=t["InstanceType"],
        vcpus=t["VCpuInfo"]["DefaultVCpus"],
        memory_mib=t["MemoryInfo"]["SizeInMiB"],
        architecture="arm64" if "arm64" in architectures else "x86_64",
        gpu=_accelerator(t),
        markets=frozenset(
            _MARKETS[word] for word in t.get("SupportedUsageClasses", []) if word in _MARKETS
        ),
        nvme_gb=storage.get("TotalSizeInGB", 0),
        boot_modes=tuple(t.get("SupportedBootModes", [])),
        network=t.get("NetworkInfo", {}).get("NetworkPerformance", ""),
    )


def _accelerator(t: Mapping[str, Any]) -> Gpu | None:
    """What makes the type more than a computer, wherever EC2 says it. No type mixes models, so the
    first entry speaks for all; Inferentia is listed twice, alike."""
    for part, items, chip in _ACCELERATORS:
        found = t.get(part, {}).get(items, [])
        if found:
            return _gpu(found[0], chip)
    return None


def _gpu(told: Mapping[str, Any], chip: Chip) -> Gpu:
    name, size = str(told.get("Name", "GPU")), told.get("MemoryInfo", {}).get("SizeInMiB", 0)
    return Gpu(
        name=name,
        maker=told.get("Manufacturer", "AWS" if chip is Chip.NEURON else ""),
        count=_count(told),
        memory_mib=_MISREPORTED.get((name, size), size),
        chip=chip,
    )


def _count(gpu: Mapping[str, Any]) -> Decimal:
    """A type with a part of a GPU (g6f) says Count 0 and, elsewhere, how large the part is."""
    if gpu.get("Count"):
        return Decimal(gpu["Count"])
    return Decimal(str(gpu.get("GpuPartitionSize", 0))) * int(gpu.get("LogicalGpuCount", 1))
