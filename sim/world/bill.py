"""The account's bill, from what really happened in the world: AWS's side of the money.

It knows nothing of the bot's own meter and shares no arithmetic with it, so that the two can be
held against each other. Rates are those of us-east-1 on AWS's price pages ("Amazon EC2 On-Demand
Pricing", "Amazon EBS pricing", "Amazon VPC pricing"): by the second, sixty seconds at least for
every start.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sim.world.books import Line
from sim.world.data import on_demand_price
from sim.world.ground import Ground
from sim.world.spot import changes

TAG = "gpu:stack"
_ADDRESS = Decimal("0.005") / 3600


def total(ground: Ground, since: datetime, until: datetime, stack: str | None = None) -> Decimal:
    """USD between the two moments; `stack`: of what carries that value of the tag only."""
    return sum((amount for _, amount in parts(ground, since, until, stack)), Decimal(0))


def parts(
    ground: Ground, since: datetime, until: datetime, stack: str | None = None
) -> Iterator[tuple[Line, Decimal]]:
    """Every line with what it comes to between the two moments."""
    for line in ground.books.lines:
        if stack is not None and line.tags.get(TAG) != stack:
            continue
        amount = _up_to(ground, line, until) - _up_to(ground, line, since)
        if amount:
            yield line, amount


def _up_to(ground: Ground, line: Line, at: datetime) -> Decimal:
    """USD from the line's start up to that moment."""
    end = min(line.end or at, at)
    if end <= line.start:
        return Decimal(0)
    if line.kind != "instance":
        return line.rate * Decimal(math.ceil((end - line.start).total_seconds()))
    least = line.start + timedelta(seconds=60)
    cost = _of_price(ground, line, max(end, least) if line.end is None or line.end < least else end)
    seconds = Decimal(math.ceil((end - line.start).total_seconds()))
    return cost + (_ADDRESS * seconds if line.address else 0)


def _of_price(ground: Ground, line: Line, end: datetime) -> Decimal:
    if line.market != "spot":
        each = on_demand_price(line.region, line.instance_type) or Decimal(0)
        return each / 3600 * Decimal(math.ceil((end - line.start).total_seconds()))
    steps = list(changes(ground, line.region, line.zone, line.instance_type, line.start, end))
    cost = Decimal(0)
    for number, (begins, each) in enumerate(steps):
        stops = steps[number + 1][0] if number + 1 < len(steps) else end
        span = min(stops, end) - max(begins, line.start)
        cost += each / 3600 * Decimal(max(0.0, span.total_seconds()))
    return cost


# ---- Cost Explorer --------------------------------------------------------------------------


def by_day(
    ground: Ground, first: date, after: date, stack: str | None
) -> list[tuple[date, Decimal]]:
    """USD of each whole day (UTC)."""
    found, day = [], first
    while day < after:
        start = datetime(day.year, day.month, day.day, tzinfo=ground.time.tzinfo)
        until = min(start + timedelta(days=1), ground.time)
        found.append((day, total(ground, start, until, stack)))
        day += timedelta(days=1)
    return found


def cost_and_usage(ground: Ground, params: Mapping[str, Any]) -> dict[str, Any]:
    """ce:GetCostAndUsage, as far as days and one tag go. What is younger than a day is missing."""
    period = params["TimePeriod"]
    first, after = date.fromisoformat(period["Start"]), date.fromisoformat(period["End"])
    tags = (params.get("Filter") or {}).get("Tags") or {}
    stack = (tags.get("Values") or [None])[0]
    days = by_day(ground, first, after, stack) if ground.books.activated else []
    known = {day: amount for day, amount in days if amount}
    results = []
    while first < after:
        amount = known.get(first, Decimal(0))
        spent = {"UnblendedCost": {"Amount": f"{amount:.10f}", "Unit": "USD"}}
        following = first + timedelta(days=1)
        estimated = ground.time.date() - first <= timedelta(days=1)
        results.append(
            {
                "TimePeriod": {"Start": first.isoformat(), "End": following.isoformat()},
                "Total": spent if known or not estimated else {},
                "Groups": [],
                "Estimated": estimated,
            }
        )
        first = following
    return {"ResultsByTime": results}
