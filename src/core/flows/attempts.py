"""Buys one machine at most: intent is written before the act, and an unclear answer is no answer.

One RunInstances for each placement, each with its own client token, which is frozen in the row
together with the arguments. Before every send the row says that EC2 may have been asked. A refusal
closes the attempt only if it was the only send; after an unclear answer the machine is looked for
by its tag, the same call is sent again, and only when the fence has passed is it known not to be.
A group and a key that EC2 does not know yet are no refusal, nor is a throttled call: the same goes
out in a moment, and what did nothing for certain is not counted as a send.
"""

import json
from dataclasses import replace

from core import lifecycle as life
from core import run_instances
from core.faults import CloudError, Fault, FaultKind, kind_of, may_come, regional
from core.flows import admitted, sharing, shortage
from core.flows.facts import offers
from core.flows.house import House
from core.model import Attempt, Cause, Desire, Hold, HoldKind, Instance, Machine, Placement, State
from core.policy import ADMINS_LONGEST
from core.scope import Scope, left, scope_of, suggested_first
from core.ways import ways_on

_FULL = frozenset({FaultKind.CAPACITY, FaultKind.SPOT_PRICE})


def open_attempt(house: House, m: Machine, at: Placement) -> Machine:
    """Make sure of group and key, freeze the call in the row. Nothing is bought yet."""
    profile = admitted.profile(house, m.owner)
    planned = any((o.region, o.type.name) == (at.region, at.instance_type) for o in m.options)
    if not profile.keys or not profile.has_address or not planned:
        return house.ledger.save(life.replanned(m), m)
    m = life.fitted(m, at)
    opened = admitted.networks(house, m)
    try:
        group = _reused(house, m, at.region, opened)
        if group is None:
            m = house.ledger.save(life.preparing(m, house.clock(), at.region), m)
            group = _prepared(house, m, at.region, profile.keys[0].text, opened)
    except CloudError as error:
        return _before_buying(house, m, at, error.fault)
    if group is None:
        return house.ledger.save(life.replanned(m), m)
    keys = admitted.first_keys(house, m)
    name = run_instances.resource_name(m)
    m = house.ledger.save(_frozen(house, m, at, group, name, keys), m)
    if opened != admitted.networks(house, m):
        _set_again(house, m)
    if keys != admitted.first_keys(house, m):
        # Whoever changed a key while the call was frozen saw no attempt yet, so nothing to bring.
        sharing.first_keys_are_old(house, m)
    return m


def _reused(house: House, m: Machine, region: str, opened: frozenset[str]) -> str | None:
    """The group of an earlier try, which lets in whom the rows let in now: a share or its end
    between two tries has not touched it. None where it must be made sure of from the start: there
    is none in this region, or EC2 does not know it any more or does not take its addresses."""
    if m.group is None or m.prepared != region:
        return None
    try:
        house.cloud.set_addresses(region, m.group, opened)
    except CloudError:
        return None
    return m.group


def _prepared(
    house: House, m: Machine, region: str, key: str, opened: frozenset[str]
) -> str | None:
    """The group's id, once it and the key are there; None where the default VPC has gone."""
    name, marks = run_instances.resource_name(m), run_instances.tags(m, house.policy)
    network = house.cloud.network(region)
    if network is None:
        return None
    group = house.cloud.ensure_group(region, name, network.vpc, marks)
    house.cloud.set_addresses(region, group, opened)
    house.cloud.ensure_key(region, name, key, marks)
    return group


def _set_again(house: House, m: Machine) -> None:
    """Whoever closed an address while the group was made did not find it in the row. What EC2 does
    not take now is done by the wake: nothing is left here that would come again."""
    try:
        admitted.let_in(house, m)
    except CloudError:
        house.wakes.wake(f"profile/{m.owner}")


def _before_buying(house: House, m: Machine, at: Placement, fault: Fault) -> Machine:
    """Group or key could not be made: nothing was sent, so nothing can have been bought."""
    if fault.kind in (FaultKind.UNKNOWN, FaultKind.THROTTLED):
        return m  # due again in a minute, until `launch_by`
    rest = left(m.placements, at, _of_region(fault))
    if not rest:
        return house.ledger.save(_held_for(m, house, fault), m)
    now = house.clock()
    skipped = life.told(replace(m, placements=rest), now, f"{at.region} left out: {fault.code}")
    return house.ledger.save(skipped, m)


def _of_region(fault: Fault) -> Scope:
    """Groups and keys are a region's: what forbids them reaches at least that far."""
    scope = scope_of(fault)
    return Scope.EVERYTHING if scope is Scope.EVERYTHING else Scope.REGION


def _frozen(
    house: House, m: Machine, at: Placement, group: str, name: str, keys: tuple[str, ...]
) -> Machine:
    now = house.clock()
    lease = life.lease(life.length_wanted(m.wish, now, house.policy), now, house.policy)
    lease = m.lease if life.resumes_lease(m) and m.lease else lease
    number = m.attempts + 1
    token, request = run_instances.run_request(
        m,
        at,
        number=number,
        group=group,
        key_name=name,
        keys=keys,
        deadline=lease.deadline,
        longest=max(lease.hard - lease.started_at, ADMINS_LONGEST),
        policy=house.policy,
        beats_to=house.links.beats_to(m.id),
    )
    attempt = Attempt(number=number, placement=at, token=token, request=request)
    return life.opened(m, attempt, lease, group)


