"""vCPU arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import quota_of
from core.model import Market, QuotaFacts
from core.ports import InUse
from core.quota import (
    ask_for,
    families,
    is_accelerated,
    market_of,
    quota_for,
    same_quota,
    short,
    used,
)


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


# ---- names ----------------------------------------------------------------------------------

P_OD = "Running On-Demand P instances"
P_SPOT = "All P4, P3 and P2 Spot Instance Requests"
P5_SPOT = "All P5 Spot Instance Requests"
G_OD = "Running On-Demand G and VT instances"
G_SPOT = "All G and VT Spot Instance Requests"
STANDARD = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
INF_SPOT = "All Inf Spot Instance Requests"
U_OD = "Running On-Demand High Memory instances"
OTHERS = ("EC2-VPC Elastic IPs", "Running Dedicated p3 Hosts", "New Reserved Instances per month")
NAMES = (P_OD, P_SPOT, P5_SPOT, G_OD, G_SPOT, STANDARD, INF_SPOT, U_OD, *OTHERS)


@pytest.mark.parametrize(
    ("name", "listed", "market", "accelerated"),
    [
        (P_SPOT, {"p4", "p3", "p2"}, Market.SPOT, True),
        (P5_SPOT, {"p5"}, Market.SPOT, True),
        (P_OD, {"p"}, Market.ON_DEMAND, True),
        (G_OD, {"g", "vt"}, Market.ON_DEMAND, True),
        (STANDARD, set("acdhimrtz"), Market.ON_DEMAND, False),
        (U_OD, {"u"}, Market.ON_DEMAND, False),
        ("Running On-Demand X instances", {"x"}, Market.ON_DEMAND, False),
        ("All Q7 and Q8 Spot Instance Requests", {"q7", "q8"}, Market.SPOT, True),
        *((name, set(), Market.ON_DEMAND, False) for name in OTHERS),
    ],
)
def test_the_name_of_a_quota_tells_what_it_counts(
    name: str, listed: set[str], market: Market, accelerated: bool
) -> None:
    assert families(name) == listed
    assert market_of(name) is market
    assert is_accelerated(name) is accelerated


@pytest.mark.parametrize(
    ("instance_type", "market", "name"),
    [
        ("p3.2xlarge", Market.SPOT, P_SPOT),
        ("p3dn.24xlarge", Market.SPOT, P_SPOT),
        ("p4de.24xlarge", Market.SPOT, P_SPOT),
        ("p5.48xlarge", Market.SPOT, P5_SPOT),
        ("p5en.48xlarge", Market.SPOT, P5_SPOT),
        ("p5en.48xlarge", Market.ON_DEMAND, P_OD),
        ("p6-b200.48xlarge", Market.SPOT, None),
        ("p6-b200.48xlarge", Market.ON_DEMAND, P_OD),
        ("g6e.xlarge", Market.SPOT, G_SPOT),
        ("gr6.4xlarge", Market.ON_DEMAND, G_OD),
        ("vt1.3xlarge", Market.SPOT, G_SPOT),
        ("inf2.xlarge", Market.SPOT, INF_SPOT),
        ("trn1.2xlarge", Market.SPOT, None),
        ("t3.micro", Market.ON_DEMAND, STANDARD),
        ("u-6tb1.metal", Market.ON_DEMAND, U_OD),
    ],
)
def test_a_type_is_counted_by_the_quota_of_its_generation_or_its_letter(
    instance_type: str, market: Market, name: str | None
) -> None:
    assert quota_for(instance_type, market, NAMES) == name


def test_a_quota_that_aws_has_renamed_is_found_by_its_families() -> None:
    renamed = "All P6 and P5 Spot Instance Requests"
    assert same_quota(P5_SPOT, (P_SPOT, renamed)) == renamed
    assert same_quota("All P6 Spot Instance Requests", (P_SPOT, renamed)) == renamed
    assert same_quota("All P6 Spot Instance Requests", NAMES) is None
    assert same_quota(P5_SPOT, (renamed, P5_SPOT)) == P5_SPOT
    assert same_quota("Fast snapshot restore", NAMES) is None
    assert quota_for("p6-b300.48xlarge", Market.SPOT, (P_SPOT, renamed)) == renamed


def test_the_names_that_we_ask_for_count_the_types_that_we_ask_them_for() -> None:
    for kind in ("p2.xlarge", "p3.2xlarge", "p4d.24xlarge", "p5.4xlarge", "p6-b200.48xlarge"):
        for market in Market:
            wanted = quota_of(kind, market).name
            assert quota_for(kind, market, (wanted,)) == wanted
    for kind in ("g6.xlarge", "gr6.4xlarge", "inf1.xlarge", "trn2.3xlarge", "dl1.24xlarge"):
        for market in Market:
            wanted = quota_of(kind, market).name
            assert quota_for(kind, market, (wanted,)) == wanted
