"""RunInstances: what EC2 checks before it sells a machine, in the order in which it refuses.

A client token is remembered only for a call that succeeded; its scope is the zone when the call
names a subnet or a zone, and the region otherwise.
"""

import base64
import binascii
import re
from typing import Any

from sim.world import quotas
from sim.world.asking import TAG_SPECIFICATIONS, Operation, Params, dry_run, need, tags_for
from sim.world.birth import Plan, bear
from sim.world.capacity import left, place, refuse_without_quota, take, without_capacity
from sim.world.data import load_offerings, load_types
from sim.world.disks import read_disks
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.images import bootable
from sim.world.keys import usable_key
from sim.world.market import max_price, read_market
from sim.world.show import reservation
from sim.world.things import Bootable, Launch, Region, Tags
from sim.world.where import Where, need_addresses, read_where

_TAGGABLE = ("instance", "volume", "network-interface")
_TAG_IN_METADATA = r"(?!\.{1,2}$|_index$)[0-9a-zA-Z\-_+=,.@:]{1,255}"


def _run(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    request = {k: v for k, v in params.items() if k not in ("ClientToken", "DryRun")}
    where = read_where(ground, region, params)
    token = params.get("ClientToken")
    scope = (where.zone, token or "")
    if token:
        if len(token) > 64 or not token.isascii():
            raise AwsError(
                "InvalidParameterValue", "ClientToken must be at most 64 ASCII characters"
            )
        known = _known(ground, region, scope, request)
        if known:
            return known
    plan = _checked(ground, region, params, where)
    if params.get("DryRun"):
        raise dry_run()
    count = _count(region, params, plan)
    plan = place(region, plan, where.zone)
    count = _fitting(region, params, plan, count)
    need_addresses(region, plan.subnet, count)
    assert plan.subnet is not None
    take(region, plan.subnet.zone, plan.instance_type, plan.market, count)
    launch = Launch(request=request, instances=[], reservation=ground.new_id("r"))
    for index in range(count):
        launch.instances.append(bear(ground, region, plan, launch.reservation, index).id)
    if token:
        region.launches[scope] = launch
    return reservation(ground, region, launch.reservation)


def _known(
    ground: Ground, region: Region, scope: tuple[str | None, str], request: dict[str, Any]
) -> dict[str, Any] | None:
    """The answer to a token that was used before, or None where it is new or forgotten."""
    launch = region.launches.get(scope)
    if launch is None:
        return None
    found = [region.instances[one] for one in launch.instances]
    ends = [i.ended_at for i in found if i.ended_at]
    over = (ground.time - max(ends)).total_seconds() if len(ends) == len(found) else 0
    if over > ground.settings.token_life:
        del region.launches[scope]
        return None
    if launch.request != request:
        raise AwsError(
            "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent with arguments used in previous "
            "request(s).",
        )
    if any(i.state in ("shutting-down", "terminated") for i in found):
        raise AwsError(
            "IdempotentInstanceTerminated",
            "The instance that was launched with this client token has been terminated.",
        )
    return reservation(ground, region, launch.reservation)


# ---- what ---------------------------------------------------------------------------------------


def _checked(ground: Ground, region: Region, params: Params, where: Where) -> Plan:
    """Everything that makes a call wrong, whatever room there is."""
    name = need(params, "InstanceType")
    if name not in load_types() or name not in load_offerings(region.name):
        raise AwsError("InvalidParameterValue", f"Invalid value '{name}' for InstanceType.")
    image_id = need(params, "ImageId")
    image = bootable(ground, region, image_id)
    architecture = _architecture(name, image)
    if params.get("KeyName"):
        usable_key(ground, region, params["KeyName"])
    market = read_market(ground, region, params, name, where.zone)
    metadata = _metadata(params.get("MetadataOptions") or {})
    allowed = (*_TAGGABLE, "spot-instances-request") if market == "spot" else _TAGGABLE
    tags = {kind: tags_for(params, kind, allowed) for kind in allowed}
    _check_metadata_tags(metadata, tags["instance"])
    return Plan(
        instance_type=name,
        vcpus=int(load_types()[name]["VCpuInfo"]["DefaultVCpus"]),
        architecture=architecture,
        market=market,
        max_price=max_price(params),
        image=image.id(region.name),
        root_device=image.root_device,
        disks=read_disks(region, image, params.get("BlockDeviceMappings") or ()),
        subnet=where.subnet,
        groups=where.groups,
        public_ip=where.public_ip,
        key=params.get("KeyName"),
        token=params.get("ClientToken") or "",
        tags=tags,
        metadata=metadata,
        shutdown=_shutdown(params),
        user_data=_user_data(params.get("UserData")),
        profile=_profile(ground, params.get("IamInstanceProfile") or {}),
    )


def _architecture(name: str, image: Bootable) -> str:
    able = load_types()[name]["ProcessorInfo"]["SupportedArchitectures"]
    if image.architecture not in able:
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{','.join(able)}' of the specified instance type does not match "
            f"the architecture '{image.architecture}' of the specified AMI. Specify an instance "
            "type and an AMI that have matching architectures, and try again. You can use "
            "'describe-instance-types' or 'describe-images' to discover the architecture of the "
            "instance type or AMI.",
        )
    return image.architecture


