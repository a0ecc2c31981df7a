"""Nothing secret is written down where it has no business, whatever fails.

A story goes through the real door, the queue's own handler and the real Slack adapter, with a
canary in place of every secret. Every so many calls of every port one fails with an error that
repeats all that it was called with, as a library's may, and the message is delivered again. Then
everything is searched: log lines at the level that is deployed, stdout, stderr, what Lambda would
print, wakes, rows, messages.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.here import DoorLinks
from adapters.slack import Responder, SlackChat, web_client
from core import beats
from core.model import OneTimeLink
from handlers import slack as queue_door
from handlers import wiring
from handlers.discreet import without_secrets
from handlers.door import Door
from sim.fuse import EVERY_PORT
from sim.town import ADA, CHANNEL, DOOR, KEY, SAM, TEAM, Town
from tests.adapters.slack_server import TinySlack, tiny_slack

SECRET = "c0ffee00c0ffee11c0ffee22c0ffee33"
TOKEN = "xoxb-7777777777-canarycanarycanary"
TRIGGER = "7777777777.8888888888." + "deadbeef" * 4
RESPONSE = "canaryresponsecanary"
PRIVATE = "b3BlbnNzaC1rZXktdjEAAAACANARYPRIVATE"
ADDRESS = "198.51.100.77"
INNER_KEY = KEY.split()[1]
PORTS = (*EVERY_PORT, "links", "public_keys", "commands", "reasons")


class Loud:
    """A port of which every so manieth call fails, and says what it was called with."""

    def __init__(self, port: Any, every: Callable[[], bool]) -> None:
        self._port, self._every = port, every

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._every():
                raise RuntimeError(f"{name} was called with {args!r} {kwargs!r}")
            return what(*args, **kwargs)

        return call


@dataclass
class Context:
    """Lambda's."""

    function_name: str = "gpu-Slack"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:gpu-Slack"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"


