"""Public images, and the SSM parameters that name the newest of them."""

import re
from datetime import UTC, datetime
from typing import Any

from sim.world.asking import FILTERS, PAGES, Operation, Params, matching, need, page
from sim.world.data import Image, images_of, parameters_of
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Region

_ALIASED = ("898082745236", "137112412989")  # these owners go by the name "amazon"


def find_image(region: Region, image: str) -> Image:
    """The image of that id (or `resolve:ssm:` parameter), or EC2's refusal."""
    if image.startswith("resolve:ssm:"):
        return find_image(region, _resolve(region, image.removeprefix("resolve:ssm:")))
    if not re.fullmatch(r"ami-[0-9a-f]{8,17}", image):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image}"')
    found = images_of(region.name).get(image)
    if found is None:
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")
    return found


def _resolve(region: Region, parameter: str) -> str:
    value = parameters_of(region.name).get(parameter)
    if value is None:
        raise AwsError(
            "InvalidParameterValue", f"Parameter {parameter} doesn't exist or is not accessible."
        )
    return value


def _describe(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    ids, owners = params.get("ImageIds"), params.get("Owners")
    chosen = [find_image(region, one) for one in ids or ()] or list(images_of(region.name).values())
    found = matching(
        "DescribeImages",
        [image for image in chosen if not owners or _owned(image, owners)],
        params,
        {
            "name": lambda i: i.name,
            "architecture": lambda i: i.architecture,
            "state": lambda _: "available",
            "image-id": lambda i: i.id(region.name),
            "owner-id": lambda i: i.owner,
            "owner-alias": lambda i: "amazon" if i.owner in _ALIASED else None,
            "is-public": lambda _: "true",
            "image-type": lambda _: "machine",
            "root-device-type": lambda _: "ebs",
            "virtualization-type": lambda _: "hvm",
            "creation-date": lambda i: i.created,
        },
    )
    shown, more = page(found, params, most=1000)
    return {"Images": [_shape(region, image) for image in shown], **more}


def _owned(image: Image, owners: list[str]) -> bool:
    return image.owner in owners or ("amazon" in owners and image.owner in _ALIASED)


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
