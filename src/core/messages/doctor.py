"""What the doctor found, in the order in which somebody has to do something about it."""

from collections.abc import Iterable

from core.blocks import Block, Message, context, escape, message, section
from core.doctor import Finding, Sign

MOST_SAID = 30  # blocks; a message holds fifty
_RIGHT_A_BLOCK = 8
_FREE = (
    "Nothing was made, changed or paid for: what is allowed was tried by dry runs. "
    "Only you see this."
)
_MARKS = {Sign.WRONG: ":x:", Sign.UNCLEAR: ":grey_question:", Sign.RIGHT: ":white_check_mark:"}


def doctor(findings: tuple[Finding, ...]) -> Message:
    """What is wrong with what mends it, what could not be checked, what is right."""
    said = list(_told(findings))
    bad = [line for sign, line in said if sign is not Sign.RIGHT]
    good = [line for sign, line in said if sign is Sign.RIGHT]
    more = len(bad) - MOST_SAID
    blocks: list[Block] = [
        section(_summary([sign for sign, _ in said])),
        *map(section, bad[:MOST_SAID]),
    ]
    if more > 0:
        blocks.append(section(f"… and {more} more"))
    parts = [good[at : at + _RIGHT_A_BLOCK] for at in range(0, len(good), _RIGHT_A_BLOCK)]
    blocks += [section("\n".join(part)) for part in parts]
    blocks.append(context(_FREE))
    return message(*blocks)


def _summary(said: list[Sign]) -> str:
    bad, unclear, good = (said.count(s) for s in (Sign.WRONG, Sign.UNCLEAR, Sign.RIGHT))
    if bad:
        head = f"*{bad} {'thing is' if bad == 1 else 'things are'} wrong*"
    else:
        head = "*Nothing wrong was found*"
    unsaid = f"{unclear} could not be checked, " if unclear else ""
    return f"{head}; {unsaid}{good} {'is' if good == 1 else 'are'} right."


def _told(findings: Iterable[Finding]) -> Iterable[tuple[Sign, str]]:
    """The same in several regions is said once; what is wrong comes first."""
    places: dict[tuple[Sign, str, str, str], list[str]] = {}
    for one in findings:
        fix = one.fix.replace(one.where, "{region}") if one.where else one.fix
        places.setdefault((one.sign, one.topic, one.said, fix), []).append(one.where)
    order = list(_MARKS)
    for key in sorted(places, key=lambda key: order.index(key[0])):
        yield key[0], _line(*key, [place for place in places[key] if place])


def _line(sign: Sign, topic: str, said: str, fix: str, where: list[str]) -> str:
    place = f" in {', '.join(escape(one) for one in where)}" if where else ""
    end = "" if said.endswith(".") else "."
    line = f"{_MARKS[sign]} *{topic}*{place}: {said}{end}"
    if not fix:
        return line
    likewise = ", and the same in the others." if len(where) > 1 and "{region}" in fix else ""
    return f"{line}\n{fix.replace('{region}', where[0] if where else '')}{likewise}"


def doctor_speaks() -> Message:
    """Into a channel, to the admin alone: that it arrives is the check."""
    return message(context("Looking whether the bot may write here. Only you see this."))
