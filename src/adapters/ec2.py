"""EC2: machines themselves, where they may stand, and what the account uses already."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from adapters.ec2_access import Access
from adapters.ec2_offers import Offers
from core.model import Instance, Market, Network
from core.ports import InUse, Tagged

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_NOT_TERMINATED = ("pending", "running", "shutting-down", "stopping", "stopped")
_NO_INSTANCE = "InvalidInstanceID.NotFound"
# Paid for in advance: these draw on no vCPU quota.
_OUTSIDE_QUOTAS = frozenset({"capacity-block"})
_MOST_FILTER_VALUES = 200
_EPOCH = re.compile(r"[0-9]{1,11}")


class Ec2(Offers, Access):
    """core.ports.Cloud over EC2."""

    def __init__(
        self,
        clients: "Callable[[str], EC2Client]",
        once: "Callable[[str], EC2Client]",
        stack: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`clients` gives a region's client, `once` one that never repeats a call by itself.

        RunInstances goes through `once`, because every send of it has to be in the ledger first.
        """
        Offers.__init__(self, clients)
        Access.__init__(self, clients, stack, pause)
        self._once = once
        self._vcpus: dict[str, int] = {}

    # ---- the account ------------------------------------------------------------------------

    def network(self, region: str) -> Network | None:
        """The default VPC and its public subnets; None where the region has none."""
        ec2 = self._ec2(region)
        with translated("DescribeVpcs"):
            vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        if not vpcs:
            return None
        vpc = vpcs[0]["VpcId"]
        where: Any = [
            {"Name": "vpc-id", "Values": [vpc]},
            {"Name": "default-for-az", "Values": ["true"]},
        ]
        with translated("DescribeSubnets"):
            pages = ec2.get_paginator("describe_subnets").paginate(Filters=where)
            found = {s["AvailabilityZone"]: s["SubnetId"] for p in pages for s in p["Subnets"]}
        return Network(vpc=vpc, subnets=tuple(sorted(found.items())))

    def in_use(self, region: str) -> tuple[InUse, ...]:
        """What pending and running instances of the whole account use, by type and market."""
        count: dict[tuple[str, Market], int] = {}
        options: dict[str, int] = {}  # of types that EC2 describes no longer
        for shown in self._instances(region, {"instance-state-name": ("pending", "running")}):
            if shown.get("InstanceLifecycle") not in _OUTSIDE_QUOTAS:
                key = (shown["InstanceType"], _market(shown))
                count[key] = count.get(key, 0) + 1
                options[key[0]] = _cpus(shown)
        vcpus = self._vcpus_of(region, {name for name, _ in count})
        return tuple(
            InUse(instance_type=name, market=market, vcpus=number * vcpus.get(name, options[name]))
            for (name, market), number in sorted(count.items())
        )

    def _vcpus_of(self, region: str, names: set[str]) -> dict[str, int]:
        """Quotas count a type's default vCPUs, whatever CPU options an instance was given.

        By filter, because the list of names refuses them all for one that the region has dropped.
        """
        unknown = sorted(names - self._vcpus.keys())
        for start in range(0, len(unknown), _MOST_FILTER_VALUES):
            some = unknown[start : start + _MOST_FILTER_VALUES]
            with translated("DescribeInstanceTypes"):
                pages = (
                    self._ec2(region)
                    .get_paginator("describe_instance_types")
                    .paginate(Filters=[{"Name": "instance-type", "Values": some}])
                )
                for one in (one for page in pages for one in page["InstanceTypes"]):
                    self._vcpus[one["InstanceType"]] = one["VCpuInfo"]["DefaultVCpus"]
        return self._vcpus

    # ---- machines ---------------------------------------------------------------------------

    def run(self, region: str, request: Mapping[str, Any]) -> Instance:
        """RunInstances with exactly these arguments, sent once."""
        with translated("RunInstances"):
            answer = self._once(region).run_instances(**request)
        return _instance(region, answer["Instances"][0])

    def find(self, region: str, machine: str) -> tuple[Instance, ...]:
        """Every instance EC2 shows with that machine's tag, whatever its state."""
        where = {"tag:gpu:machine": (machine,), "tag:gpu:stack": (self._stack,)}
        return tuple(_instance(region, shown) for shown in self._instances(region, where))

    def look(self, region: str, instance: str) -> Instance | None:
        """The instance, its status checks included; None when a good read did not find it."""
        with translated("DescribeInstances"):
            try:
                answer = self._ec2(region).describe_instances(InstanceIds=[instance])
            except ClientError as error:
                if code_of(error) == _NO_INSTANCE:
                    return None
                raise
        shown = [one for r in answer["Reservations"] for one in r["Instances"]]
        if not shown:
            return None
        running = shown[0]["State"]["Name"] == "running"
        return _instance(region, shown[0], running and self._checks_ok(region, instance))

    def _checks_ok(self, region: str, instance: str) -> bool:
        with translated("DescribeInstanceStatus"):
            try:
                answer = self._ec2(region).describe_instance_status(InstanceIds=[instance])
            except ClientError as error:
                if code_of(error) == _NO_INSTANCE:
                    return False
                raise
        return any(
            s["InstanceStatus"]["Status"] == "ok" and s["SystemStatus"]["Status"] == "ok"
            for s in answer["InstanceStatuses"]
        )

    def tagged(self, region: str) -> tuple[Tagged, ...]:
        """Every instance of this deployment that is not terminated, by its tags alone."""
        where = {"tag:gpu:stack": (self._stack,), "instance-state-name": _NOT_TERMINATED}
        return tuple(_tagged(region, shown) for shown in self._instances(region, where))

    def start(self, region: str, instance: str) -> None:
        """StartInstances; for one that runs already it changes nothing."""
        with translated("StartInstances"):
            self._ec2(region).start_instances(InstanceIds=[instance])

    def stop(self, region: str, instance: str) -> None:
        """StopInstances; for one that is stopped already it changes nothing."""
        with translated("StopInstances"):
            self._ec2(region).stop_instances(InstanceIds=[instance])

    def terminate(self, region: str, instance: str) -> None:
        """Terminate it; one that is gone already is no error."""
        with translated("TerminateInstances"):
            try:
                self._ec2(region).terminate_instances(InstanceIds=[instance])
            except ClientError as error:
                if code_of(error) != _NO_INSTANCE:
                    raise

    def tag_deadline(self, region: str, instance: str, deadline: datetime) -> None:
        """Move the gpu:deadline tag (epoch seconds), which the sweep and the machine read."""
        tag: Any = {"Key": "gpu:deadline", "Value": str(int(deadline.timestamp()))}
        with translated("CreateTags"):
            self._ec2(region).create_tags(Resources=[instance], Tags=[tag])

    def volumes(self, region: str, machine: str) -> tuple[tuple[str, int, str], ...]:
        """(volume id, GB, state) of every volume with that machine's tag."""
        where: Any = [
            {"Name": "tag:gpu:machine", "Values": [machine]},
            {"Name": "tag:gpu:stack", "Values": [self._stack]},
        ]
        with translated("DescribeVolumes"):
            pages = self._ec2(region).get_paginator("describe_volumes").paginate(Filters=where)
            return tuple(
                (v["VolumeId"], v["Size"], str(v["State"])) for p in pages for v in p["Volumes"]
            )

    def _instances(
        self, region: str, where: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Mapping[str, Any]]:
        """What DescribeInstances shows, all pages of it: a part of an answer is no answer."""
        filters: Any = [{"Name": name, "Values": list(values)} for name, values in where.items()]
        with translated("DescribeInstances"):
            pages = self._ec2(region).get_paginator("describe_instances").paginate(Filters=filters)
            for page in pages:
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]


