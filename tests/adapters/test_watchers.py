"""What looks at the bot from outside: dead letters as SQS counts them, addresses as SNS does."""

from collections.abc import Callable
from threading import Event
from typing import Any

import boto3
import pytest

from adapters.together import MOST, SideBySide
from adapters.watchers import AwsWatchers
from core.faults import CloudError
from core.ports import AlarmMail

R = "us-east-1"


def made(queues: tuple[str, ...] = (), topic: str = "") -> AwsWatchers:
    sqs, sns = boto3.client("sqs", region_name=R), boto3.client("sns", region_name=R)
    return AwsWatchers(lambda: sqs, queues, lambda: sns, topic)


@pytest.mark.usefixtures("aws")
def test_dead_letters_are_counted_by_the_name_of_their_queue() -> None:
    sqs = boto3.client("sqs", region_name=R)
    urls = tuple(sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("one", "two"))
    sqs.send_message(QueueUrl=urls[0], MessageBody="x")
    assert made(urls).dead_letters() == {"one": 1, "two": 0}


@pytest.mark.usefixtures("aws")
def test_a_topic_that_nobody_listens_to_says_so() -> None:
    topic = boto3.client("sns", region_name=R).create_topic(Name="alarms")["TopicArn"]
    assert made(topic=topic).alarm_mail() == AlarmMail(confirmed=0, waiting=0)


def test_a_topic_tells_how_many_have_confirmed() -> None:
    """moto counts no subscriptions: SNS's answer as its documentation has it."""

    class Sns:
        def get_topic_attributes(self, *, TopicArn: str) -> dict[str, dict[str, str]]:
            return {"Attributes": {"SubscriptionsConfirmed": "1", "SubscriptionsPending": "2"}}

    sqs = boto3.client("sqs", region_name=R)
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    found = AwsWatchers(lambda: sqs, (), Sns, topic).alarm_mail()
    assert found == AlarmMail(confirmed=1, waiting=2)


@pytest.mark.usefixtures("aws")
def test_a_refusal_is_a_cloud_error() -> None:
    gone = f"arn:aws:sns:{R}:123456789012:gone"
    with pytest.raises(CloudError) as caught:
        made(topic=gone).alarm_mail()
    assert caught.value.fault.operation == "GetTopicAttributes"


# ---- side by side -----------------------------------------------------------------------------


def test_looks_are_carried_out_side_by_side_and_told_in_their_order() -> None:
    met = [Event() for _ in range(MOST)]

    def waits_for_the_next(number: int) -> int:
        met[number].set()
        assert met[(number + 1) % MOST].wait(20)
        return number

    looks = [lambda number=number: waits_for_the_next(number) for number in range(MOST)]
    assert SideBySide(20.0)(looks) == tuple(range(MOST))


def test_a_look_that_takes_too_long_keeps_no_other_from_being_told() -> None:
    go_on = Event()
    looks: list[Callable[[], Any]] = [lambda: 1, lambda: go_on.wait(20), lambda: 3]
    try:
        assert SideBySide(0.2)(looks) == (1, None, 3)
    finally:
        go_on.set()


def test_an_error_of_a_look_is_the_caller_s() -> None:
    def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        SideBySide(5.0)([fails])
