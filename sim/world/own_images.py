"""CreateImage, RegisterImage, CopyImage, DeregisterImage: images that the account makes itself.

A name is one image's in a region. The snapshots of an image cannot be deleted before it is
deregistered, and stay behind when it is.
"""

from collections.abc import Iterable
from typing import Any

from sim.world.amis import born, find_own, new_name, new_snapshot, snapshots_of
from sim.world.asking import TAG_SPECIFICATIONS, Operation, Params, need, tags_for
from sim.world.data import images_of
from sim.world.errors import AwsError, unknown
from sim.world.ground import Ground
from sim.world.instances import find_instance
from sim.world.things import ImageDisk, Region, Tags, Volume

_IMAGED = ("running", "stopped")


# ---- CreateImage --------------------------------------------------------------------------------


def _create(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    instance = find_instance(region, need(params, "InstanceId"))
    name = new_name(region, need(params, "Name"))
    if instance.state not in _IMAGED:
        raise AwsError(
            "IncorrectState",
            f"The instance '{instance.id}' is not in a state from which it can be imaged: "
            f"{instance.state}.",
        )
    if not params.get("NoReboot"):
        raise unknown("CreateImage", "a reboot:", "say NoReboot")
    left_out = _left_out(params.get("BlockDeviceMappings") or ())
    every = [region.volumes[one] for one in instance.volumes]
    kept = [v for v in every if v.device not in left_out]
    kept.sort(key=lambda v: v.device != instance.root_device)
    if not kept or kept[0].device != instance.root_device:
        raise AwsError("InvalidBlockDeviceMapping", "The root device cannot be left out.")
    marks = tags_for(params, "snapshot", ("image", "snapshot"))
    disks = tuple(_snapped(ground, region, volume, name, marks) for volume in kept)
    image = born(
        ground,
        region,
        name=name,
        description=params.get("Description") or "",
        architecture=instance.architecture,
        boot=None,
        root_device=instance.root_device,
        disks=disks,
        tags=tags_for(params, "image", ("image", "snapshot")),
        instance=instance.id,
    )
    return {"ImageId": image.ami}


def _left_out(mappings: Iterable[Params]) -> set[str]:
    for mapping in mappings:
        if mapping.get("NoDevice") is None:
            raise unknown("CreateImage", "a disk that is", "changed or added")
    return {need(mapping, "DeviceName") for mapping in mappings}


def _snapped(ground: Ground, region: Region, volume: Volume, name: str, tags: Tags) -> ImageDisk:
    snapshot = new_snapshot(
        ground,
        region,
        volume=volume.id,
        size=volume.size,
        encrypted=volume.encrypted,
        content=volume.content or volume.id,
        description=f"Created by CreateImage for {name}",
        tags=tags,
    )
    return ImageDisk(
        device=volume.device,
        snapshot=snapshot.id,
        size=volume.size,
        kind=volume.kind,
        encrypted=volume.encrypted,
    )


# ---- RegisterImage ------------------------------------------------------------------------------


def _register(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    name, root = new_name(region, need(params, "Name")), need(params, "RootDeviceName")
    if params.get("VirtualizationType") != "hvm" or not params.get("EnaSupport"):
        raise unknown("RegisterImage", "an image that is not", "hvm with ENA")
    mappings = {
        need(m, "DeviceName"): m.get("Ebs") or {} for m in need(params, "BlockDeviceMappings")
    }
    if root not in mappings:
        raise AwsError("InvalidBlockDeviceMapping", "The root device is not among the mappings.")
    order = sorted(mappings.items(), key=lambda pair: pair[0] != root)
    image = born(
        ground,
        region,
        name=name,
        description=params.get("Description") or "",
        architecture=params.get("Architecture") or "i386",
        boot=params.get("BootMode"),
        root_device=root,
        disks=tuple(_registered(region, device, ebs) for device, ebs in order),
        tags=tags_for(params, "image", ("image", "snapshot")),
        state="available",
    )
    return {"ImageId": image.ami}


def _registered(region: Region, device: str, ebs: Params) -> ImageDisk:
    snapshot = region.snapshots.get(need(ebs, "SnapshotId"))
    if snapshot is None:
        raise AwsError(
            "InvalidSnapshot.NotFound", f"The snapshot '{ebs['SnapshotId']}' does not exist."
        )
    if snapshot.state != "completed":
        raise AwsError(
            "IncorrectState", f"The snapshot '{snapshot.id}' is not completed: {snapshot.state}."
        )
    size = int(ebs.get("VolumeSize") or snapshot.size)
    if size < snapshot.size:
        raise AwsError(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot '{snapshot.id}', "
            f"expect size >= {snapshot.size}GB",
        )
    return ImageDisk(
        device=device,
        snapshot=snapshot.id,
        size=size,
        kind=str(ebs.get("VolumeType") or "gp2"),
        encrypted=snapshot.encrypted,
    )


# ---- CopyImage ----------------------------------------------------------------------------------


def _copy(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    source_region = ground.regions.get(need(params, "SourceRegion"))
    if source_region is None:
        raise AwsError("InvalidParameterValue", f"Invalid region: {params['SourceRegion']}")
    token = params.get("ClientToken")
    for known in region.own_images.values():
        if token and known.token == token:
            return {"ImageId": known.ami}
    if need(params, "SourceImageId") in images_of(source_region.name):
        raise unknown("CopyImage", "copies of", "public images")
    source = find_own(ground, source_region, params["SourceImageId"])
    if source.state != "available":
        raise AwsError(
            "InvalidRequest", f"The image '{source.ami}' is not available: {source.state}."
        )
    name = new_name(region, need(params, "Name"))
    marks = tags_for(params, "snapshot", ("image", "snapshot"))
    encrypted = bool(params.get("Encrypted"))
    disks = tuple(
        _copied(ground, source_region, region, disk, marks, encrypted=encrypted)
        for disk in source.disks
    )
    image = born(
        ground,
        region,
        name=name,
        description=params.get("Description") or "",
        architecture=source.architecture,
        boot=source.boot,
        root_device=source.root_device,
        disks=disks,
        tags=tags_for(params, "image", ("image", "snapshot")),
        source=(source_region.name, source.ami),
        token=token,
    )
    return {"ImageId": image.ami}


def _copied(
    ground: Ground, source: Region, region: Region, disk: ImageDisk, tags: Tags, *, encrypted: bool
) -> ImageDisk:
    original = source.snapshots[disk.snapshot]
    encrypted = encrypted or original.encrypted
    snapshot = new_snapshot(
        ground,
        region,
        volume="vol-ffffffff",  # what EC2 writes for a copy
        size=original.size,
        encrypted=encrypted,
        content=original.content,
        description=f"Copied for DestinationAmi from SourceSnapshot {original.id}",
        tags=tags,
    )
    return ImageDisk(
        device=disk.device,
        snapshot=snapshot.id,
        size=disk.size,
        kind=disk.kind,
        encrypted=encrypted,
    )


# ---- DeregisterImage ----------------------------------------------------------------------------


def _deregister(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    image = find_own(ground, region, need(params, "ImageId"))
    del region.own_images[image.ami]
    for snapshot in snapshots_of(region, image):
        snapshot.images.discard(image.ami)
    return {"Return": True}


_DISK = dict.fromkeys(
    ("SnapshotId", "VolumeSize", "VolumeType", "DeleteOnTermination", "Encrypted", "Iops")
)
_MAPPINGS = [{"DeviceName": None, "NoDevice": None, "Ebs": _DISK}]
_NAMED = {"Name": None, "Description": None, **TAG_SPECIFICATIONS}
OPERATIONS = (
    Operation(
        name="CreateImage",
        takes={**_NAMED, "InstanceId": None, "NoReboot": None, "BlockDeviceMappings": _MAPPINGS},
        run=_create,
    ),
    Operation(
        name="RegisterImage",
        takes={
            **_NAMED,
            **dict.fromkeys(
                ("Architecture", "RootDeviceName", "VirtualizationType", "EnaSupport", "BootMode")
            ),
            "BlockDeviceMappings": _MAPPINGS,
        },
        run=_register,
    ),
    Operation(
        name="CopyImage",
        takes={
            **_NAMED,
            **dict.fromkeys(("SourceImageId", "SourceRegion", "Encrypted", "ClientToken")),
        },
        run=_copy,
    ),
    Operation(name="DeregisterImage", takes={"ImageId": None}, run=_deregister),
)
