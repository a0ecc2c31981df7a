"""What must be refused at the Function URL, or answered with words, with nothing started."""

import json
import time
from urllib.parse import quote

import httpx
import pytest

from sandbox.drive import Drive, wait_for, words

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZ"


def _kinds_queued(run: Drive) -> set[str]:
    """Of what lies on the queue: the clock's own wakes may, in some minutes of an hour."""
    look = {"QueueUrl": run.info["queue"], "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    found = run.aws("sqs").receive_message(**look).get("Messages", [])
    return {json.loads(one["Body"])["kind"] for one in found}


def test_unsigned_stale_foreign_and_broken_requests_are_refused(sandbox: Drive) -> None:
    good = sandbox.form("launch g5.xlarge")
    foreign = sandbox.form("launch g5.xlarge", team_id="T0SOMEBODY")
    large = good + b"&x=" + b"y" * 200_000
    broken = b"team_id=%ff%fe&text=\xff\xfe"
    elsewhere = sandbox.form("launch g5.xlarge", response_url="https://evil.example/hook")
    cases = {
        "unsigned": (good, {"Content-Type": "application/x-www-form-urlencoded"}),
        "signed by somebody else": (good, sandbox.signed(good, secret="0" * 32)),
        "stale": (good, sandbox.signed(good, at=time.time() - 301)),
        "from the future": (good, sandbox.signed(good, at=time.time() + 600)),
        "of another body": (good + b"&text=stop", sandbox.signed(good)),
        "foreign": (foreign, sandbox.signed(foreign)),
        "oversized": (large, sandbox.signed(large)),
        "not UTF-8": (broken, sandbox.signed(broken)),
        "answered elsewhere": (elsewhere, sandbox.signed(elsewhere)),
    }
    answers = {name: sandbox.knock(*case).status_code for name, case in cases.items()}
    assert set(answers.values()) <= {400, 401, 413}, answers
    assert answers["unsigned"] == answers["stale"] == answers["foreign"] == 401
    assert _kinds_queued(sandbox) <= {"wake"}
    assert sandbox.instances() == []


def test_a_signed_request_from_outside_is_taken(sandbox: Drive) -> None:
    # Slack's own probe: what is signed rightly is answered, and this one needs no response_url.
    body = sandbox.form("help", ssl_check="1")
    answer = sandbox.knock(body, sandbox.signed(body))
    assert answer.status_code == 200


def test_what_comes_in_pieces_is_the_same_request(sandbox: Drive) -> None:
    body = sandbox.form("help", ssl_check="1")
    headers = {**sandbox.signed(body), **sandbox.info["function_headers"]}
    url = sandbox.info["request_url"]
    pieces = iter((body[:7], body[7:20], body[20:]))
    answer = httpx.post(url, content=pieces, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 200
    torn = iter((body[:7], body[8:]))
    answer = httpx.post(url, content=torn, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 401


def test_whatever_slack_would_never_send_is_refused_though_it_is_signed(sandbox: Drive) -> None:
    bodies = {
        "a name twice": b"payload=" + quote('{"team":{"id":"T1"},"team":{"id":"T2"}}').encode(),
        "half a character": b"payload=" + quote('{"x":"\\ud800"}').encode(),
        "no number": b"payload=" + quote('{"x":NaN}').encode(),
        "a field twice": sandbox.form("help") + b"&team_id=T0ELSE",
        "deep": b"payload=" + b"%5B" * 9000,
    }
    answers = {name: sandbox.knock(body, sandbox.signed(body)) for name, body in bodies.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        bodies, 400
    )
    assert _kinds_queued(sandbox) <= {"wake"}


def test_one_signed_launch_sent_five_times_is_one_launch(sandbox: Drive) -> None:
    body = sandbox.form("launch p3.2xlarge spot in us-east-1 name replayed", trigger_id="9.9.9")
    headers = sandbox.signed(body)
    assert {sandbox.knock(body, headers).status_code for _ in range(5)} == {200}
    sandbox.wait_message("ada", "replayed")
    wait_for(lambda: sandbox.queued() == 0, "all five are dealt with", 60)
    cards = [
        m for m in sandbox.messages("ada") if "replayed" in words(m) and not m.get("ephemeral")
    ]
    assert len(cards) == 1
    assert sandbox.instances() == []  # it waits for a quota, an answer, a key: nobody gave any
    sandbox.slash("ada", "end replayed")
    wait_for(lambda: sandbox.queued() == 0, "it is given up")


def test_nothing_else_is_served_there(sandbox: Drive) -> None:
    for path in ("/", "/elsewhere", "/slack/more"):
        assert sandbox.knock(b"", {}, path).status_code in (400, 401, 404, 405), path


def test_a_stranger_of_another_workspace_is_refused(sandbox: Drive) -> None:
    assert sandbox.slash("eve", "launch g5.xlarge")["status"] == 401


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("lunch g5.xlarge", "launch"),
        ("launch g5.xlrge", "g5.xlarge"),
        ("launch g5.xlarge in us-eest-1", "us-east-1"),
        ("launch g5.xlarge for 4parsecs", "/gpu"),
        ("launch g5.xlarge for 1m", "for 2m"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_match_and_starts_nothing(
    sandbox: Drive, text: str, nearest: str
) -> None:
    seen = len(sandbox.private("ada"))
    assert sandbox.slash("ada", text)["status"] == 200
    wait_for(lambda: any(nearest in said for said in sandbox.private("ada")[seen:]), nearest, 15)
    assert sandbox.instances() == []


def test_a_private_key_is_refused_and_neither_kept_nor_logged(sandbox: Drive) -> None:
    seen = len(sandbox.private("ada"))
    answer = sandbox.slash("ada", f"key add {PRIVATE_KEY}")
    secret = PRIVATE_KEY.split()[-1]
    assert secret not in answer["body"]
    said = wait_for(
        lambda: (
            next((s for s in sandbox.private("ada")[seen:] if "rotate" in s.lower()), None)
            or ("rotate" in answer["body"].lower() and answer["body"])
        ),
        "the advice to rotate it",
    )
    assert secret not in said
    wait_for(lambda: sandbox.queued() == 0, "dealt with")
    rows = sandbox.aws("dynamodb").scan(TableName=sandbox.info["table"])["Items"]
    assert secret not in str(rows)
    logs = sandbox.aws("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        events = logs.filter_log_events(logGroupName=name)["events"]
        assert secret not in str(events), name


def test_a_guest_may_not_launch(sandbox: Drive) -> None:
    seen = len(sandbox.private("gus"))
    sandbox.slash("gus", "launch g5.xlarge")
    wait_for(lambda: len(sandbox.private("gus")) >= seen + 2, "the ack and the refusal")
    assert sandbox.instances() == []
