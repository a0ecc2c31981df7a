"""Security groups, keys and tags as EC2 keeps them."""

from typing import Any

import pytest

from sim.boto import client

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm me@here"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7"
    "opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
)
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}


def group(earth: Any, name: str = "gpu-m-1") -> str:
    return str(earth.ec2.create_security_group(GroupName=name, Description="d")["GroupId"])


def let_in(earth: Any, id: str, *cidrs: str) -> Any:
    ranges = [{"CidrIp": cidr, "Description": "ada"} for cidr in cidrs]
    return earth.ec2.authorize_security_group_ingress(
        GroupId=id, IpPermissions=[{**SSH, "IpRanges": ranges}]
    )


def ingress(earth: Any, id: str) -> list[str]:
    shape = earth.ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]
    return [r["CidrIp"] for p in shape["IpPermissions"] for r in p["IpRanges"]]


def test_a_new_group_lets_everything_out_and_nothing_in(earth: Any) -> None:
    id = group(earth)
    (shape,) = earth.ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"]
    assert shape["IpPermissions"] == []
    (egress,) = shape["IpPermissionsEgress"]
    assert (egress["IpProtocol"], egress["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])


def test_a_group_name_is_unique_in_its_region(earth: Any, refused: Any) -> None:
    group(earth)
    again = {"GroupName": "gpu-m-1", "Description": "d"}
    assert refused(earth.ec2.create_security_group, **again)[0] == "InvalidGroup.Duplicate"
    elsewhere = client(earth.world, "ec2", "us-west-2")
    assert elsewhere.create_security_group(**again)["GroupId"]


def test_a_group_in_use_cannot_be_deleted_until_its_machine_is_gone(
    earth: Any, refused: Any
) -> None:
    earth.allow()
    id = group(earth)
    face = {"DeviceIndex": 0, "SubnetId": earth.subnet("us-east-1a"), "Groups": [id]}
    request = earth.request(NetworkInterfaces=[face])
    del request["SubnetId"]
    instance = earth.ec2.run_instances(**request)["Instances"][0]["InstanceId"]
    assert refused(earth.ec2.delete_security_group, GroupId=id)[0] == "DependencyViolation"
    earth.ec2.terminate_instances(InstanceIds=[instance])
    assert refused(earth.ec2.delete_security_group, GroupId=id)[0] == "DependencyViolation"
    earth.passes(5)
    earth.ec2.delete_security_group(GroupId=id)
    assert refused(earth.ec2.delete_security_group, GroupId=id)[0] == "InvalidGroup.NotFound"


def test_the_default_group_cannot_be_deleted(earth: Any, refused: Any) -> None:
    assert refused(earth.ec2.delete_security_group, GroupName="default")[0] == "CannotDelete"


def test_rules_come_and_go_exactly(earth: Any, refused: Any) -> None:
    id = group(earth)
    rules = let_in(earth, id, "8.8.8.8/32", "1.1.1.1/32")["SecurityGroupRules"]
    assert ingress(earth, id) == ["8.8.8.8/32", "1.1.1.1/32"]
    twice = {"GroupId": id, "IpPermissions": [{**SSH, "IpRanges": [{"CidrIp": "8.8.8.8/32"}]}]}
    again = refused(earth.ec2.authorize_security_group_ingress, **twice)
    assert again[0] == "InvalidPermission.Duplicate"
    earth.ec2.revoke_security_group_ingress(**twice)
    assert ingress(earth, id) == ["1.1.1.1/32"]
    gone = refused(earth.ec2.revoke_security_group_ingress, **twice)
    assert gone[0] == "InvalidPermission.NotFound"
    named = [rules[1]["SecurityGroupRuleId"]]
    earth.ec2.revoke_security_group_ingress(GroupId=id, SecurityGroupRuleIds=named)
    assert ingress(earth, id) == []


def test_a_call_with_one_rule_too_many_adds_none(earth: Any, refused: Any) -> None:
    id = group(earth)
    let_in(earth, id, "8.8.8.8/32")
    ranges = [{"CidrIp": "9.9.9.9/32"}, {"CidrIp": "8.8.8.8/32"}]
    both = {"GroupId": id, "IpPermissions": [{**SSH, "IpRanges": ranges}]}
    refused(earth.ec2.authorize_security_group_ingress, **both)
    assert ingress(earth, id) == ["8.8.8.8/32"]
    many = [{"CidrIp": f"9.9.9.{n}/32"} for n in range(60)]
    full = {"GroupId": id, "IpPermissions": [{**SSH, "IpRanges": many}]}
    code = refused(earth.ec2.authorize_security_group_ingress, **full)[0]
    assert code == "RulesPerSecurityGroupLimitExceeded"


@pytest.mark.parametrize("cidr", ["8.8.8.8", "300.1.1.1/32", "nowhere", "8.8.8.8/33", "::1/128"])
def test_a_malformed_network_is_refused(earth: Any, refused: Any, cidr: str) -> None:
    words = {
        "GroupId": group(earth),
        "IpPermissions": [{**SSH, "IpRanges": [{"CidrIp": cidr}]}],
    }
    code, _, said = refused(earth.ec2.authorize_security_group_ingress, **words)
    assert (code, said) == ("InvalidParameterValue", f"CIDR block {cidr} is malformed")


def test_ipv6_networks_stand_apart(earth: Any) -> None:
    id = group(earth)
    six = {**SSH, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::1/128"}]}
    earth.ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[six])
    (shape,) = earth.ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"]
    assert shape["IpPermissions"][0]["Ipv6Ranges"] == [{"CidrIpv6": "2001:db8::1/128"}]
    found = earth.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [id]}])[
        "SecurityGroupRules"
    ]
    assert [rule["IsEgress"] for rule in found] == [True, False]