def _instance(region: str, shown: Mapping[str, Any], checks_ok: bool = False) -> Instance:
    return Instance(
        id=shown["InstanceId"],
        region=region,
        zone=shown["Placement"]["AvailabilityZone"],
        state=shown["State"]["Name"],
        launched_at=shown["LaunchTime"].astimezone(UTC),
        address=shown.get("PublicIpAddress") or None,
        reason=shown.get("StateReason", {}).get("Code") or None,
        checks_ok=checks_ok,
    )


def _cpus(shown: Mapping[str, Any]) -> int:
    cpu = shown.get("CpuOptions", {})
    return int(cpu.get("CoreCount", 0)) * int(cpu.get("ThreadsPerCore", 1))


def _market(shown: Mapping[str, Any]) -> Market:
    return Market.SPOT if shown.get("InstanceLifecycle") == "spot" else Market.ON_DEMAND


def _tagged(region: str, shown: Mapping[str, Any]) -> Tagged:
    tags = {tag["Key"]: tag["Value"] for tag in shown.get("Tags", [])}
    return Tagged(
        instance=_instance(region, shown),
        machine=tags.get("gpu:machine", ""),
        owner=tags.get("gpu:owner", ""),
        market=_market(shown),
        deadline=_deadline(tags.get("gpu:deadline", "")),
    )


def _deadline(text: str) -> datetime | None:
    """Epoch seconds and nothing else; None for what cannot be read."""
    return datetime.fromtimestamp(int(text), UTC) if _EPOCH.fullmatch(text) else None
