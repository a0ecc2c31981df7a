"""Reports of machines: only a token of this deployment, only that machine, only exact figures."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import links
from core.beats import LARGEST, MOST_LOOKS, Look, Report, make, parse, plain, read

SECRET, OLD, STACK = "a-signing-secret", "the-one-before", "gpu.us-east-1"
MACHINE = "m-abcdefgh23"
BOOT = "0f8fad5b-d9cb-469f-a165-70867728950e"
GOOD: dict[str, Any] = {
    "instance": "i-0123456789abcdef0",
    "boot": BOOT,
    "up": 3600,
    "samples": [[0, 93, 40, 1]],
}


def opened(token: object, *secrets: str) -> str | None:
    return read(token, tuple(s.encode() for s in secrets or (SECRET,)), STACK)


def test_a_token_names_its_machine_and_is_the_same_each_time() -> None:
    assert opened(make(SECRET, STACK, MACHINE)) == MACHINE
    assert make(SECRET, STACK, MACHINE) == make(SECRET, STACK, MACHINE)


def test_nothing_in_a_token_can_be_changed() -> None:
    good = make(SECRET, STACK, MACHINE)
    for at, letter in enumerate(good):
        for other in "Aa2.-z":
            if other != letter:
                assert opened(good[:at] + other + good[at + 1 :]) is None


def test_machines_keep_their_token_while_the_secret_before_is_accepted() -> None:
    born = make(OLD, STACK, MACHINE)
    assert opened(born, SECRET, OLD) == MACHINE
    assert opened(born, SECRET) is None
    assert read(born, (), STACK) is None


def test_another_deployment_or_another_purpose_signs_no_token() -> None:
    assert opened(make(SECRET, "gpu.eu-west-1", MACHINE)) is None
    link = links.make(SECRET, STACK, MACHINE, "U0ADA", 1_795_000_000, 600)
    assert opened(f"{MACHINE}.{link.rpartition('.')[2]}") is None


@pytest.mark.parametrize("token", ["", ".", None, 7, b"x", "x" * 9999, f"{MACHINE}.", "é"])
def test_what_is_no_token_is_none_and_no_error(token: object) -> None:
    assert opened(token) is None


def test_a_report_is_read_as_it_was_written() -> None:
    report = parse(json.dumps(GOOD).encode())
    looks = (Look(ago=0, gpu=93, cpu=40, ssh=1),)
    assert report == Report(instance="i-0123456789abcdef0", boot=BOOT, up=3600, looks=looks)
    assert report is not None
    assert plain(report) == GOOD


def test_what_is_unknown_is_none() -> None:
    report = parse(json.dumps({**GOOD, "samples": [[60, None, None, None]]}).encode())
    assert report is not None
    assert report.looks == (Look(ago=60, gpu=None, cpu=None, ssh=None),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 4000,
        b"1" * 4096,
        b'{"a":' + b"9" * 4000 + b"}",
        json.dumps({**GOOD, "more": 1}).encode(),
        json.dumps({**GOOD, "instance": "i-XYZ"}).encode(),
        json.dumps({**GOOD, "instance": "i-0123456789abcdef0\n"}).encode(),
        json.dumps({**GOOD, "instance": 7}).encode(),
        json.dumps({**GOOD, "boot": "x" * 36}).encode(),
        json.dumps({**GOOD, "up": -1}).encode(),
        json.dumps({**GOOD, "up": True}).encode(),
        json.dumps({**GOOD, "up": 1.5}).encode(),
        json.dumps({**GOOD, "up": float("nan")}).encode(),
        json.dumps({**GOOD, "samples": []}).encode(),
        json.dumps({**GOOD, "samples": {}}).encode(),
        json.dumps({**GOOD, "samples": [[0, 0, 0]]}).encode(),
        json.dumps({**GOOD, "samples": [[0, 101, 0, 0]]}).encode(),
        json.dumps({**GOOD, "samples": [[0, "9", 0, 0]]}).encode(),
        json.dumps({**GOOD, "samples": [[-1, 0, 0, 0]]}).encode(),
        json.dumps({**GOOD, "samples": [[3601, 0, 0, 0]]}).encode(),
        json.dumps({**GOOD, "samples": [[None, 0, 0, 0]]}).encode(),
        json.dumps({**GOOD, "samples": [[0, 0, 0, 0]] * (MOST_LOOKS + 1)}).encode(),
        json.dumps(GOOD).encode() + b" " * LARGEST,
    ],
)
def test_what_no_machine_sends_is_no_report_and_no_error(body: bytes) -> None:
    assert parse(body) is None


@given(st.binary(max_size=300))
def test_no_bytes_are_an_error(body: bytes) -> None:
    parse(body)
