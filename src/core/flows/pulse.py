"""The clock's own mark in the ledger: each run that comes to its end writes when that was."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core import doctor
from core.faults import CloudError
from core.flows.house import House
from core.flows.watch import Watch
from core.model import Pulse
from core.ports import StaleRow, UnreadableRow

KEY = "clock"
MOST_CODES = 10


def beat(watch: Watch, failed: Iterable[Exception]) -> None:
    """Write that a run has come to its end, and what failed in it."""
    codes = sorted({_code(error) for error in failed})[:MOST_CODES]
    seen = watch.ledger.row(Pulse, KEY)
    row = seen or Pulse(at=watch.clock())
    try:
        watch.ledger.save_row(replace(row, at=watch.clock(), failed=tuple(codes)), seen)
    except StaleRow:
        return  # another run has ended at the same moment


def _code(error: Exception) -> str:
    return error.fault.code if isinstance(error, CloudError) else type(error).__name__


def silent_since(house: House) -> datetime | None:
    """Since when the clock stands still; None where it does not, or where nobody knows."""
    try:
        pulse = house.ledger.row(Pulse, KEY)
    except UnreadableRow:
        return None
    return pulse.at if pulse and doctor.is_silent(pulse, house.clock()) else None
