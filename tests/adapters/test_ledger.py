"""What only the table can do: refuse for other reasons, answer in parts, hold newer rows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.items import UnknownSchema
from adapters.ledger import Table
from core.faults import CloudError, FaultKind
from core.model import Desire, Instance, Machine, Market, Profile, State, Wish
from core.ports import StaleRow, UnreadableRow

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = 86_400


def a_machine(id: str = "m-one", name: str = "amber-fox") -> Machine:
    return Machine(
        id=id,
        version=0,
        name=name,
        owner="U1",
        channel="C1",
        wish=Wish(instance_type="p3.2xlarge", market=Market.SPOT, region="us-east-1"),
        state=State.REQUESTED,
        desire=Desire.RUN,
        created_at=NOW,
        launch_by=NOW,
        due_at=NOW,
    )


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def table(aws: Any, pauses: list[float]) -> Table:
    client = aws.client("dynamodb")
    client.create_table(
        TableName="gpu",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("pk", "S"), ("sk", "S"), ("due", "S"), ("due_at", "N"))
        ],
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
    return Table(client, "gpu", pause=pauses.append)


def open_one(table: Table, machine: Machine | None = None) -> Machine:
    m = machine or a_machine()
    return table.open(m, request=f"r-{m.id}", twin=f"t-{m.id}", now=NOW).machine


def cancel(aws: Any, *reasons: str, times: int = 1) -> None:
    """The next transactions are cancelled for these reasons, one for each of their items."""
    aws.fail("TransactWriteItems", "TransactionCanceledException", times=times)
    aws.also("TransactWriteItems", CancellationReasons=[{"Code": code} for code in reasons])


def item(aws: Any, pk: str, sk: str) -> dict[str, Any]:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    found: dict[str, Any] = aws.client("dynamodb").get_item(TableName="gpu", Key=key)["Item"]
    return found


def test_another_transaction_on_the_row_is_a_lost_race(aws: Any, table: Table) -> None:
    first = open_one(table)
    cancel(aws, "TransactionConflict")
    with pytest.raises(StaleRow):
        table.save(replace(first, state=State.HELD), first)


def test_a_launch_that_meets_another_transaction_is_tried_again(
    aws: Any, table: Table, pauses: list[float]
) -> None:
    none = ["None"] * 4
    cancel(aws, "TransactionConflict", *none, times=2)
    assert open_one(table).id == "m-one"
    assert len(pauses) == 2


def test_a_launch_that_never_gets_through_is_a_lost_race(
    aws: Any, table: Table, pauses: list[float]
) -> None:
    cancel(aws, "TransactionConflict", "None", "None", "None", "None", times=9)
    with pytest.raises(StaleRow):
        open_one(table)
    assert len(pauses) == 5


def test_a_throttled_table_is_no_lost_race(aws: Any, table: Table) -> None:
    first = open_one(table)
    cancel(aws, "ThrottlingError")
    with pytest.raises(CloudError):
        table.save(replace(first, state=State.HELD), first)
    assert table.machine("m-one") == first


def test_a_table_that_does_not_answer_is_a_cloud_error(aws: Any, table: Table) -> None:
    aws.fail("GetItem", "timeout", times=9)
    with pytest.raises(CloudError) as caught:
        table.machine("m-one")
    assert caught.value.fault.kind is FaultKind.UNKNOWN


def test_rows_that_a_batch_left_out_are_asked_for_again(
    aws: Any, table: Table, pauses: list[float]
) -> None:
    open_one(table)
    open_one(table, a_machine("m-two", "bold-bat"))
    rows = [item(aws, f"M#{id}", "M") for id in ("m-one", "m-two")]
    left = {"gpu": {"Keys": [{"pk": rows[1]["pk"], "sk": rows[1]["sk"]}], "ConsistentRead": True}}
    aws.answer_once("BatchGetItem", Responses={"gpu": rows[:1]}, UnprocessedKeys=left)
    assert [m.id for m in table.live()] == ["m-one", "m-two"]
    assert len(pauses) == 1


def test_a_row_of_a_newer_deployment_is_not_misread(aws: Any, table: Table) -> None:
    open_one(table)
    newer = {**item(aws, "M#m-one", "M"), "schema": {"N": "2"}}
    aws.client("dynamodb").put_item(TableName="gpu", Item=newer)
    with pytest.raises(UnknownSchema, match="m-one"):
        table.machine("m-one")


def test_a_row_with_a_field_that_was_dropped_since_is_read_all_the_same(
    aws: Any, table: Table
) -> None:
    first = open_one(table)
    row = item(aws, "M#m-one", "M")
    doc = {**json.loads(row["doc"]["S"]), "colour": "red"}
    row["doc"]["S"] = json.dumps(doc)
    aws.client("dynamodb").put_item(TableName="gpu", Item=row)
    assert table.machine("m-one") == first


def test_what_is_over_is_cleared_away_in_time(aws: Any, table: Table) -> None:
    first = open_one(table)
    start = int(NOW.timestamp())
    assert "ttl" not in item(aws, "M#m-one", "M")
    assert item(aws, "REQ#r-m-one", "REQ")["ttl"]["N"] == str(start + 30 * DAY)
    assert item(aws, "TWIN#t-m-one", "TWIN")["ttl"]["N"] == str(start + 3600)
    bought = table.save(replace(first, instance=an_instance()), first)
    assert "ttl" not in item(aws, "I#i-1", "I")
    table.save(replace(bought, state=State.ENDED, due_at=None), bought)
    for key in (("M#m-one", "M"), ("I#i-1", "I")):
        assert item(aws, *key)["ttl"]["N"] == str(start + 400 * DAY)


def an_instance() -> Instance:
    return Instance(id="i-1", region="us-east-1", zone="a", state="running", launched_at=NOW)


def test_a_person_s_profile_is_no_machine_of_theirs(table: Table) -> None:
    table.save_profile(Profile(user="U1"), Profile(user="U1"))
    assert table.of_owner("U1") == ()


def test_every_write_is_one_transaction_with_a_condition(aws: Any, table: Table) -> None:
    first = open_one(table)
    table.save(replace(first, due_at=NOW + timedelta(hours=1)), first)
    for call in aws.asked("TransactWriteItems"):
        puts = [change["Put"] for change in call["TransactItems"]]
        assert all("ConditionExpression" in put for put in puts)
    assert {name for name, _ in aws.calls if name.startswith(("Put", "Update", "Delete"))} == set()


def test_a_hundred_rows_are_one_consistent_read(aws: Any, table: Table) -> None:
    for number in range(100):
        open_one(table, a_machine(f"m-{number}", f"fox-{number}"))
    assert len(table.machines([f"m-{number}" for number in range(100)])) == 100
    (asked,) = aws.asked("BatchGetItem")
    assert asked["RequestItems"]["gpu"]["ConsistentRead"] is True
    assert len(table.watched()) == 100
    assert len(aws.asked("Query")) == 1


def test_what_is_left_out_of_a_list_is_logged_by_its_id_and_nothing_more(
    aws: Any, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    open_one(table)
    newer = {**item(aws, "M#m-one", "M"), "schema": {"N": "999"}}
    aws.client("dynamodb").put_item(TableName="gpu", Item=newer)
    assert table.live() == ()
    (line,) = caplog.records
    assert (line.getMessage(), line.__dict__["key"]) == ("row left out", "machine/m-one")


def test_a_row_that_cannot_be_read_keeps_no_other_from_being_read(aws: Any, table: Table) -> None:
    good = open_one(table, a_machine("m-a", "a"))
    open_one(table, a_machine("m-b", "b"))
    broken = {**item(aws, "M#m-b", "M"), "doc": {"S": "{"}}
    aws.client("dynamodb").put_item(TableName="gpu", Item=broken)
    found = table.machines(["m-a", "m-b"])
    assert found["m-a"] == good
    assert isinstance(found["m-b"], UnreadableRow)
