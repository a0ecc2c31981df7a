"""The ways on of a launch that is held: what else could be launched, and what to offer first.

Pure. An alternative is the same wish with one thing changed: its market, its region or its type.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from core import disks, images
from core.model import (
    Choice,
    ChoiceKind,
    Hold,
    HoldKind,
    Image,
    Market,
    Policy,
    TypeFacts,
    Wish,
)
from core.plan import Candidate, Proceed, judge
from core.quota import ask_for, short

MOST_CHOICES = 3


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something else that could be launched: a type, market and region, at a price."""

    instance_type: str
    market: Market
    region: str
    hourly: Decimal
    room: bool  # whether the quota has room for it now


def elsewhere(wish: Wish, policy: Policy, near: Iterable[str]) -> tuple[Candidate, ...]:
    """What differs from the wish in one thing, in the order in which a person would consider it:
    the other market, another region, a type that comes near."""
    other = tuple(market for market in Market if market not in wish.markets)
    beyond = tuple(region for region in policy.regions if region not in wish.regions)
    types = tuple(name for name in near if name not in wish.types)
    return (
        *_candidates(wish.types, other, wish.regions),
        *_candidates(wish.types, wish.markets, beyond),
        *_candidates(types, wish.markets, wish.regions),
    )


def _candidates(
    types: Iterable[str], markets: Iterable[Market], regions: Iterable[str]
) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(instance_type=name, market=market, region=region)
        for name in types
        for market in markets
        for region in regions
    )


def offers(
    wish: Wish, known: Iterable[Candidate], policy: Policy, *, admin: bool
) -> tuple[Offer, ...]:
    """Of each way that can be gone the cheapest offer, with room in the quota before without."""
    best: dict[tuple[ChoiceKind, str], Offer] = {}
    for it in known:
        offer = _offer(wish, it, policy, admin=admin)
        if offer is None:
            continue
        choice = _choice(offer, wish)
        way = choice.kind, choice.value
        if way not in best or _worth(offer) < _worth(best[way]):
            best[way] = offer
    return tuple(best.values())


def _offer(wish: Wish, it: Candidate, policy: Policy, *, admin: bool) -> Offer | None:
    judged = judge(wish, it, policy, admin=admin)
    if isinstance(judged, Proceed):
        hourly = min(p.hourly for p in judged.placements)
    elif judged.hold.kind is HoldKind.QUOTA and judged.hold.hourly is not None:
        hourly = judged.hold.hourly
    else:
        return None
    if not admin and hourly * wish.count > policy.approval_above:
        return None  # a place is judged by the price of one machine
    return Offer(
        instance_type=it.instance_type,
        market=it.market,
        region=it.region,
        hourly=hourly,
        room=isinstance(judged, Proceed),
    )


def _worth(offer: Offer) -> tuple[bool, Decimal]:
    return not offer.room, offer.hourly


def ways_on(
    hold: Hold,
    offers: tuple[Offer, ...],
    wish: Wish,
    image: Image | None = None,
    kind: TypeFacts | None = None,
) -> tuple[Choice, ...]:
    """At most three ways on, the likeliest first; buttons are made from them."""
    if hold.kind is HoldKind.REFUSED:
        return _mended(hold, offers, wish, image, kind)
    if hold.kind is HoldKind.NOT_ALLOWED:
        return (*_less(hold, image), *_instead(hold, offers, wish))[:MOST_CHOICES]
    asking, instead = _asking(hold, wish), _instead(hold, offers, wish)
    found = [*asking[: MOST_CHOICES - 1], *instead, *asking[MOST_CHOICES - 1 :]]
    if hold.code == "no-price":
        found = [*found[: MOST_CHOICES - 1], Choice(kind=ChoiceKind.RETRY, value="")]
    if hold.kind is HoldKind.NO_CAPACITY:
        found = [*found[: MOST_CHOICES - 1], Choice(kind=ChoiceKind.KEEP_TRYING, value="")]
    return tuple(found[:MOST_CHOICES])


