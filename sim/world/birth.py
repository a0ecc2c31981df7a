"""An instance comes into being, with its disk, its interface and its spot request."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sim.world.data import on_demand_price
from sim.world.disks import Disk
from sim.world.ground import Ground
from sim.world.life import boot
from sim.world.things import Instance, Interface, Region, SpotRequest, Subnet, Tags, Volume


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A launch that EC2 has nothing against. `subnet` is None until there is a place for it."""

    instance_type: str
    vcpus: int
    architecture: str
    market: str
    max_price: str | None
    image: str
    root_device: str
    disks: tuple[Disk, ...]
    subnet: Subnet | None
    groups: tuple[str, ...]
    public_ip: bool
    key: str | None
    token: str
    tags: dict[str, Tags]
    metadata: dict[str, Any]
    shutdown: str
    user_data: str | None
    profile: str | None


def bear(ground: Ground, region: Region, plan: Plan, reservation: str, index: int) -> Instance:
    """Make the instance and everything that comes with it; it is pending."""
    instance = _instance(ground, plan, reservation, index)
    region.instances[instance.id] = instance
    _attach_interface(ground, region, instance, plan)
    for disk in plan.disks:
        _attach_disk(ground, region, instance, disk, plan)
    if plan.market == "spot":
        _record_spot(ground, region, instance, plan)
    boot(ground, region, instance)
    return instance


def _instance(ground: Ground, plan: Plan, reservation: str, index: int) -> Instance:
    assert plan.subnet is not None
    return Instance(
        id=ground.new_id("i"),
        reservation=reservation,
        index=index,
        instance_type=plan.instance_type,
        vcpus=plan.vcpus,
        architecture=plan.architecture,
        market=plan.market,
        image=plan.image,
        root_device=plan.root_device,
        zone=plan.subnet.zone,
        zone_id=plan.subnet.zone_id,
        subnet=plan.subnet.id,
        vpc=plan.subnet.vpc,
        key=plan.key,
        token=plan.token,
        tags=dict(plan.tags["instance"]),
        metadata=dict(plan.metadata),
        shutdown=plan.shutdown,
        user_data=plan.user_data,
        profile=plan.profile,
        launched_at=ground.time,
        visible_at=ground.time + timedelta(seconds=ground.settings.visible_after),
    )


def _attach_interface(ground: Ground, region: Region, instance: Instance, plan: Plan) -> None:
    assert plan.subnet is not None
    face = Interface(
        id=ground.new_id("eni"),
        subnet=plan.subnet,
        groups=list(plan.groups),
        instance=instance.id,
        private_ip=ground.private_ip(plan.subnet),
        public_ip=ground.public_ip() if plan.public_ip else None,
        wants_public_ip=plan.public_ip,
        description="",
        dies_with=True,
        created=ground.time,
        visible_at=instance.visible_at,
        tags=dict(plan.tags["network-interface"]),
    )
    region.interfaces[face.id] = face
    instance.interface = face.id


def _attach_disk(
    ground: Ground, region: Region, instance: Instance, disk: Disk, plan: Plan
) -> None:
    one = ground.new_id("vol")
    source = region.snapshots.get(disk.snapshot)
    volume = Volume(
        id=one,
        zone=instance.zone,
        size=disk.size,
        kind=disk.kind,
        encrypted=disk.encrypted,
        iops=disk.iops,
        throughput=disk.throughput,
        snapshot=disk.snapshot,
        created=ground.time,
        visible_at=instance.visible_at,
        instance=instance.id,
        device=disk.device,
        dies_with=disk.dies_with,
        tags=dict(plan.tags["volume"]),
        content=source.content if source else one,
    )
    region.volumes[volume.id] = volume
    instance.volumes.append(volume.id)


def _record_spot(ground: Ground, region: Region, instance: Instance, plan: Plan) -> None:
    request = SpotRequest(
        id=ground.new_id("sir")[:12],
        instance=instance.id,
        instance_type=instance.instance_type,
        image=instance.image,
        zone=instance.zone,
        state="active",
        status="fulfilled",
        status_message="Your Spot request is fulfilled.",
        created=ground.time,
        updated=ground.time,
        visible_at=instance.visible_at,
        max_price=plan.max_price or str(on_demand_price(region.name, instance.instance_type) or ""),
        tags=dict(plan.tags.get("spot-instances-request") or {}),
    )
    region.spot_requests[request.id] = request
    instance.spot_request = request.id
