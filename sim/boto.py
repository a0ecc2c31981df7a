"""Real boto3 clients whose calls the world answers in process.

Everything before the wire is botocore's own: validation, client tokens, base64 of user data,
pagination, typed exceptions. botocore's retries are not there: its retry handler sits below the
place where the answer is put in, so every refusal is seen at once.
"""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from sim.callers import Caller, calling
from sim.world import AwsError, TimedOut, World

_PARAMS = "world_params"


def client(
    world: World, service: str, region: str, caller: Callable[[], Caller | None] = lambda: None
) -> Any:
    """A boto3 client of that service and region in this world: no network, no real credentials.

    `caller` says for each call under which role it is made; None is the account's root.
    """
    made = boto3.client(  # type: ignore[call-overload]
        service,
        region_name=region,
        endpoint_url=f"http://world.invalid/{service}",
        aws_access_key_id="world",
        aws_secret_access_key="world",
    )

    def remember(params: Any, context: dict[str, Any], **_: Any) -> None:
        """Kept, not copied: botocore's handlers still fill in the token and encode user data."""
        context[_PARAMS] = params

    def answer(model: Any, context: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        params = context.pop(_PARAMS, {})
        with calling(caller()):
            return _answer(world, service, region, model.name, params)

    made.meta.events.register("before-parameter-build.*.*", remember)
    made.meta.events.register("before-call.*.*", answer)
    return made


def _answer(
    world: World, service: str, region: str, operation: str, params: dict[str, Any]
) -> tuple[AWSResponse, dict[str, Any]]:
    url = f"http://world.invalid/{service}"
    try:
        status, parsed = 200, world.call(service, region, operation, params)
    except TimedOut as silence:
        kind = ReadTimeoutError if silence.effect else ConnectTimeoutError
        raise kind(endpoint_url=url, error=silence) from silence
    except AwsError as error:
        status = error.status
        parsed = {"Error": {"Code": error.code, "Message": error.message}}
    parsed["ResponseMetadata"] = {
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
        "RequestId": "00000000-0000-0000-0000-000000000000",
    }
    return AWSResponse(url, status, HTTPHeaders(), None), parsed
