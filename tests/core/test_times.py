"""Lengths, and times of day on the caller's own clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import Until, resolve
from core.times import read_length, read_until

ZONES = ("UTC", "Europe/London", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "now", "tz", "moment"),
    [
        ("18:00", "2026-11-23T12:00", "UTC", "2026-11-23T18:00"),
        ("18:00", "2026-11-23T18:00", "UTC", "2026-11-24T18:00"),
        ("18:00", "2026-11-23T18:01", "UTC", "2026-11-24T18:00"),
        ("18:00", "2026-11-23T12:00", "America/Los_Angeles", "2026-11-24T02:00"),
        ("1:00", "2026-11-23T23:30", "Europe/Berlin", "2026-11-24T00:00"),
        ("tomorrow 9:00", "2026-11-23T08:00", "UTC", "2026-11-24T09:00"),
        ("tomorrow 9:00", "2026-11-23T23:30", "Europe/Berlin", "2026-11-25T08:00"),
        ("today 18:00", "2026-11-23T12:00", "UTC", "2026-11-23T18:00"),
        ("today 9:30", "2026-11-23T11:00", "UTC", "2026-11-23T09:30"),  # it has passed
        ("today 1:00", "2026-11-23T23:30", "Europe/Berlin", "2026-11-24T00:00"),
        ("today 1:30", "2026-10-25T00:45", "Europe/London", "2026-10-25T01:30"),
        ("today 1:30", "2026-10-25T01:45", "Europe/London", "2026-10-25T01:30"),
        # 23 November 2026 is a Monday.
        ("friday 9:00", "2026-11-23T12:00", "UTC", "2026-11-27T09:00"),
        ("fri 9am", "2026-11-23T12:00", "Europe/Berlin", "2026-11-27T08:00"),
        ("next friday 9:00", "2026-11-27T08:59", "UTC", "2026-11-27T09:00"),
        ("friday 9:00", "2026-11-27T09:00", "UTC", "2026-12-04T09:00"),
        ("monday 9:00", "2026-11-23T08:00", "UTC", "2026-11-23T09:00"),
        # It is Tuesday in Tokyo already.
        ("tuesday 2:00", "2026-11-23T16:30", "Asia/Tokyo", "2026-11-23T17:00"),
        # Sundays on which clocks go back and forward.
        ("sunday 9:00", "2026-10-23T12:00", "Europe/Berlin", "2026-10-25T08:00"),
        ("sunday 9:00", "2026-03-06T12:00", "America/New_York", "2026-03-08T13:00"),
        ("sunday 2:15", "2026-10-01T00:00", "Australia/Lord_Howe", "2026-10-03T15:45"),
        ("18:00", "2026-11-23T12:00", "Nowhere/Land", "2026-11-23T18:00"),
        ("18:00", "2026-11-23T12:00", "", "2026-11-23T18:00"),
        ("18:00", "2026-11-23T12:00", "../etc/passwd", "2026-11-23T18:00"),
        # Clocks in London go back at 01:00 UTC on 25 October 2026: 01:30 comes twice.
        ("1:30", "2026-10-25T00:00", "Europe/London", "2026-10-25T00:30"),
        ("1:30", "2026-10-25T00:45", "Europe/London", "2026-10-25T01:30"),
        ("1:30", "2026-10-25T01:45", "Europe/London", "2026-10-26T01:30"),
        # Clocks in New York go forward at 07:00 UTC on 8 March 2026: 02:30 is skipped.
        ("2:30", "2026-03-08T05:00", "America/New_York", "2026-03-08T07:30"),
        ("2:30", "2026-03-08T08:00", "America/New_York", "2026-03-09T06:30"),
        ("18:00", "2026-03-08T05:00", "America/New_York", "2026-03-08T22:00"),
    ],
)
def test_a_time_of_day_is_the_next_moment_at_which_that_clock_shows_it(
    text: str, now: str, tz: str, moment: str
) -> None:
    until = read_until(text)
    assert until is not None
    assert resolve(until, utc(now), tz) == utc(moment)


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(ZONES),
)
def test_it_is_always_ahead_by_little_more_than_a_day_at_most(
    hour: int, minute: int, now: datetime, tz: str
) -> None:
    at = now.replace(tzinfo=UTC)
    found = resolve(Until(hour=hour, minute=minute), at, tz)
    assert at < found <= at + timedelta(hours=25)
    shown = found.astimezone(ZoneInfo(tz))
    skipped = shown.fold == 0 and (shown.hour, shown.minute) != (hour, minute)
    assert skipped or (shown.hour, shown.minute) == (hour, minute)


@given(st.text(max_size=20))
def test_no_text_breaks_the_readers(text: str) -> None:
    read_length(text)
    read_until(text)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_parts_of_a_length_add_up(days: int, hours: int, minutes: int) -> None:
    assert read_length(f"{days}d{hours}h{minutes}m") == timedelta(
        days=days, hours=hours, minutes=minutes
    )


@pytest.mark.parametrize("text", ["", "h", "4", "4x", "4m3h", "4h4h", "1..5h", "-4h", "4 h h"])
def test_what_is_no_length(text: str) -> None:
    assert read_length(text) is None
