"""Spot prices move: a week of history, the same for a seed, and the price list asked in bulk."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from sim.boto import client
from sim.world import World

WEEK = timedelta(days=7)


def history(ec2: Any, **more: Any) -> list[Any]:
    asked = {"InstanceTypes": ["g5.xlarge"], "ProductDescriptions": ["Linux/UNIX"], **more}
    pages = ec2.get_paginator("describe_spot_price_history").paginate(**asked)
    return [row for page in pages for row in page["SpotPriceHistory"]]


def of_zone(rows: list[Any], zone: str) -> list[tuple[datetime, Decimal]]:
    found = [r for r in rows if r["AvailabilityZone"] == zone]
    return [(r["Timestamp"], Decimal(r["SpotPrice"])) for r in found]


def test_a_week_holds_changes_newest_first_and_what_was_in_effect_at_its_start(earth: Any) -> None:
    rows = history(earth.ec2, StartTime=earth.now - WEEK)
    assert [r["Timestamp"] for r in rows] == sorted((r["Timestamp"] for r in rows), reverse=True)
    times, prices = zip(*of_zone(rows, "us-east-1a"), strict=True)
    assert times[-1] <= earth.now - WEEK < times[-2]
    assert all(one != other for one, other in pairwise(prices))
    assert min(prices) > max(prices) * Decimal("0.7")


def test_a_start_of_now_gives_the_price_in_effect_and_nothing_else(earth: Any) -> None:
    rows = history(earth.ec2, StartTime=earth.now)
    zones = [r["AvailabilityZone"] for r in rows]
    assert len(zones) == len(set(zones)) == 5
    week = history(earth.ec2, StartTime=earth.now - WEEK)
    for zone in zones:
        assert of_zone(rows, zone) == of_zone(week, zone)[:1]


def test_an_end_leaves_later_changes_out_and_must_not_be_before_the_start(
    earth: Any, refused: Any
) -> None:
    end = earth.now - timedelta(days=3)
    rows = history(earth.ec2, StartTime=earth.now - WEEK, EndTime=end)
    assert rows
    assert all(r["Timestamp"] <= end for r in rows)
    code, _, _ = refused(
        earth.ec2.describe_spot_price_history, StartTime=earth.now, EndTime=earth.now - WEEK
    )
    assert code == "InvalidParameterValue"


def test_prices_move_as_time_passes_and_the_history_does_not_change(earth: Any) -> None:
    began = earth.now
    before = of_zone(history(earth.ec2, StartTime=began - WEEK), "us-east-1a")
    earth.passes(86_400)
    after = of_zone(history(earth.ec2, StartTime=began - WEEK), "us-east-1a")
    assert after[-len(before) :] == before
    assert len(after) > len(before)


def test_a_seed_gives_the_same_prices_and_another_seed_others() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def week(seed: int) -> list[Any]:
        ec2 = client(World(lambda: now, seed=seed), "ec2", "us-east-1")
        return history(ec2, StartTime=now - WEEK)

    assert week(1) == week(1)
    assert week(1) != week(2)


def test_every_seed_begins_with_the_figures_of_the_world() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    first = [
        of_zone(
            history(client(World(lambda: now, seed=seed), "ec2", "us-east-1"), StartTime=now),
            "us-east-1a",
        )[0][1]
        for seed in (1, 2)
    ]
    assert first[0] == first[1]


def test_history_comes_in_pages(earth: Any) -> None:
    asked = {"StartTime": earth.now - WEEK, "ProductDescriptions": ["Linux/UNIX"]}
    first = earth.ec2.describe_spot_price_history(MaxResults=1000, **asked)
    assert len(first["SpotPriceHistory"]) == 1000
    assert first["NextToken"]


def test_a_machine_shows_the_price_it_was_bought_at(earth: Any) -> None:
    earth.allow()
    spot = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}
    earth.run(InstanceMarketOptions=spot)
    (before,) = earth.world.state()["instances"]
    earth.passes(86_400)
    (after,) = earth.world.state()["instances"]
    assert before["hourly"] == after["hourly"]


@pytest.mark.parametrize("value", ["g5.xlarge", "g5.xlarge,p3.2xlarge,none.such"])
def test_the_price_list_takes_several_types_at_once(earth: Any, value: str) -> None:
    where = {"regionCode": "us-east-1", "capacitystatus": "Used"}
    filters = [{"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in where.items()]
    filters.append({"Type": "ANY_OF", "Field": "instanceType", "Value": value})
    pricing = client(earth.world, "pricing", "us-east-1")
    answer = pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)
    found = {json.loads(p)["product"]["attributes"]["instanceType"] for p in answer["PriceList"]}
    assert found == set(value.split(",")) - {"none.such"}


def test_the_price_list_refuses_a_filter_that_is_too_long(earth: Any, refused: Any) -> None:
    pricing = client(earth.world, "pricing", "us-east-1")
    long = [{"Type": "ANY_OF", "Field": "instanceType", "Value": "g5.xlarge," * 103}]
    code, _, _ = refused(pricing.get_products, ServiceCode="AmazonEC2", Filters=long)
    assert code == "InvalidParameterException"
