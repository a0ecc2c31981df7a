"""A brake for whoever holds a machine's token or a link: each message costs a function that runs.

It counts what one execution environment sees, so it is no exact limit: several that run at once let
several times as much through, and no more.
"""

from collections import Counter
from collections.abc import Callable


class Often:
    """How often each came within this minute. Only who has shown a proof is counted, so that
    nobody can fill it."""

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        """`most`: times a minute that each may come; `now`: seconds."""
        self.most = most
        self._now = now
        self._minute = 0
        self._came: Counter[str] = Counter()

    def too_often(self, who: str) -> bool:
        """Whether this time is one too many."""
        minute = int(self._now() // 60)
        if minute != self._minute:
            self._minute, self._came = minute, Counter()
        self._came[who] += 1
        return self._came[who] > self.most
