"""What is said about machines that nobody uses."""

from datetime import UTC, datetime, timedelta

from core import idle, lifecycle
from core.blocks import Message, actions, button, code, context, message, section
from core.messages import buttons, in_store, words
from core.model import Desire, Machine, Notice, Policy, State

_SIGNS = f"GPU below {idle.IDLE_GPU} %, CPU below {idle.IDLE_CPU} %, nobody logged in"


def notice(m: Machine, owed: Notice, now: datetime) -> Message:
    """The message that is owed, as true now as it was when it fell due."""
    who = f"{words.owner(m)} {words.name(m)}"
    if owed.detail == lifecycle.USED:
        return message(section(f"{who} is in use again. It is {words.state(m)}{_price(m)}."))
    if owed.detail:
        return message(
            section(
                f"{who} has not told for certain that nobody uses it, so it counts as in use. It "
                f"is {words.state(m)}{_price(m)}."
            )
        )
    up = m.state is State.RUNNING and m.desire is Desire.RUN
    if not up or not lifecycle.is_idle_doomed(m):
        return message(section(f"{who} was unused, and is {words.state(m)} now."))
    return _question(m, now)


def _question(m: Machine, now: datetime) -> Message:
    assert m.doom is not None
    since = datetime.fromtimestamp(int(m.doom.detail), UTC)
    verb = "stops" if m.can_stop else "ends"
    said = (
        f"{words.owner(m)} Nobody has used {words.name(m)} for {words.length(now - since)}: "
        f"{_SIGNS}. It {verb} {words.at(m.doom.at)} unless somebody keeps it{_price(m)}."
    )
    keep = button("Keep it running", "idle-keep", m.id, buttons.PRIMARY)
    row = actions(keep, buttons.stop_button(m))
    return message(section(f"{said} {_after(m)}"), row, context(_otherwise(m)))


def _price(m: Machine) -> str:
    each = words.price_of(m)
    return f"; it costs {words.hourly(each)} while it runs" if each is not None else ""


def _after(m: Machine) -> str:
    if m.can_stop:
        return f"What runs on it is lost. {in_store.disk(m)}."
    return (
        f"*It is a spot machine: its {words.disk(m)} is deleted then, with everything on it.* If "
        "you need anything that is on it, keep it running and save that first."
    )


def _otherwise(m: Machine) -> str:
    return f"Never for being unused: {code(f'/gpu idle {m.name} off')}"


def kept_on(m: Machine, policy: Policy) -> Message:
    """Whoever pressed it hears what comes next."""
    wanted = idle.window(m, policy)
    if wanted is None:
        return message(section(f"{words.name(m)} runs on. {_lease(m)}"))
    return message(
        section(
            f"{words.name(m)} runs on. If nobody uses it for another {words.length(wanted)}, you "
            f"are asked again. {_lease(m)}"
        ),
        context(_otherwise(m)),
    )


def idle_changed(m: Machine, wanted: timedelta | None, *, reports: bool) -> Message:
    """What happens when, from now on."""
    if wanted is None:
        return message(
            section(f"{words.name(m)} is not stopped for being unused. {_lease(m)}"),
            context(f"To have it stopped: {code(f'/gpu idle {m.name} 30m')}"),
        )
    verb = "stops" if m.can_stop else "ends, and its disk is deleted,"
    said = (
        f"{words.name(m)} {verb} when nobody uses it for {words.length(wanted)}, from now or its "
        f"first use on: {_SIGNS}. You are asked five minutes before. {_lease(m)}"
    )
    silent = "It has not reported its use yet; while it does not, it counts as in use."
    return message(section(said), *(() if reports else (context(silent),)))


def _lease(m: Machine) -> str:
    if m.lease is None or m.desire is not Desire.RUN:
        return f"It is {words.state(m)}{_price(m)}."
    verb = "stops" if m.can_stop else "ends"
    if words.is_doomed(m):
        return f"It {verb} by itself {words.ends(m)}{_price(m)}."
    return f"Its lease {verb} it {words.at(m.lease.deadline)}{_price(m)}."
