"""Every minute: wake what is due, and hold EC2's own tags against the ledger in every region."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from core.faults import CloudError
from core.model import Machine, Policy
from core.ports import Cloud, Ledger, Tagged, UnreadableRow, Wakes
from core.reconcile import Action, Swept
from core.reconcile import sweep as decide


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What the clock is given: it neither speaks to Slack nor launches anything."""

    cloud: Cloud
    ledger: Ledger
    wakes: Wakes
    policy: Policy
    clock: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one sweep did, and what it could not do; the latter is for the log and the alarm."""

    done: tuple[Swept, ...]
    failed: tuple[Exception, ...]


def wake_due(watch: Watch) -> int:
    """Put everything whose time has come on the queue; how many."""
    keys = watch.ledger.due(watch.clock())
    for key in keys:
        watch.wakes.wake(f"due/{key}")
    return len(keys)


def sweep(watch: Watch) -> Report:
    """Stop what outlived its deadline, whatever the ledger says; what was done and why.

    No failure keeps the others from being swept: a region or a row that cannot be read, an instance
    that EC2 will not stop. From a region that cannot be read nothing is concluded.
    """
    done: list[Swept] = []
    failed: list[Exception] = []
    for region in watch.policy.regions:
        try:
            tagged = watch.cloud.tagged(region)
        except CloudError as error:
            failed.append(error)
            continue
        for swept in _decided(watch, tagged, failed):
            try:
                _carry_out(watch, swept)
                done.append(swept)
            except CloudError as error:
                failed.append(error)
    return Report(done=tuple(done), failed=tuple(failed))


def _decided(watch: Watch, tagged: tuple[Tagged, ...], failed: list[Exception]) -> Iterator[Swept]:
    found: list[tuple[Tagged, Machine | None]] = []
    unread: list[Tagged] = []
    for one in tagged:
        try:
            found.append((one, watch.ledger.machine(one.machine)))
        except (CloudError, UnreadableRow) as error:
            unread.append(one)
            failed.append(error)
    yield from decide(tuple(found), watch.clock(), tuple(unread))


def _carry_out(watch: Watch, swept: Swept) -> None:
    instance = swept.tagged.instance
    match swept.action:
        case Action.STOP:
            watch.cloud.stop(instance.region, instance.id)
        case Action.TERMINATE:
            watch.cloud.terminate(instance.region, instance.id)
        case Action.WAKE:
            pass
    watch.wakes.wake(f"machine/{swept.tagged.machine}")
