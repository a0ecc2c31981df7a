"""The buttons of a machine: what they say, which ids they carry, what their dialogs ask first.

A value carries ids and a version only; whoever receives it reads everything else again.
"""

from decimal import Decimal

from core import lifecycle, price
from core.blocks import Block, button, confirm, datetime_picker
from core.messages import many, words
from core.model import Choice, ChoiceKind, Hold, HoldKind, Machine, State, Wish

PRIMARY = "primary"
DANGER = "danger"


def extend_button(m: Machine, label: str = "Extend", style: str | None = PRIMARY) -> Block | None:
    """[Extend 2 h (+$1.84)]; None where the lease may not grow."""
    more = lifecycle.extension(m)
    if m.lease is None or more is None:
        return None
    each = lifecycle.hourly_now(m)
    plus = f" ({_plus(price.cost(each, more))})" if each is not None else ""
    return button(f"{label} {words.length(more)}{plus}", "extend", of_lease(m), style)


def _plus(amount: Decimal) -> str:
    """A label is plain text, which cannot hold the sign of "less than"."""
    said = price.dollars(amount)
    return f"under {said[1:]}" if said.startswith("<") else f"+{said}"


def until_picker(m: Machine) -> Block:
    """Keep it until a moment that is chosen; it opens at the deadline, which changes nothing."""
    assert m.lease is not None
    hourly = lifecycle.hourly_now(m)
    each = f" It costs {price.per_hour(hourly)} until then." if hourly is not None else ""
    asks = confirm(
        f"Keep {m.name} until then?",
        f"Choose both date and time first.{each}",
        "Keep it",
        "Not yet",
        danger=False,
    )
    return datetime_picker(f"until/{of_lease(m)}", m.lease.deadline, asks)


def of_lease(m: Machine) -> str:
    """The value of what fits one version of the lease: the machine's id and that version."""
    return f"{m.id}:{m.lease.version if m.lease else 0}"


def stop_button(m: Machine, label: str = "Stop now") -> Block:
    """[Stop now], with what that means for the disk asked first."""
    return button(label, "stop", of_lease(m), DANGER, _stop_dialog(m))


def _stop_dialog(m: Machine) -> Block:
    if not m.can_stop:
        return confirm(
            f"End {m.name}?",
            f"{m.name} is a spot machine, which cannot be stopped: it ends, and its "
            f"{words.disk(m)} is deleted with everything on it.{_saves(m)}",
            "End it",
            "Keep it running",
        )
    if m.leaves_disk:
        return confirm(
            f"Stop {m.name}?",
            f"What runs on it is lost. The spot machine ends, and its {words.disk(m)} is kept to "
            f"start again from.{_saves(m)}",
            "Stop it",
            "Keep it running",
        )
    daily = price.dollars(words.stopped_daily(m))
    return confirm(
        f"Stop {m.name}?",
        f"What runs on it is lost. Its {words.disk(m)} is kept and costs {daily} a day.{_saves(m)}",
        "Stop it",
        "Keep it running",
    )


def _saves(m: Machine) -> str:
    each = lifecycle.hourly_now(m)
    return f" It costs {price.per_hour(each)} while it runs." if each is not None else ""


def start_button(m: Machine, label: str = "Start again", style: str | None = PRIMARY) -> Block:
    """[Start again]: its price stands beside it in the message."""
    return button(label, "start", m.id, style)


def end_button(m: Machine, label: str = "End") -> Block:
    """[End], with what is lost asked first."""
    return button(label, "end", of_lease(m), DANGER, _end_dialog(m))


def _end_dialog(m: Machine) -> Block:
    saved = ""
    if m.state is State.STOPPED:
        saved = f", and {price.dollars(words.stopped_daily(m))} a day is saved"
    return confirm(
        f"End {m.name}?",
        f"{m.name} is terminated and its {words.disk(m)} is deleted with everything on "
        f"it{saved}. This cannot be undone.",
        "End it",
        "Keep it",
    )


def cancel_button(m: Machine) -> Block:
    """[Cancel]: gives a launch up that has not come up yet; of a group some may run already."""
    dialog = _cancel_dialog(m) if m.members else None
    return button("Cancel", "cancel", f"{m.id}:{m.turn}", None, dialog)


def _cancel_dialog(m: Machine) -> Block:
    return confirm(
        f"End {m.name}?",
        f"{len(m.members)} of {m.name} run already: they end, and their disks are deleted.",
        "End them",
        "Go on",
    )


def more_button(m: Machine) -> Block:
    """[Keep trying for 3]: the missing ones become a launch of their own, at the same price."""
    return button(many.rest(m), "more", f"{m.id}:{m.turn}")


def choice_label(choice: Choice, hold: Hold, wish: Wish) -> str:
    """What a way on says on its button, with the price of all machines that it would launch."""
    count = int(choice.value) if choice.kind is ChoiceKind.COUNT else wish.count
    at = f" at {price.per_hour(choice.hourly * count)}" if choice.hourly is not None else ""
    match choice.kind:
        case ChoiceKind.ASK_QUOTA:
            return f"Ask AWS for {choice.value}"
        case ChoiceKind.ASK_AND_LAUNCH:
            return "Launch when granted" if hold.asked else "Ask, and launch when granted"
        case ChoiceKind.MARKET:
            return f"{choice.value.capitalize()}{at}"
        case ChoiceKind.TYPE:
            return f"{choice.value} {wish.market}{at}"
        case ChoiceKind.REGION:
            return f"{choice.value}{at}"
        case ChoiceKind.DISK:
            return f"With a {choice.value} GB disk"
        case ChoiceKind.IMAGE:
            return f"With image {choice.value}"
        case ChoiceKind.COUNT:
            return f"Launch {choice.value} now{at}"
        case ChoiceKind.ZONE:
            return f"In another zone{at}"
        case ChoiceKind.KEEP_TRYING:
            if wish.until is not None:
                return f"Keep trying until {wish.until:%H:%M} UTC"
            return f"Keep trying for {words.length(lifecycle.KEEP_TRYING_FOR)}"
        case ChoiceKind.APPROVAL:
            return "Ask an approver"
        case ChoiceKind.RETRY:
            return "Launch now" if hold.kind is HoldKind.QUOTA else "Try again"
