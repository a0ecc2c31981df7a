"""What is asked before something is lost: object, consequence and cost, then two buttons."""

import hashlib
from datetime import datetime
from decimal import Decimal

from core.blocks import Block, Message, actions, button, context, message, section
from core.lifecycle import hourly_now
from core.messages import in_store, words
from core.messages.buttons import DANGER, of_lease
from core.model import Machine, State

_SINCE = (
    "These were launched, started, extended or decided about since that was asked, and are left as "
    "they are. Stop them, too?"
)


def stop_question(m: Machine, now: datetime) -> Message:
    """A spot machine cannot be stopped: it ends, and its disk goes."""
    hint = in_store.next_time(m)
    return message(
        section(
            f"{words.name(m)} is a spot machine, which cannot be stopped: it ends, and its "
            f"{words.disk(m)} is deleted with everything on it. It is {words.state(m)}"
            f"{_cost(m, now)}."
        ),
        actions(_end(m), _keep(m)),
        *([context(hint)] if hint else []),
    )


def end_question(m: Machine, now: datetime) -> Message:
    """Asked when the machine was not named, or was named as it is no more."""
    disk = f" and its {words.disk(m)} is deleted with everything on it"
    lost = disk if m.has_something else ""
    return message(
        section(
            f"{words.name(m)} ends for good{lost}. It is {words.state(m)}{_cost(m, now)}. "
            "This cannot be undone."
        ),
        actions(_end(m), _keep(m)),
    )


def stop_all_question(
    machines: tuple[Machine, ...], now: datetime, *, since: bool = False
) -> Message:
    """Which ones stop and keep their disks, which ones end and lose them.

    `since`: the button that was pressed had not asked about them as they are now.
    """
    stops = tuple(m for m in machines if m.can_stop and m.has_something)
    ends = tuple(m for m in machines if not m.can_stop and m.instance)
    dropped = tuple(m for m in machines if not m.has_something)
    all_of = f"all {len(machines)} of your machines" if len(machines) > 1 else "your one machine"
    lines = [_SINCE if since else f"Stop {all_of}?"]
    if stops:
        daily = sum((words.stopped_daily(m) for m in stops), Decimal(0))
        lines.append(
            f"• {words.names(stops)}: stopped; the disks are kept, {words.money(daily)} a day"
        )
    if ends:
        lines.append(f"• {words.names(ends)}: spot, so ended; the disks are deleted")
    if dropped:
        lines.append(f"• {words.names(dropped)}: not launched yet, so given up")
    lines.append(_all_cost(machines, now))
    label = "Stop it" if len(machines) == 1 else f"Stop all {len(machines)}"
    named = ".".join(as_asked(m) for m in machines)
    everything = button(label, "stop-all", f"{machines[0].owner}:{named}", DANGER)
    return message(section("\n".join(lines)), actions(everything, _keep(machines[0], "Keep them")))


def as_asked(m: Machine) -> str:
    """A few letters for a machine as the question names it, so that a button can carry many. They
    are others once somebody has decided about it, or it was started again or extended."""
    version = m.lease.version if m.lease else 1  # that a launch goes on by itself is no decision
    return hashlib.sha256(f"{m.id}/{m.turn}/{version}".encode()).hexdigest()[:8]


def _all_cost(machines: tuple[Machine, ...], now: datetime) -> str:
    each = sum((hourly_now(m) or Decimal(0) for m in machines if _billed(m)), Decimal(0))
    so_far = sum((words.cost_so_far(m, now) for m in machines), Decimal(0))
    return f"They cost {words.hourly(each)} now, and {words.money(so_far)} so far."


def _billed(m: Machine) -> bool:
    return m.instance is not None and m.state is not State.STOPPED


def _cost(m: Machine, now: datetime) -> str:
    hourly = hourly_now(m)
    if not m.has_something or hourly is None:
        return ", and costs nothing now"
    if m.state is State.STOPPED or m.instance is None:
        return f", and its disk costs {words.kept_daily(m)} a day"
    return f", costs {words.hourly(hourly)} and has cost {words.spent(m, now)} so far"


def _end(m: Machine) -> Block:
    return button(f"End {m.name}", "end", of_lease(m), DANGER)


def _keep(m: Machine, label: str = "Keep it") -> Block:
    return button(label, "keep", m.id)
