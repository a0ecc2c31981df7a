"""Volumes and snapshots in the house's words, over the EC2 world."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.ebs import Ebs
from core.faults import CloudError, FaultKind
from sim import boto
from sim.world import World

R, ZONE = "us-east-1", "us-east-1a"
TAGS = {"gpu:data": "U1.bert", "gpu:owner": "U1"}


@dataclass
class Store:
    """An account in the world, and the adapter that looks at it."""

    now: datetime = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    _clients: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(lambda: self.now)
        self.disks = Ebs(self.client, "lab")
        self.passes(0)

    def client(self, region: str) -> Any:
        if region not in self._clients:
            self._clients[region] = boto.client(self.world, "ec2", region)
        return self._clients[region]

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.world.tick()

    def volume(self, gb: int = 20, name: str = "first", zone: str = ZONE) -> str:
        made = self.disks.make_volume(R, zone, gb, name, TAGS)
        self.passes(3)
        return made.id

    def machine(self) -> str:
        for quota in self.world.state()["quotas"]:
            words = {"region": quota["region"], "code": quota["code"], "value": 64}
            self.world.control({"do": "set-quota", **words})
        ec2 = self.client(R)
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]
        where = [{"Name": "availability-zone", "Values": [ZONE]}]
        subnet = ec2.describe_subnets(Filters=where)["Subnets"][0]["SubnetId"]
        kind = "g5.xlarge" if image["Architecture"] == "x86_64" else "g5g.xlarge"
        request = {"ImageId": image["ImageId"], "InstanceType": kind, "SubnetId": subnet}
        made = ec2.run_instances(**request, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        self.passes(5)
        return str(made)


@pytest.fixture
def store() -> Store:
    return Store()


def test_the_key_for_new_disks_is_read(store: Store) -> None:
    assert store.disks.default_key(R) == "alias/aws/ebs"
    key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
    store.world.control({"do": "disk-key", "region": R, "key": key})
    assert store.disks.default_key(R) == key
    assert store.disks.default_key("us-west-2") == "alias/aws/ebs"


def test_a_volume_is_encrypted_marked_and_made_once(store: Store) -> None:
    first = store.disks.make_volume(R, ZONE, 20, "first", TAGS)
    unseen = store.disks.make_volume(R, ZONE, 20, "first", TAGS)
    store.passes(3)
    again = store.disks.make_volume(R, ZONE, 20, "first", TAGS)
    assert first.id == unseen.id == again.id
    (shown,) = store.world.state()["volumes"]
    assert shown["encrypted"] is True
    assert shown["tags"] == {**TAGS, "gpu:stack": "lab", "gpu:for": "first"}
    assert store.disks.make_volume(R, "us-east-1b", 20, "first", TAGS).id != first.id


def test_what_another_deployment_made_is_not_seen(store: Store) -> None:
    theirs = Ebs(store.client, "other")
    theirs.make_volume(R, ZONE, 20, "first", TAGS)
    store.passes(3)
    assert store.disks.volumes(R, "gpu:data", "U1.bert") == ()
    mine = store.volume()
    assert [v.id for v in store.disks.volumes(R, "gpu:data", "U1.bert")] == [mine]


def test_a_volume_that_is_not_there_is_none_and_deleting_it_is_done(store: Store) -> None:
    assert store.disks.volume(R, "vol-0123456789abcdef0") is None
    assert store.disks.delete_volume(R, "vol-0123456789abcdef0") is True


def test_attaching_twice_is_once_and_another_holder_is_an_error(store: Store) -> None:
    volume, machine, other = store.volume(), store.machine(), store.machine()
    store.disks.attach(R, volume, machine, "/dev/sdf")
    store.disks.attach(R, volume, machine, "/dev/sdf")
    shown = store.disks.volume(R, volume)
    assert shown is not None
    assert (shown.state, shown.instance) == ("in-use", machine)
    with pytest.raises(CloudError) as caught:
        store.disks.attach(R, volume, other, "/dev/sdf")
    assert caught.value.fault.code == "VolumeInUse"
    assert store.disks.delete_volume(R, volume) is False


def test_the_root_volume_is_the_one_that_it_boots_from(store: Store) -> None:
    volume, machine = store.volume(), store.machine()
    store.disks.attach(R, volume, machine, "/dev/sdf")
    root = store.disks.root_volume(R, machine)
    assert root is not None
    assert root.id != volume
    assert root.instance == machine
    assert root.snapshot is not None
    assert store.disks.root_volume(R, "i-0123456789abcdef0") is None


def test_growing_to_what_it_is_or_will_be_asks_for_nothing(store: Store) -> None:
    volume = store.volume(gb=20)
    store.disks.grow(R, volume, 20)
    store.disks.grow(R, volume, 30)
    store.disks.grow(R, volume, 30)
    with pytest.raises(CloudError) as caught:
        store.disks.grow(R, volume, 40)
    assert caught.value.fault.code == "IncorrectModificationState"
    store.passes(9)
    store.disks.grow(R, volume, 30)
    shown = store.disks.volume(R, volume)
    assert shown is not None
    assert shown.gb == 30


def test_a_snapshot_of_a_name_is_made_once_and_a_failed_one_anew(store: Store) -> None:
    volume = store.volume()
    first = store.disks.make_snapshot(R, volume, "move-1", TAGS)
    assert (first.state, first.gb) == ("pending", 20)
    assert store.disks.make_snapshot(R, volume, "move-1", TAGS).id == first.id
    store.passes(15)
    half = store.disks.snapshot(R, first.id)
    assert half is not None
    assert (half.state, half.progress) == ("pending", 50)
    store.passes(16)
    assert [s.state for s in store.disks.snapshots(R, "gpu:for", "move-1")] == ["completed"]
    assert store.disks.delete_snapshot(R, first.id) is True
    assert store.disks.delete_snapshot(R, first.id) is True
    assert store.disks.snapshot(R, first.id) is None


def test_a_snapshot_is_copied_once_and_encrypted(store: Store) -> None:
    source = store.disks.make_snapshot(R, store.volume(), "move-1", TAGS)
    with pytest.raises(CloudError) as caught:
        store.disks.copy_snapshot("eu-west-1", R, source.id, "move-1", TAGS)
    assert caught.value.fault.kind is FaultKind.WRONG_STATE
    store.passes(31)
    copy = store.disks.copy_snapshot("eu-west-1", R, source.id, "move-1", TAGS)
    assert store.disks.copy_snapshot("eu-west-1", R, source.id, "move-1", TAGS) == copy
    shown = store.disks.snapshot("eu-west-1", copy)
    assert shown is not None
    assert shown.region == "eu-west-1"
    (there,) = store.client("eu-west-1").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert (there["SnapshotId"], there["Encrypted"]) == (copy, True)
    there = store.disks.make_volume("eu-west-1", "eu-west-1a", 20, "x", TAGS, None)
    assert there.region == "eu-west-1"


def test_a_copy_that_ec2_does_not_show_yet_is_known_by_its_id(store: Store) -> None:
    source = store.disks.make_snapshot(R, store.volume(), "move-1", TAGS)
    store.passes(31)
    _not_shown_after_the_copy(store)
    copy = store.disks.copy_snapshot("eu-west-1", R, source.id, "move-1", TAGS)
    assert store.disks.snapshot("eu-west-1", copy) is None
    shown = store.disks.snapshot("eu-west-1", copy)
    assert shown is not None
    assert shown.state == "pending"


def _not_shown_after_the_copy(store: Store) -> None:
    fault = {"operation": "DescribeSnapshots", "code": "InvalidSnapshot.NotFound", "times": 1}

    def copied(**_: Any) -> None:
        store.world.control({"do": "fault", **fault})

    store.client("eu-west-1").meta.events.register("after-call.ec2.CopySnapshot", copied)


def test_a_volume_from_a_snapshot_holds_what_was_on_the_first(store: Store) -> None:
    volume = store.volume()
    snapshot = store.disks.make_snapshot(R, volume, "move-1", TAGS)
    store.passes(31)
    store.disks.make_volume(R, "us-east-1b", 30, "second", TAGS, snapshot.id)
    assert [v["content"] for v in store.world.state()["volumes"]] == [volume, volume]


def test_a_read_that_fails_is_no_absence(store: Store) -> None:
    volume = store.volume()
    store.world.control({"do": "fault", "operation": "DescribeVolumes", "code": "InternalError"})
    with pytest.raises(CloudError) as caught:
        store.disks.volume(R, volume)
    assert caught.value.fault.kind is FaultKind.UNKNOWN
