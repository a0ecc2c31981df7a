"""MinCount and MaxCount: EC2 gives as many as there is room for, or none at all."""

from collections.abc import Callable
from typing import Any

import pytest

Refused = Callable[..., tuple[str, int, str]]
P3 = 8  # vCPUs of a p3.2xlarge


def test_a_zone_with_room_for_ten_gives_ten_of_sixteen(earth: Any) -> None:
    earth.allow(16 * P3)
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a", room=10)
    answer = earth.ec2.run_instances(**earth.request(MaxCount=16))
    assert len(answer["Instances"]) == 10
    assert {i["Placement"]["AvailabilityZone"] for i in answer["Instances"]} == {"us-east-1a"}
    assert len({i["InstanceId"] for i in answer["Instances"]}) == 10


def test_room_is_used_up_by_what_starts_there(earth: Any, refused: Refused) -> None:
    earth.allow()
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a", room=2)
    earth.run(MaxCount=2)
    code, status, _ = refused(earth.ec2.run_instances, **earth.request())
    assert (code, status) == ("InsufficientInstanceCapacity", 500)


def test_below_min_count_nothing_starts_and_no_room_is_taken(earth: Any, refused: Refused) -> None:
    earth.allow(16 * P3)
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a", room=10)
    code, _, _ = refused(earth.ec2.run_instances, **earth.request(MinCount=16, MaxCount=16))
    assert code == "InsufficientInstanceCapacity"
    assert earth.world.state()["instances"] == []
    assert len(earth.ec2.run_instances(**earth.request(MaxCount=16))["Instances"]) == 10


@pytest.mark.parametrize(("least", "given"), [(1, 3), (3, 3)])
def test_a_quota_gives_as_many_as_it_has_room_for(earth: Any, least: int, given: int) -> None:
    earth.allow(3 * P3 + 7)
    answer = earth.ec2.run_instances(**earth.request(MinCount=least, MaxCount=16))
    assert len(answer["Instances"]) == given


def test_a_quota_below_min_count_refuses_it_all(earth: Any, refused: Refused) -> None:
    earth.allow(3 * P3)
    code, _, _ = refused(earth.ec2.run_instances, **earth.request(MinCount=4, MaxCount=16))
    assert code == "VcpuLimitExceeded"


def test_a_token_brings_all_of_its_instances_again(earth: Any) -> None:
    earth.allow(16 * P3)
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a", room=10)
    request = earth.request(MaxCount=16, ClientToken="one")
    first = earth.ec2.run_instances(**request)
    again = earth.ec2.run_instances(**request)
    assert again["ReservationId"] == first["ReservationId"]
    assert [i["InstanceId"] for i in again["Instances"]] == [
        i["InstanceId"] for i in first["Instances"]
    ]


def test_many_start_again_only_where_there_is_room_for_them_all(
    earth: Any, refused: Refused
) -> None:
    """The quota is counted for the call, not for each of its instances."""
    earth.allow(4 * P3)
    ids = [
        i["InstanceId"] for i in earth.ec2.run_instances(**earth.request(MaxCount=4))["Instances"]
    ]
    earth.passes(20)
    earth.ec2.stop_instances(InstanceIds=ids)
    earth.passes(20)
    earth.allow(3 * P3)
    code, _, _ = refused(earth.ec2.start_instances, InstanceIds=ids)
    assert code == "VcpuLimitExceeded"
    assert {i["state"] for i in earth.world.state()["instances"]} == {"stopped"}
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a", room=2)
    code, _, _ = refused(earth.ec2.start_instances, InstanceIds=ids[:3])
    assert code == "InsufficientInstanceCapacity"
    earth.ec2.start_instances(InstanceIds=ids[:2])
