"""Where a launch wants to be: which subnet or zone, with which groups, with which address."""

from dataclasses import dataclass
from typing import Any

from sim.world.asking import Params
from sim.world.errors import AwsError, unknown
from sim.world.ground import Ground
from sim.world.groups import usable_group
from sim.world.network import find_subnet, free_addresses
from sim.world.things import Region, Subnet


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where the call wants to be, and with which groups."""

    subnet: Subnet | None
    zone: str | None
    groups: tuple[str, ...]
    public_ip: bool


def read_where(ground: Ground, region: Region, params: Params) -> Where:
    """Where the call wants to be; without a default VPC it has to name a subnet of another one."""
    faces = params.get("NetworkInterfaces") or ()
    if not region.vpc and not params.get("SubnetId") and not any("SubnetId" in f for f in faces):
        raise AwsError("VPCIdNotSpecified", "No default VPC for this user")
    if faces:
        return _on_interface(ground, region, params, faces)
    subnet = find_subnet(region, params["SubnetId"]) if params.get("SubnetId") else None
    return Where(
        subnet=subnet,
        zone=_zone(region, params, subnet),
        groups=_groups(ground, region, params.get("SecurityGroupIds")),
        public_ip=True,
    )


def need_addresses(region: Region, subnet: Subnet | None, count: int) -> None:
    """Refuse what does not fit into the subnet any more."""
    if subnet is not None and free_addresses(region, subnet) < count:
        raise AwsError(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested "
            "number of instances.",
        )


def _on_interface(ground: Ground, region: Region, params: Params, faces: Any) -> Where:
    for name, words in (("SubnetId", "subnet ID"), ("SecurityGroupIds", "security groups")):
        if params.get(name):
            raise AwsError(
                "InvalidParameterCombination",
                f"Network interfaces and an instance-level {words} may not be specified on the "
                "same request",
            )
    if len(faces) != 1 or faces[0].get("DeviceIndex") != 0:
        raise unknown("RunInstances", "more than one network interface, or one that is not", "0")
    face = faces[0]
    if face.get("DeleteOnTermination") is False:
        raise unknown("RunInstances", "a network interface that outlives", "its instance")
    subnet = find_subnet(region, face["SubnetId"]) if face.get("SubnetId") else None
    return Where(
        subnet=subnet,
        zone=_zone(region, params, subnet),
        groups=_groups(ground, region, face.get("Groups")),
        public_ip=face.get("AssociatePublicIpAddress") in (None, True),
    )


def _zone(region: Region, params: Params, subnet: Subnet | None) -> str | None:
    placement = params.get("Placement") or {}
    zone = placement.get("AvailabilityZone")
    if zone is not None and zone not in dict(region.zones):
        raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
    if subnet and zone and subnet.zone != zone:
        raise AwsError(
            "InvalidParameterValue",
            f"The availability zone '{zone}' does not match the subnet's zone '{subnet.zone}'",
        )
    return subnet.zone if subnet else zone


def _groups(ground: Ground, region: Region, ids: Any) -> tuple[str, ...]:
    if ids:
        return tuple(usable_group(ground, region, one).id for one in ids)
    return tuple(g.id for g in region.groups.values() if g.name == "default")
