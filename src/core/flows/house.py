"""What every flow is given: the ports, the policy and the clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from core.model import Machine, Policy
from core.ports import (
    Chat,
    Cloud,
    Commands,
    Disks,
    Images,
    Invoices,
    Ledger,
    Links,
    OwnImages,
    Prices,
    PublicKeys,
    Quotas,
    Reasons,
    StaleRow,
    Trials,
    Wakes,
    Watchers,
)

MOST_RACES = 8
T = TypeVar("T")


def _uncounted(name: str) -> None:
    """Where nobody watches from outside."""


class Together(Protocol):
    """Carries out looks that do not wait for each other; None for one that took too long."""

    def __call__(self, looks: Sequence[Callable[[], T]]) -> tuple[T | None, ...]: ...


def one_by_one(looks: Sequence[Callable[[], T]]) -> tuple[T | None, ...]:
    """Each after the other, however long it takes."""
    return tuple(look() for look in looks)


@dataclass(frozen=True, kw_only=True)
class House:
    """The ports a flow works through. `clock` gives aware UTC."""

    cloud: Cloud
    images: Images
    own_images: OwnImages
    disks: Disks
    quotas: Quotas
    prices: Prices
    invoices: Invoices
    reasons: Reasons
    public_keys: PublicKeys
    commands: Commands
    links: Links
    chat: Chat
    ledger: Ledger
    wakes: Wakes
    trials: Trials
    watchers: Watchers
    policy: Policy
    clock: Callable[[], datetime]
    count: Callable[[str], None] = _uncounted  # one more of a metric that an alarm watches
    together: Together = one_by_one
    deployed: Policy | None = None  # the template's own, once `policy` is the one in force


def rewrite(house: House, id: str, change: Callable[[Machine], Machine]) -> Machine:
    """A person's decision, written whoever else writes the row: read, decide, write, read again.

    `change` sees the newest row each time and gives back the same object to leave it alone. The row
    is due at once, so that the clock brings somebody even if whoever decided dies right after.
    After eight lost races in a row the last StaleRow is raised, and the queue delivers again.
    """
    lost: StaleRow | None = None
    for _ in range(MOST_RACES):
        seen = house.ledger.machine(id)
        assert seen is not None, id
        wanted = change(seen)
        if wanted is seen:
            return seen
        try:
            return house.ledger.save(replace(wanted, due_at=house.clock()), seen)
        except StaleRow as stale:
            lost = stale
    assert lost is not None
    raise lost


def machine_key(m: Machine) -> str:
    """The machine's key in the due index and on the queue."""
    return f"machine/{m.id}"
