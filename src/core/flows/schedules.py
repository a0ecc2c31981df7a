"""Hours at which a machine starts and stops by itself.

The schedule only starts it, with a lease until its stop time: the lease stops it, as always.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from core import commands, hours, messages, policy
from core.flows import order
from core.flows.find import find, touchable
from core.flows.house import House, rewrite
from core.flows.request import Asked, Click, Request
from core.flows.speak import answer
from core.model import FINAL, Desire, Machine, Schedule
from core.times import Hours

_MOST_HEARD = 5


def show(house: House, request: Request) -> None:
    """The caller's schedules."""
    rows = ((m, house.ledger.row(Schedule, m.id)) for m in house.ledger.of_owner(request.user))
    found = tuple((m, row) for m, row in rows if row is not None)
    answer(house, request.response_url, messages.schedules(found, house.clock()))


def change(house: House, request: Request, wanted: commands.ScheduleSet) -> None:
    """Give a machine hours, or take them away."""
    m = find(house, request, wanted.name, "schedule", _lives)
    if m is None:
        return None
    if not _lives(m):
        return answer(house, request.response_url, messages.already(m))
    seen = house.ledger.row(Schedule, m.id)
    if wanted.hours is not None:
        return _give(house, request, m, wanted.hours, seen)
    if not _is_latest(house, m, request):
        return order.too_late(house, m, request)
    if seen is not None:
        house.ledger.drop_row(seen)
    return answer(house, request.response_url, messages.schedule_off(m))


def _overtaken(m: Machine, asked: Asked) -> bool:
    return asked.at is not None and m.hours_at is not None and asked.at < m.hours_at


def _is_latest(house: House, m: Machine, asked: Asked) -> bool:
    """Whether no later word about its hours is known. The machine remembers this one, for `off`
    drops their own row: what was typed before and is delivered once more would start it again.

    Written before the hours are: a delivery that dies in between is no later word to its next one.
    """

    def told(row: Machine) -> Machine:
        late = asked.at is None or _overtaken(row, asked) or row.hours_at == asked.at
        return row if late else replace(row, hours_at=asked.at)

    return not _overtaken(rewrite(house, m.id, told), asked)


def _lives(m: Machine) -> bool:
    return m.state not in FINAL and m.desire is not Desire.GONE


def _give(house: House, request: Request, m: Machine, wanted: Hours, seen: Schedule | None) -> None:
    now = house.clock()
    if not m.can_stop:
        return answer(house, request.response_url, messages.schedule_wont_do(m))
    row = Schedule(
        machine=m.id,
        owner=m.owner,
        days=wanted.days,
        starts=wanted.starts,
        stops=wanted.stops,
        tz=house.chat.person(request.user).tz,
        version=seen.version if seen else 0,
        heard=(request.id,),
    )
    # Hours that run already as it is made start nothing: nobody has asked for that.
    row = replace(row, started=hours.begun(row, now))
    one = hours.following(row, now)
    length = one.stops - one.starts if one else None
    denied = policy.lease_for(length, None, m.owner, house.policy, now)
    if isinstance(denied, policy.Denied):
        return answer(house, request.response_url, messages.denied(denied))
    row = replace(row, due_at=hours.next_look(row, now))
    if not _is_latest(house, m, request):
        return order.too_late(house, m, request)
    if seen is None or request.id not in seen.heard:
        row = house.ledger.save_row(row, seen)
    return answer(house, request.response_url, messages.schedule_set(m, row, now))


# ---- one day less ---------------------------------------------------------------------------


def skip(house: House, request: Request, wanted: commands.ScheduleSkip) -> None:
    """The next start does not happen."""
    m = find(house, request, wanted.name, "schedule", _lives)
    if m is None:
        return None
    if _overtaken(m, request):
        return order.too_late(house, m, request)
    row = house.ledger.row(Schedule, m.id)
    if row is not None and request.id in row.heard and row.skipped:
        said = messages.schedule_skipped(m, row.skipped[-1], row, house.clock())
        return answer(house, request.response_url, said)
    one = hours.following(row, house.clock()) if row else None
    if row is None or one is None:
        return answer(house, request.response_url, messages.not_scheduled(m))
    return _skip(house, request, m, row, one.day)


def skip_click(house: House, click: Click) -> None:
    """The button fits one day, so that pressing it twice skips one."""
    _of_day(house, click, _skip)


def undo_click(house: House, click: Click) -> None:
    """It starts that day after all, if that is to come."""
    _of_day(house, click, _undo)


def _of_day(
    house: House, click: Click, act: Callable[[House, Asked, Machine, Schedule, date], None]
) -> None:
    id, _, said = click.value.partition(":")
    m = touchable(house, click, id)
    if m is None:
        return None
    row, day = house.ledger.row(Schedule, m.id), _date(said)
    if row is None or day is None:
        return answer(house, click.response_url, messages.not_scheduled(m))
    return act(house, click, m, row, day)


def _date(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


def _skip(house: House, asked: Asked, m: Machine, row: Schedule, day: date) -> None:
    now = house.clock()
    if row.started is not None and day <= row.started:
        return answer(house, asked.response_url, messages.start_came(m))
    if day not in row.skipped:
        if asked.id in row.heard:  # and taken back since
            return answer(house, asked.response_url, messages.schedule_unskipped(m, row, now))
        row = _saved(house, replace(row, skipped=(*hours.recent(row, now), day)), row, asked)
    return answer(house, asked.response_url, messages.schedule_skipped(m, day, row, now))


def _undo(house: House, asked: Asked, m: Machine, row: Schedule, day: date) -> None:
    now = house.clock()
    if day in row.skipped:
        if asked.id in row.heard:  # and skipped again since
            return answer(house, asked.response_url, messages.schedule_skipped(m, day, row, now))
        left = tuple(one for one in row.skipped if one != day)
        row = _saved(house, replace(row, skipped=left), row, asked)
    return answer(house, asked.response_url, messages.schedule_unskipped(m, row, now))


def _saved(house: House, new: Schedule, seen: Schedule, asked: Asked) -> Schedule:
    heard = (*seen.heard, asked.id)[-_MOST_HEARD:]
    due = hours.next_look(new, house.clock())
    return house.ledger.save_row(replace(new, heard=heard, due_at=due), seen)
