"""A stop or an end that EC2 refuses or that hangs: why, what it costs, what an admin can do."""

from core.blocks import Message, code, context, escape, message, section
from core.messages import words
from core.model import Desire, Instance, Machine, Notice, State
from core.refusals import meaning, next_step

_CHARGED = frozenset({"pending", "running"})
MOST_IDS = 10
_OVER = frozenset({"stopped", "terminated"})


def for_owner(m: Machine, owed: Notice) -> Message:
    """What hangs since when, AWS's reason, what it costs meanwhile, that nothing is to be done."""
    if m.state not in (State.STOPPING, State.ENDING):
        late = f"{words.name(m)} took long to {_verb(m)}; it is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {late}"))
    return message(
        section(f"{words.owner(m)} {_what(m, owed)} {_reason(m, owed)} {_cost(m)}"),
        context(
            "It is tried again and again, and you hear when it is done. The admins know; you need "
            "do nothing."
        ),
    )


def _verb(m: Machine) -> str:
    return "end" if m.desire is Desire.GONE else "stop"


def _what(m: Machine, owed: Notice) -> str:
    since = words.at(m.parting_since or owed.at)
    done = "ended" if m.desire is Desire.GONE else "stopped"
    return f"{words.name(m)} was to {_verb(m)} on {since} and has not {done}."


def _reason(m: Machine, owed: Notice) -> str:
    if owed.detail:
        return f"AWS refuses it: {escape(meaning(owed.detail))}"
    states = ", ".join(dict.fromkeys(one.state for one in _left(m)))
    return f"AWS has taken the order and shows it as {code(states or 'unknown')} since."


def _left(m: Machine) -> tuple[Instance, ...]:
    return tuple(one for one in m.instances if one.state not in _OVER) or m.instances


def _cost(m: Machine) -> str:
    """EC2 charges for what is pending or running, not for what stops; for disks in any case."""
    disk = f"its {words.disk(m)}, {words.kept_daily(m)} a day"
    each = words.price_of(m)
    if not any(one.state in _CHARGED for one in m.instances):
        return f"AWS charges nothing for the machine while it does so, only for {disk}."
    most = " at most" if m.members else ""
    price = f" {words.hourly(each)}{most}" if each is not None else " its full price"
    return f"It costs{price} for as long as that lasts."


def for_admins(m: Machine, owed: Notice) -> Message:
    """The same with its ids, and what helps where the bot cannot."""
    said = f"{_what(m, owed)} {_reason(m, owed)} {_cost(m)} It is {words.owner(m)}'s."
    if m.state not in (State.STOPPING, State.ENDING):
        said = f"{words.name(m)} took long to {_verb(m)}; it is {words.state(m)} now."
        return message(section(said))
    return message(
        section(said),
        section("\n".join(_help(m, owed))),
        context("Only admins read this. It is tried on, and said once."),
    )


def _help(m: Machine, owed: Notice) -> list[str]:
    left = _left(m)
    region = left[0].region if left else m.wish.region
    ids = " ".join(one.id for one in left[:MOST_IDS])
    where = f"In EC2, {escape(region)}: {code(ids)}"
    return [where, *(_if_refused(m, owed.detail) if owed.detail else _if_hanging(m, region, ids))]


def _if_refused(m: Machine, refusal: str) -> list[str]:
    ends = m.desire is Desire.GONE or m.leaves_disk
    protection, action = ("termination", "Terminate") if ends else ("stop", "Stop")
    return [
        f"AWS answered {code(refusal)}. {escape(next_step(refusal))}",
        (
            f"Look whether its {protection} protection is on and whether a policy denies the bot "
            f"{code(f'ec2:{action}Instances')}; then {_verb(m)} it in AWS's console, or leave "
            "that to the bot."
        ),
    ]


def _if_hanging(m: Machine, region: str, ids: str) -> list[str]:
    support = "If it goes on for hours, AWS Support can help."
    if m.desire is Desire.GONE or m.leaves_disk:
        return [support]
    forced = f"aws ec2 stop-instances --force --region {region} --instance-ids {ids}"
    return [
        f"To stop it by force, which may harm its file system: {code(forced)}",
        f"{support} {code(f'/gpu end {m.name}')} ends it with its disk.",
    ]
