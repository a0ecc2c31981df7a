"""The new messages of a machine: what needs eyes now. Edits of the card notify nobody; these do.

A notice may be late (Slack was down), so each looks at the machine as it is when it is written.
"""

from datetime import datetime
from typing import assert_never

from core.blocks import Block, Message, actions, button, code, context, escape, message, section
from core.denials import refused
from core.messages import (
    buttons,
    disks,
    idling,
    in_store,
    many,
    remains,
    shelves,
    spending,
    stuck,
    taken,
    troubles,
    words,
)
from core.messages.admins import why_denied
from core.messages.cards import ended, failed, stopped
from core.messages.holds import why
from core.model import (
    ALIVE,
    Cause,
    ChoiceKind,
    Desire,
    Hold,
    HoldKind,
    Machine,
    Market,
    Notice,
    NoticeKind,
    State,
)
from core.refusals import meaning


def notice(m: Machine, owed: Notice, now: datetime) -> Message:
    """The message that is owed, as true now as it was when it fell due."""
    match owed.kind:
        case NoticeKind.READY:
            return _ready(m, owed)
        case NoticeKind.WARNING:
            return _warning(m, owed)
        case NoticeKind.INTERRUPTED:
            return taken.interrupted(m, owed)
        case NoticeKind.STOPPED:
            return _stopped(m, owed, now)
        case NoticeKind.ENDED:
            return _ended(m, now)
        case NoticeKind.START_FAILED:
            return _start_failed(m, owed)
        case NoticeKind.FAILED:
            return message(section(f"{words.owner(m)} {failed(m)}"))
        case NoticeKind.DENIED:
            return why_denied(m, refused(owed.detail), None)
        case NoticeKind.EVE | NoticeKind.SHELF | NoticeKind.ARCHIVED:
            return shelves.notice(m, owed, now)
        case NoticeKind.IDLE:
            return idling.notice(m, owed, now)
        case NoticeKind.RECOVERING:
            return taken.recovering(m, owed)
        case NoticeKind.REBALANCE:
            return taken.advised(m, owed)
        case NoticeKind.STUCK:
            return stuck.for_owner(m, owed)
        case NoticeKind.STUCK_ADMINS:
            return stuck.for_admins(m, owed)
        case NoticeKind.DISK:
            return disks.refused(m, owed)
        case NoticeKind.REMAINS:
            return remains.for_admins(m)
        case NoticeKind.LEFT:
            return troubles.owner_left(m)
        case NoticeKind.CHANGED:
            return troubles.notice(m, owed, now)
        case NoticeKind.BUDGET:
            return spending.notice(m, owed, now)
        case _:
            assert_never(owed.kind)


def ssh_line(m: Machine) -> str | None:
    """`ssh ubuntu@203.0.113.9`; None while there is no address."""
    if m.instance is None or m.instance.address is None:
        return None
    login = m.image.user if m.image else "ubuntu"
    return code(f"ssh {login}@{m.instance.address}")


def _up(m: Machine) -> bool:
    return m.state in ALIVE and m.desire is Desire.RUN


def _ready(m: Machine, owed: Notice) -> Message:
    if not _up(m):
        was = f"{words.name(m)} was ready on {words.at(owed.at)} and is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {was}"))
    line = _how(m) or f"no public address; see {code(f'/gpu ssh {m.name}')}"
    back = taken.is_back(m)
    blocks = [section(f"{words.owner(m)} {words.name(m)} is ready: {line}{back}")]
    blocks.append(context(_lease(m), f"VS Code and who may connect: {code(f'/gpu ssh {m.name}')}"))
    if m.host_keys and not m.members:
        first = code(m.host_keys[0].prints[0])
        blocks.append(context(f"The first ssh shows its host key; say no to any but {first}"))
    return message(*blocks)


def _how(m: Machine) -> str | None:
    """How to get in: of a group there are too many addresses for this message."""
    return f"{words.what(m)}. {many.addresses(m)}" if m.members else ssh_line(m)


def _lease(m: Machine) -> str:
    """$3.06/h; stops by itself on …, $12.24 until then."""
    each, cost = words.price_of(m), words.until_deadline(m)
    price = words.hourly(each) if each is not None else "Price not known"
    if m.lease is None:
        return price
    verb = "stops" if m.can_stop else "ends"
    then = f", {cost} until then" if cost else ""
    return f"{price}; {verb} by itself {words.ends(m)}{then}"


