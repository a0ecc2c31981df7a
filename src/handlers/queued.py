"""What stands in the queue, read strictly: wakes, pressed links, reports, and Slack's requests.

Bolt gets what was read here and nothing else, so that the door and Bolt cannot read one body
differently: Bolt's own reading takes a form for a payload wherever the word stands in it. What
neither Slack nor this app would write is `Unreadable`, which no second delivery mends.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from core import beats
from core.beats import Report
from core.flows.entrance import Opened

Body = dict[str, Any]

VERSION = 1
_ID = re.compile(r"[A-Z][A-Z0-9]{1,40}", re.ASCII)
_COMMAND = re.compile(r"/[!-~]{1,80}")
_TRIGGER = re.compile(r"[!-~]{1,250}")
_ACTION = re.compile(r"[!-~]{1,255}")
_VALUE = re.compile(r"[!-~]{0,300}")  # ids and versions; a row has no longer key
_URL = re.compile(r"[!-~]{1,2000}")
_WORD = re.compile(r"[a-z_]{1,60}")
_KEY = re.compile(r"[!-~]{1,500}")
_LAST = 253_402_300_799  # the end of the year 9999 in seconds: the last moment that has a date


class Unreadable(Exception):
    """Nobody sends such a thing. The text says what is wrong and repeats nothing of it."""


class FromAnotherVersion(Exception):
    """A newer deployment has written it: it stays in the queue, and then where dead letters are."""


@dataclass(frozen=True, kw_only=True)
class Wake:
    """Something is to be looked at."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A machine's report."""

    machine: str
    report: Report
    received: datetime


@dataclass(frozen=True, kw_only=True)
class ForBolt:
    """A command, a click or an event; `body` is None where nobody listens to its kind."""

    body: Body | None
    received: datetime


def read(text: str) -> Wake | Opened | Beat | ForBolt:
    """One message of the queue. Raises Unreadable, FromAnotherVersion."""
    try:
        message = _object(json.loads(text))
        if message.get("v") != VERSION:
            raise FromAnotherVersion("the message is of another version")
        return _read(message)
    except (ValueError, RecursionError):
        raise Unreadable("not what the door lets in") from None


def _read(message: Mapping[str, Any]) -> Wake | Opened | Beat | ForBolt:
    match message.get("kind"):
        case "wake":
            return Wake(key=_must(message, "key", _KEY))
        case "here":
            link, address = _must(message, "link", _KEY), _must(message, "address", _KEY)
            user = _must(message, "user", _ID)
            return Opened(link=link, user=user, address=address, at=_received(message))
        case "beat":
            return _beat(message)
        case "command" | "interaction" | "event" as kind:
            reader = {"command": _command, "interaction": _interaction, "event": _event}[kind]
            body = message.get("body")
            if not isinstance(body, str):
                raise Unreadable("a message without a body")
            return ForBolt(body=reader(body), received=_received(message))
        case _:
            raise FromAnotherVersion("nobody knows this kind of message")


def _received(message: Mapping[str, Any]) -> datetime:
    at = message.get("received_at")
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= _LAST:
        raise Unreadable("received_at is no moment")
    return datetime.fromtimestamp(at, UTC)


def _beat(message: Mapping[str, Any]) -> Beat:
    report = beats.known({field: message.get(field) for field in beats.FIELDS})
    if report is None:
        raise Unreadable("no report")
    machine = _must(message, "machine", _KEY)
    return Beat(machine=machine, report=report, received=_received(message))


def _command(body: str) -> Body:
    form = dict(parse_qsl(body, keep_blank_values=True, errors="strict"))
    return {
        "command": _must(form, "command", _COMMAND),
        "text": form.get("text", ""),
        "team_id": _must(form, "team_id", _ID),
        "user_id": _must(form, "user_id", _ID),
        "channel_id": _must(form, "channel_id", _ID),
        "trigger_id": _must(form, "trigger_id", _TRIGGER),
        "response_url": _may(form, "response_url", _URL),
    }


def _interaction(body: str) -> Body | None:
    payload = _object(json.loads(dict(parse_qsl(body, errors="strict")).get("payload", "")))
    if payload.get("type") != "block_actions":
        return None
    user, team = _object(payload.get("user")), _object(payload.get("team") or {})
    home = team if team.get("id") else {"id": user.get("team_id")}  # none for a whole enterprise
    channel = _object(payload.get("channel") or {})
    return {
        "type": "block_actions",
        "team": {"id": _must(home, "id", _ID)},
        "user": {"id": _must(user, "id", _ID)},
        "channel": {"id": _may(channel, "id", _ID)},
        "trigger_id": _must(payload, "trigger_id", _TRIGGER),
        "response_url": _may(payload, "response_url", _URL),
        "actions": [_action(payload.get("actions"))],
    }


def _action(every: object) -> Body:
    """The one that was pressed: Slack sends a list of one."""
    if not isinstance(every, list) or not every:
        raise Unreadable("interaction: no action")
    action = _object(every[0])
    found: Body = {
        "type": _must(action, "type", _WORD),
        "action_id": _must(action, "action_id", _ACTION),
        "block_id": "",  # nobody routes by it
        "value": _may(action, "value", _VALUE),
        "selected_date_time": _moment(action.get("selected_date_time")),
    }
    return {**found, "url": ""} if "url" in action else found


def _event(body: str) -> Body | None:
    told = _object(json.loads(body))
    event = _object(told.get("event"))
    if event.get("type") != "app_home_opened":
        return None
    return {
        "type": "event_callback",
        "team_id": _must(told, "team_id", _ID),
        "event": {
            "type": "app_home_opened",
            "user": _must(event, "user", _ID),
            "tab": _may(event, "tab", _WORD),
        },
    }


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("a part that should be an object is none")
    return value


def _must(whole: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = whole.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Unreadable(f"{name} is missing, or nothing that Slack sends")
    return value


def _may(whole: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    """Empty where it is missing."""
    return "" if whole.get(name) in (None, "") else _must(whole, name, form)


def _moment(value: object) -> int | None:
    """Seconds since the epoch; None where no moment was chosen."""
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _LAST:
        raise Unreadable("selected_date_time is no moment")
    return value
