"""Instances take their time, tell of it, and leave nothing behind."""

from datetime import UTC, datetime
from typing import Any

from sim.world import World

SPOT = {"MarketType": "spot"}


def states(events: list[dict[str, Any]]) -> list[str]:
    return [e["detail"]["state"] for e in events if "state" in e["detail"]]


def status(earth: Any, instance: str) -> str | None:
    found = earth.ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
    return str(found[0]["InstanceStatus"]["Status"]) if found else None


def test_a_new_instance_is_hidden_then_pending_then_running_then_healthy(
    earth: Any, refused: Any
) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    hidden = refused(earth.ec2.describe_instances, InstanceIds=[id])
    assert hidden[0] == "InvalidInstanceID.NotFound"
    earth.passes(1)
    assert earth.look(id)["State"] == {"Code": 0, "Name": "pending"}
    assert status(earth, id) is None
    earth.passes(3)
    assert earth.look(id)["State"] == {"Code": 16, "Name": "running"}
    assert status(earth, id) == "initializing"
    earth.passes(8)
    assert status(earth, id) == "ok"


def test_every_state_is_announced_in_eventbridges_shape(earth: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    first, second = earth.passes(5)
    assert (first["detail"], second["detail"]["state"]) == (
        {"instance-id": id, "state": "pending"},
        "running",
    )
    assert (first["source"], first["detail-type"], first["region"]) == (
        "aws.ec2",
        "EC2 Instance State-change Notification",
        "us-east-1",
    )
    assert first["resources"] == [f"arn:aws:ec2:us-east-1:123456789012:instance/{id}"]
    assert second["time"] == "2026-11-24T12:00:04Z"
    assert earth.passes(60) == []


def test_the_next_change_is_known(earth: Any) -> None:
    earth.allow()
    assert earth.world.next_change() is None
    earth.run()
    assert (earth.world.next_change() - earth.now).total_seconds() == 4


def test_stop_keeps_the_disk_and_start_brings_another_address(earth: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    earth.passes(5)
    first = earth.look(id)["PublicIpAddress"]
    earth.ec2.stop_instances(InstanceIds=[id])
    assert earth.look(id)["State"]["Name"] == "stopping"
    assert states(earth.passes(5)) == ["stopping", "stopped"]
    stopped = earth.look(id)
    assert "PublicIpAddress" not in stopped
    assert stopped["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert earth.world.state()["counts"]["volumes"] == 1
    earth.ec2.start_instances(InstanceIds=[id])
    assert states(earth.passes(5)) == ["pending", "running"]
    assert earth.look(id)["PublicIpAddress"] != first
    assert earth.look(id)["LaunchTime"] > stopped["LaunchTime"]


def test_a_stopped_machine_frees_its_quota_and_has_no_claim_to_it(earth: Any, refused: Any) -> None:
    earth.allow(8)
    id = earth.run()["InstanceId"]
    earth.passes(5)
    earth.ec2.stop_instances(InstanceIds=[id])
    earth.passes(5)
    earth.run()
    assert refused(earth.ec2.start_instances, InstanceIds=[id])[0] == "VcpuLimitExceeded"


def test_start_meets_a_full_zone(earth: Any, refused: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    earth.passes(5)
    earth.ec2.stop_instances(InstanceIds=[id])
    earth.passes(5)
    earth.control("fill-zone", region="us-east-1", zone="us-east-1a")
    assert refused(earth.ec2.start_instances, InstanceIds=[id])[:2] == (
        "InsufficientInstanceCapacity",
        500,
    )


def test_commands_in_the_wrong_state_are_refused_or_change_nothing(
    earth: Any, refused: Any
) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    assert refused(earth.ec2.stop_instances, InstanceIds=[id])[0] == "IncorrectInstanceState"
    earth.passes(5)
    again = earth.ec2.start_instances(InstanceIds=[id])["StartingInstances"][0]
    assert again["CurrentState"]["Name"] == again["PreviousState"]["Name"] == "running"
    earth.ec2.stop_instances(InstanceIds=[id])
    assert refused(earth.ec2.start_instances, InstanceIds=[id])[0] == "IncorrectInstanceState"
    earth.ec2.terminate_instances(InstanceIds=[id])
    earth.passes(5)
    assert refused(earth.ec2.start_instances, InstanceIds=[id])[0] == "IncorrectInstanceState"
    again = earth.ec2.terminate_instances(InstanceIds=[id])["TerminatingInstances"][0]
    assert again["CurrentState"]["Name"] == "terminated"
    nobody = refused(earth.ec2.terminate_instances, InstanceIds=["i-0123456789abcdef0"])
    assert nobody[0] == "InvalidInstanceID.NotFound"


def test_one_unknown_instance_spoils_the_whole_call(earth: Any, refused: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    both = [id, "i-0123456789abcdef0"]
    refused(earth.ec2.terminate_instances, InstanceIds=both)
    assert earth.world.state()["instances"][0]["state"] == "pending"


def test_terminate_overtakes_what_was_planned_and_leaves_nothing(earth: Any) -> None:
    earth.allow()
    id = earth.run(InstanceMarketOptions=SPOT)["InstanceId"]
    earth.ec2.terminate_instances(InstanceIds=[id])
    assert states(earth.passes(30)) == ["pending", "shutting-down", "terminated"]
    counts = earth.world.state()["counts"]
    assert set(counts.values()) == {0}
    gone = earth.look(id)
    assert gone["BlockDeviceMappings"] == gone["NetworkInterfaces"] == []
    (request,) = earth.ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    assert (request["State"], request["Status"]["Code"]) == (
        "closed",
        "instance-terminated-by-user",
    )


def test_a_terminated_instance_is_shown_for_an_hour(earth: Any, refused: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    earth.ec2.terminate_instances(InstanceIds=[id])
    earth.passes(3600)
    assert earth.look(id)["State"]["Name"] == "terminated"
    earth.passes(10)
    assert (
        refused(earth.ec2.describe_instances, InstanceIds=[id])[0] == "InvalidInstanceID.NotFound"
    )


def test_a_disk_that_is_to_stay_stays(earth: Any) -> None:
    earth.allow()
    keep = [{"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}}]
    id = earth.run(BlockDeviceMappings=keep)["InstanceId"]
    earth.ec2.terminate_instances(InstanceIds=[id])
    earth.passes(10)
    (volume,) = earth.ec2.describe_volumes()["Volumes"]
    assert volume["State"] == "available"


def test_one_time_spot_cannot_be_stopped(earth: Any, refused: Any) -> None:
    earth.allow()
    id = earth.run(InstanceMarketOptions=SPOT)["InstanceId"]
    earth.passes(5)
    code, _, words = refused(earth.ec2.stop_instances, InstanceIds=[id])
    assert code == "UnsupportedOperation"
    assert "one-time Spot Instance request" in words


def test_an_interruption_warns_and_then_takes(earth: Any) -> None:
    earth.allow()
    id = earth.run(InstanceMarketOptions=SPOT)["InstanceId"]
    earth.passes(5)
    earth.control("interrupt", instance=id)
    (warning,) = earth.passes(0)
    assert warning["detail-type"] == "EC2 Spot Instance Interruption Warning"
    assert warning["detail"] == {"instance-id": id, "instance-action": "terminate"}
    earth.passes(119)
    assert earth.look(id)["State"]["Name"] == "running"
    assert states(earth.passes(6)) == ["shutting-down", "terminated"]
    assert earth.look(id)["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_a_shutdown_from_inside_does_what_the_launch_said(earth: Any) -> None:
    earth.allow()
    stays = earth.run()["InstanceId"]
    goes = earth.run(InstanceInitiatedShutdownBehavior="terminate")["InstanceId"]
    earth.passes(5)
    for id in (stays, goes):
        earth.control("stop-outside", instance=id)
    earth.passes(5)
    assert earth.look(stays)["State"]["Name"] == "stopped"
    assert earth.look(goes)["State"]["Name"] == "terminated"
    assert earth.look(stays)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_ending_it_in_the_console_is_seen(earth: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    earth.passes(5)
    earth.control("terminate-outside", instance=id)
    assert states(earth.passes(5)) == ["shutting-down", "terminated"]


def test_a_clock_that_goes_back_undoes_nothing(earth: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    earth.passes(5)
    earth.passes(-60)
    assert earth.look(id)["State"]["Name"] == "running"


def test_instances_are_found_by_filters_and_come_in_pages(earth: Any, refused: Any) -> None:
    earth.allow(640)
    for number in range(7):
        tags = [{"Key": "gpu:machine", "Value": f"m-{number % 2}"}]
        earth.run(TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
    earth.passes(2)
    where = [
        {"Name": "tag:gpu:machine", "Values": ["m-1"]},
        {"Name": "instance-state-name", "Values": ["pend*", "running"]},
    ]
    pages = list(
        earth.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
    )
    assert [len(page["Reservations"]) for page in pages] == [5, 2]
    assert len(earth.ec2.describe_instances(Filters=where)["Reservations"]) == 3
    unknown = [{"Name": "hibernation-options.configured", "Values": ["true"]}]
    assert refused(earth.ec2.describe_instances, Filters=unknown)[0] == "InvalidParameterValue"
    assert refused(earth.ec2.describe_instances, MaxResults=3)[0] == "InvalidParameterValue"
    assert refused(earth.ec2.describe_instances, NextToken="?")[0] == "InvalidParameterValue"


def test_the_same_seed_and_calls_give_the_same_ids() -> None:
    worlds = [World(lambda: datetime(2026, 1, 1, tzinfo=UTC), seed=7) for _ in range(2)]
    first, second = (w.call("ec2", "us-east-1", "DescribeSubnets", {}) for w in worlds)
    assert first == second
