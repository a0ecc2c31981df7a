"""What EC2 refuses about a kept disk: why, that it is safe, what it costs meanwhile, what helps."""

from core.blocks import Message, code, context, escape, message, section
from core.lifecycle import IMAGE_FAILED, SNAPSHOT_FAILED
from core.messages import words
from core.model import Desire, Machine, Notice, State
from core.refusals import meaning, next_step

_AGAIN = "It is tried again every five minutes and goes on by itself."


def refused(m: Machine, owed: Notice) -> Message:
    """Said once, however often it is refused."""
    if m.kept is None or not m.kept.trouble:
        late = f"AWS has refused something about the disk of {words.name(m)}; it is done now."
        return message(section(f"{words.owner(m)} {late}"))
    said = f"{_what(m)} {_why(owed.detail)} {_cost(m)}"
    return message(section(f"{words.owner(m)} {said}"), context(f"{_AGAIN} {_ways(m)}".rstrip()))


def waited(m: Machine) -> str:
    """What a start from it waits for, beside time; empty where nothing is refused."""
    if m.kept is None or not m.kept.trouble:
        return ""
    return f" So far that has been refused. {_why(m.kept.trouble)} {_AGAIN}"


def _what(m: Machine) -> str:
    assert m.kept is not None
    name = words.name(m)
    if m.state is State.RUNNING:
        return f"{name} runs, but what it was started from could not be removed."
    if m.kept.staying:
        return f"{name} stays as it is, but the snapshot that was made of it could not be removed."
    if m.kept.snapshot and m.kept.image and not m.kept.parting:
        return f"The disk of {name} is a snapshot, but what is left beside it could not be removed."
    if m.desire is Desire.RUN:
        return f"{name} cannot start yet: its disk could not become a snapshot to start from."
    if m.kept.parting:
        return f"{name} could not be put away: it stays stopped, with its disk, as it is."
    return f"The disk of {name} could not become a snapshot to start from: it stays as it is."


def _why(refusal: str) -> str:
    if refusal == SNAPSHOT_FAILED:
        return "EC2 could not make the snapshot."
    if refusal == IMAGE_FAILED:
        return "EC2 could not make an image of the snapshot."
    return f"{escape(meaning(refusal))} {escape(next_step(refusal))}"


def _cost(m: Machine) -> str:
    safe = "" if m.state is State.RUNNING else "Nothing of it is lost. "
    daily = "" if m.state is State.RUNNING else f"It costs {words.kept_daily(m)} a day meanwhile."
    return f"{safe}{daily}" or "That costs a little for as long as it lasts."


def _ways(m: Machine) -> str:
    if m.state is not State.STOPPED:
        return ""
    if m.desire is Desire.RUN:
        return f"To give the start up: {code(f'/gpu stop {m.name}')}"
    return f"If nobody needs it: {code(f'/gpu end {m.name}')}"
