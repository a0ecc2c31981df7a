"""The world control: faults, settings, what the page sees; and many callers at once."""

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from sim.boto import client


def alive(earth: Any) -> int:
    return int(earth.world.state()["counts"]["instances"])


def test_an_ordered_fault_happens_as_often_as_ordered(earth: Any, refused: Any) -> None:
    earth.allow()
    earth.control("fault", operation="RunInstances", code="RequestLimitExceeded", times=2)
    for _ in range(2):
        assert refused(earth.ec2.run_instances, **earth.request())[:2] == (
            "RequestLimitExceeded",
            503,
        )
    assert earth.run()
    assert alive(earth) == 1


def test_a_lost_reply_may_have_bought_a_machine(earth: Any) -> None:
    earth.allow()
    earth.control("fault", operation="RunInstances", code="timeout-with-effect")
    with pytest.raises(ReadTimeoutError):
        earth.run(ClientToken="t1")
    assert alive(earth) == 1
    assert earth.run(ClientToken="t1")["InstanceId"]
    assert alive(earth) == 1


def test_a_request_that_never_arrived_has_bought_nothing(earth: Any) -> None:
    earth.allow()
    earth.control("fault", operation="RunInstances", code="timeout-without-effect")
    with pytest.raises(ConnectTimeoutError):
        earth.run()
    assert alive(earth) == 0


def test_an_error_can_come_after_the_deed(earth: Any, refused: Any) -> None:
    earth.allow()
    earth.control("fault", operation="RunInstances", code="InternalError", effect=True)
    assert refused(earth.ec2.run_instances, **earth.request())[:2] == ("InternalError", 500)
    assert alive(earth) == 1


def test_faults_keep_to_their_region_and_can_be_cleared(earth: Any) -> None:
    earth.control("fault", operation="DescribeVpcs", code="InternalError", region="us-west-2")
    earth.ec2.describe_vpcs()
    earth.control("clear-faults")
    client(earth.world, "ec2", "us-west-2").describe_vpcs()


def test_settings_change_what_comes_after(earth: Any) -> None:
    earth.allow()
    earth.control("settings", settings={"pending": 60, "visible_after": 0})
    id = earth.run()["InstanceId"]
    earth.passes(59)
    assert earth.look(id)["State"]["Name"] == "pending"
    earth.passes(1)
    assert earth.look(id)["State"]["Name"] == "running"


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"do": "dance"},
        {"do": "fill-zone", "region": "mars-1"},
        {"do": "fill-zone", "region": "us-east-1", "zone": "us-west-2a"},
        {"do": "fill-zone", "region": "us-east-1", "instance_type": "p9.large"},
        {"do": "fill-zone", "region": "us-east-1", "market": "black"},
        {"do": "interrupt", "instance": "i-0"},
        {"do": "grant-quota", "request": "none"},
        {"do": "set-quota", "region": "us-east-1", "code": "L-0", "value": 1},
        {"do": "set-quota", "region": "us-east-1", "code": "L-417A185B", "value": "many"},
        {"do": "set-quota", "region": "us-east-1", "code": "L-417A185B", "value": -1},
        {"do": "fault", "operation": "RunInstances"},
        {"do": "fault", "operation": "RunInstances", "code": "X", "times": 0},
        {"do": "settings", "speed": 3},
        {"do": "settings", "pending": "soon"},
        {"do": "settings", "pending": None},
        {"do": "settings", "pending": float("nan")},
    ],
)
def test_a_wrong_command_is_refused_with_the_reason(earth: Any, command: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        earth.world.control(command)
    assert str(caught.value)


def test_only_living_spot_machines_are_interrupted_and_once(earth: Any) -> None:
    earth.allow()
    bought = earth.run()["InstanceId"]
    with pytest.raises(ValueError, match="no living spot"):
        earth.control("interrupt", instance=bought)
    spot = earth.run(InstanceMarketOptions={"MarketType": "spot"})["InstanceId"]
    earth.control("interrupt", instance=spot)
    earth.control("interrupt", instance=spot)
    warnings = [e for e in earth.passes(0) if "instance-action" in e["detail"]]
    assert len(warnings) == 1


def test_the_state_is_plain_json_and_counts_what_is_left(earth: Any) -> None:
    earth.allow(16)
    tags = [{"Key": "Name", "Value": "amber-fox"}, {"Key": "gpu:owner", "Value": "U1"}]
    earth.run(TagSpecifications=[{"ResourceType": "instance", "Tags": tags}])
    earth.control("fill-zone", region="us-west-2", zone="us-west-2a", market="spot")
    state = json.loads(json.dumps(earth.world.state()))
    (instance,) = state["instances"]
    assert (instance["name"], instance["owner"], instance["hourly"]) == ("amber-fox", "U1", "3.06")
    assert instance["address"] == "203.0.113.1"
    assert {
        "region": "us-west-2",
        "zone": "us-west-2a",
        "market": "spot",
        "instance_type": None,
        "room": 0,
    } in (state["full_zones"])
    used = {(q["region"], q["code"]): (q["limit"], q["used"]) for q in state["quotas"]}
    assert used["us-east-1", "L-417A185B"] == (16, 8)
    assert state["counts"] == {
        "instances": 1,
        "groups": 0,
        "volumes": 1,
        "snapshots": 0,
        "images": 0,
        "keys": 0,
        "interfaces": 1,
    }


def test_many_at_once_cannot_exceed_the_quota_or_double_a_token(earth: Any) -> None:
    earth.allow(40)
    request = earth.request()
    outcomes: list[str] = []

    def buy(number: int) -> None:
        try:
            token = f"t{number % 10}"
            answer = earth.ec2.run_instances(**{**request, "ClientToken": token})
            outcomes.append(answer["Instances"][0]["InstanceId"])
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=buy, args=(n,)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bought = {outcome for outcome in outcomes if outcome.startswith("i-")}
    assert len(outcomes) == 30
    assert len(bought) == alive(earth) == 5


def test_what_a_caller_does_with_an_answer_does_not_change_the_world(earth: Any) -> None:
    first = earth.world.call("ec2", "us-east-1", "DescribeInstanceTypes", {})
    first["InstanceTypes"][0].clear()
    again = earth.world.call("ec2", "us-east-1", "DescribeInstanceTypes", {})
    assert again["InstanceTypes"][0]["InstanceType"]
