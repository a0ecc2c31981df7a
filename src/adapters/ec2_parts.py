"""Everything that this deployment has in EC2 beside instances, found by its tags."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.ports import Part, PartKind

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# What outlives the machine that it came with: data volumes and saved images.
_OUTLIVING = frozenset({"gpu:data", "gpu:image"})
_OPEN = ["open", "active", "disabled"]
Shown = Mapping[str, Any]


class Parts:
    """The part of core.ports.Cloud that finds what machines have brought."""

    def __init__(self, clients: "Callable[[str], EC2Client]", stack: str) -> None:
        self._ec2 = clients
        self._stack = stack

    def parts(self, region: str, machine: str | None = None) -> tuple[Part, ...]:
        """Everything with this deployment's mark, or of one machine only."""
        where: Any = [{"Name": "tag:gpu:stack", "Values": [self._stack]}]
        if machine is not None:
            where.append({"Name": "tag:gpu:machine", "Values": [machine]})
        return (
            *self._images(region, where),
            *self._snapshots(region, where),
            *self._volumes(region, where),
            *self._spot_requests(region, where),
            *self._keys(region, where),
            *self._groups(region, where),
        )

    def cancel_spot(self, region: str, *requests: str) -> None:
        """Cancel spot requests; one that is gone already is no error."""
        with translated("CancelSpotInstanceRequests"):
            try:
                self._ec2(region).cancel_spot_instance_requests(SpotInstanceRequestIds=[*requests])
            except ClientError as error:
                if code_of(error) != "InvalidSpotInstanceRequestID.NotFound":
                    raise

    def _images(self, region: str, where: Any) -> Iterator[Part]:
        with translated("DescribeImages"):
            pages = self._ec2(region).get_paginator("describe_images")
            for page in pages.paginate(Owners=["self"], Filters=where):
                for shown in page["Images"]:
                    made = datetime.fromisoformat(shown["CreationDate"])
                    yield _part(PartKind.IMAGE, shown, "ImageId", region, made_at=made)

    def _snapshots(self, region: str, where: Any) -> Iterator[Part]:
        with translated("DescribeSnapshots"):
            pages = self._ec2(region).get_paginator("describe_snapshots")
            for page in pages.paginate(OwnerIds=["self"], Filters=where):
                for shown in page["Snapshots"]:
                    yield _part(
                        PartKind.SNAPSHOT,
                        shown,
                        "SnapshotId",
                        region,
                        gb=shown["VolumeSize"],
                        made_at=shown["StartTime"],
                    )

    def _volumes(self, region: str, where: Any) -> Iterator[Part]:
        with translated("DescribeVolumes"):
            pages = self._ec2(region).get_paginator("describe_volumes")
            for page in pages.paginate(Filters=where):
                for shown in page["Volumes"]:
                    yield _part(
                        PartKind.VOLUME,
                        shown,
                        "VolumeId",
                        region,
                        gb=shown["Size"],
                        disk_type=shown["VolumeType"],
                        iops=shown.get("Iops"),
                        throughput=shown.get("Throughput"),
                        instance=_attached(shown),
                        made_at=shown["CreateTime"],
                    )

    def _spot_requests(self, region: str, where: Any) -> Iterator[Part]:
        """Those that EC2 may still act upon; the others are history."""
        alive = [*where, {"Name": "state", "Values": _OPEN}]
        with translated("DescribeSpotInstanceRequests"):
            pages = self._ec2(region).get_paginator("describe_spot_instance_requests")
            for page in pages.paginate(Filters=alive):
                for shown in page["SpotInstanceRequests"]:
                    yield _part(
                        PartKind.SPOT_REQUEST,
                        shown,
                        "SpotInstanceRequestId",
                        region,
                        instance=shown.get("InstanceId"),
                        made_at=shown["CreateTime"],
                    )

    def _keys(self, region: str, where: Any) -> Iterator[Part]:
        with translated("DescribeKeyPairs"):
            found = self._ec2(region).describe_key_pairs(Filters=where)["KeyPairs"]
        for shown in found:
            made = shown.get("CreateTime")
            yield _part(PartKind.KEY, shown, "KeyName", region, made_at=made)

    def _groups(self, region: str, where: Any) -> Iterator[Part]:
        with translated("DescribeSecurityGroups"):
            pages = self._ec2(region).get_paginator("describe_security_groups")
            for page in pages.paginate(Filters=where):
                for shown in page["SecurityGroups"]:
                    yield _part(PartKind.GROUP, shown, "GroupId", region, name=shown["GroupName"])


def _part(
    kind: PartKind, shown: Shown, id: str, region: str, *, made_at: Any = None, **more: Any
) -> Part:
    tags = {tag["Key"]: tag["Value"] for tag in shown.get("Tags", [])}
    return Part(
        kind=kind,
        id=shown[id],
        region=region,
        machine=tags.get("gpu:machine", ""),
        state=str(shown.get("State", "")),
        outlives=not _OUTLIVING.isdisjoint(tags),
        made_at=made_at.astimezone(UTC) if made_at else None,
        **more,
    )


def _attached(shown: Shown) -> str | None:
    return next((a["InstanceId"] for a in shown.get("Attachments", [])), None)
