"""How much machines are used: in a few words, as small bars and as a chart."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from core.blocks import Block, code, line_chart, section
from core.graphs import Slot, graph, latest
from core.messages.prices import sparkline
from core.model import Machine, Usage

Used = Mapping[str, tuple[Usage, ...]]  # by the machine's id, a row for each instance
_FULL = Decimal(100)


def now_used(m: Machine, used: Used, now: datetime) -> str:
    """`GPU 87 %, CPU 12 %`; of a group its busiest instance; "" where nothing fresh is known."""
    slot = latest(used.get(m.id, ()), now)
    if slot is None or (slot.gpu, slot.cpu) == (None, None):
        return ""
    most = "up to " if m.is_group else ""
    said = (("GPU", slot.gpu), ("CPU", slot.cpu))
    return ", ".join(f"{name} {most}{value} %" for name, value in said if value is not None)


def line(m: Machine, used: Used, now: datetime) -> str:
    """GPU of the last hours as bars, with what it is now; "" where nothing is known."""
    slots = graph(used.get(m.id, ()), now)
    if not slots:
        return ""
    last = now_used(m, used, now)
    return f"GPU {_bars(slots, 'gpu')}{f' now {last}' if last else ' no fresh report'}"


def drawn(m: Machine, used: Used, now: datetime) -> tuple[Block, ...]:
    """Words and bars of the last hours, and the same as a chart; nothing where nothing is known."""
    slots = graph(used.get(m.id, ()), now)
    if not slots:
        return ()
    return (section("\n".join(_words(m, slots, used, now))), *_chart(m, slots))


def _words(m: Machine, slots: tuple[Slot, ...], used: Used, now: datetime) -> Iterator[str]:
    of_it = ", its busiest instance" if m.is_group else ""
    yield f"*Use since {slots[0].since:%H:%M} UTC*, a bar for each 15 minutes{of_it}"
    for name, key in (("GPU", "gpu"), ("CPU", "cpu")):
        values = [value for slot in slots if (value := _value(slot, key)) is not None]
        if values:
            yield f"• {name} {_bars(slots, key)} from {min(values)} % to {max(values)} %"
        else:
            yield f"• {name}: not measured"
    last = now_used(m, used, now)
    yield f"Now: {last}." if last else "No report in the last minutes; it counts as busy."


def _value(slot: Slot, key: str) -> int | None:
    return slot.gpu if key == "gpu" else slot.cpu


def _bars(slots: tuple[Slot, ...], key: str) -> str:
    """Between nothing and all of it, whatever lies between; a dot where nothing is known."""
    values = [_value(slot, key) for slot in slots]
    scale = (Decimal(0), _FULL)
    return code(sparkline((*scale, *(None if v is None else Decimal(v) for v in values)))[2:])


def _chart(m: Machine, slots: tuple[Slot, ...]) -> tuple[Block, ...]:
    """Of what was measured all the time: a chart wants a value everywhere, and none is made up."""
    series = []
    for name, key in (("GPU", "gpu"), ("CPU", "cpu")):
        values = [value for slot in slots if (value := _value(slot, key)) is not None]
        if len(values) == len(slots):
            series.append((name, [Decimal(value) for value in values]))
    if not series or len(slots) < 2:
        return ()
    labels = [f"{slot.since:%H:%M}" for slot in slots]
    return (line_chart(f"Use of {m.name}", labels, series, x_label="UTC", y_label="per cent"),)
