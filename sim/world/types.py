"""Instance types, where they are sold, and what spot costs."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, page
from sim.world.data import load_offerings, load_types
from sim.world.errors import AwsError, unknown
from sim.world.ground import Ground
from sim.world.spot import REMEMBERED, changes
from sim.world.things import Region

_LINUX = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")


def _words(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _describe(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    sold = load_offerings(region.name)
    names = params.get("InstanceTypes")
    missing = [name for name in names or () if name not in sold]
    if missing:
        raise AwsError(
            "InvalidInstanceType",
            f"The following supplied instance types do not exist: [{', '.join(missing)}]",
        )
    if names and params.get("MaxResults"):
        raise AwsError(
            "InvalidParameterCombination",
            "The parameter InstanceTypes cannot be used with the parameter MaxResults",
        )
    kinds = [load_types()[name] for name in sorted(set(names or sold))]
    found = matching(
        "DescribeInstanceTypes",
        kinds,
        params,
        {
            "instance-type": lambda k: k["InstanceType"],
            "current-generation": lambda k: _words(k["CurrentGeneration"]),
            "bare-metal": lambda k: _words(k["BareMetal"]),
            "processor-info.supported-architecture": lambda k: k["ProcessorInfo"][
                "SupportedArchitectures"
            ],
            "supported-usage-class": lambda k: k["SupportedUsageClasses"],
            "supported-root-device-type": lambda k: k["SupportedRootDeviceTypes"],
            "vcpu-info.default-vcpus": lambda k: _words(k["VCpuInfo"]["DefaultVCpus"]),
            "memory-info.size-in-mib": lambda k: _words(k["MemoryInfo"]["SizeInMiB"]),
            "hypervisor": lambda k: k.get("Hypervisor"),
        },
    )
    shown, more = page(found, params, least=5, most=100, default=100)
    return {"InstanceTypes": shown, **more}


def _offerings(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Each (type, place): the region, or every zone by name or id."""
    kind = params.get("LocationType") or "region"
    if kind not in ("region", "availability-zone", "availability-zone-id"):
        raise unknown("DescribeInstanceTypeOfferings", "location type", kind)
    zone_ids = dict(region.zones)
    rows: list[tuple[str, str]] = []
    for name, zones in load_offerings(region.name).items():
        if kind == "region":
            rows.append((name, region.name))
        else:
            rows += [(name, zone_ids[z] if kind.endswith("-id") else z) for z in zones]
    found = matching(
        "DescribeInstanceTypeOfferings",
        rows,
        params,
        {"instance-type": lambda row: row[0], "location": lambda row: row[1]},
    )
    shown, more = page(found, params, least=5, most=1000, default=1000)
    return {
        "InstanceTypeOfferings": [
            {"InstanceType": name, "LocationType": kind, "Location": place} for name, place in shown
        ],
        **more,
    }


def _spot_prices(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Every change of the last 90 days between start and end, the newest first, and with a start
    the price that was in effect at it."""
    start, end = _time(params.get("StartTime")), _time(params.get("EndTime"))
    if start and end and end < start:
        raise AwsError("InvalidParameterValue", "The end time must not be before the start time")
    since = max(start or ground.time - REMEMBERED, ground.time - REMEMBERED)
    until = min(end or ground.time, ground.time)
    wanted = params.get("ProductDescriptions") or _LINUX[:1]
    rows = [
        (name, zone, product, at, price)
        for name, zone in _pools(region, params)
        for at, price in changes(ground, region.name, zone, name, min(since, ground.time), until)
        for product in _LINUX
        if product in wanted
    ]
    found = matching(
        "DescribeSpotPriceHistory",
        sorted(rows, key=lambda row: row[3], reverse=True),
        params,
        {
            "instance-type": lambda row: row[0],
            "availability-zone": lambda row: row[1],
            "product-description": lambda row: row[2],
        },
    )
    shown, more = page(found, params, most=1000, default=1000)
    return {"SpotPriceHistory": [_price(*row) for row in shown], **more}


def _pools(region: Region, params: Params) -> list[tuple[str, str]]:
    """(type, zone) of everything that is asked about."""
    names, only = params.get("InstanceTypes"), params.get("AvailabilityZone")
    return [
        (name, zone)
        for name, zones in load_offerings(region.name).items()
        for zone in zones
        if (not names or name in names) and (not only or zone == only)
    ]


def _price(name: str, zone: str, product: str, at: datetime, price: Decimal) -> dict[str, Any]:
    return {
        "InstanceType": name,
        "AvailabilityZone": zone,
        "ProductDescription": product,
        "SpotPrice": f"{price:.6f}",
        "Timestamp": at,
    }


def _time(value: Any) -> datetime | None:
    """boto3 takes a datetime or text; one without a zone is UTC."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


OPERATIONS = (
    Operation(
        name="DescribeInstanceTypes",
        takes={**FILTERS, **PAGES, "InstanceTypes": None},
        run=_describe,
    ),
    Operation(
        name="DescribeInstanceTypeOfferings",
        takes={**FILTERS, **PAGES, "LocationType": None},
        run=_offerings,
    ),
    Operation(
        name="DescribeSpotPriceHistory",
        takes={
            **FILTERS,
            **PAGES,
            "InstanceTypes": None,
            "ProductDescriptions": None,
            "StartTime": None,
            "EndTime": None,
            "AvailabilityZone": None,
        },
        run=_spot_prices,
    ),
)
