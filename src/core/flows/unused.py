"""What is known of a machine's use, and whether it is unused still when it is to stop."""

from dataclasses import replace
from datetime import datetime, timedelta

from core import idle
from core import lifecycle as life
from core.beats import Report
from core.flows import usage
from core.flows.house import MOST_RACES, House
from core.model import FINAL, Cause, Machine, Usage
from core.ports import StaleRow

LOOK_OVER = timedelta(hours=25)  # a row of an instance that is gone is dropped after that


def usages(house: House, m: Machine) -> tuple[Usage, ...]:
    """What its instances have told, of those that have told anything."""
    rows = (usage.told_by(house, instance.id) for instance in m.instances)
    return tuple(row for row in rows if row is not None)


def remember(house: House, m: Machine, report: Report, received: datetime) -> None:
    """Write down what a report adds. After eight lost races the last StaleRow is raised."""
    lost: StaleRow | None = None
    for _ in range(MOST_RACES):
        seen = house.ledger.row(Usage, report.instance)
        known = seen or Usage(instance=report.instance, machine=m.id)
        new = idle.heard(known, report, received, due_at=received + LOOK_OVER)
        if new is known:
            return
        try:
            house.ledger.save_row(new, seen)
        except StaleRow as stale:
            lost = stale
        else:
            return
    assert lost is not None
    raise lost


def confirm(house: House, m: Machine) -> Machine:
    """Stop it if it is known to be unused up to now; wait for the last reports; else let it run.

    Nothing is stopped that nobody was asked about: while Slack is away the question waits, and the
    stop with it.
    """
    now, told = house.clock(), usages(house, m)
    if life.waits_for_question(m):
        return m
    match idle.verdict(m, told, now):
        case idle.Verdict.STOP:
            return house.ledger.save(life.unwanted(m, now, Cause.IDLE, None), m)
        case idle.Verdict.WAIT:
            return m
        case idle.Verdict.SPARE:
            return house.ledger.save(life.spared(m, now, why(m, told, now)), m)


def why(m: Machine, told: tuple[Usage, ...], now: datetime) -> str:
    """Why it is not unused: it is known to be used, or nothing certain is known."""
    return life.USED if idle.is_used(m, told, now) else life.UNKNOWN


def forget(house: House, instance: str) -> None:
    """Drop the row of an instance that is no machine's any more."""
    row, now = house.ledger.row(Usage, instance), house.clock()
    if row is None or row.due_at is None or row.due_at > now:
        return
    m = house.ledger.machine(row.machine)
    try:
        if m is None or m.state in FINAL or instance not in {one.id for one in m.instances}:
            house.ledger.drop_row(row)
        else:
            house.ledger.save_row(replace(row, due_at=now + LOOK_OVER), row)
    except StaleRow:
        return  # it has just reported, and is due anew
