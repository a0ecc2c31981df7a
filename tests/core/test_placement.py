"""The order of placements over types, markets and regions, and which wall is told of when none
will do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.faults import Fault, FaultKind
from core.model import (
    Access,
    ChoiceKind,
    Full,
    Gpu,
    Hold,
    HoldKind,
    Image,
    Market,
    Network,
    Policy,
    Profile,
    PublicKey,
    QuotaFacts,
    TypeFacts,
    Wish,
    Zone,
)
from core.plan import Candidate, Facts, Proceed, Stuck, candidates, decide
from core.ways import Offer, changed, elsewhere, offers, ways_on

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EAST, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
SPOT, ON_DEMAND = Market.SPOT, Market.ON_DEMAND
POLICY = Policy(
    stack="gpu",
    team_id="T1",
    regions=(EAST, WEST, IRELAND),
    channels=frozenset(),
    admins=frozenset(),
    default_lease=timedelta(hours=4),
    longest_lease=timedelta(hours=24),
    default_disk_gb=50,
    approval_above=Decimal(10),
)
OWNER = Profile(
    user="U1",
    keys=(PublicKey(fingerprint="SHA256:a", text="ssh-ed25519 A", comment="", added_at=NOW),),
    accesses=(Access(cidr="203.0.113.7/32", until=NOW + timedelta(hours=1)),),
)
IMAGE = Image(
    id="ami-1",
    name="Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04)",
    architecture="x86_64",
    root_device="/dev/sda1",
    root_gb=45,
    user="ubuntu",
)


def wish(**more: Any) -> Wish:
    asked = {"instance_type": "g5.xlarge", "market": SPOT, "region": EAST, "or_regions": (WEST,)}
    return Wish(**{**asked, **more})


def sold(
    region: str,
    prices: str,
    type_: str = "g5.xlarge",
    market: Market = SPOT,
    room: int = 64,
    **more: Any,
) -> Candidate:
    """A candidate with room; `a0.40 b0.38` are its zones and their prices."""
    hourly = {region + one[0]: Decimal(one[1:]) for one in prices.split()}
    facts = TypeFacts(
        name=type_,
        vcpus=4,
        memory_mib=16384,
        architecture="x86_64",
        gpu=Gpu(name="A10G", maker="NVIDIA", count=Decimal(1), memory_mib=22888),
        markets=frozenset(Market),
    )
    known: dict[str, Any] = {
        "type": facts,
        "zones": tuple(Zone(name=zone, id=f"id-{zone}") for zone in hourly),
        "hourly": hourly,
        "network": Network(vpc="vpc-1", subnets=tuple((z, f"subnet-{z}") for z in hourly)),
        "quota": QuotaFacts(code="L-1", name="All G Spot", region=region, limit=room, used=0),
        "image": IMAGE,
    }
    return Candidate(instance_type=type_, market=market, region=region, **{**known, **more})


def tried(wished: Wish, *known: Candidate, **facts: Any) -> list[str]:
    decided = decide(wished, Facts(candidates=known, profile=OWNER, **facts), POLICY, admin=False)
    assert isinstance(decided, Proceed), decided
    return [f"{p.instance_type} {p.market} {p.zone}" for p in decided.placements]


def wall(wished: Wish, *known: Candidate) -> Hold:
    decided = decide(wished, Facts(candidates=known, profile=OWNER), POLICY, admin=False)
    assert isinstance(decided, Stuck)
    return decided.hold


# ---- the order ------------------------------------------------------------------------------


def test_the_cheapest_zone_of_any_region_comes_first() -> None:
    order = tried(wish(), sold(EAST, "a0.40 b0.38"), sold(WEST, "a0.39 b0.37"))
    assert order == [
        "g5.xlarge spot us-west-2b",
        "g5.xlarge spot us-east-1b",
        "g5.xlarge spot us-west-2a",
        "g5.xlarge spot us-east-1a",
    ]


def test_spot_is_tried_everywhere_before_on_demand() -> None:
    order = tried(
        wish(or_on_demand=True),
        sold(EAST, "a0.40"),
        sold(WEST, "a0.41"),
        sold(EAST, "a0.30", market=ON_DEMAND),
    )
    assert [line.split()[1] for line in order] == ["spot", "spot", "on-demand"]


def test_at_equal_prices_the_first_named_type_and_region_decide_and_then_the_zone() -> None:
    order = tried(
        wish(or_types=("a1.xlarge",), market=ON_DEMAND),
        sold(WEST, "a1", market=ON_DEMAND),
        sold(EAST, "b1 a1", market=ON_DEMAND),
        sold(EAST, "a1", "a1.xlarge", ON_DEMAND),
    )
    assert order == [
        "g5.xlarge on-demand us-east-1a",
        "g5.xlarge on-demand us-east-1b",
        "g5.xlarge on-demand us-west-2a",
        "a1.xlarge on-demand us-east-1a",
    ]


def test_what_was_full_a_moment_ago_goes_last_and_not_out() -> None:
    full = frozenset({Full.key_of(WEST, "us-west-2b", "g5.xlarge", SPOT)})
    order = tried(wish(), sold(EAST, "a0.40"), sold(WEST, "b0.30"), full=full)
    assert order == ["g5.xlarge spot us-east-1a", "g5.xlarge spot us-west-2b"]
    other = frozenset({Full.key_of(WEST, "us-west-2b", "g5.xlarge", ON_DEMAND)})
    assert tried(wish(), sold(EAST, "a0.40"), sold(WEST, "b0.30"), full=other)[0].endswith("2b")


def test_the_zone_of_the_data_volume_comes_first() -> None:
    order = tried(wish(), sold(EAST, "a0.40 b0.30"), home="us-east-1a")
    assert order == ["g5.xlarge spot us-east-1a", "g5.xlarge spot us-east-1b"]


def test_machines_that_belong_together_are_tried_in_one_region_before_the_next() -> None:
    order = tried(wish(count=3), sold(EAST, "a0.40 b0.38"), sold(WEST, "a0.39 b0.37"))
    assert [line.split()[2] for line in order] == [
        "us-west-2b",
        "us-west-2a",
        "us-east-1b",
        "us-east-1a",
    ]


def test_candidates_are_every_type_market_and_region_the_first_choice_first() -> None:
    found = candidates(wish(or_types=("g6.xlarge",), or_on_demand=True))
    assert [(c.instance_type, c.market, c.region) for c in found] == [
        ("g5.xlarge", SPOT, EAST),
        ("g6.xlarge", SPOT, EAST),
        ("g5.xlarge", SPOT, WEST),
        ("g6.xlarge", SPOT, WEST),
        ("g5.xlarge", ON_DEMAND, EAST),
        ("g6.xlarge", ON_DEMAND, EAST),
        ("g5.xlarge", ON_DEMAND, WEST),
        ("g6.xlarge", ON_DEMAND, WEST),
    ]


# ---- what drops out -------------------------------------------------------------------------

THROTTLED = Fault(kind=FaultKind.THROTTLED, code="Throttling", message="", operation="x")


@pytest.mark.parametrize(
    "east",
    [
        sold(EAST, "a0.1", room=3),
        sold(EAST, "a11"),
        sold(EAST, "a0.1", network=None),
        sold(EAST, "a0.1", image="There is none."),
        sold(EAST, "a0.1", zones=()),
        sold(EAST, "a0.1", fault=THROTTLED),
    ],
    ids=["quota", "price limit", "no VPC", "image", "not sold", "no answer"],
)
def test_a_candidate_that_will_not_do_leaves_the_others(east: Candidate) -> None:
    assert tried(wish(), east, sold(WEST, "a0.40")) == ["g5.xlarge spot us-west-2a"]


def test_a_region_that_did_not_answer_is_named() -> None:
    known = (sold(EAST, "a1", fault=THROTTLED), sold(WEST, "a1"))
    decided = decide(wish(), Facts(candidates=known, profile=OWNER), POLICY, admin=False)
    assert isinstance(decided, Proceed)
    assert decided.unread == ((EAST, "Throttling"),)


@pytest.mark.parametrize(
    ("east", "west", "kind", "region"),
    [
        (sold(EAST, "a1", room=0), sold(WEST, "a1", room=0), HoldKind.QUOTA, EAST),
        (sold(EAST, "a1", zones=()), sold(WEST, "a1", room=0), HoldKind.QUOTA, WEST),
        (sold(EAST, "a1", network=None), sold(WEST, "a11"), HoldKind.TOO_DEAR, WEST),
        (sold(EAST, "a1", zones=()), sold(WEST, "a1", network=None), HoldKind.REFUSED, WEST),
        (sold(EAST, "a1", zones=()), sold(WEST, "a1", fault=THROTTLED), HoldKind.REFUSED, WEST),
        (sold(EAST, "a1", zones=()), sold(WEST, "a1", zones=()), HoldKind.NOT_OFFERED, EAST),
    ],
)
def test_the_wall_told_of_is_the_one_nearest_to_a_cure(
    east: Candidate, west: Candidate, kind: HoldKind, region: str
) -> None:
    hold = wall(wish(), east, west)
    assert (hold.kind, hold.region) == (kind, region)


def test_the_quota_wall_names_the_other_regions_without_room() -> None:
    hold = wall(wish(), sold(EAST, "a1", room=0), sold(WEST, "a1", room=3))
    assert hold.detail == WEST


def test_of_several_machines_the_region_where_most_fit_is_told_of_and_they_are_offered() -> None:
    wished = wish(count=16)
    hold = wall(wished, sold(EAST, "a1", room=0), sold(WEST, "a1", room=53))
    assert (hold.region, hold.needed) == (WEST, 64)
    choices = ways_on(hold, (), wished)
    assert (choices[0].kind, choices[0].value) == (ChoiceKind.COUNT, "13")
    assert changed(choices[0], wished).count == 13


# ---- the ways on ----------------------------------------------------------------------------


def test_what_else_there_is_differs_from_the_wish_in_one_thing() -> None:
    found = elsewhere(wish(), POLICY, ("g6.xlarge", "g5.xlarge"))
    assert {(c.instance_type, c.market, c.region) for c in found} == {
        ("g5.xlarge", ON_DEMAND, EAST),
        ("g5.xlarge", ON_DEMAND, WEST),
        ("g5.xlarge", SPOT, IRELAND),
        ("g6.xlarge", SPOT, EAST),
        ("g6.xlarge", SPOT, WEST),
    }


def test_each_way_is_offered_once_at_its_lowest_price_with_room() -> None:
    known = (
        sold(EAST, "a1.2", market=ON_DEMAND, room=0),
        sold(WEST, "a1.3 b1.25", market=ON_DEMAND),
        sold(IRELAND, "a0.5"),
        sold(EAST, "a99", "g6.xlarge"),
    )
    assert offers(wish(), known, POLICY, admin=False) == (
        Offer(
            instance_type="g5.xlarge",
            market=ON_DEMAND,
            region=WEST,
            hourly=Decimal("1.25"),
            room=True,
        ),
        Offer(
            instance_type="g5.xlarge",
            market=SPOT,
            region=IRELAND,
            hourly=Decimal("0.5"),
            room=True,
        ),
    )


def test_who_takes_a_way_on_wants_that_and_nothing_else() -> None:
    open_ = wish(or_types=("g6.xlarge",), or_on_demand=True)
    known = offers(open_, (sold(IRELAND, "a0.5"),), POLICY, admin=False)
    (choice,) = ways_on(Hold(kind=HoldKind.NOT_OFFERED), known, open_)
    assert choice.kind is ChoiceKind.REGION
    assert changed(choice, open_).regions == (IRELAND,)
    market = replace(choice, kind=ChoiceKind.MARKET, value="on-demand")
    assert changed(market, open_).markets == (ON_DEMAND,)
    kind = replace(choice, kind=ChoiceKind.TYPE, value="g4dn.xlarge")
    assert changed(kind, open_).types == ("g4dn.xlarge",)


def test_no_button_leads_to_what_costs_more_than_may_be_launched() -> None:
    known = (sold(EAST, "a11", market=ON_DEMAND), sold(IRELAND, "a12"))
    assert offers(wish(), known, POLICY, admin=False) == ()
    assert len(offers(wish(), known, POLICY, admin=True)) == 2
    many = wish(count=4)  # $2.50 each is as much as may be launched of them
    known = (sold(EAST, "a2.51", market=ON_DEMAND), sold(IRELAND, "a2.5"))
    assert [o.region for o in offers(many, known, POLICY, admin=False)] == [IRELAND]
