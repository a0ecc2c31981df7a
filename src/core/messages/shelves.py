"""What is said a day ahead of a deadline, and about machines that lie stopped for long."""

from datetime import datetime

from core.blocks import Message, message, section
from core.messages import words
from core.model import Machine, Notice


def notice(m: Machine, owed: Notice, now: datetime) -> Message:
    """The message that is owed, as true now as it was when it fell due."""
    return message(section(f"{words.owner(m)} {words.name(m)}: {owed.kind}"))
