"""Weeks, months, and as long a stretch of the one before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import MOST_COLUMNS, days, period


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "now", "since", "until", "before", "before_until"),
    [
        (
            "week",
            "2026-11-26 10:30",
            "2026-11-23",
            "2026-11-26 10:30",
            "2026-11-16",
            "2026-11-19 10:30",
        ),
        ("week", "2026-11-23 00:00", "2026-11-23", "2026-11-23", "2026-11-16", "2026-11-16"),
        (
            "week",
            "2026-11-29 23:59",
            "2026-11-23",
            "2026-11-29 23:59",
            "2026-11-16",
            "2026-11-22 23:59",
        ),
        (
            "month",
            "2026-11-26 10:30",
            "2026-11-01",
            "2026-11-26 10:30",
            "2026-10-01",
            "2026-10-26 10:30",
        ),
        (
            "month",
            "2026-01-02 01:00",
            "2026-01-01",
            "2026-01-02 01:00",
            "2025-12-01",
            "2025-12-02 01:00",
        ),
        ("month", "2026-03-31 12:00", "2026-03-01", "2026-03-31 12:00", "2026-02-01", "2026-03-01"),
        ("2026-10", "2026-11-26 10:30", "2026-10-01", "2026-11-01", "2026-09-01", "2026-10-01"),
        (
            "2026-11",
            "2026-11-26 10:30",
            "2026-11-01",
            "2026-11-26 10:30",
            "2026-10-01",
            "2026-10-26 10:30",
        ),
        ("2027-01", "2026-11-26 10:30", "2027-01-01", "2027-01-01", "2026-12-01", "2026-12-01"),
    ],
)
def test_a_period_reaches_until_now_beside_as_long_a_stretch_before(
    word: str, now: str, since: str, until: str, before: str, before_until: str
) -> None:
    found = period(word, at(now))
    assert (found.since, found.until) == (at(since), at(until))
    assert (found.before, found.before_until) == (at(before), at(before_until))


def test_a_month_that_is_over_stands_beside_the_whole_month_before() -> None:
    found = period("2026-02", at("2026-11-26"))
    assert found.over
    assert (found.name, found.former) == ("February 2026", "January 2026")
    assert found.before_until - found.before == timedelta(days=31)


def test_more_than_twenty_days_stand_together_in_twos() -> None:
    labels = [day.label for day in days(period("month", at("2026-11-26 10:00")))]
    assert labels[:2] == ["1-2 Nov", "3-4 Nov"]
    assert labels[-1] == "25-26 Nov"
    assert [day.label for day in days(period("week", at("2026-11-24 10:00")))] == [
        "23 Nov",
        "24 Nov",
    ]


@given(
    st.sampled_from(["week", "month", "2026-10", "2026-11", "2027-02"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_the_columns_cover_the_period_without_a_gap(word: str, now: datetime) -> None:
    wanted = period(word, now)
    found = days(wanted)
    assert len(found) <= MOST_COLUMNS
    edges = [wanted.since, *(day.until for day in found)]
    assert edges[-1] == wanted.until
    assert [day.since for day in found] == edges[:-1]
    assert len({day.label for day in found}) == len(found)
