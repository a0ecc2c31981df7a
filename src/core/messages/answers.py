"""What only the caller sees: refusals, confirmations, old buttons, trouble.

A refusal says what happened, what is running or costing money now, and the next step.
"""

from datetime import datetime

from core.blocks import Block, Message, actions, button, code, context, escape, message, section
from core.commands import UsageError
from core.faults import Fault
from core.lifecycle import NotExtended, hourly_now, next_decider
from core.messages import in_store, words
from core.messages.guide import TOPICS
from core.model import ALIVE, FINAL, Desire, Happening, Machine, Place, State
from core.policy import Denied, Pointless
from core.refusals import what_to_say
from core.words import closest

_NOT_DONE = "Nothing was started or changed."


# ---- refusals -------------------------------------------------------------------------------


def denied(refusal: Denied | Pointless) -> Message:
    """A rule says no, or it cannot be."""
    blocks = [section(_with_nothing_done(refusal.what))]
    if refusal.next:
        blocks.append(context(escape(refusal.next)))
    return message(*blocks)


def usage(error: UsageError) -> Message:
    """The words were not understood, or cannot be meant; the nearest command that can."""
    blocks = [section(_with_nothing_done(error.what))]
    if error.nearest:
        blocks.append(section(f"Try {code(_command(error.nearest))}"))
    topic = f"/gpu help {error.topic}" if error.topic in TOPICS else "/gpu help"
    if error.nearest != topic:
        blocks.append(context(f"Examples: {code(topic)}"))
    return message(*blocks)


def _command(nearest: str) -> str:
    return nearest if nearest.startswith("/") else f"/gpu {nearest}"


def _with_nothing_done(what: str) -> str:
    """Every refusal says that nothing happened, once: some say so in their own words."""
    said = escape(what)
    return said if "othing was" in said or "not stored" in said else f"{said} {_NOT_DONE}"


def not_yours(m: Machine) -> Message:
    """Somebody else's machine."""
    return message(
        section(
            f"{words.name(m)} belongs to {words.owner(m)}: only they or an admin can do that. "
            f"Nothing was changed; it is {words.state(m)}."
        ),
        context("Your machines: `/gpu list`"),
    )


def no_machine(name: str | None, near: tuple[Machine, ...]) -> Message:
    """There is none of that name, or none that this could mean."""
    if name is not None:
        meant = closest(name, [m.name for m in near])
        guess = f" Did you mean {code(meant)}?" if meant else ""
        said = (
            f"No machine that is there now is called {code(name)}; one that has ended cannot be "
            f"started again.{guess} Nothing was changed."
        )
    elif near:
        said = "None of your machines is in a state for that. Nothing was changed."
    else:
        said = "You have no machine. Nothing was changed, and it costs nothing."
    if not near:
        return message(section(said), context("Launch one: `/gpu launch g5.xlarge spot for 2h`"))
    yours = "\n".join(f"• {words.name(m)}: {words.state(m)}" for m in near[:10])
    return message(section(said), section(f"Your machines:\n{yours}"))


def which_machine(machines: tuple[Machine, ...], verb: str, rest: str = "") -> Message:
    """Several could be meant. `rest` is what else was typed, such as `1h`."""
    lines = "\n".join(
        f"• {code(f'/gpu {verb} {m.name} {rest}'.strip())}: {words.state(m)}, {words.what(m)}"
        for m in machines[:10]
    )
    return message(section(f"Which one? Nothing was changed. You have {len(machines)}:\n{lines}"))


def nothing_to_stop() -> Message:
    """`stop all` with nothing up."""
    return message(
        section("Nothing of yours is running, so nothing was stopped."),
        context("Stopped machines keep their disks, which cost money: `/gpu list`"),
    )


def name_taken(name: str, holder: Machine | None) -> Message:
    """The name that a launch was to have is a machine's. `holder` may have ended meanwhile."""
    whose = f" ({words.owner(holder)}'s)" if holder else ""
    return message(
        section(
            f"A machine called {code(name)} is there already{whose}. Nothing was started. Take "
            "another name, or none: then one is made up."
        ),
        context("Examples: `/gpu help launch`"),
    )


