"""Regions, zones, the default VPC, its subnets and the network interfaces in them."""

from typing import Any

from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, page, tag_list
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Interface, Region, Subnet


def _regions(ground: Ground, _: Region, params: Params) -> dict[str, Any]:
    names = params.get("RegionNames")
    for name in names or ():
        if name not in ground.regions:
            raise AwsError("InvalidParameterValue", f"Invalid region provided: {name}")
    found = matching(
        "DescribeRegions",
        names or ground.regions,
        params,
        {
            "region-name": lambda name: name,
            "opt-in-status": lambda name: _opted_in(ground, name),
            "endpoint": lambda name: f"ec2.{name}.amazonaws.com",
        },
    )
    if not params.get("AllRegions"):
        found = [name for name in found if name not in ground.troubles.disabled]
    return {
        "Regions": [
            {
                "RegionName": name,
                "Endpoint": f"ec2.{name}.amazonaws.com",
                "OptInStatus": _opted_in(ground, name),
            }
            for name in found
        ]
    }


def _opted_in(ground: Ground, name: str) -> str:
    return "not-opted-in" if name in ground.troubles.disabled else "opt-in-not-required"


def _zones(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted, ids = params.get("ZoneNames"), params.get("ZoneIds")
    for name in wanted or ():
        if name not in dict(region.zones):
            raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{name}]")
    chosen = [
        zone
        for zone in region.zones
        if (not wanted or zone[0] in wanted) and (not ids or zone[1] in ids)
    ]
    found = matching(
        "DescribeAvailabilityZones",
        chosen,
        params,
        {
            "zone-name": lambda zone: zone[0],
            "zone-id": lambda zone: zone[1],
            "region-name": lambda _: region.name,
            "state": lambda _: "available",
            "zone-type": lambda _: "availability-zone",
            "opt-in-status": lambda _: "opt-in-not-required",
        },
    )
    return {
        "AvailabilityZones": [
            {
                "ZoneName": name,
                "ZoneId": zone_id,
                "RegionName": region.name,
                "State": "available",
                "ZoneType": "availability-zone",
                "OptInStatus": "opt-in-not-required",
                "GroupName": f"{region.name}-zg-1",
                "NetworkBorderGroup": region.name,
                "Messages": [],
            }
            for name, zone_id in found
        ]
    }


def _vpcs(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    for wanted in params.get("VpcIds") or ():
        if not region.vpc or wanted != region.vpc:
            raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{wanted}' does not exist")
    found = matching(
        "DescribeVpcs",
        [region.vpc] if region.vpc else [],
        params,
        {
            "is-default": lambda _: "true",
            "isDefault": lambda _: "true",
            "vpc-id": lambda vpc: vpc,
            "state": lambda _: "available",
            "cidr": lambda _: "172.31.0.0/16",
            "tag": lambda _: region.vpc_tags,
        },
    )
    shown, more = page(found, params, least=5, most=1000)
    return {"Vpcs": [vpc_shape(ground, region) for _ in shown], **more}


def vpc_shape(ground: Ground, region: Region) -> dict[str, Any]:
    """The default VPC as DescribeVpcs shows it."""
    return {
        "VpcId": region.vpc,
        "OwnerId": ground.account,
        "State": "available",
        "CidrBlock": "172.31.0.0/16",
        "IsDefault": True,
        "InstanceTenancy": "default",
        "Tags": tag_list(region.vpc_tags),
    }


def _subnets(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted = params.get("SubnetIds")
    for subnet in wanted or ():
        find_subnet(region, subnet)
    found = matching(
        "DescribeSubnets",
        [s for s in region.subnets.values() if not wanted or s.id in wanted],
        params,
        {
            "subnet-id": lambda s: s.id,
            "vpc-id": lambda s: s.vpc,
            "availability-zone": lambda s: s.zone,
            "availabilityZone": lambda s: s.zone,
            "availability-zone-id": lambda s: s.zone_id,
            "default-for-az": lambda _: "true",
            "defaultForAz": lambda _: "true",
            "map-public-ip-on-launch": lambda _: "true",
            "state": lambda _: "available",
            "tag": lambda s: s.tags,
        },
    )
    shown, more = page(found, params, least=5, most=1000)
    return {"Subnets": [_subnet(ground, region, subnet) for subnet in shown], **more}


def _subnet(ground: Ground, region: Region, subnet: Subnet) -> dict[str, Any]:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": f"arn:aws:ec2:{region.name}:{ground.account}:subnet/{subnet.id}",
        "VpcId": subnet.vpc,
        "OwnerId": ground.account,
        "State": "available",
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": subnet.zone_id,
        "CidrBlock": subnet.cidr,
        "AvailableIpAddressCount": free_addresses(region, subnet),
        "DefaultForAz": True,
        "MapPublicIpOnLaunch": True,
        "AssignIpv6AddressOnCreation": False,
        "Tags": tag_list(subnet.tags),
    }


def free_addresses(region: Region, subnet: Subnet) -> int:
    """Of a /20, AWS keeps five."""
    used = sum(face.subnet is subnet for face in region.interfaces.values())
    return max(0, 4091 - subnet.taken - used)


def find_subnet(region: Region, subnet: str) -> Subnet:
    """The subnet, or EC2's InvalidSubnetID.NotFound."""
    if subnet not in region.subnets:
        raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet}' does not exist")
    return region.subnets[subnet]


