"""The door for machines: a good token and an exact report, or a 4xx; and never a word of either."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import beats
from handlers.door import LOOK_AGAIN, LOOK_SOON, REPORTS, Door

NOW = 1_795_000_000
MACHINE = "m-abcdefgh23"
REPORT: dict[str, Any] = {
    "instance": "i-0123456789abcdef0",
    "boot": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "up": 3600,
    "samples": [[60, 0, 3, 0], [0, 93, None, 1]],
}


def token(secret: str = "first-secret", stack: str = "", machine: str = MACHINE) -> str:
    return beats.make(secret, stack, machine)


def event(text: str, body: Any = None, method: Any = "POST", **more: Any) -> dict[str, Any]:
    path = f"/beat/{text}"
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "203.0.113.7"}},
        "body": json.dumps(REPORT) if body is None else body,
        "isBase64Encoded": False,
    } | more


def test_a_good_report_is_queued_with_its_machine_and_when_it_came(aws: Any, door: Door) -> None:
    assert door.answer(event(token()))["statusCode"] == 204
    assert aws.queued == [
        {"v": 1, "kind": "beat", "machine": MACHINE, **REPORT, "received_at": NOW}
    ]
    assert token() not in str(aws.queued)


def test_a_machine_that_floods_is_braked_until_the_next_minute_and_no_other_is(aws: Any) -> None:
    now = [float(NOW)]
    door = Door(aws.environ, now=lambda: now[0])
    door.open()
    answers = [door.answer(event(token()))["statusCode"] for _ in range(REPORTS + 5)]
    assert answers == [204] * REPORTS + [429] * 5
    assert len(aws.queued) == REPORTS
    assert door.answer(event(token(machine="m-bbcdefgh23")))["statusCode"] == 204
    now[0] += 60
    assert door.answer(event(token()))["statusCode"] == 204


@pytest.mark.parametrize(
    "text",
    [
        token("another-secret"),
        token(stack="another"),
        token()[:-1],
        token() + "A",
        token() + "/",
        token().replace("m-a", "m-b"),
        "",
        "..",
        "a" * 5000,
        "é",
        "\x00",
    ],
)
def test_without_a_good_token_it_is_404_and_nothing_is_queued(
    aws: Any, door: Door, text: str
) -> None:
    assert door.answer(event(text))["statusCode"] == 404
    assert not aws.queued


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", None, 7, "post"])
def test_other_methods_are_405(aws: Any, door: Door, method: Any) -> None:
    assert door.answer(event(token(), method=method))["statusCode"] == 405
    assert not aws.queued


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "null",
        "[" * 4000,
        json.dumps({**REPORT, "user": "U0ADA"}),
        json.dumps({**REPORT, "samples": []}),
        json.dumps(REPORT) + " " * beats.LARGEST,
        7,
        ["x"],
    ],
)
def test_what_is_no_report_is_400(aws: Any, door: Door, body: Any) -> None:
    assert door.answer(event(token(), body))["statusCode"] == 400
    assert not aws.queued


def test_a_report_of_any_size_is_413_before_it_is_read(aws: Any, door: Door) -> None:
    assert door.answer(event(token(), "x" * 200_000))["statusCode"] == 413
    assert not aws.queued


def test_a_body_that_is_not_base64_is_400(aws: Any, door: Door) -> None:
    assert door.answer(event(token(), "%%%", isBase64Encoded=True))["statusCode"] == 400
    assert not aws.queued


def test_a_machine_keeps_the_token_of_its_birth_while_the_secret_is_replaced(aws: Any) -> None:
    aws.secret = {"signing_secret": "second", "previous_signing_secret": "first-secret"}
    door = Door(aws.environ, now=lambda: NOW)
    door.open()
    assert door.answer(event(token()))["statusCode"] == 204
    assert door.answer(event(token("second")))["statusCode"] == 204


def test_a_new_secret_is_found_and_bad_tokens_cost_one_look_a_minute(aws: Any) -> None:
    now = [NOW]
    door = Door(aws.environ, now=lambda: now[0])
    door.open()
    aws.secret = {"signing_secret": "second"}
    for _ in range(20):
        assert door.answer(event(token("second")))["statusCode"] == 404
    assert aws.targets.count("secretsmanager.GetSecretValue") == 1
    now[0] += LOOK_AGAIN
    assert door.answer(event(token("second")))["statusCode"] == 204


def test_a_queue_or_a_secret_that_is_away_is_503(aws: Any, door: Door) -> None:
    aws.fail_with = 500
    assert door.answer(event(token()))["statusCode"] == 503
    blind = Door(aws.environ, now=lambda: NOW)
    blind.open()
    assert blind.answer(event(token()))["statusCode"] == 503
    aws.fail_with = None
    assert door.answer(event(token()))["statusCode"] == 204
    assert LOOK_SOON > 0


def test_no_token_is_printed_whatever_happens(
    aws: Any, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    for made in (event(token()), event(token("other")), event(token(), "x"), event(token(), "")):
        door.answer(made)
    aws.fail_with = 500
    door.answer(event(token()))
    said = capsys.readouterr()
    assert MACHINE not in said.out + said.err


anything = st.none() | st.booleans() | st.integers() | st.text(max_size=60) | st.lists(st.text())


@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=st.text(max_size=200) | st.just(token("another-secret")) | st.just(token()),
    method=st.sampled_from(["GET", "POST"]) | anything,
    body=anything,
    encoded=anything,
)
def test_no_forged_report_is_anything_but_a_4xx(
    aws: Any, door: Door, text: str, method: Any, body: Any, encoded: Any
) -> None:
    made = event(text, "" if body is None else body, method, isBase64Encoded=encoded)
    assert 400 <= door.answer(made)["statusCode"] < 500
    assert not aws.queued
