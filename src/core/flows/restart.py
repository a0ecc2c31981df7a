"""Starts a stopped machine again where EC2 has room: as it is, as another type, or from its kept
disk wherever the region has a place. What does not start stays stopped, and offers what else there
is.
"""

from dataclasses import replace
from decimal import Decimal

from core import catalog, images
from core import lifecycle as life
from core.budgets import Broken
from core.faults import CloudError, Fault, FaultKind
from core.flows import gate, market, shortage
from core.flows.facts import gather, read
from core.flows.house import House
from core.model import (
    Choice,
    ChoiceKind,
    Hold,
    HoldKind,
    Image,
    Machine,
    Market,
    Placement,
    TypeFacts,
    Wish,
)
from core.plan import Candidate, Proceed, Stuck, decide, full_key, judge
from core.ports import OwnImage
from core.ways import MOST_CHOICES

_LATER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
_FULL = frozenset({FaultKind.CAPACITY, FaultKind.SPOT_PRICE, FaultKind.NOT_OFFERED})
_ELSEWHERE = _FULL | {FaultKind.QUOTA}


# ---- from a kept disk -----------------------------------------------------------------------


def plan(house: House, m: Machine) -> Machine:
    """Look for a place to start from the image, on fresh facts; stopped again where there is none.

    CloudError where the image cannot be read: it is asked again.
    """
    assert m.kept is not None
    assert m.kept.image is not None
    own = house.own_images.own(m.kept.region, m.kept.image)
    if own is None or own.state == "failed":
        return without(house, m, own)
    if own.state != "available":
        return m
    wish = wish_again(m)
    facts = gather(house, wish, m.owner)
    # What an approver allowed counts for one that comes back; a later start by a person has none.
    allowed = m.owner in house.policy.admins or bool(m.grant)
    decision = decide(wish, facts, house.policy, admin=allowed)
    if isinstance(decision, Stuck):
        if decision.fault and decision.fault.kind in _LATER:
            return m
        return _stuck(house, m, decision.hold)
    over = gate.check(house, m, decision)
    if over is not None:
        return _stuck(house, m, replace(over, choices=()))
    ready = life.relaunching(m, house.clock())
    return house.ledger.save(life.planned(ready, house.clock(), _as_known(m, decision)), m)


def without(house: House, m: Machine, own: OwnImage | None) -> Machine:
    """The image cannot be used. One that failed goes before the row forgets it, or it would be
    found again by its name for ever."""
    if own is None:
        return house.ledger.save(life.unregistered(m), m)
    house.own_images.remove(own.region, own.image.id)
    return house.ledger.save(life.image_failed(m, house.clock()), m)


def wish_again(m: Machine) -> Wish:
    """The same machine from its kept disk, which is in one region, and as large as the disk is."""
    assert m.kept is not None
    assert m.kept.image is not None
    disk_gb = max(m.kept.gb, m.wish.disk_gb or 0)
    at = m.kept.region
    return replace(m.wish, image=m.kept.image, disk_gb=disk_gb, region=at, or_regions=())


def _as_known(m: Machine, go: Proceed) -> Proceed:
    """Under the name of the image that it was first launched from, whose driver it has."""
    assert m.image is not None
    name = m.image.name
    options = (replace(one, image=replace(one.image, name=name)) for one in go.options)
    return replace(go, options=tuple(options))


def give_up(house: House, m: Machine) -> Machine:
    """Every zone has refused."""
    code = m.tried[-1].code if m.tried else "InsufficientInstanceCapacity"
    return _stuck(house, m, Hold(kind=HoldKind.NO_CAPACITY, code=code))


def _stuck(house: House, m: Machine, hold: Hold) -> Machine:
    now = house.clock()
    if hold.kind is HoldKind.NO_CAPACITY and m.keep_until is not None:
        return house.ledger.save(life.start_resting(m, now), m)
    if hold.kind in (HoldKind.NO_CAPACITY, HoldKind.NOT_OFFERED, HoldKind.QUOTA):
        hold = replace(hold, choices=_ways(house, m, hold.kind))
    return house.ledger.save(life.start_failed(m, now, hold.code, hold), m)


# ---- as it is -------------------------------------------------------------------------------


