"""The one message of a machine, edited in place: what it is, where it stands, what it costs.

It shows dates and totals, never a countdown, so that it changes only when the machine does.
"""

from datetime import datetime
from decimal import Decimal
from typing import assert_never

from core import price
from core.blocks import Block, Message, actions, code, context, escape, fields, message, section
from core.lifecycle import awaits_approval, awaits_image, tries_quietly
from core.messages import buttons, endings, in_store, many, remains, words
from core.messages.holds import held, why
from core.model import ALIVE, FINAL, Cause, Desire, Hold, HoldKind, Machine, Market, State

_CANCELLABLE = frozenset({State.REQUESTED, State.WAITING, State.LAUNCHING})


def card(m: Machine, now: datetime) -> Message:
    """The card as it is to be shown. Two calls a second apart give the same card."""
    if m.state is State.HELD and m.hold is not None and m.desire is Desire.RUN:
        return message(*held(m, m.hold, _facts(m)), *_small_print(m))
    row = _buttons(m)
    standing = many.standing(m) if m.members and m.state in ALIVE else ""
    blocks = [section(f"{_headline(m, now)} {standing}".rstrip()), *_facts(m)]
    if row:
        blocks.append(actions(*row))
    return message(*blocks, *_small_print(m))


def _headline(m: Machine, now: datetime) -> str:
    name, what = words.name(m), words.what(m)
    if _unwanted(m):
        return _leaving(m)
    if m.members and m.state is State.LAUNCHING:
        return f"{name}: {what} so far. {many.so_far(m)}"
    if m.kept is None and tries_quietly(m) and not (m.attempt and m.attempt.unclear):
        return _keeps_trying(m)
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
    """Edited once a round of tries, which are a minute apart at first and five later."""
    full = words.without_capacity(m.wish, m.tried) or words.wanted(m.wish)
    obstacle = why(m, m.hold) if m.hold else f"EC2 had no capacity for {full}."
    said = f"{words.name(m)} keeps trying until {words.at(m.launch_by)}. {obstacle}"
    return f"{said} {_tries(m)} {words.NOTHING}"


def _tries(m: Machine) -> str:
    if m.retry_at is None:
        return "It is trying again now."
    times = "once" if m.tries == 1 else f"{m.tries} times"
    last = f"Tried {times}, last {words.at(m.history[-1].at)}. " if m.tries else ""
    return f"{last}The next try is {words.at(m.retry_at)}."


def _waiting(m: Machine) -> str:
    if m.retry_at is not None:
        return _keeps_trying(m)
    if awaits_image(m):
        return _waits_for_image(m)
    if awaits_approval(m):
        return (
            f"{words.name(m)} waits for an approver's yes, which is asked for until "
            f"{words.at(m.launch_by)}: {words.what(m)}. It launches by itself then. {words.NOTHING}"
        )
    hold = m.hold
    total = words.asked_total(hold) if hold else None
    more = f" for {total}" if total else ""
    wall = f" {words.quota_wall(hold.quota, hold.needed)}" if hold and hold.quota else ""
    return (
        f"{words.name(m)} waits for AWS, which has been asked{more}, and launches by itself when "
        f"it is granted, until {words.at(m.launch_by)}.{wall} {words.NOTHING}"
    )


