"""Which rights a call of EC2 asks IAM for: actions, resources, and what conditions hang on.

One call asks for many. RunInstances wants to be allowed for the instance, each volume, the network
interface, the spot request, and for the image, subnet, groups and key that it uses; for the tags
that it gives to each new thing; and for the role that it hands on. What is new has no id yet: `*`.

After the Service Authorization Reference of EC2 and the examples in its user guide. What does not
exist is told before any right is asked for, except a key pair, which EC2 knows by its name only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sim.iam import Ask, context_of
from sim.world.asking import Params
from sim.world.data import images_of
from sim.world.ground import Ground
from sim.world.things import Instance, Region, Tags, Volume

_SPOT = "spot.amazonaws.com"
_SHARED = frozenset({"image", "snapshot"})  # their ARNs name no account
_KINDS = {
    "i": "instance",
    "vol": "volume",
    "snap": "snapshot",
    "ami": "image",
    "eni": "network-interface",
    "sg": "security-group",
    "sir": "spot-instances-request",
    "subnet": "subnet",
    "vpc": "vpc",
}
Extra = Mapping[str, Any]


def asks(ground: Ground, region: Region, operation: str, params: Params) -> list[Ask]:
    """Everything that this call wants to be allowed."""
    call = _Call(ground, region, operation, params)
    wants = _WANTS.get(operation)
    return list(wants(call)) if wants else [call.anywhere()]


class _Call:
    """One call, and how its asks are written."""

    def __init__(self, ground: Ground, region: Region, operation: str, params: Params) -> None:
        self.ground = ground
        self.region = region
        self.action = f"ec2:{operation}"
        self.operation = operation
        self.params = params
        self._always = {"aws:RequestedRegion": region.name, "ec2:Region": region.name}

    def anywhere(self) -> Ask:
        """For what knows no resources."""
        return Ask(action=self.action, resource="*", context=context_of(self._always))

    def of(self, kind: str, name: str, extra: Extra, *, at: str = "", gone: bool = False) -> Ask:
        """About one resource; `at` is its region where that is not the one called."""
        arn = self.arn(kind, name, at)
        context = context_of({**self._always, **extra})
        return Ask(action=self.action, resource=arn, context=context, gone=gone)

    def arn(self, kind: str, name: str, at: str = "") -> str:
        account = "" if kind in _SHARED else self.ground.account
        return f"arn:aws:ec2:{at or self.region.name}:{account}:{kind}/{name}"

    def made(self, kind: str, extra: Extra, name: str = "*") -> Iterator[Ask]:
        """Something new of that kind, and the tags that it is given."""
        tags = self.given(kind)
        yield self.of(kind, name, {**_requested(tags), **extra})
        if tags:
            tagging = {**_requested(tags), "ec2:CreateAction": self.operation}
            context = context_of({**self._always, **tagging})
            yield Ask(action="ec2:CreateTags", resource=self.arn(kind, name), context=context)

    def given(self, kind: str) -> Tags:
        """The tags that the call gives to what is new of that kind."""
        return {
            str(tag["Key"]): str(tag.get("Value") or "")
            for spec in self.params.get("TagSpecifications") or ()
            if spec.get("ResourceType") == kind
            for tag in spec.get("Tags") or ()
        }

    def there(self, id: str, extra: Extra | None = None) -> Ask:
        """About something that exists, by its id."""
        kind = _kind(id)
        facts = _facts(self.ground, self.region, kind, id)
        return self.of(kind, id, {**(facts or {}), **(extra or {})}, gone=facts is None)

    def source(self, id: str, at: str) -> Ask:
        """About what is copied from the region `at`: whose it is, of its tags nothing is told."""
        kind, region = _kind(id), self.ground.regions.get(at)
        facts = _facts(self.ground, region, kind, id) if region else None
        owner = {"ec2:Owner": (facts or {}).get("ec2:Owner")}
        return self.of(kind, id, owner, at=at, gone=facts is None)

    def key(self, name: str) -> Ask:
        """About a key pair: one that is not there is one without tags."""
        key = self.region.keys.get(name)
        tags = _carried(key.tags) if key else {}
        return self.of("key-pair", name, {**tags, "ec2:KeyPairName": name})


def _kind(id: str) -> str:
    return _KINDS.get(id.partition("-")[0], "instance")


def _requested(tags: Tags) -> dict[str, Any]:
    return {
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
        "aws:TagKeys": list(tags) or None,
    }


def _carried(tags: Tags) -> dict[str, Any]:
    return {
        f"{space}:ResourceTag/{key}": value
        for key, value in tags.items()
        for space in ("aws", "ec2")
    }


# ---- what exists --------------------------------------------------------------------------------


def _facts(ground: Ground, region: Region, kind: str, id: str) -> dict[str, Any] | None:
    """What conditions may hang on of that resource; None where it is not there."""
    if kind == "image" and id in images_of(region.name):
        return {"ec2:Owner": "amazon", "ec2:Public": True, "ec2:ImageID": id}
    if kind == "vpc":
        return _carried(region.vpc_tags) if id == region.vpc else None
    every: Mapping[str, Mapping[str, Any]] = {
        "instance": region.instances,
        "volume": region.volumes,
        "snapshot": region.snapshots,
        "image": region.own_images,
        "network-interface": region.interfaces,
        "security-group": region.groups,
        "spot-instances-request": region.spot_requests,
        "subnet": region.subnets,
    }
    found = every[kind].get(id)
    if found is None:
        return None
    if kind in _SHARED:
        return {**_carried(found.tags), "ec2:Owner": ground.account}
    if isinstance(found, Instance):
        return {**_carried(found.tags), **_instance(found)}
    if isinstance(found, Volume):
        return {**_carried(found.tags), **_volume(found)}
    return _carried(found.tags)


def _instance(found: Instance) -> dict[str, Any]:
    return {
        "ec2:InstanceType": found.instance_type,
        "ec2:InstanceProfile": found.profile,
        "ec2:InstanceMarketType": found.market,
        "ec2:MetadataHttpTokens": found.metadata["HttpTokens"],
        "ec2:AvailabilityZone": found.zone,
    }


def _volume(found: Volume) -> dict[str, Any]:
    return {
        "ec2:Encrypted": found.encrypted,
        "ec2:VolumeType": found.kind,
        "ec2:VolumeSize": found.size,
        "ec2:AvailabilityZone": found.zone,
    }


# ---- RunInstances -------------------------------------------------------------------------------


def _run(call: _Call) -> Iterator[Ask]:
    params = call.params
    yield call.there(str(params.get("ImageId") or "ami-"))
    yield from call.made("instance", _new_instance(params))
    for disk in _new_disks(call):
        yield from call.made("volume", disk)
        if disk.get("ec2:ParentSnapshot"):
            yield call.there(str(disk["ec2:ParentSnapshot"]).rpartition("/")[2])
    faces: Iterable[Params] = params.get("NetworkInterfaces") or ({},)
    for face in faces:
        subnet = face.get("SubnetId") or params.get("SubnetId")
        public = {"ec2:AssociatePublicIpAddress": face.get("AssociatePublicIpAddress")}
        yield from call.made("network-interface", public)
        for one in (subnet, *(face.get("Groups") or params.get("SecurityGroupIds") or ())):
            if one:
                yield call.there(one)
    if params.get("KeyName"):
        yield call.key(params["KeyName"])
    yield from _spot(call)
    yield from _passed(call)


def _new_instance(params: Params) -> dict[str, Any]:
    metadata = params.get("MetadataOptions") or {}
    market = (params.get("InstanceMarketOptions") or {}).get("MarketType")
    profile = params.get("IamInstanceProfile") or {}
    return {
        "ec2:InstanceType": params.get("InstanceType"),
        "ec2:InstanceMarketType": market or "on-demand",
        "ec2:InstanceProfile": profile.get("Arn") or profile.get("Name"),
        "ec2:MetadataHttpTokens": metadata.get("HttpTokens") or "optional",
        "ec2:MetadataHttpEndpoint": metadata.get("HttpEndpoint") or "enabled",
        "ec2:MetadataHttpPutResponseHopLimit": metadata.get("HttpPutResponseHopLimit"),
        "ec2:RootDeviceType": "ebs",
        "ec2:Tenancy": "default",
    }


def _new_disks(call: _Call) -> list[dict[str, Any]]:
    """Every disk that is mapped; without any the root disk is as the image has it."""
    mapped = [m.get("Ebs") or {} for m in call.params.get("BlockDeviceMappings") or ()]
    return [_new_disk(call, ebs) for ebs in mapped or [{}]]


def _new_disk(call: _Call, ebs: Params) -> dict[str, Any]:
    snapshot = ebs.get("SnapshotId")
    return {
        "ec2:Encrypted": bool(ebs.get("Encrypted")),
        "ec2:VolumeType": ebs.get("VolumeType"),
        "ec2:VolumeSize": ebs.get("VolumeSize") or ebs.get("Size"),
        "ec2:VolumeIops": ebs.get("Iops"),
        "ec2:ParentSnapshot": call.arn("snapshot", snapshot) if snapshot else None,
    }


def _spot(call: _Call) -> Iterator[Ask]:
    """The account's first spot launch makes a role for EC2, by the right of who launches."""
    if (call.params.get("InstanceMarketOptions") or {}).get("MarketType") != "spot":
        return
    yield from call.made("spot-instances-request", {})
    if not any(region.spot_requests for region in call.ground.regions.values()):
        yield linked_role(call.ground.account, _SPOT, "AWSServiceRoleForEC2Spot")


