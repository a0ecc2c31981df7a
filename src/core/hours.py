"""When a schedule next starts its machine, on the clock that it was made by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.model import Schedule
from core.times import moment_on, today_in

AHEAD = timedelta(minutes=30)  # a start is announced
LEAST = timedelta(minutes=15)  # must be left of the hours for a start that comes late

_DAYS_SEEN = 370  # a schedule with every day of a year skipped starts no more


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The hours that begin on one day, in UTC."""

    day: date
    starts: datetime
    stops: datetime


def following(row: Schedule, now: datetime) -> Stretch | None:
    """The hours that it is to start the machine for next, or now if they have begun."""
    return next((one for one in _open(row, now) if one.day not in row.skipped), None)


def on(row: Schedule, day: date) -> Stretch:
    """The hours of that day; over midnight where they stop no later than they start."""
    over = timedelta(days=1 if row.stops <= row.starts else 0)
    return Stretch(
        day=day,
        starts=moment_on(day, row.starts, row.tz),
        stops=moment_on(day + over, row.stops, row.tz),
    )


def next_look(row: Schedule, now: datetime) -> datetime | None:
    """When somebody must look at the schedule again: to announce a start, or to carry it out."""
    one = following(row, now)
    if one is None:
        return None
    told = row.told is not None and one.day <= row.told
    return max(now, one.starts if told else one.starts - AHEAD)


def begun(row: Schedule, now: datetime) -> date | None:
    """The day whose hours are running as it is made: they do not count yet."""
    one = next(_open(row, now), None)
    return one.day if one is not None and one.starts <= now else None


def recent(row: Schedule, now: datetime) -> tuple[date, ...]:
    """The skipped days that still matter."""
    oldest = today_in(now, row.tz) - timedelta(days=2)
    return tuple(day for day in row.skipped if day >= oldest)


def _open(row: Schedule, now: datetime) -> Iterator[Stretch]:
    first = today_in(now, row.tz) - timedelta(days=1)
    for day in (first + timedelta(days=n) for n in range(_DAYS_SEEN)):
        if day.weekday() not in row.days or (row.started is not None and day <= row.started):
            continue
        one = on(row, day)
        least = min(LEAST, (one.stops - one.starts) / 2)
        if one.stops - now >= least and one.stops > one.starts:
            yield one
