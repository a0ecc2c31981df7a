"""Money: what time, disks and addresses cost, and how amounts are written. US dollars, `Decimal`.

EC2 bills Linux by the second, sixty seconds at least for every start (StartInstances' reference).
"""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

# "Amazon EBS pricing", gp3 in us-east-1, baseline IOPS and throughput included. Other regions
# differ by a few tenths, so amounts for disks are estimates.
GP3_GB_MONTH = Decimal("0.08")
GP3_IOPS, GP3_THROUGHPUT = 3_000, 125
GP3_IOPS_MONTH = Decimal("0.005")  # each one above the 3,000 that are included
GP3_THROUGHPUT_MONTH = Decimal("0.04")  # each MiB/s above the 125 that are included
IO2_GB_MONTH = Decimal("0.125")
# io2's IOPS in tiers: up to 32,000, up to 64,000, above. All of them in the same price list.
IO2_IOPS_MONTH = (
    (32_000, Decimal("0.065")),
    (64_000, Decimal("0.0455")),
    (256_000, Decimal("0.032")),
)
# "Amazon EBS pricing", standard snapshots: of the blocks that are in use, so this is the most.
SNAPSHOT_GB_MONTH = Decimal("0.05")
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


def disk_monthly(
    gb: int, kind: str = "gp3", iops: int | None = None, throughput: int | None = None
) -> Decimal:
    """USD per month of a disk, whether its machine runs or not. None: what gp3 includes."""
    if kind == "io2":
        return IO2_GB_MONTH * gb + _io2_iops(iops or 0)
    faster = max(0, (iops or GP3_IOPS) - GP3_IOPS) * GP3_IOPS_MONTH
    wider = max(0, (throughput or GP3_THROUGHPUT) - GP3_THROUGHPUT) * GP3_THROUGHPUT_MONTH
    return GP3_GB_MONTH * gb + faster + wider


def _io2_iops(iops: int) -> Decimal:
    total, below = Decimal(0), 0
    for up_to, each in IO2_IOPS_MONTH:
        total += max(0, min(iops, up_to) - below) * each
        below = up_to
    return total


def disk_daily(
    gb: int, kind: str = "gp3", iops: int | None = None, throughput: int | None = None
) -> Decimal:
    """USD per day of a disk."""
    return daily(disk_monthly(gb, kind, iops, throughput))


def snapshot_monthly(gb: int) -> Decimal:
    """USD per month of a snapshot, at most: of a full disk of that size."""
    return SNAPSHOT_GB_MONTH * gb


def daily(monthly: Decimal) -> Decimal:
    """USD per day of what costs so much a month."""
    return monthly * 24 / HOURS_A_MONTH


def stopped_daily(
    gb: int, kind: str = "gp3", iops: int | None = None, throughput: int | None = None
) -> Decimal:
    """USD per day of a stopped machine: its disk. The public address is given back at the stop."""
    return disk_daily(gb, kind, iops, throughput)


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
