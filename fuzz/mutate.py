"""Requests as Slack, people and machines send them, and what can be done to them on the way."""

import base64
import copy
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from core import beats, links
from fuzz.chance import Chance, one_of

NOW = 1_795_000_000
SECRET = "the-signing-secret-of-the-fuzzer"
STACK = "gpu.us-east-1"
TEAM = "T0GPULAB"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_COMMAND = {
    "token": "legacy",
    "team_id": TEAM,
    "channel_id": "C0GPULAB",
    "user_id": "U0ADA",
    "command": "/gpu",
    "text": "launch p3.2xlarge spot for 4h",
    "api_app_id": "A0GPU",
    "response_url": "https://hooks.slack.com/commands/T0GPULAB/1/abc",
    "trigger_id": "1.2.3",
}
_CLICK: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": TEAM, "domain": "home"},
    "user": {"id": "U0ADA", "team_id": TEAM},
    "channel": {"id": "C0GPULAB"},
    "container": {"type": "message", "message_ts": "1.2"},
    "state": {"values": {}},
    "response_url": "https://hooks.slack.com/actions/T0GPULAB/1/abc",
    "trigger_id": "1.2.3",
    "actions": [{"type": "button", "action_id": "extend", "value": "m-abcdefghij:1"}],
}
_PICKER = {**_CLICK, "actions": [
    {"type": "datetimepicker", "action_id": "until/m-a:1", "selected_date_time": NOW + 9000}
]}  # fmt: skip
_MODAL = {
    "type": "view_submission",
    "team": {"id": TEAM},
    "user": {"id": "U0ADA", "team_id": TEAM},
    "view": {"id": "V1", "state": {"values": {"b": {"a": {"type": "number", "value": "7"}}}}},
    "response_urls": [{"response_url": "https://hooks.slack.com/app/T0GPULAB/1/abc"}],
}
_HOME = {
    "type": "event_callback",
    "team_id": TEAM,
    "event": {"type": "app_home_opened", "user": "U0ADA", "tab": "home"},
    "authorizations": [{"team_id": TEAM, "is_bot": True}],
}
_CHALLENGE = {"type": "url_verification", "challenge": "3eZbrw1aB"}
_REPORT = {"instance": "i-0123456789abcdef0", "boot": "0" * 36, "up": 60, "samples": [[0, 9, 4, 1]]}
_LINK = links.make(SECRET, STACK, "request", "U0ADA", NOW + 600, 3600)
_TOKEN = beats.make(SECRET, STACK, "m-abcdefghij")
HERE, BEAT = f"/here/{_LINK}", f"/beat/{_TOKEN}"

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**25, "", "x", [], {}, [[]], {"id": "T0EVIL"}, TEAM,
    "T0EVIL",
    "U0EVIL", "<!channel>", "\u202e\x00", "\ud800", "https://evil.example/", "1", "A" * 300,
    "https://hooks.slack.com.evil/", "https://hooks.slack.com@evil/", "block_actions", "payload",
    "url_verification", "m-abcdefghij:99", "end", "stop-all", "approve", NOW, 253402300800,
)  # fmt: skip
_PIECES = (
    b"\x00", b"\xff", b"&", b"=", b"%", b"%ff", b"%00", b"%ED%A0%80", b"%C0%AF", b"%2525", b"+",
    b";",
    b"&team_id=T0EVIL", b"&payload={}", b"&ssl_check=1", b"payload=", b"\\ud800", b"{", b"}", b"[",
    b'"', b'"team":{"id":"T0EVIL"},', b"NaN", b"1e999", b"9" * 40, b"\r\n\r\n", b"\xef\xbb\xbf",
    b"--x",
    b'"', b"\xf0\x9f\x98\x80", b"[" * 60, b"/",
)  # fmt: skip
_TYPES = (
    FORM, JSON, FORM.upper(), f"{JSON}; charset=utf-16", f"{FORM};charset=latin-1", "text/xml", "",
    "multipart/form-data; boundary=x", f"{FORM}, {JSON}", f" {JSON} ;", "application/json\x00",
    "appl\u0456cation/json",
)  # fmt: skip
_STAMPS = (
    str(NOW - 300), str(NOW + 300), str(NOW - 301), str(NOW + 301), "0", "-1", "1e10",
    " 179500000",
    f"+{NOW}", f"{NOW}.0", f"0{NOW}", "9" * 10, "9" * 30, "\u0661" * 10, "", "nan",
    "1_795_000_000",
)  # fmt: skip
_PATHS = (
    "/slack", "/", "", "/slack/", "/SLACK", "//slack", "/slack?x", "/slack/../slack", "/here/",
    "/beat/",
    "/here/x", "/beat/x", HERE, BEAT, HERE + "x", BEAT[:-1], HERE.replace("U0ADA", "U0EVE"),
    "/%73lack",
)  # fmt: skip
_METHODS = ("POST", "POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post", "", "TRACE")


