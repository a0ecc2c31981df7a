"""From a wish to a plan, or to a hold that says why not and what else there is."""

from dataclasses import replace
from datetime import timedelta

from core import lifecycle as life
from core.faults import FaultKind
from core.flows import gate, images, permits
from core.flows.facts import gather, offers
from core.flows.house import House
from core.model import Cause, Choice, ChoiceKind, Hold, HoldKind, Machine, Market, Over
from core.plan import (
    Candidate,
    Facts,
    Proceed,
    Stuck,
    candidates,
    decide,
    judge,
    nearest_to_a_cure,
)
from core.ways import MOST_CHOICES, Offer, ways_on

_LATER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
# A region that does not answer may be the one that has room: that long it is asked again.
PATIENCE = timedelta(minutes=2)
# Of what is said of these no other type, market or region is the cure.
_OWN_MATTER = frozenset({"image", "disk"})
_KEEP_TRYING = Choice(kind=ChoiceKind.KEEP_TRYING, value="")
_CURABLE = frozenset({HoldKind.QUOTA, HoldKind.TOO_DEAR})


def plan(house: House, m: Machine) -> Machine:
    """Decide on fresh facts: launch, or hold. The same row when AWS does not answer now."""
    if _has_waited(m) and permits.may_go_on(house, m):
        return house.ledger.save(life.unwanted(m, house.clock(), Cause.BARRED, None, end=True), m)
    facts = gather(house, m.wish, m.owner)
    decision = decide(m.wish, facts, house.policy, admin=_is_admin(house, m) or bool(m.grant))
    if isinstance(decision, Stuck) and decision.hold.kind is HoldKind.TOO_DEAR:
        approved = decide(m.wish, facts, house.policy, admin=True)
        decision = _to_approve(house, m, decision, approved)
    if not isinstance(decision, Stuck):
        held = gate.check(house, m, decision)
        if held is not None:
            return _hold(house, m, Stuck(hold=held, type=decision.options[0].type))
        return house.ledger.save(life.planned(m, house.clock(), decision), m)
    if decision.coming is not None and m.kept is None and not m.members:
        return images.await_image(house, m, decision.coming)
    if _may_answer_yet(house, m, facts, decision):
        return m  # due again within the minute, until `launch_by`
    if m.keep_until is not None and _may_pass(m, decision.hold):
        rests = replace(decision.hold, choices=())
        return house.ledger.save(life.resting(m, house.clock(), rests), m)
    return _hold(house, m, decision)


def _has_waited(m: Machine) -> bool:
    """For an approver, a quota, an image, a person or capacity: long enough for its owner to have
    left. Nothing of it is bought."""
    return m.kept is None and not m.members and (m.turn > 0 or m.tries > 0)


def _to_approve(house: House, m: Machine, stuck: Stuck, approved: Proceed | Stuck) -> Stuck:
    """What an approver would say yes to: the dearest place that would be tried then, with a dear
    disk, and each other limit that it passes. What no approver may lift is not asked."""
    go = approved if isinstance(approved, Proceed) else None
    hourly = gate.dearest(go) if go else stuck.hold.hourly or house.policy.approval_above
    hourly += gate.disk_of(house, m, go)
    found = gate.besides(house, m, hourly)
    final = house.policy.over_price is Over.BLOCK or any(one.final for one in found)
    hold = replace(
        stuck.hold,
        hourly=hourly,
        also=" ".join(one.words for one in found),
        choices=() if final else (gate.APPROVAL,),
    )
    return replace(stuck, hold=hold)


def _may_answer_yet(house: House, m: Machine, facts: Facts, decision: Stuck) -> bool:
    """Whether AWS did not answer for something, which is no reason to give up at once."""
    if decision.fault is not None:
        return decision.fault.kind in _LATER
    silent = any(it.fault and it.fault.kind in _LATER for it in facts.candidates)
    since = m.history[-1].at if m.history else m.created_at
    return silent and house.clock() < since + PATIENCE


