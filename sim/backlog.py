"""A standard queue with its function, in simulated time: who waits how long, what is put aside.

As SQS and Lambda's event source mapping have it: a message that was taken is hidden for a while and
comes back when it has failed; after ten tries it is with the dead letters; so many are carried out
at once; the order is nearly that of sending. With `fair`, whoever has had more than a tenth of the
consumers' time of the last minutes is served after the others, as SQS does with MessageGroupId.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

VISIBILITY = timedelta(seconds=75)
MOST_RECEIVES = 10
NOISY_SHARE = 0.1
Take = Callable[[dict[str, Any]], Any]


@dataclass
class Letter:
    """One message."""

    id: str
    body: str
    group: str
    sent_at: datetime
    receives: int = 0
    done_at: datetime | None = None

    def event(self) -> dict[str, Any]:
        """As Lambda hands it to the function, a batch of one."""
        attributes = {"ApproximateReceiveCount": str(self.receives)}
        record = {"messageId": self.id, "body": self.body, "attributes": attributes}
        return {"Records": [{**record, "eventSource": "aws:sqs"}]}


@dataclass
class Backlog:
    """The queue. `take` is the function's handler; `lasts` is how long one call of it is taken to
    last; `swapped` and `doubled` are the shares of messages that come early and twice."""

    take: Take
    at_once: int = 8
    lasts: timedelta = timedelta(seconds=1)
    fair: bool = True
    swapped: float = 0
    doubled: float = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    waiting: list[Letter] = field(default_factory=list)
    done: list[Letter] = field(default_factory=list)
    dead: list[Letter] = field(default_factory=list)
    calls: int = 0
    _number: int = 0
    _hidden: list[tuple[datetime, int, Letter]] = field(default_factory=list)
    _served: Counter[str] = field(default_factory=Counter)

    def put(self, body: str, group: str, now: datetime) -> None:
        """As SendMessage does. Now and then it will be there twice."""
        self._number += 1
        times = 2 if self.chance.random() < self.doubled else 1
        for _ in range(times):
            id = f"{self._number:08d}-{self.chance.getrandbits(32):08x}"
            self.waiting.append(Letter(id, body, group, sent_at=now))

    def drain(self, clock: Callable[[datetime], None], now: datetime) -> datetime:
        """Until nothing waits: when that is. `clock` hears of each moment before it is used."""
        free = [now] * self.at_once
        while self.waiting or self._hidden:
            at = heapq.heappop(free)
            self._show(at)
            if not self.waiting:
                heapq.heappush(free, self._hidden[0][0])
                continue
            clock(at)
            self._carry_out(self.waiting.pop(self._next()), at)
            heapq.heappush(free, at + self.lasts)
        return max(free)

    def _show(self, at: datetime) -> None:
        while self._hidden and self._hidden[0][0] <= at:
            self.waiting.append(heapq.heappop(self._hidden)[2])

    def _next(self) -> int:
        """Which of those that wait is taken."""
        if self.swapped and self.chance.random() < self.swapped:
            return self.chance.randrange(len(self.waiting))
        if not self.fair:
            return 0
        quiet = (n for n, one in enumerate(self.waiting) if not self._noisy(one.group))
        return next(quiet, 0)

    def _noisy(self, group: str) -> bool:
        total = sum(self._served.values())
        return bool(group) and total > 0 and self._served[group] > NOISY_SHARE * total

    def _carry_out(self, letter: Letter, at: datetime) -> None:
        if letter.receives >= MOST_RECEIVES:
            self.dead.append(letter)
            return
        letter.receives += 1
        self.calls += 1
        self._served[letter.group] += 1
        if self._failed(letter):
            self._number += 1
            heapq.heappush(self._hidden, (at + VISIBILITY, self._number, letter))
        else:
            letter.done_at = at
            self.done.append(letter)

    def _failed(self, letter: Letter) -> bool:
        try:
            answer = self.take(letter.event())
        except Exception:  # noqa: BLE001 - as for Lambda: the whole batch has failed
            return True
        return bool(answer["batchItemFailures"])
