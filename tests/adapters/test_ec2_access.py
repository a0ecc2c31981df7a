"""Groups, addresses and keys: what EC2 is asked, and what its refusals become."""

from typing import Any

import pytest

from adapters.ec2_access import Access
from core.faults import CloudError, FaultKind

R = "us-east-1"
TAGS = {"gpu:stack": "lab", "gpu:machine": "m-one"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0GS0FvW3Cgq0lcDQxY3RzmyhdDEKsCwZwRkCfWUEz4"


@pytest.fixture
def access(aws: Any) -> Access:
    return Access(lambda region: aws.client("ec2", region), "lab", pause=lambda seconds: None)


@pytest.fixture
def vpc(aws: Any) -> str:
    return str(aws.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


@pytest.fixture
def group(access: Access, vpc: str) -> str:
    return access.ensure_group(R, "gpu-m-one", vpc, TAGS)


def ssh_rules(aws: Any, group: str) -> set[str]:
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return {
        source.get("CidrIp") or source.get("CidrIpv6")
        for permission in shown["IpPermissions"]
        if permission.get("FromPort") == 22
        for source in [*permission["IpRanges"], *permission.get("Ipv6Ranges", [])]
    }


def open_by_hand(aws: Any, group: str, protocol: str, first: int, last: int, cidr: str) -> None:
    rule = {
        "IpProtocol": protocol,
        "FromPort": first,
        "ToPort": last,
        "IpRanges": [{"CidrIp": cidr, "Description": "by hand"}],
    }
    aws.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


# ---- groups ---------------------------------------------------------------------------------


def test_a_new_group_lets_nobody_in_and_carries_its_tags(
    aws: Any, access: Access, vpc: str
) -> None:
    group = access.ensure_group(R, "gpu-m-one", vpc, TAGS)
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert shown["IpPermissions"] == []
    assert shown["IpPermissionsEgress"]
    assert {t["Key"]: t["Value"] for t in shown["Tags"]} == TAGS


def test_the_second_call_finds_the_first_one_s_group(access: Access, vpc: str, group: str) -> None:
    assert access.ensure_group(R, "gpu-m-one", vpc, TAGS) == group


def test_a_group_that_another_step_made_a_moment_before_is_taken(
    aws: Any, access: Access, vpc: str
) -> None:
    ec2 = aws.client("ec2")
    made: list[str] = []

    def beside_us(**_: Any) -> None:
        if not made:
            made.append("")
            made[0] = ec2.create_security_group(GroupName="gpu-m-one", Description="x", VpcId=vpc)[
                "GroupId"
            ]

    ec2.meta.events.register("before-call.ec2.CreateSecurityGroup", beside_us)
    assert access.ensure_group(R, "gpu-m-one", vpc, TAGS) == made[0]


def test_a_group_that_ec2_does_not_show_yet_is_no_refusal(
    aws: Any, access: Access, vpc: str
) -> None:
    aws.fail("CreateSecurityGroup", "InvalidGroup.Duplicate")
    with pytest.raises(CloudError) as caught:
        access.ensure_group(R, "gpu-m-one", vpc, TAGS)
    assert caught.value.fault.kind is FaultKind.UNKNOWN
    assert not caught.value.fault.definite


def test_a_refusal_to_make_a_group_is_told(aws: Any, access: Access, vpc: str) -> None:
    aws.fail("CreateSecurityGroup", "UnauthorizedOperation", 403)
    with pytest.raises(CloudError) as caught:
        access.ensure_group(R, "gpu-m-one", vpc, TAGS)
    assert caught.value.fault.kind is FaultKind.DENIED
    assert caught.value.__cause__ is not None


def test_a_deleted_group_is_gone_and_deleting_it_again_is_no_error(
    aws: Any, access: Access, group: str
) -> None:
    assert access.delete_group(R, "gpu-m-one")
    assert access.delete_group(R, "gpu-m-one")
    names = [g["GroupName"] for g in aws.client("ec2").describe_security_groups()["SecurityGroups"]]
    assert "gpu-m-one" not in names


@pytest.mark.parametrize("code", ["DependencyViolation", "InvalidGroup.InUse"])
def test_a_group_in_use_stays(aws: Any, access: Access, group: str, code: str) -> None:
    aws.fail("DeleteSecurityGroup", code)
    assert not access.delete_group(R, "gpu-m-one")


def test_a_group_that_goes_while_it_is_deleted_is_gone(
    aws: Any, access: Access, group: str
) -> None:
    aws.fail("DeleteSecurityGroup", "InvalidGroup.NotFound")
    assert access.delete_group(R, "gpu-m-one")


def test_another_deployment_s_group_of_that_name_is_left_alone(
    aws: Any, access: Access, vpc: str
) -> None:
    foreign = aws.client("ec2").create_security_group(
        GroupName="gpu-m-two", Description="x", VpcId=vpc
    )["GroupId"]
    assert access.delete_group(R, "gpu-m-two")
    assert aws.client("ec2").describe_security_groups(GroupIds=[foreign])["SecurityGroups"]


# ---- addresses ------------------------------------------------------------------------------


def test_exactly_the_addresses_that_are_named_get_in(aws: Any, access: Access, group: str) -> None:
    access.set_addresses(R, group, frozenset({"203.0.113.7/32", "2001:db8::7/128"}))
    assert ssh_rules(aws, group) == {"203.0.113.7/32", "2001:db8::7/128"}
    access.set_addresses(R, group, frozenset({"203.0.113.8/32", "2001:db8::7/128"}))
    assert ssh_rules(aws, group) == {"203.0.113.8/32", "2001:db8::7/128"}
    access.set_addresses(R, group, frozenset())
    assert ssh_rules(aws, group) == set()


def test_addresses_that_are_open_already_cost_no_call(aws: Any, access: Access, group: str) -> None:
    access.set_addresses(R, group, frozenset({"203.0.113.7/32"}))
    access.set_addresses(R, group, frozenset({"203.0.113.7/32"}))
    assert len(aws.asked("AuthorizeSecurityGroupIngress")) == 1
    assert aws.asked("RevokeSecurityGroupIngress") == []


def test_closing_comes_before_opening(aws: Any, access: Access, group: str) -> None:
    access.set_addresses(R, group, frozenset({"203.0.113.7/32"}))
    aws.fail("AuthorizeSecurityGroupIngress", "RequestLimitExceeded", 503, times=9)
    with pytest.raises(CloudError):
        access.set_addresses(R, group, frozenset({"203.0.113.8/32"}))
    assert ssh_rules(aws, group) == set()


@pytest.mark.parametrize("world", ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3"])
def test_the_world_is_never_let_in(aws: Any, access: Access, group: str, world: str) -> None:
    with pytest.raises(ValueError, match="world"):
        access.set_addresses(R, group, frozenset({"203.0.113.7/32", world}))
    assert aws.asked("AuthorizeSecurityGroupIngress") == []


@pytest.mark.parametrize(("protocol", "first", "last"), [("tcp", 0, 65535), ("tcp", 22, 22)])
def test_a_rule_made_by_hand_that_reaches_port_22_is_closed(
    aws: Any, access: Access, group: str, protocol: str, first: int, last: int
) -> None:
    open_by_hand(aws, group, protocol, first, last, "198.51.100.0/24")
    access.set_addresses(R, group, frozenset({"203.0.113.7/32"}))
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    cidrs = [r["CidrIp"] for p in shown["IpPermissions"] for r in p["IpRanges"]]
    assert cidrs == ["203.0.113.7/32"]


def test_a_rule_for_every_protocol_is_closed(aws: Any, access: Access, group: str) -> None:
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
    aws.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    access.set_addresses(R, group, frozenset())
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert shown["IpPermissions"] == []


def test_a_rule_for_another_group_on_port_22_is_closed(
    aws: Any, access: Access, group: str
) -> None:
    pair = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    rule = {**pair, "UserIdGroupPairs": [{"GroupId": group}]}
    aws.client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    access.set_addresses(R, group, frozenset())
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert shown["IpPermissions"] == []


def test_somebody_s_own_rule_for_another_port_stays(aws: Any, access: Access, group: str) -> None:
    open_by_hand(aws, group, "tcp", 8888, 8888, "198.51.100.9/32")
    access.set_addresses(R, group, frozenset({"203.0.113.7/32"}))
    shown = aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert {p["FromPort"] for p in shown["IpPermissions"]} == {22, 8888}


def test_a_rule_that_a_step_beside_us_made_does_not_keep_the_others_out(
    aws: Any, access: Access, group: str
) -> None:
    aws.fail("AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate")
    access.set_addresses(R, group, frozenset({"203.0.113.7/32", "203.0.113.8/32"}))
    assert ssh_rules(aws, group) == {"203.0.113.7/32", "203.0.113.8/32"}
    aws.fail("RevokeSecurityGroupIngress", "InvalidPermission.NotFound")
    access.set_addresses(R, group, frozenset())
    assert ssh_rules(aws, group) == set()


def test_a_group_that_is_not_shown_yet_is_tried_again_later(aws: Any, access: Access) -> None:
    with pytest.raises(CloudError) as caught:
        access.set_addresses(R, "sg-0123456789abcdef0", frozenset())
    assert caught.value.fault.kind is FaultKind.UNKNOWN


@pytest.mark.parametrize(
    "operation", ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]
)
def test_a_group_that_is_shown_and_not_known_to_the_next_call_is_tried_again_later(
    aws: Any, access: Access, group: str, operation: str
) -> None:
    access.set_addresses(R, group, frozenset({"203.0.113.7/32"}))
    aws.fail(operation, "InvalidGroup.NotFound")
    with pytest.raises(CloudError) as caught:
        access.set_addresses(R, group, frozenset({"203.0.113.8/32"}))
    assert caught.value.fault.kind is FaultKind.UNKNOWN
    access.set_addresses(R, group, frozenset({"203.0.113.8/32"}))
    assert ssh_rules(aws, group) == {"203.0.113.8/32"}


# ---- keys -----------------------------------------------------------------------------------


def test_a_key_is_imported_once_with_its_tags(aws: Any, access: Access) -> None:
    access.ensure_key(R, "gpu-m-one", KEY, TAGS)
    access.ensure_key(R, "gpu-m-one", KEY, TAGS)
    (shown,) = aws.client("ec2").describe_key_pairs()["KeyPairs"]
    assert shown["KeyName"] == "gpu-m-one"
    assert {t["Key"]: t["Value"] for t in shown["Tags"]} == TAGS


def test_a_key_that_ec2_does_not_take_is_told(aws: Any, access: Access) -> None:
    aws.fail("ImportKeyPair", "InvalidKey.Format")
    with pytest.raises(CloudError) as caught:
        access.ensure_key(R, "gpu-m-one", KEY, TAGS)
    assert caught.value.fault.kind is FaultKind.KEY


def test_a_deleted_key_is_gone_and_deleting_it_again_asks_for_nothing(
    aws: Any, access: Access
) -> None:
    access.ensure_key(R, "gpu-m-one", KEY, TAGS)
    access.delete_key(R, "gpu-m-one")
    access.delete_key(R, "gpu-m-one")
    assert aws.client("ec2").describe_key_pairs()["KeyPairs"] == []
    assert len(aws.asked("DeleteKeyPair")) == 1
