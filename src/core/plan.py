"""(wish, facts, policy) → where to launch, or why not.

Pure. A wish leaves choices open: types, markets, regions. Each of them is a candidate that is
judged by itself; where to try is put in order over all of them, and only when none of them will do
is the launch held, for the reason that is nearest to being cured.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from core import disks
from core import policy as rules
from core.faults import Fault
from core.model import (
    Full,
    Hold,
    HoldKind,
    Image,
    Market,
    Network,
    Option,
    Placement,
    Policy,
    Profile,
    QuotaFacts,
    TypeFacts,
    Wish,
    Zone,
)
from core.quota import short
from core.saved_images import Coming


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One type in one market of one region, and what AWS says about it."""

    instance_type: str
    market: Market
    region: str
    type: TypeFacts | None = None
    zones: tuple[Zone, ...] = ()
    hourly: Mapping[str, Decimal] = field(default_factory=dict)  # by zone name
    network: Network | None = None
    quota: QuotaFacts | None = None  # None: not to be read; RunInstances will tell
    image: Image | Coming | str = ""  # a saved one on its way; or why there is none
    fault: Fault | None = None  # AWS did not answer for it


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What AWS said about everything that a wish leaves open, and what its owner has told us."""

    candidates: tuple[Candidate, ...]  # the first choice first
    profile: Profile
    full: frozenset[str] = frozenset()  # keys of `Full`: what had no capacity a moment ago
    home: str | None = None  # the zone of the data volume that comes along


@dataclass(frozen=True, kw_only=True)
class Proceed:
    """Launch: where to try, in which order, and what would be launched there.

    `unread` are the regions that AWS did not answer for, each with the error code.
    """

    placements: tuple[Placement, ...]
    options: tuple[Option, ...]
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """Do not launch: a hold that still lacks its choices, and what is known of what it is about."""

    hold: Hold
    type: TypeFacts | None = None
    image: Image | None = None
    fault: Fault | None = None  # AWS did not answer, which may pass
    coming: Coming | None = None  # only its image is not there yet


def candidates(wish: Wish) -> tuple[Candidate, ...]:
    """Everything that the wish leaves open, the first choice first; nothing is known of it yet."""
    return tuple(
        Candidate(instance_type=name, market=market, region=region)
        for market in wish.markets
        for region in wish.regions
        for name in wish.types
    )


def decide(wish: Wish, facts: Facts, policy: Policy, *, admin: bool) -> Proceed | Stuck:
    """Where to launch what was wished for, or the one thing that stands in the way."""
    judged = [judge(wish, it, policy, admin=admin) for it in facts.candidates]
    ways = [one for one in judged if isinstance(one, Proceed)]
    if not ways:
        return nearest_to_a_cure([one for one in judged if isinstance(one, Stuck)], facts.profile)
    if not facts.profile.keys or not facts.profile.has_address:
        first = ways[0].options[0]
        hold = Hold(kind=HoldKind.NO_ACCESS, **_lacks(facts.profile))
        return Stuck(hold=hold, type=first.type, image=first.image)
    found = [placement for way in ways for placement in way.placements]
    return Proceed(
        placements=in_order(wish, found, facts.full, facts.home),
        options=tuple(dict.fromkeys(option for way in ways for option in way.options)),
        unread=_unread(facts.candidates),
    )


# ---- one candidate --------------------------------------------------------------------------


def judge(wish: Wish, it: Candidate, policy: Policy, *, admin: bool) -> Proceed | Stuck:
    """Whether this candidate will do, or the first thing that stands in its way."""
    barred = rules.may_have(it.instance_type, it.market, it.region, policy)
    if barred:
        return _not_allowed(it, barred)
    if it.fault is not None:
        return _stuck(it, HoldKind.REFUSED, code=it.fault.code, detail=it.fault.message[:300])
    if it.type is None or not it.zones:
        return _stuck(it, HoldKind.NOT_OFFERED, code="not-offered")
    if it.market not in it.type.markets or (not it.hourly and it.market is Market.SPOT):
        return _stuck(it, HoldKind.NOT_OFFERED, code="no-such-market")
    if not it.hourly:
        return _stuck(it, HoldKind.NOT_OFFERED, code="no-price")
    if it.network is None:
        return _stuck(it, HoldKind.REFUSED, code="no-default-vpc")
    if isinstance(it.image, str):
        return _stuck(it, HoldKind.REFUSED, code="image", detail=it.image)
    disk = _disk(wish, it.image, policy)
    if isinstance(disk, str):
        return _stuck(it, HoldKind.REFUSED, code="disk", detail=disk)
    too_much = _too_much(wish, it, it.type, disk, policy)
    if too_much:
        return too_much
    limit = None if admin else policy.approval_above
    if limit is not None and min(it.hourly.values()) > limit:
        return _stuck(it, HoldKind.TOO_DEAR, code="price-limit", detail=str(limit))
    needed = it.type.vcpus * wish.count
    if it.quota and short(it.quota, needed):
        return _stuck(it, HoldKind.QUOTA, code="quota", quota=it.quota, needed=needed)
    placements = _placements(it, it.network, limit)
    if not placements:
        code = "no-free-address" if it.network.full else "no-subnet"
        return _stuck(it, HoldKind.REFUSED, code=code)
    if isinstance(it.image, Coming):
        return replace(_stuck(it, HoldKind.REFUSED, code="image-coming"), coming=it.image)
    option = Option(region=it.region, type=it.type, image=it.image, disk_gb=disk)
    return Proceed(placements=placements, options=(option,))


def _too_much(
    wish: Wish, it: Candidate, kind: TypeFacts, disk: int, policy: Policy
) -> Stuck | None:
    """More machines, GPUs or GB than the rules allow, and the most that they do."""
    gpus = Decimal(kind.gpu.count if kind.gpu else 0)
    barred = rules.may_be_so_many(wish.count, gpus, policy)
    if barred:
        return _not_allowed(it, barred, rules.most_machines(gpus, policy))
    barred = rules.may_be_so_large(disk, policy)
    return _not_allowed(it, barred, policy.largest_disk_gb or 0) if barred else None


def _not_allowed(it: Candidate, barred: rules.Denied, most: int = 0) -> Stuck:
    said = f"{barred.what} {barred.next or ''}".strip()
    return _stuck(it, HoldKind.NOT_ALLOWED, code=barred.rule, detail=said, needed=most)


def _disk(wish: Wish, image: Image | Coming, policy: Policy) -> int | str:
    """GB of the root disk; a sentence where the wish cannot be. Of an image on its way only what
    is wished for is known."""
    if isinstance(image, Coming):
        return wish.disk_gb or policy.default_disk_gb
    return disks.check(wish, image, policy.default_disk_gb)


def _stuck(it: Candidate, kind: HoldKind, *, code: str, **more: Any) -> Stuck:
    hold = Hold(
        kind=kind,
        code=code,
        hourly=min(it.hourly.values(), default=None),
        instance_type=it.instance_type,
        market=it.market,
        region=it.region,
        **more,
    )
    image = it.image if isinstance(it.image, Image) else None
    return Stuck(hold=hold, type=it.type, image=image, fault=it.fault)


def _placements(it: Candidate, network: Network, limit: Decimal | None) -> tuple[Placement, ...]:
    """One for each zone that sells it and has a subnet with free addresses.

    A zone where the price is above the limit is left out.
    """
    subnets = dict(network.subnets)
    return tuple(
        Placement(
            instance_type=it.instance_type,
            region=it.region,
            zone=zone.name,
            subnet=subnets[zone.name],
            market=it.market,
            hourly=it.hourly[zone.name],
        )
        for zone in it.zones
        if zone.name in subnets
        and zone.name in it.hourly
        and (limit is None or it.hourly[zone.name] <= limit)
    )


# ---- over all of them -----------------------------------------------------------------------


def in_order(
    wish: Wish, found: Iterable[Placement], full: frozenset[str], home: str | None
) -> tuple[Placement, ...]:
    """What had capacity a moment ago before what had none; then the zone of the data volume; spot
    before on-demand; the cheapest first. Equal prices: as the wish named types and regions.

    Machines that belong together stay together: all of one type and region before the next.
    """
    types, regions, markets = wish.types, wish.regions, wish.markets
    ordered = sorted(
        found,
        key=lambda p: (
            full_key(p) in full,
            p.zone != home,
            markets.index(p.market),
            p.hourly,
            types.index(p.instance_type),
            regions.index(p.region),
            p.zone,
        ),
    )
    if wish.count == 1:
        return tuple(ordered)
    together = list(dict.fromkeys((p.region, p.instance_type) for p in ordered))
    return tuple(sorted(ordered, key=lambda p: together.index((p.region, p.instance_type))))


def full_key(p: Placement) -> str:
    """The key of the row that says whether this placement had no capacity a moment ago."""
    return Full.key_of(p.region, p.zone, p.instance_type, p.market)


def nearest_to_a_cure(stuck: list[Stuck], profile: Profile) -> Stuck:
    """An image that is on its way comes by itself, a quota can be asked for and a limit be lifted;
    what nobody sells cannot be had at all."""
    best = max(stuck, key=_curable)
    if best.hold.kind is not HoldKind.QUOTA:
        return best
    alike = [
        other.hold.region
        for other in stuck
        if other.hold.kind is HoldKind.QUOTA
        and (other.hold.instance_type, other.hold.market)
        == (best.hold.instance_type, best.hold.market)
        and other.hold.region != best.hold.region
    ]
    detail = ", ".join(dict.fromkeys(alike))
    return replace(best, hold=replace(best.hold, detail=detail, **_lacks(profile)))


def _curable(stuck: Stuck) -> tuple[int, int]:
    hold = stuck.hold
    match hold.kind:
        case _ if stuck.coming is not None:
            return 7, 0
        case HoldKind.QUOTA:
            return 6, fitting(hold, stuck.type)
        case HoldKind.TOO_DEAR:
            return 5, 0
        case HoldKind.REFUSED:
            return (4 if stuck.fault is None else 3), 0
        case HoldKind.NOT_ALLOWED:
            return 2, 1
        case _:
            return (2 if hold.code == "no-such-market" else 1), 0


def fitting(hold: Hold, kind: TypeFacts | None) -> int:
    """How many of them the quota has room for that stands in the way."""
    return hold.quota.room // kind.vcpus if hold.quota and kind else 0


def _lacks(profile: Profile) -> dict[str, Any]:
    return {"lacks_key": not profile.keys, "lacks_address": not profile.has_address}


def _unread(found: tuple[Candidate, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((it.region, it.fault.code) for it in found if it.fault))
