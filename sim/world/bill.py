"""The account's bill, from what really happened in the world: AWS's side of the money.

It knows nothing of the bot's own meter and shares no arithmetic with it, so that the two can be
held against each other. Rates are those of us-east-1 on AWS's price pages ("Amazon EC2 On-Demand
Pricing", "Amazon EBS pricing", "Amazon VPC pricing"): by the second, sixty seconds at least for
every start; nothing for a spot instance that EC2 takes back in its first hour ("Billing for
interrupted Spot Instances").
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
        if line.start >= until or (line.end is not None and line.end <= since):
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
    if line.taken and line.end and line.end - line.start < timedelta(hours=1):
        return _address(line, end)
    least = line.start + timedelta(seconds=60)
    cost = _of_price(ground, line, max(end, least) if line.end is None or line.end < least else end)
    return cost + _address(line, end)


def _address(line: Line, end: datetime) -> Decimal:
    seconds = Decimal(math.ceil((end - line.start).total_seconds()))
    return _ADDRESS * seconds if line.address else Decimal(0)


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
        until = min(start + timedelta(days=1), ground.time - ground.books.late)
        found.append((day, total(ground, start, max(start, until), stack)))
        day += timedelta(days=1)
    return found


def cost_and_usage(ground: Ground, params: Mapping[str, Any]) -> dict[str, Any]:
    """ce:GetCostAndUsage, as far as days and one tag go. What it does not know, it says is zero."""
    period = params["TimePeriod"]
    first, after = date.fromisoformat(period["Start"]), date.fromisoformat(period["End"])
    wanted = (params.get("Filter") or {}).get("Tags")
    known = ground.books.activated and wanted is not None and wanted["Key"] == TAG
    stack = wanted["Values"][0] if wanted else None
    days = by_day(ground, first, after, stack)
    nothing = Decimal(0)
    return {
        "ResultsByTime": [
            _of_day(ground, day, usd if known or wanted is None else nothing) for day, usd in days
        ]
    }


def _of_day(ground: Ground, day: date, usd: Decimal) -> dict[str, Any]:
    """A bill is an estimate until its month is over."""
    return {
        "TimePeriod": {"Start": f"{day}", "End": f"{day + timedelta(days=1)}"},
        "Total": {"UnblendedCost": {"Amount": f"{usd:.10f}", "Unit": "USD"}},
        "Groups": [],
        "Estimated": (day.year, day.month) == (ground.time.year, ground.time.month),
    }
