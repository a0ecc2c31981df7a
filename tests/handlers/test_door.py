"""The door opens for Slack: what it takes, what it says at once, what happens when AWS is ill."""

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from handlers.door import LOOK_AGAIN, Door

NOW = 1_795_000_000


def words(answer: dict[str, Any]) -> str:
    assert answer["statusCode"] == 200
    said = json.loads(answer["body"])
    assert said["response_type"] == "ephemeral"
    return str(said["text"])


def test_a_command_is_queued_whole_and_answered_with_its_own_words(
    aws: Any, slack: Any, door: Door
) -> None:
    event = slack.command("launch p3.2xlarge spot for 4h")
    assert words(door.answer(event)) == "Looking for p3.2xlarge spot in us-east-1…"
    assert aws.queued == [
        {
            "v": 1,
            "kind": "command",
            "body": event["body"],
            "content_type": "application/x-www-form-urlencoded",
            "received_at": NOW,
        }
    ]


def test_a_click_is_queued_and_answered_with_nothing(aws: Any, slack: Any, door: Door) -> None:
    answer = door.answer(slack.click())
    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert [message["kind"] for message in aws.queued] == ["interaction"]


def test_a_press_in_a_home_tab_of_many_machines_is_taken(aws: Any, slack: Any, door: Door) -> None:
    """It brings the whole tab: Slack takes a hundred blocks."""
    button = {"type": "button", "text": {"type": "plain_text", "text": "Stop now"}, "value": "m:1"}
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "*bert*, &amp; " * 40}}
    blocks = [block, {"type": "actions", "elements": [button] * 3}] * 50
    press = slack.click(view={"id": "V1", "type": "home", "blocks": blocks})
    assert len(press["body"]) > 70_000
    assert door.answer(press)["statusCode"] == 200
    assert [message["kind"] for message in aws.queued] == ["interaction"]


def test_an_event_is_queued(aws: Any, slack: Any, door: Door) -> None:
    answer = door.answer(slack.json({"type": "event_callback", "team_id": "T0HOME", "event": {}}))
    assert answer["statusCode"] == 200
    assert aws.queued[0]["kind"] == "event"
    assert aws.queued[0]["content_type"] == "application/json"


def test_each_message_is_its_senders_so_that_one_persons_flood_makes_no_other_wait(
    aws: Any, slack: Any, door: Door
) -> None:
    opened = {"type": "app_home_opened", "user": "U0LIN"}
    door.answer(slack.command("list"))
    door.answer(slack.click())
    door.answer(slack.json({"type": "event_callback", "team_id": "T0HOME", "event": opened}))
    door.answer(slack.command("list", user_id="no id of Slack's"))
    assert aws.groups == ["U0ADA", "U0ADA", "U0LIN", None]


def test_slacks_challenge_is_answered_and_not_queued(aws: Any, slack: Any, door: Door) -> None:
    answer = door.answer(slack.json({"type": "url_verification", "challenge": "3eZbrw1aB"}))
    assert (answer["statusCode"], answer["body"]) == (200, "3eZbrw1aB")
    assert not aws.queued


def test_a_signed_certificate_check_is_answered(aws: Any, slack: Any, door: Door) -> None:
    assert door.answer(slack.event(b"ssl_check=1&token=x"))["statusCode"] == 200
    assert not aws.queued


def test_a_base64_body_means_its_bytes(aws: Any, slack: Any, door: Door) -> None:
    import base64

    event = slack.command()
    event["body"] = base64.b64encode(event["body"].encode()).decode()
    event["isBase64Encoded"] = True
    assert door.answer(event)["statusCode"] == 200
    assert "command=%2Fgpu" in aws.queued[0]["body"]


def test_header_names_may_have_any_case(aws: Any, slack: Any, door: Door) -> None:
    event = slack.command()
    event["headers"] = {name.title(): value for name, value in event["headers"].items()}
    assert door.answer(event)["statusCode"] == 200


def test_without_a_team_every_workspace_that_signs_is_ours(aws: Any, slack: Any) -> None:
    door = Door({**aws.environ, "SLACK_TEAM_ID": ""}, now=lambda: NOW)
    assert door.answer(slack.command(team_id="T0OTHER"))["statusCode"] == 200


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEAAAAA",
        "MHcCAQEEIOdW2DzbYJMvnOTeGWIZIqLMvHmX",  # SEC1, as the core knows it: no BEGIN line
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w",
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAc",  # encrypted
        "gibberish -----END RSA PRIVATE KEY-----",
    ],
)
def test_a_private_key_is_thrown_away_before_the_queue(
    aws: Any, slack: Any, door: Door, key: str
) -> None:
    said = words(door.answer(slack.command(f"key add {key} SECRET")))
    assert "private" in said
    assert "SECRET" not in said
    assert not aws.queued


def test_a_stand_ins_answers_go_to_the_stand_in_only(aws: Any, slack: Any) -> None:
    environ = {**aws.environ, "SLACK_API_URL": "http://127.0.0.1:8030/api/"}
    door = Door(environ, now=lambda: NOW)
    own = slack.command(response_url="http://127.0.0.1:8030/response/1")
    assert door.answer(own)["statusCode"] == 200
    for elsewhere in (
        "https://hooks.slack.com/commands/1",
        "http://127.0.0.1:80300/response/1",
        "http://127.0.0.1:8031/response/1",
    ):
        assert door.answer(slack.command(response_url=elsewhere))["statusCode"] == 400