# ---- interfaces ---------------------------------------------------------------------------------


def _interfaces(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted = params.get("NetworkInterfaceIds")
    shown = [face for face in region.interfaces.values() if face.visible_at <= ground.time]
    for face_id in wanted or ():
        if face_id not in {face.id for face in shown}:
            raise AwsError(
                "InvalidNetworkInterfaceID.NotFound",
                f"The networkInterface ID '{face_id}' does not exist",
            )
    found = matching(
        "DescribeNetworkInterfaces",
        [face for face in shown if not wanted or face.id in wanted],
        params,
        {
            "network-interface-id": lambda face: face.id,
            "group-id": lambda face: face.groups,
            "subnet-id": lambda face: face.subnet.id,
            "vpc-id": lambda face: face.subnet.vpc,
            "attachment.instance-id": lambda face: face.instance,
            "status": lambda _: "in-use",
            "tag": lambda face: face.tags,
        },
    )
    result, more = page(found, params, least=5, most=1000)
    return {"NetworkInterfaces": [_interface(ground, region, face) for face in result], **more}


def _interface(ground: Ground, region: Region, face: Interface) -> dict[str, Any]:
    shape = {
        "NetworkInterfaceId": face.id,
        "InterfaceType": "interface",
        "OwnerId": ground.account,
        "Status": "in-use",
        "SubnetId": face.subnet.id,
        "VpcId": face.subnet.vpc,
        "AvailabilityZone": face.subnet.zone,
        "Description": face.description,
        "PrivateIpAddress": face.private_ip,
        "SourceDestCheck": True,
        "Groups": group_names(region, face.groups),
        "Attachment": {
            "InstanceId": face.instance,
            "InstanceOwnerId": ground.account,
            "DeviceIndex": 0,
            "Status": "attached",
            "DeleteOnTermination": face.dies_with,
            "AttachTime": face.created,
        },
        "TagSet": tag_list(face.tags),
    }
    if face.public_ip:
        shape["Association"] = association(region, face.public_ip)
    return shape


def group_names(region: Region, ids: list[str]) -> list[dict[str, str]]:
    return [{"GroupId": one, "GroupName": region.groups[one].name} for one in ids]


def public_dns(region: Region, address: str) -> str:
    place = "compute-1" if region.name == "us-east-1" else f"{region.name}.compute"
    return f"ec2-{address.replace('.', '-')}.{place}.amazonaws.com"


def association(region: Region, address: str) -> dict[str, str]:
    return {
        "PublicIp": address,
        "PublicDnsName": public_dns(region, address),
        "IpOwnerId": "amazon",
    }


OPERATIONS = (
    Operation(
        name="DescribeRegions",
        takes={**FILTERS, "RegionNames": None, "AllRegions": None},
        run=_regions,
    ),
    Operation(
        name="DescribeAvailabilityZones",
        takes={**FILTERS, "ZoneNames": None, "ZoneIds": None, "AllAvailabilityZones": None},
        run=_zones,
    ),
    Operation(name="DescribeVpcs", takes={**FILTERS, **PAGES, "VpcIds": None}, run=_vpcs),
    Operation(name="DescribeSubnets", takes={**FILTERS, **PAGES, "SubnetIds": None}, run=_subnets),
    Operation(
        name="DescribeNetworkInterfaces",
        takes={**FILTERS, **PAGES, "NetworkInterfaceIds": None},
        run=_interfaces,
    ),
)
