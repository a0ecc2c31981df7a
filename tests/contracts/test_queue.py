"""The histories' queue gives messages as SQS gives them: late, again, and at last to the dead.

SQS is moto's. Where SQS would let time pass, its visibility timeout is nought.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from adapters.wakes import SqsWakes
from core.ports import Wakes
from sim.history.queue import AGAIN_AFTER, MOST_RECEIVES, Queue
from sim.town import START

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


@dataclass
class Work:
    """A queue, whoever takes from it, and how many messages are dead."""

    wakes: Wakes
    receive: Callable[[], tuple[str, Callable[[], object], Callable[[], object]] | None]
    dead: Callable[[], int]


def _in_memory() -> Work:
    now = [START]
    queue = Queue(lambda: now[0])

    def receive() -> Any:
        parcel = queue.pop()
        if parcel is None:
            return None
        parcel.receives += 1

        def failed() -> None:
            queue.again(parcel)
            now[0] += AGAIN_AFTER

        return parcel.key, lambda: None, failed

    return Work(wakes=queue, receive=receive, dead=lambda: len(queue.dead))


def _in_sqs() -> Work:
    sqs: Any = boto3.client("sqs", region_name="us-east-1")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    about = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": about["QueueArn"], "maxReceiveCount": MOST_RECEIVES}
    attributes = {"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(redrive)}
    url = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]

    def receive() -> Any:
        got = sqs.receive_message(QueueUrl=url).get("Messages")
        if not got:
            return None
        handle, key = got[0]["ReceiptHandle"], json.loads(got[0]["Body"])["key"]
        return key, lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle=handle), lambda: None

    def count() -> int:
        name = "ApproximateNumberOfMessages"
        shown = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=[name])["Attributes"]
        return int(shown[name])

    return Work(wakes=SqsWakes(sqs, url), receive=receive, dead=count)


@pytest.fixture(params=["memory", "moto"])
def work(request: pytest.FixtureRequest) -> Iterator[Work]:
    if request.param == "memory":
        yield _in_memory()
        return
    with mock_aws():
        yield _in_sqs()


def test_what_was_done_does_not_come_again(work: Work) -> None:
    work.wakes.wake("machine/m-one")
    taken = work.receive()
    assert taken is not None
    key, done, _ = taken
    assert key == "machine/m-one"
    done()
    assert work.receive() is None


def test_the_same_words_twice_are_two_messages(work: Work) -> None:
    assert work.wakes.wake_all(("machine/m-one", "machine/m-one")) == 2
    for _ in range(2):
        taken = work.receive()
        assert taken is not None
        taken[1]()
    assert work.receive() is None


def test_what_fails_comes_ten_times_and_lies_with_the_dead_letters_then(work: Work) -> None:
    work.wakes.wake("machine/m-one")
    for _ in range(MOST_RECEIVES):
        taken = work.receive()
        assert taken is not None
        assert work.dead() == 0
        taken[2]()
    assert work.receive() is None
    assert work.dead() == 1


@pytest.mark.parametrize("after", [timedelta(seconds=42), timedelta(hours=3)])
def test_nothing_comes_before_its_time(work: Work, after: timedelta) -> None:
    work.wakes.wake("machine/m-one", after)
    assert work.receive() is None


def test_a_time_that_is_over_already_is_now(work: Work) -> None:
    work.wakes.wake("machine/m-one", timedelta(seconds=-5))
    assert work.receive() is not None


def test_the_histories_have_the_templates_own_figures() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert re.findall(r"VisibilityTimeout: (\d+)", text)[0] == str(AGAIN_AFTER.seconds)
    assert re.findall(r"maxReceiveCount: (\d+)", text)[0] == str(MOST_RECEIVES)
