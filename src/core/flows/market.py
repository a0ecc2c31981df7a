"""What EC2 sells and for how much: `types` and `price`."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core import catalog, commands, market, messages, policy
from core.faults import CloudError
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer
from core.market import Listing, Shelf, View
from core.model import Full, Market, RegionOffers, TypeFacts
from core.ports import StaleRow, UnreadableRow

FRESH_FOR = timedelta(hours=1)


def types(house: House, request: Request, wanted: commands.Types) -> None:
    """What is sold in the allowed regions, or in one: all of it, or what the filter picks."""
    regions = _regions(house, request, wanted.region)
    if not regions:
        return None
    seen = _look(house, regions)
    kinds = market.chosen(wanted.filter, seen.types)
    names = tuple(kind.name for kind in kinds)
    shelves = _priced(house, seen.offers, names)
    found = market.listings(shelves, kinds, wanted.market)
    if not found:
        return _not_sold(house, request, wanted.filter or "", regions, wanted.market)
    view = seen.view(house.clock(), shelves)
    message = messages.types(found, view, wanted.filter, wanted.market)
    return answer(house, request.response_url, message)


def price(house: House, request: Request, wanted: commands.Price) -> None:
    """Where a type, or what has that GPU or that much memory, is cheapest now, and was lately."""
    regions = _regions(house, request, wanted.region)
    if not regions:
        return None
    seen = _look(house, regions, wanted.instance_type)
    kinds = _meant(wanted.instance_type, seen.types)
    shelves = _priced(house, seen.offers, tuple(kind.name for kind in kinds))
    found = market.listings(shelves, kinds)
    if not found:
        return _not_sold(house, request, wanted.instance_type, regions, None)
    now = house.clock()
    places = market.places(found, house.ledger.rows(Full), now)
    first = market.best(found, places)
    weeks = _weeks(house, first, now)
    message = messages.prices(
        wanted.instance_type, first, found, places, weeks, seen.view(now, shelves), now
    )
    return answer(house, request.response_url, message)


def offers_of(house: House, region: str) -> RegionOffers:
    """What the region sells, read at most an hour ago.

    While EC2 does not answer, an older answer is better than none, and tells its age; CloudError
    where there never was one.
    """
    known = _remembered(house, region)
    if known is not None and house.clock() - known.read_at < FRESH_FOR:
        return known if known.on_demand else _with_list_prices(house, known)
    try:
        return _read(house, region, known)
    except CloudError:
        if known is None:
            raise
        return known


def _with_list_prices(house: House, known: RegionOffers) -> RegionOffers:
    """The price list had not answered when the types were read: it alone is asked again."""
    names = tuple(kind.name for kind in known.types)
    priced = replace(known, on_demand=_listed(house, known.region, names, ()))
    return _saved(house, priced, known) if priced.on_demand else known


# ---- the shelves ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The offers of the regions that answered, and the regions that did not."""

    offers: tuple[RegionOffers, ...]
    silent: tuple[str, ...]

    @property
    def types(self) -> tuple[TypeFacts, ...]:
        """Every type that one of the regions knows, by name."""
        known = {kind.name: kind for offers in self.offers for kind in offers.types}
        return tuple(known[name] for name in sorted(known))

    def view(self, now: datetime, shelves: tuple[Shelf, ...]) -> View:
        """For the answer: which regions, how old, what is missing."""
        return View(
            regions=tuple(offers.region for offers in self.offers),
            age=max(now - offers.read_at for offers in self.offers),
            silent=self.silent,
            no_spot=tuple(shelf.offers.region for shelf in shelves if shelf.spot is None),
        )


def _regions(house: House, request: Request, said: str | None) -> tuple[str, ...]:
    """The region that was said, else all allowed ones; none if that one is not: it is told so."""
    if said is None:
        return house.policy.regions
    denied = policy.may_use_region(said, house.policy)
    if denied:
        answer(house, request.response_url, messages.denied(denied))
        return ()
    return (said,)


def _look(house: House, regions: tuple[str, ...], name: str = "") -> _Seen:
    """Every region's offers, with `name` among them if EC2 knows it: prices are told of machines
    without an accelerator, too. CloudError when no region answers."""
    found: list[RegionOffers] = []
    silent: dict[str, CloudError] = {}
    for region in regions:
        try:
            found.append(_with(house, offers_of(house, region), name))
        except CloudError as error:
            silent[region] = error
    if not found:
        raise next(iter(silent.values()))
    return _Seen(offers=tuple(found), silent=tuple(silent))


def _with(house: House, offers: RegionOffers, name: str) -> RegionOffers:
    if not catalog.looks_like_type(name) or name in {kind.name for kind in offers.types}:
        return offers
    kind = house.cloud.type_facts(offers.region, name)
    return offers if kind is None else _beside(house, offers, kind)


