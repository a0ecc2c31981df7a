"""When EC2 bills a machine: from `running` to `stopping` or `shutting-down`, by EC2's own times.

What EC2 tells comes late, twice, in any order or never. So a time that it tells only makes a
stretch shorter, never longer: it begins at the launch until `running` is told, and ends when the
end was seen until the earlier truth is told. Whatever is told again changes nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.lifecycle.record import closed
from core.meter import FREE_WITHIN, chains
from core.model import FINAL, Instance, Machine, Member, Run, State

BOOTS_WITHIN = timedelta(minutes=15)  # a later `running` belongs to another start
_ENDS = frozenset({"stopping", "stopped", "shutting-down", "terminated"})
# How StateReason.Code begins where a launch that was taken came to nothing.
_AT_BIRTH = (
    "Client.InternalError",
    "Client.InvalidKMSKey",
    "Client.InvalidKmsKey",
    "Client.InvalidSnapshot",
    "Client.VolumeLimitExceeded",
    "Server.InsufficientInstanceCapacity",
)


def timed(m: Machine, instance: str, state: str, at: datetime) -> Machine:
    """The row after EC2's event about one instance; the same row where it says nothing new.

    A group's stretches are those of all its members together, which one member's times do not cut.
    """
    mine = m.instance is not None and m.instance.id == instance
    if not mine or m.members or m.state in FINAL:
        return m
    if state == "running":
        runs = _begun(m.runs, at)
    else:
        runs = _over(m.runs, at) if state in _ENDS else m.runs
    return m if runs == m.runs else replace(m, runs=runs)


def seen_over(m: Machine, now: datetime, instance: Instance) -> tuple[Run, ...]:
    """Its stretches once it is seen to be over: until EC2 says, where it does, else until now."""
    if m.members:
        return closed(m.runs, now)
    if m.state is State.PENDING and never_ran(instance):
        return tuple(run for run in m.runs if run.started_at < instance.launched_at)
    told = instance.ended_at
    runs = closed(_over(m.runs, told) if told else m.runs, now)
    return _taken(runs) if taken_back(instance) else runs


def taken_back(instance: Instance) -> bool:
    """Whether EC2 itself ended it, because it needs the spot capacity."""
    return (instance.reason or "").startswith("Server.Spot")


def never_ran(instance: Instance) -> bool:
    """Whether EC2 took the launch and then could not carry it out: from pending to terminated."""
    return (instance.reason or "").startswith(_AT_BIRTH)


def _taken(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    return tuple(replace(run, taken=run.taken or run is runs[-1]) for run in runs)


def freed(m: Machine, before: tuple[Member, ...], now: datetime) -> Machine:
    """The group without the price of members that EC2 has taken back within their first hour.

    `before`: the members as they were; each is counted once, when it is first seen to be over.
    """
    up = {one.instance.id for one in before if one.instance.state not in _ENDS}
    runs = m.runs
    for one in m.members:
        at = one.instance
        if at.id in up and at.state in _ENDS and taken_back(at):
            length = (at.ended_at or now) - at.launched_at
            runs = _without(runs, one) if length < FREE_WITHIN else runs
    return m if runs == m.runs else replace(m, runs=runs)


def _without(runs: tuple[Run, ...], one: Member) -> tuple[Run, ...]:
    since, each = one.instance.launched_at, one.placement.hourly
    return tuple(
        replace(run, hourly=max(run.hourly - each, Decimal(0))) if run.started_at >= since else run
        for run in runs
    )


def _begun(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    """The start that `at` belongs to begins then."""
    found: list[Run] = []
    for chain in chains(runs):
        start, end = chain[0].started_at, chain[-1].ended_at
        if start < at <= start + BOOTS_WITHIN and (end is None or at < end):
            chain = [
                replace(run, started_at=max(run.started_at, at))
                for run in chain
                if run.ended_at is None or run.ended_at > at
            ]
        found += chain
    return tuple(found)


def _over(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    """The start that `at` falls into is over then, whatever of it was counted after that."""
    found: list[Run] = []
    for chain in chains(runs):
        start, end = chain[0].started_at, chain[-1].ended_at
        if start < at and (end is None or at < end):
            chain = [
                replace(run, ended_at=min(run.ended_at or at, at))
                for run in chain
                if run.started_at < at
            ]
        found += chain
    return tuple(found)
