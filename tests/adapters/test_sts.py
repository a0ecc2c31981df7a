"""The reason of a denial: what STS tells, or nothing."""

from datetime import UTC, datetime

import pytest

from adapters.sts import Sts
from sim.boto import client
from sim.world import AwsError, World

R = "us-east-1"


def _world() -> tuple[World, Sts]:
    world = World(lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))
    return world, Sts(client(world, "sts", R))


def test_an_encoded_reason_is_read() -> None:
    world, sts = _world()
    world.control({"do": "deny", "operation": "DescribeVpcs"})
    with pytest.raises(AwsError) as caught:
        world.call("ec2", R, "DescribeVpcs", {})
    decoded = sts.decode(caught.value.message.rpartition(" ")[2])
    assert decoded is not None
    assert "DenyCostlyMachines" in decoded


@pytest.mark.parametrize("code", ["AccessDenied", "InternalError", "timeout-without-effect"])
def test_a_reason_that_cannot_be_read_is_nobodys_trouble(code: str) -> None:
    world, sts = _world()
    world.control({"do": "fault", "operation": "DecodeAuthorizationMessage", "code": code})
    assert sts.decode("x" * 40) is None


def test_a_reason_that_sts_does_not_know_is_none() -> None:
    assert _world()[1].decode("x" * 40) is None