def send(house: House, m: Machine) -> Machine:
    """Write that EC2 may be asked, ask once, write what it said."""
    m = house.ledger.save(life.sending(m, house.clock()), m)
    assert m.attempt is not None
    try:
        bought = house.cloud.run(m.attempt.placement.region, json.loads(m.attempt.request))
    except CloudError as error:
        return _answered_no(house, m, error.fault)
    return house.ledger.save(life.adopted(m, house.clock(), bought), m)


def _answered_no(house: House, m: Machine, fault: Fault) -> Machine:
    assert m.attempt is not None
    if fault.kind is FaultKind.TOKEN_GONE and m.is_group:
        # One of them is enough for this answer: the others are found by their tag.
        return house.ledger.save(life.unclear(m), m)
    if fault.kind is FaultKind.TOKEN_GONE:
        return house.ledger.save(_lived_and_died(house, m), m)
    sure = fault.definite and m.attempt.sends == 1
    throttled = fault.kind is FaultKind.THROTTLED
    unknown_yet = may_come(fault.code) and _is_new(house, m)
    passes = unknown_yet or (throttled and _is_fresh(house, m))
    if sure and passes:
        # A no to this send only: the same call goes out again in a moment.
        return house.ledger.save(life.unsent(m), m)
    if not sure or throttled:
        return house.ledger.save(life.unclear(m), m)
    return house.ledger.save(_refused(house, m, fault), m)


def _is_fresh(house: House, m: Machine) -> bool:
    """Whether what was frozen may still go out: who keeps trying for hours gets a whole lease."""
    started = m.lease.started_at if m.lease else house.clock()
    return life.resumes_lease(m) or house.clock() < started + life.LAUNCH_WITHIN


def _is_new(house: House, m: Machine) -> bool:
    """Whether its group and key were made so lately that EC2 may not know them everywhere."""
    return m.prepared_at is not None and house.clock() < m.prepared_at + life.KNOWN_WITHIN


def _refused(house: House, m: Machine, fault: Fault) -> Machine:
    """EC2 said no, for certain: what that rules out is struck from the plan, and nothing else."""
    assert m.attempt is not None
    now, at = house.clock(), m.attempt.placement
    if fault.kind in _FULL:
        shortage.remember(house, at)
    scope = scope_of(fault)
    rest = left(m.placements, at, scope)
    refused = life.refused(m, now, fault.code, rest)
    if scope is Scope.EVERYTHING:
        return _held_for(refused, house, fault)
    if rest:
        return replace(refused, placements=suggested_first(rest, at, fault.zones))
    return _nothing_left(house, m, refused, fault)


def _nothing_left(house: House, m: Machine, refused: Machine, fault: Fault) -> Machine:
    """Everything has refused. For lack of capacity that is settled elsewhere."""
    if fault.kind is FaultKind.QUOTA and not _refused_before(m, fault):
        # Somebody else used the room since it was counted: count again, which holds the launch.
        return life.replanned(refused)
    if fault.kind in _FULL or any(kind_of(t.code) in _FULL for t in m.tried):
        return refused
    return refused if m.keep_until else _held_for(refused, house, fault)


def _refused_before(m: Machine, fault: Fault) -> bool:
    """Whether this very placement was refused for the same reason already, in this round."""
    assert m.attempt is not None
    at = m.attempt.placement
    same = (at.instance_type, at.market, at.zone, fault.code)
    return any((t.instance_type, t.market, t.zone, t.code) == same for t in m.tried)


def _held_for(m: Machine, house: House, fault: Fault) -> Machine:
    here = regional(fault.code)
    hold = Hold(
        kind=HoldKind.REFUSED,
        code=fault.code,
        detail=fault.message[:300],
        region=(m.prepared or "") if here else "",
    )
    admin = m.owner in house.policy.admins
    found = offers(house, m.wish, m.facts, admin=admin) if here and not m.kept else ()
    hold = replace(hold, choices=ways_on(hold, found, m.wish, m.image))
    now = house.clock()
    return life.telling_admins(life.held(m, now, hold), now, fault)


def _lived_and_died(house: House, m: Machine) -> Machine:
    """The token's machine came and went: the launch is over, and nothing runs."""
    return life.ending(replace(m, attempt=None), house.clock(), Cause.OUTSIDE, None)


def resolve(house: House, m: Machine, *, last: bool) -> Machine:
    """Is there a machine from the open attempt? Absence counts only behind the fence."""
    assert m.attempt is not None
    try:
        found = house.cloud.find(m.attempt.placement.region, m.id, m.attempt.number)
    except CloudError:
        return m  # no read, no conclusion
    if found and (last or not _may_be_more(m, found)):
        return _adopt(house, m, found)
    if last:
        closed = life.refused(m, house.clock(), "no-answer")
        return house.ledger.save(closed, m)
    # Where some are shown the token is known: a send buys nothing then, and names them all.
    move = life.after_unfound(m, house.clock())
    return send(house, m) if isinstance(move, life.Send) else m


def _may_be_more(m: Machine, found: tuple[Instance, ...]) -> bool:
    """Whether EC2 may show only a part of what the attempt bought: it shows new ones late. What
    nobody wants any more is not waited for: each goes as it turns up."""
    wanted = m.desire is Desire.RUN and m.state is State.LAUNCHING
    return wanted and m.is_group and len(found) < m.missing


def _adopt(house: House, m: Machine, found: tuple[Instance, ...]) -> Machine:
    """What EC2 shows is the machine's. Of a group it may show a part: no more is bought by this
    launch then, for those that come late join it by their tag, and together they could be too many.
    """
    part = m.is_group and len(found) < m.missing
    new = life.adopted(replace(m, placements=()) if part else m, house.clock(), found)
    return house.ledger.save(new, m)