def linked_role(account: str, service: str, name: str) -> Ask:
    """A role that a service has made for itself, by the right of who called it first."""
    return Ask(
        action="iam:CreateServiceLinkedRole",
        resource=f"arn:aws:iam::{account}:role/aws-service-role/{service}/{name}",
        context=context_of({"iam:AWSServiceName": service}),
    )


def _passed(call: _Call) -> Iterator[Ask]:
    profile = call.params.get("IamInstanceProfile") or {}
    said = profile.get("Arn") or profile.get("Name")
    for arn, role in call.ground.profiles.items():
        if said in (arn, arn.rpartition("/")[2]):
            passed = {"iam:PassedToService": "ec2.amazonaws.com"}
            yield Ask(action="iam:PassRole", resource=role, context=context_of(passed))


# ---- everything else that changes something -----------------------------------------------------


def _create_group(call: _Call) -> Iterator[Ask]:
    yield from call.made("security-group", {})
    yield call.there(str(call.params.get("VpcId") or call.region.vpc))


def _import_key(call: _Call) -> Iterator[Ask]:
    yield from call.made("key-pair", {}, str(call.params.get("KeyName")))


def _create_volume(call: _Call) -> Iterator[Ask]:
    disk = _new_disk(call, call.params)
    yield from call.made("volume", disk)
    if call.params.get("SnapshotId"):
        yield call.there(call.params["SnapshotId"])