@dataclass
class Request:
    """One request on its way. `sign`: it is signed last, over whatever it has become."""

    path: str = "/slack"
    method: Any = "POST"
    body: bytes = b""
    headers: dict[Any, Any] = field(default_factory=dict)
    stamp: str = str(NOW)
    sign: bool = True
    event: dict[str, Any] = field(default_factory=dict)  # what else, or instead, the event holds

    def as_event(self) -> dict[str, Any]:
        """As the Function URL hands it on."""
        headers = {**self.headers, "x-slack-request-timestamp": self.stamp}
        if self.sign:
            headers["x-slack-signature"] = signature(self.stamp, self.body)
        try:
            text, encoded = self.body.decode(), False
        except UnicodeDecodeError:
            text, encoded = base64.b64encode(self.body).decode(), True
        return {
            "version": "2.0",
            "rawPath": self.path,
            "headers": headers,
            "requestContext": {"http": {"method": self.method, "sourceIp": "198.51.100.7"}},
            "body": text,
            "isBase64Encoded": encoded,
            **self.event,
        }

    def as_file(self) -> dict[str, Any]:
        """As the corpus of the tests has it."""
        return {**vars(self), "body": base64.b64encode(self.body).decode()}

    @classmethod
    def from_file(cls, told: dict[str, Any]) -> "Request":
        """The same again."""
        fields = {name: told[name] for name in cls.__dataclass_fields__}
        return cls(**{**fields, "body": base64.b64decode(told["body"])})


def signature(stamp: str, body: bytes) -> str:
    """As Slack makes it."""
    base = b"v0:" + stamp.encode("utf-8", "surrogatepass") + b":" + body
    return "v0=" + hmac.new(SECRET.encode(), base, hashlib.sha256).hexdigest()


def request(chance: Chance) -> Request:
    """A good request with up to five things wrong with it."""
    made = one_of(chance, (_form, _form, _payload, _payload, _event, _machine, _person, _bytes))(
        chance
    )
    for _ in range(chance.below(4)):
        one_of(chance, _CHANGES)(chance, made)
    made.sign = chance.below(5) < 3
    if not made.sign and chance.below(2):
        made.headers["x-slack-signature"] = _bad_signature(chance, made)
    return made


# ---- good requests, perhaps with other values -----------------------------------------------


def _form(chance: Chance) -> Request:
    fields = _changed(chance, _COMMAND)
    pairs = [(str(k), v if isinstance(v, str) else json.dumps(v)) for k, v in fields.items()]
    return Request(body=_encoded(pairs), headers={"content-type": FORM})


def _payload(chance: Chance) -> Request:
    text = json.dumps(_changed(chance, one_of(chance, (_CLICK, _PICKER, _MODAL))))
    if chance.below(6) == 0:
        text = _torn(chance, text.encode()).decode("utf-8", "replace")
    return Request(body=_encoded([("payload", text)]), headers={"content-type": FORM})


def _event(chance: Chance) -> Request:
    body = json.dumps(_changed(chance, one_of(chance, (_HOME, _CHALLENGE)))).encode()
    return Request(body=body, headers={"content-type": JSON})


