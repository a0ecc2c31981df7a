"""EC2: machines themselves, where they may stand, and what the account uses already."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from adapters.ec2_access import Access
from adapters.ec2_console import Console
from adapters.ec2_offers import Offers
from adapters.ec2_parts import Parts
from adapters.ec2_subnets import network_of, public_subnets
from core.model import Instance, Market, Network
from core.ports import InUse, Tagged

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_NOT_TERMINATED = ("pending", "running", "shutting-down", "stopping", "stopped")
_NO_INSTANCE = "InvalidInstanceID.NotFound"
# Paid for in advance: these draw on no vCPU quota.
_OUTSIDE_QUOTAS = frozenset({"capacity-block"})
_MOST_FILTER_VALUES = 200
_PAGE = 1000  # the most; a call without a size draws on a smaller allowance of calls
_MOST_STATUSES = 100  # ids that one DescribeInstanceStatus takes
# What one instance among many can bring upon a call that names them all.
_OF_ONE = frozenset(
    {
        _NO_INSTANCE,
        "IncorrectInstanceState",
        "IncorrectState",
        "OperationNotPermitted",  # it is protected
        "UnsupportedOperation",
    }
)
_EPOCH = re.compile(r"[0-9]{1,11}")
# "User initiated (2026-11-24 09:00:00 GMT)"; EC2's own reasons tell no time.
_ENDED = re.compile(r"\(([0-9-]{10} [0-9:]{8}) GMT\)")


class Ec2(Offers, Access, Console, Parts):
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
        Console.__init__(self, clients)
        Parts.__init__(self, clients, stack)
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
        where: Any = [{"Name": "vpc-id", "Values": [vpc]}]
        with translated("DescribeSubnets"):
            pages = ec2.get_paginator("describe_subnets").paginate(Filters=where)
            subnets = [s for p in pages for s in p["Subnets"]]
        with translated("DescribeRouteTables"):
            tables = ec2.get_paginator("describe_route_tables").paginate(Filters=where)
            public = public_subnets(subnets, [t for p in tables for t in p["RouteTables"]])
        return network_of(vpc, public)

    def in_use(self, region: str) -> tuple[InUse, ...]:
        """What pending and running instances of the whole account use, by type and market; those
        of each launch of ours apart."""
        count: dict[tuple[str, Market, str, str], int] = {}
        options: dict[str, int] = {}  # of types that EC2 describes no longer
        for shown in self._instances(region, {"instance-state-name": ("pending", "running")}):
            if shown.get("InstanceLifecycle") not in _OUTSIDE_QUOTAS:
                tags = _tags(shown)
                by = tags.get("gpu:machine", ""), tags.get("gpu:attempt", "")
                key = (shown["InstanceType"], _market(shown), *by)
                count[key] = count.get(key, 0) + 1
                options[key[0]] = _cpus(shown)
        vcpus = self._vcpus_of(region, {name for name, *_ in count})
        return tuple(
            InUse(
                instance_type=name,
                market=market,
                vcpus=number * vcpus.get(name, options[name]),
                machine=machine,
                attempt=attempt,
            )
            for (name, market, machine, attempt), number in sorted(count.items())
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

    def run(self, region: str, request: Mapping[str, Any]) -> tuple[Instance, ...]:
        """RunInstances with exactly these arguments, sent once; as many as EC2 gave."""
        with translated("RunInstances"):
            answer = self._once(region).run_instances(**request)
        return tuple(_instance(region, shown) for shown in answer["Instances"])

    def find(self, region: str, machine: str, attempt: int) -> tuple[Instance, ...]:
        """Every instance EC2 shows that this attempt of the machine bought, whatever its state."""
        where = {**self._of(machine), "tag:gpu:attempt": (str(attempt),)}
        return tuple(_instance(region, shown) for shown in self._instances(region, where))

    def _of(self, machine: str) -> dict[str, tuple[str, ...]]:
        return {"tag:gpu:machine": (machine,), "tag:gpu:stack": (self._stack,)}

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
        running = [instance] if shown[0]["State"]["Name"] == "running" else []
        return _instance(region, shown[0], instance in self._checks_ok(region, running))

    def look_all(self, region: str, machine: str) -> tuple[Instance, ...]:
        """Every instance EC2 shows with that machine's tag, status checks included."""
        shown = tuple(self._instances(region, self._of(machine)))
        running = [one["InstanceId"] for one in shown if one["State"]["Name"] == "running"]
        fine = self._checks_ok(region, running)
        return tuple(_instance(region, one, one["InstanceId"] in fine) for one in shown)

    def _checks_ok(self, region: str, instances: list[str]) -> set[str]:
        """Those whose two status checks have passed."""
        fine: set[str] = set()

        def ask(some: list[str]) -> None:
            answer = self._ec2(region).describe_instance_status(InstanceIds=some)
            fine.update(
                s["InstanceId"]
                for s in answer["InstanceStatuses"]
                if s["InstanceStatus"]["Status"] == "ok" and s["SystemStatus"]["Status"] == "ok"
            )

        with translated("DescribeInstanceStatus"):
            for start in range(0, len(instances), _MOST_STATUSES):
                _of_all(instances[start : start + _MOST_STATUSES], ask, harmless=_NO_INSTANCE)
        return fine

    def tagged(self, region: str) -> tuple[Tagged, ...]:
        """Every instance of this deployment that is not terminated, by its tags alone."""
        where = {"tag:gpu:stack": (self._stack,), "instance-state-name": _NOT_TERMINATED}
        return tuple(_tagged(region, shown) for shown in self._instances(region, where))

    def start(self, region: str, *instances: str) -> None:
        """StartInstances; for one that runs already it changes nothing."""
        ec2 = self._ec2(region)
        with translated("StartInstances"):
            _of_all(instances, lambda some: ec2.start_instances(InstanceIds=some))

    def stop(self, region: str, *instances: str) -> None:
        """StopInstances; for one that is stopped already it changes nothing."""
        ec2 = self._ec2(region)
        with translated("StopInstances"):
            _of_all(instances, lambda some: ec2.stop_instances(InstanceIds=some))

    def change_type(self, region: str, instance: str, instance_type: str) -> None:
        """Make a stopped instance another type; nothing changes where it is that type already."""
        with translated("ModifyInstanceAttribute"):
            self._ec2(region).modify_instance_attribute(
                InstanceId=instance, InstanceType={"Value": instance_type}
            )

    def terminate(self, region: str, *instances: str) -> None:
        """Terminate all of them; one that is gone already is no error."""
        ec2 = self._ec2(region)
        with translated("TerminateInstances"):
            _of_all(
                instances,
                lambda some: ec2.terminate_instances(InstanceIds=some),
                harmless=_NO_INSTANCE,
            )

    def tag_deadline(self, region: str, deadline: datetime, *instances: str) -> None:
        """Move the gpu:deadline tag (epoch seconds), which the sweep and the machine read."""
        ec2 = self._ec2(region)
        tag: Any = {"Key": "gpu:deadline", "Value": str(int(deadline.timestamp()))}
        with translated("CreateTags"):
            _of_all(instances, lambda some: ec2.create_tags(Resources=some, Tags=[tag]))

    def _instances(
        self, region: str, where: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Mapping[str, Any]]:
        """What DescribeInstances shows, all pages of it: a part of an answer is no answer."""
        filters: Any = [{"Name": name, "Values": list(values)} for name, values in where.items()]
        with translated("DescribeInstances"):
            pages = (
                self._ec2(region)
                .get_paginator("describe_instances")
                .paginate(Filters=filters, PaginationConfig={"PageSize": _PAGE})
            )
            for page in pages:
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]


