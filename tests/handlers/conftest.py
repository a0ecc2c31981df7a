"""What the tests of the doors share: a small AWS, a door that uses it, and Slack's signature."""

import hashlib
import hmac
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from handlers.door import Door

NOW = 1_795_000_000
HERE = Path(__file__).parent


def _stand_in() -> Any:
    spec = importlib.util.spec_from_file_location("aws_stand_in", HERE / "aws_stand_in.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Caller:
    """Somebody who knows how Slack signs, and how a Function URL hands requests on."""

    def __init__(self, secret: str = "first-secret", now: int = NOW) -> None:
        self.secret = secret
        self.now = now

    def event(
        self,
        body: bytes,
        content_type: str = "application/x-www-form-urlencoded",
        **headers: str | None,
    ) -> dict[str, Any]:
        """A signed request; a header given as None is left out, with a value replaced."""
        stamp = str(headers.pop("stamp", None) or self.now)
        base = b"v0:" + stamp.encode("utf-8", "surrogatepass") + b":" + body
        signature = hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()
        every = {
            "content-type": content_type,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={signature}",
        }
        for name, value in headers.items():
            key = name.replace("_", "-")
            if value is None:
                every.pop(key)
            else:
                every[key] = value
        try:
            text, encoded = body.decode(), False
        except UnicodeDecodeError:
            import base64

            text, encoded = base64.b64encode(body).decode(), True
        return {
            "version": "2.0",
            "rawPath": "/slack",
            "headers": every,
            "requestContext": {"http": {"method": "POST", "path": "/slack"}},
            "body": text,
            "isBase64Encoded": encoded,
        }

    def command(self, text: str = "launch p3.2xlarge spot", **fields: str) -> dict[str, Any]:
        return self.event(urlencode({**COMMAND, "text": text, **fields}).encode())

    def click(self, **changes: Any) -> dict[str, Any]:
        payload = {**CLICK, **changes}
        return self.event(urlencode({"payload": json.dumps(payload)}).encode())

    def json(self, what: Any) -> dict[str, Any]:
        return self.event(json.dumps(what).encode(), "application/json")


COMMAND = {
    "token": "legacy",
    "team_id": "T0HOME",
    "team_domain": "home",
    "channel_id": "C0LAB",
    "channel_name": "gpu-lab",
    "user_id": "U0ADA",
    "user_name": "ada",
    "command": "/gpu",
    "api_app_id": "A0GPU",
    "is_enterprise_install": "false",
    "response_url": "https://hooks.slack.com/commands/T0HOME/1/abc",
    "trigger_id": "1.2.3",
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": "T0HOME", "domain": "home"},
    "user": {"id": "U0ADA", "team_id": "T0HOME"},
    "channel": {"id": "C0LAB"},
    "response_url": "https://hooks.slack.com/actions/T0HOME/1/abc",
    "trigger_id": "1.2.3",
    "actions": [{"action_id": "extend", "value": "m-abc:1"}],
}


@pytest.fixture
def aws() -> Iterator[Any]:
    with _stand_in().running() as running:
        yield running


@pytest.fixture
def slack() -> Caller:
    return Caller()


@pytest.fixture
def door(aws: Any) -> Door:
    made = Door(aws.environ, now=lambda: NOW)
    made.open()
    return made
