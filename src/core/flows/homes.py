"""Notes whose Home tab has to be drawn anew: what happens within a few seconds is drawn once.

Nothing is said to Slack here, so that no step waits for it or fails with it.
"""

from dataclasses import replace
from datetime import timedelta

from core.flows.house import House
from core.model import HomeTab, Machine
from core.ports import StaleRow

SOON = timedelta(seconds=4)


def changed(house: House, m: Machine) -> None:
    """What stands on its card has changed: its owner and the admins see it, if they ever looked."""
    for user in sorted({m.owner} | house.policy.admins):
        row = house.ledger.row(HomeTab, user)
        if row is not None:
            _soon(house, row)


def _soon(house: House, row: HomeTab) -> None:
    due = house.clock() + SOON
    if row.due_at is not None and row.due_at <= due:
        return
    try:
        house.ledger.save_row(replace(row, due_at=due), row)
    except StaleRow:
        return  # whoever wrote it draws it, or has just noted that it is to be drawn
    house.wakes.wake(f"due/home-tab/{row.user}", SOON)