class Run:
    """One deployment whose every `period`-th call fails."""

    def __init__(self, aws: Any, caller: Any, tiny: TinySlack, period: int) -> None:
        self.aws, self.caller, self.tiny = aws, caller, tiny
        self.here = Town()
        self.here.with_quota()
        self.calls, self.period, self.sent = 0, period, 0
        self.printed: list[str] = []  # what Lambda prints of an exception
        self.queued: list[str] = []
        aws.secret = {"signing_secret": SECRET, "bot_token": TOKEN}
        caller.secret = SECRET
        for user in (ADA, SAM):
            tiny.people[user] = {"id": user, "team_id": TEAM, "tz": "UTC", "name": "somebody"}
        here = self.here
        chat = SlackChat(web_client(TOKEN, tiny.api), TEAM, Responder(tiny.api))
        links = DoorLinks(DOOR, here.policy.stack, lambda: SECRET)
        whole: Any = replace(here.house, chat=chat, links=links)
        loud = {name: Loud(getattr(whole, name), self._fails) for name in PORTS}
        here.house = replace(whole, **loud)
        environ = {**aws.environ, "SLACK_TEAM_ID": TEAM, "SLACK_API_URL": tiny.api}
        environ["STACK_NAME"] = here.policy.stack
        self.door = Door(environ, now=lambda: caller.now)
        strike: Callable[[], None] = here._clock_strikes
        hands: Any = here
        hands._clock_strikes = lambda: self._struck(strike)

    def _struck(self, strike: Callable[[], None]) -> None:
        """The clock's function may fail, too; Lambda prints why, and the next minute goes on."""
        try:
            strike()
        except RuntimeError as error:
            self.printed += traceback.format_exception(error, chain=False)

    def _fails(self) -> bool:
        self.calls += 1
        return self.period > 0 and self.calls % self.period == 0

    def send(self, event: dict[str, Any]) -> None:
        self.door.answer(event)
        while self.aws.queued:
            message = self.aws.queued.pop()
            self.queued.append(json.dumps(message))
            self.deliver({**message, "received_at": self.here.now.timestamp()})
        self.here.until_quiet(timedelta(minutes=4))

    def deliver(self, message: dict[str, Any]) -> None:
        """Ten times at most, as the queue would."""
        for times in range(1, 11):
            attributes = {"ApproximateReceiveCount": str(times)}
            record = {"messageId": "059f36b4-87a3", "body": json.dumps(message)}
            records = [{**record, "attributes": attributes, "eventSource": "aws:sqs"}]
            try:
                queue_door.handler({"Records": records}, Context())
            except queue_door.NotCarriedOut as error:
                self.printed += traceback.format_exception(error, chain=False)
                continue
            return

    def type(self, text: str, user: str = ADA) -> None:
        self.sent += 1
        form = {
            "command": "/gpu",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "channel_id": CHANNEL,
            "trigger_id": TRIGGER,
            "response_url": f"{self.tiny.base}/response/{RESPONSE}{self.sent}",
        }
        form["trigger_id"] = f"{self.sent}{TRIGGER}"
        self.send(self.caller.event(urlencode(form).encode()))

    def press(self, action: str, value: str, user: str = ADA) -> None:
        self.sent += 1
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "channel": {"id": CHANNEL},
            "trigger_id": f"{self.sent}{TRIGGER}",
            "response_url": f"{self.tiny.base}/response/{RESPONSE}{self.sent}",
            "actions": [{"type": "button", "action_id": action, "value": value}],
        }
        self.send(self.caller.event(urlencode({"payload": json.dumps(payload)}).encode()))

    def live(self) -> None:
        here = self.here
        self.type(f"key add -----BEGIN OPENSSH PRIVATE KEY----- {PRIVATE}")
        self.type(f"key add {KEY}")
        self.type(f"allow {ADDRESS}")
        self.type("launch p3.2xlarge on-demand for 2h name bert why because")
        self.type("list")
        self.type("allow me for 1h")
        here.until_quiet()
        machine = here.machine()
        version = machine.lease.version if machine.lease else 0
        self.press("extend", f"{machine.id}:{version}")
        token = beats.make(SECRET, here.policy.stack, machine.id)
        http = {"method": "POST", "sourceIp": ADDRESS}
        self.send({"rawPath": f"/beat/{token}x", "requestContext": {"http": http}, "body": "{}"})
        told = {"instance": "i-0123456789", "boot": "0" * 36, "up": 60, "samples": [[0, 9, 4, 1]]}
        body = json.dumps(told)
        self.send({"rawPath": f"/beat/{token}", "requestContext": {"http": http}, "body": body})
        for link in self.links():
            self.caller.now, before = int(here.now.timestamp()), self.caller.now
            self.send({"rawPath": f"/here/{link}", "requestContext": {"http": http}})
            self.send({"rawPath": f"/here/{link}x", "requestContext": {"http": http}})
            self.caller.now = before
        for code in ("UnauthorizedOperation", "RequestLimitExceeded", "InternalError"):
            here.control(do="fault", operation="StopInstances", code=code, times=2)
        self.type("ssh bert")
        self.type("stop bert")
        self.type("audit csv", SAM)
        here.until_quiet()
        self.type("end bert")
        here.until_quiet()

    def links(self) -> list[str]:
        """The one-time links that were given, as the person got them."""
        told = json.dumps(self.tiny.responses)
        return [part.split("|")[0] for part in told.split("/here/")[1:]][:1]

    def tokens(self) -> dict[str, str]:
        """What was made along the way, and is as secret."""
        machines = self.here.ledger.everything()
        made = {
            f"token of {m.id}": beats.make(SECRET, self.here.policy.stack, m.id) for m in machines
        }
        return {**made, **{f"link {n}": link for n, link in enumerate(self.links())}}


CANARIES = {
    "signing secret": SECRET,
    "bot token": TOKEN,
    "trigger_id": TRIGGER,
    "response_url": RESPONSE,
    "private key": PRIVATE,
    "user data": "#cloud-config",
    "address": ADDRESS,
    "public key": INNER_KEY,
}


@pytest.fixture
def tiny() -> Iterator[TinySlack]:
    with tiny_slack() as running:
        yield running


