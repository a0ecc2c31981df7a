"""Wishes in worlds, and what somebody who knows EC2 would have bought: where, with how few calls.

The prices are the world's own figures, written beside each expectation where they decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.model import Approval, HoldKind, Market, Over, State
from sim.town import SAM, Town, buttons, town

EAST, WEST, IRELAND = "us-east-1", "us-west-2", "eu-west-1"
G_SPOT, G_ON_DEMAND = "L-3819A6DF", "L-DB2E81BA"
P_SPOT, P_ON_DEMAND = "L-7212CCBC", "L-417A185B"

Change = Callable[[Town], Any]


def quota(code: str, value: int, *regions: str) -> Change:
    return lambda here: [
        here.control(do="set-quota", region=region, code=code, value=value)
        for region in regions or here.policy.regions
    ]


def full(region: str, *zones: str, kind: str = "g5.xlarge", market: str = "spot") -> Change:
    """No capacity there for the type."""
    return lambda here: [
        here.control(
            do="fill-zone", region=region, zone=f"{region}{zone}", type=kind, market=market
        )
        for zone in zones
    ]


def fault(operation: str, code: str, region: str | None = None, times: int = 99) -> Change:
    return lambda here: here.control(
        do="fault", operation=operation, code=code, region=region, times=times
    )


@dataclass(frozen=True)
class Case:
    """A wish, a world, and the RunInstances calls in their order: `type market zone`."""

    name: str
    wish: str
    world: tuple[Change, ...]
    calls: tuple[str, ...]
    ends: State | HoldKind = State.RUNNING
    says: tuple[str, ...] = field(default=())


ROOM = (quota(G_SPOT, 512), quota(G_ON_DEMAND, 512), quota(P_SPOT, 512), quota(P_ON_DEMAND, 512))

CASES = (
    Case(
        "the cheapest zone of all allowed regions, in one call",
        "launch g5.xlarge spot",
        ROOM,
        ("g5.xlarge spot us-west-2b",),  # 0.3558, before us-west-2a and us-east-1f
    ),
    Case(
        "a region that was named is the only one",
        "launch g5.xlarge spot in us-east-1",
        ROOM,
        ("g5.xlarge spot us-east-1f",),
    ),
    Case(
        "two named regions compete by price",
        "launch g5.xlarge spot in us-east-1 or eu-west-1",
        ROOM,
        ("g5.xlarge spot us-east-1f",),
    ),
    Case(
        "equal on-demand prices go to the deployment's first region",
        "launch g5.xlarge on-demand",
        ROOM,
        ("g5.xlarge on-demand us-east-1a",),
    ),
    Case(
        "no capacity in the cheapest zone: the next cheapest, wherever it is",
        "launch g5.xlarge spot",
        (*ROOM, full(WEST, "b")),
        ("g5.xlarge spot us-west-2b", "g5.xlarge spot us-west-2a"),
    ),
    Case(
        "a region without quota is not asked",
        "launch g5.xlarge spot",
        (quota(G_SPOT, 64, EAST),),
        ("g5.xlarge spot us-east-1f",),
    ),
    Case(
        "no quota anywhere: the wall, and not a single call",
        "launch g5.xlarge spot",
        (),
        (),
        HoldKind.QUOTA,
        ("0 G and VT-type spot vCPUs in us-east-1", "needs 4"),
    ),
    Case(
        "spot never becomes on-demand unasked",
        "launch g5.xlarge spot in us-west-2",
        (*ROOM, full(WEST, "a", "b", "c")),
        tuple(f"g5.xlarge spot us-west-2{zone}" for zone in "bac"),
        HoldKind.NO_CAPACITY,
    ),
    Case(
        "spot or on-demand: every spot zone first, then on-demand",
        "launch g5.xlarge spot or on-demand in us-west-2",
        (*ROOM, full(WEST, "a", "b", "c")),
        (
            *(f"g5.xlarge spot us-west-2{zone}" for zone in "bac"),
            "g5.xlarge on-demand us-west-2a",
        ),
    ),
    Case(
        "spot or on-demand without spot quota goes on-demand at once",
        "launch g5.xlarge spot or on-demand in us-west-2",
        (quota(G_ON_DEMAND, 64),),
        ("g5.xlarge on-demand us-west-2a",),
    ),
    Case(
        "either of two types: the cheaper first",
        "launch g6e.xlarge or g5.xlarge spot in us-east-1",
        ROOM,
        ("g5.xlarge spot us-east-1f",),
    ),
    Case(
        "a type that the region does not sell leaves the other",
        "launch g6.xlarge or g5.xlarge spot in eu-west-1",
        ROOM,
        ("g5.xlarge spot eu-west-1a",),
    ),
    Case(
        "a GPU by name is the smallest type that has it",
        "launch l4 spot in us-east-1",
        ROOM,
        ("g6.xlarge spot us-east-1f",),
    ),
    Case(
        "the cheapest with 16 GB of GPU memory is no old V100",
        "launch cheapest 16GB spot in us-east-1",
        ROOM,
        ("g4dn.xlarge spot us-east-1a",),
    ),
    Case(
        "a refusal for the quota strikes the market and region, nothing else",
        "launch g5.xlarge spot or on-demand in us-west-2",
        (*ROOM, fault("RunInstances", "MaxSpotInstanceCountExceeded", times=1)),
        ("g5.xlarge spot us-west-2b", "g5.xlarge on-demand us-west-2a"),
    ),
    Case(
        "a zone that does not sell it after all is struck, the next is tried",
        "launch g5.xlarge spot in us-west-2",
        (*ROOM, fault("RunInstances", "Unsupported", times=1)),
        ("g5.xlarge spot us-west-2b", "g5.xlarge spot us-west-2a"),
    ),
    Case(
        "missing rights stop at once",
        "launch g5.xlarge spot",
        (*ROOM, fault("RunInstances", "UnauthorizedOperation")),
        ("g5.xlarge spot us-west-2b",),
        HoldKind.REFUSED,
    ),
    Case(
        "a call that is wrong in itself stops at once",
        "launch g5.xlarge spot",
        (*ROOM, fault("RunInstances", "InvalidParameterCombination")),
        ("g5.xlarge spot us-west-2b",),
        HoldKind.REFUSED,
    ),
    Case(
        "a region that is not enabled drops out",
        "launch g5.xlarge spot",
        (*ROOM, fault("RunInstances", "OptInRequired", WEST)),
        ("g5.xlarge spot us-west-2b", "g5.xlarge spot us-east-1f"),
    ),
    Case(
        "a region whose network cannot be read drops out before any call",
        "launch g5.xlarge spot",
        (*ROOM, fault("DescribeVpcs", "OptInRequired", WEST)),
        ("g5.xlarge spot us-east-1f",),
    ),
    Case(
        "quotas that may not be read do not keep a launch from going on",
        "launch g5.xlarge spot in us-west-2",
        (*ROOM, fault("GetServiceQuota", "AccessDeniedException")),
        ("g5.xlarge spot us-west-2b",),
    ),
    Case(
        "nine at once are one call where there is room",
        "launch g5.xlarge x9 on-demand in us-west-2",
        ROOM,
        ("g5.xlarge on-demand us-west-2a",),
    ),
)


def _written(call: dict[str, Any], here: Town) -> str:
    market = "spot" if "InstanceMarketOptions" in call else "on-demand"
    subnet = call["NetworkInterfaces"][0]["SubnetId"]
    network = here.house.cloud.network(call["Region"])
    assert network is not None
    zone = next(zone for zone, id in network.subnets if id == subnet)
    return f"{call['InstanceType']} {market} {zone}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wish_is_met_as_an_expert_would(case: Case) -> None:
    here = Town()
    here.ready_to_launch()
    for change in case.world:
        change(here)
    calls = here.hearing("RunInstances")
    here.type(case.wish)
    here.until_quiet(timedelta(minutes=4))
    here.control(do="clear-faults")
    m = here.machine()
    assert tuple(_written(call, here) for call in calls) == case.calls
    assert m.state is (case.ends if isinstance(case.ends, State) else State.HELD)
    if isinstance(case.ends, HoldKind):
        assert m.hold is not None
        assert m.hold.kind is case.ends
        assert here.counts()["instances"] == 0
    for words in case.says:
        assert words in here.card().text
    assert here.failures == []


# ---- what was left out silently is told once nothing else is left ------------------------------

BOTH = "launch g5.xlarge spot or on-demand in us-west-2"
NO_SPOT = full(WEST, "a", "b", "c")


def _left_out(wish: str, *world: Change, limit: str = "10") -> Town:
    here = town(approval_above=Decimal(limit))
    here.ready_to_launch()
    for change in (*ROOM, NO_SPOT, *world):
        change(here)
    here.type(wish)
    here.until_quiet(timedelta(minutes=4))
    assert here.failures == []
    return here


def _offered(here: Town) -> list[str]:
    return [b["text"]["text"] for b in buttons(here.card())]


def test_on_demand_above_the_limit_is_asked_about_when_spot_has_no_capacity() -> None:
    here = _left_out(BOTH, limit="0.9")
    said = here.card().text
    assert "no capacity for `g5.xlarge` spot in us-west-2." in said
    assert "`g5.xlarge` on-demand costs more than goes without an approval" in said
    assert "us-west-2b, a, c: no capacity" in said
    assert _offered(here)[0] == "Ask an approver"
    assert _offered(here)[-1] == "Keep trying for 8 h"
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    here.click("approve", here.ledger.rows(Approval)[0].key, SAM)
    here.until_quiet()
    placement = here.machine().placement
    assert placement is not None
    assert placement.market is Market.ON_DEMAND


def test_on_demand_without_a_quota_is_asked_for_when_spot_has_no_capacity() -> None:
    here = _left_out(BOTH, quota(G_ON_DEMAND, 0, WEST))
    assert "no capacity for `g5.xlarge` spot in us-west-2." in here.card().text
    assert "0 G and VT-type on-demand vCPUs in us-west-2" in here.card().text
    assert _offered(here) == [
        "Ask AWS for 4",
        "Ask, and launch when granted",
        "Keep trying for 8 h",
    ]


def test_what_no_approver_may_lift_is_no_way_on_and_only_what_was_tried_is_told() -> None:
    here = town(approval_above=Decimal("0.9"), over_price=Over.BLOCK)
    here.ready_to_launch()
    for change in (*ROOM, NO_SPOT):
        change(here)
    here.type(BOTH)
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.NO_CAPACITY
    assert "no capacity for `g5.xlarge` spot in us-west-2 at" in here.card().text


def test_while_it_keeps_trying_it_tells_what_is_left_out_and_why() -> None:
    here = _left_out(f"{BOTH} keep trying", limit="0.9")
    assert here.machine().state is State.WAITING
    said = here.card().text
    assert "no capacity for `g5.xlarge` spot in us-west-2." in said
    assert "on-demand costs more than goes without an approval" in said


def test_a_region_left_out_is_told_of_where_it_was_named_and_not_where_none_was() -> None:
    no_room = quota(G_SPOT, 0, EAST, IRELAND)
    here = _left_out("launch g5.xlarge spot in us-west-2 or us-east-1", no_room)
    assert "spot vCPUs in us-east-1" in here.card().text
    here = _left_out("launch g5.xlarge spot", no_room)
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.NO_CAPACITY
