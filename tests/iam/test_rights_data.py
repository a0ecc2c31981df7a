"""What calls of the table, the queue and the secret ask IAM for."""

from typing import Any

import pytest

from sim.rights_data import asks

TABLE = "arn:aws:dynamodb:us-east-1:1:table/t"
QUEUE = "arn:aws:sqs:us-east-1:1:q"
KEY = {"pk": {"S": "M#m-1"}, "sk": {"S": "M"}}
OTHER = {"pk": {"S": "AUDIT#2026-11"}, "sk": {"S": "x"}}


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("dynamodb", "GetItem", {"TableName": "t", "Key": KEY}, [("GetItem", TABLE, ["M#m-1"])]),
        ("dynamodb", "PutItem", {"TableName": "t", "Item": KEY}, [("PutItem", TABLE, ["M#m-1"])]),
        (
            "dynamodb",
            "Query",
            {
                "TableName": "t",
                "IndexName": "due",
                "KeyConditionExpression": "due = :due AND due_at <= :now",
                "ExpressionAttributeValues": {":due": {"S": "DUE"}, ":now": {"N": "1"}},
            },
            [("Query", f"{TABLE}/index/due", ["DUE"])],
        ),
        ("dynamodb", "Scan", {"TableName": "t"}, [("Scan", TABLE, [])]),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [KEY, OTHER]}}},
            [("BatchGetItem", TABLE, ["M#m-1", "AUDIT#2026-11"])],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": KEY}},
                    {"Delete": {"TableName": "t", "Key": OTHER}},
                    {"ConditionCheck": {"TableName": "t", "Key": KEY}},
                ]
            },
            [
                ("PutItem", TABLE, ["M#m-1"]),
                ("DeleteItem", TABLE, ["AUDIT#2026-11"]),
                ("ConditionCheckItem", TABLE, ["M#m-1"]),
            ],
        ),
        ("sqs", "SendMessage", {"QueueUrl": "http://x/1/q"}, [("SendMessage", QUEUE, [])]),
        ("sqs", "SendMessageBatch", {"QueueUrl": "http://x/1/q"}, [("SendMessage", QUEUE, [])]),
        ("secretsmanager", "GetSecretValue", {"SecretId": "s"}, [("GetSecretValue", "s", [])]),
    ],
)
def test_a_call_asks_for(
    service: str, operation: str, params: dict[str, Any], expected: list[tuple[str, str, list[str]]]
) -> None:
    found = asks(service, "us-east-1", "1", operation, params)
    assert [
        (a.action, a.resource, list(a.context.get("dynamodb:leadingkeys", ()))) for a in found
    ] == [(f"{service}:{action}", resource, keys) for action, resource, keys in expected]
    assert all(a.context["aws:requestedregion"] == ("us-east-1",) for a in found)


def test_what_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        asks("s3", "us-east-1", "1", "GetObject", {})
