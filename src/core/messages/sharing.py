"""Machines that others may connect to, in words: what was decided, and when it is done."""

from collections.abc import Iterable

from core.blocks import Message, code, context, message, section, user
from core.deeds import BOT
from core.messages import words
from core.model import FINAL, Desire, Machine, Profile, State
from core.shared_keys import COMMENT


def share_goes(m: Machine, guest: Profile, *, stop: bool) -> Message:
    """To who decided it, on a machine that has booted: what happens now to keys and addresses."""
    who, what = user(guest.user), words.name(m)
    if stop:
        said = f"The addresses of {who} are being closed on {what}, and their keys taken off."
    else:
        said = f"The keys of {who} are being put on {what}, and their addresses opened."
    if m.state is State.STOPPED:
        said += " It is stopped, so the keys follow when it runs again."
    else:
        said += " The channel hears when it is done."
    return message(section(said), *_lacks(guest, stop=stop))


def share_stands(m: Machine, guest: Profile, *, stop: bool) -> Message:
    """To who decided it, before the machine's first boot."""
    who, what = user(guest.user), words.name(m)
    said = (
        f"{who} is not let in to {what}." if stop else f"{what} lets {who} in as soon as it runs."
    )
    return message(section(said), *_lacks(guest, stop=stop))


def _lacks(guest: Profile, *, stop: bool) -> Iterable[dict[str, object]]:
    """What the colleague has still to do before anything can work."""
    steps = [] if guest.keys else [f"a public key ({words.KEY_STEP})"]
    steps += [] if guest.has_address else ["an address (`/gpu allow me`)"]
    if steps and not stop:
        yield context(f"They have to add {' and '.join(steps)}; both reach the machine by itself")


def share_before_boot(m: Machine, guest: str, by: str, *, stop: bool) -> Message:
    """To the channel, before the machine's first boot."""
    verb = "no longer lets" if stop else "lets"
    when = "" if stop else " as soon as it runs"
    said = f"{user(by)} {verb} {user(guest)} in to {words.name(m)}{when}."
    return message(section(said)) if stop else message(section(said), _how(m))


def share_done(m: Machine, by: str, added: tuple[str, ...], removed: tuple[str, ...]) -> Message:
    """To the channel: the machine's file and group are as was decided."""
    parts = []
    if added:
        who = words.owner(m) if by == BOT else user(by)
        parts.append(f"{who} lets {_people(added)} in to {words.name(m)}.")
    if removed:
        parts.append(
            f"{_no_longer(m, by, removed)} Their keys are off it and their addresses closed. A "
            "connection that is open now may last until it ends."
        )
    said = section(" ".join(parts) or f"The keys on {words.name(m)} are as they should be.")
    return message(said, _how(m)) if added else message(said)


def _no_longer(m: Machine, by: str, removed: tuple[str, ...]) -> str:
    if by != BOT:
        return f"{user(by)} no longer lets {_people(removed)} in to {words.name(m)}."
    return (
        f"{words.name(m)} no longer lets {_people(removed)} in: whoever is no full member of this "
        "workspace any more is taken off."
    )


def share_held_up(m: Machine, added: tuple[str, ...], removed: tuple[str, ...]) -> Message:
    """To the channel: EC2 does not take the machine's addresses; what is so, and what helps."""
    late = f"EC2 has not taken the new addresses of {words.name(m)} for ten minutes."
    again = "It is asked again every five minutes, and the channel hears when it is done."
    parts = [late, again]
    if added:
        parts.append(f"Until then {_people(added)} may *not* reach it.")
    if removed:
        parts.append(
            f"Until then the addresses of {_people(removed)} may *still* reach it. "
            f"{words.owner(m)}, where that must not be: {code(f'/gpu stop {m.name}')}"
        )
    return message(section(" ".join(parts)))


def share_since(m: Machine, guest: str) -> Message:
    """To who decided it: the machine is ending, or something else was decided since."""
    if m.desire is Desire.GONE or m.state in FINAL:
        return message(section(f"{words.name(m)} is ending, so nothing was changed."))
    now = "lets" if guest in m.shared else "does not let"
    return message(
        section(
            f"Nothing was changed by this: it was decided otherwise after it. {words.name(m)} "
            f"{now} {user(guest)} in."
        )
    )


def share_failed(m: Machine, added: tuple[str, ...], removed: tuple[str, ...]) -> Message:
    """To the channel: Systems Manager does not reach the machine; what is so, and what helps."""
    why = "its agent is not there, does not run or has no way out"
    parts = [f"{words.name(m)} does not answer Systems Manager: {why}."]
    if added:
        parts.append(
            f"So the keys of {_people(added)} are *not* on it, though their addresses may reach "
            f"it. {words.owner(m)}, add their public keys to `~/.ssh/authorized_keys` there."
        )
    if removed:
        parts.append(
            f"So the keys of {_people(removed)} are *still* on it, though their addresses are "
            f"closed. {words.owner(m)}, delete the lines that end in {code(COMMENT)} from "
            "`~/.ssh/authorized_keys` there."
        )
    return message(section(" ".join(parts)))


def _people(ids: tuple[str, ...]) -> str:
    return ", ".join(user(id) for id in ids)


def _how(m: Machine) -> dict[str, object]:
    steps = (f"How to connect: {code(f'/gpu ssh {m.name}')}", "From your address: `/gpu allow me`")
    return context(*steps)
