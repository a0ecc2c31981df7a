"""The account's own images as records: found, shown, born, failed."""

import re
from datetime import timedelta
from typing import Any

from sim.world.asking import tag_list
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import ImageDisk, OwnImage, Region, Snapshot, Tags

_NAME = re.compile(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}")


def find_own(ground: Ground, region: Region, image: str) -> OwnImage:
    """The account's own image, or EC2's refusal."""
    if not re.fullmatch(r"ami-[0-9a-f]{8,17}", image):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image}"')
    found = region.own_images.get(image)
    if found is None or found.visible_at > ground.time:
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
    return found


def fail(region: Region, image: str) -> None:
    """A pending image comes to nothing; ValueError for one that is not pending."""
    found = region.own_images.get(image)
    if found is None or found.state != "pending":
        raise ValueError(f"there is no pending image {image!r} in {region.name}")
    found.state = "failed"
    found.reason = "Image creation failed: an internal error occurred (world control)."
    for snapshot in snapshots_of(region, found):
        snapshot.state = "error"


def own_shape(image: OwnImage) -> dict[str, Any]:
    """As DescribeImages shows it. A public image's shape is in sim.world.images."""
    shape: dict[str, Any] = {
        "ImageId": image.ami,
        "Name": image.name,
        "Description": image.description,
        "Architecture": image.architecture,
        "CreationDate": image.created,
        "State": image.state,
        "Public": False,
        "OwnerId": image.owner,
        "ImageLocation": f"{image.owner}/{image.name}",
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": image.root_device,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": True,
        "BlockDeviceMappings": [_mapping(disk) for disk in image.disks],
        "Tags": tag_list(image.tags),
    }
    if image.boot:
        shape["BootMode"] = image.boot
    if image.reason:
        shape["StateReason"] = {"Code": "Client.ImageCreationFailed", "Message": image.reason}
    if image.source:
        shape["SourceImageRegion"], shape["SourceImageId"] = image.source
    if image.instance:
        shape["SourceInstanceId"] = image.instance
    return shape


def _mapping(disk: ImageDisk) -> dict[str, Any]:
    ebs = {
        "SnapshotId": disk.snapshot,
        "VolumeSize": disk.size,
        "VolumeType": disk.kind,
        "DeleteOnTermination": True,
        "Encrypted": disk.encrypted,
    }
    return {"DeviceName": disk.device, "Ebs": ebs}


def new_name(region: Region, name: str) -> str:
    """The name, or EC2's refusal of one that is taken or malformed."""
    if not _NAME.fullmatch(name):
        raise AwsError(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, "
            "numbers, '(', ')', '.', '-', '/', '[', ']', '@' and '_'",
        )
    for image in region.own_images.values():
        if image.name == name:
            raise AwsError(
                "InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.ami}"
            )
    return name


def new_snapshot(
    ground: Ground,
    region: Region,
    *,
    volume: str,
    size: int,
    encrypted: bool,
    content: str,
    description: str,
    tags: Tags,
) -> Snapshot:
    """One that comes with an image, and is complete when the image is."""
    made = Snapshot(
        id=ground.new_id("snap"),
        volume=volume,
        size=size,
        encrypted=encrypted,
        description=description,
        began=ground.time,
        takes=ground.settings.image,
        content=content,
        tags=dict(tags),
    )
    region.snapshots[made.id] = made
    return made


def born(ground: Ground, region: Region, *, state: str = "pending", **what: Any) -> OwnImage:
    """A new image, available after the world's `image` seconds unless it is so at once."""
    image = OwnImage(
        ami=ground.new_id("ami"),
        created=f"{ground.time:%Y-%m-%dT%H:%M:%S}.000Z",
        owner=ground.account,
        visible_at=ground.time + timedelta(seconds=ground.settings.visible_after),
        state=state,
        **what,
    )
    region.own_images[image.ami] = image
    for snapshot in snapshots_of(region, image):
        snapshot.images.add(image.ami)
    if state == "pending":
        ground.later(ground.settings.image, lambda: _finish(region, image))
    return image


def _finish(region: Region, image: OwnImage) -> None:
    if image.state != "pending":
        return
    image.state = "available"
    for snapshot in snapshots_of(region, image):
        snapshot.state = "completed"


def snapshots_of(region: Region, image: OwnImage) -> list[Snapshot]:
    """Those of its snapshots that are there."""
    return [region.snapshots[d.snapshot] for d in image.disks if d.snapshot in region.snapshots]
