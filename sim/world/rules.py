"""Security group rules: what may come in, and from where."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from sim.world.asking import (
    FILTERS,
    PAGES,
    TAG_SPECIFICATIONS,
    Operation,
    Params,
    matching,
    need,
    page,
    tag_list,
    tags_for,
)
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.groups import WHICH, changed_group, find_group
from sim.world.things import Group, Region, Rule, Tags

MOST_RULES = 60
_PERMISSION = {
    "IpProtocol": None,
    "FromPort": None,
    "ToPort": None,
    "IpRanges": [{"CidrIp": None, "Description": None}],
    "Ipv6Ranges": [{"CidrIpv6": None, "Description": None}],
    "UserIdGroupPairs": [{"GroupId": None, "Description": None, "UserId": None}],
}
_FLAT = {"CidrIp": None, "IpProtocol": None, "FromPort": None, "ToPort": None}


def _authorize(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    group = changed_group(ground, region, params)
    rules = _asked(ground, region, params)
    there = {rule.what for rule in group.rules}
    for rule in rules:
        if rule.what in there:
            raise AwsError("InvalidPermission.Duplicate", _exists(rule))
        there.add(rule.what)
    if sum(not rule.egress for rule in group.rules) + len(rules) > MOST_RULES:
        raise AwsError(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        )
    tags = tags_for(params, "security-group-rule", ("security-group-rule",))
    for rule in rules:
        rule.tags = dict(tags)
    group.rules += rules
    return {
        "Return": True,
        "SecurityGroupRules": [_rule_shape(ground, region, group, rule) for rule in rules],
    }


def _exists(rule: Rule) -> str:
    peer = rule.cidr or rule.cidr6 or rule.group
    ports = f"from port: {rule.from_port}, to port: {rule.to_port}"
    return (
        f'the specified rule "peer: {peer}, {rule.protocol.upper()}, {ports}, ALLOW" already exists'
    )


def _revoke(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    group = changed_group(ground, region, params)
    gone = _named_rules(group, params) or _same_rules(group, _asked(ground, region, params))
    group.rules = [rule for rule in group.rules if rule not in gone]
    return {"Return": True}


def _named_rules(group: Group, params: Params) -> list[Rule]:
    by_id = {rule.id: rule for rule in group.rules if not rule.egress}
    for one in params.get("SecurityGroupRuleIds") or ():
        if one not in by_id:
            raise AwsError(
                "InvalidSecurityGroupRuleId.NotFound",
                f"The security group rule ID '{one}' does not exist",
            )
    return [by_id[one] for one in params.get("SecurityGroupRuleIds") or ()]


def _same_rules(group: Group, asked: list[Rule]) -> list[Rule]:
    by_what = {rule.what: rule for rule in group.rules}
    for rule in asked:
        if rule.what not in by_what:
            raise AwsError(
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            )
    return [by_what[rule.what] for rule in asked]


def _asked(ground: Ground, region: Region, params: Params) -> list[Rule]:
    """The ingress rules that the call describes, in either way of writing them."""
    permissions = list(params.get("IpPermissions") or ())
    if params.get("CidrIp"):
        permissions.append(
            {
                "IpProtocol": need(params, "IpProtocol"),
                "FromPort": params.get("FromPort"),
                "ToPort": params.get("ToPort"),
                "IpRanges": [{"CidrIp": params["CidrIp"]}],
            }
        )
    rules = [rule for permission in permissions for rule in _rules(ground, region, permission)]
    if not rules:
        raise AwsError(
            "MissingParameter",
            "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
        )
    return rules


def _rules(ground: Ground, region: Region, permission: Params) -> Iterable[Rule]:
    protocol, low, high = _ports(permission)
    for item in permission.get("IpRanges") or ():
        yield ground.rule(
            egress=False,
            protocol=protocol,
            from_port=low,
            to_port=high,
            cidr=_cidr(item.get("CidrIp"), 4),
            description=item.get("Description"),
        )
    for item in permission.get("Ipv6Ranges") or ():
        yield ground.rule(
            egress=False,
            protocol=protocol,
            from_port=low,
            to_port=high,
            cidr6=_cidr(item.get("CidrIpv6"), 6),
            description=item.get("Description"),
        )
    for item in permission.get("UserIdGroupPairs") or ():
        yield ground.rule(
            egress=False,
            protocol=protocol,
            from_port=low,
            to_port=high,
            group=find_group(region, need(item, "GroupId")).id,
            description=item.get("Description"),
        )


def _ports(permission: Params) -> tuple[str, int, int]:
    name = str(need(permission, "IpProtocol")).lower()
    protocol = {"6": "tcp", "17": "udp", "1": "icmp"}.get(name, name)
    if protocol == "-1":
        return protocol, -1, -1
    if protocol not in ("tcp", "udp", "icmp", "icmpv6"):
        raise AwsError("InvalidPermission.Malformed", f'Unsupported IP protocol "{name}"')
    low, high = permission.get("FromPort"), permission.get("ToPort")
    if low is None or high is None:
        raise AwsError(
            "InvalidParameterValue",
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        )
    if protocol in ("tcp", "udp") and not 0 <= int(low) <= int(high) <= 65_535:
        raise AwsError("InvalidParameterValue", f"Invalid TCP/UDP port range ({low}:{high})")
    return protocol, int(low), int(high)


def _cidr(text: str | None, version: int) -> str:
    """The network as EC2 keeps it: host bits cleared."""
    try:
        if not text or "/" not in text:
            raise ValueError(text)
        network = ipaddress.ip_network(text, strict=False)
        if network.version != version:
            raise ValueError(text)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", f"CIDR block {text} is malformed") from error
    return str(network)


def _describe_rules(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    ids = params.get("SecurityGroupRuleIds")
    every = [(group, rule) for group in region.groups.values() for rule in group.rules]
    for one in ids or ():
        if one not in {rule.id for _, rule in every}:
            raise AwsError(
                "InvalidSecurityGroupRuleId.NotFound",
                f"The security group rule ID '{one}' does not exist",
            )
    found = matching(
        "DescribeSecurityGroupRules",
        [pair for pair in every if not ids or pair[1].id in ids],
        params,
        {
            "group-id": lambda pair: pair[0].id,
            "security-group-rule-id": lambda pair: pair[1].id,
            "tag": lambda pair: pair[1].tags,
        },
    )
    shown, more = page(found, params, least=5, most=1000)
    return {
        "SecurityGroupRules": [_rule_shape(ground, region, group, rule) for group, rule in shown],
        **more,
    }


def _rule_shape(ground: Ground, region: Region, group: Group, rule: Rule) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": (
            f"arn:aws:ec2:{region.name}:{ground.account}:security-group-rule/{rule.id}"
        ),
        "GroupId": group.id,
        "GroupOwnerId": ground.account,
        "IsEgress": rule.egress,
        "IpProtocol": rule.protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "Tags": tag_list(rule.tags),
    }
    if rule.cidr:
        shape["CidrIpv4"] = rule.cidr
    if rule.cidr6:
        shape["CidrIpv6"] = rule.cidr6
    if rule.group:
        shape["ReferencedGroupInfo"] = {"GroupId": rule.group, "UserId": ground.account}
    if rule.description:
        shape["Description"] = rule.description
    return shape


def tags_of_rule(region: Region, one: str) -> Tags | None:
    """The tags of a rule, or None where there is no such rule."""
    for group in region.groups.values():
        for rule in group.rules:
            if rule.id == one:
                return rule.tags
    return None


OPERATIONS = (
    Operation(
        name="AuthorizeSecurityGroupIngress",
        takes={**WHICH, **_FLAT, "IpPermissions": [_PERMISSION], **TAG_SPECIFICATIONS},
        run=_authorize,
    ),
    Operation(
        name="RevokeSecurityGroupIngress",
        takes={**WHICH, **_FLAT, "IpPermissions": [_PERMISSION], "SecurityGroupRuleIds": None},
        run=_revoke,
    ),
    Operation(
        name="DescribeSecurityGroupRules",
        takes={**FILTERS, **PAGES, "SecurityGroupRuleIds": None},
        run=_describe_rules,
    ),
)
