"""Every point of every story, struck by every fault: what must hold at the end holds.

A story is what people do and what happens to them. It is told once to count the calls through the
ports; then once more for each call and each fault, and after the blow the world goes on: the queue
delivers again what failed, the clock strikes, time passes. At the end nothing is doubled, unknown,
overdue, left over or unsaid.

    python -m sim.points                 every story, every point, every fault
    python -m sim.points --story launch --every 7
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from core.faults import CloudError, Fault, FaultKind
from core.model import FINAL, DataVolume, SavedImage
from core.ports import ChatError, StaleRow
from sim.fuse import EVERY_PORT, NEVER, Killed
from sim.stories import STORIES, Story
from sim.town import Town

MINUTE = timedelta(minutes=1)
AGAIN_AFTER = timedelta(seconds=75)  # the queue's visibility timeout
MOST_DELIVERIES = 10
LATE = timedelta(minutes=3)


class Blow(StrEnum):
    """What happens at a point."""

    KILLED_BEFORE = "killed before the call"
    KILLED_AFTER = "killed after the call"
    NO_ANSWER = "no answer, no effect"
    LOST_ANSWER = "no answer, but the effect"
    THROTTLED = "throttled"
    DENIED = "denied"


_KINDS = {
    Blow.NO_ANSWER: FaultKind.UNKNOWN,
    Blow.LOST_ANSWER: FaultKind.UNKNOWN,
    Blow.THROTTLED: FaultKind.THROTTLED,
    Blow.DENIED: FaultKind.DENIED,
}
_WORDS = {
    Blow.NO_ANSWER: "unreachable",
    Blow.LOST_ANSWER: "unreachable",
    Blow.THROTTLED: "ratelimited",
    Blow.DENIED: "channel_not_found",
}
_OURS = frozenset({"ledger", "wakes"})  # whose permissions a deployment cannot be without


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One story struck once. `wrong` is empty where everything held."""

    story: str
    at: int
    call: str
    blow: Blow
    wrong: tuple[str, ...]


class _Striker:
    """Counts the calls through the ports and strikes at one of them."""

    def __init__(self, at: int, blow: Blow) -> None:
        self.left, self.blow = at, blow
        self.struck = ""

    @property
    def counted(self) -> int:
        return NEVER - self.left

    def around(self, port: str, name: str, call: Callable[..., Any], *a: Any, **k: Any) -> Any:
        self.left -= 1
        if self.left != 0 or self.struck:
            return call(*a, **k)
        self.struck = f"{port}.{name}"
        if self.blow in (Blow.KILLED_AFTER, Blow.LOST_ANSWER):
            call(*a, **k)
        raise self._error(port, name)

    def _error(self, port: str, name: str) -> BaseException:
        if self.blow in (Blow.KILLED_BEFORE, Blow.KILLED_AFTER):
            return Killed()
        if port == "chat":
            return ChatError(_WORDS[self.blow])
        kind = FaultKind.UNKNOWN if port in _OURS else _KINDS[self.blow]
        return CloudError(Fault(kind=kind, code=kind.value, message="", operation=name))


class _Struck:
    """A port whose every call passes the striker."""

    def __init__(self, name: str, port: Any, striker: _Striker) -> None:
        self._name, self._port, self._striker = name, port, striker

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what
        return lambda *a, **k: self._striker.around(self._name, name, what, *a, **k)


# ---- one story ------------------------------------------------------------------------------


def tell(story: Story, at: int = NEVER, blow: Blow = Blow.KILLED_BEFORE) -> tuple[Town, _Striker]:
    """The story told to its end, struck at the call number `at`."""
    here = story.prepare()
    striker = _Striker(at, blow)
    made: dict[str, Any] = {
        name: _Struck(name, getattr(here.house, name), striker) for name in EVERY_PORT
    }
    here.house = replace(here.house, **made)
    _redeliver(here)
    for act in story.acts(here):
        _until_done(here, act)
    return here, striker