def _beside(house: House, offers: RegionOffers, kind: TypeFacts) -> RegionOffers:
    zones = house.cloud.zones_offering(offers.region, kind.name)
    listed = _listed(house, offers.region, (kind.name,), ())
    return replace(
        offers,
        types=(*offers.types, kind),
        zones=tuple(dict.fromkeys((*offers.zones, *zones))),
        sold=(*offers.sold, (kind.name, tuple(zone.name for zone in zones))),
        on_demand=(*offers.on_demand, *listed),
    )


def _remembered(house: House, region: str) -> RegionOffers | None:
    try:
        return house.ledger.row(RegionOffers, region)
    except UnreadableRow:
        return None  # of another version: EC2 is asked, and nothing is written over it


def _read(house: House, region: str, known: RegionOffers | None) -> RegionOffers:
    kinds = house.cloud.gpu_types(region)
    names = tuple(kind.name for kind in kinds)
    selling = house.cloud.zones_selling(region, names)
    zones = {zone.name: zone for some in selling.values() for zone in some}
    read = RegionOffers(
        region=region,
        read_at=house.clock(),
        types=kinds,
        zones=tuple(zones[name] for name in sorted(zones)),
        sold=tuple((name, tuple(z.name for z in selling[name])) for name in sorted(selling)),
        on_demand=_listed(house, region, names, known.on_demand if known else ()),
    )
    return _saved(house, read, known)


def _saved(house: House, read: RegionOffers, known: RegionOffers | None) -> RegionOffers:
    try:
        return house.ledger.save_row(read, known)
    except StaleRow:
        return read  # somebody has read it at the same time


def _listed(
    house: House, region: str, names: tuple[str, ...], before: tuple[tuple[str, Decimal], ...]
) -> tuple[tuple[str, Decimal], ...]:
    """List prices by type; those of `before` while the price list does not answer."""
    try:
        return tuple(sorted(house.prices.listed(region, names).items()))
    except CloudError:
        return before


def _priced(
    house: House, offers: tuple[RegionOffers, ...], names: tuple[str, ...]
) -> tuple[Shelf, ...]:
    """With the spot prices of these types, one call a region."""
    return tuple(_shelf(house, one, names) for one in offers)


def _shelf(house: House, offers: RegionOffers, names: tuple[str, ...]) -> Shelf:
    known = {kind.name for kind in offers.types}
    here = tuple(name for name in names if name in known)
    try:
        return Shelf(
            offers=offers, spot=house.cloud.spot_prices(offers.region, here, house.clock())
        )
    except CloudError:
        return Shelf(offers=offers, spot=None)


# ---- what is answered -----------------------------------------------------------------------


def _meant(word: str, kinds: tuple[TypeFacts, ...]) -> tuple[TypeFacts, ...]:
    exact = tuple(kind for kind in kinds if kind.name == word)
    return exact or catalog.fitting(word, kinds)


def _weeks(house: House, first: Listing, now: datetime) -> tuple[market.Week, ...]:
    """Seven days of the type's spot pools, the one that is cheapest now first."""
    found = []
    for sale in first.sales:
        history = _history(house, sale.region, first.type.name, now)
        found += [
            (hourly, market.week(zone.name, history.get((first.type.name, zone.name), ()), now))
            for zone, hourly in sale.spot
        ]
    return tuple(week for _, week in sorted(found, key=lambda one: one[0]) if week is not None)


def _history(
    house: House, region: str, name: str, now: datetime
) -> dict[market.Pool, market.Changes]:
    """Empty while EC2 does not answer: the prices of now are worth telling without."""
    try:
        return dict(house.cloud.spot_history(region, (name,), now - market.WEEK))
    except CloudError:
        return {}


def _not_sold(
    house: House, request: Request, word: str, regions: tuple[str, ...], wanted: Market | None
) -> None:
    """The same in the other allowed regions, else the nearest that are sold in these."""
    everywhere = _look(house, house.policy.regions, word)
    kinds = _meant(word, everywhere.types)
    elsewhere = _listings(house, everywhere, kinds, wanted) if len(regions) == 1 else ()
    near = () if elsewhere else _near(house, everywhere, word, kinds, regions, wanted)
    message = messages.not_sold(word, regions, wanted, elsewhere, near)
    return answer(house, request.response_url, message)


def _listings(
    house: House, seen: _Seen, kinds: tuple[TypeFacts, ...], wanted: Market | None
) -> tuple[Listing, ...]:
    names = tuple(kind.name for kind in kinds)
    return market.listings(_priced(house, seen.offers, names), kinds, wanted)


def _near(
    house: House,
    seen: _Seen,
    word: str,
    kinds: tuple[TypeFacts, ...],
    regions: tuple[str, ...],
    wanted: Market | None,
) -> tuple[Listing, ...]:
    here = replace(seen, offers=tuple(o for o in seen.offers if o.region in regions))
    sold = {name for offers in here.offers for name, _ in offers.sold}
    living = tuple(kind for kind in here.types if kind.name in sold)
    like = kinds[0] if kinds else None
    near = catalog.nearest(word, like, living, wanted or Market.ON_DEMAND)
    return _listings(house, here, near, wanted)