def twin(m: Machine) -> Message:
    """The same command twice within seconds."""
    return message(
        section(
            f"You asked for the same a moment ago: that is {words.name(m)}, {words.state(m)}. "
            "No second machine was started."
        ),
        context(f"You do want two? {code(_another(m))}"),
    )


def _another(m: Machine) -> str:
    return f"/gpu {words.same_launch(m.wish)} name {m.name[:28]}-2"


def here_is_where(place: Place) -> Message:
    """The launch is shown elsewhere, because the bot may not write here."""
    where = "your direct messages with me" if place.channel.startswith("D") else "another channel"
    return message(
        section(
            f"I may not write in this channel, so the launch is shown in {where}. Invite me here "
            "to see the next one: `/invite @gpu`"
        )
    )


# ---- buttons that came too late -------------------------------------------------------------


def old_button(m: Machine | None) -> Message:
    """Somebody was first, or the machine has moved on: who and when, and how it is now."""
    if m is None:
        return message(
            section("That button belongs to something that is gone. Nothing was changed."),
            context("Your machines: `/gpu list`"),
        )
    last = _last_decision(m)
    who = f" Last: {words.happened(last.what)}, {words.at(last.at)}." if last else ""
    return message(
        section(
            f"That button is an old one: {words.name(m)} has moved on.{who} It is "
            f"{words.state(m)} now{_until(m)}. Nothing was changed."
        ),
        context(
            f"How it is: {code(f'/gpu show {m.name}')}" if m.state not in FINAL else "It is over."
        ),
    )


def _last_decision(m: Machine) -> Happening | None:
    """What a person did last; where nobody did anything, what happened last."""
    for happening in reversed(m.history):
        if "(by " in happening.what:
            return happening
    return Happening(at=m.history[-1].at, what=next_decider(m)) if m.history else None


def _until(m: Machine) -> str:
    if m.lease is None or m.state not in ALIVE or m.desire is not Desire.RUN:
        return ""
    verb = "stops" if m.can_stop else "ends"
    return f"; it {verb} by itself {words.ends(m)}"


def already(m: Machine) -> Message:
    """It is so already, or on the way."""
    return message(
        section(f"{words.name(m)} is {words.state(m)}{_until(m)}. Nothing was changed.{_costs(m)}"),
        context(f"More: {code(f'/gpu show {m.name}')}" if m.state not in FINAL else "It is over."),
    )


def overtaken(m: Machine) -> Message:
    """The queue brought two commands the wrong way round."""
    return message(
        section(
            f"Nothing was changed by this: another command for {words.name(m)} was typed after it, "
            f"and that one counts. {words.name(m)} is {words.state(m)}{_until(m)}.{_costs(m)}"
        )
    )


def launched_since(machines: tuple[Machine, ...]) -> Message:
    """A command came, for the first time or again, after what it could mean now was launched."""
    lines = "\n".join(
        f"• {words.name(m)} is {words.state(m)}{_until(m)}.{_costs(m)}" for m in machines[:10]
    )
    return message(
        section(f"What was launched after this was typed is left as it is:\n{lines}"),
        context("If you mean it nevertheless, type it again."),
    )


def how_it_is(m: Machine) -> Message:
    """A request that has been carried out already: what came of it."""
    return message(section(f"{words.name(m)} is {words.state(m)}{_until(m)}.{_costs(m)}"))


def _costs(m: Machine) -> str:
    if m.state is State.STOPPED:
        return f" Its disk costs {words.kept_daily(m)} a day."
    if not m.has_something or m.state in FINAL:
        return " It costs nothing."
    each = hourly_now(m)
    return f" It costs {words.hourly(each)} while it runs." if each is not None else ""


# ---- done -----------------------------------------------------------------------------------


