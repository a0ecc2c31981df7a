"""The one message of a machine, edited in place: what it is, where it stands, what it costs.

It shows dates and totals, never a countdown, so that it changes only when the machine does.
"""

from datetime import datetime
from typing import assert_never

from core.blocks import Block, Message, actions, code, context, escape, fields, message, section
from core.messages import buttons, words
from core.messages.holds import held
from core.model import ALIVE, FINAL, Cause, Desire, Hold, Machine, State

_CANCELLABLE = frozenset({State.REQUESTED, State.WAITING, State.LAUNCHING})


def card(m: Machine, now: datetime) -> Message:
    """The card as it is to be shown. Two calls a second apart give the same card."""
    if m.state is State.HELD and m.hold is not None and m.desire is Desire.RUN:
        return message(*held(m, m.hold, _facts(m)), *_small_print(m))
    row = _buttons(m)
    blocks = [section(_headline(m, now)), *_facts(m)]
    if row:
        blocks.append(actions(*row))
    return message(*blocks, *_small_print(m))


def _headline(m: Machine, now: datetime) -> str:
    name, what = words.name(m), words.what(m)
    if _unwanted(m):
        return _leaving(m)
    match m.state:
        case State.REQUESTED | State.HELD:
            return f"{name}: checking type, price and quota for {what}. {words.NOTHING}"
        case State.WAITING:
            return _waiting(m)
        case State.LAUNCHING:
            return _launching(m)
        case State.PENDING:
            return f"{name} is booting: {what}. It costs money from when it runs."
        case State.RUNNING:
            return _running(m)
        case State.STARTING:
            return f"{name} is starting again: {what}."
        case State.STOPPING | State.ENDING:
            return _leaving(m)
        case State.STOPPED:
            return stopped(m, now)
        case State.ENDED:
            return ended(m, now)
        case State.FAILED:
            return failed(m)
        case _:
            assert_never(m.state)


def _unwanted(m: Machine) -> bool:
    """Whether somebody or the lease has decided what EC2 has still to do."""
    if m.state in FINAL or m.desire is Desire.RUN:
        return False
    return m.desire is Desire.GONE or m.state is not State.STOPPED


def _keeps_trying(m: Machine) -> str:
    """Edited once a try, which is a minute apart at first and five later."""
    assert m.retry_at is not None
    tried = words.zones_tried(m.tried)
    where = f" ({tried})" if tried else ""
    return (
        f"{words.name(m)} keeps trying: EC2 had no capacity for {words.wanted(m.wish)}{where}. The "
        f"next try is {words.at(m.retry_at)}, the last one {words.at(m.launch_by)}. {words.NOTHING}"
    )


def _waiting(m: Machine) -> str:
    if m.retry_at is not None:
        return _keeps_trying(m)
    hold = m.hold
    total = words.asked_total(hold) if hold else None
    more = f" for {total}" if total else ""
    wall = f" {words.quota_wall(hold.quota, hold.needed)}" if hold and hold.quota else ""
    return (
        f"{words.name(m)} waits for AWS, which has been asked{more}, and launches by itself when "
        f"it is granted, until {words.at(m.launch_by)}.{wall} {words.NOTHING}"
    )


def _launching(m: Machine) -> str:
    name, what = words.name(m), words.what(m)
    if m.attempt and m.attempt.unclear:
        return (
            f"{name}: EC2 gave no clear answer about {what}. It may be running; it is being looked "
            "for, and no second one is started."
        )
    if m.attempt:
        return f"{name}: trying {what}."
    return f"{name}: about to try {what}. Nothing is running yet."


def _running(m: Machine) -> str:
    name, what = words.name(m), words.what(m)
    if m.taken_at is not None:
        gone = words.at(m.taken_at + words.SPOT_NOTICE)
        return f"EC2 takes {name} back and ends it about {gone}: {what}. Save your work now."
    if m.ready_at is None:
        return f"{name} is running, waiting for SSH: {what}."
    return f"{name} is ready: {what}. Connect: {code(f'/gpu ssh {m.name}')}"


def _leaving(m: Machine) -> str:
    """Stopping or ending; nothing is said to be over before EC2 says so."""
    verb = "ended" if m.desire is Desire.GONE or m.state is State.ENDING else "stopped"
    if m.instance is None and m.attempt is None:
        return f"{words.name(m)} is being given up {words.reason(m)}. {words.NOTHING}"
    costs = "It may cost money until EC2 says that it is over."
    return f"{words.name(m)} is being {verb} {words.reason(m)}. {costs}"


