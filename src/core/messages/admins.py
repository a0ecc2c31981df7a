"""What only admins read: why AWS denied a launch, and what in EC2 nobody knows."""

from decimal import Decimal

from core.blocks import Message, code, context, escape, message, section
from core.denials import Denial, Refused, plain
from core.leftovers import monthly
from core.messages import words
from core.model import Machine
from core.ports import Part
from core.refusals import meaning, next_step

MOST_WORDS = 700
MOST_LISTED = 20
MOST_CONDITIONS = 8


def why_denied(m: Machine, refused: Refused, denial: Denial | None) -> Message:
    """One launch that AWS did not allow: who, what, and which statement decided."""
    said = (
        f"{words.name(m)} of {words.owner(m)} ({words.wanted(m.wish)}) waits for an admin. "
        f"{escape(meaning(refused.code))} {escape(next_step(refused.code))}"
    )
    lines = [f"{code(refused.operation)} answered {code(refused.code)}."]
    if denial is not None:
        lines += _decision(denial)
    told = plain(refused.message)
    if told:
        lines.append(f"AWS's words: {escape(told[:MOST_WORDS])}")
    return message(
        section(said),
        section("\n".join(lines)),
        context("Only admins read this; the channel was told in plain words."),
    )


def _decision(denial: Denial) -> list[str]:
    which = ", ".join(code(one) for one in denial.statements)
    if denial.explicit and which:
        decided = f"A policy denies it: statement {which}."
    elif denial.explicit:
        decided = "A policy denies it."
    else:
        decided = "No policy allows it."
    conditions = "; ".join(denial.conditions[:MOST_CONDITIONS])
    return [
        decided,
        f"Action {code(denial.action)} on {code(denial.resource)} as {code(denial.principal)}",
        *([f"With {escape(conditions)}"] if conditions else []),
    ]


def strays(region: str, unknown: tuple[Part, ...]) -> Message:
    """Things with this deployment's mark that no machine is known for."""
    total = sum((monthly(part) for part in unknown), Decimal(0))
    lines = [part_line(part) for part in unknown[:MOST_LISTED]]
    more = len(unknown) - MOST_LISTED
    if more > 0:
        lines.append(f"… and {more} more")
    count = f"is {len(unknown)} thing" if len(unknown) == 1 else f"are {len(unknown)} things"
    return message(
        section(
            f"In {escape(region)} there {count} with this deployment's tag (`gpu:stack`) that no "
            f"machine is known for, for about {words.money(total)} a month. I do not delete what I "
            "do not know."
        ),
        section("\n".join(lines)),
        context("Delete in AWS's console what nobody needs. This is told once a day."),
    )


def strangers(swept: tuple[str, ...]) -> Message:
    """Instances that the sweep has stopped, each as `<region>/<action>/<instance>`."""
    lines = [_stranger(one) for one in swept[:MOST_LISTED]]
    more = len(swept) - MOST_LISTED
    if more > 0:
        lines.append(f"… and {more} more")
    count = "an instance" if len(swept) == 1 else f"{len(swept)} instances"
    return message(
        section(
            f"I have stopped {count} with this deployment's tag (`gpu:stack`) that no row of my "
            "table has. The tags `gpu:owner` and `gpu:machine` say whose each was. What was "
            "stopped has its disk still; what was spot has ended."
        ),
        section("\n".join(lines)),
        context(
            "If the table was lost or restored from a backup, this goes on with three a minute: "
            "docs/operations.md says what to do first."
        ),
    )


def _stranger(swept: str) -> str:
    region, _, rest = swept.partition("/")
    action, _, id = rest.partition("/")
    return f"• {code(id)} in {escape(region)}: {'ended' if action == 'terminate' else 'stopped'}"


def part_line(part: Part) -> str:
    """• volume vol-0…: 100 GB gp3, available, $8.00 a month"""
    size = f"{part.gb} GB {part.disk_type}".strip() if part.gb else ""
    each = monthly(part)
    price = f"about {words.money(each)} a month" if each else "free"
    outlives = "outlives the machine" if part.outlives else ""
    facts = [fact for fact in (size, part.state, price, outlives) if fact]
    return f"• {part.kind} {code(part.id)}: {escape(', '.join(facts))}"
