"""Stop, end and extend: a decision is written first, then the step carries it out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from core import commands, gate, late, messages, policy
from core import lifecycle as life
from core.budgets import Broken
from core.flows import order, purse, shelf, trail
from core.flows.again import heard_before
from core.flows.find import find, touchable
from core.flows.house import House, rewrite
from core.flows.request import Asked, Click, Request
from core.flows.speak import answer
from core.flows.step import step
from core.lifecycle import NotExtended
from core.model import ALIVE, FINAL, UNBOUGHT, Cause, Desire, Machine, State
from core.times import read_moment

_STOPPABLE = ALIVE | UNBOUGHT | {State.LAUNCHING, State.STOPPED}


def stop(house: House, request: Request, wanted: commands.Stop) -> None:
    """Stop one machine; one that cannot be stopped is ended, and the question says so first."""
    if wanted.everything:
        return _stop_all(house, request, sure=wanted.sure)
    if heard_before(house, request):
        return None
    m = find(house, request, wanted.name, "stop", _stoppable)
    if m is None or _not_meant(house, m, request):
        return None
    if order.overtaken(m, request):
        return order.too_late(house, m, request)
    if not _stoppable(m):
        return order.nothing_to_do(house, m, request)
    if m.state in ALIVE and not m.can_stop and not wanted.sure:
        return answer(house, request.response_url, messages.stop_question(m, house.clock()))
    return _unwant(house, m, request)


def _not_meant(house: House, m: Machine, asked: Asked) -> bool:
    """Whether it came so late that another machine was meant; then that was said."""
    if late.is_meant(m, asked.at, house.clock()):
        return False
    assert asked.at is not None
    answer(house, asked.response_url, messages.too_late(asked.at, trail.words_of(asked)))
    return True


def _stoppable(m: Machine) -> bool:
    """A stopped one too, while it is to be started; and one that EC2 took and that comes back."""
    if m.state is State.STOPPING and life.was_taken(m):
        return True
    return m.state in _STOPPABLE and m.desire is Desire.RUN


def _unwant(house: House, m: Machine, asked: Asked, *, end: bool = False) -> None:
    m = rewrite(house, m.id, lambda row: _unwanted(house, row, asked, end=end))
    if not end and order.overtaken(m, asked):
        return order.too_late(house, m, asked)
    step(house, m.id)
    said = messages.ending(m) if m.desire is Desire.GONE else messages.stopping(m)
    return answer(house, asked.response_url, said)


def _unwanted(house: House, row: Machine, asked: Asked, *, end: bool = False) -> Machine:
    if asked.id in row.heard or (not end and order.overtaken(row, asked)):
        return row
    to = life.unwanted(row, house.clock(), Cause.PERSON, asked.user, end=end)
    return row if to is row else order.decided(life.heard(to, asked.id), asked)


def _stop_all(
    house: House, asked: Asked, *, sure: bool, named: frozenset[str] | None = None
) -> None:
    """`named`: of which machines, and how they were then, the question has said what is lost."""
    # What a first delivery has stopped already is among them: the rest of it is done now.
    now = house.clock()
    everything = house.ledger.of_owner(asked.user)
    owned = tuple(m for m in everything if late.is_meant(m, asked.at, now))
    open_ = (m for m in owned if _stoppable(m) or asked.id in m.heard)
    mine = tuple(m for m in open_ if asked.id in m.heard or not order.overtaken(m, asked))
    if not mine:
        newer = tuple(m for m in everything if _stoppable(m) and late.is_older(asked.at, m))
        said = messages.launched_since(newer) if newer else messages.nothing_to_stop()
        return answer(house, asked.response_url, said)
    if not sure:
        return answer(house, asked.response_url, messages.stop_all_question(mine, now))
    since = tuple(m for m in mine if not _was_named(m, asked, named))
    meant = tuple(m for m in mine if m not in since)
    decided = [rewrite(house, m.id, lambda row: _unwanted(house, row, asked)) for m in meant]
    for m in decided:
        step(house, m.id)
    if decided:
        answer(house, asked.response_url, messages.stopping_all(tuple(decided)))
    if since:
        answer(house, asked.response_url, messages.stop_all_question(since, now, since=True))
    return None


def _was_named(m: Machine, asked: Asked, named: frozenset[str] | None) -> bool:
    return named is None or asked.id in m.heard or messages.as_asked(m) in named


def end(house: House, request: Request, wanted: commands.End) -> None:
    """Terminate a machine and remove what it left. Without its name this is asked first."""
    if heard_before(house, request):
        return None
    m = find(house, request, wanted.name, "end", lambda m: m.desire is not Desire.GONE)
    if m is None or _not_meant(house, m, request):
        return None
    if m.state in FINAL or m.desire is Desire.GONE:
        return answer(house, request.response_url, messages.already(m))
    if wanted.name is None:
        return answer(house, request.response_url, messages.end_question(m, house.clock()))
    return _unwant(house, m, request, end=True)


def extend(house: House, request: Request, wanted: commands.Extend) -> None:
    """Move a deadline, by a length or to a time of day; the answer shows the new cost."""
    if heard_before(house, request):
        return None
    m = find(house, request, wanted.name, "extend", lambda m: m.state in ALIVE)
    if m is None:
        return None
    target = None
    if wanted.until is not None:
        person = house.chat.person(request.user)
        target = commands.resolve(wanted.until, request.at or house.clock(), person.tz)
    if _lies(m):
        return shelf.lengthen(house, m, request, wanted.length, target)
    to: Callable[[Machine], datetime | None]
    if target is not None:
        to = lambda _: target  # noqa: E731 - two ways to name one moment
    else:
        to = lambda row: _later(row, wanted.length)  # noqa: E731 - see above
    return _extend(house, m, request, to)


def lengthened(house: House, m: Machine, id: str, until: datetime) -> policy.Denied | None:
    """By its schedule: let it run until then, or as far as its lease goes; never shorter."""
    if id in m.heard or m.lease is None:
        return None
    to = min(until, m.lease.hard)
    over = _over(house, m, to, m.owner)
    if over:
        said = " ".join(one.words for one in over)
        return policy.Denied(rule="budget", what=f"{said} Its lease stays (rule `budget`).")

    def change(row: Machine) -> Machine:
        new = life.extended(row, house.clock(), to, "its schedule")
        if isinstance(new, NotExtended) or id in row.heard:
            return row
        # Where the hours go on after that, the same id is to start it again then.
        return life.heard(new, id) if to == until else new

    step(house, rewrite(house, m.id, change).id)
    return None


def _over(house: House, m: Machine, to: datetime, user: str) -> tuple[Broken, ...]:
    """Which budgets the longer lease would pass, and what else; what it may cost is set aside
    otherwise. Where its bound alone stands against it, that is told with the lease."""
    hourly = life.hourly_now(m)
    if hourly is None or m.lease is None or to <= m.lease.deadline:
        return ()
    longer = gate.beyond(m, to, user, house.policy)
    if not longer:
        return purse.claim(house, m, hourly=hourly, until=to)
    blocked = any(one.final for one in longer)
    over = () if blocked else purse.stands(house, m, hourly=hourly, until=to)
    return (*longer, *over) if over else ()


def _lies(m: Machine) -> bool:
    return m.state is State.STOPPED and m.desire is Desire.STOP


def _later(m: Machine, length: timedelta | None) -> datetime | None:
    step_by = length or life.extension(m)
    if m.lease is None or step_by is None:
        return None
    return m.lease.deadline + step_by


def _extend(
    house: House,
    m: Machine,
    asked: Asked,
    to: Callable[[Machine], datetime | None],
) -> None:
    refusal: list[NotExtended] = []
    wanted: list[datetime] = []
    first = to(m)
    heard = asked.id in m.heard
    over = () if first is None or heard else _over(house, m, first, asked.user)
    if over:
        may_ask = None if any(one.final for one in over) else first
        said = messages.over_limit(m, may_ask, " ".join(one.words for one in over))
        return answer(house, asked.response_url, said)

    def change(row: Machine) -> Machine:
        refusal.clear()
        if asked.id in row.heard:
            return row
        if row.lease and m.lease and row.lease.version != m.lease.version:
            refusal.append(NotExtended(why="decided", latest=row.lease.deadline))
            return row
        target = to(row)
        latest = gate.latest(row, asked.user, house.policy)
        if target is None:
            refusal.append(NotExtended(why="beyond-longest", latest=latest))
            return row
        wanted.append(target)
        new = life.extended(row, house.clock(), target, asked.user, latest)
        if isinstance(new, NotExtended):
            refusal.append(new)
            return row
        return life.heard(new, asked.id)

    after = rewrite(house, m.id, change)
    if refusal:
        step(house, after.id)  # what was set aside for it is put right
        most = gate.furthest(after, asked.user, house.policy)
        said = messages.extend_refused(after, refusal[0], wanted[-1] if wanted else None, most)
        return answer(house, asked.response_url, said)
    step(house, after.id)
    return answer(house, asked.response_url, messages.extended(after, house.clock()))


# ---- buttons --------------------------------------------------------------------------------


def extend_click(house: House, click: Click) -> None:
    """The button fits one version of the lease: the first click moves it, later ones are told."""
    m = _leased(house, click)
    if m is not None:
        _extend(house, m, click, lambda row: _later(row, None))


def until_click(house: House, click: Click) -> None:
    """The picker fits one version of the lease, too: its value ends with the chosen moment."""
    ids, _, chosen = click.value.rpartition(":")
    m = _leased(house, replace(click, value=ids))
    target = read_moment(chosen)
    if m is not None and target is not None:
        _extend(house, m, click, lambda _: target)


def stop_click(house: House, click: Click) -> None:
    """Stop now; its dialog has already said what that means for the disk."""
    m = _leased(house, click)
    if m is not None:
        _unwant(house, m, click)


def _leased(house: House, click: Click) -> Machine | None:
    """The machine whose lease the button was made for; None when the caller was told why not."""
    if heard_before(house, click):
        return None
    id, _, version = click.value.partition(":")
    m = touchable(house, click, id)
    if m is None:
        return None
    current = m.lease is not None and str(m.lease.version) == version
    if not current or m.desire is not Desire.RUN or m.state not in ALIVE:
        answer(house, click.response_url, messages.old_button(m))
        return None
    return m


def end_click(house: House, click: Click) -> None:
    """End it: its dialog or the question has named the machine and what is lost. Where it has been
    started or extended since, that is another thing to lose: it is asked anew."""
    id = click.value.partition(":")[0]
    m = None if heard_before(house, click) else touchable(house, click, id)
    if m is None or _not_meant(house, m, click):
        return None
    if m.state in FINAL or m.desire is Desire.GONE:
        return answer(house, click.response_url, messages.old_button(m))
    if click.value != messages.of_lease(m):
        return answer(house, click.response_url, messages.end_question(m, house.clock()))
    return _unwant(house, m, click, end=True)


def stop_all_click(house: House, click: Click) -> None:
    """Stop what the question has named of the person who pressed it, whoever was asked, as far as
    it is as it was then; ask about the others."""
    named = click.value.partition(":")[2]
    _stop_all(house, click, sure=True, named=frozenset(named.split(".")))


def keep_click(house: House, click: Click) -> None:
    """Leave things as they are, and say how they are."""
    m = house.ledger.machine(click.value)
    answer(house, click.response_url, messages.old_button(None) if m is None else messages.kept(m))
