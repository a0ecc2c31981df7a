"""The queue in memory: wakes with their delays, handed out when a clock says so."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.faults import CloudError, classify
from handlers import queued

LONGEST_DELAY = timedelta(minutes=15)  # what SQS allows for one message


@dataclass
class MemoryWakes:
    """core.ports.Wakes. `lost`: everything sent is dropped, as a hint may be."""

    now: Callable[[], datetime]
    lost: bool = False
    _waiting: list[tuple[datetime, int, str]] = field(default_factory=list)
    _sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wake(self, key: str, after: timedelta = timedelta(0)) -> None:
        """Have `key` looked at once `after` has passed. Unreadable, if the function that takes it
        from the queue would not read it."""
        queued.read(json.dumps({"v": queued.VERSION, "kind": "wake", "key": key}))
        if self.lost:
            return
        with self._lock:
            self._sent += 1
            self._waiting.append((self.now() + min(after, LONGEST_DELAY), self._sent, key))
            self._waiting.sort()

    def send(self, key: str, after: timedelta = timedelta(0)) -> None:
        """The same; what is lost is known to be."""
        if self.lost:
            raise CloudError(classify("SendMessage", "ServiceUnavailable", "", 503))
        self.wake(key, after)

    def wake_all(self, keys: Sequence[str]) -> int:
        """The same for many, now; how many were sent."""
        for key in keys:
            self.wake(key)
        return 0 if self.lost else len(keys)

    def due(self, now: datetime) -> tuple[str, ...]:
        """What would be delivered now, in order; it stays until it is popped."""
        with self._lock:
            return tuple(key for at, _, key in self._waiting if at <= now)

    def pop(self, now: datetime) -> str | None:
        """Take the first one whose time has come, or None."""
        with self._lock:
            if not self._waiting or self._waiting[0][0] > now:
                return None
            return self._waiting.pop(0)[2]

    def next_at(self) -> datetime | None:
        """When the next one is delivered: a simulated clock jumps there."""
        with self._lock:
            return self._waiting[0][0] if self._waiting else None
