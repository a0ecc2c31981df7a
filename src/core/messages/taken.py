"""What EC2 takes back, or may take back: what is saved, what is lost, whether it comes back."""

from core import lifecycle as life
from core.blocks import Message, code, context, escape, message, section
from core.messages import many, words
from core.model import ALIVE, Desire, Machine, Market, Notice, State


def interrupted(m: Machine, owed: Notice) -> Message:
    """The two-minute notice: until when, what is saved, how to go on."""
    gone = owed.at + words.SPOT_NOTICE
    if m.state not in ALIVE:
        said = f"EC2 took {words.name(m)} back; it is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {said}"))
    other = words.launch_again(m.wish, Market.ON_DEMAND)
    if m.members and not many.taken(m):
        said = f"EC2 has taken some of {words.name(m)} back. {many.standing(m)}"
        return message(section(f"{words.owner(m)} {said}"))
    what = many.taken(m) if m.members else words.name(m)
    return message(
        section(
            f"{words.owner(m)} EC2 takes {what} back and ends it about {words.at(gone)}. "
            f"{_save_now(m)}{_returns(m, owed)} Connect: {code(f'/gpu ssh {m.name}')}"
        ),
        context(f"On-demand machines are not taken back: {other}"),
    )


def _save_now(m: Machine) -> str:
    """What of it is saved: the disk or not, the data volume always."""
    data = f" Its data volume *{data_name(m)}* stays." if m.data else ""
    if m.members:
        return "Save your work there now: its disk is deleted. The others stay."
    if m.can_stop:
        return f"What runs on it is lost; its {words.disk(m)} is kept, to start again from.{data}"
    return f"Save your work now: its {words.disk(m)} is deleted.{data}"


def data_name(m: Machine) -> str:
    """The name of its data volume, out of its row's key."""
    return escape((m.data or "").partition(".")[2])


def _returns(m: Machine, owed: Notice) -> str:
    """Whether it comes back by itself, as far as is known before it is gone."""
    if not (m.wish.recover and m.leaves_disk):
        return ""
    why = stays_away(m, life.stays_away(m, owed.at + words.SPOT_NOTICE))
    return f" {why}" if why else " Then it comes back by itself."


def stays_away(m: Machine, why: str) -> str:
    """Why a machine that should come back by itself does not; empty where it does."""
    if why == life.TOO_OFTEN:
        times = life.MOST_RECOVERIES
        return f"It does not come back by itself: EC2 has taken it {times} times before."
    if why == life.TOO_SHORT and m.lease is not None:
        least = words.length(life.WORTH_COMING_BACK)
        end = words.at(m.lease.deadline)
        return f"It does not come back by itself: its lease ends {end}, in less than {least}."
    return ""


def advised(m: Machine, owed: Notice) -> Message:
    """EC2 may take it back soon: advice, and what would be lost."""
    what = f"some of {words.name(m)}" if m.members else words.name(m)
    if m.state not in ALIVE or m.desire is not Desire.RUN:
        was = f"EC2 said on {words.at(owed.at)} that it might take {what} back."
        return message(section(f"{words.owner(m)} {was} It is {words.state(m)} now."))
    other = words.launch_again(m.wish, Market.ON_DEMAND)
    return message(
        section(
            f"{words.owner(m)} EC2 may take {what} back soon: it says that the risk is higher than "
            f"usual. It need not come to that, and nothing has changed yet. {_if_taken(m, owed)}"
        ),
        context(
            "You would be told two minutes before. This is said once.",
            f"On-demand machines are not taken back: {other}",
        ),
    )


def _if_taken(m: Machine, owed: Notice) -> str:
    data = f" Its data volume *{data_name(m)}* stays." if m.data else ""
    if not m.leaves_disk:
        its = "that machine's" if m.members else "its"
        return f"If it does, {its} {words.disk(m)} is deleted: save now what you need.{data}"
    kept = f"If it does, what runs on it is lost and its {words.disk(m)} is kept."
    return f"{kept}{_returns(m, owed)}{data}"


def recovering(m: Machine, owed: Notice) -> Message:
    """It was taken and comes back: from what, where, until when, and how to stop that."""
    taken = f"{words.owner(m)} EC2 took {words.name(m)} back"
    if m.desire is not Desire.RUN or m.state not in (State.STOPPED, State.LAUNCHING):
        was = f"on {words.at(owed.at)}, and it was to come back by itself."
        return message(section(f"{taken} {was} It is {words.state(m)} now."))
    until = f" until {words.at(m.lease.deadline)}, as before" if m.lease else ""
    return message(
        section(
            f"{taken}, and it comes back by itself: a new machine from its {words.disk(m)}, which "
            f"takes some minutes. {_where(m)} It runs{until}. What ran on it is lost.{_along(m)}"
        ),
        context(
            "Until it runs only its disk costs money. "
            f"To leave it stopped: {code(f'/gpu stop {m.name}')}"
        ),
    )


def _where(m: Machine) -> str:
    region = escape(m.kept.region if m.kept else m.wish.region)
    then = ", and on-demand where there is none" if m.wish.or_on_demand else ""
    return f"Spot is tried in every zone of {region}{then}."


def _along(m: Machine) -> str:
    return f" Its data volume *{data_name(m)}* comes along." if m.data else ""


def is_back(m: Machine) -> str:
    """Where it came back to, for the message that it is ready; empty where it was not away."""
    if not m.recoveries or m.placement is None:
        return ""
    return f". It is back after EC2 took it: {m.market} in {escape(m.placement.zone)}."
