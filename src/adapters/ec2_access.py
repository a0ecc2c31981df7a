"""What lets somebody in: a machine's own security group and key pair in EC2."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.faults import CloudError, Fault, FaultKind
from core.networks import Network, is_everybody

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

SSH = 22
MOST_LOOKS = 8
BETWEEN_LOOKS = 0.5  # seconds
_NO_GROUP = "InvalidGroup.NotFound"
# EC2 takes letters, digits, spaces and ._-:/()#,@[]+=&;{}!$* here, and no apostrophe.
_DESCRIPTION = "A machine of the gpu bot: SSH from the addresses of its owner only"

Permission = dict[str, Any]


class Access:
    """The part of core.ports.Cloud that opens and closes the way in."""

    def __init__(
        self,
        clients: "Callable[[str], EC2Client]",
        stack: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ec2 = clients
        self._stack = stack
        self._pause = pause

    # ---- groups -----------------------------------------------------------------------------

    def ensure_group(self, region: str, name: str, vpc: str, tags: Mapping[str, str]) -> str:
        """The id of the group of that name, made without any ingress if need be."""
        where = [_filter("group-name", name), _filter("vpc-id", vpc)]
        return self._group(region, where) or self._made(region, name, vpc, tags, where)

    def _made(
        self, region: str, name: str, vpc: str, tags: Mapping[str, str], where: list[Any]
    ) -> str:
        with translated("CreateSecurityGroup"):
            try:
                self._ec2(region).create_security_group(
                    GroupName=name,
                    Description=_DESCRIPTION,
                    VpcId=vpc,
                    TagSpecifications=[_tagged("security-group", tags)],
                )
            except ClientError as error:
                if code_of(error) != "InvalidGroup.Duplicate":
                    raise
        return self._shown(region, where)

    def _shown(self, region: str, where: list[Any]) -> str:
        """A new group, ours or that of a step which ran beside us, once EC2 shows it.

        What follows would get InvalidGroup.NotFound before that.
        """
        for _ in range(MOST_LOOKS):
            found = self._group(region, where)
            if found:
                return found
            self._pause(BETWEEN_LOOKS)
        raise _not_shown("CreateSecurityGroup")

    def _group(self, region: str, where: list[Any]) -> str | None:
        with translated("DescribeSecurityGroups"):
            answer = self._ec2(region).describe_security_groups(Filters=where)
        return next((group["GroupId"] for group in answer["SecurityGroups"]), None)

    def delete_group(self, region: str, name: str) -> bool:
        """Delete the group; False while something still uses it, True once it is gone."""
        id = self._group(region, [_filter("group-name", name), self._ours()])
        if id is None:
            return True
        with translated("DeleteSecurityGroup"):
            try:
                self._ec2(region).delete_security_group(GroupId=id)
            except ClientError as error:
                if code_of(error) in ("DependencyViolation", "InvalidGroup.InUse"):
                    return False
                if code_of(error) != _NO_GROUP:
                    raise
        return True

    # ---- addresses --------------------------------------------------------------------------

    def set_addresses(self, region: str, group: str, cidrs: frozenset[str]) -> None:
        """Make exactly these networks, and no others, reach TCP 22; ValueError for the world.

        Rules that do not reach port 22 are somebody's own and stay. Closing comes before opening.
        """
        wanted = frozenset(_network(cidr) for cidr in cidrs)
        rules = [rule for permission in self._ingress(region, group) for rule in _each(permission)]
        reaching = [rule for rule in rules if _reaches_ssh(rule)]
        kept = {_is_ours(rule) for rule in reaching} & wanted
        self._revoke(region, group, [rule for rule in reaching if _is_ours(rule) not in wanted])
        missing = sorted(wanted - kept, key=str)
        self._authorize(region, group, [_rule(network) for network in missing])

    def _ingress(self, region: str, group: str) -> list[Permission]:
        with _known_soon("DescribeSecurityGroups"):
            answer: Any = self._ec2(region).describe_security_groups(GroupIds=[group])
        return list(answer["SecurityGroups"][0]["IpPermissions"])

    def _authorize(self, region: str, group: str, rules: list[Permission]) -> None:
        """One call; where one rule is there already (a step beside us made it), one by one."""
        call: Any = partial(self._ec2(region).authorize_security_group_ingress, GroupId=group)
        with _known_soon("AuthorizeSecurityGroupIngress"):
            _all_or_each(call, rules, "InvalidPermission.Duplicate")

    def _revoke(self, region: str, group: str, rules: list[Permission]) -> None:
        """One call; where one rule is gone already, one by one."""
        call: Any = partial(self._ec2(region).revoke_security_group_ingress, GroupId=group)
        with _known_soon("RevokeSecurityGroupIngress"):
            _all_or_each(call, rules, "InvalidPermission.NotFound")

    # ---- keys -------------------------------------------------------------------------------

    def ensure_key(self, region: str, name: str, text: str, tags: Mapping[str, str]) -> None:
        """Import the public key under that name unless it is there.

        The name is the machine's own, so a key that has it is the one of an earlier try.
        """
        with translated("ImportKeyPair"):
            try:
                self._ec2(region).import_key_pair(
                    KeyName=name,
                    PublicKeyMaterial=text.encode(),
                    TagSpecifications=[_tagged("key-pair", tags)],
                )
            except ClientError as error:
                if code_of(error) != "InvalidKeyPair.Duplicate":
                    raise

    def delete_key(self, region: str, name: str) -> None:
        """Delete the key pair; one that is gone already is no error.

        Looked up first: a permission that hangs on the key's tag denies what has no tags, and a key
        that is not there has none.
        """
        where: Any = [_filter("key-name", name)]
        with translated("DescribeKeyPairs"):
            found = self._ec2(region).describe_key_pairs(Filters=where)["KeyPairs"]
        mark = {"Key": "gpu:stack", "Value": self._stack}
        with translated("DeleteKeyPair"):
            for key in found:
                if mark in key.get("Tags", []):
                    self._ec2(region).delete_key_pair(KeyName=name)

    def _ours(self) -> dict[str, Any]:
        return _filter("tag:gpu:stack", self._stack)


def _filter(name: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Values": list(values)}


def _tagged(kind: str, tags: Mapping[str, str]) -> Any:
    pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return {"ResourceType": kind, "Tags": pairs}


@contextmanager
def _known_soon(operation: str) -> Iterator[None]:
    """`translated`, for a group that one call may know before another does, whatever was shown."""
    with translated(operation):
        try:
            yield
        except ClientError as error:
            if code_of(error) != _NO_GROUP:
                raise
            raise _not_shown(operation) from error


def _not_shown(operation: str) -> CloudError:
    """EC2 made it and does not show it yet: no refusal, to be tried again later."""
    return CloudError(
        Fault(
            kind=FaultKind.UNKNOWN,
            code="NotShownYet",
            message="EC2 does not show the security group yet",
            operation=operation,
        )
    )


# ---- rules ----------------------------------------------------------------------------------


def _network(cidr: str) -> Network:
    network = ip_network(cidr)
    if is_everybody(network):
        raise ValueError(f"{cidr} is the whole world: port {SSH} is never opened to it")
    return network


def _rule(network: Network) -> Permission:
    tcp: Permission = {"IpProtocol": "tcp", "FromPort": SSH, "ToPort": SSH}
    if network.version == 4:
        return {**tcp, "IpRanges": [{"CidrIp": str(network)}]}
    return {**tcp, "Ipv6Ranges": [{"CidrIpv6": str(network)}]}


_PORTS = ("IpProtocol", "FromPort", "ToPort")
_SOURCES = {
    "IpRanges": ("CidrIp",),
    "Ipv6Ranges": ("CidrIpv6",),
    "UserIdGroupPairs": ("GroupId", "UserId"),
    "PrefixListIds": ("PrefixListId",),
}


def _each(permission: Mapping[str, Any]) -> Iterator[Permission]:
    """EC2 shows rules in bundles of sources; one rule for each source, as Revoke takes it."""
    ports = {name: permission[name] for name in _PORTS if name in permission}
    for kind, names in _SOURCES.items():
        for source in permission.get(kind) or ():
            yield {**ports, kind: [{name: source[name] for name in names if name in source}]}


def _reaches_ssh(rule: Permission) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    if rule["IpProtocol"] not in ("tcp", "6"):
        return False
    # -1 and an absent port both mean every port.
    first, last = rule.get("FromPort", -1), rule.get("ToPort", -1)
    return bool(first == -1 or first <= SSH <= last)


def _is_ours(rule: Permission) -> Network | None:
    """The network of a rule of exactly our own kind; None for any other rule."""
    if (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")) != ("tcp", SSH, SSH):
        return None
    if "IpRanges" in rule:
        return ip_network(rule["IpRanges"][0]["CidrIp"])
    if "Ipv6Ranges" in rule:
        return ip_network(rule["Ipv6Ranges"][0]["CidrIpv6"])
    return None


def _all_or_each(call: Callable[..., object], rules: list[Permission], harmless: str) -> None:
    """Both calls refuse all rules for one: with `harmless`, the others are sent by themselves."""
    if not rules:
        return
    try:
        call(IpPermissions=rules)
    except ClientError as error:
        if code_of(error) != harmless:
            raise
        if len(rules) > 1:
            for rule in rules:
                _all_or_each(call, [rule], harmless)
