"""The timer inside a machine: the one whose unit its user data brings.

It does what the script in core/user_data.py does, read from the script that the machine was given:
looks at the machine's own gpu:deadline tag (on Xen only at the time since boot), and shuts it down
by its shutdown behaviour. Nothing runs there: the look that will shut it down is planned whenever
the machine starts or one of its tags changes.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sim.world.data import load_types
from sim.world.ground import Ground
from sim.world.things import Instance

_LONGEST = re.compile(r"/proc/uptime\)\" -lt (\d+)")
_GRACE = re.compile(r"\(\(deadline \+ (\d+)\)\)")
_FIRST = re.compile(r"OnBootSec=(\d+)min")
_EVERY = re.compile(r"OnUnitActiveSec=(\d+)s")
_UNIT = "gpu-deadline.timer"


@dataclass(frozen=True, kw_only=True)
class Timer:
    """What the user data says of it."""

    first: timedelta
    every: timedelta
    grace: timedelta
    longest: timedelta


def watch(ground: Ground, instance: Instance, shut_down: Callable[[], None]) -> None:
    """Plan the look at which it shuts down, as things are now; an older plan looks again itself."""
    at = ends_at(ground, instance)
    if at is None:
        return
    life = instance.life

    def look() -> None:
        same = instance.life == life and instance.state == "running"
        now = ends_at(ground, instance)
        if same and now is not None and now <= ground.time:
            shut_down()

    ground.later(max(0.0, (at - ground.time).total_seconds()), look)


def ends_at(ground: Ground, instance: Instance) -> datetime | None:
    """The first of its looks that finds its time over; None where it has no such timer."""
    late, since = ground.settings.guest, instance.running_since
    timer = timer_in(instance.user_data or "")
    if late is None or since is None or timer is None:
        return None
    over = due(timer, since, instance.tags.get("gpu:deadline", ""), xen=_is_xen(instance))
    first = since + timer.first
    looks = max(0, -((first - over) // timer.every)) if over > first else 0
    return first + looks * timer.every + timedelta(seconds=late)


def due(timer: Timer, booted: datetime, tag: str, *, xen: bool) -> datetime:
    """From when on the script shuts down. A tag that is no number counts as none."""
    if xen or not re.fullmatch("[0-9]+", tag):
        return booted + timer.longest
    return datetime.fromtimestamp(int(tag), UTC) + timer.grace


@lru_cache(maxsize=1024)
def timer_in(user_data: str) -> Timer | None:
    """The timer that this user data brings, None without one."""
    text = base64.b64decode(user_data).decode(errors="replace")
    found = [one.search(text) for one in (_FIRST, _EVERY, _GRACE, _LONGEST)]
    if _UNIT not in text:
        return None
    first, every, grace, longest = (int(one[1]) for one in found if one)
    return Timer(
        first=timedelta(minutes=first),
        every=timedelta(seconds=every),
        grace=timedelta(seconds=grace),
        longest=timedelta(seconds=longest),
    )


def _is_xen(instance: Instance) -> bool:
    return load_types()[instance.instance_type].get("Hypervisor") == "xen"
