"""A bad network between the deployed functions and all else: answers that are lost, late or cut.

It stands in front of MiniStack (table, queue, secrets), of the world (EC2 and the rest) and of
Slack, and passes on what it is given, but for a share of the calls: a connection that ends before
anything was done, or after it; a 5xx with or without effect; a throttle; an answer cut in the
middle; a delay; a message that is sent twice. Which call meets what is drawn from a seed.
"""

import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

LATE_SECONDS = 1.5
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Trouble(StrEnum):
    """What may happen to a call."""

    CUT_OFF = "cut-off"  # nothing was done, and nobody says so
    UNANSWERED = "unanswered"  # it was done, and nobody says so
    FAILED = "failed"  # a 5xx, nothing done
    FAILED_BUT_DONE = "failed-but-done"
    THROTTLED = "throttled"
    TORN = "torn"  # done, and the answer ends in the middle
    LATE = "late"
    TWICE = "twice"  # a message of the queue only: SQS promises no more than at least once


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - to be drawn again by its seed, not to be secret


@dataclass
class Network:
    """How bad it is: `share` of the calls meet trouble. Changed while calls are made."""

    share: float = 0.0
    chance: random.Random = field(default_factory=lambda: _chance(0))
    met: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """`share` (0 to 1) and `seed` from now on; what was met so far."""
        with self._lock:
            self.share = float(wanted.get("share", self.share))
            if "seed" in wanted:
                self.chance = _chance(int(wanted["seed"]))
            return {"share": self.share, "met": dict(self.met)}

    def draw(self, operation: str) -> Trouble | None:
        """What this call meets; None: nothing."""
        with self._lock:
            if self.chance.random() >= self.share:
                return None
            found = self.chance.choice(list(Trouble))
            if found is Trouble.TWICE and not operation.startswith("AmazonSQS.SendMessage"):
                found = Trouble.UNANSWERED
            self.met[f"{found} {operation}"] += 1
            return found


class Wire:
    """A proxy in front of one endpoint, on a port of its own."""

    def __init__(self, network: Network, upstream: str, bound: socket.socket) -> None:
        where = urlsplit(upstream).netloc

        class Handler(_Handler):
            wire = network
            there = where

        self._server = ThreadingHTTPServer(bound.getsockname(), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = bound
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        host, port = self._server.socket.getsockname()[:2]
        return f"http://{host}:{port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection; every call on it is passed on over a connection of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wire: Network
    there: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.wire.draw(self._operation(body)):
            case None:
                self._reply(*self._passed_on(body))
            case Trouble.CUT_OFF:
                self._hang_up()
            case Trouble.UNANSWERED:
                self._passed_on(body)
                self._hang_up()
            case Trouble.FAILED:
                self._fail(503, "ServiceUnavailable")
            case Trouble.FAILED_BUT_DONE:
                self._passed_on(body)
                self._fail(500, "InternalError")
            case Trouble.THROTTLED:
                self._throttle()
            case Trouble.TORN:
                self._reply(*self._passed_on(body), torn=True)
            case Trouble.LATE:
                time.sleep(LATE_SECONDS)
                self._reply(*self._passed_on(body))
            case Trouble.TWICE:
                self._passed_on(body)
                self._reply(*self._passed_on(body))

    do_GET = do_POST
    do_PUT = do_POST

    def _operation(self, body: bytes) -> str:
        target = self.headers.get("X-Amz-Target")
        if target:
            return str(target)
        if not body.startswith(b"Action="):
            return (
                self.path.split("?")[0].replace("/api/", "").partition("/response/")[0] or "answer"
            )
        first, _, _ = body.partition(b"&")
        return first.decode("ascii", "replace").removeprefix("Action=")[:60]

    def _passed_on(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        link = http.client.HTTPConnection(self.there, timeout=60)
        try:
            link.request(self.command, self.path, body, headers)
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            link.close()

    def _reply(
        self, status: int, headers: Mapping[str, str], body: bytes, *, torn: bool = False
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if torn else body)
        if torn:
            self._hang_up()

    def _throttle(self) -> None:
        if self._is_slack():
            self._reply(429, {"Retry-After": "2"}, b'{"ok": false, "error": "ratelimited"}')
        else:
            self._fail(400, "ThrottlingException" if self._speaks_json() else "Throttling")

    def _fail(self, status: int, code: str) -> None:
        if self._speaks_json():
            body = json.dumps({"__type": code, "message": "a bad network"}).encode()
            self._reply(status, {"Content-Type": "application/x-amz-json-1.0"}, body)
            return
        told = f"<Error><Code>{code}</Code><Message>a bad network</Message></Error>"
        body = f"<Response><Errors>{told}</Errors><RequestID>none</RequestID></Response>".encode()
        self._reply(status, {"Content-Type": "text/xml"}, body)

    def _is_slack(self) -> bool:
        return self.path != "/"

    def _speaks_json(self) -> bool:
        return self.headers.get("X-Amz-Target") is not None

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was met is counted."""
