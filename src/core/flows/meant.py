"""Which types a wish means: by name, by GPU or memory, or the cheapest of all that will do."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from core import catalog, commands, policy
from core.faults import CloudError
from core.flows.house import House
from core.flows.market import offers_of
from core.model import Market, RegionOffers, TypeFacts, Wish
from core.slots import MOST_TYPES
from core.words import retyped

MOST_ALIKE = 5  # types that one GPU or amount of memory stands for


def types_meant(
    house: House, wanted: commands.Launch, wish: Wish, text: str
) -> tuple[str, ...] | commands.UsageError:
    """The types that were meant, the first choice first.

    A type that AWS has retired, or sells in another region only, is kept as it was said: the plan
    then offers what comes nearest. A name that no region knows is a slip, and nothing is started.
    They are no more than can be said in one command: it must be possible to ask for the same again.
    """
    said = (wanted.instance_type, *wanted.or_types)
    known = _named(house, tuple(filter(catalog.looks_like_type, said)), wish)
    shelf: _Shelf | None = None
    found: list[tuple[str, ...]] = []
    for word in said:
        if word in known or catalog.retired(word):
            found.append((word,))
            continue
        shelf = shelf or _shelf(house, wish)
        fitting = _fitting(house, shelf, word, wish, cheapest=wanted.cheapest)
        if not fitting:
            return _unknown(shelf, word, wish, text)
        found.append(fitting)
    return _at_most(MOST_TYPES, found)


def _at_most(most: int, found: list[tuple[str, ...]]) -> tuple[str, ...]:
    """In their order; where there are too many, the first of each word before any word's second."""
    ranks = zip_longest(*found)
    best = tuple(dict.fromkeys(name for rank in ranks for name in rank if name is not None))[:most]
    return tuple(dict.fromkeys(name for names in found for name in names if name in best))


def _named(house: House, names: tuple[str, ...], wish: Wish) -> frozenset[str]:
    """Those of the names that some allowed region knows; those of no region's own if none answers.

    One that cannot be asked is no reason to call a name wrong: where the others do not know it
    either, the plan tells what that region said.
    """
    known: set[str] = set()
    silent = False
    for region in dict.fromkeys((*wish.regions, *house.policy.regions)):
        missing = tuple(name for name in names if name not in known)
        if not missing:
            break
        try:
            known |= house.cloud.types_named(region, missing).keys()
        except CloudError:
            silent = True
    return frozenset(names) if silent else frozenset(known)


@dataclass(frozen=True, kw_only=True)
class _Shelf:
    """What the regions of a wish sell."""

    offers: tuple[RegionOffers, ...]

    @property
    def types(self) -> tuple[TypeFacts, ...]:
        """Every type that a zone of one of them sells, by name."""
        sold = {
            kind.name: kind
            for region in self.offers
            for kind in region.types
            if kind.name in dict(region.sold)
        }
        return tuple(sold[name] for name in sorted(sold))


def _shelf(house: House, wish: Wish) -> _Shelf:
    """CloudError when none of the regions answers."""
    found: list[RegionOffers] = []
    silent: list[CloudError] = []
    for region in wish.regions:
        try:
            found.append(offers_of(house, region))
        except CloudError as error:
            silent.append(error)
    if not found:
        raise silent[0]
    return _Shelf(offers=tuple(found))


def _fitting(
    house: House, shelf: _Shelf, word: str, wish: Wish, *, cheapest: bool
) -> tuple[str, ...]:
    """The smallest that will do, with those that are as small: their price decides then."""
    sold = tuple(t for t in shelf.types if t.markets & set(wish.markets))
    allowed = tuple(t for t in sold if policy.allows_type(t.name, house.policy))
    # Where no allowed type will do, the plan says which rule stands in the way of the others.
    fitting = catalog.fitting(word, allowed) or catalog.fitting(word, sold)
    if not fitting:
        return ()
    if cheapest:
        return _cheapest(house, shelf, fitting, wish)
    alike = (t.name for t in fitting if _size(t) == _size(fitting[0]))
    return tuple(alike)[:MOST_ALIKE]


def _size(kind: TypeFacts) -> tuple[object, ...]:
    count = kind.gpu.count if kind.gpu else 0
    return catalog.total_memory(kind), count, kind.vcpus, kind.architecture


def _cheapest(
    house: House, shelf: _Shelf, fitting: tuple[TypeFacts, ...], wish: Wish
) -> tuple[str, ...]:
    """By the lowest price in any of the regions and markets; without one where none is known."""
    names = tuple(kind.name for kind in fitting)
    prices: dict[str, Decimal] = {}
    for offers in shelf.offers:
        for name, price in _priced(house, offers, names, wish.markets):
            prices[name] = min(price, prices.get(name, price))
    return tuple(sorted(prices, key=lambda name: prices[name]))[:MOST_ALIKE] or names[:MOST_ALIKE]


def _priced(
    house: House, offers: RegionOffers, names: tuple[str, ...], markets: tuple[Market, ...]
) -> list[tuple[str, Decimal]]:
    found = []
    if Market.ON_DEMAND in markets:
        found += [(name, price) for name, price in offers.on_demand if name in names]
    if Market.SPOT in markets:
        try:
            spot = house.cloud.spot_prices(offers.region, names, house.clock())
        except CloudError:
            return found
        found += [(name, price) for (name, _), price in spot.items()]
    return found


def _unknown(shelf: _Shelf, said: str, wish: Wish, text: str) -> commands.UsageError:
    """A slip in a name, or a GPU that is not sold there: the nearest that is."""
    where = wish.region if len(wish.regions) == 1 else "the regions that may be used"
    near = catalog.closest_name(said, tuple(t.name for t in shelf.types))
    if near is None:
        like = catalog.nearest(said, None, shelf.types, wish.market)
        near = like[0].name if like else None
    return commands.UsageError(
        what=f"EC2 has no GPU type called {said} in {where}. Nothing was started.",
        nearest=retyped(text, said, near) if near else None,
        topic="launch",
    )
