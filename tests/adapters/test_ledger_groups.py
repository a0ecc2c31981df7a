"""A group's instances lead to its row, however many there are: one transaction holds a hundred."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.ledger import MOST_CHANGES, Table
from core.model import (
    Desire,
    Instance,
    Machine,
    Market,
    Member,
    Placement,
    State,
    Wish,
)
from core.ports import StaleRow

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AT = Placement(
    instance_type="g5.xlarge",
    region="us-east-1",
    zone="us-east-1a",
    subnet="subnet-1",
    market=Market.ON_DEMAND,
    hourly=Decimal(1),
)


def members(count: int) -> tuple[Member, ...]:
    return tuple(
        Member(
            number=number,
            instance=Instance(
                id=f"i-{number:017x}",
                region="us-east-1",
                zone="us-east-1a",
                state="running",
                launched_at=NOW,
            ),
            placement=AT,
        )
        for number in range(1, count + 1)
    )


@pytest.fixture
def table(aws: Any) -> Table:
    client = aws.client("dynamodb")
    names = (("pk", "S"), ("sk", "S"), ("due", "S"), ("due_at", "N"))
    client.create_table(
        TableName="gpu",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": kind} for n, kind in names],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return Table(client, "gpu", pause=lambda _: None)


@pytest.fixture
def opened(table: Table) -> Machine:
    m = Machine(
        id="m-one",
        version=0,
        name="amber-fox",
        owner="U1",
        channel="C1",
        wish=Wish(
            instance_type="g5.xlarge", market=Market.ON_DEMAND, region="us-east-1", count=100
        ),
        state=State.LAUNCHING,
        desire=Desire.RUN,
        created_at=NOW,
        launch_by=NOW,
        due_at=NOW,
    )
    return table.open(m, request="r-one", twin="t-one", now=NOW).machine


@pytest.mark.parametrize("count", [2, MOST_CHANGES - 1, MOST_CHANGES, 150])
def test_every_member_leads_to_the_row(table: Table, opened: Machine, count: int) -> None:
    table.save(replace(opened, members=members(count)), opened)
    for one in members(count):
        found = table.by_instance(one.instance.id)
        assert found is not None
        assert found.id == "m-one"


def test_every_member_of_an_ended_group_still_leads_to_it(table: Table, opened: Machine) -> None:
    m = table.save(replace(opened, members=members(100)), opened)
    table.save(replace(m, state=State.ENDED), m)
    found = table.by_instance(members(100)[-1].instance.id)
    assert found is not None
    assert found.state is State.ENDED
    assert table.named("amber-fox") is None


def test_a_lost_race_is_stale_with_many_members_too(table: Table, opened: Machine) -> None:
    table.save(replace(opened, launch_by=NOW), opened)
    with pytest.raises(StaleRow):
        table.save(replace(opened, members=members(100)), opened)
