"""The queue on its bad days: messages come late, twice, in another order or, wakes, never.

As SQS: what fails is delivered again after the visibility timeout, ten times, and is then kept with
the dead letters. A message that somebody typed is never lost: a queue keeps what it has taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.flows.request import Asked
from sim.wakes import LONGEST_DELAY

AGAIN_AFTER = timedelta(seconds=75)  # the template's visibility timeout
MOST_RECEIVES = 10


@dataclass(kw_only=True)
class Parcel:
    """One message: a wake, or what somebody typed or pressed."""

    at: datetime
    number: int
    key: str = ""
    asked: Asked | None = None
    receives: int = 0


@dataclass
class Queue:
    """core.ports.Wakes, and the requests beside them. The counters are what is still to go wrong
    with the next wakes that are sent; `troubles` counts what did."""

    now: Callable[[], datetime]
    lose: int = 0
    lose_all: bool = False  # and nobody counts it as a trouble
    double: int = 0
    delay: int = 0
    delay_by: timedelta = timedelta(0)
    backwards: bool = False
    dead: list[Parcel] = field(default_factory=list)
    troubled: Callable[[timedelta], None] = lambda _: None
    _waiting: list[Parcel] = field(default_factory=list)
    _sent: int = 0

    def wake(self, key: str, after: timedelta = timedelta(0)) -> None:
        """Have `key` looked at once `after` has passed."""
        if self.lose_all:
            return None
        if self.lose:
            self.lose -= 1
            return self.troubled(timedelta(minutes=1))
        later = max(timedelta(0), min(after, LONGEST_DELAY))
        if self.delay:
            self.delay -= 1
            later += self.delay_by
            self.troubled(self.delay_by)
        self._put(later, key=key)
        if self.double:
            self.double -= 1
            self._put(later, key=key)
        return None

    def send(self, key: str, after: timedelta = timedelta(0)) -> None:
        """The same."""
        self.wake(key, after)

    def wake_all(self, keys: Sequence[str]) -> int:
        """The same for many, now; how many were sent."""
        for key in keys:
            self.wake(key)
        return len(keys)

    def ask(self, asked: Asked, after: timedelta) -> None:
        """One delivery of what somebody typed or pressed."""
        self._put(after, asked=asked)

    def again(self, parcel: Parcel) -> None:
        """It failed: later once more, or with the dead letters."""
        if parcel.receives >= MOST_RECEIVES:
            self.dead.append(parcel)
            return
        parcel.at = self.now() + AGAIN_AFTER
        self._waiting.append(parcel)

    def pop(self) -> Parcel | None:
        """The next whose time has come; a queue that keeps no order gives the newest first."""
        now = self.now()
        ready = [one for one in self._waiting if one.at <= now]
        if not ready:
            return None
        first = (max if self.backwards else min)(ready, key=lambda one: (one.at, one.number))
        self._waiting.remove(first)
        return first

    def next_at(self) -> datetime | None:
        """When the next is delivered."""
        return min((one.at for one in self._waiting), default=None)

    def mend(self) -> None:
        """Nothing more goes wrong with what is sent from now on."""
        self.lose = self.double = self.delay = 0
        self.backwards = False

    def asks_waiting(self) -> int:
        """How many requests are on their way."""
        return sum(one.asked is not None for one in self._waiting)

    def _put(self, after: timedelta, *, key: str = "", asked: Asked | None = None) -> None:
        self._sent += 1
        at = self.now() + after
        self._waiting.append(Parcel(at=at, number=self._sent, key=key, asked=asked))
