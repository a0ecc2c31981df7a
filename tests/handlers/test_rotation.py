"""The signing secret is replaced without a deployment: nothing is lost, and the old one is over."""

from typing import Any

import pytest

from core import beats, links
from handlers.door import GOOD_FOR, LOOK_AGAIN, Door

NOW = 1_795_000_000
OLD, NEW = "first-secret", "second-secret"


@pytest.fixture
def now() -> list[int]:
    return [NOW]


@pytest.fixture
def warm(aws: Any, now: list[int]) -> Door:
    """A door that has been open since before the rotation began."""
    made = Door(aws.environ | {"STACK_NAME": "gpu"}, now=lambda: now[0])
    made.open()
    return made


def status(door: Door, slack: Any, secret: str, now: list[int]) -> int:
    slack.secret, slack.now = secret, now[0]
    return int(door.answer(slack.command())["statusCode"])


def test_step_by_step_no_request_of_slack_is_lost(
    aws: Any, slack: Any, warm: Door, now: list[int]
) -> None:
    assert status(warm, slack, OLD, now) == 200
    now[0] += LOOK_AGAIN
    aws.secret = {**aws.secret, "signing_secret": NEW, "previous_signing_secret": OLD}
    for secret in (NEW, OLD, NEW, OLD):  # Slack changes over, and some are on their way still
        assert status(warm, slack, secret, now) == 200
    now[0] += 15 * 60
    aws.secret = {**aws.secret, "previous_signing_secret": ""}
    assert status(warm, slack, NEW, now) == 200
    assert len(aws.queued) == 6


def test_a_withdrawn_secret_opens_a_warm_door_for_five_minutes_at_most(
    aws: Any, slack: Any, warm: Door, now: list[int]
) -> None:
    """Nothing that is signed with it is ever refused there, so that nothing else has it look."""
    aws.secret = {**aws.secret, "signing_secret": NEW}
    now[0] += GOOD_FOR - 1
    assert status(warm, slack, OLD, now) == 200
    now[0] += 1
    assert status(warm, slack, OLD, now) == 401
    assert status(warm, slack, NEW, now) == 200


def test_a_withdrawn_secret_opens_no_link_and_no_report_either(
    aws: Any, warm: Door, now: list[int]
) -> None:
    aws.secret = {**aws.secret, "signing_secret": NEW}
    now[0] += GOOD_FOR
    link = links.make(OLD, "gpu", "r", "U0ADA", now[0] + 600, 3600)
    assert warm.answer(_get(f"/here/{link}"))["statusCode"] == 404
    token = beats.make(OLD, "gpu", "m-aaaaaaaaaa")
    assert warm.answer(_get(f"/beat/{token}", "POST"))["statusCode"] == 404
    link = links.make(NEW, "gpu", "r", "U0ADA", now[0] + 600, 3600)
    assert warm.answer(_get(f"/here/{link}"))["statusCode"] == 200


def test_links_and_reports_of_the_old_secret_are_good_while_it_stands_beside_the_new_one(
    aws: Any, warm: Door, now: list[int]
) -> None:
    aws.secret = {**aws.secret, "signing_secret": NEW, "previous_signing_secret": OLD}
    now[0] += GOOD_FOR
    for secret in (OLD, NEW):
        link = links.make(secret, "gpu", "r", "U0ADA", now[0] + 600, 3600)
        assert warm.answer(_get(f"/here/{link}"))["statusCode"] == 200
        token = beats.make(secret, "gpu", "m-aaaaaaaaaa")
        # Taken for a machine's; only its body is no report.
        assert warm.answer(_get(f"/beat/{token}", "POST"))["statusCode"] == 400


def test_while_the_secret_cannot_be_read_what_is_known_goes_on(
    aws: Any, slack: Any, warm: Door, now: list[int]
) -> None:
    now[0] += GOOD_FOR
    aws.secret = {}  # damaged by hand
    assert status(warm, slack, OLD, now) == 200
    before = aws.targets.count("secretsmanager.GetSecretValue")
    for _ in range(20):
        assert status(warm, slack, OLD, now) == 200
    assert aws.targets.count("secretsmanager.GetSecretValue") == before


def _get(path: str, method: str = "GET") -> dict[str, Any]:
    http = {"method": method, "path": path, "sourceIp": "203.0.113.7"}
    return {"rawPath": path, "headers": {}, "requestContext": {"http": http}, "body": "{}"}
