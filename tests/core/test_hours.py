"""When a schedule's next hours are, on the clock that it was made by."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.hours import begun, following, next_look, on
from core.model import Schedule

NINE_TO_SIX = Schedule(
    machine="m", owner="U1", days=(0, 1, 2, 3, 4), starts=(9, 0), stops=(18, 0), tz="Europe/Berlin"
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tz", "day", "starts", "stops"),
    [
        ("UTC", "2026-11-23", "2026-11-23T09:00", "2026-11-23T18:00"),
        ("Europe/Berlin", "2026-10-23", "2026-10-23T07:00", "2026-10-23T16:00"),
        ("Europe/Berlin", "2026-10-26", "2026-10-26T08:00", "2026-10-26T17:00"),
        ("America/New_York", "2026-03-09", "2026-03-09T13:00", "2026-03-09T22:00"),
        ("Australia/Lord_Howe", "2026-10-05", "2026-10-04T22:00", "2026-10-05T07:00"),
    ],
)
def test_hours_follow_the_clock_of_their_zone(tz: str, day: str, starts: str, stops: str) -> None:
    one = on(replace(NINE_TO_SIX, tz=tz), date.fromisoformat(day))
    assert (one.starts, one.stops) == (utc(starts), utc(stops))


def test_hours_over_the_night_on_which_clocks_go_back_are_an_hour_longer() -> None:
    one = on(replace(NINE_TO_SIX, starts=(22, 0), stops=(6, 0)), date(2026, 10, 24))
    assert one.stops - one.starts == timedelta(hours=9)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-23T05:00", "2026-11-23"),
        ("2026-11-23T16:45", "2026-11-23"),  # a quarter of an hour is left
        ("2026-11-23T16:46", "2026-11-24"),
        ("2026-11-27T17:00", "2026-11-30"),  # Friday evening, then Monday
    ],
)
def test_the_next_hours_are_those_with_enough_left_of_them(now: str, day: str) -> None:
    one = following(NINE_TO_SIX, utc(now))
    assert one is not None and one.day == date.fromisoformat(day)


def test_skipped_and_started_days_are_passed_over() -> None:
    now, monday, tuesday = utc("2026-11-23T05:00"), date(2026, 11, 23), date(2026, 11, 24)
    one = following(replace(NINE_TO_SIX, started=monday, skipped=(tuesday,)), now)
    assert one is not None and one.day == date(2026, 11, 25)


def test_somebody_looks_half_an_hour_ahead_and_at_the_start() -> None:
    now = utc("2026-11-23T05:00")
    assert next_look(NINE_TO_SIX, now) == utc("2026-11-23T07:30")
    told = replace(NINE_TO_SIX, told=date(2026, 11, 23))
    assert next_look(told, now) == utc("2026-11-23T08:00")


def test_hours_that_run_already_are_known_and_later_ones_are_not() -> None:
    assert begun(NINE_TO_SIX, utc("2026-11-23T10:00")) == date(2026, 11, 23)
    assert begun(NINE_TO_SIX, utc("2026-11-23T05:00")) is None
