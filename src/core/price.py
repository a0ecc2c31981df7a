"""Money: what time, disks and addresses cost, and how amounts are written. US dollars, `Decimal`.

EC2 bills Linux by the second, sixty seconds at least for every start (StartInstances' reference).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from core.model import Run

# "Amazon EBS pricing", gp3 in us-east-1, baseline IOPS and throughput included. Other regions
# differ by a few tenths, so amounts for disks are estimates.
GP3_GB_MONTH = Decimal("0.08")
# "Amazon VPC pricing": every public IPv4 address of a running machine, since February 2024.
PUBLIC_IPV4_HOURLY = Decimal("0.005")

HOURS_A_MONTH = Decimal(730)  # what AWS itself reckons with
_SECONDS_AN_HOUR = Decimal(3600)
_SHORTEST = 60
_CENT = Decimal("0.01")
_FINEST = Decimal("0.0001")


def cost(hourly: Decimal, length: timedelta) -> Decimal:
    """USD of one stretch at `hourly` USD per hour: by the second, a minute at least, exact.

    A stretch of no length, or one that ends before it begins (skewed clocks), costs nothing.
    """
    if length <= timedelta(0):
        return Decimal(0)
    seconds = -(-length // timedelta(seconds=1))
    return hourly * max(_SHORTEST, seconds) / _SECONDS_AN_HOUR


def spent(runs: Iterable[Run], now: datetime) -> Decimal:
    """USD of every stretch up to `now`, without disk and address."""
    lengths = ((run.hourly, (run.ended_at or now) - run.started_at) for run in runs)
    return sum((cost(hourly, length) for hourly, length in lengths), Decimal(0))


def disk_monthly(gb: int) -> Decimal:
    """USD per month of a gp3 disk, whether its machine runs or not."""
    return GP3_GB_MONTH * gb


def disk_daily(gb: int) -> Decimal:
    """USD per day of a gp3 disk."""
    return disk_monthly(gb) * 24 / HOURS_A_MONTH


def stopped_daily(gb: int) -> Decimal:
    """USD per day of a stopped machine: its disk. The public address is given back at the stop."""
    return disk_daily(gb)


def dollars(amount: Decimal) -> str:
    """`$3.06`, `$1,234.50`, `<$0.01`; half a cent rounds up."""
    if Decimal(0) < amount < _CENT:
        return "<$0.01"
    rounded = abs(amount).quantize(_CENT, ROUND_HALF_UP)
    return f"{'-' if amount < 0 and rounded else ''}${rounded:,}"


def per_hour(hourly: Decimal) -> str:
    """`$3.06/h`, with two to four decimals, as many as are needed: `$0.918/h`, `$0.0125/h`."""
    if Decimal(0) < hourly < _FINEST:
        return "<$0.0001/h"
    rounded = hourly.quantize(_FINEST, ROUND_HALF_UP)
    whole, _, decimals = f"{rounded:,f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}/h"
