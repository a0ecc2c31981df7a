"""The audit trail as it is read in Slack, and the words that its file comes with."""

from core.blocks import Message, code, context, escape, message, section, user
from core.deeds import BOT
from core.messages import words
from core.model import Deed
from core.periods import Period

MOST_LINES = 15
_SECTION = 4  # lines in one block, which holds 3,000 characters


def audit(newest: tuple[Deed, ...], period: Period, whose: str | None) -> Message:
    """The newest lines, and how many there are beside them."""
    of = f" by {user(whose)}" if whose else ""
    if not newest:
        return message(section(f"Nothing was changed{of} {_when(period)}."))
    shown = newest[:MOST_LINES]
    parts = [shown[at : at + _SECTION] for at in range(0, len(shown), _SECTION)]
    more = len(newest) - len(shown)
    rest = f"… and {more} more. " if more else ""
    return message(
        section(f"*What was done{of} {_when(period)}*, the newest first:"),
        *(section("\n".join(_line(one) for one in part)) for part in parts),
        context(f"{rest}All of it as a file: {code('/gpu audit month csv')}"),
    )


def _when(period: Period) -> str:
    return period.name if period.name.startswith("this") else f"in {period.name}"


def _line(deed: Deed) -> str:
    who = "the bot" if deed.who == BOT else user(deed.who)
    machine = f" ({escape(deed.machine)})" if deed.machine else ""
    said = f" → {escape(deed.answer)}" if deed.answer else ""
    return f"{words.at(deed.at)} {who}: {code(deed.did)}{machine}{said}"


def audit_of_others() -> Message:
    """Only admins read what others did."""
    return message(
        section("Only admins read what others did."),
        context(f"What you did yourself: {code('/gpu audit week')}"),
    )


def file_of_deeds(period: Period, lines: int) -> str:
    """Beside the file."""
    return f"Who did what {_when(period)}: {lines} {'line' if lines == 1 else 'lines'}."
