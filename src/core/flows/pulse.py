"""The clock's own mark in the ledger: each run that comes to its end writes when that was."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from core import doctor
from core.faults import CloudError
from core.flows.house import House
from core.flows.watch import Watch, in_time
from core.model import Pulse
from core.ports import StaleRow, UnreadableRow

KEY = "clock"
MOST_CODES = 10


def beat(watch: Watch, failed: Iterable[Exception], woke: datetime | None) -> None:
    """Write that a run has come to its end, and what failed in it; `woke`: for which moment it has
    put all that was due on the queue, None where it has not."""
    codes = sorted({_code(error) for error in failed})[:MOST_CODES]
    seen = watch.ledger.row(Pulse, KEY)
    row = seen or Pulse(at=watch.clock())
    try:
        watch.ledger.save_row(
            replace(row, at=watch.clock(), failed=tuple(codes), woke=woke or row.woke), seen
        )
    except StaleRow:
        return  # another run has ended at the same moment


def woke(watch: Watch) -> datetime | None:
    """For which moment all that was due was last put on the queue; None where nobody can say."""
    row = in_time(watch, partial(watch.ledger.row, Pulse, KEY), "the clock's mark")
    return row.woke if isinstance(row, Pulse) else None


def _code(error: Exception) -> str:
    return error.fault.code if isinstance(error, CloudError) else type(error).__name__


def silent_since(house: House) -> datetime | None:
    """Since when the clock stands still; None where it does not, or where nobody knows."""
    try:
        pulse = house.ledger.row(Pulse, KEY)
    except UnreadableRow:
        return None
    return pulse.at if pulse and doctor.is_silent(pulse, house.clock()) else None
