"""The buttons of a held or waiting launch: the first click decides, later ones hear who did."""

from collections.abc import Callable
from dataclasses import replace

from core import lifecycle as life
from core import messages, policy
from core.flows import admitted, asking, permits, quota, start
from core.flows.house import House, rewrite
from core.flows.request import Click
from core.flows.speak import answer
from core.flows.step import step
from core.model import (
    Cause,
    Choice,
    ChoiceKind,
    Hold,
    HoldKind,
    Machine,
    Profile,
    QuotaFacts,
    State,
)
from core.quota import ask_for, short
from core.ways import changed
from core.words import whole_number

_CANCELLABLE = frozenset({State.REQUESTED, State.HELD, State.WAITING, State.LAUNCHING})


def choose(house: House, click: Click) -> None:
    """Carry out one way on of a held launch."""
    id, turn, index = [*click.value.split(":"), "", ""][:3]
    m = house.ledger.machine(id)
    if m is not None and m.state is State.STOPPED:
        return start.choose(house, click, m)
    if not _current(m, turn) or m is None or m.hold is None:
        return answer(house, click.response_url, messages.old_button(m))
    if policy.may_touch(click.user, m, house.policy):
        return answer(house, click.response_url, messages.not_yours(m))
    number = whole_number(index, 3)
    if number is None or number >= len(m.hold.choices):
        return answer(house, click.response_url, messages.old_button(m))
    return _carry_out(house, click, m, m.hold.choices[number])


def _current(m: Machine | None, turn: str) -> bool:
    return m is not None and m.state is State.HELD and str(m.turn) == turn


def _carry_out(house: House, click: Click, m: Machine, choice: Choice) -> None:
    """Every way on ends in a launch: who may do that is asked anew, for buttons grow old."""
    denied = permits.may_launch(house, house.chat.person(click.user), m.channel)
    if denied:
        return answer(house, click.response_url, messages.denied(denied))
    if choice.kind in (ChoiceKind.ASK_QUOTA, ChoiceKind.ASK_AND_LAUNCH):
        return _ask(house, click, m, choice)
    if choice.kind is ChoiceKind.APPROVAL:
        return asking.ask_launch(house, click, m)
    now, by = house.clock(), click.user
    if choice.kind is ChoiceKind.KEEP_TRYING:
        return _decide(house, click, m, lambda row: life.keeps_trying(row, now, by))
    what = f"{choice.kind} {choice.value}".strip()
    wish = changed(choice, m.wish)
    return _decide(house, click, m, lambda row: life.chosen(row, now, by, what, wish))


def _ask(house: House, click: Click, m: Machine, choice: Choice) -> None:
    """Ask AWS first, which is harmless twice (it keeps one open request); then write it down."""
    assert m.hold is not None
    assert m.hold.quota is not None
    barred = _barred(house, m, m.hold)
    if barred:
        return answer(house, click.response_url, messages.denied(barred))
    facts = quota.held_for(house, m, m.hold)
    waits = choice.kind is ChoiceKind.ASK_AND_LAUNCH
    if not short(facts, m.hold.needed):
        return _room_now(house, click, m, facts, launch=waits)
    thread = m.card.ts if m.card else None
    total = ask_for(facts, m.hold.needed)
    request = quota.ask(house, facts, total, click.user, m.channel, thread)
    write = life.waiting if waits else life.asked
    return _decide(house, click, m, lambda row: write(row, house.clock(), request, click.user))


def _barred(house: House, m: Machine, hold: Hold) -> policy.Denied | None:
    """AWS is not asked for room for what may not be launched any more."""
    return policy.may_have(
        hold.instance_type or m.wish.instance_type,
        hold.market or m.wish.market,
        hold.region or m.wish.region,
        house.policy,
    )


def _room_now(house: House, click: Click, m: Machine, facts: QuotaFacts, *, launch: bool) -> None:
    """There is room by now, so nothing is asked of AWS: launch, or offer to."""
    now, what = house.clock(), "there is room"
    if launch:
        return _decide(house, click, m, lambda row: life.chosen(row, now, click.user, what))
    return _decide(house, click, m, lambda row: quota.looked_at_again(row, facts, now, what))


def _decide(
    house: House, click: Click, seen: Machine, decision: Callable[[Machine], Machine]
) -> None:
    """Write it unless somebody has decided since the button was read, then carry it out. Of two at
    once the one that comes second is told so: the row's next turn may be the other's."""
    mine = False

    def change(row: Machine) -> Machine:
        nonlocal mine
        mine = row.turn == seen.turn
        return decision(row) if mine else row

    after = rewrite(house, seen.id, change)
    if not mine or after.turn != seen.turn + 1:
        return answer(house, click.response_url, messages.old_button(after))
    return step(house, after.id)


def cancel(house: House, click: Click) -> None:
    """Give a launch up that has not come up yet."""
    id, _, turn = click.value.partition(":")
    m = house.ledger.machine(id)
    if m is None or m.state not in _CANCELLABLE or str(m.turn) != turn:
        return answer(house, click.response_url, messages.old_button(m))
    if policy.may_touch(click.user, m, house.policy):
        return answer(house, click.response_url, messages.not_yours(m))
    now, by = house.clock(), click.user
    gives_up = m.kept is None  # a start that is called off leaves its disk where it is

    def decision(row: Machine) -> Machine:
        return life.unwanted(row, now, Cause.PERSON, by, end=gives_up)

    return _decide(house, click, m, decision)


def refresh_access(house: House, user: str) -> tuple[Machine, ...]:
    """A key or address has come: launches that lacked it show so, and those that only waited for
    it go on. Gives the latter."""
    profile = admitted.profile(house, user)
    resumed = []
    for m in house.ledger.of_owner(user):
        if m.state not in (State.HELD, State.WAITING) or m.hold is None:
            continue
        new = rewrite(house, m.id, lambda now_: _told_access(house, now_, profile))
        if new.state is State.REQUESTED:
            resumed.append(new)
        house.wakes.wake(f"machine/{m.id}")
    return tuple(resumed)


def _told_access(house: House, m: Machine, profile: Profile) -> Machine:
    if m.state not in (State.HELD, State.WAITING) or m.hold is None:
        return m
    if m.hold.kind is HoldKind.NO_ACCESS and profile.keys and profile.has_address:
        return life.chosen(m, house.clock(), profile.user, "key and address are there")
    hold = replace(m.hold, lacks_key=not profile.keys, lacks_address=not profile.has_address)
    return m if hold == m.hold else replace(m, hold=hold)
