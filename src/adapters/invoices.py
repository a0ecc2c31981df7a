"""Cost Explorer: what AWS asks for, by day. Each page of an answer costs $0.01."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from adapters.aws_errors import translated
from core.faults import CloudError

_METRIC = "UnblendedCost"
# Where Cost Explorer was switched on within the last day, and for days it has not heard of.
_NOT_THERE_YET = "DataUnavailableException"


class CostExplorerClient(Protocol):
    """What is used of boto3's client."""

    def get_cost_and_usage(self, **asked: Any) -> Mapping[str, Any]: ...


class CostExplorer:
    """core.ports.Invoices over Cost Explorer: of what carries the stack's value of `gpu:stack`."""

    def __init__(self, client: CostExplorerClient, stack: str) -> None:
        self._client = client
        self._stack = stack

    def by_day(self, first: date, after: date) -> Mapping[date, Decimal]:
        """USD of each day; days that AWS does not tell are absent."""
        try:
            with translated("GetCostAndUsage"):
                return dict(self._days(first, after))
        except CloudError as error:
            if error.fault.code == _NOT_THERE_YET:
                return {}
            raise

    def _days(self, first: date, after: date) -> Iterator[tuple[date, Decimal]]:
        for day in self._results(first, after):
            cost = day.get("Total", {}).get(_METRIC, {})
            if cost.get("Unit") == "USD":
                yield date.fromisoformat(day["TimePeriod"]["Start"]), Decimal(cost["Amount"])

    def _results(self, first: date, after: date) -> Iterator[Mapping[str, Any]]:
        """botocore has no paginator for it."""
        asked: dict[str, Any] = {
            "TimePeriod": {"Start": first.isoformat(), "End": after.isoformat()},
            "Granularity": "DAILY",
            "Metrics": [_METRIC],
            "Filter": {"Tags": {"Key": "gpu:stack", "Values": [self._stack]}},
        }
        while True:
            answer = self._client.get_cost_and_usage(**asked)
            yield from answer["ResultsByTime"]
            if not answer.get("NextPageToken"):
                return
            asked["NextPageToken"] = answer["NextPageToken"]