def _shutdown(params: Params) -> str:
    behaviour = str(params.get("InstanceInitiatedShutdownBehavior") or "stop")
    if behaviour not in ("stop", "terminate"):
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({behaviour}) for parameter instanceInitiatedShutdownBehavior is invalid.",
        )
    return behaviour


def _user_data(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AwsError("InvalidParameterValue", "Invalid BASE64 encoding of user data.") from error
    if len(raw) > 16_384:
        raise AwsError("InvalidParameterValue", "User data is limited to 16384 bytes")
    return text


def _profile(ground: Ground, wanted: Params) -> str | None:
    """The ARN of the instance profile, named by ARN or by name."""
    if not wanted:
        return None
    how = "arn" if "Arn" in wanted else "name"
    said = str(wanted.get("Arn") or wanted.get("Name"))
    for arn in ground.profiles:
        if said in (arn, arn.rpartition("/")[2]):
            return arn
    raise AwsError(
        "InvalidParameterValue",
        f"Value ({said}) for parameter iamInstanceProfile.{how} is invalid. "
        f"Invalid IAM Instance Profile {how}",
    )


def _metadata(options: Params) -> dict[str, Any]:
    shape = {
        "State": "applied",
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
        **options,
    }
    choices = {
        "HttpEndpoint": ("enabled", "disabled"),
        "HttpTokens": ("optional", "required"),
        "HttpProtocolIpv6": ("enabled", "disabled"),
        "InstanceMetadataTags": ("enabled", "disabled"),
        "HttpPutResponseHopLimit": range(1, 65),
    }
    for name, allowed in choices.items():
        if shape[name] not in allowed:
            raise AwsError(
                "InvalidParameterValue", f"Value ({shape[name]}) for parameter {name} is invalid."
            )
    return shape


def _check_metadata_tags(metadata: dict[str, Any], tags: Tags) -> None:
    """Tags that the machine can read from its metadata must be names there."""
    if metadata["InstanceMetadataTags"] != "enabled":
        return
    for key in tags:
        if not re.fullmatch(_TAG_IN_METADATA, key):
            raise AwsError(
                "InvalidParameterValue",
                f"'{key}' is not a valid tag key. Tag keys must match pattern "
                "([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name "
                "('.', '..', '_index')",
            )


def _count(region: Region, params: Params, plan: Plan) -> int:
    """As many as the quota has room for, between MinCount and MaxCount."""
    least, most = int(need(params, "MinCount")), int(need(params, "MaxCount"))
    if not 1 <= least <= most:
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid value '{least}' for min count: it must be from 1 to max count.",
        )
    count = min(most, quotas.room(region, plan.instance_type, plan.market) // plan.vcpus)
    if count < least:
        raise refuse_without_quota(region, plan.instance_type, plan.market)
    return count


def _fitting(region: Region, params: Params, plan: Plan, count: int) -> int:
    """As many of them as the zone has room for, or none at all where that is below MinCount."""
    assert plan.subnet is not None
    zone, name, market = plan.subnet.zone, plan.instance_type, plan.market
    fitting = min(count, left(region, zone, name, market))
    if fitting < int(need(params, "MinCount")):
        raise without_capacity(name, market, zone, [])
    return fitting


_EBS = dict.fromkeys(
    (
        "VolumeSize",
        "VolumeType",
        "Encrypted",
        "DeleteOnTermination",
        "Iops",
        "Throughput",
        "SnapshotId",
    )
)
OPERATION = Operation(
    name="RunInstances",
    takes={
        **dict.fromkeys(
            (
                "ImageId",
                "InstanceType",
                "MinCount",
                "MaxCount",
                "KeyName",
                "SubnetId",
                "SecurityGroupIds",
                "UserData",
                "ClientToken",
                "InstanceInitiatedShutdownBehavior",
                "EbsOptimized",
            )
        ),
        "Placement": {"AvailabilityZone": None},
        "IamInstanceProfile": {"Arn": None, "Name": None},
        "NetworkInterfaces": [
            dict.fromkeys(
                (
                    "DeviceIndex",
                    "SubnetId",
                    "Groups",
                    "AssociatePublicIpAddress",
                    "DeleteOnTermination",
                    "Description",
                )
            )
        ],
        "BlockDeviceMappings": [{"DeviceName": None, "Ebs": _EBS}],
        "MetadataOptions": dict.fromkeys(
            (
                "HttpEndpoint",
                "HttpTokens",
                "HttpPutResponseHopLimit",
                "HttpProtocolIpv6",
                "InstanceMetadataTags",
            )
        ),
        "InstanceMarketOptions": {
            "MarketType": None,
            "SpotOptions": dict.fromkeys(
                ("MaxPrice", "SpotInstanceType", "InstanceInterruptionBehavior", "ValidUntil")
            ),
        },
        **TAG_SPECIFICATIONS,
    },
    run=_run,
    dry=True,
)
