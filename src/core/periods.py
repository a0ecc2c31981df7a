"""Weeks and months that spending is told of, all of them in UTC: AWS's bill, the budgets and what a
colleague on another continent is told then mean the same days, and no day has 23 or 25 hours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST_COLUMNS = 20  # points of a chart
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """From `since` on and before `until`, under a name such as `24 Nov`."""

    label: str
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Period:
    """A week or month up to now, and as long a stretch of the one before it."""

    name: str  # this week, this month, November 2026
    former: str  # last week, last month, October 2026
    since: datetime
    until: datetime  # now, or its end where that has passed; `since` where it has not begun
    before: datetime  # when the one before began
    before_until: datetime
    over: bool  # its end has passed


def period(word: str, now: datetime) -> Period:
    """`week` (from Monday), `month`, or a month such as `2026-11`."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "week":
        since = today - timedelta(days=today.weekday())
        return _period("this week", "last week", since - 7 * _DAY, since, since + 7 * _DAY, now)
    if word == "month":
        since = today.replace(day=1)
        return _period("this month", "last month", _month(since, -1), since, _month(since, 1), now)
    since = datetime.strptime(word, "%Y-%m").replace(tzinfo=UTC)
    before = _month(since, -1)
    return _period(f"{since:%B %Y}", f"{before:%B %Y}", before, since, _month(since, 1), now)


def _period(
    name: str, former: str, before: datetime, since: datetime, end: datetime, now: datetime
) -> Period:
    until = max(since, min(now.astimezone(UTC), end))
    over = now >= end
    # A whole month beside a whole month; a part of one beside a part as long, but not longer than
    # the month before was.
    before_until = since if over else min(since, before + (until - since))
    return Period(
        name=name,
        former=former,
        since=since,
        until=until,
        before=before,
        before_until=before_until,
        over=over,
    )


def _month(first: datetime, step: int) -> datetime:
    """The first moment of the next month, or of the one before."""
    inside = first + timedelta(days=32) if step > 0 else first - _DAY
    return inside.replace(day=1)


def days(wanted: Period) -> tuple[Stretch, ...]:
    """Its days up to now; of more than twenty, two or more together."""
    count = -(-(wanted.until - wanted.since) // _DAY)
    together = -(-count // MOST_COLUMNS) or 1
    found = []
    for at in range(0, count, together):
        since = wanted.since + at * _DAY
        last = wanted.since + (min(at + together, count) - 1) * _DAY
        until = min(since + together * _DAY, wanted.until)
        found.append(Stretch(label=_label(since, last), since=since, until=until))
    return tuple(found)


def _label(first: datetime, last: datetime) -> str:
    alone = f"{last:%d %b}".lstrip("0")
    return alone if first == last else f"{first.day}-{alone}"
