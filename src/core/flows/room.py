"""Quota room for where a glance is enough: AWS is asked once an hour at most.

What AWS told is kept without our own machines; those are added as the rows have them now, so that a
launch takes its room at once.
"""

from dataclasses import replace
from datetime import timedelta

from core import quota as quotas
from core.faults import CloudError
from core.flows.house import House
from core.flows.limits import region_quotas
from core.model import ALIVE, Machine, QuotaFacts, QuotaRoom, State
from core.ports import StaleRow

FRESH = timedelta(hours=1)
_TAKES = ALIVE | {State.LAUNCHING, State.STOPPING}


def quota_room(house: House) -> QuotaRoom | None:
    """Of the default region; None where AWS has never told it. `used` is of now."""
    known = _lately(house)
    if known is None:
        return None
    machines = house.ledger.live()
    names = tuple(one.name for one in known.facts)
    facts = tuple(
        replace(one, used=one.used + _ours(machines, known.region, one.name, names))
        for one in known.facts
    )
    return replace(known, facts=facts)


def _lately(house: House) -> QuotaRoom | None:
    """What AWS told within the hour; where it tells nothing now, what it told before."""
    region, now = house.policy.region, house.clock()
    known = house.ledger.row(QuotaRoom, region)
    if known is not None and now - known.read_at < FRESH:
        return known
    try:
        facts = _without_ours(house, region, region_quotas(house, region))
    except CloudError:
        return known
    read = QuotaRoom(region=region, facts=facts, read_at=now)
    try:
        return house.ledger.save_row(read, known)
    except StaleRow:
        return read


def _without_ours(
    house: House, region: str, facts: tuple[QuotaFacts, ...]
) -> tuple[QuotaFacts, ...]:
    machines = house.ledger.live()
    names = tuple(one.name for one in facts)
    return tuple(
        replace(one, used=max(0, one.used - _ours(machines, region, one.name, names)), in_flight=0)
        for one in facts
    )


def _ours(machines: tuple[Machine, ...], region: str, quota: str, names: tuple[str, ...]) -> int:
    """vCPUs that machines of ours take of a quota."""
    return sum(
        m.facts.vcpus * len(m.instances)
        for m in machines
        if m.state in _TAKES
        and m.facts is not None
        and m.placement is not None
        and m.placement.region == region
        and quotas.quota_for(m.placement.instance_type, m.placement.market, names) == quota
    )