def _mended(
    hold: Hold,
    offers: tuple[Offer, ...],
    wish: Wish,
    image: Image | None,
    kind: TypeFacts | None,
) -> tuple[Choice, ...]:
    """The same launch without the part that a rule refused; or where the region is to blame, in
    another one."""
    fitting = disks.nearest(wish, image) if hold.code == "disk" and image else None
    if fitting is not None:
        return (Choice(kind=ChoiceKind.DISK, value=str(fitting)),)
    suits = images.instead(kind, wish.image) if hold.code == "image" and kind else None
    if suits is not None:
        return (Choice(kind=ChoiceKind.IMAGE, value=suits),)
    regions = [_choice(offer, wish) for offer in offers if offer.region not in wish.regions]
    if hold.code in ("image", "no-subnet", "no-free-address", "no-default-vpc"):
        return tuple(regions[:MOST_CHOICES])
    again = ChoiceKind.KEEP_TRYING if hold.code == "PendingVerification" else ChoiceKind.RETRY
    return (*regions[: MOST_CHOICES - 1], Choice(kind=again, value=""))


def _less(hold: Hold, image: Image | None) -> tuple[Choice, ...]:
    """The same launch with as much as a rule allows, where that is anything."""
    if hold.code in ("most-count", "most-gpus") and hold.needed:
        return (Choice(kind=ChoiceKind.COUNT, value=str(hold.needed), hourly=hold.hourly),)
    if hold.code == "largest-disk" and image and hold.needed >= image.root_gb:
        return (Choice(kind=ChoiceKind.DISK, value=str(hold.needed)),)
    return ()


def _asking(hold: Hold, wish: Wish) -> list[Choice]:
    """Ask AWS for more; of several machines, launching those that fit now comes first."""
    if hold.kind is not HoldKind.QUOTA or hold.quota is None:
        return []
    if not short(hold.quota, hold.needed):
        return [Choice(kind=ChoiceKind.RETRY, value="")]
    total = str(ask_for(hold.quota, hold.needed))
    asked = Choice(kind=ChoiceKind.ASK_QUOTA, value=total)
    waits = Choice(kind=ChoiceKind.ASK_AND_LAUNCH, value=total)
    fitting = hold.quota.room * wish.count // hold.needed
    if fitting:
        return [Choice(kind=ChoiceKind.COUNT, value=str(fitting), hourly=hold.hourly), waits, asked]
    return [asked, waits]


def _instead(hold: Hold, offers: tuple[Offer, ...], wish: Wish) -> list[Choice]:
    """Other markets, regions and types: those with room first, then in the order they came."""
    ordered = sorted(offers, key=lambda o: not o.room)
    if hold.kind is HoldKind.QUOTA:
        ordered = [o for o in ordered if o.room]
    if hold.kind is HoldKind.TOO_DEAR:
        ordered = [o for o in ordered if o.hourly * wish.count <= Decimal(hold.detail)]
    return [_choice(offer, wish) for offer in ordered]


def _choice(offer: Offer, wish: Wish) -> Choice:
    if offer.instance_type not in wish.types:
        return Choice(kind=ChoiceKind.TYPE, value=offer.instance_type, hourly=offer.hourly)
    if offer.region not in wish.regions:
        return Choice(kind=ChoiceKind.REGION, value=offer.region, hourly=offer.hourly)
    return Choice(kind=ChoiceKind.MARKET, value=offer.market.value, hourly=offer.hourly)


def changed(choice: Choice, wish: Wish) -> Wish:
    """The wish of somebody who has taken this way on; what was as welcome before is so no more."""
    match choice.kind:
        case ChoiceKind.MARKET:
            return replace(wish, market=Market(choice.value), or_on_demand=False)
        case ChoiceKind.TYPE:
            return replace(wish, instance_type=choice.value, or_types=())
        case ChoiceKind.REGION:
            return replace(wish, region=choice.value, or_regions=(), anywhere=False)
        case ChoiceKind.DISK:
            return replace(wish, disk_gb=int(choice.value))
        case ChoiceKind.IMAGE:
            return replace(wish, image=choice.value)
        case ChoiceKind.COUNT:
            return replace(wish, count=int(choice.value))
        case _:
            return wish
