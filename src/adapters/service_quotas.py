"""Service Quotas of EC2: limits in vCPUs, and requests for more."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.faults import CloudError, Fault, FaultKind
from core.model import QuotaChange, QuotaStatus
from core.ports import Limit
from core.quota import same_quota

if TYPE_CHECKING:
    from mypy_boto3_service_quotas import ServiceQuotasClient

_EC2 = "ec2"
_NONE_SUCH = "NoSuchResourceException"


class ServiceQuotas:
    """core.ports.Quotas over Service Quotas."""

    def __init__(self, clients: "Callable[[str], ServiceQuotasClient]") -> None:
        self._quotas = clients
        self._codes: dict[str, str] = {}  # by name; AWS's codes are the same in every region

    def limits(self, region: str) -> tuple[Limit, ...]:
        """Every quota of EC2: the applied value, or the default where none was ever applied."""
        found = {q["QuotaCode"]: q for q in self._listed(region)}
        with translated("ListServiceQuotas"):
            pages = (
                self._quotas(region).get_paginator("list_service_quotas").paginate(ServiceCode=_EC2)
            )
            found |= {q["QuotaCode"]: q for page in pages for q in page["Quotas"]}
        self._codes.update({q["QuotaName"]: q["QuotaCode"] for q in found.values()})
        return tuple(
            Limit(code=q["QuotaCode"], name=q["QuotaName"], vcpus=int(q["Value"]))
            for q in found.values()
        )

    def limit(self, region: str, name: str, code: str) -> tuple[str, str, int]:
        """(code, name, applied vCPUs) of the quota; by its name where `code` is empty."""
        found = self._applied(region, code or self._code_of(region, name))
        return found["QuotaCode"], found["QuotaName"], int(found["Value"])

    def _applied(self, region: str, code: str) -> Mapping[str, Any]:
        """A quota that was never changed may have a default only."""
        client = self._quotas(region)
        with translated("GetServiceQuota"):
            try:
                return client.get_service_quota(ServiceCode=_EC2, QuotaCode=code)["Quota"]
            except ClientError as error:
                if code_of(error) != _NONE_SUCH:
                    raise
        with translated("GetAWSDefaultServiceQuota"):
            return client.get_aws_default_service_quota(ServiceCode=_EC2, QuotaCode=code)["Quota"]

    def _code_of(self, region: str, name: str) -> str:
        """AWS's sources disagree about some codes, so the name that AWS itself lists decides."""
        if name not in self._codes:
            self._codes.update({q["QuotaName"]: q["QuotaCode"] for q in self._listed(region)})
        listed = same_quota(name, self._codes)
        if listed is None:
            raise _unlisted(name)
        return self._codes[listed]

    def _listed(self, region: str) -> Iterator[Mapping[str, Any]]:
        with translated("ListAWSDefaultServiceQuotas"):
            pages = (
                self._quotas(region)
                .get_paginator("list_aws_default_service_quotas")
                .paginate(ServiceCode=_EC2)
            )
            for page in pages:
                yield from page["Quotas"]

    def raise_to(self, region: str, code: str, vcpus: int) -> QuotaChange:
        """Ask AWS for this new total; AWS keeps one open request a quota, which is given back."""
        with translated("RequestServiceQuotaIncrease"):
            try:
                answer = self._quotas(region).request_service_quota_increase(
                    ServiceCode=_EC2, QuotaCode=code, DesiredValue=float(vcpus)
                )
                return _change(answer["RequestedQuota"])
            except ClientError as error:
                if code_of(error) != "ResourceAlreadyExistsException":
                    raise
                known = self.open_change(region, code)
                if known is None:
                    raise
                return known

    def change(self, region: str, change_id: str) -> QuotaChange:
        """What has become of a request."""
        with translated("GetRequestedServiceQuotaChange"):
            answer = self._quotas(region).get_requested_service_quota_change(RequestId=change_id)
        return _change(answer["RequestedQuota"])

    def open_change(self, region: str, code: str) -> QuotaChange | None:
        """The request that AWS has still to decide, if there is one."""
        with translated("ListRequestedServiceQuotaChangeHistoryByQuota"):
            pages = (
                self._quotas(region)
                .get_paginator("list_requested_service_quota_change_history_by_quota")
                .paginate(ServiceCode=_EC2, QuotaCode=code)
            )
            found = [_change(shown) for page in pages for shown in page["RequestedQuotas"]]
        return next((change for change in found if change.status.is_open), None)


def _change(shown: Mapping[str, Any]) -> QuotaChange:
    return QuotaChange(
        id=shown["Id"],
        status=_status(shown["Status"]),
        desired=int(shown["DesiredValue"]),
        case_id=shown.get("CaseId") or None,
    )


def _status(word: str) -> QuotaStatus:
    """A word that AWS has added since decides nothing: the request is followed up further."""
    return QuotaStatus(word) if word in set(QuotaStatus) else QuotaStatus.PENDING


def _unlisted(name: str) -> CloudError:
    """No limit is known, which is no refusal: RunInstances itself says whether there is room."""
    return CloudError(
        Fault(
            kind=FaultKind.UNKNOWN,
            code="QuotaNotListed",
            message=f"Service Quotas lists no quota called {name}",
            operation="ListAWSDefaultServiceQuotas",
        )
    )
