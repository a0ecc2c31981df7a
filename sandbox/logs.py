"""Copies what the functions log from CloudWatch Logs to one readable file a function.

This module alone knows the files' names: `<folder>/<logical id>.log`, with a time on every line.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox.ministack import MiniStack

# Lines of the Lambda platform itself, and empty ones, tell a reader nothing.
NOISE = ("START RequestId:", "END RequestId:", "REPORT RequestId:")


def copier(stack: MiniStack, functions: Mapping[str, str], folder: Path) -> Callable[[], None]:
    """One turn: append what is new. `functions` is logical id → log group."""
    client = stack.client("logs")
    tails = [_Tail(client, group, folder / f"{name}.log") for name, group in functions.items()]

    def turn() -> None:
        for tail in tails:
            tail.append_new()

    return turn


class _Tail:
    """How far one log group has been copied."""

    def __init__(self, client: Any, group: str, path: Path) -> None:
        self._client = client
        self._group = group
        self._path = path
        self._from = 0
        self._seen: frozenset[tuple[str, str, str]] = frozenset()
        path.touch()

    def append_new(self) -> None:
        events = self._read()
        # Several lines may carry the newest millisecond, and more of them may still come: the next
        # reading starts at that millisecond again and leaves out what was seen of it.
        fresh = [e for e in events if _identity(e) not in self._seen]
        if not fresh:
            return
        with self._path.open("a", encoding="utf-8") as out:
            out.writelines(_line(e) for e in fresh if not e["message"].startswith(NOISE))
        self._from = max(e["timestamp"] for e in events)
        self._seen = frozenset(_identity(e) for e in events if e["timestamp"] == self._from)

    def _read(self) -> list[Any]:
        try:
            answer = self._client.filter_log_events(logGroupName=self._group, startTime=self._from)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []  # the group comes with the first invocation
            raise
        return list(answer["events"])


def _identity(event: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        str(event["timestamp"]),
        str(event.get("eventId", event["logStreamName"])),
        str(event["message"]),
    )


def _line(event: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} {str(event['message']).rstrip()}\n"
