"""Follows what a running spot machine costs: EC2 tells every change of the price in its zone."""

from core import lifecycle as life
from core.faults import CloudError
from core.flows.house import House
from core.model import Machine


def follow(house: House, m: Machine) -> Machine:
    """The row with the prices of its last run; as it was where they are not due or not told now."""
    since = life.price_due(m, house.clock())
    if since is None or m.placement is None:
        return m
    at = m.placement
    try:
        told = house.cloud.spot_history(at.region, (at.instance_type,), since)
    except CloudError:
        return m  # the last price stands, and is looked up again at the next look
    changes = told.get((at.instance_type, at.zone), ())
    return life.repriced(m, tuple(changes), house.clock())
