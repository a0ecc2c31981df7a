"""The disks that a launch asks for, and what EBS takes: sizes and speeds of each kind."""

from dataclasses import dataclass
from typing import Any

from sim.world.asking import Params, need
from sim.world.errors import AwsError
from sim.world.things import Bootable, Region

MOST_GB = 51_200  # storage of an account in a region, the default quota of gp3

_SIZES = {
    "gp3": (1, 65_536),
    "gp2": (1, 16_384),
    "io1": (4, 16_384),
    "io2": (4, 65_536),
    "st1": (125, 16_384),
    "sc1": (125, 16_384),
}
# The fewest and the most IOPS, and how many for each GiB.
_IOPS = {"gp3": (3000, 80_000, 500), "io1": (100, 64_000, 50), "io2": (100, 256_000, 1000)}


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


def read_disks(region: Region, image: Bootable, mappings: Any) -> tuple[Disk, ...]:
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
    check_room(region, sum(disk.size for disk in disks))
    return tuple(disks)


def check_room(region: Region, more: int) -> None:
    """The account's quota of storage (GiB), which counts every volume of the region."""
    if sum(volume.size for volume in region.volumes.values()) + more > MOST_GB:
        raise AwsError("VolumeLimitExceeded", "You have exceeded your maximum gp3 storage limit.")


def _disk(device: str, ebs: Params, snapshot: str, least: int | None) -> Disk:
    size, kind = ebs.get("VolumeSize") or least, str(ebs.get("VolumeType") or "gp3")
    if size is None:
        raise AwsError(
            "MissingParameter", f"The request must contain a size or snapshotId ({device})"
        )
    check_size(device, int(size), kind, snapshot, least)
    iops, throughput = ebs.get("Iops"), ebs.get("Throughput")
    check_speed(kind, iops, throughput, int(size))
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


def check_size(device: str, size: int, kind: str, snapshot: str, least: int | None) -> None:
    """EC2's refusal of a kind or size (GiB); `least` is the size of the snapshot."""
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


def check_speed(kind: str, iops: Any, throughput: Any, size: int) -> None:
    """EC2's refusal of IOPS or throughput (MiB/s) that such a volume cannot have."""
    if iops is not None and kind not in _IOPS:
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameter iops is not supported for {kind} volumes.",
        )
    if iops is None and kind in ("io1", "io2"):
        raise AwsError(
            "MissingParameter", f"The parameter iops must be specified for {kind} volumes."
        )
    if iops is not None:
        _check_iops(kind, int(iops), size)
    if throughput is None:
        return
    if kind != "gp3" or not 125 <= int(throughput) <= 2000:
        raise AwsError(
            "InvalidParameterValue", f"Throughput of {throughput} is invalid for {kind}."
        )
    if int(throughput) * 4 > int(iops or 3000):
        raise AwsError(
            "InvalidParameterValue",
            f"Throughput (MiBps) to iops ratio of {int(throughput) / int(iops or 3000):f} is too "
            "high; maximum is 0.250000 MiBps per iops.",
        )


def _check_iops(kind: str, iops: int, size: int) -> None:
    low, high, per_gb = _IOPS[kind]
    if not low <= iops <= high:
        raise AwsError("InvalidParameterValue", f"Volume iops of {iops} is invalid for {kind}.")
    if iops > max(low, per_gb * size):
        raise AwsError(
            "InvalidParameterValue",
            f"Iops to volume size ratio of {iops / size:f} is too high; maximum is {per_gb}.",
        )
