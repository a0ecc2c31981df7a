"""The door stays shut: whatever is sent gets a 4xx, and nothing is queued."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.door import LARGEST_MESSAGE, Door
from handlers.http_request import LARGEST, MOST_DEEP

Event = dict[str, Any]
Change = Callable[[Any], Event]

FORM = {
    "team_id": "T0HOME",
    "channel_id": "C0LAB",
    "user_id": "U0ADA",
    "command": "/gpu",
    "text": "launch p3.2xlarge spot",
    "response_url": "https://hooks.slack.com/commands/T0HOME/1/abc",
    "trigger_id": "1.2.3",
}
NOW = 1_795_000_000
FORM_TYPE = "application/x-www-form-urlencoded"


def changed(**fields: Any) -> Change:
    """A good command with parts of the event replaced."""
    return lambda slack: {**slack.command(), **fields}


def header(**headers: str | None) -> Change:
    return lambda slack: slack.event(urlencode(FORM).encode(), **headers)


def body(raw: bytes, content_type: str = "application/x-www-form-urlencoded") -> Change:
    return lambda slack: slack.event(raw, content_type)


def form(**fields: str) -> Change:
    return body(urlencode({**FORM, **fields}).encode())


def payload(what: Any) -> Change:
    text = what if isinstance(what, str) else json.dumps(what)
    return body(urlencode({"payload": text}).encode())


def without(name: str) -> Change:
    return body(urlencode({k: v for k, v in FORM.items() if k != name}).encode())


CLICK = {"type": "block_actions", "team": {"id": "T0HOME"}, "user": {"id": "U1"}}

UNSIGNED: dict[str, Change] = {
    "no signature": header(x_slack_signature=None),
    "no timestamp": header(x_slack_request_timestamp=None),
    "empty signature": header(x_slack_signature=""),
    "signature of nothing": header(x_slack_signature="v0="),
    "signature too short": header(x_slack_signature="v0=" + "a" * 63),
    "signature too long": header(x_slack_signature="v0=" + "a" * 65),
    "signature in capitals": header(x_slack_signature="v0=" + "A" * 64),
    "signature of another version": header(x_slack_signature="v1=" + "a" * 64),
    "signature with a line break": header(x_slack_signature="v0=" + "a" * 64 + "\n"),
    "signature not ASCII": header(x_slack_signature="v0=" + "é" * 64),
    "signature of Arabic digits": header(x_slack_signature="v0=" + "\u0661" * 64),
    "signature wrong": header(x_slack_signature="v0=" + "0" * 64),
    "timestamp of words": header(stamp="yesterday!"),
    "timestamp negative": header(stamp="-179500000"),
    "timestamp of eleven digits": header(stamp="17950000000"),
    "timestamp as a float": header(stamp="1795000.00"),
    "timestamp with a space": header(stamp=" 179500000"),
    "timestamp in Arabic digits": header(stamp="".join(chr(0x660 + int(d)) for d in str(NOW))),
    "timestamp infinite": header(stamp="1e99999999"),
    "301 seconds old": header(stamp=str(NOW - 301)),
    "301 seconds ahead": header(stamp=str(NOW + 301)),
    "headers missing": changed(headers={}),
    "headers null": changed(headers=None),
    "headers a list": changed(headers=["x-slack-signature"]),
    "headers of lists": changed(headers={"x-slack-signature": ["v0=" + "a" * 64]}),
    "body changed after signing": changed(body="command=%2Fgpu&text=stop+all"),
    "body missing": changed(body=None),
    "ssl_check unsigned": changed(body="ssl_check=1"),
    "challenge unsigned": changed(
        body='{"type":"url_verification","challenge":"x"}',
    ),
    "foreign workspace": form(team_id="T0EVIL"),
    "no workspace": without("team_id"),
    "empty workspace": form(team_id=""),
    "click from a foreign workspace": payload({**CLICK, "team": {"id": "T0EVIL"}}),
    "click by a stranger in a shared channel": payload(
        {**CLICK, "user": {"id": "U1", "team_id": "T0EVIL"}}
    ),
    "click without a workspace": payload({"type": "block_actions"}),
    "click whose workspace is a list": payload({**CLICK, "team": ["T0HOME"]}),
    "click whose workspace id is an object": payload({**CLICK, "team": {"id": {"a": 1}}}),
    "event of a foreign workspace": body(
        b'{"type":"event_callback","team_id":"T0EVIL"}', "application/json"
    ),
}

MALFORMED: dict[str, Change] = {
    "broken base64": changed(body="%%%", isBase64Encoded=True),
    "base64 with line breaks": changed(body="YWJj\nYWJj", isBase64Encoded=True),
    "base64 not ASCII": changed(body="é", isBase64Encoded=True),
    "body not text": changed(body={"command": "/gpu"}),
    "body of lone surrogates": changed(body="\ud800"),
    "not UTF-8": body(b"command=%2Fgpu&text=\xff\xfe"),
    "not UTF-8 inside": body(urlencode(FORM).encode() + b"&x=%ff"),
    "empty body": body(b""),
    "no content type": header(content_type=None),
    "XML": body(b"<command>/gpu</command>", "text/xml"),
    "multipart": body(b"--x", "multipart/form-data; boundary=x"),
    "neither command nor payload": body(b"a=b"),
    "a command that is none": form(command="gpu"),
    "no user": without("user_id"),
    "no channel": without("channel_id"),
    "no trigger": without("trigger_id"),
    "two workspaces": body(urlencode(FORM).encode() + b"&team_id=T0HOME"),
    "two payloads": body(b"payload=%7B%7D&payload=%7B%7D"),
    "a hundred and one fields": body("&".join(f"f{n}=1" for n in range(101)).encode()),
    "payload a number": payload("1"),
    "payload null": payload("null"),
    "payload a list": payload("[]"),
    "payload not JSON": payload("{"),
    "payload empty": payload(""),
    "payload too deep": payload("[" * 10_000),
    "payload of endless digits": payload("1" * 20_000),
    "JSON not an object": body(b"[1]", "application/json"),
    "JSON not UTF-8": body(b'{"a":"\xff"}', "application/json"),
    "JSON too deep": body(b'{"a":' * 10_000, "application/json"),
    "a name twice in JSON": body(
        b'{"type":"event_callback","team_id":"T0EVIL","team_id":"T0HOME"}', "application/json"
    ),
    "a name twice, written two ways": body(
        b'{"type":"event_callback","team_id":"T0HOME","te\\u0061m_id":"T0HOME"}',
        "application/json",
    ),
    "a name twice deep in a payload": payload(
        '{"type":"block_actions","team":{"id":"T0EVIL","id":"T0HOME"},"user":{"id":"U1"}}'
    ),
    "half a character": payload({**CLICK, "actions": [{"value": "\ud800"}]}),
    "half a character in a name": payload({**CLICK, "\udfff": 1}),
    "halves in the wrong order": payload({**CLICK, "trigger_id": "\udc00\ud800"}),
    "a character in halves, percent-encoded": body(
        urlencode(FORM).encode() + b"&x=%ED%A0%BD%ED%B8%80"
    ),
    "an overlong slash": body(urlencode(FORM).encode() + b"&x=%C0%AF"),
    "not a number": payload('{"team":{"id":"T0HOME"},"user":{"id":"U1"},"x":NaN}'),
    "infinity": payload('{"team":{"id":"T0HOME"},"user":{"id":"U1"},"x":-Infinity}'),
    "a number without end": payload('{"team":{"id":"T0HOME"},"user":{"id":"U1"},"x":1e999}'),
    "an integer of 5,000 digits": payload(
        '{"team":{"id":"T0HOME"},"user":{"id":"U1"},"x":' + "9" * 5000 + "}"
    ),
    "deeper than Slack's": payload(
        '{"team":{"id":"T0HOME"},"x":' + "[" * MOST_DEEP + "]" * MOST_DEEP + "}"
    ),
    "a form in UTF-16": body("command=/gpu".encode("utf-16"), FORM_TYPE + "; charset=utf-16"),
    "JSON in UTF-16": body(json.dumps(CLICK).encode("utf-16"), "application/json; charset=utf-16"),
    "JSON with a byte order mark": body(b"\xef\xbb\xbf{}", "application/json"),
    "challenge a number": body(b'{"type":"url_verification","challenge":1}', "application/json"),
    "answer to another host": form(response_url="https://evil.example/x"),
    "answer to a lookalike": form(response_url="https://hooks.slack.com.evil.example/x"),
    "answer to a user part": form(response_url="https://hooks.slack.com@evil.example/x"),
    "answer to a port": form(response_url="https://hooks.slack.com:444/x"),
    "answer to the usual port": form(response_url="https://hooks.slack.com:443/x"),
    "answer to a host with a dot more": form(response_url="https://hooks.slack.com./x"),
    "answer to a host in full width": form(response_url="https://hooks\uff0eslack\uff0ecom/x"),
    "answer to Cyrillic letters": form(response_url="https://hooks.sl\u0430ck.com/x"),
    "answer to punycode": form(response_url="https://hooks.xn--slck-5cd.com/x"),
    "answer to a user and password": form(response_url="https://hooks.slack.com:x@evil.example/"),
    "answer to a percent-encoded at": form(response_url="https://hooks.slack.com%40evil.example/"),
    "answer to no path": form(response_url="https://hooks.slack.com"),
    "answer to a query without a path": form(response_url="https://hooks.slack.com?@evil.example"),
    "answer to a fragment": form(response_url="https://hooks.slack.com#@evil.example/"),
    "answer to two slashes less": form(response_url="https:/hooks.slack.com/x"),
    "answer to another scheme": form(response_url="gopher://hooks.slack.com/x"),
    "answer to what looks relative": form(response_url="//hooks.slack.com/x"),
    "answer with a tab in it": form(response_url="https://hooks.slack.com/\tx"),
    "answer with a NUL in it": form(response_url="https://hooks.slack.com/\x00"),
    "answer without TLS": form(response_url="http://hooks.slack.com/x"),
    "answer to a subdomain": form(response_url="https://a.hooks.slack.com/x"),
    "answer through a backslash": form(response_url="https://hooks.slack.com\\@evil.example/"),
    "answer with a line break": form(response_url="https://hooks.slack.com/x\r\nHost: evil"),
    "answer with a space before": form(response_url=" https://hooks.slack.com/x"),
    "answer in capitals": form(response_url="HTTPS://HOOKS.SLACK.COM/x"),
    "answer to the metadata service": form(response_url="http://169.254.169.254/latest"),
    "answer to a file": form(response_url="file:///etc/passwd"),
    "click that answers elsewhere": payload({**CLICK, "response_url": "https://evil.example"}),
    "click whose answer is a number": payload({**CLICK, "response_url": 7}),
    "form that answers elsewhere": payload(
        {**CLICK, "response_urls": [{"response_url": "https://evil.example/"}]}
    ),
    "form whose answers are words": payload({**CLICK, "response_urls": ["https://evil.example/"]}),
}


@pytest.mark.parametrize("case", UNSIGNED)
def test_what_is_not_signed_by_our_slack_is_401(
    aws: Any, slack: Any, door: Door, case: str
) -> None:
    assert door.answer(UNSIGNED[case](slack))["statusCode"] == 401
    assert not aws.queued


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_signed_but_broken_is_400(aws: Any, slack: Any, door: Door, case: str) -> None:
    answer = door.answer(MALFORMED[case](slack))
    assert answer["statusCode"] == 400
    assert not aws.queued


TOO_LARGE: dict[str, Change] = {
    "too large": body(b"command=%2Fgpu&text=" + b"a" * LARGEST),
    "far too large": changed(body="a" * (3 * LARGEST)),
    "too large once it is unpacked": changed(
        body=base64.b64encode(b"a" * (LARGEST + 1)).decode(), isBase64Encoded=True
    ),
    "larger in the queue than here": body(
        urlencode(FORM).encode() + b"&x=" + b"\x01" * (LARGEST_MESSAGE // 6)
    ),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_what_is_too_large_is_413(aws: Any, slack: Any, door: Door, case: str) -> None:
    assert door.answer(TOO_LARGE[case](slack))["statusCode"] == 413
    assert not aws.queued


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/slack", "GET", 405),
        ("/slack", "PUT", 405),
        ("/slack", None, 405),
        ("/", "POST", 404),
        ("/slack/", "POST", 404),
        ("//slack", "POST", 404),
        ("/SLACK", "POST", 404),
        ("/here/abc", "GET", 404),
        (None, "POST", 404),
    ],
)
def test_other_places_and_methods_lead_nowhere(
    aws: Any, slack: Any, door: Door, path: str | None, method: str | None, status: int
) -> None:
    event = slack.command()
    event |= {"rawPath": path, "requestContext": {"http": {"method": method}}}
    assert door.answer(event)["statusCode"] == status
    assert not aws.queued


@pytest.mark.parametrize("event", [{}, {"requestContext": None}, {"rawPath": "/slack"}])
def test_an_event_that_is_no_request_is_no_error(door: Door, event: Event) -> None:
    assert 400 <= door.answer(event)["statusCode"] < 500


def test_nothing_is_parsed_before_the_signature_is_good(aws: Any, slack: Any, door: Door) -> None:
    for broken in MALFORMED.values():
        event = broken(slack)
        if isinstance(event.get("headers"), dict):
            event["headers"] = {**event["headers"], "x-slack-signature": "v0=" + "0" * 64}
        assert door.answer(event)["statusCode"] in (400, 401)
    event = slack.event(b"\xff" * 100, x_slack_signature="v0=" + "0" * 64)
    assert door.answer(event)["statusCode"] == 401


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.floats(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)
requests = st.fixed_dictionaries(
    {
        "rawPath": st.sampled_from(["/slack", "/slack", "/", None]),
        "requestContext": st.just({"http": {"method": "POST"}}) | anything,
        "headers": st.dictionaries(
            st.sampled_from(
                ["x-slack-signature", "X-Slack-Request-Timestamp", "content-type", "host"]
            ),
            st.sampled_from([str(NOW), "v0=" + "0" * 64, "application/json"]) | anything,
        )
        | anything,
        "body": anything | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()),
        "isBase64Encoded": st.booleans() | anything,
    }
)
quick = settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick
@given(event=requests)
def test_no_event_at_all_is_answered_with_anything_but_a_4xx(
    aws: Any, door: Door, event: Event
) -> None:
    assert 400 <= door.answer(event)["statusCode"] < 500
    assert not aws.queued


@quick
@given(raw=st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8")))
def test_no_signed_bytes_are_answered_with_a_5xx(
    aws: Any, slack: Any, door: Door, raw: bytes
) -> None:
    for content_type in ("application/x-www-form-urlencoded", "application/json"):
        assert door.answer(slack.event(raw, content_type))["statusCode"] < 500


@quick
@given(text=st.text(max_size=400), name=st.sampled_from(["text", "user_name", "team_domain"]))
def test_every_text_of_a_person_gets_in_and_comes_out_harmless(
    aws: Any, slack: Any, door: Door, text: str, name: str
) -> None:
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        return
    answer = door.answer(slack.event(urlencode({**FORM, name: text}).encode()))
    assert answer["statusCode"] == 200
    said = json.loads(answer["body"])["text"]
    assert not set("<>&@") & set(said)
