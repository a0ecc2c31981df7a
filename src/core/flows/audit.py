"""The audit trail: who did what, when, with which answer."""

from datetime import timedelta

from core import commands, messages, periods
from core.files import Cell, File, table
from core.flows import sending
from core.flows.cost import called
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer
from core.model import Deed
from core.periods import Period

MOST_NAMES = 50  # people whom Slack is asked about for one file
_HEADER = ["at", "who", "name", "did", "machine", "channel", "answer"]
_MOMENT = timedelta(seconds=1)


def show(house: House, request: Request, wanted: commands.Audit) -> None:
    """What was done in a stretch of time, the newest first, or a file of it.

    Everybody reads their own lines; admins everybody's, and what the bot did by itself.
    """
    admin = request.user in house.policy.admins
    if wanted.user not in (None, request.user) and not admin:
        return answer(house, request.response_url, messages.audit_of_others())
    whose = wanted.user if admin else request.user
    period = periods.period(wanted.period, house.clock())
    lines = house.ledger.deeds(period.since, period.until + _MOMENT)
    newest = tuple(one for one in reversed(lines) if _fits(one, whose, wanted.machine))
    if wanted.csv:
        return sending.send(house, request, _file(house, newest, period))
    return answer(house, request.response_url, messages.audit(newest, period, whose))


def _fits(deed: Deed, whose: str | None, machine: str | None) -> bool:
    same = machine is None or deed.machine.lower() == machine.lower()
    return same and whose in (None, deed.who)


def _file(house: House, lines: tuple[Deed, ...], period: Period) -> File:
    people = sorted({one.who for one in lines if one.who != messages.BOT})[:MOST_NAMES]
    names = called(house, people)
    rows = [_row(one, names.get(one.who, one.who)) for one in lines]
    return File(
        name=f"gpu-audit-{period.since:%Y-%m-%d}.csv",
        title=f"Who did what {period.name}",
        text=table(_HEADER, rows),
        said=messages.file_of_deeds(period, len(rows)),
    )


def _row(deed: Deed, name: str) -> tuple[Cell, ...]:
    return (deed.at, deed.who, name, deed.did, deed.machine, deed.channel, deed.answer)
