"""How a story is told: acts of people, one after the other, and time that passes between them.

An act is a delivery of one request, so that doing it again is what the queue would do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.blocks import Message
from core.flows.request import Click, in_person
from core.model import Machine
from sim.chat import direct
from sim.struck import Struck
from sim.town import ADA, LIN, POLICY, REGIONS, buttons, pickers

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Act = Callable[[], object]
Acts = Iterator[Act]


@dataclass(frozen=True, kw_only=True)
class Story:
    """`most`: how many instances of one machine may be up at a time. `leaves`: what stays at the
    end, for it costs nothing and what no row knows is told to the admins, not deleted."""

    name: str
    acts: Callable[[Struck], Acts]
    prepare: Callable[[], Struck]
    most: int = 1
    leaves: frozenset[str] = frozenset()


def account(**policy: Any) -> Struck:
    """An account with quota, and two people who may log in."""
    here = new_account(**policy)
    here.with_quota()
    here.ready_to_launch(LIN)
    return here


def new_account(**policy: Any) -> Struck:
    """As it is on the first day: no quota, one person who may log in."""
    here = Struck(policy=replace(POLICY, **policy))
    here.ready_to_launch(ADA)
    return here


def say(here: Struck, text: str, user: str = ADA) -> Act:
    """One command, the same request however often it is delivered."""
    request = here.request(text, user)
    return lambda: here.deliver(request)


def press(here: Struck, message: Message | None, action: str, user: str = ADA) -> Act:
    """A press of that button, where the message has it; a later story goes on without."""
    found = [b for b in buttons(message) if b["action_id"] == action] if message else []
    clicks: list[Click] = [here.pressed(action, str(b["value"]), user) for b in found[:1]]
    return lambda: [here.press_button(click) for click in clicks]


def choose(here: Struck, words: str, user: str = ADA) -> Act:
    """A press of the button on the newest card that says so, where there is one."""
    card = here.card() if here.ledger.everything() and here.machine().card else None
    found = [b for b in buttons(card) if words in b["text"]["text"]] if card else []
    return press(here, card, str(found[0]["action_id"]) if found else "", user)


def wait(here: Struck, length: timedelta) -> Act:
    """Time goes on to that moment, however often this is done."""
    end = here.now + length
    return lambda: here.pass_time(max(timedelta(0), end - here.now))


def until(here: Struck, seen: Callable[[], bool], at_most: timedelta) -> Act:
    """Time goes on until somebody sees that, a minute at a time."""
    end = here.now + at_most

    def act() -> None:
        while not seen() and here.now < end:
            here.pass_time(here.strikes_every)

    return act


def pick(here: Struck, message: Message | None, moment: datetime, user: str = ADA) -> Act:
    """That moment chosen and confirmed in the message, where there is one. A picker has no value:
    the door makes one of its name and the moment."""
    found = pickers(message) if message else []
    names = [str(one["action_id"]).partition("/") for one in found[:1]]
    seconds = int(moment.timestamp())
    clicks = [here.pressed(name, f"{ids}:{seconds}", user) for name, _, ids in names]
    return lambda: [here.press_button(click) for click in clicks]


def at_home(here: Struck, action: str, user: str = ADA) -> Act:
    """A press of that button in the person's Home tab as it is when they look. There is neither a
    channel nor a response_url."""
    shown = here.chat.homes.get(user, [])
    found = [b for b in buttons(shown[-1]) if b["action_id"] == action] if shown else []
    clicks = [here.pressed(action, str(b["value"]), user) for b in found[:1]]
    clicks = [replace(one, channel="", response_url=in_person(user)) for one in clicks]
    return lambda: [here.press_button(click) for click in clicks]


def control(here: Struck, **command: Any) -> Act:
    """Something happens to the world."""
    return lambda: here.control(**command)


def retyped(here: Struck, instance: str, name: str) -> Act:
    """Somebody makes the stopped instance another type, in the console."""

    def act() -> None:
        here.striker.awake = False
        change = {"InstanceId": instance, "InstanceType": {"Value": name}}
        here.world.call("ec2", REGIONS[0], "ModifyInstanceAttribute", change)
        here.striker.awake = True

    return act


def latest(here: Struck, action: str, user: str | None = None) -> Message | None:
    """The newest message with that button: in the channel, or in a person's direct messages."""
    said = here.news() if user is None else [p.message for p in here.chat.channel(direct(user))]
    return next((m for m in reversed(said) if action in {b["action_id"] for b in buttons(m)}), None)


def answered(here: Struck, action: str) -> Message | None:
    """The newest answer with that button, which only the caller sees."""
    said = [answer.message for answer in here.chat.answers]
    return next((m for m in reversed(said) if action in {b["action_id"] for b in buttons(m)}), None)


def picking(here: Struck) -> Message | None:
    """The newest message in the channel in which a moment can be chosen."""
    return next((m for m in reversed(here.news()) if pickers(m)), None)


def named(here: Struck, name: str) -> Machine | None:
    """The live machine of that name."""
    return here.ledger.named(name)


def instance_of(here: Struck, name: str) -> str | None:
    """EC2's id of what runs under that name now."""
    m = named(here, name)
    return m.instance.id if m and m.instance and m.instance.state == "running" else None
