"""Lengths and times of day as people write them: `1h30m`, `2 hours`, `18:00`, `tomorrow 9:00`."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.words import whole_number

SHORTEST = timedelta(minutes=2)

_NUMBER = r"[0-9]{1,5}(?:[.,][0-9]{1,3})?"
_LENGTH = re.compile(
    rf"(?:(?P<days>{_NUMBER})(?:d|days?))?"
    rf"(?:(?P<hours>{_NUMBER})(?:h|hrs?|hours?))?"
    rf"(?:(?P<minutes>{_NUMBER})(?:m|mins?|minutes?))?"
)
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(am|pm)?")
_DAYS = {"today": 0, "tomorrow": 1}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, kw_only=True)
class Until:
    """A time of day on the caller's own clock; `today`: no later day, even if it has passed;
    `tomorrow`: not before midnight; `weekday`: on the next such day, 0 being Monday."""

    hour: int
    minute: int
    today: bool = False
    tomorrow: bool = False
    weekday: int | None = None


@dataclass(frozen=True, kw_only=True)
class Hours:
    """`weekdays 9:00-18:00`: on which days (0 is Monday) something starts and stops, and when."""

    days: tuple[int, ...]
    starts: tuple[int, int]  # hour and minute
    stops: tuple[int, int]  # the next day where it is not after the start


def read_moment(text: str) -> datetime | None:
    """Whole seconds since the epoch; None where it is no such number, or after the year 5000."""
    seconds = whole_number(text, 11)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def read_length(text: str) -> timedelta | None:
    """A length such as `90m`, `1h30m`, `1.5h`, `2d`, `2 hours`, of any size; None if it is none."""
    found = _LENGTH.fullmatch("".join(text.lower().split()))
    if found is None or not found.group():
        return None
    parts = {unit: Decimal(n.replace(",", ".")) for unit, n in found.groupdict("0").items()}
    minutes = parts["days"] * 1440 + parts["hours"] * 60 + parts["minutes"]
    return timedelta(seconds=int(minutes * 60))


def read_until(text: str) -> Until | None:
    """A time such as `18:00`, `6pm`, `tomorrow 9:00`, `9:00 friday`; None when it is none."""
    words = _day_first(text.lower().split())
    if words[:1] == ["next"] and len(words) > 1 and weekday_of(words[1]) is not None:
        words = words[1:]
    day = words[0] if words else ""
    weekday = weekday_of(day)
    if _is_day(day):
        words = words[1:]
    at = _clock("".join(words))
    if at is None:
        return None
    hour, minute = at
    return Until(
        hour=hour,
        minute=minute,
        today=day == "today",
        tomorrow=day == "tomorrow",
        weekday=weekday,
    )


def _day_first(words: list[str]) -> list[str]:
    """`tomorrow 9:00` of `9:00 tomorrow`, `next friday 9:00` of `9:00 next friday`."""
    if len(words) < 2 or not _is_day(words[-1]) or "next" in words[:1]:
        return words
    days = 2 if words[-2] == "next" else 1
    return [*words[-days:], *words[:-days]]


def _is_day(word: str) -> bool:
    return word in _DAYS or weekday_of(word) is not None


def weekday_of(word: str) -> int | None:
    """0 for `monday` and `mon`, … 6 for `sunday`; None for anything else."""
    found = (n for n, name in enumerate(WEEKDAYS) if len(word) >= 3 and name.startswith(word))
    return next(found, None)


def _clock(text: str) -> tuple[int, int] | None:
    """(hour, minute) of `18:00`, `6pm`; None where it is no time of day."""
    found = _CLOCK.fullmatch(text)
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute = _on_24_hours(int(found[1]), found[3]), int(found[2] or 0)
    return None if hour is None or hour > 23 or minute > 59 else (hour, minute)


def _on_24_hours(hour: int, half: str | None) -> int | None:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half == "pm" else 0)


def resolve(until: Until, now: datetime, tz: str) -> datetime:
    """The next moment after `now`, in UTC, at which a clock in `tz` shows that time. Only one that
    was said to be today can lie before `now`, which is when it was typed.

    A time that comes twice when clocks go back is the first one still ahead. One that is skipped
    when they go forward is counted with the offset before (RFC 5545), not put off to the next day.
    A `tz` that is not known counts as UTC.
    """
    zone = _zone(tz)
    today = now.astimezone(zone).date()
    moments = [
        datetime(day.year, day.month, day.day, until.hour, until.minute, tzinfo=zone, fold=fold)
        for day in (today + timedelta(days=n) for n in _days(until, today))
        for fold in (0, 1)
    ]
    found = [m for moment in moments if (m := _in_utc(moment)) is not None]
    return min((m for m in found if m > now), default=max(found))


def _days(until: Until, today: date) -> tuple[int, ...]:
    """How many days from today it can be: the same weekday may have passed its time already."""
    if until.weekday is not None:
        first = (until.weekday - today.weekday()) % 7
        return (first, first + 7)
    if until.today:
        return (0,)
    return (1,) if until.tomorrow else (0, 1, 2)


def moment_on(day: date, at: tuple[int, int], tz: str) -> datetime:
    """When a clock in `tz` shows (hour, minute) on that day, in UTC: the first time where it does
    so twice; where it never does, counted with the offset before (RFC 5545)."""
    hour, minute = at
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=_zone(tz))
    return local.astimezone(UTC)


def today_in(now: datetime, tz: str) -> date:
    """The date that a calendar in `tz` shows."""
    return now.astimezone(_zone(tz)).date()


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
