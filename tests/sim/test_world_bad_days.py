"""The world's bad days answer as AWS does, and end when they are mended."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sim.boto import client

R = "us-east-1"


def _code(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return str(caught.value.response["Error"]["Code"])


def test_a_region_without_a_default_vpc_shows_none_and_launches_nothing(earth: Any) -> None:
    earth.allow()
    earth.control("remove-default-vpc", region=R)
    assert earth.ec2.describe_vpcs()["Vpcs"] == []
    assert earth.ec2.describe_subnets()["Subnets"] == []
    assert earth.ec2.describe_route_tables()["RouteTables"] == []
    assert _code(earth.ec2.create_security_group, GroupName="a", Description="b") == (
        "VPCIdNotSpecified"
    )
    with pytest.raises(ValueError, match="no default VPC"):
        earth.control("remove-default-vpc", region=R)


def test_an_admin_can_make_a_new_default_vpc(earth: Any) -> None:
    earth.control("remove-default-vpc", region=R)
    made = earth.ec2.create_default_vpc()["Vpc"]
    assert made["IsDefault"]
    assert [v["VpcId"] for v in earth.ec2.describe_vpcs()["Vpcs"]] == [made["VpcId"]]
    assert len(earth.ec2.describe_subnets()["Subnets"]) == 6
    assert _code(earth.ec2.create_default_vpc) == "DefaultVpcAlreadyExists"


def test_a_default_vpc_in_use_cannot_be_removed(earth: Any) -> None:
    earth.allow()
    earth.run()
    with pytest.raises(ValueError, match="in use"):
        earth.control("remove-default-vpc", region=R)


def test_hidden_subnets_have_a_route_table_that_leads_nowhere(earth: Any) -> None:
    earth.control("hide-subnets", region=R, zone="us-east-1b")
    main, other = earth.ec2.describe_route_tables()["RouteTables"]
    assert any(a.get("Main") for a in main["Associations"])
    assert any(r["GatewayId"].startswith("igw-") for r in main["Routes"])
    assert all(r["GatewayId"] == "local" for r in other["Routes"])
    (subnet,) = earth.ec2.describe_subnets(
        Filters=[{"Name": "availability-zone", "Values": ["us-east-1b"]}]
    )["Subnets"]
    assert [a["SubnetId"] for a in other["Associations"]] == [subnet["SubnetId"]]


def test_a_full_subnet_takes_no_machine(earth: Any) -> None:
    earth.allow()
    earth.control("fill-subnets", region=R, free=1)
    earth.run()
    shown = earth.ec2.describe_subnets()["Subnets"]
    assert sorted(s["AvailableIpAddressCount"] for s in shown) == [0, 1, 1, 1, 1, 1]
    full = next(s["SubnetId"] for s in shown if not s["AvailableIpAddressCount"])
    assert _code(earth.ec2.run_instances, **{**earth.request(), "SubnetId": full}) == (
        "InsufficientFreeAddressesInSubnet"
    )


def test_a_region_that_is_not_enabled_validates_no_credentials(earth: Any) -> None:
    earth.control("disable-region", region=R)
    assert _code(earth.ec2.describe_vpcs) == "AuthFailure"
    quotas = client(earth.world, "service-quotas", R)
    assert _code(quotas.list_service_quotas, ServiceCode="ec2") == "UnrecognizedClientException"
    west = client(earth.world, "ec2", "us-west-2")
    assert R not in [r["RegionName"] for r in west.describe_regions()["Regions"]]
    every = west.describe_regions(AllRegions=True)["Regions"]
    assert {r["RegionName"]: r["OptInStatus"] for r in every}[R] == "not-opted-in"
    earth.control("enable-region", region=R)
    assert earth.ec2.describe_vpcs()["Vpcs"]


@pytest.mark.parametrize(
    ("by", "words", "explicit"),
    [
        ("scp", "service control policy", True),
        ("boundary", "permissions boundary", True),
        ("policy", "no identity-based policy", False),
    ],
)
def test_a_denial_carries_a_reason_that_only_sts_can_read(
    earth: Any, by: str, words: str, explicit: bool
) -> None:
    earth.control("deny", operation="DescribeVpcs", by=by)
    with pytest.raises(ClientError) as caught:
        earth.ec2.describe_vpcs()
    message = caught.value.response["Error"]["Message"]
    assert words in message
    sts = client(earth.world, "sts", R)
    encoded = message.rpartition(" ")[2]
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["explicitDeny"] is explicit
    assert decoded["context"]["action"] == "ec2:DescribeVpcs"
    assert _code(sts.decode_authorization_message, EncodedMessage="x" * 40) == (
        "InvalidAuthorizationMessageException"
    )
    earth.control("allow", operation="DescribeVpcs")
    assert earth.ec2.describe_vpcs()["Vpcs"]


@pytest.mark.parametrize(
    ("command", "code", "cure"),
    [
        ({"do": "block-account"}, "Blocked", {"do": "unblock-account"}),
        (
            {"do": "doubt-account", "region": R},
            "PendingVerification",
            {"do": "verify-account", "region": R},
        ),
    ],
)
def test_a_doubted_account_may_look_and_may_not_launch(
    earth: Any, command: dict[str, Any], code: str, cure: dict[str, Any]
) -> None:
    earth.allow()
    earth.world.control(command)
    assert earth.ec2.describe_vpcs()["Vpcs"]
    assert _code(earth.ec2.run_instances, **earth.request()) == code
    earth.world.control(cure)
    assert earth.run()


def test_a_region_without_prices_is_not_in_the_price_list(earth: Any) -> None:
    pricing = client(earth.world, "pricing", R)
    where = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": R}]
    assert pricing.get_products(ServiceCode="AmazonEC2", Filters=where)["PriceList"]
    earth.control("remove-prices", region=R)
    assert not pricing.get_products(ServiceCode="AmazonEC2", Filters=where)["PriceList"]
    assert pricing.get_products(ServiceCode="AmazonEC2")["PriceList"]
    earth.control("restore-prices", region=R)
    assert pricing.get_products(ServiceCode="AmazonEC2", Filters=where)["PriceList"]


def test_a_spot_request_can_be_cancelled_and_its_machine_runs_on(earth: Any) -> None:
    earth.allow()
    id = earth.run(InstanceMarketOptions={"MarketType": "spot"})["InstanceId"]
    earth.passes(10)
    (request,) = earth.ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    ids = [request["SpotInstanceRequestId"]]
    earth.ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=ids)
    (after,) = earth.ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    assert after["State"] == "cancelled"
    assert earth.look(id)["State"]["Name"] == "running"
    assert _code(
        earth.ec2.cancel_spot_instance_requests, SpotInstanceRequestIds=["sir-00000000"]
    ) == ("InvalidSpotInstanceRequestID.NotFound")


@pytest.mark.parametrize(
    "command",
    [
        {"do": "remove-default-vpc", "region": "mars-1"},
        {"do": "hide-subnets", "region": R, "zone": "us-west-2a"},
        {"do": "fill-subnets", "region": R, "free": -1},
        {"do": "disable-region"},
        {"do": "deny"},
        {"do": "deny", "operation": "RunInstances", "by": "nobody"},
        {"do": "remove-prices", "region": "mars-1"},
    ],
)
def test_a_bad_day_that_cannot_be_is_refused_with_the_reason(
    earth: Any, command: dict[str, Any]
) -> None:
    with pytest.raises(ValueError) as caught:
        earth.world.control(command)
    assert str(caught.value)


def test_mending_ends_every_bad_day_at_once(earth: Any) -> None:
    earth.allow()
    for command in (
        {"do": "remove-default-vpc", "region": R},
        {"do": "hide-subnets", "region": "us-west-2"},
        {"do": "fill-subnets", "region": "us-west-2"},
        {"do": "disable-region", "region": R},
        {"do": "deny", "operation": "RunInstances"},
        {"do": "block-account"},
        {"do": "remove-prices", "region": R},
        {"do": "fill-zone", "region": R},
        {"do": "fault", "operation": "RunInstances", "code": "InternalError"},
    ):
        earth.world.control(command)
    earth.control("mend")
    assert earth.ec2.describe_vpcs()["Vpcs"]
    state = earth.world.state()
    assert state["full_zones"] == []
