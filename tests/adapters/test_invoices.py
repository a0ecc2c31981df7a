"""Cost Explorer's answers: over the world's own bill, and in the shapes that AWS gives."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.invoices import CostExplorer
from core.faults import CloudError, FaultKind
from sim import boto
from sim.town import Town

FIRST, AFTER = date(2026, 11, 24), date(2026, 11, 26)


def day(start: date, amount: str | None, unit: str = "USD") -> dict[str, Any]:
    """One day as Cost Explorer tells it; without an amount where it has none."""
    following = start + timedelta(days=1)
    return {
        "TimePeriod": {"Start": start.isoformat(), "End": following.isoformat()},
        "Total": {"UnblendedCost": {"Amount": amount, "Unit": unit}} if amount else {},
        "Groups": [],
        "Estimated": True,
    }


def test_days_are_asked_for_by_the_stacks_mark(aws: Any) -> None:
    aws.answer("GetCostAndUsage", ResultsByTime=[day(FIRST, "1.0060000000")])
    found = CostExplorer(aws.client("ce"), "gpu.us-east-1").by_day(FIRST, AFTER)
    assert found == {FIRST: Decimal("1.006")}
    assert aws.asked("GetCostAndUsage") == [
        {
            "TimePeriod": {"Start": "2026-11-24", "End": "2026-11-26"},
            "Granularity": "DAILY",
            "Metrics": ["UnblendedCost"],
            "Filter": {"Tags": {"Key": "gpu:stack", "Values": ["gpu.us-east-1"]}},
        }
    ]


def test_days_of_every_page_are_told(aws: Any) -> None:
    second = FIRST + timedelta(days=1)
    aws.answer_once("GetCostAndUsage", ResultsByTime=[day(FIRST, "1")], NextPageToken="more")
    aws.answer("GetCostAndUsage", ResultsByTime=[day(second, "2")])
    found = CostExplorer(aws.client("ce"), "gpu").by_day(FIRST, AFTER)
    assert found == {FIRST: Decimal(1), second: Decimal(2)}
    pages = [asked.get("NextPageToken") for asked in aws.asked("GetCostAndUsage")]
    assert pages == [None, "more"]


@pytest.mark.parametrize("odd", [day(FIRST, None), day(FIRST, "7", unit="CNY")])
def test_a_day_without_dollars_is_absent(aws: Any, odd: dict[str, Any]) -> None:
    aws.answer("GetCostAndUsage", ResultsByTime=[odd])
    assert CostExplorer(aws.client("ce"), "gpu").by_day(FIRST, AFTER) == {}


def test_that_there_is_no_data_yet_is_no_error(aws: Any) -> None:
    aws.fail("GetCostAndUsage", "DataUnavailableException")
    assert CostExplorer(aws.client("ce"), "gpu").by_day(FIRST, AFTER) == {}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", FaultKind.DENIED),
        ("LimitExceededException", FaultKind.UNKNOWN),
        ("timeout", FaultKind.UNKNOWN),
    ],
)
def test_a_refusal_is_told_in_the_houses_words(aws: Any, code: str, kind: FaultKind) -> None:
    aws.fail("GetCostAndUsage", code)
    with pytest.raises(CloudError) as caught:
        CostExplorer(aws.client("ce"), "gpu").by_day(FIRST, AFTER)
    assert caught.value.fault.kind is kind


def test_the_worlds_bill_is_read_by_day() -> None:
    here = Town()
    here.ready_to_launch()
    here.with_quota()
    here.type("launch g5.xlarge on-demand in us-east-1 for 20h name bert")
    here.pass_time(timedelta(days=2))
    client = boto.client(here.world, "ce", "us-east-1")
    found = CostExplorer(client, here.policy.stack).by_day(FIRST, AFTER)
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    for which, since in ((FIRST, midnight - timedelta(days=1)), (AFTER - timedelta(1), midnight)):
        bill = here.world.bill(since, since + timedelta(days=1), here.policy.stack)
        assert abs(found[which] - bill) < Decimal("0.0000001")
        assert bill > 4
    others = CostExplorer(client, "another-stack").by_day(FIRST, AFTER)
    assert set(others.values()) <= {Decimal(0)}
