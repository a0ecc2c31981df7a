"""What a deployment has in EC2 is found by its tags, and nothing of anybody else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.ec2_parts import Parts
from core.faults import CloudError
from core.ports import PartKind
from sim.boto import client
from sim.world import Settings, World

R = "us-east-1"


class Lab:
    def __init__(self) -> None:
        settings = Settings(visible_after=0, volume=0, snapshot=0, image=0)
        self.world = World(lambda: datetime(2026, 11, 24, 12, tzinfo=UTC), settings=settings)
        self.ec2 = client(self.world, "ec2", R)
        self.parts = Parts(lambda _: self.ec2, "gpu")

    def volume(self, **tags: str) -> str:
        """A disk with these tags."""
        made = self.ec2.create_volume(
            AvailabilityZone="us-east-1a",
            Size=40,
            VolumeType="gp3",
            TagSpecifications=[{"ResourceType": "volume", "Tags": _pairs(tags)}],
        )
        return str(made["VolumeId"])

    def group(self, name: str, **tags: str) -> str:
        """A security group with these tags."""
        made = self.ec2.create_security_group(
            GroupName=name,
            Description="d",
            TagSpecifications=[{"ResourceType": "security-group", "Tags": _pairs(tags)}],
        )
        return str(made["GroupId"])


def _pairs(tags: dict[str, str]) -> Any:
    return [{"Key": f"gpu:{key}", "Value": value} for key, value in tags.items()]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_only_what_has_this_deployments_mark_is_found(lab: Lab) -> None:
    mine = lab.volume(stack="gpu", machine="m-1")
    lab.volume(stack="another", machine="m-1")
    lab.volume()
    assert [part.id for part in lab.parts.parts(R)] == [mine]


def test_a_machines_parts_are_those_with_its_id(lab: Lab) -> None:
    mine = lab.volume(stack="gpu", machine="m-1")
    lab.volume(stack="gpu", machine="m-2")
    (found,) = lab.parts.parts(R, "m-1")
    assert (found.id, found.machine, found.kind) == (mine, "m-1", PartKind.VOLUME)
    assert (found.gb, found.disk_type, found.instance) == (40, "gp3", None)
    assert found.made_at == datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize("mark", ["data", "image"])
def test_what_is_a_data_volume_or_a_saved_image_outlives_its_machine(lab: Lab, mark: str) -> None:
    lab.volume(stack="gpu", machine="m-1", **{mark: "bert"})
    (found,) = lab.parts.parts(R, "m-1")
    assert found.outlives


def test_images_come_before_their_snapshots_and_both_before_volumes(lab: Lab) -> None:
    volume = lab.volume(stack="gpu", machine="m-1")
    marks = [{"ResourceType": "snapshot", "Tags": _pairs({"stack": "gpu", "machine": "m-1"})}]
    snapshot = lab.ec2.create_snapshot(VolumeId=volume, TagSpecifications=marks)["SnapshotId"]
    lab.world.tick()
    image = lab.ec2.register_image(
        Name="bert",
        Architecture="x86_64",
        RootDeviceName="/dev/sda1",
        VirtualizationType="hvm",
        EnaSupport=True,
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}],
        TagSpecifications=[
            {"ResourceType": "image", "Tags": _pairs({"stack": "gpu", "machine": "m-1"})}
        ],
    )["ImageId"]
    group = lab.group("gpu-m-1", stack="gpu", machine="m-1")
    assert [part.id for part in lab.parts.parts(R, "m-1")] == [image, snapshot, volume, group]


def test_a_group_is_told_with_the_name_that_it_is_deleted_by(lab: Lab) -> None:
    lab.group("gpu-m-1", stack="gpu", machine="m-1")
    (found,) = lab.parts.parts(R)
    assert (found.kind, found.name, found.made_at) == (PartKind.GROUP, "gpu-m-1", None)


def test_more_than_a_page_is_read_to_its_end(lab: Lab) -> None:
    made = {lab.volume(stack="gpu", machine="m-1") for _ in range(1_001)}
    assert {part.id for part in lab.parts.parts(R)} == made


def test_a_spot_request_that_is_gone_is_no_error_and_a_refusal_is(lab: Lab) -> None:
    lab.parts.cancel_spot(R, "sir-00000000")
    lab.world.control({"do": "deny", "operation": "CancelSpotInstanceRequests"})
    with pytest.raises(CloudError):
        lab.parts.cancel_spot(R, "sir-00000000")


def test_a_part_of_an_answer_is_no_answer(lab: Lab) -> None:
    lab.volume(stack="gpu", machine="m-1")
    lab.world.control({"do": "deny", "operation": "DescribeKeyPairs"})
    with pytest.raises(CloudError):
        lab.parts.parts(R)
