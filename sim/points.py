"""Every point of every story, struck by every blow: what must hold at the end holds.

A story is what people do and what happens to them. It is told once to count the calls that leave
the function; then once more for each point and each blow, and after the blow the world goes on: the
queue delivers again what failed, the clock strikes, time passes. At the end nothing is doubled,
unknown, overdue, left over or unsaid.

A point is a call in its situation: from which functions it was made and how the machines stood. The
clock reads the same thing every minute; of calls in one situation the first is struck.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from types import FrameType

from core.blocks import Message
from core.flows.rules import ruled
from core.model import FINAL, Approval, DataVolume, KeyDelivery, Purse, SavedImage, Tab
from sim.blows import Blow, Plan, fitting, never, once
from sim.chat import Posted, direct
from sim.stories import STORIES, Story
from sim.struck import Struck
from sim.town import ADA, CHANNEL, LIN, SAM, straight

MINUTE = timedelta(minutes=1)
SETTLES = 14 * MINUTE  # the longest outage, or an attempt's fence
PEOPLE = (ADA, LIN, SAM)
# What AWS refuses for good, or people do not see in time, leads a story elsewhere: then it need not
# tell what it tells otherwise.
_TURNS = frozenset({Blow.DENIED, Blow.AWAY})
# How that is told when it comes so late that it is over.
_LATE = {
    "EC took back, and it comes back by": "EC took back on , and it was",
    "Nobody decided in time: . Nothing was started,": "was not launched because its time ran out",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One story struck. `wrong` is empty where everything held."""

    story: str
    struck: tuple[tuple[int, str, Blow], ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        blows = ", ".join(f"{call} (call {at}): {blow}" for at, call, blow in self.struck)
        return f"{self.story}: {blows}: {'; '.join(self.wrong) or 'held'}"


# ---- telling --------------------------------------------------------------------------------


def tell(story: Story, plan: Plan = never) -> Struck:
    """The story told to its end, and some time after it."""
    with straight():
        here = story.prepare()
    here.most = story.most
    here.striker.plan = plan
    here.striker.awake = True
    for act in story.acts(here):
        act()
    here.pass_time(SETTLES)
    here.striker.plan = never
    return here


def strike(story: Story, at: int, blow: Blow) -> Outcome:
    """The story struck once, and what was wrong at its end."""
    return judged(story, tell(story, once(at, blow)))


def judged(story: Story, here: Struck) -> Outcome:
    """What was wrong, while it was told, at its end, and once everything has been ended."""
    struck = tuple(here.striker.struck)
    wrong = [*here.wrong, *at_rest(here), *_unsaid(story, here)]
    _end_everything(here)
    wrong += [*here.wrong, *_nothing_left(here, story.leaves)]
    return Outcome(story=story.name, struck=struck, wrong=tuple(dict.fromkeys(wrong)))


def at_rest(here: Struck) -> Iterator[str]:
    """What no rest may be like: doubled, lost, owing, or looked at by nobody."""
    instances = here.world.state()["instances"]
    for m in here.ledger.everything():
        of_it = [i for i in instances if i["tags"].get("gpu:machine") == m.id]
        up = [i for i in of_it if i["state"] in ("pending", "running")]
        if len(up) > here.most:
            yield f"{len(up)} of {m.name} are up"
        if up and m.state in FINAL:
            yield f"{m.name} is lost"
        if m.owed:
            yield f"{m.name} owes {[n.kind.value for n in m.owed]}"
        if m.due_at is None and m.state not in FINAL:
            yield f"nobody will look at {m.name} again"
    for row in here.ledger.rows(KeyDelivery):
        if row.due_at is not None:
            yield f"keys are still being put on {row.key}"
    for key in here.ledger.due(here.now - 5 * MINUTE):
        yield f"{key.partition('/')[0]} is due and nobody does it"


# ---- what was said --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Said:
    """How often each kind of news was told, and which requests were answered."""

    news: Counter[tuple[str, str]]
    asked: frozenset[str]
    answered: frozenset[str]
    calls: tuple[tuple[str, str], ...]
    points: tuple[int, ...]
    flows: frozenset[str] = field(default_factory=frozenset)


@cache
def unstruck(name: str) -> Said:
    """The story as it is told when nothing goes wrong."""
    story = next(one for one in STORIES if one.name == name)
    seen = _Situations()
    with straight():
        here = story.prepare()
    here.most, here.striker.awake = story.most, True
    here.striker.heard = lambda: seen.note(here)
    for act in story.acts(here):
        act()
    here.pass_time(SETTLES)
    assert not here.wrong, (name, here.wrong)
    assert not here.failures, (name, here.failures)
    return Said(
        news=_news(here),
        asked=frozenset(here.asked.values()),
        answered=_answered(here),
        calls=tuple(here.striker.calls),
        points=tuple(seen.firsts),
        flows=frozenset(seen.flows),
    )


def _unsaid(story: Story, here: Struck) -> Iterator[str]:
    """Each kind of news was told, at most once more for each blow; each request was answered."""
    blows = here.striker.struck
    usual, now = unstruck(story.name), _news(here)
    turned = any(blow in _TURNS for _, _, blow in blows) or _turned(usual, here)
    turned = turned or here.striker.forestalled
    said = {words for (_, words), number in now.items() if number}
    for words in sorted({words for _, words in usual.news} - said if not turned else ()):
        if _LATE.get(words) not in said:
            yield f"never said: {words}"
    for (where, words), number in usual.news.items():
        if now[where, words] > number + len(blows):
            yield f"said {now[where, words]} times, not {number}, in {where}: {words}"
    for asked in sorted(usual.answered.intersection(here.asked.values()) - _answered(here)):
        if not (turned and asked.startswith("choose-")):  # then it was another button
            yield f"never answered: {asked}"


def _turned(usual: Said, here: Struck) -> bool:
    """Whether the story went elsewhere: a button that is pressed usually was not offered, for what
    it would have done could not be checked. That launch stands, and says so on its card."""
    return not usual.asked <= set(here.asked.values())


def _answered(here: Struck) -> frozenset[str]:
    """What was typed or pressed and has had an answer, each time."""
    urls = {a.response_url for a in here.chat.answers}
    urls |= {key for key, places in here.in_person.items() if places}
    silent = {asked for url, asked in here.asked.items() if url not in urls}
    return frozenset(here.asked.values()) - silent


def _news(here: Struck) -> Counter[tuple[str, str]]:
    """(where, what kind) of everything that was said and is neither a card nor an answer."""
    cards = {m.card for m in here.ledger.everything()} | here.lost_cards
    cards |= {place for places in here.in_person.values() for place in places}
    places = (CHANNEL, *map(direct, PEOPLE))
    said = (p for place in places for p in here.chat.channel(place) if p.place not in cards)
    return Counter((p.place.channel, kind(_first(p))) for p in said)


def _first(posted: Posted) -> Message:
    return posted.earlier[0] if posted.earlier else posted.message


_NAMES = re.compile(r"<!date[^>]*>|<[^>]*>|`[^`]*`|\*[^*]*\*|\$?\d[\w.,:%-]*")


def kind(message: Message) -> str:
    """What a message says, without names, figures and times: its first eight words."""
    return " ".join(_NAMES.sub("", message.text).split()[:8])


# ---- situations -----------------------------------------------------------------------------


class _Situations:
    """The number of the first call of each situation, and which flows calls were made from."""

    def __init__(self) -> None:
        self.seen: set[object] = set()
        self.firsts: list[int] = []
        self.flows: set[str] = set()

    def note(self, here: Struck) -> None:
        """A call is about to leave."""
        functions = tuple(_functions(sys._getframe(1)))
        self.flows.update(name for name, _ in functions if name.startswith("core.flows."))
        machines = tuple((m.state, m.desire, m.attempt is None) for m in here.ledger.everything())
        situation = here.striker.calls[-1], functions, machines
        if situation not in self.seen:
            self.seen.add(situation)
            self.firsts.append(len(here.striker.calls))


def _functions(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(("core.", "adapters.", "handlers.")):
            yield name, frame.f_code.co_qualname
        frame = frame.f_back


# ---- the end --------------------------------------------------------------------------------


def _end_everything(here: Struck) -> None:
    """People end what they have; then everything that was ever made must be gone."""
    here.strikes_every = MINUTE
    here.sweeping = False  # what the sweep would still find has no excuse any more
    for m in here.ledger.live():
        here.deliver(here.request(f"end {m.name}", m.owner))
    here.pass_time(12 * MINUTE)
    for volume in here.ledger.rows(DataVolume):
        here.deliver(here.request(f"data delete {volume.name} yes", volume.owner))
    for image in here.ledger.rows(SavedImage):
        here.deliver(here.request(f"images delete {image.name} yes", image.owner))
    here.pass_time(75 * MINUTE)  # the look over what is left comes once an hour


def _nothing_left(here: Struck, leaves: frozenset[str]) -> Iterator[str]:
    for m in here.ledger.live():
        yield f"{m.name} is {m.state} for ever"
    for what, number in here.counts().items():
        if number and what not in leaves:
            yield f"{number} {what} left"
    if open_spot(here):
        yield "an open spot request is left"
    purse = here.ledger.row(Purse, "team")  # where there is no budget nobody looks at it
    if purse is not None and purse.commitments and ruled(here.house).policy.budgets:
        yield "money is still set aside"
    for tab in here.ledger.rows(Tab):
        if any(store.ended_at is None for store in tab.stores):
            yield f"{tab.what} is gone and still counted"
    for approval in here.ledger.rows(Approval):
        if approval.due_at is not None and approval.due_at < here.now - 5 * MINUTE:
            yield "an approval is due and nobody follows it"


def open_spot(here: Struck) -> int:
    """Spot requests that could still bring a machine."""
    regions = here.world._ground.regions.values()
    return sum(one.state in ("open", "active") for r in regions for one in r.spot_requests.values())


def blows_at(name: str, at: int) -> tuple[Blow, ...]:
    """What may happen at that call of the unstruck story."""
    return fitting(*unstruck(name).calls[at - 1])
