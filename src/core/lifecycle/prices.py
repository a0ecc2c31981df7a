"""Spot prices move while a machine runs: its run is split where they did."""

from bisect import bisect_right
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.model import Machine, Market, Run

EVERY = timedelta(hours=1)

Changes = tuple[tuple[datetime, Decimal], ...]  # (from when on, USD per hour), oldest first


def price_due(m: Machine, now: datetime) -> datetime | None:
    """Since when the price of a spot machine's last run has to be looked up; None: not now.

    Once an hour while it runs, and once more when it has ended. Of several, each look prices them.
    """
    if m.members or m.market is not Market.SPOT or not m.runs:
        return None
    last = m.runs[-1]
    known = max(m.priced_at or last.started_at, last.started_at)
    if last.ended_at is not None:
        return known if known < last.ended_at else None
    fresh = m.priced_at is not None and m.priced_at >= last.started_at
    return None if fresh and now < known + EVERY else known


def repriced(m: Machine, changes: Changes, now: datetime) -> Machine:
    """The last run with every change of the price in it; what costs so much now costs that on.

    Without a price for its time the last one stands, and is looked for again.
    """
    last = m.runs[-1]
    end = last.ended_at or now
    times = [at for at, _ in changes]
    first = bisect_right(times, last.started_at) - 1
    within = [(at, usd) for at, usd in changes if last.started_at < at < end]
    if first < 0 and not within:
        return m
    steps = [(last.started_at, changes[first][1] if first >= 0 else last.hourly), *within]
    runs = [
        replace(last, started_at=at, ended_at=following, hourly=usd)
        for (at, usd), following in zip(
            steps, [*(at for at, _ in steps[1:]), last.ended_at], strict=True
        )
    ]
    merged = _merged(runs)
    placement = replace(m.placement, hourly=merged[-1].hourly) if m.placement else None
    return replace(m, runs=(*m.runs[:-1], *merged), placement=placement, priced_at=end)


def _merged(runs: list[Run]) -> list[Run]:
    """Without the joints at which nothing changed."""
    found: list[Run] = []
    for run in runs:
        if found and found[-1].hourly == run.hourly:
            found[-1] = replace(found[-1], ended_at=run.ended_at)
        else:
            found.append(run)
    return found
