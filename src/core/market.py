"""What is sold where and for how much: which types a word picks, what is cheapest, how spot moved.

US dollars per hour throughout.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from core import catalog
from core.catalog import family, fitting, total_memory
from core.model import Chip, Full, Market, RegionOffers, TypeFacts, Zone

WEEK = timedelta(days=7)
POINTS = 15  # of a trend: the first, the last and every twelve hours between
_EVERY_HOUR = 7 * 24

Pool = tuple[str, str]  # (type, zone name)
Changes = tuple[tuple[datetime, Decimal], ...]  # from when on, which price; oldest first


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A region's offers, and the spot prices in effect; None while EC2 does not tell them."""

    offers: RegionOffers
    spot: Mapping[Pool, Decimal] | None


@dataclass(frozen=True, kw_only=True)
class Sale:
    """One type in one region: the zones that sell it, and what it costs there."""

    region: str
    zones: tuple[Zone, ...]
    on_demand: Decimal | None
    spot: tuple[tuple[Zone, Decimal], ...]  # the cheapest first


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A type and every region that sells it."""

    type: TypeFacts
    sales: tuple[Sale, ...]

    def cheapest(self, market: Market) -> tuple[Decimal, str] | None:
        """(price, where) of the cheapest region, or for spot zone; None where no price is known."""
        if market is Market.SPOT:
            found = [(price, zone.name) for s in self.sales for zone, price in s.spot]
        else:
            found = [(s.on_demand, s.region) for s in self.sales if s.on_demand is not None]
        return min(found, default=None)

    def least(self, market: Market | None) -> Decimal:
        """The least price of the market, or of both; more than any where none is known."""
        found = [self.cheapest(m) for m in ([market] if market else Market)]
        return min((one[0] for one in found if one), default=Decimal("Infinity"))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a type can be bought: a zone's spot pool, or a region on demand."""

    instance_type: str
    market: Market
    region: str
    zones: tuple[Zone, ...]
    hourly: Decimal
    saving: int | None = None  # per cent below on-demand in that region
    full: tuple[str, ...] = ()  # names of the zones that had no capacity a moment ago


@dataclass(frozen=True, kw_only=True)
class Week:
    """What a spot pool has cost in seven days. `trend`: prices at even intervals, the last is now;
    None before the pool is known to have had one."""

    zone: str
    low: Decimal
    median: Decimal
    high: Decimal
    trend: tuple[Decimal | None, ...]


@dataclass(frozen=True, kw_only=True)
class View:
    """Which regions an answer tells of, how old its types and list prices are, what it lacks."""

    regions: tuple[str, ...]
    age: timedelta
    silent: tuple[str, ...] = ()  # regions for which EC2 does not answer now
    no_spot: tuple[str, ...] = ()  # regions whose spot prices EC2 does not tell now


# ---- which types ----------------------------------------------------------------------------

_CHIPS = {
    "neuron": Chip.NEURON,
    "fpga": Chip.FPGA,
    "media": Chip.MEDIA,
    "video": Chip.MEDIA,
    "inference": Chip.INFERENCE,
}
_ARCHITECTURES = {
    "arm": "arm64",
    "arm64": "arm64",
    "graviton": "arm64",
    "x86": "x86_64",
    "x86_64": "x86_64",
}
_MAKERS = frozenset({"nvidia", "amd", "xilinx", "habana", "qualcomm"})


def chosen(word: str | None, types: tuple[TypeFacts, ...]) -> tuple[TypeFacts, ...]:
    """The types that a filter lets through: a type, a family, a GPU, its memory, a maker, …"""
    if word is None:
        return types
    tests: list[Callable[[TypeFacts], bool]] = [
        lambda t: t.name == word,
        lambda t: family(t.name) == word,
        lambda t: t.architecture == _ARCHITECTURES.get(word),
        lambda t: t.gpu is not None and t.gpu.chip is _CHIPS.get(word),
        lambda t: t.gpu is not None and word in _MAKERS and t.gpu.maker.lower() == word,
    ]
    for test in tests:
        found = tuple(t for t in types if test(t))
        if found:
            return found
    return _parts_too(word, types)


def _parts_too(word: str, types: tuple[TypeFacts, ...]) -> tuple[TypeFacts, ...]:
    """A list is no launch: it shows what has the GPU in part, and GPUs of any maker."""
    least = catalog.memory_wished(word)
    if least is not None:
        gpus = (t for t in types if t.gpu and t.gpu.chip is Chip.GPU)
        return tuple(t for t in gpus if total_memory(t) >= least)
    whole = fitting(word, types)
    models = {t.gpu.name for t in whole if t.gpu}
    counted = word[:1].isdigit()
    parts = (t for t in types if t.gpu and t.gpu.count < 1 and t.gpu.name in models)
    return whole if counted else (*whole, *parts)


# ---- what they cost -------------------------------------------------------------------------


