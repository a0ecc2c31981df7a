"""An instance as EC2 shows it, in DescribeInstances' words."""

from typing import Any

from sim.world.asking import tag_list
from sim.world.ground import Ground
from sim.world.network import association, group_names, public_dns
from sim.world.things import Instance, Interface, Region

_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


def state_of(name: str) -> dict[str, Any]:
    return {"Code": _CODES[name], "Name": name}


def reservation(ground: Ground, region: Region, one: str) -> dict[str, Any]:
    """RunInstances' answer: every instance of one launch as it is now."""
    found = [i for i in region.instances.values() if i.reservation == one]
    return {
        "ReservationId": one,
        "OwnerId": ground.account,
        "Groups": [],
        "Instances": [show(region, instance) for instance in found],
    }


def reservations(ground: Ground, region: Region, found: list[Instance]) -> list[dict[str, Any]]:
    """Instances that were launched together stand together."""
    groups: dict[str, list[Instance]] = {}
    for instance in found:
        groups.setdefault(instance.reservation, []).append(instance)
    return [
        {
            "ReservationId": one,
            "OwnerId": ground.account,
            "Groups": [],
            "Instances": [show(region, instance) for instance in members],
        }
        for one, members in groups.items()
    ]


def show(region: Region, instance: Instance) -> dict[str, Any]:
    """One instance; a terminated one has lost its network and its disks."""
    face = region.interfaces.get(instance.interface or "")
    shape: dict[str, Any] = {
        "InstanceId": instance.id,
        "InstanceType": instance.instance_type,
        "ImageId": instance.image,
        "AmiLaunchIndex": instance.index,
        "State": state_of(instance.state),
        "StateTransitionReason": instance.reason.transition if instance.reason else "",
        "LaunchTime": instance.launched_at.replace(microsecond=0),
        "Architecture": instance.architecture,
        "ClientToken": instance.token,
        "Placement": {
            "AvailabilityZone": instance.zone,
            "AvailabilityZoneId": instance.zone_id,
            "GroupName": "",
            "Tenancy": "default",
        },
        "Monitoring": {"State": "disabled"},
        "RootDeviceName": instance.root_device,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EbsOptimized": False,
        "EnaSupport": True,
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "HibernationOptions": {"Configured": False},
        "EnclaveOptions": {"Enabled": False},
        "MetadataOptions": dict(instance.metadata),
        "ProductCodes": [],
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "BlockDeviceMappings": _disks(region, instance),
        "SecurityGroups": group_names(region, face.groups) if face else [],
        "NetworkInterfaces": [_face(region, instance, face)] if face else [],
        "Tags": tag_list(instance.tags),
    }
    return {**shape, **_sometimes(region, instance, face)}


def _sometimes(region: Region, instance: Instance, face: Interface | None) -> dict[str, Any]:
    """What EC2 leaves out where it does not apply."""
    shape: dict[str, Any] = {}
    if instance.key:
        shape["KeyName"] = instance.key
    if instance.profile:
        shape["IamInstanceProfile"] = {"Arn": instance.profile, "Id": "AIPA0123456789EXAMPLE"}
    if instance.reason:
        shape["StateReason"] = {"Code": instance.reason.code, "Message": instance.reason.message}
    if instance.spot_request:
        shape["InstanceLifecycle"] = "spot"
        shape["SpotInstanceRequestId"] = instance.spot_request
    if face:
        shape |= {
            "VpcId": instance.vpc,
            "SubnetId": instance.subnet,
            "SourceDestCheck": True,
            "PrivateIpAddress": face.private_ip,
            "PrivateDnsName": f"ip-{face.private_ip.replace('.', '-')}.ec2.internal",
        }
    if face and face.public_ip:
        shape["PublicIpAddress"] = face.public_ip
        shape["PublicDnsName"] = public_dns(region, face.public_ip)
    return shape


def _disks(region: Region, instance: Instance) -> list[dict[str, Any]]:
    volumes = [region.volumes[one] for one in instance.volumes]
    return [
        {
            "DeviceName": volume.device,
            "Ebs": {
                "VolumeId": volume.id,
                "Status": "attached",
                "AttachTime": volume.created,
                "DeleteOnTermination": volume.dies_with,
            },
        }
        for volume in volumes
    ]


def _face(region: Region, instance: Instance, face: Interface) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "NetworkInterfaceId": face.id,
        "InterfaceType": "interface",
        "Status": "in-use",
        "SubnetId": instance.subnet,
        "VpcId": instance.vpc,
        "Description": face.description,
        "PrivateIpAddress": face.private_ip,
        "SourceDestCheck": True,
        "Groups": group_names(region, face.groups),
        "Attachment": {
            "DeviceIndex": 0,
            "Status": "attached",
            "AttachTime": face.created,
            "DeleteOnTermination": face.dies_with,
        },
    }
    if face.public_ip:
        shape["Association"] = association(region, face.public_ip)
    return shape
