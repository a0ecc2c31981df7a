"""What is said when somebody has changed a machine outside the bot."""

from datetime import datetime

from core.blocks import Message, actions, code, context, escape, message, section
from core.messages import buttons, words
from core.model import ALIVE, FINAL, Desire, Machine, Notice


def notice(m: Machine, owed: Notice, now: datetime) -> Message:
    """What is different, what it costs now, what the bot makes of it."""
    match owed.detail.split():
        case ["started"]:
            return _started(m)
        case ["type", old, *unpriced]:
            return message(section(f"{words.owner(m)} {_typed(m, old, priced=not unpriced)}"))
        case _:
            return message(section(f"{words.owner(m)} {_tag(m, now)}"))


def owner_left(m: Machine) -> Message:
    """For the admins: whose machine nobody looks after any more, and what it goes on doing."""
    said = (
        f"{words.owner(m)}, whose machine {words.name(m)} is, is not in the workspace any more. It "
        f"is {words.state(m)}{_until(m)}, and its warnings are in <#{escape(m.channel)}> only."
    )
    ways = f"Sooner: {code(f'/gpu stop {m.name}')} or, with its disk, {code(f'/gpu end {m.name}')}"
    over = m.state in FINAL
    return message(section(said), *([] if over else [context(ways)]))


def _until(m: Machine) -> str:
    if m.state not in ALIVE or m.lease is None:
        return ""
    verb = "stops" if m.can_stop else "ends"
    return f", costs {_price(m)} and {verb} by itself {words.ends(m)}"


def _started(m: Machine) -> Message:
    if m.state not in ALIVE or m.desire is not Desire.RUN or m.lease is None:
        said = f"{words.name(m)} was started outside the bot, and is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {said}"))
    verb = "stops" if m.can_stop else "ends"
    said = (
        f"{words.name(m)} was started outside the bot (the console or another tool) and costs "
        f"{_price(m)}. It has a lease of {words.length(m.lease.length)} now: it {verb} by itself "
        f"{words.ends(m)}."
    )
    return message(
        section(f"{words.owner(m)} {said}"),
        actions(*[b for b in (buttons.extend_button(m), buttons.stop_button(m)) if b]),
    )


def _typed(m: Machine, old: str, *, priced: bool) -> str:
    new = m.placement.instance_type if m.placement else "another type"
    said = (
        f"The type of {words.name(m)} was changed outside the bot, from {code(escape(old))} to "
        f"{code(escape(new))}."
    )
    if not priced:
        return f"{said} AWS lists no price for it: it goes on being counted at the old one."
    return f"{said} It costs {_price(m)} when it runs."


def _price(m: Machine) -> str:
    each = words.price_of(m)
    return words.hourly(each) if each is not None else "a price that is not known"


def _tag(m: Machine, now: datetime) -> str:
    said = (
        f"The `gpu:deadline` tag of {words.name(m)} in EC2 was not what its lease says, and is put "
        f"back: it is the bot that moves it."
    )
    if m.lease is None or m.state not in ALIVE or now >= m.lease.deadline:
        return said
    longer = code(f"/gpu extend {m.name} 2h")
    return f"{said} The lease ends {words.at(m.lease.deadline)}; {longer} makes it longer."