def _redeliver(here: Town) -> None:
    """What fails on the queue comes again, as the real one brings it."""
    hands: Any = here
    wake: Callable[[str], None] = here._wake
    strike: Callable[[], None] = here._clock_strikes

    def again(key: str) -> None:
        before = len(here.failures)
        try:
            wake(key)
        except Killed:
            here.wakes.wake(key, AGAIN_AFTER)
        if len(here.failures) > before:
            here.wakes.wake(key, AGAIN_AFTER)

    def next_minute() -> None:
        try:
            strike()
        except (Killed, CloudError):
            return

    hands._wake, hands._clock_strikes = again, next_minute


def _until_done(here: Town, act: Callable[[], object]) -> None:
    for _ in range(MOST_DELIVERIES):
        try:
            act()
        except (Killed, CloudError, ChatError, StaleRow):
            here.pass_time(AGAIN_AFTER)
        else:
            return


def strike(story: Story, at: int, blow: Blow) -> Outcome:
    """The story struck once, and what was wrong at its end."""
    here, striker = tell(story, at, blow)
    here.pass_time(20 * MINUTE)
    wrong = [*_held(here, story.most)]
    _end_everything(here)
    wrong += _nothing_left(here)
    return Outcome(
        story=story.name, at=at, call=striker.struck, blow=blow, wrong=tuple(dict.fromkeys(wrong))
    )


def _held(here: Town, most: int) -> Iterator[str]:
    instances = here.world.state()["instances"]
    for m in here.ledger.everything():
        of_it = [i for i in instances if i["tags"].get("gpu:machine") == m.id]
        up = [i for i in of_it if i["state"] in ("pending", "running")]
        if len(up) > most:
            yield f"{len(up)} of {m.name} are up"
        if up and m.state in FINAL:
            yield f"{m.name} is lost"
        if up and m.lease and here.now > m.lease.deadline + LATE:
            yield f"{m.name} is overdue"
        if m.owed:
            yield f"{m.name} owes {[n.kind.value for n in m.owed]}"
        if m.due_at is None and m.state not in FINAL:
            yield f"nobody will look at {m.name} again"


def _end_everything(here: Town) -> None:
    """People end what they have; then everything that was ever made must be gone."""
    for m in here.ledger.live():
        _until_done(here, lambda m=m: here.type(f"end {m.name}", m.owner))  # type: ignore[misc]
    here.pass_time(15 * MINUTE)
    for volume in here.ledger.rows(DataVolume):
        what = f"data delete {volume.name} yes"
        _until_done(here, lambda v=volume, w=what: here.type(w, v.owner))  # type: ignore[misc]
    for image in here.ledger.rows(SavedImage):
        what = f"images delete {image.name} yes"
        _until_done(here, lambda i=image, w=what: here.type(w, i.owner))  # type: ignore[misc]
    here.pass_time(75 * MINUTE)  # the look over what is left comes once an hour


def _nothing_left(here: Town) -> Iterator[str]:
    for m in here.ledger.live():
        yield f"{m.name} is {m.state} for ever"
    for what, number in here.counts().items():
        if number:
            yield f"{number} {what} left"


# ---- all of them ----------------------------------------------------------------------------


def outcomes(story: Story, every: int = 1, first: int = 1) -> Iterator[Outcome]:
    """The story struck at every `every`-th point, by every fault."""
    _, striker = tell(story)
    for at in range(first, striker.counted + 1, every):
        for blow in Blow:
            yield strike(story, at, blow)


def _main() -> None:
    asked = argparse.ArgumentParser(description="Every point of every story, by every fault.")
    asked.add_argument("--story", choices=[one.name for one in STORIES])
    asked.add_argument("--every", type=int, default=1)
    given = asked.parse_args()
    bad: list[Outcome] = []
    for story in STORIES:
        if given.story not in (None, story.name):
            continue
        began, tried = time.perf_counter(), Counter[str]()
        for one in outcomes(story, given.every):
            tried["wrong" if one.wrong else "held"] += 1
            if one.wrong:
                bad.append(one)
                print(one, flush=True)
        seconds = time.perf_counter() - began
        print(f"{story.name}: {dict(tried)} in {seconds:.0f} s", flush=True)
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    _main()
