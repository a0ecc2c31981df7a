"""Hours at which a machine runs by itself."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """`weekdays 9:00-18:00` on its owner's clock: a machine starts and stops by it."""

    machine: str  # id
    owner: str
    days: tuple[int, ...]  # 0 is Monday
    starts: tuple[int, int]  # hour and minute
    stops: tuple[int, int]
    tz: str  # IANA name
    skipped: tuple[date, ...] = ()  # days on which it does not start
    told: date | None = None  # the day whose start was last announced
    started: date | None = None  # the day on which it last started the machine
    short: date | None = None  # the day whose hours its lease ends within: it starts again then
    trouble: str = ""  # why it could not, that day
    heard: tuple[str, ...] = ()  # ids of the latest requests that were carried out on it
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The machine's id."""
        return self.machine
