"""AMIs of this account, made, copied and removed in the world."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.images import SsmImages
from adapters.own_images import Amis
from core.faults import CloudError, FaultKind
from core.model import Image
from sim import boto
from sim.world import World

HOME, AWAY = "us-east-1", "eu-west-1"
TAGS = {"gpu:stack": "gpu", "gpu:image": "bert-env", "gpu:user": "ubuntu"}
DATA_DISK = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 10, "Encrypted": True}}


class Place:
    """A world with one running instance that has a data disk beside its root disk."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.world = World(lambda: self.now)
        self.amis = Amis(self.ec2, "gpu")
        self.public = SsmImages(lambda region: boto.client(self.world, "ssm", region), self.ec2)
        for code in ("L-1216C47A", "L-DB2E81BA"):
            self.world.control({"do": "set-quota", "region": HOME, "code": code, "value": 64})
        base = self.public.newest(HOME, (), ("Deep Learning Base OSS*24.04*",), "x86_64")
        assert base is not None
        self.base: Image = base
        root = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 60, "Encrypted": True}}
        answer = self.ec2(HOME).run_instances(
            ImageId=base.id,
            InstanceType="g5.xlarge",
            MinCount=1,
            MaxCount=1,
            BlockDeviceMappings=[DATA_DISK, root],
        )
        self.instance = answer["Instances"][0]["InstanceId"]
        self.passes(30)

    def ec2(self, region: str) -> Any:
        return boto.client(self.world, "ec2", region)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.world.tick()

    def made(self, name: str = "gpu bert-env") -> str:
        return self.amis.make(HOME, self.instance, name, TAGS)

    def images(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.state()["images"]
        return found

    def snapshots(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.state()["snapshots"]
        return found


@pytest.fixture
def place() -> Place:
    return Place()


def test_an_image_is_pending_then_available_and_knows_who_logs_in(place: Place) -> None:
    id = place.made()
    place.passes(2)
    pending = place.amis.own(HOME, id)
    assert pending is not None
    assert pending.state == "pending"
    place.passes(60)
    own = place.amis.own(HOME, id)
    assert own is not None
    assert (own.state, own.gb, own.image.root_gb) == ("available", 60, 60)
    assert (own.image.user, own.image.architecture) == ("ubuntu", "x86_64")
    assert own.snapshots == tuple(s["id"] for s in place.snapshots())


def test_the_root_disk_alone_is_saved_and_marked(place: Place) -> None:
    place.made()
    (snapshot,) = place.snapshots()
    assert snapshot["gb"] == 60
    assert snapshot["tags"] == TAGS
    assert place.images()[0]["tags"] == TAGS


@pytest.mark.parametrize("seconds", [0, 5])
def test_asked_again_under_the_same_name_the_same_image_is_found(
    place: Place, seconds: float
) -> None:
    first = place.made()
    place.passes(seconds)
    if seconds:
        assert place.made() == first
    else:
        # EC2 does not show it yet, and says that the name is taken: not known now, known soon.
        with pytest.raises(CloudError) as caught:
            place.made()
        assert caught.value.fault.kind is FaultKind.UNKNOWN
    assert len(place.images()) == 1


def test_a_name_is_not_a_pattern(place: Place) -> None:
    place.made("gpu bert.env")
    place.passes(5)
    assert place.amis.named(HOME, "gpu bert*") is None


def test_a_copy_in_another_region_is_encrypted_and_can_be_launched(place: Place) -> None:
    source = place.made()
    place.passes(90)
    copy = place.amis.copy(AWAY, HOME, source, "gpu bert-env", TAGS)
    place.passes(90)
    own = place.amis.own(AWAY, copy)
    assert own is not None
    assert own.state == "available"
    assert next(i for i in place.images() if i["id"] == copy)["encrypted"]
    shown = place.public.by_id(AWAY, copy)
    assert shown is not None
    assert (shown.state, shown.user) == ("available", "ubuntu")


def test_a_registered_image_boots_like_the_first_one(place: Place) -> None:
    volume = place.ec2(HOME).describe_volumes()["Volumes"][0]["VolumeId"]
    snapshot = place.ec2(HOME).create_snapshot(VolumeId=volume)["SnapshotId"]
    place.passes(60)
    gb = next(s["gb"] for s in place.snapshots())
    id = place.amis.register(HOME, "gpu kept", snapshot, place.base, gb, TAGS)
    place.passes(5)
    own = place.amis.own(HOME, id)
    assert own is not None
    assert own.state == "available"
    assert own.image.root_device == place.base.root_device
    assert own.image.user == "ubuntu"


def test_removing_leaves_the_snapshots_and_is_safe_to_repeat(place: Place) -> None:
    id = place.made()
    place.passes(90)
    place.amis.remove(HOME, id)
    place.amis.remove(HOME, id)
    assert place.amis.own(HOME, id) is None
    assert not place.images()
    assert len(place.snapshots()) == 1


def test_an_image_that_failed_says_why(place: Place) -> None:
    id = place.made()
    place.world.control({"do": "fail-image", "region": HOME, "image": id})
    place.passes(90)
    own = place.amis.own(HOME, id)
    assert own is not None
    assert own.state == "failed"
    assert own.reason


def test_images_of_other_deployments_are_not_taken_for_ours(place: Place) -> None:
    place.amis.make(HOME, place.instance, "gpu bert-env", {**TAGS, "gpu:stack": "another"})
    place.passes(5)
    assert place.amis.named(HOME, "gpu bert-env") is None


def test_a_pending_image_cannot_be_launched(place: Place) -> None:
    id = place.made()
    place.passes(5)
    with pytest.raises(Exception, match=r"InvalidAMIID\.Unavailable"):
        place.ec2(HOME).run_instances(ImageId=id, InstanceType="g5.xlarge", MinCount=1, MaxCount=1)


def test_a_snapshot_of_an_image_cannot_be_deleted_before_the_image(place: Place) -> None:
    id = place.made()
    place.passes(90)
    (snapshot,) = place.snapshots()
    with pytest.raises(Exception, match=r"InvalidSnapshot\.InUse"):
        place.ec2(HOME).delete_snapshot(SnapshotId=snapshot["id"])
    place.amis.remove(HOME, id)
    place.ec2(HOME).delete_snapshot(SnapshotId=snapshot["id"])
    assert not place.snapshots()
