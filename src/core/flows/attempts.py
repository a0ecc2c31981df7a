"""Buys one machine at most: intent is written before the act, and an unclear answer is no answer.

One RunInstances for each placement, each with its own client token, which is frozen in the row
together with the arguments. Before every send the row says that EC2 may have been asked. A refusal
closes the attempt only if it was the only send; after an unclear answer the machine is looked for
by its tag, the same call is sent again, and only when the fence has passed is it known not to be.
"""

import json
from dataclasses import replace

from core import lifecycle as life
from core import run_instances
from core.faults import CloudError, Fault, FaultKind
from core.flows.house import House
from core.model import Attempt, Cause, Hold, HoldKind, Instance, Machine, Placement
from core.policy import ADMINS_LONGEST

_DEAD = frozenset({"shutting-down", "terminated"})
# Another zone cannot cure these: the person or an admin has to do something first.
_HOPELESS = frozenset(
    {
        FaultKind.DENIED,
        FaultKind.ACCOUNT,
        FaultKind.IMAGE,
        FaultKind.DISK,
        FaultKind.KEY,
        FaultKind.BUG,
        FaultKind.NETWORK,
    }
)


def open_attempt(house: House, m: Machine, at: Placement) -> Machine:
    """Make sure of group and key, freeze the call in the row. Nothing is bought yet."""
    profile = house.ledger.profile(m.owner).at(house.clock())
    if not profile.keys or not profile.has_address:
        return house.ledger.save(life.replanned(m), m)
    if m.group is None or m.prepared != at.region:
        m = house.ledger.save(life.preparing(m, house.clock(), at.region), m)
    name, marks = run_instances.resource_name(m), run_instances.tags(m, house.policy)
    try:
        network = house.cloud.network(at.region)
        if network is None:
            return house.ledger.save(life.replanned(m), m)
        group = house.cloud.ensure_group(at.region, name, network.vpc, marks)
        house.cloud.set_addresses(at.region, group, frozenset(a.cidr for a in profile.accesses))
        house.cloud.ensure_key(at.region, name, profile.keys[0].text, marks)
    except CloudError as error:
        return _before_buying(house, m, error.fault)
    keys = tuple(key.text for key in profile.keys)
    return house.ledger.save(_frozen(house, m, at, group, name, keys), m)


def _before_buying(house: House, m: Machine, fault: Fault) -> Machine:
    """Group or key could not be made: nothing was sent, so nothing can have been bought."""
    if fault.kind in (FaultKind.UNKNOWN, FaultKind.THROTTLED):
        return m  # due again in a minute, until `launch_by`
    return house.ledger.save(_held_for(m, house, fault), m)


def _frozen(
    house: House, m: Machine, at: Placement, group: str, name: str, keys: tuple[str, ...]
) -> Machine:
    now = house.clock()
    lease = life.lease(life.length_wanted(m.wish, now, house.policy), now, house.policy)
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
    )
    attempt = Attempt(number=number, placement=at, token=token, request=request)
    return life.opened(m, attempt, lease, group)


def send(house: House, m: Machine) -> Machine:
    """Write that EC2 may be asked, ask once, write what it said."""
    m = house.ledger.save(life.sending(m, house.clock()), m)
    assert m.attempt is not None
    try:
        instance = house.cloud.run(m.attempt.placement.region, json.loads(m.attempt.request))
    except CloudError as error:
        return _answered_no(house, m, error.fault)
    return house.ledger.save(life.adopted(m, house.clock(), instance), m)


def _answered_no(house: House, m: Machine, fault: Fault) -> Machine:
    assert m.attempt is not None
    if fault.kind is FaultKind.TOKEN_GONE:
        return house.ledger.save(_lived_and_died(house, m), m)
    sure = fault.definite and m.attempt.sends == 1
    if not sure or fault.kind is FaultKind.THROTTLED:
        # Throttled is a no to this send only: the same call goes out again in a moment.
        return house.ledger.save(life.unclear(m), m)
    return house.ledger.save(_refused(house, m, fault), m)


def _refused(house: House, m: Machine, fault: Fault) -> Machine:
    """EC2 said no, for certain: what that rules out is struck from the plan."""
    assert m.attempt is not None
    now, at = house.clock(), m.attempt.placement
    counted_again = any(tried.code == fault.code for tried in m.tried)
    if fault.kind is FaultKind.QUOTA and not counted_again:
        # Somebody else used the room since it was counted: count again, which holds the launch.
        refused = life.refused(m, now, fault.code, drop=frozenset({at.region}))
        return life.replanned(refused)
    if fault.kind in _HOPELESS or fault.kind is FaultKind.QUOTA:
        return _held_for(life.refused(m, now, fault.code), house, fault)
    refused = life.refused(m, now, fault.code)
    return replace(refused, placements=_suggested_first(refused.placements, fault))


def _suggested_first(rest: tuple[Placement, ...], fault: Fault) -> tuple[Placement, ...]:
    """EC2's capacity message names zones that have some: those before the others."""
    return tuple(sorted(rest, key=lambda p: p.zone not in fault.zones)) if fault.zones else rest


def _held_for(m: Machine, house: House, fault: Fault) -> Machine:
    hold = Hold(kind=HoldKind.REFUSED, code=fault.code, detail=fault.message[:300])
    return life.held(m, house.clock(), hold)


def _lived_and_died(house: House, m: Machine) -> Machine:
    """The token's machine came and went: the launch is over, and nothing runs."""
    return life.ending(replace(m, attempt=None), house.clock(), Cause.OUTSIDE, None)


def resolve(house: House, m: Machine, *, last: bool) -> Machine:
    """Is there a machine from the open attempt? Absence counts only behind the fence."""
    assert m.attempt is not None
    try:
        found = house.cloud.find(m.attempt.placement.region, m.id)
    except CloudError:
        return m  # no read, no conclusion
    if found:
        return _adopt(house, m, found)
    if last:
        closed = life.refused(m, house.clock(), "no-answer")
        return house.ledger.save(closed, m)
    move = life.after_unfound(m, house.clock())
    return send(house, m) if isinstance(move, life.Send) else m


def _adopt(house: House, m: Machine, found: tuple[Instance, ...]) -> Machine:
    """One attempt has one token, hence one machine; a living one before one that is gone."""
    instance = sorted(found, key=lambda i: i.state in _DEAD)[0]
    return house.ledger.save(life.adopted(m, house.clock(), instance), m)


def tidy(house: House, m: Machine, then: Machine) -> Machine:
    """Delete what the machine brought; the row stays as it is while EC2 still uses any of it."""
    region = m.prepared or m.wish.region
    name = run_instances.resource_name(m)
    try:
        house.cloud.delete_key(region, name)
        gone = house.cloud.delete_group(region, name)
    except CloudError:
        return m
    return house.ledger.save(then, m) if gone else m
