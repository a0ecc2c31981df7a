"""What spot costs, and how it moves: a walk of small steps, some hours apart, the same for a seed.

When the world begins, every pool (a type in a zone) has the figure of sim/data; what it cost before
and will cost later wanders around that.
"""

import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from sim.world.data import spot_price
from sim.world.ground import Ground

REMEMBERED = timedelta(days=90)  # how far back EC2 tells
_SOONEST = timedelta(hours=2)  # no price moves in the first two hours of a world
_STEP = 60  # thousandths


def price_at(
    ground: Ground, region: str, zone: str, instance_type: str, at: datetime
) -> Decimal | None:
    """USD an hour in that zone at that time, or None where spot is not sold."""
    figure = spot_price(region, zone, instance_type)
    if figure is None:
        return None
    return _level(ground, figure, f"{zone}/{instance_type}", _number(ground, zone, at))


def changes(
    ground: Ground, region: str, zone: str, instance_type: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, Decimal]]:
    """(from when on, USD an hour): what is in effect at `start`, and every change up to `end`."""
    figure = spot_price(region, zone, instance_type)
    if figure is None or end < start:
        return
    last = None
    for number in range(_number(ground, zone, start), _number(ground, zone, end) + 1):
        price = _level(ground, figure, f"{zone}/{instance_type}", number)
        if price != last:
            yield _begins(ground, zone, number), price
        last = price


def _period(zone: str) -> timedelta:
    return timedelta(hours=4 + zlib.crc32(zone.encode()) % 5)


def _number(ground: Ground, zone: str, at: datetime) -> int:
    """Which stretch of one price a moment lies in: 0 when the world begins."""
    return (at - ground.began - _SOONEST) // _period(zone) + 1


def _begins(ground: Ground, zone: str, number: int) -> datetime:
    return ground.began + _SOONEST + (number - 1) * _period(zone)


def _level(ground: Ground, figure: Decimal, pool: str, number: int) -> Decimal:
    """The mean of three neighbours, so that the steps are small, and exactly the figure at 0."""

    def drawn(n: int) -> int:
        return zlib.crc32(f"{ground.seed}/{pool}/{n}".encode()) % (2 * _STEP + 1) - _STEP

    def mean(n: int) -> int:
        return sum(map(drawn, (n - 1, n, n + 1))) // 3

    share = 1000 + mean(number) - mean(0)
    return (figure * share / 1000).quantize(Decimal("0.0001"))
