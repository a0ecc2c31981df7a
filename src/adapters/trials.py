"""EC2's dry runs: it checks the call and the permission, and answers what it would have done.

DryRun is put into every call in one place, so that none can be sent without it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.aws_errors import translated
from core.faults import CloudError
from core.ports import Trial

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_WOULD_DO = "DryRunOperation"
# A public key whose private half nobody has kept, and an address that is kept for examples.
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHN4uDBZIIyPeJCx37WmpYNUPYcMWZIfNhKmqGlJzTkr doctor"
_ADDRESS = "203.0.113.1/32"
_NAME = "gpu-doctor"


class DryRuns:
    """core.ports.Trials over EC2."""

    def __init__(self, clients: "Callable[[str], EC2Client]") -> None:
        self._ec2 = clients

    def launch(self, region: str, request: Mapping[str, Any]) -> Trial:
        """RunInstances with these arguments."""
        return _tried("RunInstances", self._ec2(region).run_instances, **request)

    def make(self, region: str, vpc: str, zone: str, tags: Mapping[str, str]) -> tuple[Trial, ...]:
        """A security group, a key pair and a data volume, marked as a launch marks them."""
        ec2 = self._ec2(region)
        group: dict[str, Any] = {"GroupName": _NAME, "Description": _NAME, "VpcId": vpc}
        key: dict[str, Any] = {"KeyName": _NAME, "PublicKeyMaterial": _KEY.encode()}
        disk: dict[str, Any] = {
            "AvailabilityZone": zone,
            "Size": 1,
            "VolumeType": "gp3",
            "Encrypted": True,
        }
        marks = {kind: _tagged(tags, kind) for kind in ("security-group", "key-pair", "volume")}
        return (
            _tried(
                "CreateSecurityGroup",
                ec2.create_security_group,
                **group,
                TagSpecifications=marks["security-group"],
            ),
            _tried(
                "ImportKeyPair", ec2.import_key_pair, **key, TagSpecifications=marks["key-pair"]
            ),
            _tried("CreateVolume", ec2.create_volume, **disk, TagSpecifications=marks["volume"]),
        )

    def manage(
        self, region: str, instance: str, group: str | None, tags: Mapping[str, str]
    ) -> tuple[Trial, ...]:
        """Start, stop, end, move the deadline, save an image, and open its group."""
        ec2 = self._ec2(region)
        it = {"InstanceIds": [instance]}
        deadline: Any = [{"Key": "gpu:deadline", "Value": "0"}]
        image = {"InstanceId": instance, "Name": _NAME, "NoReboot": True}
        found = [
            _tried("StartInstances", ec2.start_instances, **it),
            _tried("StopInstances", ec2.stop_instances, **it),
            _tried("TerminateInstances", ec2.terminate_instances, **it),
            _tried("CreateTags", ec2.create_tags, Resources=[instance], Tags=deadline),
            _tried(
                "CreateImage",
                ec2.create_image,
                **image,
                TagSpecifications=_tagged(tags, "image", "snapshot"),
            ),
        ]
        if group:
            rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
            found.append(
                _tried(
                    "AuthorizeSecurityGroupIngress",
                    ec2.authorize_security_group_ingress,
                    GroupId=group,
                    IpPermissions=[{**rule, "IpRanges": [{"CidrIp": _ADDRESS}]}],
                )
            )
        return tuple(found)


def _tried(operation: str, call: Callable[..., object], **arguments: Any) -> Trial:
    try:
        with translated(operation):
            call(**arguments, DryRun=True)
    except CloudError as error:
        if error.fault.code == _WOULD_DO:
            return Trial(operation=operation)
        return Trial(operation=operation, fault=error.fault)
    raise AssertionError(f"{operation} was not taken for a dry run")


def _tagged(tags: Mapping[str, str], *kinds: str) -> Any:
    pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return [{"ResourceType": kind, "Tags": pairs} for kind in kinds]
