"""Which rights calls of the other services ask IAM for; EC2's are in sim.world.rights."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sim.iam import Ask, context_of
from sim.world.asking import Params
from sim.world.ground import Ground
from sim.world.rights import linked_role
from sim.world.things import Region

_PREFIXES = {"service-quotas": "servicequotas"}
_QUOTAS = "servicequotas.amazonaws.com"
_Wants = Callable[[Ground, Region, Params], Iterator[tuple[str, dict[str, Any]]]]


def asks(ground: Ground, region: Region, service: str, operation: str, params: Params) -> list[Ask]:
    """Everything that this call wants to be allowed."""
    action = f"{_PREFIXES.get(service, service)}:{operation}"
    always = {"aws:RequestedRegion": region.name}
    wants = _WANTS.get(operation, _anywhere)
    found = [
        Ask(action=action, resource=resource, context=context_of({**always, **extra}))
        for resource, extra in wants(ground, region, params)
    ]
    if operation == "RequestServiceQuotaIncrease" and not _asked_before(ground):
        found.append(linked_role(ground.account, _QUOTAS, "AWSServiceRoleForServiceQuotas"))
    return found


def _asked_before(ground: Ground) -> bool:
    return any(region.quota_requests for region in ground.regions.values())


def _anywhere(_: Ground, __: Region, ___: Params) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "*", {}


def _quota(ground: Ground, region: Region, params: Params) -> Iterator[tuple[str, dict[str, Any]]]:
    where = f"{region.name}:{ground.account}"
    code = f"{params.get('ServiceCode')}/{params.get('QuotaCode')}"
    yield f"arn:aws:servicequotas:{where}:{code}", {}


def _parameters(_: Ground, region: Region, params: Params) -> Iterator[tuple[str, dict[str, Any]]]:
    """Public parameters are of no account."""
    for name in params.get("Names") or ():
        yield f"arn:aws:ssm:{region.name}::parameter/{str(name).lstrip('/')}", {}


def _command(
    ground: Ground, region: Region, params: Params
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Documents of Amazon are of no account."""
    yield f"arn:aws:ssm:{region.name}::document/{params.get('DocumentName')}", {}
    for one in params.get("InstanceIds") or ():
        instance = region.instances.get(one)
        tags = instance.tags if instance else {}
        carried = {f"{s}:resourceTag/{k}": v for k, v in tags.items() for s in ("ssm", "aws")}
        yield f"arn:aws:ec2:{region.name}:{ground.account}:instance/{one}", carried


_WANTS: Mapping[str, _Wants] = {
    "GetParameters": _parameters,
    "SendCommand": _command,
    "GetServiceQuota": _quota,
    "ListRequestedServiceQuotaChangeHistoryByQuota": _quota,
    "RequestServiceQuotaIncrease": _quota,
}
