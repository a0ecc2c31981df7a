"""`gpu types` and `gpu price`: what is told, how old it is, how few calls it takes, and what is
said when AWS does not answer."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.flows import market as flow
from core.model import Full, Market, RegionOffers
from sandbox.slack.blocks import message_faults
from sim.town import Town, town

HOUR = timedelta(hours=1)


@pytest.fixture
def lab() -> Town:
    return Town()


def said(lab: Town, text: str) -> str:
    """The words of the one answer, which Slack would take."""
    (message,) = lab.type(text)
    assert message_faults(json.loads(json.dumps(message.blocks))) == []
    return message.text


def blocks(lab: Town, text: str) -> str:
    """Everything that the blocks say: the plain text of a long list is cut."""
    (message,) = lab.type(text)
    return json.dumps(message.blocks, ensure_ascii=False)


def calls(lab: Town) -> dict[str, int]:
    """Counts every call of AWS from now on, by operation."""
    counted: dict[str, int] = {}
    before = lab.world.call

    def count(service: str, region: str, operation: str, params: Any) -> Any:
        counted[operation] = counted.get(operation, 0) + 1
        return before(service, region, operation, params)

    lab.world.call = count  # type: ignore[method-assign]
    return counted


def fail(lab: Town, operation: str, region: str | None = None, times: int = 99) -> None:
    lab.control(
        do="fault", operation=operation, code="RequestLimitExceeded", times=times, region=region
    )


# ---- types ----------------------------------------------------------------------------------


def test_without_a_filter_every_family_has_a_line_with_its_cheapest_prices(lab: Town) -> None:
    told = said(lab, "types")
    assert "`g5` 1 to 8 x NVIDIA A10G, 22 GiB each: $0." in told
    assert "`g6f` 1/8 to 1/2 of an NVIDIA L4" in told
    assert "`trn1` 1 to 16 x AWS Trainium" in told
    assert "`g5g` 1 to 2 x NVIDIA T4g, 16 GiB each, ARM" in told
    assert "t3.micro" not in told


def test_a_family_is_told_type_by_type_with_zones_and_both_prices(lab: Town) -> None:
    told = said(lab, "types g5 in us-east-1")
    facts = "1 x NVIDIA A10G, 22 GiB; 4 vCPU, 16 GiB, 250 GB NVMe, Up to 10 Gigabit"
    assert f"`g5.xlarge`: {facts}" in told
    assert "us-east-1 (a, b, c, d, f): on-demand $1.006/h, spot from $0." in told
    assert "us-west-2" not in told


def test_a_market_leaves_the_other_prices_out(lab: Town) -> None:
    told = said(lab, "types a100 spot in us-east-1")
    assert "spot from $" in told
    assert "on-demand" not in told


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("g6f", "part of an NVIDIA GPU"),
        ("neuron", "AWS Inferentia2 (Neuron)"),
        ("fpga", "FPGA"),
        ("vt1", "media accelerator"),
        ("qualcomm", "inference accelerator"),
    ],
)
def test_accelerators_are_named_for_what_they_are(lab: Town, word: str, kind: str) -> None:
    assert kind in blocks(lab, f"types {word}")


def test_a_long_list_is_brief_and_says_how_to_narrow_it(lab: Town) -> None:
    told = blocks(lab, "types 16GB")
    assert "more: narrow it, such as `/gpu types " in told
    assert "NVMe" not in told


def test_what_nobody_sells_is_said_with_what_can_be_asked(lab: Town) -> None:
    told = said(lab, "types banana")
    assert told.startswith("EC2 sells nothing that fits `banana` in us-east-1, us-west-2 and eu-")
    assert "/gpu types" in told


def test_a_retired_type_is_answered_with_its_nearest_and_their_prices(lab: Town) -> None:
    told = said(lab, "types p2.xlarge")
    assert told.startswith("AWS has retired `p2.xlarge`")
    assert "`g4dn.xlarge` (1 x NVIDIA T4, 16 GiB): $0." in told


def test_a_region_that_is_not_allowed_is_refused(lab: Town) -> None:
    assert "not a region that may be used here" in said(lab, "types in mars-east-1")
    assert "not a region that may be used here" in said(lab, "price g5.xlarge in ap-south-1")


# ---- what is remembered ---------------------------------------------------------------------


def test_offers_are_read_once_an_hour_and_tell_their_age(lab: Town) -> None:
    assert "as AWS told them just now" in said(lab, "types")
    counted = calls(lab)
    lab.now += timedelta(minutes=12)
    assert "as AWS told them 12 min ago" in said(lab, "types")
    assert counted == {"DescribeSpotPriceHistory": 3}
    lab.now += HOUR
    assert "as AWS told them just now" in said(lab, "types")


def test_a_first_look_at_ninety_types_in_a_region_takes_few_calls() -> None:
    lab = town(regions=("us-east-1",))
    counted = calls(lab)
    lab.type("types")
    assert counted == {
        "DescribeInstanceTypes": 1,
        "DescribeInstanceTypeOfferings": 1,
        "DescribeAvailabilityZones": 1,
        "GetProducts": 2,
        "DescribeSpotPriceHistory": 1,
    }


def test_old_offers_are_better_than_none_and_say_so(lab: Town) -> None:
    said(lab, "types")
    fail(lab, "DescribeInstanceTypes")
    lab.now += 5 * HOUR
    assert "as AWS told them 5 h ago" in said(lab, "types g5")


def test_a_region_that_does_not_answer_is_left_out_and_named(lab: Town) -> None:
    fail(lab, "DescribeInstanceTypes", "eu-west-1")
    told = said(lab, "types g5")
    assert "EC2 does not answer for eu-west-1 now" in told
    assert "us-west-2 (a, b, c): on-demand $1.006/h" in told


def test_without_spot_prices_the_list_prices_are_told(lab: Town) -> None:
    fail(lab, "DescribeSpotPriceHistory", "us-west-2")
    told = said(lab, "types g5.xlarge")
    assert "EC2 does not tell spot prices of us-west-2 now" in told
    assert "us-west-2 (a, b, c): on-demand $1.006/h, no spot price" in told


def test_a_price_list_that_was_silent_is_asked_again_and_it_alone(lab: Town) -> None:
    fail(lab, "GetProducts")
    assert "on-demand" not in said(lab, "types g5.xlarge").partition("\n")[2].partition("Where")[0]
    lab.control(do="clear-faults")
    counted = calls(lab)
    assert "on-demand $1.006/h" in said(lab, "types g5.xlarge")
    assert "DescribeInstanceTypes" not in counted
    kept = lab.ledger.row(RegionOffers, "us-east-1")
    assert kept is not None
    assert dict(kept.on_demand)["g5.xlarge"] == Decimal("1.006")


def test_two_readers_at_once_both_have_an_answer(lab: Town) -> None:
    first = flow.offers_of(lab.house, "us-east-1")
    lab.now += 2 * HOUR
    stale = lab.house.ledger.row

    def meanwhile(kind: Any, key: str) -> Any:
        found = stale(kind, key)
        lab.ledger.row = stale  # type: ignore[method-assign]
        flow.offers_of(lab.house, "us-east-1")
        return found

    lab.ledger.row = meanwhile  # type: ignore[method-assign]
    assert flow.offers_of(lab.house, "us-east-1").types == first.types


# ---- price ----------------------------------------------------------------------------------


def cheapest(lab: Town, name: str) -> tuple[Decimal, str]:
    """What EC2 itself says is the cheapest spot pool of a type."""
    found = {
        (price, zone)
        for region in lab.policy.regions
        for (_, zone), price in lab.house.cloud.spot_prices(region, (name,), lab.now).items()
    }
    return min(found)


def test_the_cheapest_place_comes_first_with_the_command_that_takes_it(lab: Town) -> None:
    price, zone = cheapest(lab, "g5.xlarge")
    told = said(lab, "price g5.xlarge")
    first, launch = told.splitlines()[:2]
    assert first.startswith(f"*Cheapest now: ${price.normalize()}/h* for `g5.xlarge`")
    assert f"spot in {zone} (" in first
    assert launch == f"Launch it: `/gpu launch g5.xlarge spot in {zone[:-1]}`"
    assert "$1.006/h on-demand in us-east-1 (a, b, c, d, f)" in told


def test_a_gpu_is_priced_over_all_types_that_have_it(lab: Town) -> None:
    told = said(lab, "price h100")
    assert told.startswith("*Cheapest now: $6.88/h* for `p5.4xlarge` (1 x NVIDIA H100, 80 GiB)")
    assert "What else fits" in told
    assert "`p5.48xlarge`" in told


def test_a_price_is_told_of_machines_without_an_accelerator_too(lab: Town) -> None:
    assert "`t3.micro` (no accelerator)" in said(lab, "price t3.micro")


def test_a_zone_that_was_full_is_marked_and_not_recommended(lab: Town) -> None:
    _, zone = cheapest(lab, "g5.xlarge")
    lab.ledger.save_row(
        Full(
            region=zone[:-1],
            zone=zone,
            instance_type="g5.xlarge",
            market=Market.SPOT,
            until=lab.now + timedelta(minutes=5),
        ),
        None,
    )
    told = said(lab, "price g5.xlarge")
    assert zone not in told.splitlines()[0]
    marked = [line for line in told.splitlines() if "no capacity a moment ago" in line]
    assert len(marked) == 1
    assert zone in marked[0]


def test_a_week_of_spot_is_told_in_words_and_as_a_chart(lab: Town) -> None:
    (message,) = lab.type("price g5.xlarge in us-west-2")
    (chart,) = [b for b in message.blocks if b["type"] == "data_visualization"]
    series = {one["name"]: one["data"] for one in chart["chart"]["series"]}
    now = lab.house.cloud.spot_prices("us-west-2", ("g5.xlarge",), lab.now)
    assert {zone: data[-1]["value"] for zone, data in series.items()} == {
        zone: float(price) for (_, zone), price in now.items()
    }
    assert chart["chart"]["axis_config"]["categories"][-1] == "24 Nov 09:00"
    assert "*Spot in the last 7 days*: lowest, median, highest" in message.text
    plain = message.without_charts()
    assert plain is not None
    assert plain.text == message.text
    assert len(plain.blocks) == len(message.blocks) - 1


def test_without_a_history_the_prices_are_told(lab: Town) -> None:
    lab.type("types")
    kept = lab.house.cloud.spot_history

    def silent(region: str, names: tuple[str, ...], since: Any) -> Any:
        if since < lab.now:
            fail(lab, "DescribeSpotPriceHistory", times=1)
        return kept(region, names, since)

    lab.house.cloud.spot_history = silent  # type: ignore[method-assign]
    (message,) = lab.type("price g5.xlarge")
    assert message.text.startswith("*Cheapest now: ")
    assert all(b["type"] != "data_visualization" for b in message.blocks)


def test_a_type_without_any_price_is_said_to_be_sold(lab: Town) -> None:
    told = said(lab, "price g7.2xlarge in us-west-2")
    assert "`g7.2xlarge`" in told
    assert "spot in us-west-2: no price listed" in told


def test_what_is_not_sold_here_is_shown_where_it_is(lab: Town) -> None:
    told = said(lab, "price g7.2xlarge in eu-west-1")
    assert told.startswith("EC2 does not sell `g7.2xlarge` in eu-west-1.")
    assert "Other regions do:" in told
    assert "`g7.2xlarge` (1 x NVIDIA RTX PRO 4500, 32 GiB): $2.52/h on-demand in us-" in told


def test_a_typo_is_answered_with_what_was_meant(lab: Town) -> None:
    assert "• `g5.xlarge` (1 x NVIDIA A10G, 22 GiB)" in said(lab, "price g5.xlrge")


def test_a_price_takes_two_calls_a_region_once_the_offers_are_known(lab: Town) -> None:
    lab.type("types")
    counted = calls(lab)
    lab.type("price 24GB")
    assert counted == {"DescribeSpotPriceHistory": 6}