def _create_snapshot(call: _Call) -> Iterator[Ask]:
    yield from call.made("snapshot", {})
    yield call.there(str(call.params.get("VolumeId")))


def _copy_snapshot(call: _Call) -> Iterator[Ask]:
    yield from call.made("snapshot", {"ec2:Encrypted": bool(call.params.get("Encrypted"))})
    params = call.params
    yield call.source(str(params.get("SourceSnapshotId")), str(params.get("SourceRegion")))


def _create_image(call: _Call) -> Iterator[Ask]:
    yield from call.made("image", {})
    yield from call.made("snapshot", {})
    yield call.there(str(call.params.get("InstanceId")))


def _register_image(call: _Call) -> Iterator[Ask]:
    yield from call.made("image", {})
    for mapping in call.params.get("BlockDeviceMappings") or ():
        snapshot = (mapping.get("Ebs") or {}).get("SnapshotId")
        if snapshot:
            yield call.there(snapshot)


def _copy_image(call: _Call) -> Iterator[Ask]:
    yield from call.made("image", {})
    yield from call.made("snapshot", {})
    yield call.source(str(call.params.get("SourceImageId")), str(call.params.get("SourceRegion")))


def _tag(call: _Call) -> Iterator[Ask]:
    pairs = call.params.get("Tags") or ()
    tags = {str(pair["Key"]): str(pair.get("Value") or "") for pair in pairs}
    for one in call.params.get("Resources") or ():
        yield call.there(one, _requested(tags))


def _modify_instance(call: _Call) -> Iterator[Ask]:
    """Each attribute that is changed is a key of its own."""
    changed = {k: v for k, v in call.params.items() if k not in ("InstanceId", "DryRun")}
    attributes: dict[str, Any] = {
        f"ec2:Attribute/{name}": value["Value"] if isinstance(value, Mapping) else value
        for name, value in changed.items()
    }
    yield call.there(
        str(call.params.get("InstanceId")), {"ec2:Attribute": list(changed), **attributes}
    )


def _detach(call: _Call) -> Iterator[Ask]:
    id = str(call.params.get("VolumeId"))
    volume = call.region.volumes.get(id)
    yield call.there(id)
    if volume and volume.instance:
        yield call.there(volume.instance)


def _key(call: _Call) -> Iterator[Ask]:
    yield call.key(str(call.params.get("KeyName")))


def _each(*names: str) -> Callable[[_Call], Iterator[Ask]]:
    """About what these parameters name, one id or several."""

    def wants(call: _Call) -> Iterator[Ask]:
        for name in names:
            said = call.params.get(name) or ()
            ids: Iterable[str] = (said,) if isinstance(said, str) else said
            for one in ids:
                yield call.there(one)

    return wants


_WANTS: Mapping[str, Callable[[_Call], Iterator[Ask]]] = {
    "RunInstances": _run,
    "StartInstances": _each("InstanceIds"),
    "StopInstances": _each("InstanceIds"),
    "RebootInstances": _each("InstanceIds"),
    "TerminateInstances": _each("InstanceIds"),
    "GetConsoleOutput": _each("InstanceId"),
    "ModifyInstanceAttribute": _modify_instance,
    "CreateSecurityGroup": _create_group,
    "DeleteSecurityGroup": _each("GroupId"),
    "AuthorizeSecurityGroupIngress": _each("GroupId"),
    "RevokeSecurityGroupIngress": _each("GroupId"),
    "ImportKeyPair": _import_key,
    "DeleteKeyPair": _key,
    "CreateVolume": _create_volume,
    "DeleteVolume": _each("VolumeId"),
    "AttachVolume": _each("VolumeId", "InstanceId"),
    "DetachVolume": _detach,
    "ModifyVolume": _each("VolumeId"),
    "CreateSnapshot": _create_snapshot,
    "CopySnapshot": _copy_snapshot,
    "DeleteSnapshot": _each("SnapshotId"),
    "CreateImage": _create_image,
    "RegisterImage": _register_image,
    "CopyImage": _copy_image,
    "DeregisterImage": _each("ImageId"),
    "CancelSpotInstanceRequests": _each("SpotInstanceRequestIds"),
    "CreateTags": _tag,
    "DeleteTags": _tag,
}
