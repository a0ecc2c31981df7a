"""What EC2 does not let go of when a machine is over: what it is, what it costs, what helps."""

from core.blocks import Message, code, context, escape, message, section
from core.messages import words
from core.model import Machine, Remains
from core.refusals import meaning, next_step

_USED_BY = {
    "security group": (
        "a rule of another group names it, or a network interface is in it",
        (
            "aws ec2 describe-security-groups --region {} "
            "--filters Name=ip-permission.group-id,Values={}"
        ),
    ),
    "snapshot": (
        "an image uses it",
        (
            "aws ec2 describe-images --region {} --owners self "
            "--filters Name=block-device-mapping.snapshot-id,Values={}"
        ),
    ),
    "volume": (
        "an instance has it",
        "aws ec2 describe-volumes --region {} --volume-ids {}",
    ),
}


def sentence(remains: Remains) -> str:
    """For everybody, on its card, too: true then and later."""
    if not remains.things:
        return (
            "Its instance is gone and costs nothing. AWS did not say what else of it is left: that "
            "is looked for every hour, and removed."
        )
    return (
        f"Its instance is gone and costs nothing. EC2 did not let go of {_things(remains)}, which "
        f"{_cost(remains)}: that is tried every hour until it is gone. The admins have been told; "
        "nobody else need do anything."
    )


def _things(remains: Remains) -> str:
    named = ", ".join(f"{kind} {code(id)}" for kind, id in remains.things)
    return f"its {named} in {escape(remains.region)}"


def _cost(remains: Remains) -> str:
    if not remains.monthly:
        return "costs nothing"
    return f"costs about {words.money(remains.monthly)} a month until then"


def for_admins(m: Machine) -> Message:
    """The same, with what may hold each thing, and how to see it."""
    if m.remains is None:
        return message(section(f"{words.name(m)} is {words.state(m)} now."))
    said = f"{words.name(m)} of {words.owner(m)} is over. {sentence(m.remains)}"
    return message(
        section(said),
        section("\n".join([*_refused(m.remains), *_help(m.remains)])),
        context("Only admins read this. It is said once."),
    )


def _refused(remains: Remains) -> list[str]:
    if not remains.code:
        return []
    why = f"{escape(meaning(remains.code))} {escape(next_step(remains.code))}"
    return [f"AWS answered {code(remains.code)}. {why}"]


def _help(remains: Remains) -> list[str]:
    if not remains.things:
        return [f"Region {escape(remains.region)}: `/gpu doctor` tries what the bot may do there."]
    lines = []
    for kind, id in remains.things:
        held, look = _USED_BY.get(kind, ("", ""))
        if held:
            shown = code(look.format(remains.region, id))
            lines.append(f"• {kind} {code(id)}: perhaps {held}. To see it: {shown}")
        else:
            lines.append(f"• {kind} {code(id)}")
    return [*lines, "Take that away, and what is left goes within an hour."]
