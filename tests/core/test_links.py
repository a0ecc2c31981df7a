"""One-time links: only what this deployment signed, whole, in time, is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.links import LONGEST, Link, id_of, make, read

SECRET, OLD = "a-signing-secret", "the-one-before"
NOW = 1_795_000_000
UNTIL = NOW + 600


def token(**changes: object) -> str:
    given: dict[str, object] = {
        "secret": SECRET,
        "stack": "gpu.us-east-1",
        "request": "req-1",
        "user": "U0ADA",
        "until": UNTIL,
        "seconds": 43_200,
        **changes,
    }
    return make(**given)  # type: ignore[arg-type]


def opened(text: object, *secrets: str, now: float = NOW) -> Link | None:
    keys = tuple(s.encode() for s in secrets or (SECRET,))
    return read(text, keys, "gpu.us-east-1", now)


def test_a_link_says_whose_it_is_until_when_and_for_how_long() -> None:
    link = opened(token())
    assert link == Link(id=id_of(token()), user="U0ADA", until=UNTIL, seconds=43_200)
    assert len(token()) <= LONGEST


def test_every_delivery_of_a_request_makes_the_same_link_and_another_request_another() -> None:
    assert token() == token()
    assert id_of(token()) != id_of(token(request="req-2"))


def test_the_id_does_not_open_anything() -> None:
    assert id_of(token()) not in token()


def test_while_the_secret_is_replaced_links_of_both_are_good() -> None:
    assert opened(token(secret=OLD), SECRET, OLD)
    assert opened(token(secret=OLD), SECRET) is None


@pytest.mark.parametrize("now", [UNTIL, UNTIL + 0.5, UNTIL + 86_400])
def test_a_link_is_worth_nothing_once_its_time_is_over(now: float) -> None:
    assert opened(token(), now=now) is None
    assert opened(token(), now=UNTIL - 1)


def test_a_link_of_another_deployment_with_the_same_secret_is_none() -> None:
    assert opened(token(stack="gpu.eu-west-1")) is None


def test_nothing_in_a_link_can_be_changed() -> None:
    good = token()
    for at, letter in enumerate(good):
        for other in "A9.z-":
            if other != letter:
                changed = good[:at] + other + good[at + 1 :]
                assert opened(changed) is None, changed


@pytest.mark.parametrize(
    "text",
    ["", ".", "....", None, 7, b"x", "x" * 10_000, token() + "\n", " " + token(), token().lower()],
)
def test_what_is_no_link_is_none_and_no_error(text: object) -> None:
    assert opened(text) is None


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert opened(text) is None


def test_without_a_secret_nothing_is_good() -> None:
    assert read(token(), (), "gpu.us-east-1", NOW) is None