def _warning(m: Machine, owed: Notice) -> Message:
    if not _up(m) or m.lease is None:
        late = f"{words.name(m)} came to its deadline and is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {late}"))
    so_far = words.spent(m, owed.at)
    verb = "stops" if m.can_stop else "ends"
    said = (
        f"{words.owner(m)} {words.name(m)} {verb} by itself {words.ends(m)}. It has "
        f"cost {so_far} so far. {_after(m)}"
    )
    extend = buttons.extend_button(m)
    if extend is None:
        most = context("It has reached the longest time that one lease may take.")
        return message(section(said), actions(buttons.stop_button(m)), most)
    row = actions(extend, buttons.stop_button(m), buttons.until_picker(m))
    return message(
        section(said),
        row,
        context("Or keep it until the time that you choose above, on your own clock"),
    )


def _after(m: Machine) -> str:
    disk = words.disk(m)
    if m.can_stop:
        return f"{in_store.disk(m)}."
    return f"It is a spot machine: its {disk} is deleted then, so save what you need."


def _stopped(m: Machine, owed: Notice, now: datetime) -> Message:
    away = taken.stays_away(m, owed.detail)
    said = section(f"{words.owner(m)} {stopped(m, now)} {away}".rstrip())
    if m.state is not State.STOPPED or m.desire is not Desire.STOP:
        now_is = f"{words.name(m)} was stopped, and is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {now_is}"))
    return message(said, actions(buttons.start_button(m)))


def _ended(m: Machine, now: datetime) -> Message:
    blocks = [section(f"{words.owner(m)} {ended(m, now)}")]
    if m.cause is Cause.SPOT:
        again = words.launch_again(m.wish)
        other = words.launch_again(m.wish, Market.ON_DEMAND)
        blocks.append(context(f"To go on: {again}, or {other}, which is not taken back"))
    elif m.cause is Cause.DEADLINE:
        blocks.append(context(f"To go on: {words.launch_again(m.wish)}"))
    return message(*blocks)


def _start_failed(m: Machine, owed: Notice) -> Message:
    said = f"{words.owner(m)} {words.name(m)} could not be started: {_why(m, owed)}"
    if m.state is not State.STOPPED or m.desire is not Desire.STOP:
        return message(section(f"{said} It is {words.state(m)} now."))
    tried = words.zones_tried(m.tried)
    where = f" Tried: {tried}." if tried else ""
    row = _ways(m)
    again = buttons.start_button(m, "Try again", None if row else buttons.PRIMARY)
    blocks = [
        section(f"{said}{where} It is still stopped. {in_store.disk(m)}."),
        actions(*row, again),
    ]
    return message(*blocks, *_about_zones(m))


def _why(m: Machine, owed: Notice) -> str:
    if owed.detail == "too-late":
        return f"its time was over before it could start.{disks.waited(m)}"
    if m.hold is not None and m.hold.kind is HoldKind.NO_ACCESS:
        hold = m.hold
        steps = words.access_steps(lacks_key=hold.lacks_key, lacks_address=hold.lacks_address)
        return f"nobody could log in to it. Type this, and try again:\n{steps}\n"
    if m.hold is not None and m.hold.code == owed.detail and _is_rule(m.hold):
        return why(m, m.hold)
    return escape(meaning(owed.detail)) if owed.detail else "EC2 refused."


def _is_rule(hold: Hold) -> bool:
    """Whether we have said no, in words of our own, and not EC2."""
    ours = (HoldKind.OVER_LIMIT, HoldKind.NOT_ALLOWED, HoldKind.TOO_DEAR)
    return hold.kind in ours or (hold.kind is HoldKind.QUOTA and hold.quota is not None)


def _ways(m: Machine) -> list[Block]:
    """The ways on of a start that failed; their buttons fit this failure only."""
    if m.hold is None:
        return []
    return [
        button(
            buttons.choice_label(choice, m.hold, m.wish),
            f"choose-{i}",
            f"{m.id}:{m.turn}:{i}",
            None if i else buttons.PRIMARY,
        )
        for i, choice in enumerate(m.hold.choices)
    ]


def _about_zones(m: Machine) -> tuple[Block, ...]:
    """What going to another zone means, where that is offered."""
    choices = m.hold.choices if m.hold else ()
    if not any(choice.kind is ChoiceKind.ZONE for choice in choices):
        return ()
    return (
        context(
            "Another zone of the region: the disk goes there as a snapshot, which takes minutes; "
            "the old one is deleted when the new machine runs"
        ),
    )
