"""How the bot itself is."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """The clock's latest run that came to its end.

    `failed`: what kept it from sweeping everything, as codes; none where it swept everything.
    """

    at: datetime
    failed: tuple[str, ...] = ()
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """There is one clock."""
        return "clock"
