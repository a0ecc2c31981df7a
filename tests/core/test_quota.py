"""vCPU arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import quota_of
from core.model import Market, QuotaFacts
from core.ports import InUse
from core.quota import ask_for, short, used


def facts(limit: int, used: int = 0, in_flight: int = 0) -> QuotaFacts:
    return QuotaFacts(
        code="L-1", name="P", region="us-east-1", limit=limit, used=used, in_flight=in_flight
    )


def test_only_what_draws_on_the_same_quota_counts() -> None:
    in_use = (
        InUse(instance_type="p3.2xlarge", market=Market.SPOT, vcpus=8),
        InUse(instance_type="p4d.24xlarge", market=Market.SPOT, vcpus=96),
        InUse(instance_type="p5.48xlarge", market=Market.SPOT, vcpus=192),
        InUse(instance_type="p3.2xlarge", market=Market.ON_DEMAND, vcpus=16),
        InUse(instance_type="p5.48xlarge", market=Market.ON_DEMAND, vcpus=192),
        InUse(instance_type="t3.micro", market=Market.ON_DEMAND, vcpus=2),
    )
    assert used(in_use, quota_of("p3.2xlarge", Market.SPOT)) == 104
    assert used(in_use, quota_of("p3.2xlarge", Market.ON_DEMAND)) == 208
    assert used(in_use, quota_of("g5.xlarge", Market.SPOT)) == 0
    assert used((), quota_of("g5.xlarge", Market.SPOT)) == 0


@pytest.mark.parametrize(
    ("quota", "needed", "missing", "total"),
    [
        (facts(0), 8, 8, 8),
        (facts(8), 8, 0, 9),
        (facts(8, used=8), 8, 8, 16),
        (facts(8, used=4), 8, 4, 12),
        (facts(8, in_flight=8), 8, 8, 16),
        (facts(4), 8, 4, 8),
        (facts(4, used=8), 8, 8, 16),  # the limit was lowered under running machines
        (facts(100, used=10), 8, 0, 101),
    ],
)
def test_what_is_missing_and_what_to_ask_for(
    quota: QuotaFacts, needed: int, missing: int, total: int
) -> None:
    assert short(quota, needed) == missing
    assert ask_for(quota, needed) == total


counts = st.integers(0, 5000)


@given(counts, counts, counts, counts)
def test_what_is_asked_for_is_enough_and_above_the_limit(
    limit: int, taken: int, flying: int, needed: int
) -> None:
    before = facts(limit, taken, flying)
    total = ask_for(before, needed)
    assert total > limit
    assert short(facts(total, taken, flying), needed) == 0