def not_started(house: House, m: Machine, fault: Fault) -> Machine:
    """EC2 would not start the stopped instance: again later where that was said, else stopped."""
    now = house.clock()
    if fault.kind is FaultKind.CAPACITY and m.keep_until is not None:
        return house.ledger.save(life.start_resting(m, now), m)
    if fault.kind not in _ELSEWHERE:
        return house.ledger.save(life.start_failed(m, now, fault.code), m)
    kind = HoldKind.NO_CAPACITY if fault.kind in _FULL else HoldKind.QUOTA
    hold = Hold(kind=kind, code=fault.code, choices=_ways(house, m, kind))
    return house.ledger.save(life.start_failed(m, now, fault.code, hold), m)


def over_budget(house: House, m: Machine, hourly: Decimal, over: tuple[Broken, ...]) -> Machine:
    """What it would cost is not left in a budget: it stays stopped, even one that keeps trying."""
    words = [one.words for one in over]
    hold = gate.held(hourly, words, final=any(one.final for one in over))
    return _stuck(house, m, replace(hold, choices=()))


def change_type(house: House, m: Machine) -> Machine:
    """Make the stopped instance the type that was chosen; from here on it costs what that costs."""
    assert m.instance is not None
    at = m.placements[0]
    try:
        kind = house.cloud.type_facts(at.region, at.instance_type)
        house.cloud.change_type(at.region, m.instance.id, at.instance_type)
    except CloudError as error:
        if error.fault.kind in _LATER:
            return m
        return not_started(house, m, error.fault)
    return house.ledger.save(life.retyped(m, house.clock(), kind or m.facts), m)


# ---- what else there is ---------------------------------------------------------------------


def _ways(house: House, m: Machine, kind: HoldKind) -> tuple[Choice, ...]:
    """Other places, markets and types, likeliest first, then to keep trying; three at most.

    A way that cannot be priced or checked now is left out: an offer is help, not a promise.
    """
    again = [Choice(kind=ChoiceKind.KEEP_TRYING, value="")] if kind is HoldKind.NO_CAPACITY else []
    others = [] if m.placement is None or m.members else _others(house, m, m.placement)
    return (*others[: MOST_CHOICES - len(again)], *again)


def _others(house: House, m: Machine, at: Placement) -> list[Choice]:
    """A kept disk starts in any zone, perhaps on-demand; a stopped instance has to be moved."""
    wish = wish_again(m) if m.kept and m.kept.image else replace(m.wish, region=at.region)
    here = Candidate(instance_type=at.instance_type, market=Market.ON_DEMAND, region=at.region)
    sold_as = wish.market if m.kept else at.market
    types = [replace(here, instance_type=name, market=sold_as) for name in _near(house, m, at)]
    known = read(house, wish, (here, *types))
    recent = shortage.recent(house)
    found = []
    for it in known:
        judged = judge(wish, it, house.policy, admin=m.owner in house.policy.admins)
        if isinstance(judged, Proceed):
            places = [p for p in judged.placements if full_key(p) not in recent]
            found.append(_way(m, at, it, places))
    first_of_each = {choice.kind: choice for choice in reversed([c for c in found if c])}
    return list(reversed(first_of_each.values()))


def _way(m: Machine, at: Placement, it: Candidate, places: list[Placement]) -> Choice | None:
    """What this candidate comes to for the machine; None where it is no way on."""
    if it.instance_type != at.instance_type:
        fitting = [p for p in places if m.kept or p.zone == at.zone]
        return _cheapest(ChoiceKind.TYPE, it.instance_type, fitting)
    if m.kept:
        other = m.wish.market is not it.market and not m.wish.or_on_demand
        return _cheapest(ChoiceKind.MARKET, it.market.value, places) if other else None
    elsewhere = [p for p in places if p.zone != at.zone]
    return _cheapest(ChoiceKind.ZONE, min((p.zone for p in elsewhere), default=""), elsewhere)


def _cheapest(kind: ChoiceKind, value: str, places: list[Placement]) -> Choice | None:
    hourly = min((p.hourly for p in places), default=None)
    return None if hourly is None else Choice(kind=kind, value=value, hourly=hourly)


def _near(house: House, m: Machine, at: Placement) -> tuple[str, ...]:
    """The nearest types that boot the same disk."""
    if m.facts is None or m.image is None:
        return ()
    try:
        living = market.offers_of(house, at.region).types
    except CloudError:
        return ()
    able = tuple(t for t in living if _boots(m.facts, m.image, t))
    return tuple(t.name for t in catalog.nearest(at.instance_type, m.facts, able, at.market))


def _boots(facts: TypeFacts, image: Image, kind: TypeFacts) -> bool:
    return kind.architecture == facts.architecture and images.check(image, kind) is None
