"""The door: is this Slack, is it our workspace, is it whole? Then onto the queue, and an answer.

It decides nothing else and may do nothing else: no EC2 right, no library but Python's own, because
people wait for it. Nothing of a request is parsed before its signature has been found good, and
whatever anybody sends is answered with a 4xx, never with an error of ours.
"""

import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from core.first_words import NOT_CERTAIN, NOT_TAKEN, PRIVATE_KEY, first_words
from core.private_keys import holds_private_key
from handlers.aws_post import Refused, Service, Unclear, endpoint
from handlers.http_request import (
    FORM,
    JSON,
    Answer,
    No,
    body_of,
    ephemeral,
    form_of,
    headers_of,
    json_of,
    part,
    plain,
    right_place,
)
from handlers.often import Often

LARGEST_MESSAGE = 256 * 1024  # bytes that every queue takes; escapes make a body longer
MAX_AGE = 300  # seconds that a signature is good for, either way of the clock
LOOK_AGAIN = 60  # seconds between two looks at the secret because of a bad signature
GOOD_FOR = (
    300  # seconds that a secret is taken for the newest: one that was withdrawn is not any more
)
LOOK_SOON = 2  # the same while no secret is known at all
REPORTS = 120  # of one machine in a minute: those of a hundred instances may come at once
PRESSES = 10  # of one link in a minute
_TIMESTAMP = re.compile(r"[0-9]{10}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_GROUP = re.compile(r"[A-Za-z0-9._-]{1,128}")  # what SQS takes, and more than an id needs
_PLAIN_URL = re.compile(r"[!-\[\]-~]+")  # visible ASCII, no backslash
_HERE = "/here/"
_BEAT = "/beat/"


class Door:
    """What one execution environment keeps between requests: its secret and its connection."""

    def __init__(
        self,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.time,
        service: type[Service] = Service,
    ) -> None:
        """`service` is what AWS's services are reached by."""
        self._now = now
        self._team = environ.get("SLACK_TEAM_ID", "")
        self._stack = environ.get("STACK_NAME", "")
        self._region = environ.get("REGIONS", "").split(",")[0].strip()
        self._replies_to = _origin_of_replies(environ.get("SLACK_API_URL", ""))
        self._queue_url = environ.get("QUEUE_URL", "")
        self._secret_arn = environ.get("SECRET_ARN", "")
        self._queue = service("sqs", "1.0", _sqs(self._queue_url, environ), environ)
        self._vault = service("secretsmanager", "1.1", _secretsmanager(environ), environ)
        self._reports = Often(REPORTS, now)
        self._presses = Often(PRESSES, now)
        self._keys: tuple[bytes, ...] = ()
        self._looked_at = float("-inf")

    def open(self) -> None:
        """Fetch the secret and connect to the queue while nobody waits; what fails, later."""
        try:
            self._look_at_secret()
            self._queue.connect()
        except (Refused, Unclear, OSError) as error:
            print(f"the door opened without all it needs: {error}")  # noqa: T201 - no logger here

    def answer(self, event: Mapping[str, Any]) -> Answer:
        """The answer to one request of the Function URL (payload version 2.0)."""
        if self._keys and self._now() - self._looked_at >= GOOD_FOR:
            self._look_once_more()  # what cannot be read now goes on as it was
        try:
            path = event.get("rawPath")
            if isinstance(path, str) and path.startswith(_HERE):
                return self._link_opened(path.removeprefix(_HERE), event)
            if isinstance(path, str) and path.startswith(_BEAT):
                return self._reported(path.removeprefix(_BEAT), event)
            right_place(event)
            headers = headers_of(event)
            raw = body_of(event)
            self._verify(headers, raw)
            return self._take(headers.get("content-type", ""), raw)
        except No as no:
            print(f"refused with {no.status}: {no.why}")  # noqa: T201 - no logger here
            return plain(no.status, no.why)

    # --- A one-time link ------------------------------------------------------------------------

    def _link_opened(self, token: str, event: Mapping[str, Any]) -> Answer:
        """GET shows who asks for what; only POST has anything done, and that by the queue."""
        from handlers import here  # here, because Slack's requests need none of it

        http = part(part(event, "requestContext"), "http")
        method, address = http.get("method"), http.get("sourceIp")
        if method not in ("GET", "HEAD", "POST"):
            raise No(405, "GET and POST only")
        link = here.read(token, self._keys, self._stack, self._now())
        if link is None and self._may_look_again():
            self._look_once_more()
            link = here.read(token, self._keys, self._stack, self._now())
        if link is None:
            return here.not_taken() if not self._keys else here.not_good()
        if method != "POST" or not here.can_be_opened(address):
            return here.asks(link, address, method)
        if self._presses.too_often(link.id):
            raise No(429, "pressed too often")
        try:
            found = {"kind": "here", "link": link.id, "user": link.user, "address": address}
            self._send(found, link.user)
        except (Refused, Unclear) as error:
            print(f"a link was not taken: {error}")  # noqa: T201
            return here.not_taken()
        return here.taken(address)

    # --- A machine's report ---------------------------------------------------------------------

    def _reported(self, token: str, event: Mapping[str, Any]) -> Answer:
        """How much a machine is used. Its token is its only proof, and stands in no log."""
        from handlers import beat  # here, because Slack's requests need none of it

        if part(part(event, "requestContext"), "http").get("method") != "POST":
            raise No(405, "POST only")
        machine = beat.whose(token, self._keys, self._stack)
        if machine is None and self._may_look_again():
            self._look_once_more()
            machine = beat.whose(token, self._keys, self._stack)
        if machine is None:
            raise No(404 if self._keys else 503, "no machine's token")
        message = beat.message(machine, body_of(event))
        if message is None:
            raise No(400, "no report")
        if self._reports.too_often(machine):
            raise No(429, "reported too often")
        try:
            self._send(message, machine)
        except (Refused, Unclear) as error:
            print(f"a report was not taken: {error}")  # noqa: T201
            raise No(503, "not taken") from error
        return beat.taken()

    def _look_once_more(self) -> None:
        try:
            self._look_at_secret()
        except (Refused, Unclear) as error:
            print(f"the secret could not be looked at: {error}")  # noqa: T201

    # --- Is it Slack? ---------------------------------------------------------------------------

    def _verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Over the raw bytes, in constant time, with every secret that counts at the moment."""
        stamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        if not _TIMESTAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(signature):
            raise No(401, "not signed")
        if abs(self._now() - int(stamp)) > MAX_AGE:
            raise No(401, "signed too long ago")
        signed = b"v0:" + stamp.encode() + b":" + raw
        if self._matches(signed, signature):
            return
        if not self._may_look_again():
            raise No(401 if self._keys else 503, "wrong signature")
        self._look_once_more()  # it may have been replaced
        if not self._matches(signed, signature):
            raise No(401 if self._keys else 503, "wrong signature")

    def _matches(self, signed: bytes, signature: str) -> bool:
        good = False
        for key in self._keys:  # every key, always: the time taken must not tell which one fits
            wanted = b"v0=" + hmac.new(key, signed, hashlib.sha256).hexdigest().encode()
            good |= hmac.compare_digest(wanted, signature.encode())
        return good

    def _may_look_again(self) -> bool:
        """A flood of bad signatures must not become a flood of calls."""
        wait = LOOK_AGAIN if self._keys else LOOK_SOON
        return self._now() - self._looked_at >= wait

    def _look_at_secret(self) -> None:
        self._looked_at = self._now()
        found = self._vault.call("secretsmanager.GetSecretValue", {"SecretId": self._secret_arn})
        self._vault.close()  # not needed again for a long time
        try:
            secret = json.loads(str(found["SecretString"]))
            current, previous = secret["signing_secret"], secret.get("previous_signing_secret")
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Refused("the secret is not of the form that the template gives it") from None
        self._keys = tuple(str(key).encode() for key in (current, previous) if key)

    # --- Is it ours, and is it whole? -----------------------------------------------------------

    def _take(self, content_type: str, raw: bytes) -> Answer:
        kind = content_type.partition(";")[0].strip().lower()
        if kind == JSON:
            return self._event(raw)
        if kind != FORM:
            raise No(400, "neither a form nor JSON")
        form = form_of(raw)
        if form.get("ssl_check") == "1":
            return plain(200)
        if "payload" in form:
            return self._interaction(form["payload"], raw)
        if form.get("command", "").startswith("/"):
            return self._command(form, raw)
        raise No(400, "neither a command nor an interaction")

    def _command(self, form: Mapping[str, str], raw: bytes) -> Answer:
        self._ours(form.get("team_id"))
        self._answerable(form.get("response_url"))
        for needed in ("user_id", "channel_id", "trigger_id"):
            if not form.get(needed):
                raise No(400, f"a command without {needed}")
        text = form.get("text", "")
        if holds_private_key(text):  # it must not lie in a queue either
            return ephemeral(PRIVATE_KEY)
        try:
            self._enqueue("command", raw, form["user_id"])
        except Refused as error:
            print(f"a command was not taken: {error}")  # noqa: T201
            return ephemeral(NOT_TAKEN)
        except Unclear as error:
            print(f"a command may not have been taken: {error}")  # noqa: T201
            return ephemeral(NOT_CERTAIN)
        return ephemeral(first_words(text, self._region))

    def _interaction(self, text: str, raw: bytes) -> Answer:
        payload = json_of(text)
        user, team = part(payload, "user"), part(payload, "team")
        self._ours(team.get("id") or user.get("team_id"))
        if user.get("team_id"):  # in a shared channel, people of other workspaces can click too
            self._ours(user["team_id"])
        self._answerable(payload.get("response_url"))
        replies = payload.get("response_urls") or []
        for reply in replies if isinstance(replies, list) else [replies]:
            self._answerable(reply.get("response_url") if isinstance(reply, dict) else "?")
        return self._passed_on("interaction", raw, user.get("id"))

    def _event(self, raw: bytes) -> Answer:
        event = json_of(raw)
        if event.get("type") == "url_verification":
            challenge = event.get("challenge")
            if not isinstance(challenge, str) or len(challenge) > 1000:
                raise No(400, "no challenge")
            return plain(200, challenge)
        self._ours(event.get("team_id"))
        return self._passed_on("event", raw, part(event, "event").get("user"))

    def _ours(self, team: object) -> None:
        """Without SLACK_TEAM_ID every workspace that can sign is ours."""
        if self._team and team != self._team:
            raise No(401, "another workspace")

    def _answerable(self, url: object) -> None:
        """Answers go to Slack's own origin and nowhere else: compared whole, never searched for."""
        if url is None or url == "":
            return
        if not isinstance(url, str) or not _PLAIN_URL.fullmatch(url):
            raise No(400, "response_url is no URL")
        if not url.startswith(self._replies_to + "/"):
            raise No(400, "response_url is not Slack's")

    # --- On with it -----------------------------------------------------------------------------

    def _passed_on(self, kind: str, raw: bytes, whose: object) -> Answer:
        """A failure is a 500 here: Slack sends events again and tells a person who clicked."""
        try:
            self._enqueue(kind, raw, whose)
        except (Refused, Unclear) as error:
            print(f"an {kind} was not taken: {error}")  # noqa: T201
            return plain(500, "not taken")
        return plain(200)

    def _enqueue(self, kind: str, raw: bytes, whose: object) -> None:
        """The content type is the one that it was read as: what came with it is not signed."""
        content_type = JSON if kind == "event" else FORM
        self._send({"kind": kind, "body": raw.decode(), "content_type": content_type}, whose)

    def _send(self, what: Mapping[str, object], whose: object) -> None:
        """`whose`: the queue is a fair one, in which one person's flood makes no other wait."""
        message = {"v": 1, **what, "received_at": round(self._now(), 3)}
        body = json.dumps(message, separators=(",", ":"))
        if len(body) > LARGEST_MESSAGE:
            raise No(413, "too large for the queue")
        request = {"QueueUrl": self._queue_url, "MessageBody": body}
        if isinstance(whose, str) and _GROUP.fullmatch(whose):
            request["MessageGroupId"] = whose
        self._queue.call("AmazonSQS.SendMessage", request)


# --- Where things are ---------------------------------------------------------------------------


def _origin_of_replies(slack_api_url: str) -> str:
    """Slack answers come from hooks.slack.com; a stand-in's come from where its Web API is."""
    url = urlsplit(slack_api_url or "https://slack.com/api/")
    host = url.hostname or ""
    if host == "slack.com" or host.endswith(".slack.com"):
        return "https://hooks.slack.com"
    return f"{url.scheme}://{url.netloc}"


def _sqs(queue_url: str, environ: Mapping[str, str]) -> str:
    """The queue's own URL names the right endpoint in every partition."""
    url = urlsplit(queue_url)
    return endpoint("SQS", f"{url.scheme}://{url.netloc}/", environ)


def _secretsmanager(environ: Mapping[str, str]) -> str:
    region = environ.get("AWS_REGION", "")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return endpoint("SECRETS_MANAGER", f"https://secretsmanager.{region}.{suffix}/", environ)


_DOOR = Door(os.environ)
if (
    "SECRET_ARN" in os.environ
):  # in a function, that is; while it starts, CPU is free and nobody waits
    _DOOR.open()


def handler(event: dict[str, Any], context: object) -> Answer:
    """Lambda's entry."""
    return _DOOR.answer(event)