def stopped(m: Machine, now: datetime) -> str:
    """Who stopped it, how long it ran, what that cost, what is kept and what that costs."""
    if m.desire is Desire.RUN:
        return f"{words.name(m)} is to start again: {words.what(m)}."
    return (
        f"{words.name(m)} was stopped {words.reason(m)}. It ran {words.ran(m, now)} and cost "
        f"{words.spent(m, now)}. Its {words.disk_gb(m)} GB disk is kept and costs "
        f"{words.kept_daily(m)} a day; {_back(m)}"
    )


def _back(m: Machine) -> str:
    each = words.price_of(m)
    price = f" at {words.hourly(each)}" if each is not None else ""
    return f"{code(f'/gpu start {m.name}')} starts it again{price}."


def ended(m: Machine, now: datetime) -> str:
    """Who ended it, how long it ran, what that cost, and that nothing is left."""
    return (
        f"{words.name(m)} was ended {words.reason(m)}. It ran {words.ran(m, now)} and cost "
        f"{words.spent(m, now)}. Its disk is deleted: nothing is left of it that costs money."
    )


def failed(m: Machine) -> str:
    """Why a launch came to nothing, and how to ask for it again."""
    name, again = words.name(m), words.launch_again(m.wish)
    if m.cause is Cause.PERSON:
        return f"{name} was given up {words.reason(m)} before it ran. {words.NOTHING}"
    tried = words.zones_tried(m.tried)
    where = f" Tried: {tried}." if tried else ""
    # In these two cases EC2 may have had something for a while; all that is known is the present.
    vague = m.cause in (Cause.OUTSIDE, Cause.LOST)
    cost = "EC2 shows nothing of it now." if vague else words.NOTHING
    return f"{name} was not launched {words.reason(m)}.{where} {cost} To ask again: {again}"


# ---- the facts ------------------------------------------------------------------------------


def _facts(m: Machine) -> tuple[Block, ...]:
    rows = [("Machine", _machine(m)), ("Owner", words.owner(m))]
    each = words.price_of(m)
    if each is not None:
        rows.append(("Price", f"{words.hourly(each)} {m.market}"))
    elif m.hold and m.hold.hourly is not None:
        rows.append(("Price", f"from {words.hourly(m.hold.hourly)} {m.market}"))
    rows += _time(m)
    tried = words.zones_tried(m.tried)
    if tried and m.state in _CANCELLABLE | ALIVE:
        rows.append(("Tried", tried))
    return (fields(rows),)


def _machine(m: Machine) -> str:
    said = f"{code(m.wish.instance_type)} {m.market}, {escape(words.zone(m))}"
    if m.facts and m.facts.gpu:
        said += f"\n{words.gpu(m.facts.gpu)}"
    return said


def _time(m: Machine) -> list[tuple[str, str]]:
    """When it stops by itself and what it will have cost by then."""
    if m.state not in ALIVE | {State.REQUESTED, State.LAUNCHING, State.WAITING, State.HELD}:
        return []
    if m.desire is not Desire.RUN:
        return []
    if m.taken_at is not None:
        return []
    if m.lease is None:
        return _time_wished(m)
    verb = "Stops by itself" if m.can_stop else "Ends by itself"
    rows = [(verb, words.at(m.lease.deadline))]
    cost = words.until_deadline(m)
    return [*rows, ("Cost until then", cost)] if cost else rows


def _time_wished(m: Machine) -> list[tuple[str, str]]:
    if m.wish.until is not None:
        return [("Runs until", words.at(m.wish.until))]
    if m.wish.length is not None:
        return [("Runs for", words.length(m.wish.length))]
    return []


# ---- the buttons ----------------------------------------------------------------------------


def _buttons(m: Machine) -> list[Block]:
    """At most three, at most one of them primary."""
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        return [buttons.start_button(m), buttons.end_button(m)]
    if m.desire is not Desire.RUN:
        return []
    if m.state in _CANCELLABLE:
        return [buttons.cancel_button(m)]
    if m.state not in ALIVE or m.lease is None:
        return []
    extend = buttons.extend_button(m) if m.ready_at else None
    return [extend, buttons.stop_button(m)] if extend else [buttons.stop_button(m)]


def _small_print(m: Machine) -> tuple[Block, ...]:
    said = []
    if m.image is not None and m.state is not State.HELD:
        said.append(f"Image {escape(m.image.name)}, {words.disk_gb(m)} GB encrypted disk")
    if m.state in ALIVE and not m.can_stop:
        said.append("Spot: EC2 may take it back with two minutes' notice; it cannot be stopped")
    if m.state is State.WAITING and m.hold:
        said += _missing(m.hold)
    return (context(*said),) if said else ()


def _missing(hold: Hold) -> list[str]:
    """What the owner can do while AWS decides."""
    missing = words.access_steps(lacks_key=hold.lacks_key, lacks_address=hold.lacks_address)
    return [f"It will also need:\n{missing}"] if missing else []