def _may_pass(m: Machine, hold: Hold) -> bool:
    """Whether it can be gone at the next try: others end their machines, and spot prices fall.

    What an approver can lift is asked at the first look, while somebody is there to press; a spot
    price that rises later is waited for. List prices do not fall.
    """
    if hold.kind is HoldKind.QUOTA:
        return hold.quota is not None and hold.needed <= hold.quota.limit
    falls = hold.kind is HoldKind.TOO_DEAR and hold.market is Market.SPOT
    return falls and (m.tries > 0 or gate.APPROVAL not in hold.choices)


def _hold(house: House, m: Machine, stuck: Stuck, *, again: bool = False) -> Machine:
    """`again`: what was tried first may have capacity later, so trying on is a way on, too."""
    hold, found = stuck.hold, tuple[Offer, ...]()
    if hold.kind is not HoldKind.NO_ACCESS and hold.code not in _OWN_MATTER:
        found = _offers(house, m, stuck)
    choices = _choices(hold, found, m, stuck)
    if again:
        choices = (*choices[: MOST_CHOICES - 1], _KEEP_TRYING)
    hold = replace(hold, choices=choices)
    now = house.clock()
    to = life.held(replace(m, facts=stuck.type), now, hold)
    told = life.telling_admins(to, now, stuck.fault) if stuck.fault else to
    return house.ledger.save(told, m)


def _choices(hold: Hold, found: tuple[Offer, ...], m: Machine, stuck: Stuck) -> tuple[Choice, ...]:
    """What can be approved is asked first; cheaper ways on stand beside it."""
    others = ways_on(hold, found, m.wish, stuck.image, stuck.type)
    return (*hold.choices, *others)[:MOST_CHOICES]


def _offers(house: House, m: Machine, stuck: Stuck) -> tuple[Offer, ...]:
    gone = stuck.type if stuck.type and stuck.type.name == m.wish.instance_type else None
    return offers(house, m.wish, gone, admin=_is_admin(house, m))


def _is_admin(house: House, m: Machine) -> bool:
    return m.owner in house.policy.admins


def give_up(house: House, m: Machine) -> Machine:
    """Everything has refused: again later where that was said, else hold and offer the rest."""
    stuck = _left_out(house, m)
    if m.keep_until is not None:
        rests = replace(stuck.hold, choices=()) if stuck else None
        return house.ledger.save(life.resting(m, house.clock(), rests), m)
    if stuck is not None:
        return _hold(house, m, stuck, again=True)
    codes = ", ".join(sorted({t.code for t in m.tried}))
    return _hold(house, m, Stuck(hold=Hold(kind=HoldKind.NO_CAPACITY, code=codes), type=m.facts))


def _left_out(house: House, m: Machine) -> Stuck | None:
    """What was as welcome and has not been tried: a quota or the price limit kept it out, silently,
    while something else would do. None where there is nothing of that kind that people can cure.

    Of a launch that names no region one that was left out is no news while others were tried.
    """
    if all(_tried(m, it) for it in candidates(m.wish)):
        return None
    facts, admin = gather(house, m.wish, m.owner), _is_admin(house, m) or bool(m.grant)
    rest = (it for it in facts.candidates if not _tried(m, it))
    judged = (judge(m.wish, it, house.policy, admin=admin) for it in rest)
    found = [one for one in judged if isinstance(one, Stuck) and one.hold.kind in _CURABLE]
    if not found:
        return None
    stuck = nearest_to_a_cure(found, facts.profile)
    if stuck.hold.kind is HoldKind.QUOTA:
        return stuck
    stuck = _to_approve(house, m, stuck, decide(m.wish, facts, house.policy, admin=True))
    return stuck if stuck.hold.choices else None


def _tried(m: Machine, it: Candidate) -> bool:
    return any(
        (t.instance_type, t.market) == (it.instance_type, it.market)
        and (m.wish.anywhere or t.zone.startswith(it.region))
        for t in m.tried
    )