def extended(m: Machine, now: datetime) -> Message:
    """The new deadline and what it will have cost by then."""
    assert m.lease is not None
    cost = words.until_deadline(m)
    until = f" It will have cost {cost} by then" if cost else " Its price is not known"
    if words.is_doomed(m):
        return message(
            section(
                f"The lease of {words.name(m)} lasts until {words.at(m.lease.deadline)} now"
                f"{_until(m)}.{until} ({words.spent(m, now)} so far)."
            ),
            context(f"The budgets, which an admin can raise until then: {code('/gpu budget')}"),
        )
    return message(
        section(
            f"{words.name(m)} runs until {words.at(m.lease.deadline)}.{until} "
            f"({words.spent(m, now)} so far). You are warned {words.at(m.lease.warn_at)}."
        )
    )


def over_limit(m: Machine, to: datetime | None, why: str) -> Message:
    """A budget, and what else is named, stands against a longer lease; an approver may lift it."""
    said = f"{words.name(m)} was not extended. {escape(why)} It runs{_until(m)} as before."
    row = [ask_button(m, to)] if to is not None and m.lease is not None else []
    return message(section(said), *([actions(*row)] if row else []))


def ask_button(m: Machine, to: datetime) -> Block:
    """[Ask an approver] for exactly that deadline of exactly this lease."""
    assert m.lease is not None
    value = f"{m.id}:{m.lease.version}:{int(to.timestamp())}"
    return button("Ask an approver", "ask-extension", value, "primary")


def extend_refused(
    m: Machine,
    refusal: NotExtended,
    wanted: datetime | None = None,
    most: datetime | None = None,
) -> Message:
    """Why the deadline stays where it is, and how far it may go; `most`: with an approval."""
    latest = words.at(refusal.latest) if refusal.latest else None
    name = words.name(m)
    match refusal.why:
        case "not-running":
            said = f"{name} is {words.state(m)}, so there is no deadline to move."
        case "too-late":
            said = f"{name} has reached its deadline and is {words.state(m)}."
        case "beyond-longest":
            said = f"{name} may not run that long in one go (rule `longest-lease`)"
            said += f": {latest} is the latest." if latest else "."
            said += _with_approval(refusal, most)
        case "not-later":
            said = f"{name} runs{_until(m)} anyway; only a later time extends it."
            said += f" The latest is {latest}." if latest else ""
        case "decided":
            said = f"Somebody was first: {name} runs{_until(m)} now{_who(m)}."
        case _:
            said = f"{name} was not extended ({escape(refusal.why)})."
    end = "Nothing was changed." if refusal.why == "decided" else "The deadline was not changed."
    blocks = [section(f"{said} {end}{_costs(m)}")]
    may_ask = wanted is not None and most is not None and wanted <= most
    if wanted is not None and may_ask and refusal.why == "beyond-longest" and m.lease is not None:
        blocks.append(actions(ask_button(m, wanted)))
    return message(*blocks, context(_next_after(m, refusal)))


def _with_approval(refusal: NotExtended, most: datetime | None) -> str:
    """How far it may be asked for, where that is further."""
    further = most is not None and refusal.latest is not None and most > refusal.latest
    return f" An approver may let it run until {words.at(most)}." if most and further else ""


def _who(m: Machine) -> str:
    last = _last_decision(m)
    return f": {words.happened(last.what)}, {words.at(last.at)}" if last else ""


def _next_after(m: Machine, refusal: NotExtended) -> str:
    if m.state is State.STOPPED:
        return f"Start it with a new lease: {code(f'/gpu start {m.name}')}"
    if refusal.why in ("not-later", "decided"):
        return f"Longer still: {code(f'/gpu extend {m.name} 1h')}"
    return (
        f"How it stands: {code(f'/gpu show {m.name}')}" if m.state not in FINAL else "It is over."
    )


def stopping(m: Machine) -> Message:
    """Somebody asked for it; it is not stopped before EC2 says so."""
    return message(
        section(
            f"Stopping {words.name(m)}. {in_store.disk(m)}; the channel is told when it has "
            "stopped."
        ),
        context(f"Start it again: {code(f'/gpu start {m.name}')}"),
    )


