"""EBS in the world: what takes time takes time, and what EBS refuses is refused in its words."""

from typing import Any

import pytest

from sim.boto import client

DATA = {"AvailabilityZone": "us-east-1a", "Size": 10, "VolumeType": "gp3", "Encrypted": True}


def _state(earth: Any, volume: str) -> str:
    return str(earth.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"])


def _running(earth: Any) -> str:
    earth.allow()
    id = str(earth.run()["InstanceId"])
    earth.passes(5)
    return id


def _volume(earth: Any, **words: Any) -> str:
    id = str(earth.ec2.create_volume(**{**DATA, **words})["VolumeId"])
    earth.passes(3)
    return id


def test_a_volume_is_creating_then_available_then_in_use_then_available_again(earth: Any) -> None:
    machine = _running(earth)
    made = earth.ec2.create_volume(**DATA)
    assert (made["State"], made["Iops"], made["Encrypted"]) == ("creating", 3000, True)
    volume = made["VolumeId"]
    earth.passes(3)
    assert _state(earth, volume) == "available"
    link = earth.ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
    assert link["State"] == "attaching"
    earth.passes(2)
    (shown,) = earth.ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    assert (shown["State"], shown["Attachments"][0]["State"]) == ("in-use", "attached")
    assert shown["Attachments"][0]["DeleteOnTermination"] is False
    assert len(earth.look(machine)["BlockDeviceMappings"]) == 2
    earth.ec2.detach_volume(VolumeId=volume)
    earth.passes(2)
    assert _state(earth, volume) == "available"


def test_a_volume_attached_later_outlives_its_instance(earth: Any) -> None:
    machine = _running(earth)
    volume = _volume(earth)
    earth.ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
    earth.ec2.terminate_instances(InstanceIds=[machine])
    earth.passes(30)
    (left,) = earth.world.state()["volumes"]
    assert (left["id"], left["state"]) == (volume, "available")


def test_the_same_token_gives_the_same_volume_and_other_words_are_a_mismatch(
    earth: Any, refused: Any
) -> None:
    first = earth.ec2.create_volume(**DATA, ClientToken="t")
    again = earth.ec2.create_volume(**DATA, ClientToken="t")
    assert first["VolumeId"] == again["VolumeId"]
    other = {**DATA, "Size": 11, "ClientToken": "t"}
    assert refused(earth.ec2.create_volume, **other)[0] == "IdempotentParameterMismatch"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"AvailabilityZone": "us-east-1z"}, "InvalidZone.NotFound"),
        ({"Size": 70_000}, "InvalidParameterValue"),
        ({"Size": 60_000}, "VolumeLimitExceeded"),
        ({"Iops": 2000}, "InvalidParameterValue"),
        ({"Iops": 6000, "Size": 10}, "InvalidParameterValue"),
        ({"Throughput": 1000}, "InvalidParameterValue"),
        ({"VolumeType": "io2", "Iops": 20_000}, "InvalidParameterValue"),
        ({"VolumeType": "io2"}, "MissingParameter"),
        ({"SnapshotId": "snap-0123456789abcdef0"}, "InvalidSnapshot.NotFound"),
    ],
)
def test_what_ebs_does_not_take(earth: Any, refused: Any, words: dict[str, Any], code: str) -> None:
    assert refused(earth.ec2.create_volume, **{**DATA, **words})[0] == code


def test_attaching_needs_the_zone_a_free_volume_and_a_machine_that_is_up(
    earth: Any, refused: Any
) -> None:
    machine, volume = _running(earth), _volume(earth)
    where = {"InstanceId": machine, "Device": "/dev/sdf"}
    elsewhere = _volume(earth, AvailabilityZone="us-east-1b")
    zone = refused(earth.ec2.attach_volume, VolumeId=elsewhere, **where)
    assert zone[0] == "InvalidVolume.ZoneMismatch"
    new = earth.ec2.create_volume(**DATA)["VolumeId"]
    assert refused(earth.ec2.attach_volume, VolumeId=new, **where)[0] == "IncorrectState"
    earth.ec2.attach_volume(VolumeId=volume, **where)
    assert refused(earth.ec2.attach_volume, VolumeId=volume, **where)[0] == "VolumeInUse"
    assert refused(earth.ec2.delete_volume, VolumeId=volume)[0] == "VolumeInUse"
    third = _volume(earth)
    taken = refused(earth.ec2.attach_volume, VolumeId=third, **where)
    assert "already in use" in taken[2]
    young = earth.run()["InstanceId"]
    late = refused(earth.ec2.attach_volume, VolumeId=third, InstanceId=young, Device="/dev/sdf")
    assert late[0] == "IncorrectState"


