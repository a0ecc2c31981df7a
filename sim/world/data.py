"""The figures that the world is made of: types, offerings, zones, prices, quotas, images.

Types and offerings come out of the moto package without importing it; the rest is in sim/data,
whose README names each source. Everything is read once, when it is first asked for.
"""

import csv
import gzip
import importlib.util
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent.parent / "data"
CHEAP = frozenset({"t3.nano", "t3.micro", "t4g.nano", "m5.large", "c5.large"})
_ACCELERATORS = (
    "GpuInfo",
    "NeuronInfo",
    "InferenceAcceleratorInfo",
    "FpgaInfo",
    "MediaAcceleratorInfo",
)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A vCPU quota of EC2. `families` are the letters (and generation) its types begin with."""

    code: str
    name: str
    market: str
    families: tuple[str, ...]
    default: float


@dataclass(frozen=True, kw_only=True)
class Image:
    """A public image, which has another id in every region."""

    name: str
    architecture: str
    parameter: str | None
    root_device: str
    root_gb: int
    created: str
    owner: str

    def id(self, region: str) -> str:
        return f"ami-0{_digits(region, self.name)}"

    def snapshot(self, region: str) -> str:
        return f"snap-0{_digits('snapshot', region, self.name)}"


def _digits(*words: str) -> str:
    text = "/".join(words).encode()
    return f"{zlib.crc32(text):08x}{zlib.crc32(text[::-1]):08x}"


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_HERE / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


# ---- zones and types ----------------------------------------------------------------------------


@cache
def load_zones(region: str) -> tuple[tuple[str, str], ...]:
    """(name, id) of the region's zones; ValueError for a region that the data do not have."""
    found = tuple((r["zone"], r["zone_id"]) for r in _rows("zones.csv") if r["region"] == region)
    if not found:
        raise ValueError(f"the world has no figures for {region}")
    return found


def _moto(path: str) -> Any:
    spec = importlib.util.find_spec("moto")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the world's instance types come with the moto package: install it")
    file = Path(spec.submodule_search_locations[0]) / "ec2" / "resources" / path
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return json.load(text)


@cache
def _p3() -> Any:
    return json.loads((_HERE / "p3.json").read_text(encoding="utf-8"))


@cache
def load_types() -> dict[str, dict[str, Any]]:
    """DescribeInstanceTypes' elements of everything with an accelerator and a few cheap types."""
    every = _moto("instance_types.json.gz")
    known = {
        name: kind
        for name, kind in every.items()
        if name in CHEAP or any(part in kind for part in _ACCELERATORS)
    }
    return dict(sorted({**known, **_p3()["types"]}.items()))


@cache
def load_offerings(region: str) -> dict[str, tuple[str, ...]]:
    """The names of the zones that sell a type, by type."""
    types = load_types()
    zone_of = {zone_id: zone for zone, zone_id in load_zones(region)}
    found: dict[str, set[str]] = {}
    for row in _moto(f"instance_type_offerings/availability-zone-id/{region}.json.gz"):
        if row["InstanceType"] in types and row["Location"] in zone_of:
            found.setdefault(row["InstanceType"], set()).add(zone_of[row["Location"]])
    for name in _p3()["types"]:
        found[name] = {zone_of[zone_id] for zone_id in _p3()["zone_ids"][region]}
    return {name: tuple(sorted(zones)) for name, zones in sorted(found.items())}


# ---- prices -------------------------------------------------------------------------------------


@cache
def load_prices(region: str) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    """(on-demand, spot) USD an hour by type."""
    return {
        row["instance_type"]: (_price(row["on_demand"]), _price(row["spot"]))
        for row in _rows("prices.csv")
        if row["region"] == region
    }


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def on_demand_price(region: str, instance_type: str) -> Decimal | None:
    """USD an hour, or None where AWS lists none."""
    return load_prices(region).get(instance_type, (None, None))[0]


def spot_price(region: str, zone: str, instance_type: str) -> Decimal | None:
    """USD an hour in that zone: the region's figure, up to 6 % off so that zones differ."""
    price = load_prices(region).get(instance_type, (None, None))[1]
    if price is None:
        return None
    off = zlib.crc32(f"{zone}/{instance_type}".encode()) % 121 - 60
    return (price * (1000 + off) / 1000).quantize(Decimal("0.0001"))


# ---- quotas -------------------------------------------------------------------------------------


@cache
def load_quotas() -> tuple[Quota, ...]:
    return tuple(
        Quota(
            code=row["code"],
            name=row["name"],
            market=row["market"],
            families=tuple(row["families"].split()),
            default=float(row["default"]),
        )
        for row in _rows("quotas.csv")
    )


@cache
def quota_of(instance_type: str, market: str) -> Quota:
    """The quota that the type draws on; KeyError where the figures name none."""
    match = re.match(r"([a-z]+)(\d*)", instance_type)
    if match:
        letters, generation = match.groups()
        for quota in load_quotas():
            if quota.market == market and {letters, letters + generation[:1]} & set(quota.families):
                return quota
    raise KeyError(f"no {market} quota for {instance_type}")


# ---- images -------------------------------------------------------------------------------------


@cache
def load_images() -> tuple[Image, ...]:
    return tuple(
        Image(
            name=row["name"],
            architecture=row["architecture"],
            parameter=row["parameter"] or None,
            root_device=row["root_device"],
            root_gb=int(row["root_gb"]),
            created=row["created"],
            owner=row["owner"],
        )
        for row in _rows("images.csv")
    )


@cache
def images_of(region: str) -> dict[str, Image]:
    """The region's images by id."""
    return {image.id(region): image for image in load_images()}


@cache
def parameters_of(region: str) -> dict[str, str]:
    """Image ids by public SSM parameter."""
    return {i.parameter: i.id(region) for i in load_images() if i.parameter}
