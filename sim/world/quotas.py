"""Service Quotas of EC2: limits in vCPUs, what uses them, and requests for more."""

from decimal import Decimal
from typing import Any

from sim.world.asking import Operation, Params, page
from sim.world.data import Quota, load_quotas, quota_of
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import QuotaRequest, Region

OPEN = ("PENDING", "CASE_OPENED")
_SERVICE = "Amazon Elastic Compute Cloud (Amazon EC2)"


def used(region: Region, quota: Quota) -> int:
    """vCPUs of the quota's pending and running instances."""
    return sum(
        i.vcpus
        for i in region.instances.values()
        if i.counts and i.market == quota.market and _draws(i.instance_type, quota)
    )


def _draws(instance_type: str, quota: Quota) -> bool:
    return quota_of(instance_type, quota.market) == quota


def room(region: Region, instance_type: str, market: str) -> int:
    """vCPUs that may still be started of that type's family and market."""
    quota = quota_of(instance_type, market)
    return int(region.limits[quota.code]) - used(region, quota)


# ---- reading ------------------------------------------------------------------------------------


def _service(params: Params) -> None:
    if params.get("ServiceCode") != "ec2":
        raise AwsError(
            "NoSuchResourceException",
            f"The request failed because service {params.get('ServiceCode')} "
            "does not exist (the world knows ec2 alone).",
        )


def _quota(params: Params) -> Quota:
    _service(params)
    for quota in load_quotas():
        if quota.code == params.get("QuotaCode"):
            return quota
    raise AwsError(
        "NoSuchResourceException",
        "The request failed because the specified service quota does not exist.",
    )


def _list(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    _service(params)
    shown, more = page(load_quotas(), params, most=100, default=100)
    return {"Quotas": [_shape(ground, region, q, region.limits[q.code]) for q in shown], **more}


def _list_defaults(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    _service(params)
    shown, more = page(load_quotas(), params, most=100, default=100)
    return {"Quotas": [_shape(ground, region, q, q.default) for q in shown], **more}


def _get(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    quota = _quota(params)
    return {"Quota": _shape(ground, region, quota, region.limits[quota.code])}


def _get_default(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    quota = _quota(params)
    return {"Quota": _shape(ground, region, quota, quota.default)}


def _shape(ground: Ground, region: Region, quota: Quota, value: float) -> dict[str, Any]:
    market = "Spot" if quota.market == "spot" else "OnDemand"
    family = "Standard" if "a" in quota.families else quota.families[0].upper()
    return {
        "ServiceCode": "ec2",
        "ServiceName": _SERVICE,
        "QuotaArn": f"arn:aws:servicequotas:{region.name}:{ground.account}:ec2/{quota.code}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "UsageMetric": {
            "MetricNamespace": "AWS/Usage",
            "MetricName": "ResourceCount",
            "MetricDimensions": {
                "Class": f"{family}/{market}",
                "Resource": "vCPU",
                "Service": "EC2",
                "Type": "Resource",
            },
            "MetricStatisticRecommendation": "Maximum",
        },
    }


# ---- asking for more ----------------------------------------------------------------------------


def _request(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    quota, desired = _quota(params), _desired(params)
    if any(r.code == quota.code and r.status in OPEN for r in region.quota_requests.values()):
        raise AwsError(
            "ResourceAlreadyExistsException",
            "Only one open service quota increase request is allowed per quota.",
        )
    if desired <= region.limits[quota.code]:
        raise AwsError(
            "IllegalArgumentException",
            "The desired value must be greater than the current value of the quota.",
        )
    request = QuotaRequest(
        id=ground.quota_request_id(),
        region=region.name,
        code=quota.code,
        name=quota.name,
        desired=desired,
        status="PENDING",
        created=ground.time,
        updated=ground.time,
    )
    region.quota_requests[request.id] = request
    if ground.settings.quota_decision is not None:
        ground.later(ground.settings.quota_decision, lambda: grant(ground, region, request))
    return {"RequestedQuota": _request_shape(ground, request)}


def _desired(params: Params) -> float:
    try:
        value = Decimal(str(params.get("DesiredValue")))
    except ArithmeticError as error:
        raise AwsError("IllegalArgumentException", "DesiredValue is not a number.") from error
    if not 0 <= value <= 10_000_000_000:
        raise AwsError("IllegalArgumentException", "DesiredValue is out of range.")
    return float(value)


def grant(
    ground: Ground,
    region: Region,
    request: QuotaRequest,
    value: float | None = None,
    shown_after: float = 0,
) -> None:
    """AWS says yes, to all of it or to `value` vCPUs; nothing where the request is decided. The
    limit shows it so many seconds later."""
    if request.status not in OPEN:
        return
    request.status, request.updated = "APPROVED", ground.time
    granted = request.desired if value is None else value

    def show() -> None:
        region.limits[request.code] = max(region.limits[request.code], granted)

    if shown_after:
        ground.later(shown_after, show)
    else:
        show()


def deny(ground: Ground, request: QuotaRequest) -> None:
    """AWS says no; nothing where the request is decided."""
    if request.status in OPEN:
        request.status, request.updated = "DENIED", ground.time


def _change(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    request = region.quota_requests.get(params.get("RequestId", ""))
    if request is None:
        raise AwsError(
            "NoSuchResourceException",
            "The request failed because the specified request does not exist.",
        )
    return {"RequestedQuota": _request_shape(ground, request)}


def _history(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    """The newest first, as AWS gives them."""
    quota = _quota(params)
    found = [
        request
        for request in reversed(region.quota_requests.values())
        if request.code == quota.code and params.get("Status") in (None, request.status)
    ]
    shown, more = page(found, params, most=100, default=100)
    return {"RequestedQuotas": [_request_shape(ground, request) for request in shown], **more}


def _request_shape(ground: Ground, request: QuotaRequest) -> dict[str, Any]:
    shape = {
        "Id": request.id,
        "RequestType": "ManualQuotaIncrease",
        "ServiceCode": "ec2",
        "ServiceName": _SERVICE,
        "QuotaCode": request.code,
        "QuotaName": request.name,
        "DesiredValue": request.desired,
        "Status": request.status,
        "Created": request.created,
        "LastUpdated": request.updated,
        "Requester": f'{{"accountId":"{ground.account}"}}',
        "QuotaArn": f"arn:aws:servicequotas:{request.region}:{ground.account}:ec2/{request.code}",
        "GlobalQuota": False,
        "Unit": "None",
        "QuotaRequestedAtLevel": "ACCOUNT",
    }
    return {**shape, "CaseId": request.case} if request.case else shape


_ONE = {"ServiceCode": None, "QuotaCode": None}
_MANY = {"ServiceCode": None, "MaxResults": None, "NextToken": None}
OPERATIONS = (
    Operation(name="ListServiceQuotas", takes=_MANY, run=_list),
    Operation(name="ListAWSDefaultServiceQuotas", takes=_MANY, run=_list_defaults),
    Operation(name="GetServiceQuota", takes=_ONE, run=_get),
    Operation(name="GetAWSDefaultServiceQuota", takes=_ONE, run=_get_default),
    Operation(
        name="RequestServiceQuotaIncrease",
        takes={**_ONE, "DesiredValue": None, "SupportCaseAllowed": None},
        run=_request,
    ),
    Operation(name="GetRequestedServiceQuotaChange", takes={"RequestId": None}, run=_change),
    Operation(
        name="ListRequestedServiceQuotaChangeHistoryByQuota",
        takes={**_ONE, "Status": None, "MaxResults": None, "NextToken": None},
        run=_history,
    ),
)
