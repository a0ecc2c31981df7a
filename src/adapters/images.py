"""AMIs: SSM's public parameters name the newest of a kind, EC2 says what an image needs."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.images import user_of
from core.model import Image

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

_MOST_PARAMETERS = 10  # that one GetParameters takes
_NO_IMAGE = frozenset(
    {"InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable"}
)


class SsmImages:
    """core.ports.Images over SSM and EC2."""

    def __init__(
        self, ssm: "Callable[[str], SSMClient]", ec2: "Callable[[str], EC2Client]"
    ) -> None:
        self._ssm = ssm
        self._ec2 = ec2

    def newest(
        self, region: str, parameters: tuple[str, ...], patterns: tuple[str, ...], architecture: str
    ) -> Image | None:
        """The first parameter that resolves to a living image, else the newest by the patterns."""
        for id in self._resolved(region, parameters):
            image = self.by_id(region, id)
            if image is not None:
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
        """Of Amazon's own images only: anybody may give an image any name."""
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
        newest = max(found, key=lambda image: str(image["CreationDate"]), default=None)
        return _image(newest) if newest else None

    def by_id(self, region: str, image: str) -> Image | None:
        """The available image of that id, or None."""
        with translated("DescribeImages"):
            try:
                answer = self._ec2(region).describe_images(ImageIds=[image])
            except ClientError as error:
                if code_of(error) in _NO_IMAGE:
                    return None
                raise
        found: list[Any] = [one for one in answer["Images"] if one.get("State") == "available"]
        return _image(found[0]) if found else None


def _image(shown: Mapping[str, Any]) -> Image:
    name = shown.get("Name", "")
    root = shown.get("RootDeviceName", "/dev/sda1")
    return Image(
        id=shown["ImageId"],
        name=name,
        architecture=shown["Architecture"],
        root_device=root,
        root_gb=_root_gb(shown, root),
        user=user_of(name),
    )


def _root_gb(shown: Mapping[str, Any], root: str) -> int:
    """EC2 refuses a root disk smaller than the snapshot of the image."""
    for mapping in shown.get("BlockDeviceMappings", []):
        if mapping.get("DeviceName") == root:
            return int(mapping.get("Ebs", {}).get("VolumeSize", 0))
    return 0
