"""Stories of machines: what people do and what happens to them, one act after the other.

An act is a delivery of one request, so that doing it again is what the queue would do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from core.blocks import Message
from sim.town import ADA, LIN, Town, buttons

MINUTE = timedelta(minutes=1)
Act = Callable[[], object]
Acts = Iterator[Act]


@dataclass(frozen=True, kw_only=True)
class Story:
    """`most`: how many instances of one machine may be up at a time."""

    name: str
    acts: Callable[[Town], Acts]
    prepare: Callable[[], Town]
    most: int = 1


def account() -> Town:
    """An account with quota, and two people who may log in."""
    here = Town()
    here.with_quota()
    for user in (ADA, LIN):
        here.ready_to_launch(user)
    return here


def _new_account() -> Town:
    here = Town()
    here.ready_to_launch()
    return here


def say(here: Town, text: str, user: str = ADA) -> Act:
    """One command, the same request however often it is delivered."""
    request = here.request(text, user)
    return lambda: here.deliver(request)


def press(here: Town, message: Message, action: str, user: str = ADA) -> Act:
    """A press of that button, where the message has it; a later story goes on without."""
    found = [b for b in buttons(message) if b["action_id"] == action]
    return lambda: [here.click(action, str(b["value"]), user) for b in found[:1]]


def wait(here: Town, length: timedelta) -> Act:
    """Time goes on to that moment, however often this is done."""
    end = here.now + length
    return lambda: here.pass_time(max(timedelta(0), end - here.now))


# ---- the stories ----------------------------------------------------------------------------


def _launch(here: Town) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "start bert for 1h")
    yield wait(here, 2 * MINUTE)


def _deadline(here: Town) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand for 20m name bert")
    yield wait(here, 16 * MINUTE)
    warned = here.news()
    yield press(here, warned[-1] if warned else here.card(), "extend")
    yield wait(here, 25 * MINUTE)


def _interrupted(here: Town) -> Acts:
    yield say(here, "launch g5.xlarge spot for 2h name bert")
    yield wait(here, 2 * MINUTE)
    for one in here.world.state()["instances"]:
        if one["state"] == "running":
            here.control(do="interrupt", instance=one["id"])
    yield wait(here, 4 * MINUTE)


def _kept(here: Town) -> Acts:
    yield say(here, "launch g5.xlarge spot keep in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 3 * MINUTE)
    yield say(here, "start bert")
    yield wait(here, 3 * MINUTE)


def _wall(here: Town) -> Acts:
    yield say(here, "launch p3.2xlarge spot in us-east-1 for 2h name bert")
    card = here.card() if here.ledger.everything() else None
    asks = [b["action_id"] for b in buttons(card)] if card else []
    if card and len(asks) > 1:
        yield press(here, card, asks[1])
    yield wait(here, 4 * MINUTE)


def _full(here: Town) -> Acts:
    here.control(do="fill-zone", region="us-east-1")
    yield say(here, "launch p3.2xlarge spot in us-east-1 for 2h name bert keep trying")
    yield wait(here, 4 * MINUTE)
    here.control(do="free-zone", region="us-east-1")
    yield wait(here, 8 * MINUTE)


def _group(here: Town) -> Acts:
    for zone in ("us-east-1a", "us-east-1c"):
        here.control(do="fill-zone", region="us-east-1", zone=zone, room=2)
    yield say(here, "launch g5.xlarge x3 on-demand in us-east-1 for 2h name bert")
    yield wait(here, 3 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 2 * MINUTE)


def _data(here: Town) -> Acts:
    yield say(here, "launch g5.xlarge on-demand data 100 in us-east-1 for 2h name bert")
    yield wait(here, 3 * MINUTE)
    yield say(here, "end bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "launch g5.xlarge on-demand data in us-east-1 for 2h name emil")
    yield wait(here, 3 * MINUTE)


def _saved(here: Town) -> Acts:
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield say(here, "save bert as bert-env")
    yield wait(here, 3 * MINUTE)
    yield say(here, "launch g5.xlarge on-demand image bert-env in us-west-2 for 2h name emil")
    yield wait(here, 5 * MINUTE)


STORIES = (
    Story(name="launch", acts=_launch, prepare=account),
    Story(name="deadline", acts=_deadline, prepare=account),
    Story(name="interrupted", acts=_interrupted, prepare=account),
    Story(name="kept", acts=_kept, prepare=account),
    Story(name="wall", acts=_wall, prepare=_new_account),
    Story(name="full", acts=_full, prepare=account),
    Story(name="group", acts=_group, prepare=account, most=3),
    Story(name="data", acts=_data, prepare=account),
    Story(name="saved", acts=_saved, prepare=account),
)