def starting(m: Machine) -> Message:
    """A stopped machine is to run again, with a lease of its own."""
    if m.state is State.STOPPED:
        return message(section(in_store.to_start(m)))
    each = f" It costs {words.hourly(m.hourly)}" if m.hourly is not None else " It runs"
    ends = f" and stops by itself {words.at(m.lease.deadline)}" if m.lease else ""
    return message(
        section(
            f"Starting {words.name(m)}.{each}{ends}. The channel is told when it is ready; its "
            "address is a new one."
        )
    )


def ending(m: Machine) -> Message:
    """Somebody asked for it; it is not ended before EC2 says so."""
    if not m.has_something and m.attempt is None:
        return message(section(f"Giving {words.name(m)} up. {words.NOTHING}"))
    return message(
        section(
            f"Ending {words.name(m)}: its {words.disk(m)} is deleted. The channel is "
            "told when EC2 says that it is over; until then it may cost money."
        )
    )


def stopping_all(machines: tuple[Machine, ...]) -> Message:
    """Everything of somebody's is on its way to a stop or an end; the channel is told of each."""
    dropped = tuple(m for m in machines if not m.has_something and m.attempt is None)
    stops = tuple(m for m in machines if m.desire is Desire.STOP and m not in dropped)
    ends = tuple(m for m in machines if m.desire is Desire.GONE and m not in dropped)
    lines = []
    if dropped:
        lines.append(f"Giving {words.names(dropped)} up: nothing was started for them.")
    if stops:
        lines.append(f"Stopping {words.names(stops)}; the disks are kept.")
    if ends:
        lines.append(f"Ending {words.names(ends)}; the disks are deleted.")
    if stops or ends:
        lines.append("The channel is told of each when EC2 says so; until then it may cost money.")
    return message(section("\n".join(lines)))


def kept(m: Machine) -> Message:
    """The question is closed and nothing changes."""
    return message(
        section(f"{words.name(m)} stays as it is: {words.state(m)}{_until(m)}.{_costs(m)}")
    )


# ---- trouble --------------------------------------------------------------------------------


def trouble(reference: str, running: str | None) -> Message:
    """Something failed on our side; the queue brings it again. `running`: what may be running."""
    now = f" {escape(running)}" if running else ""
    return message(
        section(
            f"Something went wrong here, not in what you typed. It is tried again by itself.{now}"
        ),
        _look_up(reference),
    )


def launched_so_far(m: Machine | None) -> str:
    """What runs of a launch that went wrong here, by its row; None: there is no row."""
    if m is None:
        return "Nothing was started by it so far."
    if m.has_something or (m.attempt is not None and m.attempt.sends):
        return (
            f"{words.name(m)} may be running and cost money: it is looked for by itself, and "
            "`/gpu list` shows it."
        )
    return f"{words.name(m)} is {words.state(m)}: nothing runs for it now."


def launched_not_known() -> str:
    """The same where its row cannot be read now."""
    return "Whether it has started something is not known now: `/gpu list` shows it in a minute."


def aws_refused(reference: str, fault: Fault) -> Message:
    """AWS said no, or nothing, while something was looked up or done for the caller."""
    sure = "Nothing was started by this."
    unsure = "Whether it took effect is not certain."
    only_asked = fault.operation.startswith(("Describe", "List", "Get"))
    return message(
        section(
            f"AWS did not do that ({escape(fault.code) or 'no answer'}): "
            f"{escape(what_to_say(fault))} {sure if fault.definite or only_asked else unsure}"
        ),
        _look_up(reference),
    )


def _look_up(reference: str) -> Block:
    return context(
        f"Reference {code(reference)}: the admins find it in the log",
        "What runs and costs money: `/gpu list`",
    )


def too_late(at: datetime, what: str) -> Message:
    """The request waited so long on its way that nobody can still mean it. `what`: in its own
    words, as far as they can be told."""
    said = f"{code(what)} of {words.at(at)}" if what else f"What you pressed on {words.at(at)}"
    return message(
        section(
            f"{said} reached me more than 15 minutes late, so it was not done: nothing "
            "was started or changed by it. Please ask again."
        ),
        context("What runs and costs money: `/gpu list`"),
    )
