"""A launch over types, markets and regions: what is asked of EC2, what drops out, what is left."""

from datetime import timedelta
from typing import Any

import pytest

from core.commands import Launch, parse
from core.messages.words import same_launch
from core.model import ChoiceKind, HoldKind, Market, State
from sim.town import LIN, REGIONS, Town

EAST, WEST, IRELAND = REGIONS
READS = {
    *("DescribeInstanceTypes", "DescribeInstanceTypeOfferings", "DescribeSpotPriceHistory"),
    *("DescribeVpcs", "DescribeSubnets", "DescribeRouteTables", "DescribeInstances"),
    *("DescribeImages", "DescribeAvailabilityZones"),
}


def _ready(**policy: Any) -> Town:
    here = Town(**policy)
    for region in REGIONS:
        here.with_quota(region)
    here.ready_to_launch()
    here.ready_to_launch(LIN)
    return here


def _zones(calls: list[dict[str, Any]], here: Town) -> list[str]:
    subnets = {
        subnet: zone
        for region in REGIONS
        if (network := here.house.cloud.network(region))
        for zone, subnet in network.subnets
    }
    return [subnets[call["NetworkInterfaces"][0]["SubnetId"]] for call in calls]


def test_what_one_launch_found_full_another_tries_last() -> None:
    here = _ready()
    here.control(do="fill-zone", region=WEST, zone="us-west-2b")
    here.type("launch g5.xlarge spot in us-west-2")
    calls = here.hearing("RunInstances")
    here.type("launch g5.xlarge spot in us-west-2", LIN)
    here.until_quiet()
    assert _zones(calls, here) == ["us-west-2a"]


def test_what_was_full_is_first_again_after_five_minutes() -> None:
    here = _ready()
    here.control(do="fill-zone", region=WEST, zone="us-west-2b")
    here.type("launch g5.xlarge spot in us-west-2")
    here.pass_time(timedelta(minutes=5, seconds=1))
    here.control(do="free-zone", region=WEST)
    calls = here.hearing("RunInstances")
    here.type("launch g5.xlarge spot in us-west-2", LIN)
    here.until_quiet()
    assert _zones(calls, here) == ["us-west-2b"]


def test_the_zone_that_ec2_names_is_asked_next() -> None:
    here = _ready()
    for letter in "abcd":
        here.control(do="fill-zone", region=EAST, zone=f"us-east-1{letter}")
    calls = here.hearing("RunInstances")
    here.type("launch g5.xlarge on-demand in us-east-1")
    here.until_quiet()
    assert _zones(calls, here) == ["us-east-1a", "us-east-1f"]


def test_no_place_is_asked_twice_in_one_round_and_nothing_is_left_behind() -> None:
    here = _ready()
    for region in REGIONS:
        here.control(do="fill-zone", region=region)
    calls = here.hearing("RunInstances")
    here.type("launch g5.xlarge or g6.xlarge spot or on-demand")
    here.pass_time(timedelta(minutes=5))
    places = [
        (call["InstanceType"], "InstanceMarketOptions" in call, zone)
        for call, zone in zip(calls, _zones(calls, here), strict=True)
    ]
    assert len(places) == len(set(places)) == 40
    assert here.machine().state is State.HELD
    assert {here.counts()[thing] for thing in ("instances", "groups", "keys")} == {0}
    assert here.failures == []


def test_the_machine_is_what_was_found_not_what_was_named_first() -> None:
    here = _ready()
    here.type("launch g6e.xlarge or g4dn.xlarge spot in us-west-2 or us-east-1")
    here.until_quiet()
    m = here.machine()
    assert m.placement is not None
    assert (m.placement.instance_type, m.placement.zone) == ("g4dn.xlarge", "us-west-2c")
    assert m.facts is not None
    assert m.facts.name == "g4dn.xlarge"
    assert "`g4dn.xlarge` spot in us-west-2c" in here.card().text
    assert here.counts()["groups"] == 1


def test_every_fact_is_read_once_a_region() -> None:
    here = _ready()
    heard = {operation: here.hearing(operation) for operation in READS}
    here.type("launch g5.xlarge or g6.xlarge or g4dn.xlarge or g6e.xlarge spot keep trying")
    planned = sum(len(calls) for calls in heard.values())
    assert planned <= 12 * len(REGIONS) + 10, {k: len(v) for k, v in heard.items()}