def _machine(chance: Chance) -> Request:
    body = json.dumps(_changed(chance, _REPORT)).encode()
    return Request(path=BEAT, body=body, headers={"content-type": JSON})


def _person(chance: Chance) -> Request:
    return Request(path=HERE, method=one_of(chance, _METHODS))


def _bytes(chance: Chance) -> Request:
    return Request(body=chance.raw(200), headers={"content-type": one_of(chance, (FORM, JSON))})


def _encoded(pairs: list[tuple[str, str]]) -> bytes:
    safe = [(k, v.encode("utf-8", "replace").decode()) for k, v in pairs]
    return urlencode(safe, quote_via=quote_plus).encode()


def _changed(chance: Chance, good: dict[str, Any]) -> dict[str, Any]:
    """One place of it, or none, has another value, is missing, or has company."""
    if chance.below(3) == 0:
        return good
    changed: Any = copy.deepcopy(good)
    place = changed
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return dict(changed)
        key = one_of(chance, keys)
        if isinstance(place[key], dict | list) and chance.below(3):
            place = place[key]
            continue
        match chance.below(4):
            case 0:
                del place[key]
            case 1 if isinstance(place, dict):
                place[one_of(chance, ("x", "", "\u202e", "team_id", "payload"))] = place[key]
            case _:
                place[key] = one_of(chance, _VALUES)
        return dict(changed)


# ---- what happens on the way ----------------------------------------------------------------


def _torn(chance: Chance, body: bytes) -> bytes:
    """Something in, something out, or something twice, at some place."""
    at = chance.below(len(body) + 1)
    end = min(len(body), at + 1 + chance.below(20))
    match chance.below(5):
        case 0:
            return body[:at] + one_of(chance, _PIECES) + body[at:]
        case 1:
            return body[:at] + one_of(chance, _PIECES) + body[end:]
        case 2:
            return body[:at] + body[end:]
        case 3:
            return body[:end] + body[at:]
        case _:
            return body[:at] + chance.raw(8) + body[at:]


def _tear(chance: Chance, made: Request) -> None:
    made.body = _torn(chance, made.body)


def _retype(chance: Chance, made: Request) -> None:
    made.headers["content-type"] = one_of(chance, _TYPES)


def _date(chance: Chance, made: Request) -> None:
    made.stamp = one_of(chance, _STAMPS)


def _lead_astray(chance: Chance, made: Request) -> None:
    made.path = one_of(chance, _PATHS)


def _use_another_method(chance: Chance, made: Request) -> None:
    made.method = one_of(chance, (*_METHODS, None, 7))


def _blow_up(chance: Chance, made: Request) -> None:
    made.body += one_of(chance, (b"&x=", b" ", b"\x01")) * one_of(chance, (101, 20_000, 70_000))


def _damage_the_event(chance: Chance, made: Request) -> None:
    name = one_of(chance, ("body", "isBase64Encoded", "headers", "requestContext", "rawPath"))
    made.event[name] = one_of(chance, _VALUES)


def _add_a_header(chance: Chance, made: Request) -> None:
    name = one_of(
        chance,
        ("X-Slack-Signature", "X-SLACK-REQUEST-TIMESTAMP", "Content-Type", "x-forwarded-for", ""),
    )
    made.headers[name] = one_of(chance, (*_VALUES, *_TYPES, *_STAMPS))


_CHANGES = (
    _tear,
    _tear,
    _tear,
    _retype,
    _date,
    _lead_astray,
    _use_another_method,
    _blow_up,
    _damage_the_event,
    _add_a_header,
)


def _bad_signature(chance: Chance, made: Request) -> Any:
    good = signature(made.stamp, made.body)
    return one_of(
        chance,
        (
            "v0=" + "0" * 64, good[:-1], good + "0", good.upper(), good.replace("v0", "v1"),
            f" {good}",
            f"{good},{good}", good[3:], "", "v0=" + "\u00e9" * 64, None, [good], 7,
            signature(made.stamp, made.body + b"x"), signature(str(NOW - 1), made.body),
        ),
    )  # fmt: skip
