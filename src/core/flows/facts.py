"""Gathers what must be known about a wish: one read of AWS for each fact, none decided here.

Read in bulk, region by region, for all candidates at once. A region that does not answer says so of
its candidates and keeps nobody from launching in the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from core import catalog, plan, policy, ways
from core.faults import CloudError, FaultKind
from core.flows import admitted, images, market, shortage
from core.flows.house import House
from core.flows.limits import quota_facts
from core.flows.once import asked_once
from core.model import DataVolume, Market, Network, QuotaFacts, TypeFacts, Wish, Zone
from core.plan import Candidate, Facts

_MAY_FAIL = frozenset({FaultKind.DENIED, FaultKind.THROTTLED, FaultKind.UNKNOWN})


def gather(house: House, wish: Wish, owner: str) -> Facts:
    """Everything that `plan.decide` needs."""
    return Facts(
        candidates=read(house, wish, plan.candidates(wish)),
        profile=admitted.profile(house, owner),
        full=shortage.recent(house),
        home=_home(house, wish, owner),
    )


def _home(house: House, wish: Wish, owner: str) -> str | None:
    """The zone of the data volume that comes along, if it is somewhere already."""
    row = house.ledger.row(DataVolume, f"{owner}.{wish.data}") if wish.data else None
    return row.zone if row else None


def offers(
    house: House, wish: Wish, gone: TypeFacts | None, *, admin: bool
) -> tuple[ways.Offer, ...]:
    """What else could be launched than the wish. `gone`: what its first type is, where known.

    A way that cannot be priced or checked now is left out: an offer is help, not a promise.
    """
    near = (kind.name for kind in _nearest(house, wish, gone))
    known = read(house, wish, ways.elsewhere(wish, house.policy, near))
    return ways.offers(wish, known, house.policy, admin=admin)


def _nearest(house: House, wish: Wish, gone: TypeFacts | None) -> tuple[TypeFacts, ...]:
    living: dict[str, TypeFacts] = {}
    for region in wish.regions:
        try:
            types = market.offers_of(house, region).types
            living |= {k.name: k for k in types if policy.allows_type(k.name, house.policy)}
        except CloudError:
            continue
    return catalog.nearest(wish.instance_type, gone, tuple(living.values()), wish.market)


# ---- reading --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Region:
    """What all candidates of a region have in common."""

    name: str
    types: Mapping[str, TypeFacts]
    zones: Mapping[str, tuple[Zone, ...]]
    spot: Mapping[tuple[str, str], Decimal]  # by (type, zone name)
    network: Network | None


def read(house: House, wish: Wish, wanted: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The same candidates with what AWS says about them."""
    once, bare = asked_once(house), tuple(wanted)
    known = {
        region: iter(
            _in_region(once, wish, region, tuple(it for it in bare if it.region == region))
        )
        for region in dict.fromkeys(it.region for it in bare)
    }
    return tuple(next(known[it.region]) for it in bare)


def _in_region(
    house: House, wish: Wish, region: str, wanted: tuple[Candidate, ...]
) -> tuple[Candidate, ...]:
    try:
        common = _common(house, region, wanted)
    except CloudError as error:
        return tuple(replace(it, fault=error.fault) for it in wanted)
    return tuple(_known(house, wish, it, common) for it in wanted)


def _common(house: House, region: str, wanted: tuple[Candidate, ...]) -> _Region:
    names = tuple(dict.fromkeys(it.instance_type for it in wanted))
    types = house.cloud.types_named(region, names)
    zones = house.cloud.zones_selling(region, tuple(types)) if types else {}
    spot = tuple(name for name in zones if any(it.market is Market.SPOT for it in wanted))
    return _Region(
        name=region,
        types=types,
        zones=zones,
        spot=house.cloud.spot_prices(region, spot, house.clock()) if spot else {},
        network=house.cloud.network(region) if zones else None,
    )


def _known(house: House, wish: Wish, it: Candidate, region: _Region) -> Candidate:
    kind, zones = region.types.get(it.instance_type), region.zones.get(it.instance_type, ())
    if kind is None or not zones or it.market not in kind.markets:
        return replace(it, type=kind, zones=zones)
    try:
        return replace(
            it,
            type=kind,
            zones=zones,
            hourly=_hourly(house, it, zones, region),
            network=region.network,
            quota=_quota(house, it),
            image=images.image_for(house, wish, it.region, kind),
        )
    except CloudError as error:
        return replace(it, type=kind, zones=zones, fault=error.fault)


def _hourly(
    house: House, it: Candidate, zones: tuple[Zone, ...], region: _Region
) -> dict[str, Decimal]:
    """USD per hour by zone name: spot differs by zone, on-demand does not."""
    name = it.instance_type
    if it.market is Market.SPOT:
        return {z.name: region.spot[name, z.name] for z in zones if (name, z.name) in region.spot}
    price = house.prices.listed(region.name, tuple(region.zones)).get(name)
    return {} if price is None else {z.name: price for z in zones}


def _quota(house: House, it: Candidate) -> QuotaFacts | None:
    """The quota that it draws on; None when Service Quotas may not be read.

    Without it RunInstances itself says whether there is room, so a launch need not fail for it.
    """
    try:
        return quota_facts(house, it.region, it.instance_type, it.market)
    except CloudError as error:
        if error.fault.kind in _MAY_FAIL:
            return None
        raise