def test_a_region_that_does_not_answer_leaves_the_others_and_is_named() -> None:
    here = _ready()
    here.control(do="fault", operation="DescribeInstanceTypes", code="Throttling", region=WEST)
    here.type("launch g5.xlarge spot")
    here.until_quiet()
    m = here.machine()
    assert m.placement is not None
    assert m.placement.region == EAST
    assert any(h.what.startswith("us-west-2 left out") for h in m.history)


def test_a_region_that_may_be_the_one_with_room_is_asked_again_before_anything_is_held() -> None:
    here = Town()
    here.ready_to_launch()
    here.with_quota(WEST)
    here.control(
        do="fault", operation="DescribeInstanceTypes", code="Throttling", region=WEST, times=2
    )
    here.type("launch g5.xlarge spot")
    assert here.machine().state is State.REQUESTED
    here.pass_time(timedelta(minutes=4))
    m = here.machine()
    assert m.placement is not None
    assert m.placement.region == WEST


@pytest.mark.parametrize("operation", ["CreateSecurityGroup", "ImportKeyPair"])
def test_a_region_where_nothing_can_be_prepared_is_left_for_the_next(operation: str) -> None:
    here = _ready()
    code = {"CreateSecurityGroup": "SecurityGroupLimitExceeded"}.get(
        operation, "KeyPairLimitExceeded"
    )
    here.control(do="fault", operation=operation, code=code, region=WEST, times=99)
    here.type("launch g5.xlarge spot")
    here.pass_time(timedelta(minutes=4))
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.region == EAST
    assert here.counts()["groups"] == 1


def test_a_gpu_that_two_types_have_alike_is_bought_where_it_is_cheaper() -> None:
    here = _ready()
    here.type("launch 24GB in us-east-1")
    here.until_quiet()
    m = here.machine()
    assert m.wish.types == ("g5.xlarge", "g6.xlarge")
    assert m.placement is not None
    assert m.placement.instance_type == "g6.xlarge"


def test_words_that_mean_many_types_mean_no_more_than_can_be_asked_for_again() -> None:
    here = _ready()
    here.type("launch 16GB or 40GB or 90GB cheapest in us-east-1")
    wish = here.machine().wish
    assert len(wish.types) == 8
    assert {"g4dn.xlarge", "g6e.xlarge", "g7e.2xlarge"} < set(wish.types)  # of each word some
    again = parse(same_launch(wish))
    assert isinstance(again, Launch)
    assert (again.instance_type, *again.or_types) == wish.types


def test_a_ninth_type_is_refused_and_nothing_is_started() -> None:
    here = _ready()
    many = " or ".join(f"m5.{size}xlarge" for size in range(2, 274))
    (said,) = here.type(f"launch {many}")
    assert "8 types at most" in said.text and "Nothing was started" in said.text
    assert here.ledger.everything() == ()


def test_a_gpu_that_is_not_sold_there_starts_nothing_and_names_what_is() -> None:
    here = _ready()
    said = here.type("launch h100 in eu-west-1")
    assert here.ledger.everything() == ()
    assert "Nothing was started" in said[0].text


def test_without_capacity_anywhere_the_other_market_comes_with_its_price() -> None:
    here = _ready()
    for region in REGIONS:
        here.control(do="fill-zone", region=region, market="spot")
    here.type("launch g5.xlarge spot")
    here.pass_time(timedelta(minutes=1))
    hold = here.machine().hold
    assert hold is not None
    assert [c.kind for c in hold.choices] == [
        ChoiceKind.MARKET,
        ChoiceKind.TYPE,
        ChoiceKind.KEEP_TRYING,
    ]
    here.press(here.card(), "choose-0")
    here.until_quiet()
    assert here.machine().state is State.RUNNING
    assert here.machine().market is Market.ON_DEMAND


def test_at_the_quota_wall_the_region_of_the_wall_is_the_one_that_is_asked_for() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch g6.xlarge spot in eu-west-1 or us-west-2")
    hold = here.machine().hold
    assert hold is not None
    assert (hold.kind, hold.region) == (HoldKind.QUOTA, WEST), "Ireland does not sell it"
    here.press(here.card(), "choose-1")
    assert [q["region"] for q in here.world.state()["quota_requests"]] == [WEST]
    here.pass_time(timedelta(minutes=3))
    assert here.machine().state is State.RUNNING
