"""Scripts by Systems Manager and consoles of EC2, over the world: what became of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from adapters.ec2_console import Console
from adapters.ssm_commands import RunCommand
from core.faults import CloudError
from core.host_keys import fingerprints
from core.ports import CommandState
from sim import boto
from sim.world import World
from sim.world.console import host_key

PROFILE = "arn:aws:iam::123456789012:instance-profile/gpu-machine"


class Account:
    """A world whose clock the test moves, its clients, and one machine in it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
        self.world = World(lambda: self.now)
        self.world.control({"do": "instance-profile", "arn": PROFILE})
        self.commands = RunCommand(lambda region: boto.client(self.world, "ssm", region))
        self.console = Console(lambda region: boto.client(self.world, "ec2", region))
        self.ec2: Any = boto.client(self.world, "ec2", "us-east-1")

    def launch(self, kind: str = "m5.large", **arguments: Any) -> str:
        image = self.ec2.describe_images(
            Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["x86_64"]}]
        )["Images"][0]["ImageId"]
        answer = self.ec2.run_instances(
            ImageId=image, InstanceType=kind, MinCount=1, MaxCount=1, **arguments
        )
        return str(answer["Instances"][0]["InstanceId"])

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.world.tick()


@pytest.fixture
def account() -> Account:
    return Account()


def test_an_instance_is_online_once_its_agent_is_and_only_under_the_profile(
    account: Account,
) -> None:
    with_it = account.launch(IamInstanceProfile={"Arn": PROFILE})
    without = account.launch()
    assert account.commands.online("us-east-1", with_it, without) == frozenset()
    account.wait(30)
    assert account.commands.online("us-east-1", with_it, without) == {with_it}


def test_a_profile_that_is_not_there_is_refused_as_ec2_does(account: Account) -> None:
    with pytest.raises(ClientError, match="iamInstanceProfile") as refused:
        account.launch(IamInstanceProfile={"Name": "nobody"})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert account.launch(IamInstanceProfile={"Name": "gpu-machine"})


def test_a_script_runs_and_is_known_to_have_run(account: Account) -> None:
    one = account.launch(IamInstanceProfile={"Arn": PROFILE})
    account.wait(30)
    command = account.commands.send("us-east-1", "#!/bin/sh\nid\n", one)
    assert account.commands.state("us-east-1", command, one) is CommandState.RUNNING
    account.wait(1.5)
    assert account.commands.state("us-east-1", command, one) is CommandState.RUNNING
    account.wait(5)
    assert account.commands.state("us-east-1", command, one) is CommandState.DONE
    assert account.world.state()["instances"][0]["commands"] == ["#!/bin/sh\nid\n"]


def test_a_machine_that_has_gone_to_sleep_is_not_online_and_fails(account: Account) -> None:
    one = account.launch(IamInstanceProfile={"Arn": PROFILE})
    account.wait(30)
    assert account.commands.online("us-east-1", one)
    account.ec2.stop_instances(InstanceIds=[one])
    account.wait(30)
    assert account.commands.online("us-east-1", one) == frozenset()
    command = account.commands.send("us-east-1", "id\n", one)
    account.wait(5)
    assert account.commands.state("us-east-1", command, one) is CommandState.FAILED


def test_an_instance_that_systems_manager_does_not_know_is_an_error(account: Account) -> None:
    one = account.launch()
    account.wait(30)
    with pytest.raises(CloudError) as refused:
        account.commands.send("us-east-1", "id\n", one)
    assert refused.value.fault.code == "InvalidInstanceId"


def test_a_console_tells_the_host_keys_after_the_boot_and_nothing_before(account: Account) -> None:
    one = account.launch()
    account.wait(1)
    assert account.console.console_output("us-east-1", one) == ""
    account.wait(30)
    printed = fingerprints(account.console.console_output("us-east-1", one))
    assert printed[0] == f"{host_key(one, 'ED25519')} (ED25519)"
    assert len(printed) == 3


def test_a_machine_that_is_not_nitro_shows_its_console_as_it_was(account: Account) -> None:
    account.world.control(
        {"do": "set-quota", "region": "us-east-1", "code": "L-417A185B", "value": 64}
    )
    one = account.launch("p3.2xlarge")
    account.wait(30)
    assert fingerprints(account.console.console_output("us-east-1", one))


def test_a_refused_console_is_an_error_of_the_cloud(account: Account) -> None:
    with pytest.raises(CloudError):
        account.console.console_output("us-east-1", "i-00000000000000000")
