"""What a request that comes late may still do: after an outage, or sent back from the dead letters.

Pure. What starts or changes something is not done any more. A stop or an end is, of a machine about
which nobody has decided anything since it was asked for. Nothing that comes again, however soon,
means a machine that was asked for after it: its name may have been another's before.
"""

from datetime import datetime, timedelta

from core.lifecycle import LAUNCH_WITHIN
from core.model import Machine

ANSWERED_BY_URL = timedelta(minutes=29)  # Slack takes answers at a response_url for thirty


def is_late(at: datetime | None, now: datetime) -> bool:
    """Whether what was asked for at `at` may surprise now."""
    return at is not None and now - at > LAUNCH_WITHIN


def is_before(at: datetime | None, made_at: datetime) -> bool:
    """Whether what was asked for at `at` came to the door before the thing was made: a "yes" that
    is delivered again was said of another one of that name."""
    return at is not None and at < made_at


def is_older(at: datetime | None, m: Machine) -> bool:
    """Whether what was asked for at `at` came to the door before the machine's own launch did.

    Not its row: a launch behind a slow queue opens that after the end that was typed next.
    """
    return m.asked_at is not None and is_before(at, m.asked_at)


def is_meant(m: Machine, at: datetime | None, now: datetime) -> bool:
    """Whether a stop or an end of `at` can mean this machine as it is now: not one that was made,
    started again or extended since."""
    if is_older(at, m):
        return False
    if at is None or not is_late(at, now):
        return True
    decided = m.created_at if m.lease is None or m.lease.version == 1 else m.lease.started_at
    return decided <= at
