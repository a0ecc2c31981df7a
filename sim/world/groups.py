"""Security groups; what stands in them is told in rules."""

import re
from datetime import timedelta
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
from sim.world.things import Group, Region, Rule


def find_group(region: Region, group: str) -> Group:
    """The group of that id, or EC2's InvalidGroup.NotFound."""
    if group not in region.groups:
        raise _no_group(group)
    return region.groups[group]


def usable_group(ground: Ground, region: Region, group: str) -> Group:
    """The same for who uses it: a new one is known to them later than a look shows it."""
    return _known(ground, find_group(region, group))


def _known(ground: Ground, group: Group) -> Group:
    if ground.time < group.known_at:
        raise _no_group(group.id)
    return group


def _no_group(group: str) -> AwsError:
    return AwsError("InvalidGroup.NotFound", f"The security group '{group}' does not exist")


def changed_group(ground: Ground, region: Region, params: Params) -> Group:
    """The group whose rules are to be changed."""
    return _known(ground, wanted_group(region, params))


def wanted_group(region: Region, params: Params) -> Group:
    if params.get("GroupId"):
        return find_group(region, params["GroupId"])
    name = params.get("GroupName")
    if not name:
        raise AwsError(
            "MissingParameter", "The request must contain the parameter groupName or groupId"
        )
    return _named(region, name)


def _named(region: Region, name: str) -> Group:
    for group in region.groups.values():
        if group.name == name:
            return group
    raise AwsError(
        "InvalidGroup.NotFound",
        f"The security group '{name}' does not exist in default VPC '{region.vpc}'",
    )


# ---- groups -------------------------------------------------------------------------------------


def _create(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    name, description = need(params, "GroupName"), need(params, "Description")
    vpc = params.get("VpcId") or region.vpc
    if not vpc:
        raise AwsError("VPCIdNotSpecified", "No default VPC for this user")
    if vpc != region.vpc:
        raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    _check_words(name, description)
    if any(group.name == name for group in region.groups.values()):
        raise AwsError(
            "InvalidGroup.Duplicate",
            f"The security group '{name}' already exists for VPC '{vpc}'",
        )
    tags = tags_for(params, "security-group", ("security-group",))
    group = Group(
        id=ground.new_id("sg"),
        name=name,
        description=description,
        vpc=vpc,
        rules=[],
        known_at=ground.time + timedelta(seconds=ground.settings.access_visible_after),
        tags=tags,
    )
    group.rules.append(ground.rule(egress=True, protocol="-1", cidr="0.0.0.0/0"))
    region.groups[group.id] = group
    return {
        "GroupId": group.id,
        "SecurityGroupArn": _arn(ground, region, group),
        "Tags": tag_list(tags),
    }


def _check_words(name: str, description: str) -> None:
    allowed = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}"
    if name.lower().startswith("sg-") or name.lower() == "default":
        raise AwsError("InvalidParameterValue", f"Cannot use reserved security group name: {name}")
    if not re.fullmatch(allowed, name):
        raise AwsError(
            "InvalidParameterValue", f"Value ({name}) for parameter GroupName is invalid."
        )
    if not re.fullmatch(allowed, description):
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({description}) for parameter GroupDescription is invalid. Character sets "
            "beyond ASCII are not supported.",
        )


def _delete(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    group = wanted_group(region, params)
    if group.name == "default":
        raise AwsError(
            "CannotDelete",
            f'the specified group: "{group.id}" name: "default" cannot be deleted by a user',
        )
    used = any(group.id in face.groups for face in region.interfaces.values())
    named = any(
        rule.group == group.id
        for other in region.groups.values()
        if other is not group
        for rule in other.rules
    )
    if used or named:
        raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
    del region.groups[group.id]
    return {"Return": True, "GroupId": group.id}


def _describe(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    ids, names = params.get("GroupIds"), params.get("GroupNames")
    chosen = [find_group(region, one) for one in ids or ()]
    chosen += [_named(region, name) for name in names or ()]
    found = matching(
        "DescribeSecurityGroups",
        chosen if ids or names else list(region.groups.values()),
        params,
        {
            "group-id": lambda g: g.id,
            "group-name": lambda g: g.name,
            "vpc-id": lambda g: g.vpc,
            "description": lambda g: g.description,
            "ip-permission.cidr": lambda g: [r.cidr for r in g.rules if not r.egress],
            "tag": lambda g: g.tags,
        },
    )
    shown, more = page(found, params, least=5, most=1000)
    return {"SecurityGroups": [_shape(ground, region, group) for group in shown], **more}


def _shape(ground: Ground, region: Region, group: Group) -> dict[str, Any]:
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": ground.account,
        "VpcId": group.vpc,
        "SecurityGroupArn": _arn(ground, region, group),
        "IpPermissions": _permissions(ground, [r for r in group.rules if not r.egress]),
        "IpPermissionsEgress": _permissions(ground, [r for r in group.rules if r.egress]),
        "Tags": tag_list(group.tags),
    }


def _arn(ground: Ground, region: Region, group: Group) -> str:
    return f"arn:aws:ec2:{region.name}:{ground.account}:security-group/{group.id}"


def _permissions(ground: Ground, rules: list[Rule]) -> list[dict[str, Any]]:
    """Rules for the same ports stand together."""
    found: dict[tuple[str, int, int], dict[str, Any]] = {}
    for rule in rules:
        key = (rule.protocol, rule.from_port, rule.to_port)
        if key not in found:
            ports = {} if rule.protocol == "-1" else {"FromPort": key[1], "ToPort": key[2]}
            found[key] = {"IpProtocol": rule.protocol, **ports, "IpRanges": [], "Ipv6Ranges": []}
            found[key] |= {"PrefixListIds": [], "UserIdGroupPairs": []}
        where, peer = _peer(ground, rule)
        words = {"Description": rule.description} if rule.description else {}
        found[key][where].append({**peer, **words})
    return list(found.values())


def _peer(ground: Ground, rule: Rule) -> tuple[str, dict[str, str]]:
    if rule.cidr:
        return "IpRanges", {"CidrIp": rule.cidr}
    if rule.cidr6:
        return "Ipv6Ranges", {"CidrIpv6": rule.cidr6}
    return "UserIdGroupPairs", {"GroupId": rule.group or "", "UserId": ground.account}


WHICH = {"GroupId": None, "GroupName": None}
OPERATIONS = (
    Operation(
        name="CreateSecurityGroup",
        takes={"GroupName": None, "Description": None, "VpcId": None, **TAG_SPECIFICATIONS},
        run=_create,
    ),
    Operation(name="DeleteSecurityGroup", takes=WHICH, run=_delete),
    Operation(
        name="DescribeSecurityGroups",
        takes={**FILTERS, **PAGES, "GroupIds": None, "GroupNames": None},
        run=_describe,
    ),
)