def _waits_for_image(m: Machine) -> str:
    """The history tells whether it is copied or made, and in which region."""
    waits = (h.what for h in reversed(m.history) if h.what.startswith("waits for the image"))
    last = next(waits, m.wish.region)
    place = escape(last.rpartition(" ")[2])
    verb, cost = f"being made in {place}", ""
    if " to be copied in " in last:
        verb = f"being copied to {place}"
        monthly = words.money(price.snapshot_monthly(words.disk_gb(m)))
        cost = f" The copy costs at most {monthly} a month until the image is deleted."
    return (
        f"{words.name(m)} waits for image {code(m.wish.image)}, which is {verb}: that often takes "
        "5 to 20 minutes, and longer when it is large. The machine launches by itself then, until "
        f"{words.at(m.launch_by)}; none runs yet.{cost}"
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
    if not m.has_something and m.attempt is None:
        return f"{words.name(m)} is being given up {words.reason(m)}. {words.NOTHING}"
    costs = "It may cost money until EC2 says that it is over."
    return f"{words.name(m)} is being {verb} {words.reason(m)}. {costs}"


def stopped(m: Machine, now: datetime) -> str:
    """Who stopped it, how long it ran, what that cost, what is kept and what that costs."""
    if m.desire is Desire.RUN:
        return in_store.to_start(m)
    return (
        f"{words.name(m)} was stopped {words.reason(m)}. It ran {words.ran(m, now)} and cost "
        f"{words.spent_at_rest(m, now)}. {in_store.disk(m)}; {_back(m)}"
    )


def _back(m: Machine) -> str:
    each = words.price_of(m)
    price = f" at {words.hourly(each)}" if each is not None else ""
    return f"{code(f'/gpu start {m.name}')} starts it again{price}."


def ended(m: Machine, now: datetime) -> str:
    """Who ended it, how long it ran, what that cost, and what of it is left: a data volume only."""
    left = "Its disk is deleted: nothing is left of it that costs money."
    if m.remains is not None:
        left = remains.sentence(m.remains)
    if m.data is not None:
        others = left if m.remains is not None else "Its disk is deleted."
        left = (
            f"{others} Its data volume *{_data(m.data)}* stays, and costs money until "
            f"it is deleted: `/gpu data`"
        )
    if endings.did_not_come_up(m):
        return (
            f"{words.name(m)} did not come up, {words.reason(m)}. Nothing is running. {left} "
            f"{endings.helps(m)} To ask again: {words.launch_again(m.wish)}"
        )
    return (
        f"{words.name(m)} was ended {words.reason(m)}. It ran {words.ran(m, now)} and cost "
        f"{words.spent_at_rest(m, now)}. {left}"
    )


def _data(key: str) -> str:
    """The name of a data volume, out of its row's key."""
    return escape(key.partition(".")[2])


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
        rows.append(("Price", f"{words.hourly(each)} {words.market(m)}{_each(m)}"))
    elif m.hold and m.hold.hourly is not None:
        rows.append(("Price", _held_price(m, m.hold, m.hold.hourly)))
    rows += _time(m)
    tried = words.zones_tried(m.tried)
    untold = m.hold and m.hold.kind in (HoldKind.QUOTA, HoldKind.TOO_DEAR)
    if tried and (m.state in _CANCELLABLE | ALIVE or (m.state is State.HELD and untold)):
        rows.append(("Tried", tried))
    return (fields(rows),)


def _held_price(m: Machine, hold: Hold, hourly: Decimal) -> str:
    """`up to $16.096/h on-demand ($1.006/h each)`; of one machine without the last."""
    dear = hold.kind in (HoldKind.TOO_DEAR, HoldKind.OVER_LIMIT, HoldKind.NOT_ALLOWED)
    said = f"{'up to' if dear else 'from'} {words.hourly(hourly * m.wish.count)}"
    each = f" ({words.hourly(hourly)} each)" if m.wish.count > 1 else ""
    return f"{said} {hold.market or m.market}{each}"


def _each(m: Machine) -> str:
    at = words.placement(m) or next(iter(m.placements), None)
    same = len({one.placement.hourly for one in m.members}) < 2
    return f" ({words.hourly(at.hourly)} each)" if m.is_group and at and same else ""


def _machine(m: Machine) -> str:
    said = f"{words.kind(m)} {words.market(m)}, {_where(m)}"
    if m.facts and m.facts.gpu:
        said += f"\n{words.gpu(m.facts.gpu)}"
    return said


def _where(m: Machine) -> str:
    return escape(words.zone(m)) if words.placement(m) else words.regions(m.wish)


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
    rows = [(verb, words.ends(m))]
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
    more = buttons.more_button(m) if m.members and m.missing > 0 else None
    return [found for found in (extend, buttons.stop_button(m), more) if found]


def _small_print(m: Machine) -> tuple[Block, ...]:
    said = []
    if m.image is not None and m.state is not State.HELD:
        each = " each" if m.is_group else ""
        said.append(f"Image {escape(m.image.name)}, {words.disk_gb(m)} GB encrypted disk{each}")
    if m.data is not None and m.runs and m.state not in FINAL:
        said.append(f"Data volume {_data(m.data)}, which outlives it: `/gpu data`")
    if m.state in ALIVE and m.market is Market.SPOT:
        kept = "it comes back from its disk" if m.wish.recover else "its disk is kept then"
        then = kept if m.can_stop else "it cannot be stopped"
        said.append(f"Spot: EC2 may take it back with two minutes' notice; {then}")
    if m.state is State.WAITING and m.hold:
        said += _missing(m.hold)
    return (context(*said),) if said else ()


def _missing(hold: Hold) -> list[str]:
    """What the owner can do while AWS decides."""
    missing = words.access_steps(lacks_key=hold.lacks_key, lacks_address=hold.lacks_address)
    return [f"It will also need:\n{missing}"] if missing else []
