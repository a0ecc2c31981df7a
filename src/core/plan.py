"""(wish, facts, policy) → where to launch, or why not and what else there is.

Pure. `decide` answers for one wish in one region; `ways_on` turns what else is on offer into the
choices of a held launch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core import images
from core.model import (
    Choice,
    ChoiceKind,
    Hold,
    HoldKind,
    Image,
    Market,
    Network,
    Placement,
    Policy,
    Profile,
    QuotaFacts,
    TypeFacts,
    Wish,
    Zone,
)
from core.quota import ask_for, short

MOST_CHOICES = 3


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What AWS said about one wish, and what its owner has told the bot."""

    type: TypeFacts | None
    zones: tuple[Zone, ...]
    hourly: Mapping[str, Decimal]  # by zone name, of the wished market
    network: Network | None
    quota: QuotaFacts | None
    image: Image | None
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Something else that could be launched: a type, market and region, at a price."""

    instance_type: str
    market: Market
    region: str
    hourly: Decimal
    room: bool  # whether the quota has room for it now


@dataclass(frozen=True, kw_only=True)
class Proceed:
    """Launch: where to try, in which order, with which image and disk."""

    placements: tuple[Placement, ...]
    image: Image
    disk_gb: int


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """Do not launch: a hold that still lacks its choices."""

    hold: Hold


def decide(wish: Wish, facts: Facts, policy: Policy, *, admin: bool) -> Proceed | Stuck:
    """Where to launch what was wished for, or the first thing that stands in the way."""
    kind = facts.type
    if kind is None or not facts.zones:
        return _stuck(HoldKind.NOT_OFFERED, code="not-offered")
    if wish.market not in kind.markets or not facts.hourly:
        return _stuck(HoldKind.NOT_OFFERED, code="no-such-market")
    if facts.network is None:
        return _stuck(HoldKind.REFUSED, code="no-default-vpc")
    blocked = _image_problem(wish, kind, facts.image)
    if blocked or facts.image is None:
        return _stuck(HoldKind.REFUSED, code="image", detail=blocked or "")
    disk = images.disk(facts.image, wish.disk_gb, policy.default_disk_gb)
    if isinstance(disk, str):
        return _stuck(HoldKind.REFUSED, code="disk", detail=disk)
    limit = None if admin else policy.approval_above
    if limit is not None and min(facts.hourly.values()) > limit:
        return _stuck(HoldKind.TOO_DEAR, code="price-limit", detail=str(limit))
    if facts.quota and short(facts.quota, kind.vcpus):
        return _without_room(facts, kind)
    if not facts.profile.keys or not facts.profile.has_address:
        return Stuck(hold=Hold(kind=HoldKind.NO_ACCESS, **_lacks(facts.profile)))
    placements = _placements(wish, facts, facts.network, limit)
    if not placements:
        return _stuck(HoldKind.REFUSED, code="no-subnet")
    return Proceed(placements=placements, image=facts.image, disk_gb=disk)


def _stuck(kind: HoldKind, *, code: str, detail: str = "") -> Stuck:
    return Stuck(hold=Hold(kind=kind, code=code, detail=detail))


def _lacks(profile: Profile) -> dict[str, Any]:
    return {"lacks_key": not profile.keys, "lacks_address": not profile.has_address}


def _image_problem(wish: Wish, kind: TypeFacts, image: Image | None) -> str | None:
    if image is None and wish.image.startswith("ami-"):
        return f"There is no image {wish.image} in {wish.region} that this account may use."
    if image is None:
        wanted = images.plan(kind, wish.image)
        if isinstance(wanted, str):
            return wanted
        return f"There is no {wish.image} image for {kind.name} in {wish.region}."
    return images.check(image, kind)


def _without_room(facts: Facts, kind: TypeFacts) -> Stuck:
    return Stuck(
        hold=Hold(
            kind=HoldKind.QUOTA,
            quota=facts.quota,
            needed=kind.vcpus,
            code="quota",
            **_lacks(facts.profile),
        )
    )


def _placements(
    wish: Wish, facts: Facts, network: Network, limit: Decimal | None
) -> tuple[Placement, ...]:
    """Cheapest first, by name where prices are equal: one for each zone that sells it.

    A zone where the price is above the limit is left out.
    """
    subnets = dict(network.subnets)
    found = [
        Placement(
            region=wish.region,
            zone=zone.name,
            subnet=subnets[zone.name],
            market=wish.market,
            hourly=facts.hourly[zone.name],
        )
        for zone in facts.zones
        if zone.name in subnets
        and zone.name in facts.hourly
        and (limit is None or facts.hourly[zone.name] <= limit)
    ]
    return tuple(sorted(found, key=lambda p: (p.hourly, p.zone)))


def ways_on(
    hold: Hold, offers: tuple[Offer, ...], wish: Wish, image: Image | None = None
) -> tuple[Choice, ...]:
    """At most three ways on, the likeliest first; buttons are made from them."""
    if hold.kind is HoldKind.REFUSED:
        return _mended(hold, wish, image)
    found = [*_asking(hold), *_instead(hold, offers, wish)]
    if hold.kind is HoldKind.NO_CAPACITY:
        found = [*found[: MOST_CHOICES - 1], Choice(kind=ChoiceKind.KEEP_TRYING, value="")]
    return tuple(found[:MOST_CHOICES])


def _mended(hold: Hold, wish: Wish, image: Image | None) -> tuple[Choice, ...]:
    """The same launch without the part that a rule refused; no other type would cure it."""
    if hold.code == "disk" and image is not None:
        return (Choice(kind=ChoiceKind.DISK, value=str(image.root_gb)),)
    if hold.code == "image" and wish.image != "base":
        return (Choice(kind=ChoiceKind.IMAGE, value="base"),)
    if hold.code in ("image", "no-subnet", "no-default-vpc"):
        return ()
    return (Choice(kind=ChoiceKind.RETRY, value=""),)


def _asking(hold: Hold) -> list[Choice]:
    if hold.kind is not HoldKind.QUOTA or hold.quota is None:
        return []
    if not short(hold.quota, hold.needed):
        return [Choice(kind=ChoiceKind.RETRY, value="")]
    total = str(ask_for(hold.quota, hold.needed))
    return [
        Choice(kind=ChoiceKind.ASK_QUOTA, value=total),
        Choice(kind=ChoiceKind.ASK_AND_LAUNCH, value=total),
    ]


def _instead(hold: Hold, offers: tuple[Offer, ...], wish: Wish) -> list[Choice]:
    """Other markets, regions and types: those with room first, then in the order they came."""
    ordered = sorted(offers, key=lambda o: not o.room)
    if hold.kind is HoldKind.QUOTA:
        ordered = [o for o in ordered if o.room]
    if hold.kind is HoldKind.TOO_DEAR:
        ordered = [o for o in ordered if o.hourly <= Decimal(hold.detail)]
    return [_choice(offer, wish) for offer in ordered]


def _choice(offer: Offer, wish: Wish) -> Choice:
    if offer.instance_type != wish.instance_type:
        return Choice(kind=ChoiceKind.TYPE, value=offer.instance_type, hourly=offer.hourly)
    if offer.region != wish.region:
        return Choice(kind=ChoiceKind.REGION, value=offer.region, hourly=offer.hourly)
    return Choice(kind=ChoiceKind.MARKET, value=offer.market.value, hourly=offer.hourly)
