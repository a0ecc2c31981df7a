"""Gathers what must be known about a wish: one read of AWS for each fact, none decided here."""

from collections.abc import Iterator
from decimal import Decimal

from core import catalog, images
from core import quota as quotas
from core.faults import CloudError, FaultKind
from core.flows.house import House
from core.model import (
    Image,
    Machine,
    Market,
    QuotaFacts,
    State,
    TypeFacts,
    Wish,
)
from core.plan import Facts, Offer
from core.quota import short

_MAY_FAIL = frozenset({FaultKind.DENIED, FaultKind.THROTTLED, FaultKind.UNKNOWN})


def gather(house: House, wish: Wish, owner: str) -> Facts:
    """Everything `plan.decide` needs; CloudError when AWS does not answer."""
    region, name = wish.region, wish.instance_type
    kind = house.cloud.type_facts(region, name)
    zones = house.cloud.zones_offering(region, name) if kind else ()
    known = kind is not None and bool(zones)
    return Facts(
        type=kind,
        zones=zones,
        hourly=_hourly(house, wish, tuple(z.name for z in zones)) if known else {},
        network=house.cloud.network(region) if known else None,
        quota=_quota(house, wish) if known else None,
        image=_image(house, wish, kind) if known and kind else None,
        profile=house.ledger.profile(owner).at(house.clock()),
    )


def _hourly(house: House, wish: Wish, zones: tuple[str, ...]) -> dict[str, Decimal]:
    """USD per hour by zone: spot differs by zone, on-demand does not."""
    if wish.market is Market.SPOT:
        prices = house.cloud.spot_prices(wish.region, (wish.instance_type,), house.clock())
        return {
            z: prices[wish.instance_type, z] for z in zones if (wish.instance_type, z) in prices
        }
    price = house.prices.on_demand(wish.region, wish.instance_type)
    return {} if price is None else dict.fromkeys(zones, price)


def _quota(house: House, wish: Wish) -> QuotaFacts | None:
    """The quota that the wish draws on; None when Service Quotas may not be read.

    Without it RunInstances itself says whether there is room, so a launch need not fail for it.
    """
    try:
        return quota_facts(house, wish.region, wish.instance_type, wish.market)
    except CloudError as error:
        if error.fault.kind in _MAY_FAIL:
            return None
        raise


def quota_facts(house: House, region: str, instance_type: str, market: Market) -> QuotaFacts:
    """Limit, use and our own launches in flight of one quota, in vCPUs."""
    wanted = catalog.quota_of(instance_type, market)
    code, name, limit = house.quotas.limit(region, wanted.name, wanted.code)
    return QuotaFacts(
        code=code,
        name=name,
        region=region,
        limit=limit,
        used=quotas.used(house.cloud.in_use(region), wanted),
        in_flight=sum(_vcpus_in_flight(house, region, wanted)),
    )


def _vcpus_in_flight(house: House, region: str, wanted: catalog.QuotaRef) -> Iterator[int]:
    """Launches of ours that EC2 may not show yet: an attempt has been sent and not answered."""
    for m in house.ledger.live():
        sent = m.state is State.LAUNCHING and m.attempt is not None and m.attempt.sends > 0
        here = m.wish.region == region
        same = catalog.quota_of(m.wish.instance_type, m.wish.market) == wanted
        if sent and here and same and m.facts:
            yield m.facts.vcpus


def _image(house: House, wish: Wish, kind: TypeFacts) -> Image | None:
    if wish.image.startswith("ami-"):
        return house.images.by_id(wish.region, wish.image)
    wanted = images.plan(kind, wish.image)
    if isinstance(wanted, str):
        return None
    return house.images.newest(wish.region, wanted.parameters, wanted.patterns, wanted.architecture)


# ---- what else there is ---------------------------------------------------------------------


def offers(house: House, m: Machine, facts: Facts, *, types: bool) -> tuple[Offer, ...]:
    """Other ways to a machine: the other market, the other regions, with `types` the nearest types.

    A way that cannot be priced or checked now is left out: an offer is help, not a promise.
    """
    wish = m.wish
    found = (
        [_offer(house, wish.instance_type, _other(wish.market), wish.region)] if facts.zones else []
    )
    if types:
        found += [
            _offer(house, t.name, wish.market, wish.region) for t in _nearest(house, wish, facts)
        ]
    found += [
        _offer(house, wish.instance_type, wish.market, region)
        for region in house.policy.regions
        if region != wish.region
    ]
    return tuple(offer for offer in found if offer)


def _other(market: Market) -> Market:
    return Market.ON_DEMAND if market is Market.SPOT else Market.SPOT


def _nearest(house: House, wish: Wish, facts: Facts) -> tuple[TypeFacts, ...]:
    try:
        living = house.cloud.gpu_types(wish.region)
    except CloudError:
        return ()
    return catalog.nearest(wish.instance_type, facts.type, living, wish.market)


def _offer(house: House, name: str, market: Market, region: str) -> Offer | None:
    try:
        return _priced(house, name, market, region)
    except CloudError:
        return None


def _priced(house: House, name: str, market: Market, region: str) -> Offer | None:
    kind = house.cloud.type_facts(region, name)
    zones = house.cloud.zones_offering(region, name) if kind else ()
    if kind is None or market not in kind.markets:
        return None
    wish = Wish(instance_type=name, market=market, region=region)
    prices = _hourly(house, wish, tuple(z.name for z in zones))
    if not prices:
        return None
    quota = quota_facts(house, region, name, market)
    return Offer(
        instance_type=name,
        market=market,
        region=region,
        hourly=min(prices.values()),
        room=short(quota, kind.vcpus) == 0,
    )
