"""The written table of what each role may not do, beside what it may: one point changed at a time.

EC2 is asked with DryRun, as anybody can ask the real one, in a world that has things of this
deployment, things of another one, and things of nobody.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sim import boto, roles
from sim.callers import Caller
from sim.iam import Ask, Role, context_of
from sim.roles import Deployment
from sim.town import KEY
from sim.world import World

ACCOUNT = "123456789012"
AT = Deployment(parameters={"Regions": "us-east-1,us-west-2", "AllowedTypes": "g5,p3.2xlarge"})
MARK, OTHER = AT.mark, "gpu2.us-east-1"
PROFILE = f"arn:aws:iam::{ACCOUNT}:instance-profile/gpu-MachineProfile"
FOREIGN = f"arn:aws:iam::{ACCOUNT}:instance-profile/admin"
R = "us-east-1"
FAR = "eu-west-1"  # where nothing may be launched any more
Params = dict[str, Any]


def caller(function: str, at: Deployment = AT) -> Caller:
    return Caller(role=roles.role(function, at), arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/x/x")


def marks(*kinds: str, stack: str | None = MARK) -> list[dict[str, Any]]:
    tags = [{"Key": "gpu:machine", "Value": "m-1"}]
    if stack:
        tags.append({"Key": "gpu:stack", "Value": stack})
    return [{"ResourceType": kind, "Tags": tags} for kind in kinds]


@dataclass(frozen=True)
class Things:
    """What one deployment, or nobody, has in the account."""

    instance: str
    volume: str
    snapshot: str
    image: str
    group: str
    key: str
    spot: str


@dataclass(frozen=True)
class Account:
    world: World
    subnet: str
    vpc: str
    public: str  # image
    own: Things
    others: Things
    bare: Things
    far: Things  # this deployment's, in a region where nothing may be launched any more


def _things(world: World, region: str, stack: str | None, name: str) -> Things:
    ec2: Any = boto.client(world, "ec2", region)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]

    def tagged(*kinds: str) -> Any:
        return marks(*kinds, stack=stack)

    group = ec2.create_security_group(
        GroupName=name, Description=name, VpcId=vpc, TagSpecifications=tagged("security-group")
    )["GroupId"]
    ec2.import_key_pair(
        KeyName=name, PublicKeyMaterial=KEY.encode(), TagSpecifications=tagged("key-pair")
    )
    kinds = ("instance", "volume", "network-interface", "spot-instances-request")
    made = ec2.run_instances(
        ImageId=_public(ec2),
        InstanceType="g5.xlarge",
        MinCount=1,
        MaxCount=1,
        InstanceMarketOptions={"MarketType": "spot"},
        TagSpecifications=tagged(*kinds),
    )["Instances"][0]
    volume = ec2.create_volume(
        AvailabilityZone=made["Placement"]["AvailabilityZone"],
        Size=10,
        TagSpecifications=tagged("volume"),
    )["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tagged("snapshot"))
    world.control({"do": "settings", "pending": 0, "snapshot": 0, "volume": 0})
    image = ec2.create_image(
        InstanceId=made["InstanceId"],
        Name=f"image-{name}",
        NoReboot=True,
        TagSpecifications=tagged("image", "snapshot"),
    )["ImageId"]
    spot = ec2.describe_spot_instance_requests(
        Filters=[{"Name": "spot-instance-request-id", "Values": [made["SpotInstanceRequestId"]]}]
    )["SpotInstanceRequests"][0]["SpotInstanceRequestId"]
    return Things(made["InstanceId"], volume, snapshot["SnapshotId"], image, group, name, spot)


def _public(ec2: Any) -> str:
    return str(ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


@pytest.fixture(scope="module")
def account() -> Account:
    now = datetime(2026, 11, 26, 9, tzinfo=UTC)
    world = World(lambda: now)
    at_once = dict.fromkeys(("pending", "visible_after", "snapshot", "volume"), 0)
    world.control({"do": "settings", **at_once})
    for region in ("us-east-1", "eu-west-1"):
        for quota in world.state()["quotas"]:
            if quota["region"] == region:
                world.control(
                    {"do": "set-quota", "region": region, "code": quota["code"], "value": 999}
                )
    for arn in (PROFILE, FOREIGN):
        role = arn.replace("instance-profile/", "role/").replace("Profile", "Role")
        world.control({"do": "instance-profile", "arn": arn, "role": role})
    ec2: Any = boto.client(world, "ec2", R)
    subnet = ec2.describe_subnets()["Subnets"][0]
    return Account(
        world=world,
        subnet=subnet["SubnetId"],
        vpc=subnet["VpcId"],
        public=_public(ec2),
        own=_things(world, R, MARK, "gpu-own"),
        others=_things(world, R, OTHER, "gpu-others"),
        bare=_things(world, R, None, "bare"),
        far=_things(world, "eu-west-1", MARK, "gpu-far"),
    )


def launch(a: Account) -> Params:
    """What the bot sends: marked, hardened, encrypted, with its own group, key and profile."""
    return {
        "ImageId": a.public,
        "InstanceType": "g5.xlarge",
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": a.own.key,
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": a.subnet,
                "Groups": [a.own.group],
                "AssociatePublicIpAddress": True,
            }
        ],
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 100, "Encrypted": True}}
        ],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "IamInstanceProfile": {"Arn": PROFILE},
        "InstanceMarketOptions": {"MarketType": "spot"},
        "TagSpecifications": marks(
            "instance", "volume", "network-interface", "spot-instances-request"
        ),
    }


# ---- EC2, asked with DryRun -----------------------------------------------------------------

Make = Callable[[Account], Params]


@dataclass(frozen=True)
class Row:
    """A call of a function, and the right of it that is missing; none where it may."""

    what: str
    function: str
    operation: str
    params: Make
    lacks: str = ""
    region: str = R


def _changed(change: Callable[[Account, Params], None]) -> Make:
    def params(a: Account) -> Params:
        made = copy.deepcopy(launch(a))
        change(a, made)
        return made

    return params


def _retag(kind: str, stack: str | None) -> Make:
    def change(_: Account, p: Params) -> None:
        others = [spec for spec in p["TagSpecifications"] if spec["ResourceType"] != kind]
        p["TagSpecifications"] = [*others, *marks(kind, stack=stack)]

    return _changed(change)


def _launches() -> Iterator[Row]:
    def row(what: str, lacks: str, params: Make, region: str = R) -> Row:
        return Row(what, "Slack", "run_instances", params, lacks, region)

    def set_to(**values: Any) -> Make:
        return _changed(lambda _, p: p.update(values))

    run = "ec2:RunInstances"
    yield row("a launch as the bot sends it", "", launch)
    yield row("a family's other type", "", set_to(InstanceType="g5.2xlarge"))
    yield row("a type by its name", "", set_to(InstanceType="p3.2xlarge"))
    for kind in ("instance", "volume", "network-interface", "spot-instances-request"):
        yield row(f"{kind} without the mark", run, _retag(kind, None))
        yield row(f"{kind} with another's mark", run, _retag(kind, OTHER))
    yield row("IMDSv1", run, set_to(MetadataOptions={"HttpPutResponseHopLimit": 1}))
    yield row(
        "IMDSv1 said",
        run,
        set_to(MetadataOptions={"HttpTokens": "optional", "HttpPutResponseHopLimit": 1}),
    )
    yield row(
        "metadata for containers",
        run,
        set_to(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2}),
    )
    yield row("metadata as it comes", run, set_to(MetadataOptions={}))
    disk = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 100, "Encrypted": True}}
    bare = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 100}}
    yield row("an unencrypted disk", run, set_to(BlockDeviceMappings=[{**bare}]))
    yield row("a second disk, unencrypted", run, set_to(BlockDeviceMappings=[disk, bare]))
    yield row("the image's own disk", run, set_to(BlockDeviceMappings=[]))
    yield row("another profile", run, set_to(IamInstanceProfile={"Arn": FOREIGN}))
    yield row("no profile", run, set_to(IamInstanceProfile={}))
    yield row("a type of another family", run, set_to(InstanceType="p5.48xlarge"))
    yield row("a family whose name begins alike", run, set_to(InstanceType="g5g.xlarge"))
    yield row("a larger type of the same family", run, set_to(InstanceType="p3.16xlarge"))
    yield row("a type without a GPU", run, set_to(InstanceType="m5.large"))

    def group(of: str) -> Make:
        def change(a: Account, p: Params) -> None:
            p["NetworkInterfaces"][0]["Groups"] = [getattr(a, of).group]

        return _changed(change)

    def key(of: str) -> Make:
        return _changed(lambda a, p: p.update(KeyName=getattr(a, of).key))

    for of in ("others", "bare"):
        yield row(f"a group of {of}", run, group(of))
        yield row(f"a key of {of}", run, key(of))
    yield row("a key that is not there", run, set_to(KeyName="none"))
    yield row("another region", run, launch, "eu-west-1")

    def subnetless(a: Account, p: Params) -> None:
        p["NetworkInterfaces"] = [{"DeviceIndex": 0, "Groups": [a.far.group]}]
        p["KeyName"] = a.far.key

    yield row("another region, with what is there", run, _changed(subnetless), "eu-west-1")


def _of(of: str, name: str, field: str, **more: Any) -> Make:
    def params(a: Account) -> Params:
        value = getattr(getattr(a, of), field)
        return {name: [value] if name.endswith("s") else value, **more}

    return params


_RULE = {
    "IpPermissions": [
        {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "IpRanges": [{"CidrIp": "203.0.113.7/32"}],
        }
    ]
}
# What may be done to a deployment's own things: operation, parameter, field, more.
OWN: list[tuple[str, str, str, Params]] = [
    ("start_instances", "InstanceIds", "instance", {}),
    ("stop_instances", "InstanceIds", "instance", {}),
    ("terminate_instances", "InstanceIds", "instance", {}),
    ("get_console_output", "InstanceId", "instance", {}),
    ("modify_instance_attribute", "InstanceId", "instance", {"InstanceType": {"Value": "g5.2xlarge"}}),
    ("create_image", "InstanceId", "instance", {"Name": "new", "NoReboot": True, "TagSpecifications": marks("image", "snapshot")}),
    ("create_tags", "Resources", "instance", {"Tags": [{"Key": "gpu:deadline", "Value": "1"}]}),
    ("delete_volume", "VolumeId", "volume", {}),
    ("modify_volume", "VolumeId", "volume", {"Size": 20}),
    ("create_snapshot", "VolumeId", "volume", {"TagSpecifications": marks("snapshot")}),
    ("delete_snapshot", "SnapshotId", "snapshot", {}),
    ("create_volume", "SnapshotId", "snapshot", {"AvailabilityZone": "us-east-1a", "Encrypted": True, "TagSpecifications": marks("volume")}),
    ("deregister_image", "ImageId", "image", {}),
    ("delete_security_group", "GroupId", "group", {}),
    ("authorize_security_group_ingress", "GroupId", "group", _RULE),
    ("revoke_security_group_ingress", "GroupId", "group", _RULE),
    ("delete_key_pair", "KeyName", "key", {}),
    ("cancel_spot_instance_requests", "SpotInstanceRequestIds", "spot", {}),
]  # fmt: skip


def _things_of_others() -> Iterator[Row]:
    for operation, name, field, more in OWN:
        yield Row(f"{operation} of its own", "Slack", operation, _of("own", name, field, **more))
        action = "ec2:" + "".join(word.capitalize() for word in operation.split("_"))
        for of in ("others", "bare"):
            params = _of(of, name, field, **more)
            yield Row(f"{operation} of {of}", "Slack", operation, params, action)


def _copies() -> Iterator[Row]:
    """AWS knows no tags of what is copied: only whose it is, and what the new one is marked with."""
    snapshot: Params = {"SourceRegion": R, "TagSpecifications": marks("snapshot")}
    image = {"SourceRegion": R, "Name": "new", "TagSpecifications": marks("image", "snapshot")}
    for operation, name, field, good, kinds in (
        ("copy_snapshot", "SourceSnapshotId", "snapshot", snapshot, ("snapshot",)),
        ("copy_image", "SourceImageId", "image", image, ("image", "snapshot")),
    ):
        action = "ec2:" + "".join(word.capitalize() for word in operation.split("_"))

        def row(what: str, make: Make, lacks: str = "", region: str = R) -> Row:
            return Row(f"{operation}: {what}", "Slack", operation, make, lacks, region)  # noqa: B023

        yield row("its own", _of("own", name, field, **good))
        yield row("its own, to another region", _of("own", name, field, **good), "", "us-west-2")
        yield row("to a region that is not allowed", _of("own", name, field, **good), action, FAR)
        yield row("another deployment's in this account", _of("others", name, field, **good))
        for stack in (None, OTHER):
            bad = {**good, "TagSpecifications": marks(*kinds, stack=stack)}
            yield row(f"into what {stack} marks", _of("own", name, field, **bad), action)
    public: Make = lambda a: {"SourceImageId": a.public, **image}  # noqa: E731
    yield Row("copy_image: of another account", "Slack", "copy_image", public, "ec2:CopyImage")


def _both(field: str, of: str, other: str) -> Make:
    """The volume of one at the machine of the other."""

    def params(a: Account) -> Params:
        return {
            "VolumeId": getattr(a, of).volume,
            "InstanceId": getattr(a, other).instance,
            **({"Device": "/dev/sdf"} if field == "attach" else {}),
        }

    return params


def _made() -> Iterator[Row]:
    def row(what: str, operation: str, lacks: str, params: Make, region: str = R) -> Row:
        return Row(what, "Slack", operation, params, lacks, region)

    yield row("a volume at its machine", "attach_volume", "", _both("attach", "own", "own"))
    action = "ec2:AttachVolume"
    yield row("its volume at another's", "attach_volume", action, _both("attach", "own", "others"))
    yield row("another's at its machine", "attach_volume", action, _both("attach", "others", "own"))
    volume: Params = {"AvailabilityZone": "us-east-1a", "Size": 10}
    good = {**volume, "Encrypted": True, "TagSpecifications": marks("volume")}
    yield row("a marked volume", "create_volume", "", lambda _: good)
    for what, change in (
        ("unencrypted", {"Encrypted": False}),
        ("without the mark", {"TagSpecifications": marks("volume", stack=None)}),
        ("with another's mark", {"TagSpecifications": marks("volume", stack=OTHER)}),
        ("without any tag", {"TagSpecifications": []}),
    ):
        bad = {**good, **change}
        yield row(f"a volume {what}", "create_volume", "ec2:CreateVolume", _same(bad))
    far = {**good, "AvailabilityZone": "eu-west-1a"}
    yield row("a volume elsewhere", "create_volume", "ec2:CreateVolume", lambda _: far, "eu-west-1")
    key = {"KeyName": "new", "PublicKeyMaterial": KEY.encode()}
    marked = {**key, "TagSpecifications": marks("key-pair")}
    yield row("a marked key", "import_key_pair", "", lambda _: marked)
    yield row("a key without the mark", "import_key_pair", "ec2:ImportKeyPair", lambda _: key)
    yield row(
        "a key elsewhere", "import_key_pair", "ec2:ImportKeyPair", lambda _: marked, "eu-west-1"
    )
    yield row("a marked group", "create_security_group", "", lambda a: _group(a, MARK))
    lacks = "ec2:CreateSecurityGroup"
    yield row("another's group", "create_security_group", lacks, lambda a: _group(a, OTHER))
    yield row("a group without the mark", "create_security_group", lacks, lambda a: _group(a, None))


def _same(params: Params) -> Make:
    return lambda _: params


def _group(a: Account, stack: str | None) -> Params:
    tags = marks("security-group", stack=stack)
    return {"GroupName": "new", "Description": "new", "VpcId": a.vpc, "TagSpecifications": tags}


def _tags() -> Iterator[Row]:
    def tag(of: str, field: str, *keys: str) -> Make:
        pairs = [{"Key": key, "Value": "1"} for key in keys]
        return lambda a: {"Resources": [getattr(getattr(a, of), field)], "Tags": pairs}

    lacks = "ec2:CreateTags"
    for what, make in (
        ("its mark, afterwards", tag("own", "instance", "gpu:stack")),
        ("another key beside the deadline", tag("own", "instance", "gpu:deadline", "gpu:owner")),
        ("the deadline of others", tag("others", "instance", "gpu:deadline")),
        ("the deadline of its volume", tag("own", "volume", "gpu:deadline")),
        ("the mark on what is nobody's", tag("bare", "instance", "gpu:stack")),
        ("the mark on a snapshot of nobody", tag("bare", "snapshot", "gpu:stack")),
        ("no key at all", lambda a: {"Resources": [a.own.instance], "Tags": []}),
    ):
        yield Row(f"tagging: {what}", "Slack", "create_tags", make, lacks)
    for of in ("own", "others"):
        make = tag(of, "instance", "gpu:deadline")
        yield Row(f"tags off of {of}", "Slack", "delete_tags", make, "ec2:DeleteTags")


def _attributes() -> Iterator[Row]:
    for name, value in (
        ("UserData", {"Value": b"#!/bin/sh"}),
        ("DisableApiTermination", {"Value": True}),
        ("InstanceInitiatedShutdownBehavior", {"Value": "stop"}),
        ("Groups", ["sg-1"]),
    ):
        make = _of("own", "InstanceId", "instance", **{name: value})
        lacks = "ec2:ModifyInstanceAttribute"
        yield Row(f"another attribute: {name}", "Slack", "modify_instance_attribute", make, lacks)


def _other_functions() -> Iterator[Row]:
    looks: Make = lambda _: {}  # noqa: E731
    yield Row("the clock looks", "Clock", "describe_instances", looks)
    for operation in ("stop_instances", "terminate_instances"):
        make = _of("own", "InstanceIds", "instance")
        yield Row(f"the clock: {operation}", "Clock", operation, make)
        action = "ec2:" + "".join(word.capitalize() for word in operation.split("_"))
        for of in ("others", "bare"):
            make = _of(of, "InstanceIds", "instance")
            yield Row(f"the clock: {operation} of {of}", "Clock", operation, make, action)
        for function in ("Door", "Ec2Events"):
            make = _of("own", "InstanceIds", "instance")
            yield Row(f"{function}: {operation}", function, operation, make, action)
    yield Row("the clock launches", "Clock", "run_instances", launch, "ec2:RunInstances")
    start = _of("own", "InstanceIds", "instance")
    yield Row("the clock starts", "Clock", "start_instances", start, "ec2:StartInstances")
    deadline = _of("own", "Resources", "instance", Tags=[{"Key": "gpu:deadline", "Value": "1"}])
    yield Row("the clock moves a deadline", "Clock", "create_tags", deadline, "ec2:CreateTags")
    console = _of("own", "InstanceId", "instance")
    yield Row(
        "the clock reads a console", "Clock", "get_console_output", console, "ec2:GetConsoleOutput"
    )
    yield Row(
        "the clock looks at volumes", "Clock", "describe_volumes", looks, "ec2:DescribeVolumes"
    )
    for function in ("Door", "Ec2Events"):
        lacks = "ec2:DescribeInstances"
        yield Row(f"{function} looks", function, "describe_instances", looks, lacks)
        yield Row(f"{function} launches", function, "run_instances", launch, "ec2:RunInstances")
    terminate = _of("own", "InstanceIds", "instance")
    for operation, make in (("describe_instances", looks), ("terminate_instances", terminate)):
        action = "ec2:" + "".join(word.capitalize() for word in operation.split("_"))
        yield Row(f"a machine: {operation}", "MachineRole", operation, make, action)
    yield Row("a machine launches", "MachineRole", "run_instances", launch, "ec2:RunInstances")


def _far() -> Iterator[Row]:
    """In a region that is allowed no more machines are stopped and removed, and not started."""
    for operation in ("stop_instances", "terminate_instances", "start_instances"):
        lacks = "ec2:StartInstances" if operation == "start_instances" else ""
        make = _of("far", "InstanceIds", "instance")
        yield Row(f"far away: {operation}", "Slack", operation, make, lacks, "eu-west-1")


ROWS = [
    *_launches(),
    *_things_of_others(),
    *_copies(),
    *_made(),
    *_tags(),
    *_attributes(),
    *_other_functions(),
    *_far(),
]
DENIES = [row for row in ROWS if row.lacks]


@cache
def _caller(function: str) -> Caller:
    return caller(function)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_ec2(account: Account, row: Row) -> None:
    ec2 = boto.client(account.world, "ec2", row.region, lambda: _caller(row.function))
    with pytest.raises(ClientError) as refused:
        getattr(ec2, row.operation)(**row.params(account), DryRun=True)
    error = refused.value.response["Error"]
    if not row.lacks:
        assert error["Code"] == "DryRunOperation", error
    else:
        assert error["Code"] == "UnauthorizedOperation", error
        assert f"is not authorized to perform: {row.lacks} on" in error["Message"]


def test_without_a_list_every_family_with_accelerators_may_be_launched(account: Account) -> None:
    role = caller("Slack", Deployment(parameters={"Regions": R}))
    ec2: Any = boto.client(account.world, "ec2", R, lambda: role)
    for name, code in {
        "g5g.xlarge": "DryRunOperation",
        "p5.48xlarge": "DryRunOperation",
        "inf2.xlarge": "DryRunOperation",
        "trn1.2xlarge": "DryRunOperation",
        "m5.large": "UnauthorizedOperation",
        "t3.micro": "UnauthorizedOperation",
    }.items():
        refused = _dry(ec2, {**launch(account), "InstanceType": name})
        # The world checks architectures after rights: a type of another one was allowed, too.
        assert (refused == "UnauthorizedOperation") == (code == "UnauthorizedOperation"), name


def _dry(ec2: Any, params: Params) -> str:
    with pytest.raises(ClientError) as refused:
        ec2.run_instances(**params, DryRun=True)
    return str(refused.value.response["Error"]["Code"])


# ---- everything else ------------------------------------------------------------------------

TABLE = f"arn:aws:dynamodb:{R}:{ACCOUNT}:table/gpu-Table"
QUEUE = f"arn:aws:sqs:{R}:{ACCOUNT}:gpu-Queue"
SECRET = f"arn:aws:secretsmanager:{R}:{ACCOUNT}:secret:gpu-Secret"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gpu-MachineRole"
OWN_INSTANCE = f"arn:aws:ec2:{R}:{ACCOUNT}:instance/i-1"
LINKED = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role"
EC2 = {"iam:PassedToService": "ec2.amazonaws.com"}
DUE = {"aws:requestedregion": R}


def _keys(*keys: str) -> Params:
    return {"dynamodb:LeadingKeys": list(keys)}


# Function, action, resource, context, whether it may.
BESIDE: list[tuple[str, str, str, Params, bool]] = [
    ("Door", "sqs:SendMessage", QUEUE, {}, True),
    ("Door", "sqs:SendMessage", f"{QUEUE}2", {}, False),
    ("Door", "sqs:ReceiveMessage", QUEUE, {}, False),
    ("Door", "sqs:PurgeQueue", QUEUE, {}, False),
    ("Door", "secretsmanager:GetSecretValue", SECRET, {}, True),
    ("Door", "secretsmanager:GetSecretValue", f"{SECRET}2", {}, False),
    ("Door", "secretsmanager:PutSecretValue", SECRET, {}, False),
    ("Door", "dynamodb:GetItem", TABLE, _keys("M#m-1"), False),
    ("Door", "dynamodb:PutItem", TABLE, _keys("M#m-1"), False),
    ("Door", "lambda:InvokeFunction", f"arn:aws:lambda:{R}:{ACCOUNT}:function:gpu-Slack", {}, False),
    ("Door", "sts:AssumeRole", ROLE, {}, False),
    ("Slack", "dynamodb:PutItem", TABLE, _keys("M#m-1"), True),
    ("Slack", "dynamodb:DeleteItem", TABLE, _keys("NAME#bert"), True),
    ("Slack", "dynamodb:PutItem", TABLE, _keys("AUDIT#2026-11"), True),
    ("Slack", "dynamodb:DeleteItem", TABLE, _keys("AUDIT#2026-11"), False),
    ("Slack", "dynamodb:UpdateItem", TABLE, _keys("AUDIT#2026-11"), False),
    ("Slack", "dynamodb:DeleteItem", TABLE, _keys("M#m-1", "AUDIT#2026-11"), False),
    ("Slack", "dynamodb:Scan", TABLE, {}, False),
    ("Slack", "dynamodb:DeleteTable", TABLE, {}, False),
    ("Slack", "dynamodb:UpdateTable", TABLE, {}, False),
    ("Slack", "dynamodb:UpdateContinuousBackups", TABLE, {}, False),
    ("Slack", "dynamodb:GetItem", f"{TABLE}2", _keys("M#m-1"), False),
    ("Slack", "secretsmanager:GetSecretValue", SECRET, {}, True),
    ("Slack", "secretsmanager:PutSecretValue", SECRET, {}, False),
    ("Slack", "secretsmanager:GetSecretValue", f"{SECRET}2", {}, False),
    ("Slack", "iam:PassRole", ROLE, EC2, True),
    ("Slack", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", EC2, False),
    ("Slack", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/gpu-SlackRole", EC2, False),
    ("Slack", "iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}, False),
    ("Slack", "iam:PassRole", ROLE, {}, False),
    ("Slack", "iam:CreateRole", ROLE, {}, False),
    ("Slack", "iam:PutRolePolicy", ROLE, {}, False),
    ("Slack", "iam:AttachRolePolicy", ROLE, {}, False),
    (
        "Slack",
        "iam:CreateServiceLinkedRole",
        f"{LINKED}/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
        {"iam:AWSServiceName": "spot.amazonaws.com"},
        True,
    ),
    (
        "Slack",
        "iam:CreateServiceLinkedRole",
        f"{LINKED}/ecs.amazonaws.com/AWSServiceRoleForECS",
        {"iam:AWSServiceName": "ecs.amazonaws.com"},
        False,
    ),
    ("Slack", "sts:AssumeRole", ROLE, {}, False),
    ("Slack", "ec2:AssociateIamInstanceProfile", OWN_INSTANCE, {"aws:ResourceTag/gpu:stack": MARK}, False),
    ("Slack", "ec2:ModifyInstanceMetadataOptions", OWN_INSTANCE, {"aws:ResourceTag/gpu:stack": MARK}, False),
    ("Slack", "ec2:TerminateInstances", OWN_INSTANCE, {"ec2:InstanceProfile": PROFILE}, True),
    ("Slack", "ec2:TerminateInstances", OWN_INSTANCE, {"ec2:InstanceProfile": FOREIGN}, False),
    ("Slack", "ec2:StartInstances", OWN_INSTANCE, {"ec2:InstanceProfile": PROFILE}, False),
    ("Slack", "ec2:CreateTags", OWN_INSTANCE, {"ec2:InstanceProfile": PROFILE, "aws:TagKeys": ["gpu:deadline"]}, False),
    ("Clock", "ec2:TerminateInstances", OWN_INSTANCE, {"ec2:InstanceProfile": PROFILE}, False),
    ("Clock", "dynamodb:PutItem", TABLE, _keys("R#pulse"), True),
    ("Clock", "dynamodb:PutItem", TABLE, _keys("R#pulse", "M#m-1"), False),
    ("Slack", "ec2:CreateFleet", f"arn:aws:ec2:{R}:{ACCOUNT}:fleet/*", {}, False),
    ("Slack", "ec2:RequestSpotInstances", f"arn:aws:ec2:{R}:{ACCOUNT}:spot-instances-request/*", {}, False),
    ("Slack", "ec2:ModifyImageAttribute", f"arn:aws:ec2:{R}::image/ami-1", {"aws:ResourceTag/gpu:stack": MARK}, False),
    ("Slack", "ec2:ModifySnapshotAttribute", f"arn:aws:ec2:{R}::snapshot/snap-1", {"aws:ResourceTag/gpu:stack": MARK}, False),
    # The source of a copy carries its owner and no tags, wherever it lies; what is new has no id yet.
    ("Slack", "ec2:CopySnapshot", "arn:aws:ec2:us-west-2::snapshot/snap-1", {"ec2:Owner": ACCOUNT}, True),
    ("Slack", "ec2:CopySnapshot", "arn:aws:ec2:us-west-2::snapshot/snap-1", {"ec2:Owner": "999999999999"}, False),
    ("Slack", "ec2:CopySnapshot", "arn:aws:ec2:us-west-2::snapshot/snap-1", {}, False),
    ("Slack", "ec2:CopySnapshot", f"arn:aws:ec2:{R}::snapshot/*", {"ec2:Owner": ACCOUNT}, False),
    ("Slack", "ec2:CopyImage", "arn:aws:ec2:us-west-2::image/ami-1", {"ec2:Owner": ACCOUNT}, True),
    ("Slack", "ec2:CopyImage", "arn:aws:ec2:us-west-2::image/ami-1", {"ec2:Owner": "999999999999"}, False),
    ("Slack", "ec2:CopyImage", "arn:aws:ec2:us-west-2::image/ami-1", {"ec2:Owner": "amazon"}, False),
    ("Slack", "ec2:CopyImage", "arn:aws:ec2:us-west-2::snapshot/snap-1", {}, True),
    ("Slack", "ec2:CopyImage", f"arn:aws:ec2:{R}::image/*", {"ec2:Owner": ACCOUNT}, False),
    ("Slack", "ec2:CreateVolume", f"arn:aws:ec2:{R}::snapshot/snap-1", {"ec2:Owner": ACCOUNT}, False),
    ("Slack", "ec2:RegisterImage", f"arn:aws:ec2:{R}::snapshot/snap-1", {"ec2:Owner": ACCOUNT}, False),
    ("Slack", "ec2:DeleteSnapshot", f"arn:aws:ec2:{R}::snapshot/snap-1", {"ec2:Owner": ACCOUNT}, False),
    ("Slack", "ec2:DeregisterImage", f"arn:aws:ec2:{R}::image/ami-1", {"ec2:Owner": ACCOUNT}, False),
    ("Slack", "ssm:SendCommand", f"arn:aws:ssm:{R}::document/AWS-RunShellScript", {}, True),
    ("Slack", "ssm:SendCommand", f"arn:aws:ssm:{R}::document/AWS-RunRemoteScript", {}, False),
    ("Slack", "ssm:SendCommand", OWN_INSTANCE, {"ssm:resourceTag/gpu:stack": MARK}, True),
    ("Slack", "ssm:SendCommand", OWN_INSTANCE, {"ssm:resourceTag/gpu:stack": OTHER}, False),
    ("Slack", "ssm:SendCommand", OWN_INSTANCE, {}, False),
    ("Slack", "ssm:StartSession", OWN_INSTANCE, {"ssm:resourceTag/gpu:stack": MARK}, False),
    ("Slack", "ssm:GetParameters", f"arn:aws:ssm:{R}::parameter/aws/service/deeplearning/x", {}, True),
    ("Slack", "ssm:GetParameters", f"arn:aws:ssm:{R}:{ACCOUNT}:parameter/password", {}, False),
    ("Slack", "servicequotas:RequestServiceQuotaIncrease", f"arn:aws:servicequotas:{R}:{ACCOUNT}:ec2/L-1", {"aws:RequestedRegion": R}, True),
    ("Slack", "servicequotas:RequestServiceQuotaIncrease", f"arn:aws:servicequotas:eu-west-1:{ACCOUNT}:ec2/L-1", {"aws:RequestedRegion": "eu-west-1"}, False),
    ("Slack", "servicequotas:RequestServiceQuotaIncrease", f"arn:aws:servicequotas:{R}:{ACCOUNT}:lambda/L-1", {"aws:RequestedRegion": R}, False),
    ("Slack", "kms:Decrypt", f"arn:aws:kms:{R}:{ACCOUNT}:key/1", {}, False),
    ("Slack", "s3:GetObject", "arn:aws:s3:::bucket/key", {}, False),
    ("Clock", "dynamodb:GetItem", TABLE, _keys("M#m-1"), True),
    ("Clock", "dynamodb:Query", f"{TABLE}/index/due", _keys("DUE"), True),
    ("Clock", "dynamodb:PutItem", TABLE, _keys("M#m-1"), False),
    ("Clock", "dynamodb:DeleteItem", TABLE, _keys("M#m-1"), False),
    ("Clock", "dynamodb:UpdateItem", TABLE, _keys("M#m-1"), False),
    ("Clock", "secretsmanager:GetSecretValue", SECRET, {}, False),
    ("Clock", "iam:PassRole", ROLE, EC2, False),
    ("Clock", "sqs:ReceiveMessage", QUEUE, {}, False),
    ("Clock", "ssm:SendCommand", f"arn:aws:ssm:{R}::document/AWS-RunShellScript", {}, False),
    ("Ec2Events", "dynamodb:GetItem", TABLE, _keys("I#i-1"), True),
    ("Ec2Events", "dynamodb:PutItem", TABLE, _keys("I#i-1"), False),
    ("Ec2Events", "dynamodb:Query", TABLE, _keys("I#i-1"), False),
    ("Ec2Events", "secretsmanager:GetSecretValue", SECRET, {}, False),
    ("Ec2Events", "sqs:SendMessage", QUEUE, {}, True),
    ("Ec2Events", "sqs:SendMessage", f"arn:aws:sqs:{R}:{ACCOUNT}:gpu-DeadLetters", {}, False),
    ("MachineRole", "ssmmessages:OpenDataChannel", "*", {}, True),
    ("MachineRole", "ssm:UpdateInstanceInformation", OWN_INSTANCE, {}, True),
    ("MachineRole", "secretsmanager:GetSecretValue", SECRET, {}, False),
    ("MachineRole", "ssm:GetParameter", f"arn:aws:ssm:{R}:{ACCOUNT}:parameter/password", {}, False),
    ("MachineRole", "ssm:GetParametersByPath", f"arn:aws:ssm:{R}:{ACCOUNT}:parameter/", {}, False),
    ("MachineRole", "ssm:SendCommand", OWN_INSTANCE, {}, False),
    ("MachineRole", "ssm:StartSession", OWN_INSTANCE, {}, False),
    ("MachineRole", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/gpu-SlackRole", {}, False),
    ("MachineRole", "iam:PassRole", ROLE, EC2, False),
    ("MachineRole", "dynamodb:GetItem", TABLE, _keys("M#m-1"), False),
    ("MachineRole", "sqs:SendMessage", QUEUE, {}, False),
    ("MachineRole", "ec2:CreateTags", OWN_INSTANCE, {"aws:ResourceTag/gpu:stack": MARK, "aws:TagKeys": ["gpu:deadline"]}, False),
    ("MachineRole", "s3:GetObject", "arn:aws:s3:::bucket/key", {}, False),
    ("MachineRole", "logs:PutLogEvents", f"arn:aws:logs:{R}:{ACCOUNT}:log-group:x", {}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "action", "resource", "context", "may"),
    BESIDE,
    ids=[f"{function} {action} {n}" for n, (function, action, *_) in enumerate(BESIDE)],
)
def test_beside_ec2(function: str, action: str, resource: str, context: Params, may: bool) -> None:
    always = {"aws:RequestedRegion": R, **context}
    ask = Ask(action=action, resource=resource, context=context_of(always))
    assert _caller(function).role.decide(ask).allowed is may


# ---- keys for disks -------------------------------------------------------------------------

KEY_ARN = f"arn:aws:kms:{R}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_THERE = "arn:aws:kms:us-west-2:999999999999:key/mrk-1234"  # an organization's, elsewhere
THROUGH_EC2 = {"kms:ViaService": f"ec2.{R}.amazonaws.com"}
FOR_AWS = {**THROUGH_EC2, "kms:GrantIsForAWSResource": "true"}
# AWS, "Requirements for Amazon EBS encryption": what who makes a disk must be allowed with its key.
USED = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def _may(function: str, keys: str, action: str, resource: str, context: Params) -> bool:
    role = roles.role(function, Deployment(parameters={"DiskKeys": keys}))
    return role.decide(Ask(action=action, resource=resource, context=context_of(context))).allowed


@pytest.mark.parametrize("action", [*USED, "kms:CreateGrant"])
def test_a_named_key_opens_disks_through_ec2_and_no_other_way(action: str) -> None:
    for keys in (f"{KEY_ARN},{KEY_THERE}", f"{KEY_THERE}, {KEY_ARN}"):
        assert _may("Slack", keys, action, KEY_ARN, FOR_AWS)
    there = {**FOR_AWS, "kms:ViaService": "ec2.us-west-2.amazonaws.com"}
    assert _may("Slack", f"{KEY_ARN}, {KEY_THERE}", action, KEY_THERE, there)
    for context in (
        {},
        {"kms:GrantIsForAWSResource": "true"},
        {**FOR_AWS, "kms:ViaService": f"s3.{R}.amazonaws.com"},
        {**FOR_AWS, "kms:ViaService": f"ec2.{R}.amazonaws.com.example.org"},
    ):
        assert not _may("Slack", KEY_ARN, action, KEY_ARN, context)
    assert not _may("Slack", KEY_ARN, action, f"{KEY_ARN}2", FOR_AWS)
    assert not _may("Slack", KEY_ARN, action, KEY_THERE, FOR_AWS)
    assert not _may("Slack", "", action, KEY_ARN, FOR_AWS)


def test_a_grant_is_given_for_a_resource_of_aws_only() -> None:
    for context in (THROUGH_EC2, {**THROUGH_EC2, "kms:GrantIsForAWSResource": "false"}):
        assert not _may("Slack", KEY_ARN, "kms:CreateGrant", KEY_ARN, context)


@pytest.mark.parametrize(
    "action",
    ["kms:Encrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
)
def test_nothing_else_may_be_done_with_a_named_key(action: str) -> None:
    assert not _may("Slack", KEY_ARN, action, KEY_ARN, FOR_AWS)


@pytest.mark.parametrize("function", ["Door", "Clock", "Ec2Events", "MachineRole"])
def test_who_makes_no_disks_has_no_key(function: str) -> None:
    for action in (*USED, "kms:CreateGrant"):
        assert not _may(function, KEY_ARN, action, KEY_ARN, FOR_AWS)


@pytest.mark.parametrize("function", [*roles.FUNCTIONS, "MachineRole"])
def test_keys_for_disks_add_their_own_two_statements_and_change_no_other(function: str) -> None:
    without = roles.role(function, Deployment()).statements
    named = roles.role(function, Deployment(parameters={"DiskKeys": KEY_ARN})).statements
    added = [one for one in named if one not in without]
    assert [one for one in named if one not in added] == list(without)
    sids = ["EncryptDisksThroughEc2", "GrantDisksToEc2"] if function == "Slack" else []
    assert [one.sid for one in added] == sids
    assert not [action for one in without for action in one.actions if action.startswith("kms:")]


@pytest.mark.parametrize("action", ["secretsmanager:GetSecretValue", "ssm:GetParameter", "sts:AssumeRole", "iam:CreateUser"])  # fmt: skip
def test_whatever_is_attached_to_the_machines_role_it_never_gets(action: str) -> None:
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    made = [*roles.documents(roles.transformed(), "MachineRole", AT), everything]
    wider = Role("wider", made)
    decided = wider.decide(Ask(action=action, resource="arn:aws:x:::y", context={}))
    assert (decided.allowed, decided.explicit) == (False, True)


def test_the_table_is_long_enough_to_mean_something() -> None:
    denied = len(DENIES) + sum(1 for *_, may in BESIDE if not may)
    assert denied >= 120, denied
