"""`make model`: searches every history of one launch, and shows that each rule is needed.

The search is over the product's own code (`sim.protocol`), in several rooms: what may happen in one
is bounded otherwise than in the next, for all of it at once is more than can be searched. From what
was seen it must always be possible to come to an end. Then one rule after the other is taken out of
the code, and the search must find the shortest history that this makes possible.
"""

import argparse
import time
from collections import deque
from dataclasses import dataclass, field

from sim.protocol import Bounds, Model, World
from sim.protocol_mutants import MUTANTS
from sim.protocol_rows import Code

# Two workers everywhere. The second figure of each is for the tests, which have little time.
ROOMS: dict[str, Bounds] = {
    "launching, two deaths": Bounds(steps=3, trouble=2, hours=0, people=False, taken=False),
    "the person ends it": Bounds(steps=2, trouble=1, hours=0, taken=False),
    "the deadline comes": Bounds(steps=2, trouble=0, hours=1, people=False, taken=False),
    "EC2 takes it back": Bounds(steps=3, trouble=1, hours=0, people=False),
}
SMALL: dict[str, Bounds] = {
    "launching": Bounds(steps=2, trouble=1, hours=0, people=False, taken=False),
    "the person, once": Bounds(steps=1, trouble=1, hours=1, taken=False),
}
MOST_MOVES = 400


@dataclass
class Found:
    """What a search has seen. `history` is the shortest way to something wrong, if there is one."""

    transitions: int = 0
    wrong: str = ""
    history: tuple[str, ...] = ()
    worlds: dict[World, tuple[World, str] | None] = field(default_factory=dict)
    seconds: float = 0.0


def search(model: Model) -> Found:
    """Breadth first, until something is wrong or everything within the bounds has been seen."""
    began, first = time.process_time(), model.first()
    found, waiting = Found(worlds={first: None}), deque([first])
    while waiting and not found.wrong:
        w = waiting.popleft()
        for what, then in model.following(w):
            found.transitions += 1
            if then in found.worlds:
                continue
            found.worlds[then] = w, what
            found.wrong = model.wrong(w, then) or ""
            if found.wrong:
                found.history = _way(found.worlds, then)
                break
            waiting.append(then)
    found.seconds = time.process_time() - began
    return found


def _way(worlds: dict[World, tuple[World, str] | None], to: World) -> tuple[str, ...]:
    way: list[str] = []
    at = worlds[to]
    while at is not None:
        way.append(at[1])
        at = worlds[at[0]]
    return tuple(reversed(way))


# ---- from everywhere to an end ------------------------------------------------------------------

_TROUBLE = (
    *("dies", "lost", "in vain", "tells nobody", "takes", "the person", "no answer in time"),
    "too early",
)
_WAITS = ("passes", "pass", "passed", "dead by now", "a look begins")


@dataclass
class Ends:
    """Whether it comes to an end from a world, once nothing more goes wrong.

    Everybody who was at it is dead; the clock has it looked at again and again. `sells`: what EC2
    does with a request that is still under way.
    """

    code: Code
    sells: bool
    known: set[World] = field(default_factory=set)

    def __post_init__(self) -> None:
        bounds = Bounds(steps=10**6, trouble=0, workers=1, hours=9, people=False, taken=False)
        self.model = Model(code=self.code, bounds=bounds)

    def reached(self, w: World) -> bool:
        """Whether there is an end; worlds on the way are known from then on."""
        w = _alone(w)
        way: list[World] = []
        while w not in self.known:
            if self.code.facts[w.row].over and not w.asked and not _up(w):
                break
            if len(way) > MOST_MOVES:
                return False
            way.append(w)
            after = self._after(w)
            if after is None:
                return False
            w = after
        self.known.update(way)
        return True

    def _after(self, w: World) -> World | None:
        """The world after a whole look; or, where that changes nothing, after some time."""
        looked = self._drained(w)
        if looked is not None and _alone(looked) != w:
            return _alone(looked)
        later = [pair for pair in self.model.following(w) if pair[0] != _WAITS[-1]]
        if w.asked:
            return _alone(self._answered([pair for pair in later if "tells nobody" in pair[0]]))
        good = [then for what, then in later if not any(word in what for word in _TROUBLE)]
        return _alone(good[0]) if good else None

    def _answered(self, answers: list[tuple[str, World]]) -> World:
        refused = [pair for pair in answers if "has none" in pair[0]]
        return (refused if refused and not self.sells else answers)[0][1]

    def _drained(self, w: World) -> World | None:
        begins = (then for what, then in self.model.following(w) if what == _WAITS[-1])
        at = next(begins, None)
        while at is not None and at.workers:
            at = self._next(at)
        return at

    def _next(self, w: World) -> World | None:
        """The worker's own next call, or EC2's answer to it."""
        own = [
            (what, then)
            for what, then in self.model.following(w)
            if not any(word in what for word in (*_TROUBLE, *_WAITS))
        ]
        if w.workers[0].waits:
            said = [pair for pair in own if pair[0].startswith("EC2")]
            return self._answered([pair for pair in said if "shows" not in pair[0]])
        return own[0][1]


def _alone(w: World) -> World:
    return w._replace(workers=(), steps=0, trouble=0, hours=0, sent=0)


def _up(w: World) -> bool:
    return any(one.state == "up" for one in w.bought)


def stuck(code: Code, worlds: dict[World, tuple[World, str] | None]) -> World | None:
    """A world from which it does not come to an end, if there is one."""
    alone = {_alone(w) for w in worlds}
    for sells in (True, False):
        ends = Ends(code=code, sells=sells)
        for w in alone:
            if not ends.reached(w):
                return w
    return None


# ---- the command ------------------------------------------------------------------------------


def _main() -> None:
    asked = argparse.ArgumentParser(description="Every history of one launch, within bounds.")
    asked.add_argument("--small", action="store_true", help="the rooms of the tests")
    small = asked.parse_args().small
    bad = _rooms(SMALL if small else ROOMS)
    print(f"\n{'without':60}{'leads to':>10}{'events':>8}{'states':>10}{'s':>7}")
    for mutant in MUTANTS:
        found = search(mutant.model())
        caught = found.wrong.startswith(mutant.leads_to)
        bad += not caught
        print(
            f"{mutant.name:60}{found.wrong.partition(':')[0] or 'nothing':>10}"
            f"{len(found.history):8}{len(found.worlds):10}{found.seconds:7.1f}"
        )
        for event in found.history:
            print(f"      {event}")
    raise SystemExit(1 if bad else 0)


def _rooms(rooms: dict[str, Bounds]) -> int:
    states = transitions = bad = 0
    seconds = 0.0
    print(f"{'room':26}{'states':>10}{'transitions':>13}{'s':>7}  wrong")
    for name, bounds in rooms.items():
        code = Code()
        found = search(Model(code=code, bounds=bounds))
        began = time.process_time()
        end = None if found.wrong else stuck(code, found.worlds)
        took = found.seconds + time.process_time() - began
        wrong = found.wrong or (f"no end from {end}" if end else "nothing")
        bad += wrong != "nothing"
        print(f"{name:26}{len(found.worlds):10}{found.transitions:13}{took:7.1f}  {wrong}")
        print(*(f"      {event}" for event in found.history), sep="\n", end="")
        states, transitions = states + len(found.worlds), transitions + found.transitions
        seconds += took
    print(f"\n{states} states, {transitions} transitions, {seconds:.0f} s of one core")
    return bad


if __name__ == "__main__":
    _main()
