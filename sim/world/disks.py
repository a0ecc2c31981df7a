"""EBS volumes: what a launch asks for, and what DescribeVolumes shows."""

from dataclasses import dataclass
from typing import Any

from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, need, page, tag_list
from sim.world.data import Image
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Region, Volume

_SIZES = {
    "gp3": (1, 65_536),
    "gp2": (1, 16_384),
    "io1": (4, 16_384),
    "io2": (4, 65_536),
    "st1": (125, 16_384),
    "sc1": (125, 16_384),
}


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A volume as a launch asks for it. Sizes in GiB, throughput in MiB/s."""

    device: str
    size: int
    kind: str
    encrypted: bool
    dies_with: bool
    iops: int | None
    throughput: int | None
    snapshot: str


def read_disks(region: Region, image: Image, mappings: Any) -> tuple[Disk, ...]:
    """The root volume, changed as the call wishes, and those that it adds."""
    asked = {need(mapping, "DeviceName"): mapping.get("Ebs") or {} for mapping in mappings}
    if len(asked) != len(mappings):
        raise AwsError("InvalidBlockDeviceMapping", "A device name is mapped more than once.")
    root = asked.pop(image.root_device, {})
    snapshot = image.snapshot(region.name)
    if root.get("SnapshotId") not in (None, snapshot):
        raise AwsError("InvalidBlockDeviceMapping", "snapshotId cannot be modified on root device")
    disks = [_disk(image.root_device, root, snapshot, image.root_gb)]
    disks += [_disk(device, ebs, "", None) for device, ebs in asked.items()]
    return tuple(disks)


def _disk(device: str, ebs: Params, snapshot: str, least: int | None) -> Disk:
    size, kind = ebs.get("VolumeSize") or least, str(ebs.get("VolumeType") or "gp3")
    if size is None:
        raise AwsError(
            "MissingParameter", f"The request must contain a size or snapshotId ({device})"
        )
    _check_size(device, int(size), kind, snapshot, least)
    iops, throughput = ebs.get("Iops"), ebs.get("Throughput")
    _check_speed(kind, iops, throughput)
    gp3 = kind == "gp3"
    return Disk(
        device=device,
        size=int(size),
        kind=kind,
        encrypted=bool(ebs.get("Encrypted")),
        dies_with=ebs.get("DeleteOnTermination") in (None, True),
        iops=int(iops) if iops else (3000 if gp3 else None),
        throughput=int(throughput) if throughput else (125 if gp3 else None),
        snapshot=snapshot,
    )


def _check_size(device: str, size: int, kind: str, snapshot: str, least: int | None) -> None:
    if kind not in _SIZES:
        raise AwsError("InvalidParameterValue", f"Invalid volume type: {kind}")
    if snapshot and kind in ("st1", "sc1"):
        raise AwsError(
            "InvalidParameterValue", f"{device}: a {kind} volume cannot be a boot volume"
        )
    if least is not None and size < least:
        raise AwsError(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot '{snapshot}', "
            f"expect size >= {least}GB",
        )
    low, high = _SIZES[kind]
    if not low <= size <= high:
        raise AwsError(
            "InvalidParameterValue",
            f"Volume of {size}GiB is invalid; {kind} volumes are between {low} and {high} GiB.",
        )


def _check_speed(kind: str, iops: Any, throughput: Any) -> None:
    if iops is not None and kind not in ("gp3", "io1", "io2"):
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameter iops is not supported for {kind} volumes.",
        )
    if iops is not None and kind == "gp3" and not 3000 <= int(iops) <= 80_000:
        raise AwsError("InvalidParameterValue", f"Volume iops of {iops} is invalid for gp3.")
    if iops is None and kind in ("io1", "io2"):
        raise AwsError(
            "MissingParameter", f"The parameter iops must be specified for {kind} volumes."
        )
    if throughput is not None and (kind != "gp3" or not 125 <= int(throughput) <= 2000):
        raise AwsError(
            "InvalidParameterValue", f"Throughput of {throughput} is invalid for {kind}."
        )


# ---- DescribeVolumes ----------------------------------------------------------------------------


def _describe(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    wanted = params.get("VolumeIds")
    shown = [v for v in region.volumes.values() if v.visible_at <= ground.time]
    for one in wanted or ():
        if one not in {v.id for v in shown}:
            raise AwsError("InvalidVolume.NotFound", f"The volume '{one}' does not exist.")
    found = matching(
        "DescribeVolumes",
        [v for v in shown if not wanted or v.id in wanted],
        params,
        {
            "volume-id": lambda v: v.id,
            "status": _status,
            "availability-zone": lambda v: v.zone,
            "attachment.instance-id": lambda v: v.instance,
            "volume-type": lambda v: v.kind,
            "encrypted": lambda v: str(v.encrypted).lower(),
            "tag": lambda v: v.tags,
        },
    )
    result, more = page(found, params, least=5, most=1000)
    return {"Volumes": [_shape(volume) for volume in result], **more}


def _status(volume: Volume) -> str:
    return "in-use" if volume.instance else "available"


def _shape(volume: Volume) -> dict[str, Any]:
    attachment = {
        "VolumeId": volume.id,
        "InstanceId": volume.instance,
        "Device": volume.device,
        "State": "attached",
        "DeleteOnTermination": volume.dies_with,
        "AttachTime": volume.created,
    }
    shape = {
        "VolumeId": volume.id,
        "Size": volume.size,
        "VolumeType": volume.kind,
        "State": _status(volume),
        "AvailabilityZone": volume.zone,
        "Encrypted": volume.encrypted,
        "SnapshotId": volume.snapshot,
        "CreateTime": volume.created,
        "MultiAttachEnabled": False,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
        "Attachments": [attachment] if volume.instance else [],
        "Tags": tag_list(volume.tags),
    }
    return {key: value for key, value in shape.items() if value is not None}


OPERATIONS = (
    Operation(name="DescribeVolumes", takes={**FILTERS, **PAGES, "VolumeIds": None}, run=_describe),
)
