"""Lengths and times of day as people write them: `1h30m`, `2 hours`, `18:00`, `tomorrow 9:00`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

SHORTEST = timedelta(minutes=2)

_NUMBER = r"[0-9]{1,5}(?:[.,][0-9]{1,3})?"
_LENGTH = re.compile(
    rf"(?:(?P<days>{_NUMBER})(?:d|days?))?"
    rf"(?:(?P<hours>{_NUMBER})(?:h|hrs?|hours?))?"
    rf"(?:(?P<minutes>{_NUMBER})(?:m|mins?|minutes?))?"
)
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(am|pm)?")
_DAYS = {"today": 0, "tomorrow": 1}


@dataclass(frozen=True, kw_only=True)
class Until:
    """A time of day on the caller's own clock; `tomorrow`: not before midnight."""

    hour: int
    minute: int
    tomorrow: bool = False


@dataclass(frozen=True, kw_only=True)
class Hours:
    """`weekdays 9:00-18:00`: on which days (0 is Monday) something starts and stops, and when."""

    days: tuple[int, ...]
    starts: tuple[int, int]  # hour and minute
    stops: tuple[int, int]  # the next day where it is not after the start


def read_length(text: str) -> timedelta | None:
    """A length such as `90m`, `1h30m`, `1.5h`, `2d`, `2 hours`, of any size; None if it is none."""
    found = _LENGTH.fullmatch("".join(text.lower().split()))
    if found is None or not found.group():
        return None
    parts = {unit: Decimal(n.replace(",", ".")) for unit, n in found.groupdict("0").items()}
    minutes = parts["days"] * 1440 + parts["hours"] * 60 + parts["minutes"]
    return timedelta(seconds=int(minutes * 60))


def read_until(text: str) -> Until | None:
    """A time such as `18:00`, `6pm`, `tomorrow 9:00`; None when it is none."""
    words = text.lower().split()
    tomorrow = bool(words) and words[0] == "tomorrow"
    if words and words[0] in _DAYS:
        words = words[1:]
    found = _CLOCK.fullmatch("".join(words))
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute = _on_24_hours(int(found[1]), found[3]), int(found[2] or 0)
    if hour is None or hour > 23 or minute > 59:
        return None
    return Until(hour=hour, minute=minute, tomorrow=tomorrow)


def _on_24_hours(hour: int, half: str | None) -> int | None:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half == "pm" else 0)


def resolve(until: Until, now: datetime, tz: str) -> datetime:
    """The next moment, in UTC, at which a clock in `tz` shows that time.

    A time that comes twice when clocks go back is the first one still ahead. One that is skipped
    when they go forward is counted with the offset before (RFC 5545), not put off to the next day.
    A `tz` that is not known counts as UTC.
    """
    zone = _zone(tz)
    today = now.astimezone(zone).date()
    days = (1,) if until.tomorrow else (0, 1, 2)
    moments = [
        datetime(day.year, day.month, day.day, until.hour, until.minute, tzinfo=zone, fold=fold)
        for day in (today + timedelta(days=n) for n in days)
        for fold in (0, 1)
    ]
    return min(m for moment in moments if (m := _in_utc(moment)) is not None and m > now)


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _in_utc(moment: datetime) -> datetime | None:
    """In UTC; None for the second reading of a time that is skipped, which would be too early."""
    utc = moment.astimezone(UTC)
    shown = utc.astimezone(moment.tzinfo).replace(tzinfo=None, fold=0)
    skipped = shown != moment.replace(tzinfo=None, fold=0)
    return None if skipped and moment.fold else utc
