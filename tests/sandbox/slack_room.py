"""A served Slack stand-in with a small app behind it that checks every signature."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import uvicorn
from slack_sdk import WebClient
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.slack.server import app
from sandbox.slack.workspace import Workspace

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-local-run-token"
LAB = "C06GPULAB42"
RANDOM = "C06RANDOM77"
STAFF = "C06STAFFPR9"
ADA = "U06ADA4K7QX"
LIN = "U06LIN9F2TB"


class Clock(SlackClock):
    """The real time, which a test may move forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request as the app got it."""

    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The fields of a form body."""
        return {k: v[0] for k, v in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(kw_only=True)
class Door:
    """An app's front: refuses what is not signed, keeps the rest, answers as it is told."""

    clock: Clock
    seen: list[Seen] = field(default_factory=list)
    answer: Callable[[Seen], Response] = lambda seen: Response("")

    def app(self) -> Starlette:
        """The door as a web app."""
        return Starlette(routes=[Route("/slack", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        verifier = SignatureVerifier(SECRET, self.clock)
        if not verifier.is_valid_request(body.decode(), headers):
            return Response("unsigned", status_code=401)
        seen = Seen(headers=headers, body=body)
        self.seen.append(seen)
        return await run_in_threadpool(self.answer, seen)


@dataclass(frozen=True, kw_only=True)
class Room:
    """Everything a test of the stand-in touches."""

    url: str
    workspace: Workspace
    door: Door
    clock: Clock
    bot: WebClient
    http: httpx.Client
    server: Starlette
    commands: list[dict[str, Any]]

    def do(self, gesture: str, **given: Any) -> httpx.Response:
        """One POST to /sandbox/<gesture>."""
        return self.http.post(f"/sandbox/{gesture}", json=given)

    def state(self, user: str = "ada", channel: str = "gpu-lab") -> dict[str, Any]:
        """What one person sees."""
        asked = {"user": user, "channel": channel}
        found: dict[str, Any] = self.http.get("/sandbox/state", params=asked).json()
        return found

    def texts(self, user: str = "ada", channel: str = "gpu-lab") -> list[str]:
        """The words that one person sees in a conversation."""
        return [str(message["text"]) for message in self.state(user, channel)["messages"]]


class Stage:
    """A server that outlives the tests; each of them puts its own app on it."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def stages() -> Iterator[tuple[Stage, Stage]]:
    """One stage for the app's door and one for the stand-in."""
    door, slack = Stage(), Stage()
    with served(door) as door.url, served(slack) as slack.url:
        yield door, slack


@contextmanager
def served(asgi: ASGIApp) -> Iterator[str]:
    """The app on a free port of 127.0.0.1, ended on leaving."""
    config = uvicorn.Config(asgi, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(5)


WORLD: dict[str, Any] = {
    "instances": [
        {
            "id": "i-0fox",
            "region": "us-east-1",
            "zone": "us-east-1b",
            "type": "p3.2xlarge",
            "market": "spot",
            "state": "running",
            "name": "amber-fox",
            "owner": ADA,
            "address": "54.12.3.4",
            "tags": {},
        }
    ],
    "quotas": [
        {"region": "us-east-1", "code": "L-7212CCBC", "name": "P spot", "limit": 8, "used": 8}
    ],
    "quota_requests": [
        {
            "id": "q-1",
            "region": "us-east-1",
            "code": "L-7212CCBC",
            "name": "P spot",
            "desired": 16,
            "status": "PENDING",
        }
    ],
    "full_zones": [{"region": "us-east-1", "zone": "us-east-1a"}],
    "counts": {"instances": 1, "groups": 1, "volumes": 1, "keys": 1, "interfaces": 1},
}


@contextmanager
def opened_room(door_stage: Stage, slack_stage: Stage) -> Iterator[Room]:
    """A stand-in with its app and a world that only writes down what it is told."""
    clock = Clock()
    door = Door(clock=clock)
    workspace = Workspace(clock.now)
    commands: list[dict[str, Any]] = []

    def control(command: dict[str, Any]) -> dict[str, Any]:
        if "do" not in command:
            raise ValueError("a command has a do")
        commands.append(command)
        return {"done": command["do"]}

    door_stage.app = door.app()
    slack_stage.app = server = app(
        workspace,
        function_url=door_stage.url + "/",
        function_headers={"X-Reach": "function-1"},
        signing_secret=SECRET,
        bot_token=TOKEN,
        world_control=control,
        world_state=lambda: WORLD,
        info=lambda: {"function_url": door_stage.url, "signing_secret": SECRET},
    )
    url = slack_stage.url
    # Everything here is plain HTTP: reading the certificates would be most of a test's time.
    with httpx.Client(base_url=url, trust_env=False, verify=False) as http:
        yield Room(
            url=url,
            workspace=workspace,
            door=door,
            clock=clock,
            bot=WebClient(TOKEN, base_url=f"{url}/api/"),
            http=http,
            server=server,
            commands=commands,
        )
