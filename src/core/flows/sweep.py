"""Every minute: wake what is due, and hold EC2's own tags against the ledger in every region."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.faults import CloudError
from core.model import Machine, Policy
from core.ports import Cloud, Ledger, Tagged, Wakes
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


def wake_due(watch: Watch) -> int:
    """Put everything whose time has come on the queue; how many."""
    keys = watch.ledger.due(watch.clock())
    for key in keys:
        watch.wakes.wake(f"due/{key}")
    return len(keys)


def sweep(watch: Watch) -> tuple[Swept, ...]:
    """Stop what outlived its deadline, whatever the ledger says; what was done and why.

    A region that cannot be read is no reason to conclude anything: its error is raised after the
    other regions have been swept, so that the alarm sees it.
    """
    done: list[Swept] = []
    failed: CloudError | None = None
    for region in watch.policy.regions:
        try:
            found = tuple((t, _row(watch, t)) for t in watch.cloud.tagged(region))
            for swept in decide(found, watch.clock()):
                _carry_out(watch, swept)
                done.append(swept)
        except CloudError as error:
            failed = error
    if failed is not None:
        raise failed
    return tuple(done)


def _row(watch: Watch, tagged: Tagged) -> Machine | None:
    return watch.ledger.machine(tagged.machine)


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
