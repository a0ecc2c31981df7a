"""The door's page behind a one-time link: looking is harmless, and nothing forged gets in."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import links
from handlers.door import LOOK_AGAIN, PRESSES, Door

NOW = 1_795_000_000
SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def token(secret: str = "first-secret", *, until: int = NOW + 600, stack: str = "") -> str:
    return links.make(secret, stack, "request-1", "U0ADA", until, 43_200)


def event(
    path: Any, method: Any = "GET", address: Any = "203.0.113.7", **more: Any
) -> dict[str, Any]:
    http = {"method": method, "path": path, "sourceIp": address}
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": {},
        "requestContext": {"http": http},
    } | more


def opened(door: Door, text: str, method: str = "GET", address: Any = "203.0.113.7") -> Any:
    return door.answer(event(f"/here/{text}", method, address))


def test_opening_a_link_shows_the_address_and_asks_and_queues_nothing(aws: Any, door: Door) -> None:
    for _ in range(3):
        page = opened(door, token())
        assert page["statusCode"] == 200
        assert "Open port 22 of my machines to 203.0.113.7 for 12 hours" in page["body"]
        assert '<form method="post">' in page["body"]
    assert not aws.queued


def test_a_look_at_the_head_has_no_body_and_queues_nothing(aws: Any, door: Door) -> None:
    page = opened(door, token(), "HEAD")
    assert (page["statusCode"], page["body"]) == (200, "")
    assert not aws.queued


def test_the_button_queues_whose_link_it_was_and_the_address(aws: Any, door: Door) -> None:
    page = opened(door, token(), "POST")
    assert page["statusCode"] == 200
    assert aws.queued == [
        {
            "v": 1,
            "kind": "here",
            "link": links.id_of(token()),
            "user": "U0ADA",
            "address": "203.0.113.7",
            "received_at": NOW,
        }
    ]
    assert token() not in str(aws.queued)


def test_a_link_that_is_pressed_again_and_again_is_braked(aws: Any, door: Door) -> None:
    pressed = [opened(door, token(), "POST")["statusCode"] for _ in range(PRESSES + 3)]
    assert pressed == [200] * PRESSES + [429] * 3
    assert len(aws.queued) == PRESSES
    assert opened(door, token(), "GET")["statusCode"] == 200


def test_the_page_runs_no_script_is_kept_nowhere_and_names_nobody(door: Door) -> None:
    page = opened(door, token())
    assert SAFE.items() <= page["headers"].items()
    assert "default-src 'none'" in page["headers"]["content-security-policy"]
    assert "noindex" in page["headers"]["x-robots-tag"]
    assert "<script" not in page["body"]
    assert token() not in page["body"]


def test_an_ipv6_address_is_told_that_machines_have_ipv4(door: Door) -> None:
    page = opened(door, token(), address="2001:db8::7")
    assert "IPv4" in page["body"]
    assert "2001:db8::7 for 12 hours" in page["body"]


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "192.168.1.4", "100.64.1.1", "", None, 7, "<b>x</b>", "::"]
)
def test_an_address_that_cannot_be_opened_gets_no_button_and_no_press(
    aws: Any, door: Door, address: Any
) -> None:
    page = opened(door, token(), address=address)
    assert "<form" not in page["body"]
    assert "<b>" not in page["body"]
    assert opened(door, token(), "POST", address)["statusCode"] == 400
    assert not aws.queued


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "text",
    [
        token("another-secret"),
        token(until=NOW),
        token(until=NOW - 1),
        token(stack="another"),
        token()[:-1],
        token() + "A",
        token() + "/",
        token().replace("U0ADA", "U0LIN"),
        token().replace(".43200.", ".604800."),
        "",
        ".",
        "../slack",
        "a" * 5000,
        "é",
        "\x00",
        "%00",
    ],
)
def test_what_is_not_a_good_link_is_404_and_queues_nothing(
    aws: Any, door: Door, text: str, method: str
) -> None:
    assert opened(door, text, method)["statusCode"] == 404
    assert not aws.queued


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", None, 7, "get"])
def test_other_methods_are_405(aws: Any, door: Door, method: Any) -> None:
    assert opened(door, token(), method)["statusCode"] == 405
    assert not aws.queued


def test_links_of_the_secret_before_are_good_while_it_is_replaced(aws: Any) -> None:
    aws.secret = {"signing_secret": "second", "previous_signing_secret": "first-secret"}
    door = Door(aws.environ, now=lambda: NOW)
    door.open()
    assert opened(door, token())["statusCode"] == 200
    assert opened(door, token("second"))["statusCode"] == 200


def test_a_link_of_a_new_secret_is_found_and_bad_ones_cost_one_look_a_minute(aws: Any) -> None:
    now = [NOW]
    door = Door(aws.environ, now=lambda: now[0])
    door.open()
    aws.secret = {"signing_secret": "second"}
    for _ in range(20):
        assert opened(door, token("second"))["statusCode"] == 404
    assert aws.targets.count("secretsmanager.GetSecretValue") == 1
    now[0] += LOOK_AGAIN
    assert opened(door, token("second"))["statusCode"] == 200


def test_a_queue_that_does_not_take_it_is_told_and_can_be_tried_again(aws: Any, door: Door) -> None:
    aws.fail_with = 500
    page = opened(door, token(), "POST")
    assert page["statusCode"] == 503
    assert "Nothing was changed" in page["body"]
    aws.fail_with = None
    assert opened(door, token(), "POST")["statusCode"] == 200


anything = st.none() | st.booleans() | st.integers() | st.text(max_size=60) | st.lists(st.text())


@settings(
    max_examples=800,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=st.text(max_size=200) | st.just(token("another-secret")),
    method=st.sampled_from(["GET", "POST", "HEAD"]) | anything,
    address=anything,
    body=anything,
    headers=anything,
)
def test_no_forged_request_is_anything_but_a_4xx(
    aws: Any, door: Door, text: str, method: Any, address: Any, body: Any, headers: Any
) -> None:
    made = event(f"/here/{text}", method, address, body=body, headers=headers)
    assert 400 <= door.answer(made)["statusCode"] < 500
    assert not aws.queued