# --- The secret ---------------------------------------------------------------------------------


def test_both_secrets_count_while_one_is_being_replaced(aws: Any, slack: Any) -> None:
    aws.secret = {"signing_secret": "second", "previous_signing_secret": "first-secret"}
    door = Door(aws.environ, now=lambda: NOW)
    assert door.answer(slack.command())["statusCode"] == 200
    slack.secret = "second"
    assert door.answer(slack.command())["statusCode"] == 200


def test_an_empty_previous_secret_opens_nothing(aws: Any, slack: Any) -> None:
    aws.secret = {"signing_secret": "second", "previous_signing_secret": ""}
    door = Door(aws.environ, now=lambda: NOW)
    slack.secret = ""
    assert door.answer(slack.command())["statusCode"] == 401


def test_a_replaced_secret_is_found_once_a_minute_at_most(aws: Any, slack: Any) -> None:
    now = [NOW]
    door = Door(aws.environ, now=lambda: now[0])
    door.open()
    aws.secret = {"signing_secret": "second"}
    slack.secret = "second"
    for _ in range(20):
        assert door.answer(slack.command())["statusCode"] == 401
    assert aws.targets.count("secretsmanager.GetSecretValue") == 1
    now[0] += LOOK_AGAIN
    assert door.answer(slack.command())["statusCode"] == 200
    assert aws.targets.count("secretsmanager.GetSecretValue") == 2


def test_without_a_secret_nothing_gets_in(aws: Any, slack: Any) -> None:
    aws.fail_with = 400
    door = Door(aws.environ, now=lambda: NOW)
    door.open()
    assert door.answer(slack.command())["statusCode"] == 503
    aws.fail_with = None
    assert not aws.queued


def test_a_start_without_the_secret_is_mended_by_the_next_request(aws: Any, slack: Any) -> None:
    now = [NOW]
    aws.fail_with = 500
    door = Door(aws.environ, now=lambda: now[0])
    door.open()
    aws.fail_with = None
    now[0] += 3
    assert door.answer(slack.command())["statusCode"] == 200


# --- The queue ----------------------------------------------------------------------------------


def test_one_connection_serves_many_requests(aws: Any, slack: Any, door: Door) -> None:
    for _ in range(10):
        assert door.answer(slack.command())["statusCode"] == 200
    assert aws.connections == 2  # the secret's and the queue's, both made while it started


def test_a_connection_that_went_stale_is_opened_again(aws: Any, slack: Any, door: Door) -> None:
    aws.hang_up_after_answers = True
    for _ in range(5):
        assert words(door.answer(slack.command())).startswith("Looking for")
    assert len(aws.queued) == 5


def test_a_refused_command_says_that_nothing_was_started(aws: Any, slack: Any, door: Door) -> None:
    aws.fail_with = 403
    assert "nothing was started" in words(door.answer(slack.command()))
    assert door.answer(slack.click())["statusCode"] == 500


def test_an_unreachable_queue_says_that_nothing_was_started(aws: Any, slack: Any) -> None:
    with socket.socket() as taken:  # bound, not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        door = Door({**aws.environ, "AWS_ENDPOINT_URL_SQS": url}, now=lambda: NOW)
        door.open()
        assert "nothing was started" in words(door.answer(slack.command()))


@pytest.mark.parametrize("how", ["swallow", "500"])
def test_silence_of_the_queue_is_called_uncertain(
    aws: Any, slack: Any, door: Door, how: str
) -> None:
    if how == "swallow":
        aws.swallow = True
    else:
        aws.fail_with = 500
    said = words(door.answer(slack.command()))
    assert "not certain" in said
    assert "/gpu list" in said


def test_every_call_is_signed_for_its_service(aws: Any, slack: Any, door: Door) -> None:
    door.answer(slack.command())
    assert "/us-east-1/sqs/aws4_request" in aws.headers["authorization"]
    assert aws.headers["x-amz-security-token"] == "session-token"


@pytest.mark.parametrize("name", ["slash_command", "button"])
def test_the_example_events_open_the_door(aws: Any, slack: Any, door: Door, name: str) -> None:
    root = Path(__file__).resolve().parents[2]
    example = json.loads((root / "events" / f"function_url_{name}.json").read_text("utf-8"))
    event = slack.event(example["body"].encode())
    event = {**example, "headers": {**example["headers"], **event["headers"]}}
    door = Door({**aws.environ, "SLACK_TEAM_ID": "T0EXAMPLE1"}, now=lambda: NOW)
    assert door.answer(event)["statusCode"] == 200
    assert len(aws.queued) == 1


def test_a_large_but_honest_form_is_taken(aws: Any, slack: Any, door: Door) -> None:
    assert door.answer(slack.command("name " + "x" * 60_000))["statusCode"] == 200
    assert urlencode({"a": "x"}) not in aws.queued[0]["body"]