def test_the_root_of_a_running_machine_cannot_be_detached(earth: Any, refused: Any) -> None:
    machine = _running(earth)
    root = earth.look(machine)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    assert refused(earth.ec2.detach_volume, VolumeId=root)[0] == "OperationNotPermitted"
    earth.ec2.stop_instances(InstanceIds=[machine])
    earth.passes(6)
    earth.ec2.detach_volume(VolumeId=root)
    earth.passes(3)
    assert _state(earth, root) == "available"


def test_a_volume_only_grows_and_four_times_a_day(earth: Any, refused: Any) -> None:
    volume = _volume(earth)
    assert refused(earth.ec2.modify_volume, VolumeId=volume, Size=9)[0] == "InvalidParameterValue"
    for size in (11, 12, 13, 14):
        earth.ec2.modify_volume(VolumeId=volume, Size=size)
        again = refused(earth.ec2.modify_volume, VolumeId=volume, Size=size)
        assert again[0] == "IncorrectModificationState"
        earth.passes(9)
    assert earth.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Size"] == 14
    fifth = refused(earth.ec2.modify_volume, VolumeId=volume, Size=15)
    assert fifth[0] == "VolumeModificationRateExceeded"
    (change,) = earth.ec2.describe_volumes_modifications()["VolumesModifications"]
    assert (change["ModificationState"], change["TargetSize"]) == ("completed", 14)


def test_a_snapshot_takes_its_time_and_a_volume_of_it_holds_the_same(
    earth: Any, refused: Any
) -> None:
    volume = _volume(earth)
    snapshot = earth.ec2.create_snapshot(VolumeId=volume)
    assert (snapshot["State"], snapshot["Progress"]) == ("pending", "0%")
    id = snapshot["SnapshotId"]
    early = refused(earth.ec2.create_volume, **DATA, SnapshotId=id)
    assert early[0] == "IncorrectState"
    earth.passes(15)
    assert earth.ec2.describe_snapshots(SnapshotIds=[id])["Snapshots"][0]["Progress"] == "50%"
    earth.passes(16)
    smaller = refused(earth.ec2.create_volume, **{**DATA, "Size": 5}, SnapshotId=id)
    assert smaller[0] == "InvalidBlockDeviceMapping"
    _volume(earth, SnapshotId=id, AvailabilityZone="us-east-1b")
    first, second = earth.world.state()["volumes"]
    assert first["content"] == second["content"] == volume
    earth.ec2.delete_snapshot(SnapshotId=id)
    assert earth.world.state()["snapshots"] == []


def test_a_snapshot_is_copied_into_another_region_only_when_complete(
    earth: Any, refused: Any
) -> None:
    west = client(earth.world, "ec2", "us-west-2")
    volume = _volume(earth)
    id = earth.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    words = {"SourceRegion": "us-east-1", "SourceSnapshotId": id, "Encrypted": True}
    assert refused(west.copy_snapshot, **words)[0] == "IncorrectState"
    earth.passes(31)
    copy = west.copy_snapshot(**words)["SnapshotId"]
    earth.passes(31)
    (shown,) = west.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert (shown["SnapshotId"], shown["State"], shown["Encrypted"]) == (copy, "completed", True)


def test_two_snapshots_of_a_volume_need_a_pause(earth: Any, refused: Any) -> None:
    volume = _volume(earth)
    earth.ec2.create_snapshot(VolumeId=volume)
    again = refused(earth.ec2.create_snapshot, VolumeId=volume)
    assert again[0] == "SnapshotCreationPerVolumeRateExceeded"