def test_groups_are_found_by_tag_and_by_name(earth: Any) -> None:
    id = group(earth)
    earth.ec2.create_tags(Resources=[id], Tags=[{"Key": "gpu:stack", "Value": "gpu"}])
    for where in (
        {"Name": "tag:gpu:stack", "Values": ["gpu"]},
        {"Name": "group-name", "Values": ["gpu-*"]},
        {"Name": "tag-key", "Values": ["gpu:*"]},
    ):
        found = earth.ec2.describe_security_groups(Filters=[where])["SecurityGroups"]
        assert [g["GroupId"] for g in found] == [id]


def test_a_public_key_is_imported_once_and_shown_by_its_fingerprint(
    earth: Any, refused: Any
) -> None:
    answer = earth.ec2.import_key_pair(KeyName="gpu-m-1", PublicKeyMaterial=KEY.encode())
    assert (
        answer["KeyFingerprint"] == earth.ec2.describe_key_pairs()["KeyPairs"][0]["KeyFingerprint"]
    )
    twice = {"KeyName": "gpu-m-1", "PublicKeyMaterial": KEY.encode()}
    assert refused(earth.ec2.import_key_pair, **twice)[0] == "InvalidKeyPair.Duplicate"
    earth.ec2.delete_key_pair(KeyName="gpu-m-1")
    earth.ec2.delete_key_pair(KeyName="gpu-m-1")
    nobody = refused(earth.ec2.describe_key_pairs, KeyNames=["gpu-m-1"])
    assert nobody[0] == "InvalidKeyPair.NotFound"


def test_a_new_key_and_a_new_group_are_shown_before_they_can_be_used(
    earth: Any, refused: Any
) -> None:
    earth.allow()
    earth.control("settings", settings={"access_visible_after": 30})
    earth.ec2.import_key_pair(KeyName="gpu-m-1", PublicKeyMaterial=KEY.encode())
    id = group(earth)
    assert earth.ec2.describe_key_pairs(KeyNames=["gpu-m-1"])["KeyPairs"]
    assert ingress(earth, id) == []
    assert refused(let_in, earth=earth, id=id)[0] == "InvalidGroup.NotFound"
    by_key, in_group = {"KeyName": "gpu-m-1"}, {"SecurityGroupIds": [id]}
    assert refused(earth.run, **by_key)[0] == "InvalidKeyPair.NotFound"
    assert refused(earth.run, **in_group)[0] == "InvalidGroup.NotFound"
    earth.passes(30)
    let_in(earth, id, "203.0.113.7/32")
    assert earth.run(**by_key, **in_group)


@pytest.mark.parametrize(
    "text",
    [
        "ssh-ed25519 AAAA",
        "not a key",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP",
        ECDSA,
    ],
)
def test_only_rsa_and_ed25519_public_keys_are_taken(earth: Any, refused: Any, text: str) -> None:
    words = {"KeyName": "k", "PublicKeyMaterial": text.encode()}
    assert refused(earth.ec2.import_key_pair, **words)[0] == "InvalidKey.Format"


def test_tags_can_be_changed_later_on_what_exists(earth: Any, refused: Any) -> None:
    earth.allow()
    id = earth.run()["InstanceId"]
    earth.ec2.create_tags(Resources=[id], Tags=[{"Key": "gpu:deadline", "Value": "1"}])
    earth.ec2.create_tags(Resources=[id], Tags=[{"Key": "gpu:deadline", "Value": "2"}])
    earth.passes(1)
    assert earth.look(id)["Tags"] == [{"Key": "gpu:deadline", "Value": "2"}]
    earth.ec2.delete_tags(Resources=[id], Tags=[{"Key": "gpu:deadline"}])
    assert earth.look(id)["Tags"] == []
    tags = [{"Key": "a", "Value": "b"}]
    missing = refused(earth.ec2.create_tags, Resources=["i-0123456789abcdef0"], Tags=tags)
    assert missing[0] == "InvalidInstanceID.NotFound"
    reserved = refused(earth.ec2.create_tags, Resources=[id], Tags=[{"Key": "aws:x", "Value": ""}])
    assert reserved[0] == "InvalidParameterValue"
