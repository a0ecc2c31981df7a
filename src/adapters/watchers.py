"""What looks at the bot from outside of it: the dead-letter queues, and whom the alarms reach."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from adapters.aws_errors import translated
from core.ports import AlarmMail

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SNSClient(Protocol):
    """What is used of boto3's client."""

    def get_topic_attributes(self, *, TopicArn: str) -> Mapping[str, Mapping[str, str]]: ...


class AwsWatchers:
    """core.ports.Watchers over SQS and SNS."""

    def __init__(
        self,
        sqs: "Callable[[], SQSClient]",
        queues: tuple[str, ...],
        sns: Callable[[], SNSClient],
        topic: str,
    ) -> None:
        """`queues`: URLs of the dead-letter queues. `topic`: ARN of where alarms go. Clients are
        made when somebody looks, which few ever do."""
        self._sqs = sqs
        self._queues = queues
        self._sns = sns
        self._topic = topic

    def dead_letters(self) -> Mapping[str, int]:
        """About how many messages each holds, by its name; SQS counts no better."""
        found = {}
        for url in self._queues:
            with translated("GetQueueAttributes"):
                answer = self._sqs().get_queue_attributes(
                    QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
                )
            count = answer["Attributes"]["ApproximateNumberOfMessages"]
            found[url.rpartition("/")[2]] = int(count)
        return found

    def alarm_mail(self) -> AlarmMail:
        """Whom the alarms reach."""
        with translated("GetTopicAttributes"):
            told = self._sns().get_topic_attributes(TopicArn=self._topic)["Attributes"]
        return AlarmMail(
            confirmed=int(told.get("SubscriptionsConfirmed", "0")),
            waiting=int(told.get("SubscriptionsPending", "0")),
        )
