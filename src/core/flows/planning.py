"""From a wish to a plan, or to a hold that says why not and what else there is."""

from dataclasses import replace

from core import lifecycle as life
from core import plan as plans
from core.faults import CloudError, FaultKind
from core.flows.facts import gather, offers
from core.flows.house import House
from core.model import Hold, HoldKind, Machine

_LATER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
_TYPES_HELP = frozenset({HoldKind.NOT_OFFERED, HoldKind.NO_CAPACITY, HoldKind.TOO_DEAR})


def plan(house: House, m: Machine) -> Machine:
    """Decide on fresh facts: launch, or hold. The same row when AWS does not answer now."""
    try:
        facts = gather(house, m.wish, m.owner)
    except CloudError as error:
        if error.fault.kind in _LATER:
            return m  # due again within the minute, until `launch_by`
        hold = Hold(kind=HoldKind.REFUSED, code=error.fault.code, detail=error.fault.message[:300])
        return house.ledger.save(life.held(m, house.clock(), hold), m)
    decision = plans.decide(m.wish, facts, house.policy, admin=m.owner in house.policy.admins)
    if isinstance(decision, plans.Stuck):
        return _hold(house, replace(m, facts=facts.type), facts, decision.hold, seen=m)
    assert facts.type is not None
    to = life.planned(m, house.clock(), facts.type, decision)
    return house.ledger.save(to, m)


def _hold(house: House, m: Machine, facts: plans.Facts, hold: Hold, *, seen: Machine) -> Machine:
    found: tuple[plans.Offer, ...] = ()
    if hold.kind not in (HoldKind.NO_ACCESS, HoldKind.REFUSED):
        found = offers(house, m, facts, types=hold.kind in _TYPES_HELP)
    full = replace(
        hold,
        choices=plans.ways_on(hold, found, m.wish, facts.image),
        hourly=min(facts.hourly.values(), default=None),
    )
    return house.ledger.save(life.held(m, house.clock(), full), seen)


def give_up(house: House, m: Machine) -> Machine:
    """Every zone has refused: hold, with the other market, types and regions as ways on."""
    if m.keep_until is not None:
        return house.ledger.save(life.resting(m, house.clock()), m)
    codes = ", ".join(sorted({t.code for t in m.tried}))
    hold = Hold(kind=HoldKind.NO_CAPACITY, code=codes)
    try:
        facts = gather(house, m.wish, m.owner)
    except CloudError:
        return house.ledger.save(life.held(m, house.clock(), hold), m)
    return _hold(house, m, facts, hold, seen=m)
