"""One request at a time through the door, held against what must be true whatever is sent.

Nothing raises; no answer is a 5xx; nothing is queued that was not signed, which Slack's own
verifier decides; what is signed rightly is never called unsigned; no line of the log repeats
anything that was sent; what was queued fits the queue and can be read behind it, where some of it
is carried out in a simulated town.
"""

import base64
import contextlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from slack_sdk.signature import Clock, SignatureVerifier

from fuzz.mutate import BEAT, HERE, NOW, SECRET, STACK, TEAM, Request
from handlers import queued
from handlers.aws_post import Service
from handlers.door import Door
from handlers.slack import metrics, serve
from sim.town import Town

STATUSES = frozenset({200, 204, 400, 401, 404, 405, 413})
MOST_BYTES = 256 * 1024  # of a message of SQS
SERVED_BY_ONE_TOWN = 200
_SQS_TAKES = re.compile("[\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_LINE = re.compile(r"refused with [0-9]{3}: [A-Za-z0-9_',. -]{1,60}")
_UNSIGNED = frozenset({"not signed", "signed too long ago", "wrong signature"})
_TEN_DIGITS = re.compile(r"[0-9]{10}")
_AWS = {
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/queue",
    "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
    "AWS_REGION": "us-east-1",
    "SLACK_TEAM_ID": TEAM,
    "STACK_NAME": STACK,
    "REGIONS": "us-east-1",
}


class Broken(Exception):
    """A request that the door should have answered otherwise."""


class _Memory(Service):
    """The vault and the queue, which takes what SQS takes."""

    taken: list[str]

    def connect(self) -> None:
        self.taken = []

    def call(self, target: str, request: Mapping[str, object]) -> dict[str, object]:
        if target == "secretsmanager.GetSecretValue":
            return {"SecretString": json.dumps({"signing_secret": SECRET})}
        body = str(request["MessageBody"])
        if len(body.encode()) > MOST_BYTES or not _SQS_TAKES.fullmatch(body):
            raise Broken("SQS would not take this message")
        self.taken.append(body)
        return {}


class _Now(Clock):
    def now(self) -> float:
        return NOW


class Trial:
    """A door, its queue, and what was counted. `behind`: every how manieth message is served."""

    def __init__(self, behind: int = 0) -> None:
        self.answers: Counter[int] = Counter()
        self.queued: Counter[str] = Counter()
        self.served = self.dropped = 0
        self._behind = behind
        self._door = Door(_AWS, now=lambda: NOW, service=_Memory)
        self._door.open()
        for brake in (self._door._reports, self._door._presses):
            brake.most = sys.maxsize  # all requests of a trial come in one moment
        queue = self._door._queue
        assert isinstance(queue, _Memory)
        self._queue = queue
        self._verifier = SignatureVerifier(SECRET, _Now())
        self._town = Town()

    def run(self, request: Request) -> int:
        """The status it was answered with. Raises Broken, or whatever the door raised."""
        event = request.as_event()
        lines = io.StringIO()
        with contextlib.redirect_stdout(lines):
            answer = self._door.answer(event)
        status = answer["statusCode"]
        self.answers[status] += 1
        self._check_answer(event, answer)
        for line in lines.getvalue().splitlines():
            if not _LINE.fullmatch(line):
                raise Broken(f"a line of the log: {line}")
        for message in self._taken():
            if not self._may_be_queued(event):
                raise Broken("queued, and nobody who may had signed it")
            self._read(message)
        return int(status)

    def _taken(self) -> Iterator[str]:
        while self._queue.taken:
            yield self._queue.taken.pop()

    def _check_answer(self, event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        status = answer["statusCode"]
        if status not in STATUSES:
            raise Broken(f"answered with {status}")
        json.dumps(answer, ensure_ascii=False).encode()  # as Lambda's runtime hands it back
        if event.get("rawPath") != "/slack" or status in (404, 405, 413):
            return
        if answer["body"] in ("no body", "not readable"):
            return
        refused, signed = status == 401 and answer["body"] in _UNSIGNED, self._signed(event)
        if signed is None and status not in (400, 401):
            raise Broken("taken, though it is no text")
        if signed is not None and refused == signed:
            raise Broken("Slack's verifier says otherwise about the signature")

    def _signed(self, event: Mapping[str, Any]) -> bool | None:
        """Slack's own verdict; an error of it is a no, but for bytes that are no text at all."""
        try:
            headers = {str(k).lower(): v for k, v in event["headers"].items() if type(v) is str}
            if not _TEN_DIGITS.fullmatch(headers["x-slack-request-timestamp"]):
                return False  # Slack's verifier takes 1_795_000_000, which Slack never sends
            body = event["body"] or ""
            raw = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
            return self._verifier.is_valid_request(raw, headers)
        except UnicodeDecodeError:
            return None
        except (AttributeError, KeyError, TypeError, ValueError):
            return False

    def _may_be_queued(self, event: Mapping[str, Any]) -> bool:
        match event.get("rawPath"):
            case "/slack":
                return self._signed(event) is True
            case place:
                return place in (HERE, BEAT)

    def _read(self, message: str) -> None:
        self.queued[json.loads(message)["kind"]] += 1
        try:
            queued.read(message)
        except queued.Unreadable:
            self.dropped += 1
        if self._behind and sum(self.queued.values()) % self._behind == 0:
            self._serve(message)

    def _serve(self, message: str) -> None:
        if self.served % SERVED_BY_ONE_TOWN == 0:
            self._town = Town()
        self.served += 1
        now = {**json.loads(message), "received_at": self._town.now.timestamp()}
        attributes = {"ApproximateReceiveCount": "1"}
        record = {"messageId": "0" * 8, "body": json.dumps(now), "attributes": attributes}
        serve(self._town.house, SQSRecord(record))
        metrics.clear_metrics()  # which would print themselves once there are a hundred
