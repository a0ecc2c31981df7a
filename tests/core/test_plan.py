"""The plan: the first thing in the way is named, and placements are the cheapest first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.model import (
    Access,
    ChoiceKind,
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
from core.plan import Candidate, Facts, Proceed, Stuck, decide
from core.ways import Offer, ways_on

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WISH = Wish(instance_type="g5.xlarge", market=Market.SPOT, region="us-east-1")
KEY = PublicKey(fingerprint="SHA256:a", text="ssh-ed25519 AAAA", comment="", added_at=NOW)
POLICY = Policy(
    stack="gpu",
    team_id="T1",
    regions=("us-east-1",),
    channels=frozenset(),
    admins=frozenset(),
    default_lease=timedelta(hours=4),
    longest_lease=timedelta(hours=24),
    default_disk_gb=50,
    approval_above=Decimal(10),
)
ROOM = QuotaFacts(code="L-3819A6DF", name="All G and VT Spot", region="us-east-1", limit=8, used=4)
HERE = Candidate(
    instance_type="g5.xlarge",
    market=Market.SPOT,
    region="us-east-1",
    type=TypeFacts(
        name="g5.xlarge",
        vcpus=4,
        memory_mib=16384,
        architecture="x86_64",
        gpu=Gpu(name="A10G", maker="NVIDIA", count=Decimal(1), memory_mib=22888),
        markets=frozenset(Market),
    ),
    zones=(Zone(name="us-east-1a", id="use1-az1"), Zone(name="us-east-1b", id="use1-az2")),
    hourly={"us-east-1a": Decimal("0.45"), "us-east-1b": Decimal("0.39")},
    network=Network(vpc="vpc-1", subnets=(("us-east-1a", "subnet-a"), ("us-east-1b", "subnet-b"))),
    quota=ROOM,
    image=Image(
        id="ami-1",
        name="Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20261106",
        architecture="x86_64",
        root_device="/dev/sda1",
        root_gb=45,
        user="ubuntu",
    ),
)
FACTS = Facts(
    candidates=(HERE,),
    profile=Profile(
        user="U1",
        keys=(KEY,),
        accesses=(Access(cidr="203.0.113.7/32", until=NOW + timedelta(hours=1)),),
    ),
)


def _with(**changes: Any) -> Facts:
    return replace(FACTS, candidates=(replace(HERE, **changes),))


def _hold(facts: Facts, wish: Wish = WISH, policy: Policy = POLICY, *, admin: bool = False) -> Hold:
    decided = decide(wish, facts, policy, admin=admin)
    assert isinstance(decided, Stuck)
    return decided.hold


def test_with_everything_there_it_goes_to_the_cheapest_zone_first() -> None:
    decided = decide(WISH, FACTS, POLICY, admin=False)
    assert isinstance(decided, Proceed)
    assert [p.zone for p in decided.placements] == ["us-east-1b", "us-east-1a"]
    assert [o.disk_gb for o in decided.options] == [50]


@pytest.mark.parametrize(
    ("facts", "kind", "code"),
    [
        (_with(type=None), HoldKind.NOT_OFFERED, "not-offered"),
        (_with(zones=()), HoldKind.NOT_OFFERED, "not-offered"),
        (_with(hourly={}), HoldKind.NOT_OFFERED, "no-such-market"),
        (_with(network=None), HoldKind.REFUSED, "no-default-vpc"),
        (_with(image="There is none."), HoldKind.REFUSED, "image"),
        (_with(network=Network(vpc="v", subnets=())), HoldKind.REFUSED, "no-subnet"),
        (
            _with(network=Network(vpc="v", subnets=(), full=("us-east-1a",))),
            HoldKind.REFUSED,
            "no-free-address",
        ),
    ],
)
def test_the_first_thing_in_the_way_is_named(facts: Facts, kind: HoldKind, code: str) -> None:
    hold = _hold(facts)
    assert (hold.kind, hold.code) == (kind, code)


def test_what_is_pending_counts_against_the_quota() -> None:
    full = _with(quota=replace(ROOM, in_flight=1))
    assert _hold(full).kind is HoldKind.QUOTA


def test_exactly_enough_room_is_enough() -> None:
    assert ROOM.room == 4
    assert isinstance(decide(WISH, FACTS, POLICY, admin=False), Proceed)


def test_a_quota_that_may_not_be_read_does_not_stop_a_launch() -> None:
    unknown = _with(quota=None)
    assert isinstance(decide(WISH, unknown, POLICY, admin=False), Proceed)


def test_the_quota_wall_comes_before_the_missing_key_and_names_it_too() -> None:
    bare = replace(_with(quota=replace(ROOM, limit=0, used=0)), profile=Profile(user="U1"))
    hold = _hold(bare)
    assert hold.kind is HoldKind.QUOTA
    assert hold.lacks_key
    assert hold.lacks_address


def test_zones_above_the_price_limit_are_left_out_and_admins_have_no_limit() -> None:
    policy = replace(POLICY, approval_above=Decimal("0.40"))
    decided = decide(WISH, FACTS, policy, admin=False)
    assert isinstance(decided, Proceed)
    assert [p.zone for p in decided.placements] == ["us-east-1b"]
    as_admin = decide(WISH, FACTS, policy, admin=True)
    assert isinstance(as_admin, Proceed)
    assert len(as_admin.placements) == 2
    dear = replace(policy, approval_above=Decimal("0.10"))
    assert _hold(FACTS, policy=dear).kind is HoldKind.TOO_DEAR


def test_ways_on_put_what_has_room_first_and_are_three_at_most() -> None:
    offers = (
        Offer(
            instance_type="g5.xlarge",
            market=Market.ON_DEMAND,
            region="us-east-1",
            hourly=Decimal("1.006"),
            room=False,
        ),
        Offer(
            instance_type="g6.xlarge",
            market=Market.SPOT,
            region="us-east-1",
            hourly=Decimal("0.36"),
            room=True,
        ),
        Offer(
            instance_type="g5.xlarge",
            market=Market.SPOT,
            region="us-west-2",
            hourly=Decimal("0.41"),
            room=True,
        ),
    )
    choices = ways_on(Hold(kind=HoldKind.NO_CAPACITY), offers, WISH)
    kinds = [c.kind for c in choices]
    assert kinds == [ChoiceKind.TYPE, ChoiceKind.REGION, ChoiceKind.KEEP_TRYING]
    at_the_wall = Hold(kind=HoldKind.QUOTA, quota=ROOM, needed=8)
    choices = ways_on(at_the_wall, offers, WISH)
    assert [c.kind for c in choices] == [
        ChoiceKind.ASK_QUOTA,
        ChoiceKind.ASK_AND_LAUNCH,
        ChoiceKind.TYPE,
    ]
