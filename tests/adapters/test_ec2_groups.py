"""Many instances in one call: as many as EC2 gives; one bad id keeps nothing from the rest."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.ec2 import Ec2
from core.faults import CloudError, FaultKind
from sim import boto
from sim.world import World

R = "us-east-1"
ZONE = "us-east-1a"
GONE = "i-0123456789abcdef0"


class Yard:
    """An account with a stack, whose calls are counted by operation."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.world = World(lambda: self.now)
        self.calls: Counter[str] = Counter()
        client = boto.client(self.world, "ec2", R)
        client.meta.events.register("before-parameter-build", self._count)
        self.client = client
        self.ec2 = Ec2(lambda _: client, lambda _: client, "lab", pause=lambda _: None)
        self.world.control({"do": "settings", "visible_after": 0})
        for quota in self.world.state()["quotas"]:
            if quota["region"] == R:
                code = quota["code"]
                self.world.control({"do": "set-quota", "region": R, "code": code, "value": 2000})

    def _count(self, model: Any, **_: Any) -> None:
        self.calls[model.name] += 1

    def request(self, most: int, *, machine: str = "m-one", attempt: int = 1) -> dict[str, Any]:
        images = self.client.describe_images(
            Owners=["amazon"],
            Filters=[{"Name": "name", "Values": ["Deep Learning Base Proprietary*"]}],
        )["Images"]
        subnets = self.client.describe_subnets(
            Filters=[{"Name": "availability-zone", "Values": [ZONE]}]
        )["Subnets"]
        tags = {"gpu:machine": machine, "gpu:stack": "lab", "gpu:attempt": str(attempt)}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {
            "ImageId": images[0]["ImageId"],
            "InstanceType": "p3.2xlarge",
            "MinCount": 1,
            "MaxCount": most,
            "SubnetId": subnets[0]["SubnetId"],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": pairs}],
            "ClientToken": f"{machine}-{attempt}",
        }

    def run(self, most: int, **more: Any) -> list[str]:
        return [one.id for one in self.ec2.run(R, self.request(most, **more))]

    def later(self, seconds: float = 20) -> None:
        self.now += timedelta(seconds=seconds)
        self.world.tick()

    def states(self) -> dict[str, str]:
        return {i["id"]: i["state"] for i in self.world.state()["instances"]}


@pytest.fixture
def yard() -> Yard:
    return Yard()


def test_a_zone_gives_as_many_as_it_has_and_the_same_ones_to_the_same_token(yard: Yard) -> None:
    yard.world.control({"do": "fill-zone", "region": R, "zone": ZONE, "room": 10})
    first = yard.run(16)
    assert len(first) == 10
    assert yard.run(16) == first
    assert len(yard.states()) == 10


def test_an_attempt_finds_what_it_bought_and_not_what_another_did(yard: Yard) -> None:
    first, second = yard.run(3), yard.run(2, attempt=2)
    yard.run(1, machine="m-two")
    assert sorted(i.id for i in yard.ec2.find(R, "m-one", 1)) == sorted(first)
    assert sorted(i.id for i in yard.ec2.find(R, "m-one", 2)) == sorted(second)


def test_a_hundred_are_looked_at_in_two_calls(yard: Yard) -> None:
    ids = yard.run(100)
    yard.later()
    yard.calls.clear()
    seen = yard.ec2.look_all(R, "m-one")
    assert sorted(i.id for i in seen) == sorted(ids)
    assert all(i.checks_ok for i in seen)
    assert yard.calls == {"DescribeInstances": 1, "DescribeInstanceStatus": 1}


def test_more_than_a_hundred_take_one_status_call_for_each_hundred(yard: Yard) -> None:
    yard.run(100)
    yard.run(20, attempt=2)
    yard.later()
    yard.calls.clear()
    assert sum(i.checks_ok for i in yard.ec2.look_all(R, "m-one")) == 120
    assert yard.calls["DescribeInstanceStatus"] == 2


@pytest.mark.parametrize(
    ("act", "operation", "after"),
    [
        ("stop", "StopInstances", "stopped"),
        ("terminate", "TerminateInstances", "terminated"),
    ],
)
def test_all_of_a_group_are_commanded_in_one_call(
    yard: Yard, act: str, operation: str, after: str
) -> None:
    ids = yard.run(16)
    yard.later()
    yard.calls.clear()
    getattr(yard.ec2, act)(R, *ids)
    assert yard.calls == {operation: 1}
    yard.later()
    assert set(yard.states().values()) == {after}


def test_one_id_that_is_gone_keeps_the_others_from_nothing(yard: Yard) -> None:
    ids = yard.run(16)
    yard.later()
    yard.calls.clear()
    yard.ec2.terminate(R, *ids[:7], GONE, *ids[7:])
    assert set(yard.states().values()) == {"shutting-down"}
    assert yard.calls["TerminateInstances"] <= 11  # halved, not one by one


def test_one_that_cannot_be_stopped_now_is_told_after_the_others_were(yard: Yard) -> None:
    ids = yard.run(4)
    yard.later()
    yard.ec2.terminate(R, ids[1])
    with pytest.raises(CloudError) as caught:
        yard.ec2.stop(R, *ids)
    assert caught.value.fault.kind is FaultKind.WRONG_STATE
    states = yard.states()
    assert [states[id] for id in ids] == ["stopping", "shutting-down", "stopping", "stopping"]


def test_one_that_is_protected_keeps_the_others_from_nothing(yard: Yard) -> None:
    ids = yard.run(4)
    yard.later()
    fault = {"do": "fault", "operation": "StopInstances", "code": "OperationNotPermitted"}
    yard.world.control(fault)
    yard.ec2.stop(R, *ids)  # all at once was refused, and each half done
    assert set(yard.states().values()) == {"stopping"}


def test_a_refusal_that_is_not_one_ids_is_not_asked_again(yard: Yard) -> None:
    ids = yard.run(8)
    yard.world.control(
        {"do": "fault", "operation": "TerminateInstances", "code": "RequestLimitExceeded"}
    )
    yard.calls.clear()
    with pytest.raises(CloudError):
        yard.ec2.terminate(R, *ids)
    assert yard.calls == {"TerminateInstances": 1}


def test_the_deadline_of_all_is_moved_in_one_call(yard: Yard) -> None:
    ids = yard.run(16)
    yard.calls.clear()
    yard.ec2.tag_deadline(R, yard.now + timedelta(hours=2), *ids)
    assert yard.calls == {"CreateTags": 1}
    assert {t.deadline for t in yard.ec2.tagged(R)} == {yard.now + timedelta(hours=2)}


def test_nothing_is_called_for_nobody(yard: Yard) -> None:
    yard.ec2.stop(R)
    yard.ec2.terminate(R)
    assert yard.ec2.look_all(R, "m-none") == ()
    assert yard.calls == {"DescribeInstances": 1}
