"""What is asked before something is lost: object, consequence and cost, then two buttons."""

from datetime import datetime
from decimal import Decimal

from core import price
from core.blocks import Block, Message, actions, button, message, section
from core.messages import words
from core.messages.buttons import DANGER
from core.model import Machine, State


def stop_question(m: Machine, now: datetime) -> Message:
    """A spot machine cannot be stopped: it ends, and its disk goes."""
    return message(
        section(
            f"{words.name(m)} is a spot machine, which cannot be stopped: it ends, and its "
            f"{words.disk_gb(m)} GB disk is deleted with everything on it. It is {words.state(m)}"
            f"{_cost(m, now)}."
        ),
        actions(_end(m), _keep(m)),
    )


def end_question(m: Machine, now: datetime) -> Message:
    """Asked when the machine was not named."""
    disk = f" and its {words.disk_gb(m)} GB disk is deleted with everything on it"
    lost = disk if m.instance else ""
    return message(
        section(
            f"{words.name(m)} ends for good{lost}. It is {words.state(m)}{_cost(m, now)}. "
            "This cannot be undone."
        ),
        actions(_end(m), _keep(m)),
    )


def stop_all_question(machines: tuple[Machine, ...], now: datetime) -> Message:
    """Which ones stop and keep their disks, which ones end and lose them."""
    stops = tuple(m for m in machines if m.can_stop and m.instance)
    ends = tuple(m for m in machines if not m.can_stop and m.instance)
    dropped = tuple(m for m in machines if m.instance is None)
    lines = [f"Stop all {len(machines)} of your machines?"]
    if stops:
        daily = sum((price.stopped_daily(words.disk_gb(m)) for m in stops), Decimal(0))
        lines.append(
            f"• {words.names(stops)}: stopped; the disks are kept, {words.money(daily)} a day"
        )
    if ends:
        lines.append(f"• {words.names(ends)}: spot, so ended; the disks are deleted")
    if dropped:
        lines.append(f"• {words.names(dropped)}: not launched yet, so given up")
    lines.append(_all_cost(machines, now))
    label = "Stop it" if len(machines) == 1 else f"Stop all {len(machines)}"
    everything = button(label, "stop-all", machines[0].owner, DANGER)
    return message(section("\n".join(lines)), actions(everything, _keep(machines[0], "Keep them")))


def _all_cost(machines: tuple[Machine, ...], now: datetime) -> str:
    each = sum((m.hourly or Decimal(0) for m in machines if m.instance), Decimal(0))
    so_far = sum((price.spent(m.runs, now) for m in machines), Decimal(0))
    return f"They cost {words.hourly(each)} now, and {words.money(so_far)} so far."


def _cost(m: Machine, now: datetime) -> str:
    if m.instance is None or m.hourly is None:
        return ", and costs nothing now"
    if m.state is State.STOPPED:
        return f", and its disk costs {words.kept_daily(m)} a day"
    return f", costs {words.hourly(m.hourly)} and has cost {words.spent(m, now)} so far"


def _end(m: Machine) -> Block:
    return button(f"End {m.name}", "end", m.id, DANGER)


def _keep(m: Machine, label: str = "Keep it") -> Block:
    return button(label, "keep", m.id)
