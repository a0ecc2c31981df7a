"""Tries out in one region what the bot would do there: quotas, network, image, permissions.

What is tried is what is sent on other days, with the same marks, so that the same conditions of the
same policies decide; but as a dry run.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from core import doctor, images
from core.doctor import Finding
from core.flows.house import House
from core.flows.request import Request
from core.model import (
    Desire,
    Image,
    Machine,
    Market,
    Network,
    Placement,
    Policy,
    State,
    TypeFacts,
    Wish,
)
from core.policy import allows_type
from core.run_instances import run_request, tags

# With what a launch is tried where any type may be: the first that the region sells.
TYPES = ("g4dn.xlarge", "g5.xlarge", "g6.xlarge", "p3.2xlarge", "g6e.xlarge")
SIZES = ("xlarge", "2xlarge", "8xlarge", "16xlarge", "24xlarge", "48xlarge")
MOST_TYPES = 100


def quotas(house: House, where: str) -> tuple[Finding, ...]:
    """The GPU quotas of the region."""
    return (doctor.quotas(where, house.quotas.limits(where), house.ledger.quota_requests()),)


def disks(house: House, where: str) -> tuple[Finding, ...]:
    """The key that the region's new disks are encrypted with."""
    return (doctor.disk_key(where, house.disks.default_key(where), house.policy.disk_keys),)


def region(house: House, request: Request, where: str) -> tuple[Finding, ...]:
    """All else of the region."""
    return tuple(_findings(house, request, where))


def _findings(house: House, request: Request, region: str) -> Iterator[Finding]:
    network = house.cloud.network(region)
    yield doctor.network(region, network)
    kind = next(iter(_types(house, region)), None)
    image = _image(house, region, kind) if kind else None
    if kind is None:
        yield doctor.unclear(
            "Launching",
            "no type that the rules allow, and that AWS has an image for, was found there",
            region,
        )
    else:
        yield doctor.image(region, image)
    m = _example(house, region)
    if network and network.subnets and kind and image:
        yield _launching(house, request, network, kind, image, m, region)
    if network and network.subnets:
        mine = tags(_made_up(request, kind, image, region), house.policy)
        made = house.trials.make(region, network.vpc, network.subnets[0][0], mine)
        yield doctor.managing(region, made, None, "Preparing a launch")
    if m is None or m.instance is None:
        yield doctor.no_machine(region)
    else:
        tried = house.trials.manage(region, m.instance.id, m.group, tags(m, house.policy))
        yield doctor.managing(region, tried, m, "Stopping, starting, ending")


def _types(house: House, region: str) -> Iterator[TypeFacts]:
    """Of those that the rules allow, for AWS may be told to allow no others; with an image."""
    names = _names(house.policy)
    known = house.cloud.types_named(region, names)
    kinds = (known[name] for name in names if name in known)
    return (kind for kind in kinds if not isinstance(images.plan(kind, "base"), str))


def _names(policy: Policy) -> tuple[str, ...]:
    exact = [name for name in policy.types if "." in name]
    families = [name for name in policy.types if "." not in name]
    sized = [f"{family}.{size}" for family in families for size in SIZES]
    usual = [name for name in TYPES if allows_type(name, policy)]
    return tuple(dict.fromkeys((*usual, *exact, *sized)))[:MOST_TYPES]


def _image(house: House, region: str, kind: TypeFacts) -> Image | None:
    plan = images.plan(kind, "base")
    assert not isinstance(plan, str), plan
    return house.images.newest(region, plan.parameters, plan.patterns, plan.architecture)


def _example(house: House, region: str) -> Machine | None:
    """A machine of the region to try things on; one whose instance is there before one without."""
    there = [m for m in house.ledger.live() if m.prepared == region and m.group]
    return max(there, key=lambda m: m.instance is not None, default=None)


def _launching(
    house: House,
    request: Request,
    network: Network,
    kind: TypeFacts,
    image: Image,
    m: Machine | None,
    region: str,
) -> Finding:
    selling = {zone.name for zone in house.cloud.zones_offering(region, kind.name)}
    places = [place for place in network.subnets if place[0] in selling] or network.subnets
    group = m.group if m else None
    trials = []
    for market in Market:
        at = Placement(
            instance_type=kind.name,
            region=region,
            zone=places[0][0],
            subnet=places[0][1],
            market=market,
            hourly=Decimal(0),
        )
        wanted = _request(house, _made_up(request, kind, image, region), at, group)
        trials.append(house.trials.launch(region, wanted))
    return doctor.launching(region, trials, own_group=group is not None)


def _request(house: House, m: Machine, at: Placement, group: str | None) -> dict[str, Any]:
    """RunInstances as a launch would send it, but for what only a machine has: a key, a group."""
    now = house.clock()
    _, text = run_request(
        m,
        at,
        number=1,
        group=group or "",
        key_name="",
        keys=(),
        deadline=now + house.policy.default_lease,
        longest=house.policy.longest_lease,
        policy=house.policy,
    )
    wanted: dict[str, Any] = json.loads(text)
    del wanted["KeyName"], wanted["ClientToken"]
    if group is None:
        for interface in wanted["NetworkInterfaces"]:
            del interface["Groups"]
    return wanted


def _made_up(request: Request, kind: TypeFacts | None, image: Image | None, region: str) -> Machine:
    """A machine that never is: its name and its owner stand in the tags of what is tried."""
    at = request.at
    assert at is not None
    return Machine(
        id="doctor",
        version=0,
        name="doctor",
        owner=request.user,
        channel=request.channel,
        wish=Wish(
            instance_type=kind.name if kind else TYPES[0], market=Market.ON_DEMAND, region=region
        ),
        state=State.REQUESTED,
        desire=Desire.RUN,
        created_at=at,
        launch_by=at,
        due_at=None,
        image=image,
        disk_gb=image.root_gb if image else None,
    )
