"""The queue's messages, and what a queue that does not answer means."""

import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.wakes import SqsWakes
from core.faults import CloudError


@pytest.fixture
def url(aws: Any) -> str:
    return str(aws.client("sqs").create_queue(QueueName="work")["QueueUrl"])


def test_a_wake_says_what_to_look_at_and_nothing_else(aws: Any, url: str) -> None:
    SqsWakes(aws.client("sqs"), url).wake("machine/m-one")
    (message,) = aws.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"v": 1, "kind": "wake", "key": "machine/m-one"}


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        (timedelta(0), 0),
        (timedelta(seconds=-5), 0),
        (timedelta(seconds=42), 42),
        (timedelta(minutes=15), 900),
        (timedelta(hours=3), 900),
    ],
)
def test_a_delay_is_what_sqs_allows(aws: Any, url: str, after: timedelta, seconds: int) -> None:
    SqsWakes(aws.client("sqs"), url).wake("machine/m-one", after)
    assert aws.asked("SendMessage")[-1]["DelaySeconds"] == seconds


def test_a_hint_that_cannot_be_sent_stops_nothing_and_is_logged(
    aws: Any, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    aws.fail("SendMessage", "AccessDeniedException", 403)
    SqsWakes(aws.client("sqs"), url).wake("machine/m-one")
    (record,) = [r for r in caplog.records if r.name == "adapters.wakes"]
    assert record.levelname == "WARNING"
    assert record.__dict__["key"] == "machine/m-one"


def _bodies(aws: Any, url: str) -> set[str]:
    found: set[str] = set()
    while (
        some := aws.client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        .get("Messages")
    ):
        found |= {json.loads(one["Body"])["key"] for one in some}
    return found


def test_what_must_not_get_lost_is_sent_or_is_an_error(aws: Any, url: str) -> None:
    wakes = SqsWakes(aws.client("sqs"), url)
    wakes.send("spot/machine/m-one/i-1")
    (message,) = aws.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["key"] == "spot/machine/m-one/i-1"
    aws.client("sqs").delete_queue(QueueUrl=url)
    with pytest.raises(CloudError):
        wakes.send("spot/machine/m-one/i-1")


def test_many_wakes_are_sent_ten_in_a_call(aws: Any, url: str) -> None:
    keys = [f"due/machine/m-{number}" for number in range(25)]
    assert SqsWakes(aws.client("sqs"), url).wake_all(keys) == 25
    assert [len(one["Entries"]) for one in aws.asked("SendMessageBatch")] == [10, 10, 5]
    assert _bodies(aws, url) == set(keys)


def test_ten_that_cannot_be_sent_keep_no_others_from_being_sent(
    aws: Any, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [f"due/machine/m-{number}" for number in range(25)]
    aws.fail("SendMessageBatch", "ServiceUnavailable", 400)
    assert SqsWakes(aws.client("sqs"), url).wake_all(keys) == 15
    assert _bodies(aws, url) == set(keys[10:])
    (record,) = [r for r in caplog.records if r.name == "adapters.wakes"]
    assert record.__dict__["keys"] == keys[:10]


def test_one_of_ten_that_sqs_refuses_is_logged_by_its_key(
    aws: Any, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused = {"Id": "1", "Code": "InternalError", "SenderFault": False}
    aws.answer_once("SendMessageBatch", Successful=[], Failed=[refused])
    assert SqsWakes(aws.client("sqs"), url).wake_all(["a", "b", "c"]) == 2
    (record,) = [r for r in caplog.records if r.name == "adapters.wakes"]
    assert record.__dict__["key"] == "b"
