"""Answers that arrived in part are no answers.

botocore does not compare an answer's length with what was announced
(`enforce_content_length=False` in its httpsession), and reads JSON that ends in the middle as an
answer without fields: a torn GetItem would say that there is no such row. Here it is an error
without an answer, which everybody above knows how to take.
"""

from typing import Any, TypeVar

from botocore.exceptions import ConnectionClosedError
from botocore.model import OperationModel

C = TypeVar("C")


def whole(client: C) -> C:
    """The same boto3 client; from now on a torn answer raises botocore's ConnectionClosedError."""
    events: Any = client
    events.meta.events.register("before-parse", _insist)
    return client


def _insist(operation_model: OperationModel, response_dict: dict[str, Any], **_: Any) -> None:
    body, status = response_dict.get("body"), response_dict["status_code"]
    if not isinstance(body, bytes):
        return
    told = response_dict["headers"].get("content-length", "")
    torn = str(told).isdigit() and int(told) != len(body)
    if torn or (status < 300 and _is_no_json(operation_model, body)):
        endpoint = f"{operation_model.service_model.service_name}.{operation_model.name}"
        raise ConnectionClosedError(endpoint_url=endpoint)


def _is_no_json(operation_model: OperationModel, body: bytes) -> bool:
    """Whether it should be a JSON object and does not even begin and end as one."""
    told = operation_model.output_shape
    if operation_model.service_model.resolved_protocol != "json" or told is None:
        return False
    bare = body.strip()
    return bool(told.members) and not (bare.startswith(b"{") and bare.endswith(b"}"))
