"""What of the internet a local run needs, where there is none: a front of the door, and GitHub.

A browser and the world's machines reach the door through `Front`, which hands their requests to
the function as a Function URL does, from an address that could be anybody's: their own would be
127.0.0.1 here.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

ADDRESS = "198.51.100.23"  # whoever opens a link comes from there; kept for documentation
# Whose private halves nobody has. The last one is of a kind that EC2 does not take.
GITHUB = {
    "octocat": (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm\n"
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN\n"
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==\n"
    ),
    "nokeys": "",
}

Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Front:
    """The way of a browser or a machine to the door, by `invoke`: a Function URL's event."""

    invoke: Callable[[Event], Event]

    async def link(self, request: Request) -> Response:
        """One request for a one-time link, and the door's own answer."""
        return await self._passed_on(request, "")

    async def beat(self, request: Request) -> Response:
        """One report of a machine, and the door's own answer."""
        return await self._passed_on(request, (await request.body()).decode(errors="replace"))

    async def _passed_on(self, request: Request, body: str) -> Response:
        answer = await run_in_threadpool(self.invoke, _event(request, body))
        headers = {str(k): str(v) for k, v in (answer.get("headers") or {}).items()}
        return Response(str(answer.get("body") or ""), int(answer["statusCode"]), headers)


def routes(front: Front | None) -> list[Route]:
    """What the page's server answers beside Slack."""
    found = [Route("/github/{account}.keys", _keys, methods=["GET"])]
    if front is not None:
        found.append(Route("/here/{token:path}", front.link, methods=["GET", "POST"]))
        found.append(Route("/beat/{token:path}", front.beat, methods=["POST"]))
    return found


async def _keys(request: Request) -> Response:
    page = GITHUB.get(request.path_params["account"].lower())
    return PlainTextResponse("Not Found", 404) if page is None else PlainTextResponse(page)


def _event(request: Request, body: str) -> Event:
    """Payload version 2.0. The body of the page's form is empty."""
    path = request.url.path
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": dict(request.headers),
        "requestContext": {
            "http": {"method": request.method, "path": path, "sourceIp": ADDRESS},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def invoker(client: Any, function: str) -> Callable[[Event], Event]:
    """Events to that function of Lambda's API. RuntimeError where the function fails."""

    def invoke(event: Event) -> Event:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} failed: {payload.decode()}")
        found: Event = json.loads(payload)
        return found

    return invoke
