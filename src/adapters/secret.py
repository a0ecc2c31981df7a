"""The bot's secret: read every five minutes, at once where what is known is refused.

What was read last stands for as long as it cannot be read again, or is damaged: machines must stop
at their deadlines while somebody mends it.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping

from core.faults import CloudError

KEPT = 300.0  # seconds
APART = 30.0  # seconds between two readings, whoever wants one

_log = logging.getLogger(__name__)


class BadSecret(Exception):
    """It is not of the form that the template gives it. What it holds is not in this text."""


class Secret:
    """The JSON object in one secret of Secrets Manager."""

    def __init__(
        self, read: Callable[[], str], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """`read` gives its text, or raises CloudError. `ticks`: seconds."""
        self._read = read
        self._ticks = ticks
        self._known: Mapping[str, str] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    def get(self, name: str) -> str:
        """A value that is five minutes old at most, where it can be read; BadSecret, CloudError
        where none was ever read."""
        if self._ticks() - self._read_at >= KEPT:
            self._look()
        return _of(self._known, name)

    def newer(self, name: str, than: str) -> str | None:
        """Another value than the one that was refused; None where there is none, or where that was
        asked a moment ago: a bad token must not become a flood of calls."""
        if self._known.get(name) == than:
            self._look()
        found = self._known.get(name)
        return found if found != than else None

    def _look(self) -> None:
        now = self._ticks()
        if self._known and now - self._tried_at < APART:
            return
        self._tried_at = now
        try:
            self._known = _parsed(self._read())
            self._read_at = now
        except (CloudError, BadSecret) as error:
            if not self._known:
                raise
            _log.warning("the secret as it was read last goes on: %s", error)


def _parsed(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.get("signing_secret") or not found.get("bot_token"):
        raise BadSecret("it must be a JSON object with signing_secret and bot_token")
    return {str(name): str(value) for name, value in found.items()}


def _of(known: Mapping[str, str], name: str) -> str:
    if name not in known:
        raise BadSecret(f"it has no {name}")
    return known[name]
