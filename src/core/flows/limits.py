"""Reads vCPU quotas: limit, use and our own launches in flight, of one type or a whole region."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from core import catalog
from core import quota as quotas
from core.faults import CloudError
from core.flows.house import House
from core.model import Market, QuotaFacts, State
from core.ports import InUse

NOT_LISTED = "QuotaNotListed"


def quota_facts(house: House, region: str, instance_type: str, market: Market) -> QuotaFacts:
    """Limit, use and our own launches in flight of the quota that a type draws on, in vCPUs.

    Where AWS lists none for it, the one with the most room of those that it may be counted under:
    what does not fit there fits nowhere.
    """
    wanted = catalog.quota_of(instance_type, market)
    try:
        code, name, limit = house.quotas.limit(region, wanted.name, wanted.code)
    except CloudError as error:
        perhaps = _perhaps(house, region, wanted) if error.fault.code == NOT_LISTED else ()
        if not perhaps:
            raise
        return replace(max(perhaps, key=lambda facts: facts.room), unsure=True)
    in_use = house.cloud.in_use(region)
    return QuotaFacts(
        code=code,
        name=name,
        region=region,
        limit=limit,
        used=quotas.used(in_use, wanted),
        in_flight=quotas.used(_in_flight(house, region, in_use), wanted),
    )


def _perhaps(house: House, region: str, wanted: catalog.QuotaRef) -> tuple[QuotaFacts, ...]:
    rows = {facts.name: facts for facts in region_quotas(house, region)}
    names = (quotas.same_quota(name, rows) for name in wanted.perhaps)
    return tuple(rows[name] for name in names if name is not None)


def region_quotas(house: House, region: str) -> tuple[QuotaFacts, ...]:
    """Every vCPU quota of a family with accelerators, by family and market, found by its name."""
    listed = [one for one in house.quotas.limits(region) if quotas.is_accelerated(one.name)]
    names = tuple(one.name for one in listed)
    in_use = house.cloud.in_use(region)
    in_flight = _in_flight(house, region, in_use)

    def taken(some: Iterable[InUse], name: str) -> int:
        counted = (u for u in some if quotas.quota_for(u.instance_type, u.market, names) == name)
        return sum(one.vcpus for one in counted)

    found = [
        QuotaFacts(
            code=one.code,
            name=one.name,
            region=region,
            limit=one.vcpus,
            used=taken(in_use, one.name),
            in_flight=taken(in_flight, one.name),
        )
        for one in listed
    ]
    return tuple(sorted(found, key=lambda f: (sorted(quotas.families(f.name)), f.name)))


def _in_flight(house: House, region: str, in_use: tuple[InUse, ...]) -> tuple[InUse, ...]:
    """Launches of ours whose RunInstances has been written down and not been answered, less what
    EC2 shows of them: that is in use already, though its row does not know it yet."""
    shown = Counter[tuple[str, str]]()
    for one in in_use:
        shown[one.machine, one.attempt] += one.vcpus
    return tuple(
        InUse(
            instance_type=at.instance_type,
            market=at.market,
            vcpus=max(0, m.facts.vcpus * m.missing - shown[m.id, str(m.attempt.number)]),
        )
        for m in house.ledger.live()
        if m.state is State.LAUNCHING and m.attempt is not None and m.facts is not None
        if (at := m.attempt.placement).region == region
    )
