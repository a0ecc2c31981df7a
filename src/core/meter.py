"""What was spent, in any stretch of time: bills in, US dollars out. Exact and never rounded.

An instance is billed by the second, sixty seconds at least for every start; its public address as
long; disks, snapshots and images whether it runs or not. A spot instance that EC2 takes back within
the first hour of a start costs nothing but its address.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core import price
from core.model import Bill, Run, Store

FREE_WITHIN = timedelta(hours=1)  # "Billing for interrupted Spot Instances"
_SHORTEST = timedelta(seconds=60)


def spent(bill: Bill, since: datetime, until: datetime) -> Decimal:
    """USD of one bill between the two moments; what still runs is counted up to `until`."""
    return _up_to(bill, until) - _up_to(bill, since)


def total(bills: Iterable[Bill], since: datetime, until: datetime) -> Decimal:
    """USD of all of them."""
    return sum((spent(bill, since, until) for bill in bills), Decimal(0))


def _up_to(bill: Bill, at: datetime) -> Decimal:
    running = sum((_running(chain, at) for chain in chains(bill.runs)), Decimal(0))
    return running + sum((_stored(store, at) for store in bill.stores), Decimal(0))


def chains(runs: tuple[Run, ...]) -> list[list[Run]]:
    """The runs in groups that each began with a start: a new price or another number of instances
    goes on where the run before ended."""
    found: list[list[Run]] = []
    for run in runs:
        if found and found[-1][-1].ended_at == run.started_at:
            found[-1].append(run)
        else:
            found.append([run])
    return found


def _running(chain: list[Run], at: datetime) -> Decimal:
    """USD of one start and all that followed it; what the first minute lacks costs what it cost
    last."""
    cost, length = Decimal(0), timedelta(0)
    chain = [replace(run, hourly=Decimal(0)) for run in chain] if _free(chain) else chain
    for run in chain:
        span = _span(run.started_at, run.ended_at, at)
        cost += _for(run.hourly + run.instances * price.PUBLIC_IPV4_HOURLY, span)
        length += span
    lacks = _SHORTEST - length
    if at > chain[0].started_at and lacks > timedelta(0):
        cost += _for(min(run.hourly for run in chain), lacks)  # so that it never falls
    return cost


def _free(chain: list[Run]) -> bool:
    """Known at its end only, but true of all of it from the beginning."""
    end = chain[-1].ended_at
    return chain[-1].taken and end is not None and end - chain[0].started_at < FREE_WITHIN


def _stored(store: Store, at: datetime) -> Decimal:
    return _for(store.hourly, _span(store.started_at, store.ended_at, at))


def _span(start: datetime, end: datetime | None, at: datetime) -> timedelta:
    return max(timedelta(0), min(end or at, at) - start)


def _for(hourly: Decimal, length: timedelta) -> Decimal:
    """By the second, of which a part counts as a whole one."""
    seconds = -(-length // timedelta(seconds=1))
    return hourly * seconds / 3600