def _of_all(
    instances: Sequence[str], call: Callable[[list[str]], object], *, harmless: str = ""
) -> None:
    """One call for all of them. EC2 does none of it for one bad id: then it is halved, so that the
    bad one keeps nothing from the others. The error of the bad one is raised at the end."""
    if not instances:
        return
    try:
        call(list(instances))
    except ClientError as error:
        if len(instances) == 1 and code_of(error) == harmless:
            return
        if len(instances) == 1 or code_of(error) not in _OF_ONE:
            raise
    else:
        return
    middle = len(instances) // 2
    try:
        _of_all(instances[:middle], call, harmless=harmless)
    finally:
        _of_all(instances[middle:], call, harmless=harmless)


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
        kind=shown.get("InstanceType", ""),
        ended_at=_ended_at(shown.get("StateTransitionReason", "")),
        deadline=_deadline(_tags(shown).get("gpu:deadline", "")),
    )


def _ended_at(transition: str) -> datetime | None:
    """The time in EC2's words about the last stop or end, None where they have none."""
    found = _ENDED.search(transition)
    try:
        return datetime.fromisoformat(f"{found[1]}+00:00") if found else None
    except ValueError:
        return None


def _tags(shown: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in shown.get("Tags", [])}


def _cpus(shown: Mapping[str, Any]) -> int:
    cpu = shown.get("CpuOptions", {})
    return int(cpu.get("CoreCount", 0)) * int(cpu.get("ThreadsPerCore", 1))


def _market(shown: Mapping[str, Any]) -> Market:
    return Market.SPOT if shown.get("InstanceLifecycle") == "spot" else Market.ON_DEMAND


def _tagged(region: str, shown: Mapping[str, Any]) -> Tagged:
    tags, instance = _tags(shown), _instance(region, shown)
    return Tagged(
        instance=instance,
        machine=tags.get("gpu:machine", ""),
        owner=tags.get("gpu:owner", ""),
        market=_market(shown),
        deadline=instance.deadline,
    )


def _deadline(text: str) -> datetime | None:
    """Epoch seconds and nothing else; None for what cannot be read."""
    return datetime.fromtimestamp(int(text), UTC) if _EPOCH.fullmatch(text) else None
