"""AMIs: SSM's public parameters name the newest of a kind, EC2 says what an image needs."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.images import user_of
from core.model import Image

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

# What EC2 says of an image that is not there, or not there any more.
NO_IMAGE = frozenset(
    {"InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"}
)
_MOST_PARAMETERS = 10  # that one GetParameters takes
_FRESH = 3600.0  # seconds
_Key = tuple[str, tuple[str, ...], tuple[str, ...], str]

_PLAIN_LINUX = "RunInstances"  # anything else is billed on top of the price that is shown
_VERSION = re.compile(r"PyTorch (\d+)\.(\d+)")


class SsmImages:
    """core.ports.Images over SSM and EC2."""

    def __init__(
        self,
        ssm: "Callable[[str], SSMClient]",
        ec2: "Callable[[str], EC2Client]",
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ssm = ssm
        self._ec2 = ec2
        self._seconds = seconds
        self._found: dict[_Key, tuple[Image, float]] = {}

    def newest(
        self, region: str, parameters: tuple[str, ...], patterns: tuple[str, ...], architecture: str
    ) -> Image | None:
        """The first parameter that resolves to a living image, else the newest by the patterns.

        AWS makes new ones every few weeks, so what was found is taken for an hour.
        """
        key = (region, parameters, patterns, architecture)
        known, until = self._found.get(key, (None, 0.0))
        if known is not None and self._seconds() < until:
            return known
        found = self._newest(region, parameters, patterns, architecture)
        if found is not None:
            self._found[key] = (found, self._seconds() + _FRESH)
        return found

    def _newest(
        self, region: str, parameters: tuple[str, ...], patterns: tuple[str, ...], architecture: str
    ) -> Image | None:
        for id in self._resolved(region, parameters):
            image = self.by_id(region, id)
            if image is not None and image.state == "available":
                return image
        return self._by_name(region, patterns, architecture) if patterns else None

    def _resolved(self, region: str, parameters: tuple[str, ...]) -> Iterator[str]:
        for start in range(0, len(parameters), _MOST_PARAMETERS):
            some = parameters[start : start + _MOST_PARAMETERS]
            with translated("GetParameters"):
                answer = self._ssm(region).get_parameters(Names=list(some))
            # The answer has an order of its own, and leaves out what does not exist.
            values = {p["Name"]: p["Value"] for p in answer["Parameters"]}
            yield from (values[name] for name in some if name in values)

    def _by_name(self, region: str, patterns: tuple[str, ...], architecture: str) -> Image | None:
        """The newest that the first pattern matches, else the next one's. Of Amazon's own images
        only: anybody may give an image any name."""
        where: Any = [
            {"Name": "name", "Values": list(patterns)},
            {"Name": "architecture", "Values": [architecture]},
            {"Name": "state", "Values": ["available"]},
        ]
        with translated("DescribeImages"):
            pages = (
                self._ec2(region)
                .get_paginator("describe_images")
                .paginate(Owners=["amazon"], Filters=where)
            )
            found: list[Any] = [image for page in pages for image in page["Images"]]
        for pattern in patterns:
            alike = [one for one in found if fnmatchcase(one.get("Name", ""), pattern)]
            if alike:
                return image_shown(max(alike, key=_newness))
        return None

    def by_id(self, region: str, image: str) -> Image | None:
        """The image of that id, whatever its state; None where this account sees none."""
        with translated("DescribeImages"):
            try:
                answer = self._ec2(region).describe_images(ImageIds=[image])
            except ClientError as error:
                if code_of(error) in NO_IMAGE:
                    return None
                raise
        return next((image_shown(shown) for shown in answer["Images"]), None)


def image_shown(shown: Mapping[str, Any]) -> Image:
    """An image as DescribeImages shows it."""
    name = shown.get("Name", "")
    tags = {tag["Key"]: tag["Value"] for tag in shown.get("Tags", [])}
    root = shown.get("RootDeviceName", "/dev/sda1")
    return Image(
        id=shown["ImageId"],
        name=name,
        architecture=shown["Architecture"],
        root_device=root,
        root_gb=_root_gb(shown, root),
        user=tags.get("gpu:user") or user_of(name),
        state=shown.get("State", "available"),
        root_type=shown.get("RootDeviceType", "ebs"),
        boot=shown.get("BootMode", ""),
        windows=shown.get("Platform", "").lower() == "windows",
        licensed=_licensed(shown),
        origin=tags.get("gpu:origin", ""),
    )


def _licensed(shown: Mapping[str, Any]) -> str:
    """`Red Hat Enterprise Linux`, where the image's system costs more than Linux."""
    billed = shown.get("UsageOperation", _PLAIN_LINUX)
    return "" if billed == _PLAIN_LINUX else str(shown.get("PlatformDetails") or billed)


def _root_gb(shown: Mapping[str, Any], root: str) -> int:
    """EC2 refuses a root disk smaller than the snapshot of the image."""
    for mapping in shown.get("BlockDeviceMappings", []):
        if mapping.get("DeviceName") == root:
            return int(mapping.get("Ebs", {}).get("VolumeSize", 0))
    return 0


def _newness(shown: Mapping[str, Any]) -> tuple[tuple[int, ...], str]:
    """By the framework's version where the name tells one, then by age: AWS goes on to patch 2.9
    after 2.10 has come."""
    found = _VERSION.search(shown.get("Name", ""))
    return tuple(int(part) for part in found.groups()) if found else (), str(shown["CreationDate"])
