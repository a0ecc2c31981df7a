"""What EC2 sells: instance types, the zones that offer them, spot prices."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.model import Gpu, Market, TypeFacts, Zone

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_MARKETS = {market.value: market for market in Market}


class Offers:
    """The part of core.ports.Cloud that only reads what is on sale.

    What hardly ever changes (the GPU types of a region, its zones' ids) is read once a process.
    """

    def __init__(self, clients: "Callable[[str], EC2Client]") -> None:
        self._ec2 = clients
        self._gpu_types: dict[str, tuple[TypeFacts, ...]] = {}
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

    def gpu_types(self, region: str) -> tuple[TypeFacts, ...]:
        """Every type with a GPU that the region knows, by name."""
        if region not in self._gpu_types:
            with translated("DescribeInstanceTypes"):
                pages = self._ec2(region).get_paginator("describe_instance_types").paginate()
                found = [_facts(t) for p in pages for t in p["InstanceTypes"] if t.get("GpuInfo")]
            self._gpu_types[region] = tuple(sorted(found, key=lambda t: t.name))
        return self._gpu_types[region]

    def zones_offering(self, region: str, name: str) -> tuple[Zone, ...]:
        """The zones that sell the type, by name; empty when it is not offered."""
        with translated("DescribeInstanceTypeOfferings"):
            pages = (
                self._ec2(region)
                .get_paginator("describe_instance_type_offerings")
                .paginate(
                    LocationType="availability-zone",
                    Filters=[{"Name": "instance-type", "Values": [name]}],
                )
            )
            selling = {o["Location"] for p in pages for o in p["InstanceTypeOfferings"]}
        zones = self._zones_of(region)
        return tuple(zones[zone] for zone in sorted(selling) if zone in zones)

    def _zones_of(self, region: str) -> dict[str, Zone]:
        if region not in self._zones:
            with translated("DescribeAvailabilityZones"):
                answer = self._ec2(region).describe_availability_zones()
            self._zones[region] = {
                z["ZoneName"]: Zone(name=z["ZoneName"], id=z["ZoneId"])
                for z in answer["AvailabilityZones"]
            }
        return self._zones[region]

    def spot_prices(
        self, region: str, names: tuple[str, ...], now: datetime
    ) -> Mapping[tuple[str, str], Decimal]:
        """USD per hour in effect now by (type, zone name). Types without a price are absent."""
        if not names:
            return {}
        newest: dict[tuple[str, str], tuple[datetime, Decimal]] = {}
        with translated("DescribeSpotPriceHistory"):
            # A start of now gives, for each zone, the one price that is in effect.
            pages = (
                self._ec2(region)
                .get_paginator("describe_spot_price_history")
                .paginate(
                    InstanceTypes=[_any(name) for name in names],
                    ProductDescriptions=["Linux/UNIX"],
                    StartTime=now,
                )
            )
            for row in (row for page in pages for row in page["SpotPriceHistory"]):
                key = (str(row["InstanceType"]), row["AvailabilityZone"])
                at = row["Timestamp"].astimezone(UTC)
                if key not in newest or newest[key][0] < at:
                    newest[key] = (at, Decimal(row["SpotPrice"]))
        return {key: price for key, (_, price) in newest.items()}


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
        gpu=_gpu(t.get("GpuInfo", {}).get("Gpus", [])),
        markets=frozenset(
            _MARKETS[word] for word in t.get("SupportedUsageClasses", []) if word in _MARKETS
        ),
        nvme_gb=storage.get("TotalSizeInGB", 0),
    )


def _gpu(gpus: list[Mapping[str, Any]]) -> Gpu | None:
    """No type mixes GPUs, so the first entry speaks for all."""
    if not gpus:
        return None
    gpu = gpus[0]
    return Gpu(
        name=gpu.get("Name", "GPU"),
        maker=gpu.get("Manufacturer", ""),
        count=_count(gpu),
        memory_mib=gpu.get("MemoryInfo", {}).get("SizeInMiB", 0),
    )


def _count(gpu: Mapping[str, Any]) -> Decimal:
    """A type with a part of a GPU (g6f) says Count 0 and, elsewhere, how large the part is."""
    if gpu.get("Count"):
        return Decimal(gpu["Count"])
    return Decimal(str(gpu.get("GpuPartitionSize", 0))) * int(gpu.get("LogicalGpuCount", 1))
