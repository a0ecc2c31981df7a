"""The queue that brings somebody back: a hint with a delay, which may get lost or come twice."""

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.aws_errors import translated
from core.faults import CloudError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY = timedelta(minutes=15)  # what SQS allows for one message

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
        body = json.dumps({"v": 1, "kind": "wake", "key": key})
        delay = int(max(timedelta(0), min(after, LONGEST_DELAY)).total_seconds())
        try:
            with translated("SendMessage"):
                self._client.send_message(
                    QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay
                )
        except CloudError as error:
            _log.warning("wake not sent", extra={"key": key, "code": error.fault.code})
