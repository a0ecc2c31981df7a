"""Every minute: wake what is due, and hold EC2's own tags against the ledger in every region."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

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
    keys = (
        *(f"due/{key}" for key in watch.ledger.due(watch.clock())),
        *_strays_due(watch),
        *_budgets_due(watch),
        *_invoices_due(watch),
    )
    for key in keys:
        watch.wakes.wake(key)
    return len(keys)


def _strays_due(watch: Watch) -> tuple[str, ...]:
    """Once an hour each region is looked over for things that no machine owns, one after another:
    by the Slack function, for this one may delete nothing but instances."""
    minute = watch.clock().minute
    regions = enumerate(watch.policy.regions)
    return tuple(f"strays/{name}" for number, name in regions if minute == 7 + number * 2 % 50)


def _budgets_due(watch: Watch) -> tuple[str, ...]:
    """Every five minutes what was spent is held against the budgets."""
    return ("budgets/now",) if watch.clock().minute % 5 == 3 else ()


def _invoices_due(watch: Watch) -> tuple[str, ...]:
    """Once an hour it is asked whether AWS's own bill was read today."""
    return ("invoices/days",) if watch.clock().minute == 41 else ()


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
        decided = sorted(_decided(watch, tagged, failed), key=_whose)
        for (id, action), of_it in groupby(decided, key=_whose):
            some = tuple(of_it)
            try:
                _carry_out(watch, region, id, action, some)
                done += some
            except CloudError as error:
                failed.append(error)
    return Report(done=tuple(done), failed=tuple(failed))


def _decided(watch: Watch, tagged: tuple[Tagged, ...], failed: list[Exception]) -> Iterator[Swept]:
    found: list[tuple[Tagged, Machine | None]] = []
    unread: list[Tagged] = []
    for id, of_it in groupby(sorted(tagged, key=_machine), key=_machine):
        instances = tuple(of_it)
        try:
            machine = watch.ledger.machine(id)
        except (CloudError, UnreadableRow) as error:
            unread += instances
            failed.append(error)
        else:
            found += [(one, machine) for one in instances]
    yield from decide(tuple(found), watch.clock(), tuple(unread))


def _machine(tagged: Tagged) -> str:
    return tagged.machine


def _whose(swept: Swept) -> tuple[str, Action]:
    return swept.tagged.machine, swept.action


def _carry_out(
    watch: Watch, region: str, machine: str, action: Action, some: tuple[Swept, ...]
) -> None:
    """One call for all the instances of a machine."""
    ids = [one.tagged.instance.id for one in some]
    match action:
        case Action.STOP:
            watch.cloud.stop(region, *ids)
        case Action.TERMINATE:
            watch.cloud.terminate(region, *ids)
        case Action.WAKE:
            pass
    watch.wakes.wake(f"machine/{machine}")
