"""Images, public ones and the account's own, and the SSM parameters that name the newest."""

from datetime import UTC, datetime
from typing import Any

from sim.world.amis import find_own, own_shape
from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, need, page
from sim.world.data import Image, images_of, parameters_of
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Bootable, OwnImage, Region

_ALIASED = ("898082745236", "137112412989")  # these owners go by the name "amazon"


def bootable(ground: Ground, region: Region, image: str) -> Bootable:
    """The available image of that id (or `resolve:ssm:` parameter), or EC2's refusal."""
    if image.startswith("resolve:ssm:"):
        return bootable(ground, region, _resolve(region, image.removeprefix("resolve:ssm:")))
    found = _find(ground, region, image)
    if isinstance(found, OwnImage) and found.state != "available":
        raise AwsError(
            "InvalidAMIID.Unavailable", f"The image ID '{image}' is not available: {found.state}"
        )
    return found


def _find(ground: Ground, region: Region, image: str) -> Image | OwnImage:
    public = images_of(region.name).get(image)
    return public if public else find_own(ground, region, image)


def _resolve(region: Region, parameter: str) -> str:
    value = parameters_of(region.name).get(parameter)
    if value is None:
        raise AwsError(
            "InvalidParameterValue", f"Parameter {parameter} doesn't exist or is not accessible."
        )
    return value


def _describe(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    ids, owners = params.get("ImageIds"), params.get("Owners")
    chosen = [_find(ground, region, one) for one in ids or ()] or _every(ground, region)
    found = matching(
        "DescribeImages",
        [image for image in chosen if not owners or _owned(ground, image, owners)],
        params,
        {
            "name": lambda i: i.name,
            "architecture": lambda i: i.architecture,
            "state": _state,
            "image-id": lambda i: i.id(region.name),
            "owner-id": lambda i: i.owner,
            "owner-alias": lambda i: "amazon" if i.owner in _ALIASED else None,
            "is-public": lambda i: str(isinstance(i, Image)).lower(),
            "image-type": lambda _: "machine",
            "root-device-type": lambda _: "ebs",
            "virtualization-type": lambda _: "hvm",
            "creation-date": lambda i: i.created,
            "tag": lambda i: i.tags if isinstance(i, OwnImage) else {},
        },
    )
    shown, more = page(found, params, most=1000)
    return {"Images": [_shown(region, image) for image in shown], **more}


def _every(ground: Ground, region: Region) -> list[Image | OwnImage]:
    own = [i for i in region.own_images.values() if i.visible_at <= ground.time]
    return [*images_of(region.name).values(), *own]


def _owned(ground: Ground, image: Bootable, owners: list[str]) -> bool:
    alias = {"amazon": image.owner in _ALIASED, "self": image.owner == ground.account}
    return image.owner in owners or any(alias.get(owner) for owner in owners)


def _state(image: Image | OwnImage) -> str:
    return image.state if isinstance(image, OwnImage) else "available"


def _shown(region: Region, image: Image | OwnImage) -> dict[str, Any]:
    return own_shape(image) if isinstance(image, OwnImage) else _shape(region, image)


def _shape(region: Region, image: Image) -> dict[str, Any]:
    ebs = {
        "SnapshotId": image.snapshot(region.name),
        "VolumeSize": image.root_gb,
        "VolumeType": "gp3",
        "DeleteOnTermination": True,
        "Encrypted": False,
        "Iops": 3000,
        "Throughput": 125,
    }
    shape = {
        "ImageId": image.id(region.name),
        "Name": image.name,
        "Description": image.name,
        "Architecture": image.architecture,
        "CreationDate": image.created,
        "State": "available",
        "Public": True,
        "OwnerId": image.owner,
        "ImageLocation": f"amazon/{image.name}",
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": image.root_device,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": True,
        "SriovNetSupport": "simple",
        "BlockDeviceMappings": [{"DeviceName": image.root_device, "Ebs": ebs}],
    }
    if image.owner in _ALIASED:
        shape["ImageOwnerAlias"] = "amazon"
    return shape


# ---- SSM ----------------------------------------------------------------------------------------


def _parameter(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    name = need(params, "Name")
    if name not in parameters_of(region.name):
        raise AwsError("ParameterNotFound", f"Systems Manager parameter {name} was not found")
    return {"Parameter": _parameter_shape(region, name)}


def _parameters(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    names = need(params, "Names")
    if len(names) > 10:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value at 'names' failed to satisfy constraint: "
            "Member must have length less than or equal to 10",
        )
    known = parameters_of(region.name)
    return {
        "Parameters": [_parameter_shape(region, name) for name in names if name in known],
        "InvalidParameters": [name for name in names if name not in known],
    }


def _parameter_shape(region: Region, name: str) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "String",
        "Value": parameters_of(region.name)[name],
        "Version": 41,
        "LastModifiedDate": datetime(2026, 11, 7, 3, 0, tzinfo=UTC),
        "ARN": f"arn:aws:ssm:{region.name}::parameter{name}",
        "DataType": "aws:ec2:image",
    }


OPERATIONS = (
    Operation(
        name="DescribeImages",
        takes={**FILTERS, **PAGES, "ImageIds": None, "Owners": None, "IncludeDeprecated": None},
        run=_describe,
    ),
)
SSM_OPERATIONS = (
    Operation(name="GetParameter", takes={"Name": None, "WithDecryption": None}, run=_parameter),
    Operation(name="GetParameters", takes={"Names": None, "WithDecryption": None}, run=_parameters),
)
