"""What a part of a machine costs, and whether it may go when the machine is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.leftovers import Fate, Inventory, fate, monthly, strays
from core.model import Desire, Happening, Instance, Machine, Market, State, Wish
from core.ports import Part, PartKind

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD = NOW - timedelta(hours=2)
MACHINE = Machine(
    id="m-one",
    version=1,
    name="bert",
    owner="U0ADA",
    channel="C0",
    wish=Wish(instance_type="g5.xlarge", market=Market.SPOT, region="us-east-1"),
    state=State.ENDED,
    desire=Desire.GONE,
    created_at=OLD,
    launch_by=OLD,
    due_at=None,
    instance=Instance(
        id="i-own", region="us-east-1", zone="us-east-1a", state="terminated", launched_at=OLD
    ),
    history=(Happening(at=OLD, what="ended"),),
)
VOLUME = Part(
    kind=PartKind.VOLUME,
    id="vol-1",
    region="us-east-1",
    machine="m-one",
    state="available",
    gb=100,
    disk_type="gp3",
    made_at=OLD,
)


@pytest.mark.parametrize(
    ("part", "each"),
    [
        (VOLUME, "8.00"),
        (replace(VOLUME, iops=4000, throughput=225), "17.00"),
        (replace(VOLUME, disk_type="io2", iops=1000), "77.50"),
        (replace(VOLUME, kind=PartKind.SNAPSHOT), "5.00"),
        (replace(VOLUME, kind=PartKind.IMAGE, gb=0), "0"),
        (replace(VOLUME, kind=PartKind.GROUP, gb=0), "0"),
        (replace(VOLUME, kind=PartKind.KEY, gb=0), "0"),
        (replace(VOLUME, kind=PartKind.SPOT_REQUEST, gb=0), "0"),
    ],
)
def test_a_part_costs_what_aws_lists_a_month(part: Part, each: str) -> None:
    assert monthly(part) == Decimal(each)


def test_an_inventory_costs_the_sum_of_its_parts() -> None:
    parts = (VOLUME, replace(VOLUME, kind=PartKind.SNAPSHOT))
    assert Inventory(instances=(), parts=parts).monthly == Decimal(13)


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (VOLUME, Fate.REMOVE),
        (replace(VOLUME, state="in-use", instance="i-own"), Fate.WAIT),
        (replace(VOLUME, state="in-use", instance="i-other"), Fate.LEAVE),
        (replace(VOLUME, state="deleting"), Fate.LEAVE),
        (replace(VOLUME, outlives=True), Fate.LEAVE),
        (replace(VOLUME, kind=PartKind.SNAPSHOT, state="completed"), Fate.REMOVE),
        (replace(VOLUME, kind=PartKind.SPOT_REQUEST, state="active"), Fate.REMOVE),
    ],
)
def test_what_becomes_of_a_part_when_its_machine_is_over(part: Part, wanted: Fate) -> None:
    assert fate(part, MACHINE) is wanted


def test_parts_of_machines_that_are_over_are_told_from_those_that_nobody_knows() -> None:
    nobodys = replace(VOLUME, id="vol-2", machine="m-two")
    marked = replace(VOLUME, id="vol-3", machine="")
    found = strays([VOLUME, nobodys, marked], {"m-one": MACHINE, "m-two": None}, NOW)
    assert found.dead == ((MACHINE, (VOLUME,)),)
    assert found.unknown == (nobodys, marked)


@pytest.mark.parametrize(
    ("part", "machine"),
    [
        (VOLUME, replace(MACHINE, state=State.RUNNING)),
        (VOLUME, replace(MACHINE, state=State.STOPPED)),
        (VOLUME, replace(MACHINE, state=State.ENDING)),
        (VOLUME, replace(MACHINE, history=(Happening(at=NOW, what="ended"),))),
        (replace(VOLUME, made_at=NOW - timedelta(minutes=59)), MACHINE),
        (replace(VOLUME, made_at=NOW - timedelta(minutes=59)), None),
        (replace(VOLUME, outlives=True), None),
        (replace(VOLUME, outlives=True), MACHINE),
    ],
)
def test_what_is_alive_young_or_meant_to_stay_is_no_stray(
    part: Part, machine: Machine | None
) -> None:
    found = strays([part], {"m-one": machine}, NOW)
    assert found.dead == ()
    assert found.unknown == ()
