"""How far a refusal reaches: what is struck from what is still to be tried, and what is not."""

from decimal import Decimal

import pytest

from core.faults import classify
from core.model import Market, Placement
from core.scope import left, scope_of, suggested_first


def at(type_: str, market: str, zone: str) -> Placement:
    return Placement(
        instance_type=type_,
        region=zone[:-1],
        zone=zone,
        subnet=f"subnet-{zone}",
        market=Market(market),
        hourly=Decimal(1),
    )


HERE = at("g5.xlarge", "spot", "us-east-1a")
SAME_ZONE_ON_DEMAND = at("g5.xlarge", "on-demand", "us-east-1a")
NEXT_ZONE = at("g5.xlarge", "spot", "us-east-1b")
SAME_FAMILY = at("g6.xlarge", "spot", "us-east-1b")
OTHER_FAMILY = at("p3.2xlarge", "spot", "us-east-1b")
ELSEWHERE = at("g5.xlarge", "spot", "us-west-2a")
ALL = (HERE, SAME_ZONE_ON_DEMAND, NEXT_ZONE, SAME_FAMILY, OTHER_FAMILY, ELSEWHERE)


@pytest.mark.parametrize(
    ("code", "rest"),
    [
        ("InsufficientInstanceCapacity", ALL[1:]),
        ("InsufficientFreeAddressesInSubnet", ALL[1:]),
        ("SpotMaxPriceTooLow", ALL[1:]),
        ("Unsupported", ALL[1:]),
        ("UnsupportedOperation", ALL[1:]),
        ("VolumeTypeNotAvailableInZone", ALL[1:]),
        ("InvalidInstanceType", (SAME_FAMILY, OTHER_FAMILY, ELSEWHERE)),
        ("MaxSpotInstanceCountExceeded", (SAME_ZONE_ON_DEMAND, OTHER_FAMILY, ELSEWHERE)),
        ("VcpuLimitExceeded", (SAME_ZONE_ON_DEMAND, OTHER_FAMILY, ELSEWHERE)),
        ("OptInRequired", (ELSEWHERE,)),
        ("PendingVerification", (ELSEWHERE,)),
        ("SecurityGroupLimitExceeded", (ELSEWHERE,)),
        ("KeyPairLimitExceeded", (ELSEWHERE,)),
        ("InvalidSubnetID.NotFound", (ELSEWHERE,)),
        ("VolumeLimitExceeded", (ELSEWHERE,)),
        ("UnauthorizedOperation", ()),
        ("Blocked", ()),
        ("InvalidAMIID.NotFound", ()),
        ("InvalidBlockDeviceMapping", ()),
        ("InvalidParameterValue", ()),
    ],
)
def test_a_refusal_strikes_what_it_rules_out_and_nothing_else(
    code: str, rest: tuple[Placement, ...]
) -> None:
    fault = classify("RunInstances", code, "no", 400)
    assert left(ALL, HERE, scope_of(fault)) == rest


def test_zones_that_ec2_names_come_first_for_the_type_and_market_that_it_named_them_for() -> None:
    other_market = at("g5.xlarge", "on-demand", "us-east-1c")
    named = at("g5.xlarge", "spot", "us-east-1c")
    rest = (ELSEWHERE, NEXT_ZONE, other_market, named)
    assert suggested_first(rest, HERE, ("us-east-1c",)) == (
        named,
        ELSEWHERE,
        NEXT_ZONE,
        other_market,
    )
    assert suggested_first(rest, HERE, ()) == rest
