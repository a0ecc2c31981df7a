"""Which rights calls of DynamoDB, SQS and Secrets Manager ask IAM for, read from what is sent.

A transaction asks for each item what the single call would ask for, and a batch for all its keys
together. The keys of a batch or a transaction are one list to IAM: a deny that fits one denies all.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sim.iam import Ask, context_of

SERVICES = ("dynamodb", "sqs", "secretsmanager")
_HASH = "pk"
_EQUALS = re.compile(r"^\s*(#?\w+)\s*=\s*(:\w+)")
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
    "PutRequest": "BatchWriteItem",
    "DeleteRequest": "BatchWriteItem",
}
Params = Mapping[str, Any]


def asks(service: str, region: str, account: str, operation: str, params: Params) -> list[Ask]:
    """Everything that this call wants to be allowed."""
    where = f"{region}:{account}"
    match service:
        case "dynamodb":
            wants = _dynamodb(operation, params)
            found = [
                (f"dynamodb:{action}", f"arn:aws:dynamodb:{where}:table/{table}", keys)
                for action, table, keys in wants
            ]
        case "sqs":
            queue = str(params.get("QueueUrl")).rpartition("/")[2]
            # A batch of messages asks for what each of them would.
            action = operation.removesuffix("Batch")
            found = [(f"sqs:{action}", f"arn:aws:sqs:{where}:{queue}", ())]
        case "secretsmanager":
            found = [(f"secretsmanager:{operation}", str(params.get("SecretId")), ())]
        case _:
            raise ValueError(f"nothing is known of {service}")
    return [_ask(region, action, resource, keys) for action, resource, keys in found]


def _ask(region: str, action: str, resource: str, keys: tuple[str, ...]) -> Ask:
    context = {"aws:RequestedRegion": region, "dynamodb:LeadingKeys": list(keys) or None}
    return Ask(action=action, resource=resource, context=context_of(context))


_Want = tuple[str, str, tuple[str, ...]]  # action, table or index, leading keys


def _dynamodb(operation: str, params: Params) -> Iterator[_Want]:
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            for one in params["TransactItems"]:
                ((kind, item),) = one.items()
                yield _IN_TRANSACTION[kind], item["TableName"], _leading(item)
        case "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                yield operation, table, tuple(_value(key[_HASH]) for key in asked["Keys"])
        case "BatchWriteItem":
            for table, writes in params["RequestItems"].items():
                keys = (_leading(inner) for one in writes for inner in one.values())
                yield operation, table, tuple(key for some in keys for key in some)
        case _:
            index = params.get("IndexName")
            table = str(params.get("TableName"))
            yield operation, f"{table}/index/{index}" if index else table, _leading(params)


def _leading(params: Params) -> tuple[str, ...]:
    """The partition key of an item, or the one that a query names."""
    key = params.get("Key") or params.get("Item")
    if key:
        return (_value(key[_HASH]),)
    found = _EQUALS.match(str(params.get("KeyConditionExpression") or ""))
    values = params.get("ExpressionAttributeValues") or {}
    return (_value(values[found[2]]),) if found else ()


def _value(typed: Mapping[str, Any]) -> str:
    (value,) = typed.values()
    return str(value)
