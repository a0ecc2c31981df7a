"""Whatever botocore raises comes out as a CloudError, with its cause."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from adapters.aws_errors import translated
from core.faults import CloudError, FaultKind


@pytest.mark.parametrize(
    ("error", "kind", "definite"),
    [
        (ReadTimeoutError(endpoint_url="x"), FaultKind.UNKNOWN, False),
        (ConnectTimeoutError(endpoint_url="x"), FaultKind.UNKNOWN, False),
        (EndpointConnectionError(endpoint_url="x"), FaultKind.UNKNOWN, False),
        (NoCredentialsError(), FaultKind.DENIED, True),
        (ParamValidationError(report="x"), FaultKind.BUG, True),
    ],
)
def test_no_answer_is_told_from_nothing_sent(
    error: BotoCoreError, kind: FaultKind, definite: bool
) -> None:
    with pytest.raises(CloudError) as caught, translated("RunInstances"):
        raise error
    fault = caught.value.fault
    assert (fault.kind, fault.definite, fault.operation) == (kind, definite, "RunInstances")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InsufficientInstanceCapacity", 500, FaultKind.CAPACITY),
        ("VcpuLimitExceeded", 400, FaultKind.QUOTA),
        ("UnauthorizedOperation", 403, FaultKind.DENIED),
        ("RequestLimitExceeded", 503, FaultKind.THROTTLED),
        ("InternalError", 500, FaultKind.UNKNOWN),
        ("", 502, FaultKind.UNKNOWN),
    ],
)
def test_an_answer_is_told_by_its_code(code: str, status: int, kind: FaultKind) -> None:
    shape = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    with pytest.raises(CloudError) as caught, translated("RunInstances"):
        raise ClientError(shape, "RunInstances")  # type: ignore[arg-type]
    assert caught.value.fault.kind is kind


def test_an_answer_that_is_no_xml_at_all_is_unknown() -> None:
    with pytest.raises(CloudError) as caught, translated("RunInstances"):
        raise ClientError({}, "RunInstances")
    assert caught.value.fault.kind is FaultKind.UNKNOWN


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(KeyError), translated("RunInstances"):
        raise KeyError("ours")
