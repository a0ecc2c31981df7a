"""The EC2 world over AWS's own wire formats: what boto3 sends, what boto3 expects back.

EC2 in its query protocol and XML, the others in JSON, all on one port. Which service and region a
call is for stands in the credential scope of its signature, as on AWS, and so does the access key:
whose it is decides what the call may do. The signature itself is not checked. Parsing and
serialising follow botocore's service models, by moto.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.utils import parse_timestamp
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.forward import refused
from sim.callers import Caller, calling
from sim.rights_data import SERVICES as SERVICES_BESIDE
from sim.world import SERVICES, AwsError, TimedOut, World

_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_MODELS = {
    "ec2": "ec2",
    "servicequotas": "service-quotas",
    "pricing": "pricing",
    "ce": "ce",
    "ssm": "ssm",
    "sts": "sts",
}
_QUERY = frozenset({"ec2", "sts"})  # forms and XML; the others speak JSON
_LARGEST_BODY = 1_000_000
_SILENCE = 65.0  # seconds without a reply, longer than any client here waits


Who = Callable[[str], Caller | None]  # by access key; None is the account's root
Passed = tuple[int, dict[str, str], bytes]
PassOn = Callable[[str, str, Mapping[str, str], bytes], Passed]


def anybody(_: str) -> None:
    """Every key is the root's."""


def app(world: World, who: Who = anybody, pass_on: PassOn | None = None) -> Starlette:
    """An ASGI application that answers for EC2 and the other services of `_MODELS`.

    `who` raises AwsError for a key that is nobody's. With `pass_on` those calls that the world does
    not answer are held against their caller's role and passed on.
    """

    async def call(request: Request) -> Response:
        body = await request.body()
        if len(body) > _LARGEST_BODY:
            return Response("too large", status_code=413)
        try:
            return await asyncio.to_thread(_answer, request, body)
        except TimedOut:
            return await _never(request)

    def _answer(request: Request, body: bytes) -> Response:
        wire = _wire(request, body, who, pass_on)
        if isinstance(wire, Response):
            return wire
        with calling(wire.caller):
            return wire.answer(world)

    async def health(_: Request) -> Response:
        return JSONResponse({"ok": True, "services": sorted(SERVICES)})

    return Starlette(
        routes=[
            Route("/_world/health", health, methods=["GET"]),
            Route("/{path:path}", call, methods=["POST", "GET"]),
        ]
    )


async def _never(request: Request) -> Response:
    """Keep silent until the caller gives up, as a lost reply does."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), timeout=_SILENCE)
    except TimeoutError:
        return Response(status_code=504)
    return Response(status_code=499)


# ---- one call -----------------------------------------------------------------------------------


class _Wire:
    """One call: which operation of which service in which region, and its parameters."""

    def __init__(
        self, service: str, region: str, operation: str, request: Any, caller: Caller | None
    ) -> None:
        self.caller = caller
        self._service = service
        self._region = region
        self._operation = operation
        self._request = request

    def answer(self, world: World) -> Response:
        """The world's answer or refusal on the wire; TimedOut where the world keeps silent."""
        request_id = str(uuid.uuid4())
        try:
            if self._operation not in SERVICES[self._service]:
                raise AwsError("InvalidAction", f"The world does not know {self._operation}.")
            result = world.call(self._service, self._region, self._operation, self._params())
        except AwsError as error:
            return refusal(self._service, error, request_id)
        model = get_service_model(self._service)
        serializer = get_serializer_class(self._service, model.protocol)(
            model.operation_model(self._operation), SerializationContext(request_id)
        )
        wire = serializer.serialize(result)
        media = "text/xml;charset=UTF-8" if self._service in _QUERY else _JSON
        return Response(
            wire["body"],
            status_code=wire["status_code"],
            media_type=media,
            headers={"x-amzn-requestid": request_id},
        )

    def _params(self) -> dict[str, Any]:
        model = get_service_model(self._service)
        parser = PROTOCOL_PARSERS[model.protocol](
            model.operation_model(self._operation), timestamp_parser=_timestamp
        )
        try:
            if self._service not in _QUERY:
                _check_json(self._request["body"])
            parsed: dict[str, Any] = parser.parse(self._request)
        except (RequestParserError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise AwsError("MalformedInput", "The request could not be read.") from error
        return parsed


def _wire(request: Request, body: bytes, who: Who, pass_on: PassOn | None) -> _Wire | Response:
    """What the call is, or the refusal of one that cannot be understood; or MiniStack's answer."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    if scope is None:
        return refusal("ec2", AwsError("MissingAuthenticationToken", "Sign the request.", 403))
    key, region, name = scope.groups()
    service = _MODELS.get(name)
    try:
        caller = who(key)
    except AwsError as stranger:
        return refusal(service or "ssm", stranger)
    if service is None and pass_on and name in SERVICES_BESIDE:
        return _passed(request, body, name, region, caller, pass_on)
    if service is None:
        error = AwsError("InvalidAction", f"The world does not serve {name}.")
        return refusal("ssm", error)
    values = _form(request, body) if service in _QUERY else {}
    operation = values.get("Action") or request.headers.get("x-amz-target", "").rpartition(".")[2]
    data = {
        "method": request.method,
        "headers": dict(request.headers),
        "body": body,
        "values": values,
        "url_path": request.url.path,
        "url_params": {},
    }
    return _Wire(service, region, operation, data, caller)


def _passed(
    request: Request, body: bytes, service: str, region: str, caller: Caller | None, on: PassOn
) -> Response:
    """What MiniStack answers to a call that the caller's role allows."""
    try:
        refused(caller, service, region, request.headers.get("x-amz-target", ""), body)
    except AwsError as error:
        return refusal("ssm", error)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    status, headers, answer = on(request.method, path, request.headers, body)
    return Response(answer, status_code=status, headers=headers)


def _check_json(body: bytes) -> None:
    """moto's parser takes a broken body for a message; ValueError here instead."""
    if not isinstance(json.loads(body), dict):
        raise ValueError("the body must be a JSON object")


def _form(request: Request, body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {**dict(request.query_params), **dict(pairs)}


def _timestamp(value: Any) -> datetime:
    moment = parse_timestamp(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


# ---- refusals -----------------------------------------------------------------------------------

_JSON = "application/x-amz-json-1.1"


def refusal(service: str, error: AwsError, request_id: str = "unsigned") -> Response:
    """An error as that service's clients read it: XML of two kinds, or JSON with a type."""
    if service in _QUERY:
        told = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        if service == "ec2":
            body = (
                f"<Response><Errors><Error>{told}</Error></Errors>"
                f"<RequestID>{request_id}</RequestID></Response>"
            )
        else:
            body = (
                f"<ErrorResponse><Error>{told}</Error><RequestId>{request_id}</RequestId>"
                "</ErrorResponse>"
            )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
        return Response(body, status_code=error.status, media_type="text/xml;charset=UTF-8")
    words = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
    return Response(
        words,
        status_code=error.status,
        media_type=_JSON,
        headers={"x-amzn-errortype": error.code, "x-amzn-requestid": request_id},
    )
