"""Starts a stopped machine: by command, by button, or by a way on where that has failed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core import commands, gate, messages, policy
from core import lifecycle as life
from core.flows import order, permits, purse
from core.flows.again import heard_before
from core.flows.find import find, touchable
from core.flows.house import House, rewrite
from core.flows.request import Asked, Click, Request
from core.flows.speak import answer
from core.flows.step import step
from core.model import Choice, ChoiceKind, Desire, Lease, Machine, Market, State
from core.words import whole_number


def start(house: House, request: Request, wanted: commands.Start) -> None:
    """Start a stopped machine with a lease of its own."""
    if heard_before(house, request):
        return None
    m = find(house, request, wanted.name, "start", _startable)
    if m is None:
        return None
    if order.overtaken(m, request):
        return order.too_late(house, m, request)
    if not _startable(m):
        return order.nothing_to_do(house, m, request)
    return _start(house, m, request, wanted.length, wanted.until)


def start_click(house: House, click: Click) -> None:
    """Start again, for as long as it was asked for the last time."""
    m = None if heard_before(house, click) else touchable(house, click, click.value)
    if m is None:
        return None
    if order.overtaken(m, click):
        return order.too_late(house, m, click)
    if not _startable(m):
        return answer(house, click.response_url, messages.old_button(m))
    # A press in the Home tab comes from no channel: the machine's own is as good.
    click = replace(click, channel=click.channel or m.channel)
    return _start(house, m, click, m.lease.length if m.lease else None, None)


def by_schedule(house: House, m: Machine, id: str, until: datetime) -> policy.Denied | None:
    """Start it for its owner, who must still be allowed to; the same id does so once.

    Nobody waits for an answer: what stands against it is given back.
    """
    asked = Click(
        id=id, user=m.owner, channel=m.channel, action="schedule", value=m.id, response_url=""
    )
    lease = m.lease if id in m.heard else _lease(house, m, asked, None, until)
    if lease is None or isinstance(lease, policy.Denied):
        return lease
    denied = None if id in m.heard else _over(house, m, lease, m.owner, m.hourly)
    if denied:
        return denied

    def change(row: Machine) -> Machine:
        if not _startable(row) or id in row.heard:
            return row
        return life.heard(life.starts_by_schedule(row, house.clock(), lease, until), id)

    rewrite(house, m.id, change)
    step(house, m.id)
    return None


def _startable(m: Machine) -> bool:
    return m.state is State.STOPPED and m.desire is Desire.STOP


def _start(
    house: House,
    m: Machine,
    asked: Asked,
    length: timedelta | None,
    until: commands.Until | None,
) -> None:
    person = house.chat.person(asked.user)
    typed = asked.at or house.clock()
    end_at = commands.resolve(until, typed, person.tz) if until else None
    lease = _lease(house, m, asked, length, end_at)
    if isinstance(lease, policy.Denied):
        return answer(house, asked.response_url, messages.denied(lease))
    denied = _over(house, m, lease, asked.user, m.hourly)
    if denied:
        return answer(house, asked.response_url, messages.denied(denied))
    now = house.clock()
    return _write(
        house, m, asked, lambda row: life.wants_start(row, now, lease, asked.user, end_at)
    )


def _over(
    house: House, m: Machine, lease: Lease, by: str, hourly: Decimal | None
) -> policy.Denied | None:
    """What limits stand against it; what it may cost is set aside otherwise.

    The limits are those of whoever starts it: an admin who does so has said yes.
    A kept disk starts where there is room, at a price that is not known yet: its plan is asked.
    """
    if m.starts_anew or hourly is None:
        return None
    asked = gate.Asked(hourly=hourly, length=lease.deadline - lease.started_at)
    found = gate.limits(asked, by, house.policy)
    found = found or purse.claim(house, m, hourly=asked.hourly, until=lease.deadline)
    if not found:
        return None
    said = " ".join(one.words for one in found)
    return policy.Denied(
        rule=found[0].rule.partition(" ")[0],  # `budget of the team` is a budget
        what=f"{m.name} is not started. {said} It stays stopped.",
        next="For a shorter time it may do, or an admin or approver can start it.",
    )


def _lease(
    house: House,
    m: Machine,
    asked: Asked,
    length: timedelta | None,
    end_at: datetime | None,
    choice: Choice | None = None,
) -> Lease | policy.Denied:
    now, person = house.clock(), house.chat.person(asked.user)
    # A button may be pressed in direct messages: it counts for the machine's own channel.
    channel = m.channel if isinstance(asked, Click) else asked.channel
    denied = permits.may_launch(house, person, channel) or permits.may_start(house, m, choice)
    allowed = denied or policy.lease_for(length, end_at, person.id, house.policy, now)
    if isinstance(allowed, policy.Denied):
        return allowed
    return life.lease(allowed, now, house.policy)


def _write(house: House, m: Machine, asked: Asked, decision: Callable[[Machine], Machine]) -> None:
    """Decide, unless somebody has decided since the row was read; then carry it out and say so."""

    def change(row: Machine) -> Machine:
        late = order.overtaken(row, asked)
        if late or not _startable(row) or row.turn != m.turn or asked.id in row.heard:
            return row
        return order.decided(life.heard(decision(row), asked.id), asked)

    after = rewrite(house, m.id, change)
    if order.overtaken(after, asked):
        return order.too_late(house, after, asked)
    if asked.id not in after.heard:
        return answer(house, asked.response_url, messages.old_button(after))
    step(house, m.id)
    after = house.ledger.machine(m.id) or after
    starts = after.desire is Desire.RUN
    said = messages.starting(after) if starts else messages.how_it_is(after)
    return answer(house, asked.response_url, said)


# ---- ways on --------------------------------------------------------------------------------


def choose(house: House, click: Click, m: Machine) -> None:
    """Carry out one way on of a start that failed; the button fits one failure only."""
    if heard_before(house, click):
        return None
    _, turn, index = [*click.value.split(":"), "", ""][:3]
    choices = m.hold.choices if m.hold and _startable(m) and str(m.turn) == turn else ()
    number = whole_number(index, 3)
    if number is None or number >= len(choices):
        return answer(house, click.response_url, messages.old_button(m))
    if policy.may_touch(click.user, m, house.policy):
        return answer(house, click.response_url, messages.not_yours(m))
    return _carry_out(house, click, m, choices[number])


def _carry_out(house: House, click: Click, m: Machine, choice: Choice) -> None:
    """The same length again; a time of day that was said still stands, if it is to come."""
    now, by = house.clock(), click.user
    end_at = m.wish.until if m.wish.until and m.wish.until > now else None
    lease = _lease(house, m, click, m.lease.length if m.lease else None, end_at, choice)
    if isinstance(lease, policy.Denied):
        return answer(house, click.response_url, messages.denied(lease))
    denied = _over(house, m, lease, by, choice.hourly or m.hourly)
    if denied:
        return answer(house, click.response_url, messages.denied(denied))

    def decision(row: Machine) -> Machine:
        return _changed(life.wants_start(row, now, lease, by, end_at), now, choice, by)

    return _write(house, m, click, decision)


def _changed(m: Machine, now: datetime, choice: Choice, by: str) -> Machine:
    """The start that is wanted, changed as was chosen."""
    match choice.kind:
        case ChoiceKind.KEEP_TRYING:
            return life.keeps_starting(m, now, by)
        case ChoiceKind.ZONE:
            return life.moving(m, now)
        case ChoiceKind.MARKET:
            return _wishing(m, market=Market(choice.value))
        case ChoiceKind.TYPE if m.starts_anew:
            return _wishing(m, instance_type=choice.value, or_types=())
        case ChoiceKind.TYPE if m.placement is not None and choice.hourly is not None:
            at = replace(m.placement, instance_type=choice.value, hourly=choice.hourly)
            return replace(m, placements=(at,))
        case _:
            return m


def _wishing(m: Machine, **changes: object) -> Machine:
    return replace(m, wish=replace(m.wish, **changes))  # type: ignore[arg-type]  # Wish's own keys