def listings(
    shelves: Iterable[Shelf], types: Iterable[TypeFacts], market: Market | None = None
) -> tuple[Listing, ...]:
    """Each type with the regions that sell it, in the market if one is asked for; the cheapest
    family first, in a family the smallest type first. What no zone sells is left out."""
    by_name = {t.name: t for t in types if market is None or market in t.markets}
    sales: dict[str, list[Sale]] = {}
    for shelf in shelves:
        for name, sale in _sales(shelf):
            if name in by_name:
                sales.setdefault(name, []).append(sale)
    found = [Listing(type=by_name[name], sales=tuple(at)) for name, at in sales.items()]
    first = {name: min(one.least(market) for one in some) for name, some in _grouped(found).items()}
    return tuple(
        sorted(
            found,
            key=lambda one: (
                first[family(one.type.name)],
                family(one.type.name),
                one.type.vcpus,
                one.type.name,
            ),
        )
    )


def families(found: Iterable[Listing]) -> tuple[tuple[str, tuple[Listing, ...]], ...]:
    """The same by family, in the same order."""
    return tuple((name, tuple(some)) for name, some in _grouped(found).items())


def _grouped(found: Iterable[Listing]) -> dict[str, list[Listing]]:
    groups: dict[str, list[Listing]] = {}
    for one in found:
        groups.setdefault(family(one.type.name), []).append(one)
    return groups


def _sales(shelf: Shelf) -> Iterable[tuple[str, Sale]]:
    zones = {zone.name: zone for zone in shelf.offers.zones}
    listed = dict(shelf.offers.on_demand)
    prices = shelf.spot or {}
    for name, selling in shelf.offers.sold:
        at = tuple(zones[zone] for zone in selling if zone in zones)
        spot = [(z, prices[name, z.name]) for z in at if (name, z.name) in prices]
        yield (
            name,
            Sale(
                region=shelf.offers.region,
                zones=at,
                on_demand=listed.get(name),
                spot=tuple(sorted(spot, key=lambda one: (one[1], one[0].name))),
            ),
        )


def places(found: Iterable[Listing], full: Iterable[Full], now: datetime) -> tuple[Place, ...]:
    """Everywhere that the types can be bought at a known price, the cheapest first.

    Of two places at one price the one that is not known to be full comes first, then on-demand,
    which nobody takes back.
    """
    filled = {(f.region, f.zone, f.instance_type, f.market) for f in full if f.until > now}
    every = [place for one in found for sale in one.sales for place in _at(one.type, sale, filled)]
    return tuple(
        sorted(
            every,
            key=lambda p: (
                p.hourly,
                len(p.full) == len(p.zones),
                p.market is Market.SPOT,
                p.region,
                p.zones[0].name,
                p.instance_type,
            ),
        )
    )


def _at(kind: TypeFacts, sale: Sale, filled: set[tuple[str, str, str, Market]]) -> Iterable[Place]:
    def full(market: Market, zones: tuple[Zone, ...]) -> tuple[str, ...]:
        return tuple(z.name for z in zones if (sale.region, z.name, kind.name, market) in filled)

    if sale.on_demand is not None and sale.zones and Market.ON_DEMAND in kind.markets:
        yield Place(
            instance_type=kind.name,
            market=Market.ON_DEMAND,
            region=sale.region,
            zones=sale.zones,
            hourly=sale.on_demand,
            full=full(Market.ON_DEMAND, sale.zones),
        )
    for zone, hourly in sale.spot if Market.SPOT in kind.markets else ():
        yield Place(
            instance_type=kind.name,
            market=Market.SPOT,
            region=sale.region,
            zones=(zone,),
            hourly=hourly,
            saving=saving(hourly, sale.on_demand),
            full=full(Market.SPOT, (zone,)),
        )


def best(found: tuple[Listing, ...], at: tuple[Place, ...]) -> Listing:
    """The type that is cheapest where it is not known to be full; the first where none has a price.

    `found` has one at least.
    """
    free = (place for place in at if len(place.full) < len(place.zones))
    first = next(free, at[0] if at else None)
    return next((one for one in found if first and one.type.name == first.instance_type), found[0])


def saving(hourly: Decimal, on_demand: Decimal | None) -> int | None:
    """Per cent that spot is below on-demand, rounded down; None where it is not below it."""
    if not on_demand or hourly >= on_demand:
        return None
    return int((1 - hourly / on_demand) * 100)


# ---- how spot moved -------------------------------------------------------------------------


def week(zone: str, changes: Changes, now: datetime) -> Week | None:
    """Seven days of a pool, seen hour by hour; None where no price is known."""
    prices = [price for price in sampled(changes, now, _EVERY_HOUR + 1) if price is not None]
    if not prices:
        return None
    return Week(
        zone=zone,
        low=min(prices),
        median=Decimal(median(prices)),
        high=max(prices),
        trend=sampled(changes, now, POINTS),
    )


def sampled(changes: Changes, now: datetime, points: int) -> tuple[Decimal | None, ...]:
    """What was in effect at `points` moments, evenly from seven days ago to now."""
    return tuple(_in_effect(changes, at) for at in moments(now, points))


def moments(now: datetime, points: int) -> tuple[datetime, ...]:
    """`points` moments from seven days ago to now; two at least."""
    return tuple(now - WEEK + WEEK * n / (points - 1) for n in range(points))


def _in_effect(changes: Changes, at: datetime) -> Decimal | None:
    return next((price for since, price in reversed(changes) if since <= at), None)
