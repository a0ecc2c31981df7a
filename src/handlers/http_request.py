"""One request of a Function URL as plain values, or the `No` that it is answered with.

What comes out of here means the same to everybody who reads it after the door: one value for each
name, text that can be written as UTF-8, numbers that are numbers. Standard library only.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

Answer = dict[str, Any]

# Bytes. A press in the Home tab brings the whole tab along: 70 KB of an admin with many machines.
LARGEST = 192 * 1024
MOST_FIELDS = 100
MOST_DEEP = 50  # levels of JSON; whoever reads it later may have less room than there is here
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class No(Exception):
    """What a bad request is answered with."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def right_place(event: Mapping[str, Any]) -> None:
    if event.get("rawPath") != "/slack":
        raise No(404, "nothing here")
    if part(part(event, "requestContext"), "http").get("method") != "POST":
        raise No(405, "POST only")


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    found = part(event, "headers")
    return {str(name).lower(): value for name, value in found.items() if isinstance(value, str)}


def body_of(event: Mapping[str, Any]) -> bytes:
    """The body's bytes as they were sent."""
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise No(400, "no body")
    if len(body) > 2 * LARGEST:
        raise No(413, "too large")
    try:
        if event.get("isBase64Encoded"):
            raw = base64.b64decode(body, validate=True)
        else:
            raw = body.encode()
    except (binascii.Error, ValueError):
        raise No(400, "not readable") from None
    if len(raw) > LARGEST:
        raise No(413, "too large")
    return raw


def form_of(raw: bytes) -> dict[str, str]:
    """The form's fields. One that comes twice could mean one thing here and another behind."""
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise No(400, "not a form in UTF-8") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise No(400, "a field comes twice")
    return form


def json_of(text: str | bytes) -> dict[str, Any]:
    """A JSON object that means the same to everybody who reads it after this.

    Refused: a name that comes twice, halves of characters (a lone `\\ud800`), NaN, 1e999, depths.
    """
    try:
        said = text.decode() if isinstance(text, bytes) else text
        found = json.loads(said, object_pairs_hook=_single)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise No(400, "not plain JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise No(400, "no JSON object")
    _within(found, MOST_DEEP)
    return found


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _within(whole: dict[str, Any] | list[Any], levels: int) -> None:
    if levels == 0:
        raise No(400, "too deep")
    for part in whole.values() if isinstance(whole, dict) else whole:
        if isinstance(part, (dict, list)):
            _within(part, levels - 1)


def part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def plain(status: int, text: str = "") -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"},
        "body": text,
    }


def ephemeral(text: str) -> Answer:
    """An answer that only the typer sees."""
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps({"response_type": "ephemeral", "text": text}),
    }
