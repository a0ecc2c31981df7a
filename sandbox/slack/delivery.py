"""How Slack calls an app: signs the raw body, waits three seconds, never tries a command twice."""

import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from sandbox.slack.model import Json

ACK_SECONDS = 3.0
TIMEOUT = "operation_timeout"
FAILED = "dispatch_failed"
_LOG_LENGTH = 60
FORM = "application/x-www-form-urlencoded"
EVENT = "application/json"


class NotDeployed(Exception):
    """There is no function to call yet."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One signed request, kept byte for byte so that it can be delivered again."""

    kind: str
    what: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came back. `status` is 0 when nothing did; `error` is the word Slack would show."""

    status: int
    body: str
    ms: int
    error: str | None = None

    def json(self) -> Json:
        """The answer to whoever asked for the delivery."""
        return {
            "status": self.status,
            "body": self.body,
            "ms": self.ms,
            "delivered": self.error is None,
            "error": self.error,
        }


class Delivery:
    """The way to the app's Function URL. `function_url` and `function_headers` may be set later."""

    def __init__(
        self,
        *,
        function_url: str | None,
        function_headers: dict[str, str],
        signing_secret: str,
        now: Callable[[], float] = time.time,
        ack_seconds: float = ACK_SECONDS,
    ) -> None:
        self.function_url = function_url
        self.function_headers = function_headers
        self._secret = signing_secret.encode()
        self._now = now
        self._ack_seconds = ack_seconds
        self._lock = threading.Lock()
        self._last: Request | None = None
        self._log: deque[Json] = deque(maxlen=_LOG_LENGTH)
        # A connection kept open may be closed by the other side between two commands, which
        # would look like a failed command: every delivery makes its own, as Slack's do.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(timeout=ack_seconds, limits=limits, trust_env=False)

    def regenerate(self) -> str:
        """A new secret, with which everything is signed from now on."""
        made = secrets.token_hex(16)
        self._secret = made.encode()
        return made

    def send(
        self,
        kind: str,
        what: str,
        body: bytes,
        content_type: str = FORM,
        more: dict[str, str] | None = None,
    ) -> Outcome:
        """Sign and deliver one request; `what` is for the log. NotDeployed without a function."""
        stamp = str(int(self._now()))
        signature = hmac.new(self._secret, b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256)
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept": "application/json,*/*",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signature.hexdigest()}",
        }
        request = Request(kind=kind, what=what, body=body, headers=headers | (more or {}))
        with self._lock:
            self._last = request
        return self._deliver(request)

    def event(self, what: str, body: bytes) -> Outcome:
        """Deliver an event; a failed one is tried once more at once, marked as Slack marks it.

        Slack tries twice more, after a minute and five minutes: too long to be watched here.
        """
        outcome = self.send("event", what, body, EVENT)
        if outcome.error is None:
            return outcome
        reason = "http_timeout" if outcome.error == TIMEOUT else "http_error"
        retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": reason}
        return self.send("event (retry)", what, body, EVENT, retry)

    def again(self) -> Outcome | None:
        """The last request once more, byte for byte; None when there was none."""
        with self._lock:
            last = self._last
        if last is None:
            return None
        return self._deliver(replace(last, kind=f"{last.kind} (again)"))

    def log(self) -> list[Json]:
        """The latest deliveries, newest first."""
        with self._lock:
            return list(self._log)[::-1]

    def _deliver(self, request: Request) -> Outcome:
        if self.function_url is None:
            raise NotDeployed
        url = self.function_url.rstrip("/") + "/slack"
        headers = request.headers | self.function_headers
        began = time.perf_counter()
        try:
            answer = self._client.post(url, content=request.body, headers=headers)
        except httpx.TimeoutException:
            outcome = Outcome(status=0, body="", ms=_ms(began), error=TIMEOUT)
        except httpx.TransportError:
            outcome = Outcome(status=0, body="", ms=_ms(began), error=FAILED)
        else:
            outcome = self._judge(answer, _ms(began))
        with self._lock:
            self._log.append(
                {"at": self._now(), "kind": request.kind, "what": request.what}
                | {"status": outcome.status, "ms": outcome.ms, "error": outcome.error}
            )
        return outcome

    def _judge(self, answer: httpx.Response, ms: int) -> Outcome:
        error = None if answer.status_code == 200 else FAILED
        if ms > self._ack_seconds * 1000:
            error = TIMEOUT
        return Outcome(status=answer.status_code, body=answer.text, ms=ms, error=error)


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