def sung(text: str, canaries: dict[str, str], *, but: tuple[str, ...] = ()) -> list[str]:
    """Which of them can be heard in it."""
    return [name for name, value in canaries.items() if value in text and name not in but]


@pytest.mark.parametrize("period", [0, 7, 11, 29])
def test_no_secret_is_written_where_it_has_no_business(
    aws: Any,
    slack: Any,
    tiny: TinySlack,
    period: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Run(aws, slack, tiny, period)
    monkeypatch.setattr(wiring, "house", lambda: run.here.house)
    formatted = _as_deployed(caplog)
    run.live()
    secrets = {**CANARIES, **run.tokens()}
    printed = capfd.readouterr()
    every_line = "\n".join([printed.out, printed.err, *formatted, *run.printed])
    assert run.calls > 150
    assert (period == 0) == (not run.printed)
    inside = ("address", "public key")  # of failing calls that were made to fail here
    assert sung(every_line, secrets, but=inside if period else ()) == []
    wakes = "\n".join(str(one) for one in run.here.wakes._waiting)
    assert sung(wakes, secrets) == []
    # What Slack has signed waits in the queue, which is encrypted: nothing that was made here does.
    assert sung("\n".join(run.queued), secrets, but=("response_url", "trigger_id", "address",
                                                      "public key")) == []  # fmt: skip
    _check_rows(run, secrets)
    said = json.dumps([run.tiny.asked, run.tiny.responses, run.tiny.uploads], default=str)
    mine = tuple(name for name in secrets if name.startswith("link "))
    for_people = ("address", "response_url", *mine)  # responses are kept under their URLs
    assert sung(said, secrets, but=for_people) == []


def _as_deployed(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Every line of every logger at INFO, in the form that a function writes it in."""
    lines: list[str] = []
    ours = queue_door.logger

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            own = record.name == ours.name
            lines.append(ours.registered_formatter.format(record) if own else self.format(record))

    caplog.set_level(logging.INFO)
    handler = Keep()
    logging.getLogger().addHandler(handler)
    caplog.handler.close()
    return lines


def _check_rows(run: Run, secrets: dict[str, str]) -> None:
    """A row holds a response_url only where an answer is still to come, and what a launch will
    send only while it is being launched."""
    ledger = run.here.ledger
    for name in ("machines", "profiles", "rows", "deeds", "quotas"):
        for row in getattr(ledger, f"_{name}").values():
            text = repr(_plain(row))
            allowed = {
                "profiles": ("address", "public key"),
                "rows": ("response_url", "address") if isinstance(row, OneTimeLink) else (),
                "deeds": ("address",),  # who opened what to whom is what the trail is for
            }.get(name, ())
            heard = sung(text, secrets, but=allowed)
            assert heard == [], (name, heard)


def _plain(row: Any) -> Any:
    if is_dataclass(row):
        return {field.name: getattr(row, field.name) for field in fields(row)}
    return row


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        SECRET,
        TRIGGER,
        "v0=" + "ab" * 32,
        "https://hooks.slack.com/commands/T0GPULAB/123456/canary",
        "https://hooks.slack.com/actions/T0GPULAB/123456/canary",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{PRIVATE}",
        "#cloud-config\nwrite_files:\n- content: canary",
        "I2Nsb3VkLWNvbmZpZwpjYW5hcnk=",
        beats.make(SECRET, "gpu", "m-abcdefghij"),
    ],
)
def test_a_line_that_tells_a_secret_is_blacked_out_and_still_json(secret: str) -> None:
    line = json.dumps({"exception": f'called with "{secret}" and more', "level": "ERROR"})
    told = json.loads(without_secrets(line))
    assert told["level"] == "ERROR"
    assert "(left out)" in told["exception"]
    assert "canary" not in without_secrets(line)
    assert secret not in json.dumps(told)


def test_what_is_no_secret_stays_as_it_is() -> None:
    line = json.dumps(
        {
            "user": "U0ADA",
            "wake": "machine/m-abcdefghij",
            "trace": "1-5759e988-bd862e3fe1be46a994272793",
            "id": "11111111-2222-3333-4444-555555555555",
        }
    )
    assert without_secrets(line) == line
