"""AMIs of this account: made, registered, copied, removed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import cloud_error, code_of, translated
from adapters.images import NO_IMAGE, image_shown
from core.faults import CloudError, FaultKind
from core.model import Image
from core.ports import OwnImage

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_NAME_TAKEN = "InvalidAMIName.Duplicate"


class Amis:
    """core.ports.OwnImages over EC2.

    CreateImage and RegisterImage know no client token: the name, unique in a region, is what keeps
    a second one from being made.
    """

    def __init__(self, clients: "Callable[[str], EC2Client]", stack: str) -> None:
        self._ec2 = clients
        self._stack = stack

    def make(self, region: str, instance: str, name: str, tags: Mapping[str, str]) -> str:
        """CreateImage of its root disk, without a reboot; its id, which is pending at first."""

        def create() -> str:
            answer = self._ec2(region).create_image(
                InstanceId=instance,
                Name=name,
                NoReboot=True,
                BlockDeviceMappings=self._others(region, instance),
                TagSpecifications=_tagged(tags, "image", "snapshot"),
            )
            return answer["ImageId"]

        return self._once(region, name, "CreateImage", create)

    def register(
        self, region: str, name: str, snapshot: str, like: Image, gb: int, tags: Mapping[str, str]
    ) -> str:
        """RegisterImage with a root disk from the snapshot, otherwise `like` the first image."""
        ebs = {
            "SnapshotId": snapshot,
            "VolumeSize": gb,
            "VolumeType": "gp3",
            "DeleteOnTermination": True,
        }
        request: Any = {
            "Name": name,
            "Architecture": like.architecture,
            "RootDeviceName": like.root_device,
            "BlockDeviceMappings": [{"DeviceName": like.root_device, "Ebs": ebs}],
            # Without these two EC2 takes it for a paravirtual image, which no GPU type boots.
            "VirtualizationType": "hvm",
            "EnaSupport": True,
            "TagSpecifications": _tagged({**tags, "gpu:user": like.user}, "image"),
            **({"BootMode": like.boot} if like.boot else {}),
        }

        def create() -> str:
            return self._ec2(region).register_image(**request)["ImageId"]

        return self._once(region, name, "RegisterImage", create)

    def copy(
        self, region: str, source_region: str, image: str, name: str, tags: Mapping[str, str]
    ) -> str:
        """CopyImage into `region`, encrypted; the copy's id, which is pending at first."""

        def create() -> str:
            answer = self._ec2(region).copy_image(
                Name=name,
                SourceImageId=image,
                SourceRegion=source_region,
                Encrypted=True,
                TagSpecifications=_tagged(tags, "image", "snapshot"),
            )
            return answer["ImageId"]

        return self._once(region, name, "CopyImage", create)

    def named(self, region: str, name: str) -> OwnImage | None:
        """This deployment's image of that name whatever its state."""
        where: Any = [
            {"Name": "name", "Values": [_literal(name)]},
            {"Name": "tag:gpu:stack", "Values": [self._stack]},
        ]
        with translated("DescribeImages"):
            answer = self._ec2(region).describe_images(Owners=["self"], Filters=where)
        return next((_own(region, shown) for shown in answer["Images"]), None)

    def own(self, region: str, image: str) -> OwnImage | None:
        """The image whatever its state, or None when a good read did not find it."""
        with translated("DescribeImages"):
            try:
                answer = self._ec2(region).describe_images(ImageIds=[image])
            except ClientError as error:
                if code_of(error) in NO_IMAGE:
                    return None
                raise
        return next((_own(region, shown) for shown in answer["Images"]), None)

    def remove(self, region: str, image: str) -> None:
        """Deregister it; one that is gone already is no error. Its snapshots stay."""
        with translated("DeregisterImage"):
            try:
                self._ec2(region).deregister_image(ImageId=image)
            except ClientError as error:
                if code_of(error) not in NO_IMAGE:
                    raise

    def _others(self, region: str, instance: str) -> Any:
        """Every disk but the root is left out: a data volume is somebody's own, not the image's."""
        with translated("DescribeInstances"):
            answer = self._ec2(region).describe_instances(InstanceIds=[instance])
        shown = [one for r in answer["Reservations"] for one in r["Instances"]]
        return [
            {"DeviceName": mapping["DeviceName"], "NoDevice": ""}
            for one in shown
            for mapping in one["BlockDeviceMappings"]
            if mapping["DeviceName"] != one["RootDeviceName"]
        ]

    def _once(self, region: str, name: str, operation: str, create: Callable[[], str]) -> str:
        """The id of the image of that name: the one that is there, or else a new one."""
        there = self.named(region, name)
        if there is not None:
            return there.image.id
        with translated(operation):
            try:
                return create()
            except ClientError as error:
                if code_of(error) != _NAME_TAKEN:
                    raise
                there = self.named(region, name)
                if there is None:
                    raise _not_shown_yet(operation, error) from error
                return there.image.id


def _not_shown_yet(operation: str, error: ClientError) -> CloudError:
    """An earlier call made it, and DescribeImages does not show it yet: known in a moment."""
    return CloudError(replace(cloud_error(operation, error).fault, kind=FaultKind.UNKNOWN))


def _tagged(tags: Mapping[str, str], *kinds: str) -> Any:
    pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return [{"ResourceType": kind, "Tags": pairs} for kind in kinds]


def _literal(name: str) -> str:
    """A filter's value in which nothing is a wildcard."""
    return "".join(f"\\{c}" if c in "*?\\" else c for c in name)


def _own(region: str, shown: Mapping[str, Any]) -> OwnImage:
    disks = [m["Ebs"] for m in shown.get("BlockDeviceMappings", []) if "Ebs" in m]
    return OwnImage(
        image=image_shown(shown),
        region=region,
        state=shown["State"],
        snapshots=tuple(ebs["SnapshotId"] for ebs in disks if ebs.get("SnapshotId")),
        gb=sum(int(ebs.get("VolumeSize", 0)) for ebs in disks),
        reason=shown.get("StateReason", {}).get("Message", ""),
    )
