"""A disk without a running machine: what it is kept as, what that costs, how it comes back."""

from dataclasses import replace

from core import price
from core.blocks import code
from core.messages import disks, words
from core.model import Machine, State


def disk(m: Machine) -> str:
    """Its 50 GB disk is kept … and costs … a day; no full stop."""
    its = f"Its {words.disk(m)} is kept"
    later = words.money(price.daily(price.snapshot_monthly(words.disk_gb(m))))
    if not m.starts_anew and not m.leaves_disk:
        return f"{its} and costs {words.kept_daily(m)} a day"
    if m.kept is None:
        return f"{its}, first as a volume, then as a snapshot that costs at most {later} a day"
    if m.kept.instance:
        return f"{its} in {m.kept.zone} and as a snapshot: at most {words.kept_daily(m)} a day"
    if m.kept.volume:
        return (
            f"{its} as a volume, which costs {words.kept_daily(m)} a day, until its snapshot is "
            f"complete; the snapshot costs at most {later} a day"
        )
    return f"{its} as a snapshot, which costs at most {words.kept_daily(m)} a day"


def to_start(m: Machine) -> str:
    """A stopped machine that is to start: what it waits for, and what it costs meanwhile."""
    name, what = words.name(m), words.what(m)
    if m.retry_at is not None:
        again = f" The next try is {words.at(m.retry_at)}, the last one {words.at(m.launch_by)}."
        return (
            f"{name} keeps trying to start: EC2 had no capacity for {what}.{again} {disk(m)}. Give "
            f"it up: {code(f'/gpu stop {m.name}')}"
        )
    if m.kept is not None and m.kept.staying is None and m.kept.image is None:
        return (
            f"{name} starts again as soon as the snapshot of its disk is complete, which takes "
            f"minutes: {what}. {disk(m)}.{disks.waited(m)}"
        )
    return f"{name} is to start again: {what}."


def starting(m: Machine) -> str | None:
    """The same for whoever asked for it; None where it is on its way."""
    return to_start(m) if m.state is State.STOPPED else None


def next_time(m: Machine) -> str | None:
    """How a spot machine would have kept its disk; None where it does, or where none can."""
    if m.can_stop or m.wish.count > 1:
        return None
    again = words.same_launch(replace(m.wish, keep=True))
    return f"To keep the disk of the next one when it stops: {code(f'/gpu {again}')}"
