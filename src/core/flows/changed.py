"""Follows what somebody changed outside the bot, with what else must be read from AWS for it."""

from decimal import Decimal

from core import lifecycle as life
from core.faults import CloudError
from core.flows.house import House
from core.model import Instance, Machine, Market


def seen(house: House, m: Machine, found: Instance | None) -> Machine:
    """The row after a good read of its one instance."""
    now = house.clock()
    before = _typed(house, m, found) if found else m
    after = life.seen(before, now, found)
    return life.tags_held(_leased(house, before, after), now)


def seen_all(house: House, m: Machine, found: tuple[Instance, ...]) -> Machine:
    """The same of a group."""
    after = life.seen_all(m, house.clock(), found)
    return life.tags_held(_leased(house, m, after), house.clock())


def _leased(house: House, before: Machine, after: Machine) -> Machine:
    if not life.was_started_outside(before, after):
        return after
    now, policy = house.clock(), house.policy
    return life.started_outside(after, now, life.lease(policy.default_lease, now, policy))


def _typed(house: House, m: Machine, found: Instance) -> Machine:
    """Its type, facts and price are read anew; what AWS does not say now is asked again."""
    name = life.other_type(m, found)
    if name is None:
        return m
    try:
        facts = house.cloud.type_facts(found.region, name)
        return life.typed(m, house.clock(), name, facts, _hourly(house, m, found, name))
    except CloudError:
        return m


def _hourly(house: House, m: Machine, found: Instance, name: str) -> Decimal | None:
    if m.market is Market.SPOT:
        prices = house.cloud.spot_prices(found.region, (name,), house.clock())
        return prices.get((name, found.zone))
    return house.prices.listed(found.region, (name,)).get(name)
