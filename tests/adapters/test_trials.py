"""Dry runs: what EC2 says to them, and that nothing is sent without the flag."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.trials import DryRuns
from core.faults import FaultKind
from sim.boto import client
from sim.world import World

R = "us-east-1"
TAGS = {"gpu:stack": "gpu", "Name": "doctor"}


def made() -> tuple[World, Any, DryRuns]:
    world = World(lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))
    ec2 = client(world, "ec2", R)
    return world, ec2, DryRuns(lambda region: ec2)


def test_what_is_let_through_has_no_fault_and_leaves_nothing() -> None:
    world, ec2, trials = made()
    before = world.state()["counts"]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    found = trials.make(R, vpc, f"{R}a", TAGS)
    assert {trial.operation: trial.fault for trial in found} == {
        "CreateSecurityGroup": None,
        "ImportKeyPair": None,
        "CreateVolume": None,
    }
    assert world.state()["counts"] == before


def test_what_is_denied_carries_aws_s_reason() -> None:
    world, _, trials = made()
    world.control({"do": "deny", "operation": "StopInstances", "by": "scp"})
    found = {t.operation: t.fault for t in trials.manage(R, "i-0123456789abcdef0", None, TAGS)}
    stop = found.pop("StopInstances")
    assert stop is not None
    assert stop.kind is FaultKind.DENIED
    assert set(found.values()) == {None}
    assert "AuthorizeSecurityGroupIngress" not in found


def test_no_answer_is_a_fault_too() -> None:
    world, _, trials = made()
    world.control({"do": "fault", "operation": "StartInstances", "code": "timeout-without-effect"})
    first = trials.manage(R, "i-0123456789abcdef0", "sg-0123456789abcdef0", TAGS)[0]
    assert first.fault is not None
    assert first.fault.kind is FaultKind.UNKNOWN


def test_a_call_that_was_carried_out_is_an_error_of_ours() -> None:
    """A service that does not know dry runs would have done it: nobody goes on from there."""

    class Deaf:
        def run_instances(self, **request: Any) -> dict[str, Any]:
            assert request.pop("DryRun") is True
            return {"Instances": []}

    deaf: Any = Deaf()
    with pytest.raises(AssertionError, match="not taken for a dry run"):
        DryRuns(lambda region: deaf).launch(R, {})
