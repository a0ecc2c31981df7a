"""Where there is room: zones that sell a type, zones that are full, quotas that are used up."""

from dataclasses import replace

from sim.world.birth import Plan
from sim.world.data import load_offerings, quota_of, spot_price
from sim.world.errors import AwsError
from sim.world.things import Region

ENDLESS = 1_000_000


def has_room(region: Region, zone: str, instance_type: str, market: str) -> bool:
    """Whether that zone sells the type and has one left; spot is only where it has a price."""
    return left(region, zone, instance_type, market) > 0


def left(region: Region, zone: str, instance_type: str, market: str) -> int:
    """How many more that zone can start of the type."""
    if zone not in load_offerings(region.name).get(instance_type, ()):
        return 0
    if market == "spot" and spot_price(region.name, zone, instance_type) is None:
        return 0
    rooms = (full.room for full in region.full if full.holds(zone, instance_type, market))
    return min(rooms, default=ENDLESS)


def take(region: Region, zone: str, instance_type: str, market: str, count: int) -> None:
    """So many have been started there: that much less room is left."""
    for full in [one for one in region.full if one.holds(zone, instance_type, market)]:
        region.full.discard(full)
        region.full.add(replace(full, room=max(0, full.room - count)))


def place(region: Region, plan: Plan, zone: str | None) -> Plan:
    """The plan in a subnet that has room, or EC2's refusal with the zones that have some."""
    name, market = plan.instance_type, plan.market
    sold = load_offerings(region.name)[name]
    if zone is not None and zone not in sold:
        raise AwsError(
            "Unsupported",
            f"Your requested instance type ({name}) is not supported in your requested "
            f"Availability Zone ({zone}). Please retry your request by not specifying an "
            f"Availability Zone or choosing {', '.join(sold)}.",
        )
    free = [z for z in sold if has_room(region, z, name, market)]
    if zone is None and free:
        (subnet,) = [s for s in region.subnets.values() if s.zone == free[0]]
        return replace(plan, subnet=subnet)
    if zone is None or zone not in free:
        raise without_capacity(name, market, zone, free)
    if plan.subnet is None:
        (subnet,) = [s for s in region.subnets.values() if s.zone == zone]
        return replace(plan, subnet=subnet)
    return plan


def without_capacity(name: str, market: str, zone: str | None, free: list[str]) -> AwsError:
    """EC2's words for no capacity, and its status: 500, though nothing is broken."""
    if market == "spot":
        words = "There is no Spot capacity available that matches your request."
    elif zone is None:
        words = f"We currently do not have sufficient {name} capacity in this region."
    else:
        words = (
            f"We currently do not have sufficient {name} capacity in the Availability Zone you "
            f"requested ({zone}). Our system will be working on provisioning additional capacity."
        )
        if free:
            words += (
                f" You can currently get {name} capacity by not specifying an Availability Zone in "
                f"your request or choosing {', '.join(free)}."
            )
    return AwsError("InsufficientInstanceCapacity", words, status=500)


def refuse_without_quota(region: Region, instance_type: str, market: str) -> AwsError:
    """EC2's words for a used-up vCPU quota."""
    if market == "spot":
        return AwsError("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    limit = int(region.limits[quota_of(instance_type, market).code])
    return AwsError(
        "VcpuLimitExceeded",
        f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for "
        "the instance bucket that the specified instance type belongs to. Please visit "
        "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
    )
