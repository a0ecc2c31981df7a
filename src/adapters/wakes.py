"""The queue that brings somebody back: a hint with a delay, which may get lost or come twice."""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from adapters.aws_errors import translated
from core.faults import CloudError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY = timedelta(minutes=15)  # what SQS allows for one message
TEN = 10  # messages that one SendMessageBatch takes

_log = logging.getLogger(__name__)


class SqsWakes:
    """core.ports.Wakes over SQS."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def wake(self, key: str, after: timedelta = timedelta(0)) -> None:
        """Have `key` looked at once `after` (at most 15 minutes) has passed.

        A hint that cannot be sent is logged and let go: the row's `due_at` is the promise, and the
        clock keeps it a minute later at the latest. To fail here would have work done again that
        has been done and written down.
        """
        try:
            self.send(key, after)
        except CloudError as error:
            _log.warning("wake not sent", extra={"key": key, "code": error.fault.code})

    def send(self, key: str, after: timedelta = timedelta(0)) -> None:
        """The same; what cannot be sent is a CloudError."""
        seconds = int(max(timedelta(0), min(after, LONGEST_DELAY)).total_seconds())
        with translated("SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url, MessageBody=_body(key), DelaySeconds=seconds
            )

    def wake_all(self, keys: Sequence[str]) -> int:
        """The same for many, now, ten in one call; how many were sent."""
        return sum(self._ten(keys[start : start + TEN]) for start in range(0, len(keys), TEN))

    def _ten(self, keys: Sequence[str]) -> int:
        entries: Any = [{"Id": str(n), "MessageBody": _body(key)} for n, key in enumerate(keys)]
        try:
            with translated("SendMessageBatch"):
                answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except CloudError as error:
            _log.warning("wakes not sent", extra={"keys": keys, "code": error.fault.code})
            return 0
        refused = answer.get("Failed", [])
        for one in refused:
            key = keys[int(one["Id"])]
            _log.warning("wake not sent", extra={"key": key, "code": one["Code"]})
        return len(keys) - len(refused)


def _body(key: str) -> str:
    return json.dumps({"v": 1, "kind": "wake", "key": key})
