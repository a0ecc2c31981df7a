"""EBS: volumes and snapshots."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.ports import Snapshot, Volume

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_THERE = ("creating", "available", "in-use", "error")
_NO_VOLUME = "InvalidVolume.NotFound"
_NO_SNAPSHOT = "InvalidSnapshot.NotFound"


class Ebs:
    """core.ports.Disks over EC2."""

    def __init__(self, clients: "Callable[[str], EC2Client]", stack: str) -> None:
        self._ec2 = clients
        self._stack = stack

    # ---- volumes ----------------------------------------------------------------------------

    def volumes(self, region: str, tag: str, value: str) -> tuple[Volume, ...]:
        """Every volume of this deployment with that tag, not deleted, by id."""
        where = self._marked(tag, value, {"status": _THERE})
        with translated("DescribeVolumes"):
            pages = self._ec2(region).get_paginator("describe_volumes").paginate(Filters=where)
            found = [_volume(region, shown) for page in pages for shown in page["Volumes"]]
        return tuple(sorted(found, key=lambda volume: volume.id))

    def volume(self, region: str, id: str) -> Volume | None:
        """The volume, or None when a good read did not find it."""
        with translated("DescribeVolumes"):
            try:
                answer = self._ec2(region).describe_volumes(VolumeIds=[id])
            except ClientError as error:
                if code_of(error) == _NO_VOLUME:
                    return None
                raise
        found = [_volume(region, shown) for shown in answer["Volumes"]]
        return next((volume for volume in found if volume.state != "deleted"), None)

    def root_volume(self, region: str, instance: str) -> Volume | None:
        """The volume that the instance boots from, while it is attached."""
        with translated("DescribeInstances"):
            try:
                answer = self._ec2(region).describe_instances(InstanceIds=[instance])
            except ClientError as error:
                if code_of(error) == "InvalidInstanceID.NotFound":
                    return None
                raise
        for shown in (one for r in answer["Reservations"] for one in r["Instances"]):
            for disk in shown.get("BlockDeviceMappings", []):
                if disk["DeviceName"] == shown.get("RootDeviceName"):
                    return self.volume(region, disk["Ebs"]["VolumeId"])
        return None

    def make_volume(
        self,
        region: str,
        zone: str,
        gb: int,
        name: str,
        tags: Mapping[str, str],
        snapshot: str | None = None,
    ) -> Volume:
        """An encrypted gp3 volume; the one of that name in that zone if it is there."""
        there = [v for v in self.volumes(region, "gpu:for", name) if v.zone == zone]
        if there:
            return there[0]
        request: dict[str, Any] = {
            "AvailabilityZone": zone,
            "Size": gb,
            "VolumeType": "gp3",
            "Encrypted": True,
            # A volume that EC2 does not show yet is not made a second time either.
            "ClientToken": hashlib.sha256(f"{self._stack}\n{zone}\n{name}".encode()).hexdigest(),
            "TagSpecifications": self._tags("volume", name, tags),
        }
        if snapshot:
            request["SnapshotId"] = snapshot
        with translated("CreateVolume"):
            return _volume(region, self._ec2(region).create_volume(**request))

    def default_key(self, region: str) -> str:
        """What the account encrypts new disks with: alias/aws/ebs, or the ARN of its own key."""
        with translated("GetEbsDefaultKmsKeyId"):
            return self._ec2(region).get_ebs_default_kms_key_id()["KmsKeyId"]

    def grow(self, region: str, id: str, gb: int) -> None:
        """Make it larger; nothing where it is as large already, or on its way."""
        ec2 = self._ec2(region)
        with translated("DescribeVolumesModifications"):
            where: Any = [{"Name": "volume-id", "Values": [id]}]
            under_way = ec2.describe_volumes_modifications(Filters=where)["VolumesModifications"]
        now = self.volume(region, id)
        sizes = [change.get("TargetSize", 0) for change in under_way if _goes_on(change)]
        if max([now.gb if now else 0, *sizes]) >= gb:
            return
        with translated("ModifyVolume"):
            ec2.modify_volume(VolumeId=id, Size=gb)

    def attach(self, region: str, id: str, instance: str, device: str) -> None:
        """Attach it; nothing where it is attached to that instance already."""
        with translated("AttachVolume"):
            try:
                self._ec2(region).attach_volume(VolumeId=id, InstanceId=instance, Device=device)
            except ClientError as error:
                if code_of(error) != "VolumeInUse" or self._holder(region, id) != instance:
                    raise

    def _holder(self, region: str, id: str) -> str | None:
        found = self.volume(region, id)
        return found.instance if found else None

    def delete_volume(self, region: str, id: str) -> bool:
        """False while something still uses it, True once it is going or gone."""
        with translated("DeleteVolume"):
            try:
                self._ec2(region).delete_volume(VolumeId=id)
            except ClientError as error:
                if code_of(error) == "VolumeInUse":
                    return False
                if code_of(error) != _NO_VOLUME:
                    raise
        return True

    # ---- snapshots --------------------------------------------------------------------------

    def snapshots(self, region: str, tag: str, value: str) -> tuple[Snapshot, ...]:
        """Every snapshot of this deployment with that tag, the oldest first."""
        with translated("DescribeSnapshots"):
            pages = (
                self._ec2(region)
                .get_paginator("describe_snapshots")
                .paginate(OwnerIds=["self"], Filters=self._marked(tag, value, {}))
            )
            found = [_snapshot(region, shown) for page in pages for shown in page["Snapshots"]]
        return tuple(sorted(found, key=lambda snapshot: (snapshot.started_at, snapshot.id)))

    def make_snapshot(
        self, region: str, volume: str, name: str, tags: Mapping[str, str]
    ) -> Snapshot:
        """A snapshot of the volume as it is now; the one of that name if it is there."""
        there = self._named(region, name)
        if there:
            return there
        with translated("CreateSnapshot"):
            shown = self._ec2(region).create_snapshot(
                VolumeId=volume,
                Description=name,
                TagSpecifications=self._tags("snapshot", name, tags),
            )
        return _snapshot(region, shown)

    def copy_snapshot(
        self, region: str, source_region: str, id: str, name: str, tags: Mapping[str, str]
    ) -> str:
        """The id of a copy in `region`; of the one of that name if it is there.

        Nothing is read back: EC2 may not show it yet, and CopySnapshot knows no client token, so
        that an id which is not kept now might mean a second copy.
        """
        there = self._named(region, name)
        if there:
            return there.id
        with translated("CopySnapshot"):
            copied = self._ec2(region).copy_snapshot(
                SourceRegion=source_region,
                SourceSnapshotId=id,
                Description=name,
                Encrypted=True,
                TagSpecifications=self._tags("snapshot", name, tags),
            )
        return copied["SnapshotId"]

    def _named(self, region: str, name: str) -> Snapshot | None:
        """A failed one does not count: it is made anew."""
        found = self.snapshots(region, "gpu:for", name)
        return next((snapshot for snapshot in found if snapshot.state != "error"), None)

    def snapshot(self, region: str, id: str) -> Snapshot | None:
        """The snapshot, or None when a good read did not find it."""
        with translated("DescribeSnapshots"):
            try:
                answer = self._ec2(region).describe_snapshots(SnapshotIds=[id])
            except ClientError as error:
                if code_of(error) == _NO_SNAPSHOT:
                    return None
                raise
        found = [_snapshot(region, shown) for shown in answer["Snapshots"]]
        return found[0] if found else None

    def delete_snapshot(self, region: str, id: str) -> bool:
        """False while an image still uses it, True once it is gone."""
        with translated("DeleteSnapshot"):
            try:
                self._ec2(region).delete_snapshot(SnapshotId=id)
            except ClientError as error:
                if code_of(error) == "InvalidSnapshot.InUse":
                    return False
                if code_of(error) != _NO_SNAPSHOT:
                    raise
        return True

    # ---- marks ------------------------------------------------------------------------------

    def _tags(self, kind: str, name: str, tags: Mapping[str, str]) -> Any:
        marks = {**tags, "gpu:stack": self._stack, "gpu:for": name}
        pairs = [{"Key": key, "Value": value} for key, value in sorted(marks.items())]
        return [{"ResourceType": kind, "Tags": pairs}]

    def _marked(self, tag: str, value: str, more: Mapping[str, tuple[str, ...]]) -> Any:
        where = {f"tag:{tag}": (value,), "tag:gpu:stack": (self._stack,), **more}
        return [{"Name": name, "Values": list(values)} for name, values in where.items()]


def _goes_on(change: Mapping[str, Any]) -> bool:
    return change.get("ModificationState") in ("modifying", "optimizing")


def _volume(region: str, shown: Mapping[str, Any]) -> Volume:
    holders = [a["InstanceId"] for a in shown.get("Attachments", []) if a["State"] != "detached"]
    return Volume(
        id=shown["VolumeId"],
        region=region,
        zone=shown["AvailabilityZone"],
        gb=shown["Size"],
        kind=shown["VolumeType"],
        state=shown["State"],
        instance=holders[0] if holders else None,
        snapshot=shown.get("SnapshotId") or None,
    )


def _snapshot(region: str, shown: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        id=shown["SnapshotId"],
        region=region,
        gb=shown["VolumeSize"],
        state=shown["State"],
        progress=int((shown.get("Progress") or "0").rstrip("%") or 0),
        started_at=shown["StartTime"].astimezone(UTC),
    )
