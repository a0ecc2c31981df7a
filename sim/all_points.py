"""`make points`: every point of every story by every blow; or pairs of blows, or some of all.

python -m sim.all_points                              all of it, on two processes
python -m sim.all_points --story launch --every 7     one story, every seventh point
python -m sim.all_points --pairs --every 3            two blows in one story, where it may cost
python -m sim.all_points --triples 1000 --seed 7      three blows at random
python -m sim.all_points --sample 10                  ten runs of each story
"""

import argparse
import gc
import itertools
import os
import pkgutil
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import core.flows
from sim.blows import Blow, Plan, fitting
from sim.forked import at_points, spread, struck
from sim.points import Outcome, judged, tell, unstruck
from sim.stories import STORIES, Story
from sim.struck import quiet

FLOWS = frozenset(f"core.flows.{one.name}" for one in pkgutil.iter_modules(core.flows.__path__))
# Calls that buy, start or end something, and what stands beside them.
COSTLY = frozenset({"RunInstances", "StartInstances", "StopInstances", "TerminateInstances"})
BESIDE = 2
LATER = 8  # how many costly calls after the first blow the second may fall
PAIRED = ("launch", "spot", "deadline", "interrupted", "recovered", "kept", "group", "full")
FIRST = (Blow.KILLED_BEFORE, Blow.KILLED_AFTER, Blow.NO_ANSWER, Blow.LOST_ANSWER, Blow.RACED)
SECOND = (Blow.KILLED_BEFORE, Blow.KILLED_AFTER, Blow.LOST_ANSWER, Blow.BROKEN_AFTER)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of one story."""

    story: str
    calls: int
    points: int
    outcomes: tuple[Outcome, ...]
    seconds: float
    flows: frozenset[str]


def told(runs: Callable[[Story], list[Outcome]], story: Story) -> Told:
    """All runs of a story, in this process and its children."""
    quiet()
    began = time.perf_counter()
    usual = unstruck(story.name)
    gc.collect()
    gc.freeze()  # so that children share the memory
    outcomes = tuple(runs(story))
    return Told(
        story=story.name,
        calls=len(usual.calls),
        points=len(usual.points),
        outcomes=outcomes,
        seconds=time.perf_counter() - began,
        flows=usual.flows,
    )


# ---- one blow -------------------------------------------------------------------------------


def every(step: int, story: Story) -> list[Outcome]:
    """Every blow at every `step`-th point; one story begins where the last one ends."""
    first = STORIES.index(story) * 7 % step
    return at_points(story, unstruck(story.name).points[first::step])


def sample(runs: int, story: Story) -> list[Outcome]:
    """So many runs, the points and blows spread evenly."""
    return spread(story, runs)


# ---- two and three ----------------------------------------------------------------------------


def costly(name: str) -> frozenset[int]:
    """The numbers of the calls that may cost, and of their neighbours."""
    calls = unstruck(name).calls
    found = [at for at, (_, call) in enumerate(calls, 1) if call in COSTLY]
    return frozenset(n for at in found for n in range(at - BESIDE, at + BESIDE + 1))


def later(nth: int, blow: Blow) -> Plan:
    """That blow at the n-th of the calls that come after and may cost, or write what was done."""
    left = itertools.count(1)

    def plan(number: int, port: str, name: str) -> Blow | None:
        may = name in COSTLY or (port, name) == ("ledger", "save")
        if not may or next(left) != nth:
            return None
        return blow if blow in fitting(port, name) else Blow.KILLED_AFTER

    return plan


def pairs(step: int, story: Story) -> list[Outcome]:
    """Two blows in one story, both where it may cost: every `step`-th of all pairs."""
    at_first = costly(story.name)
    seconds = list(itertools.product(range(1, LATER + 1), SECOND))
    outcomes = []
    for k, (nth, blow) in enumerate(seconds):
        if k % step == STORIES.index(story) % step:
            wanted = partial(_firsts, story.name, at_first)
            outcomes += struck(story, wanted, lambda n, b, nth=nth, blow=blow: later(nth, blow))  # type: ignore[misc]
    return outcomes


def _firsts(name: str, at_first: frozenset[int], at: int) -> tuple[Blow, ...]:
    if at not in at_first:
        return ()
    return tuple(blow for blow in fitting(*unstruck(name).calls[at - 1]) if blow in FIRST)


def triples(number: int, seed: int, story: Story) -> list[Outcome]:
    """Three blows at random calls; the seed and the story say which."""
    chance = random.Random(f"{seed} {story.name}")
    return [_triple(chance, story) for _ in range(number // len(STORIES))]


def _triple(chance: random.Random, story: Story) -> Outcome:
    calls = len(unstruck(story.name).calls)
    chosen = {chance.randint(1, calls): chance.random() for _ in range(3)}

    def plan(number: int, port: str, name: str) -> Blow | None:
        blows = fitting(port, name)
        return blows[int(chosen[number] * len(blows))] if number in chosen else None

    return judged(story, tell(story, plan))


# ---- the table ------------------------------------------------------------------------------


def _main() -> None:
    given = _asked()
    runs = _runs(given)
    wanted = [one for one in STORIES if given.story in (None, one.name)]
    if given.pairs and given.story is None:
        wanted = [one for one in wanted if one.name in PAIRED]
    found = []
    print(f"{'story':18}{'calls':>7}{'points':>8}{'blows':>7}{'tried':>8}{'held':>8}{'s':>7}")
    for one in _all(runs, wanted, given.processes):
        found.append(one)
        _print(one)
    tried = [outcome for one in found for outcome in one.outcomes]
    bad = [outcome for outcome in tried if outcome.wrong]
    _total(found, tried, bad)
    raise SystemExit(1 if bad else 0)


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description="Every point of every story, by every blow.")
    asked.add_argument("--story", choices=[one.name for one in STORIES])
    asked.add_argument("--every", type=int, default=1, help="every so many points, or pairs")
    asked.add_argument("--sample", type=int, help="only so many runs of each story")
    asked.add_argument("--pairs", action="store_true")
    asked.add_argument("--triples", type=int, help="so many runs in all")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    return asked.parse_args()


def _runs(given: argparse.Namespace) -> Callable[[Story], list[Outcome]]:
    if given.triples:
        return partial(triples, given.triples, given.seed)
    if given.sample:
        return partial(sample, given.sample)
    return partial(pairs if given.pairs else every, given.every)


def _all(
    runs: Callable[[Story], list[Outcome]], wanted: list[Story], processes: int
) -> Iterator[Told]:
    if processes == 1:
        yield from (told(runs, story) for story in wanted)
        return
    names = [story.name for story in wanted]
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(partial(_by_name, runs), names)


def _by_name(runs: Callable[[Story], list[Outcome]], name: str) -> Told:
    return told(runs, next(one for one in STORIES if one.name == name))


def _print(one: Told) -> None:
    held = sum(not outcome.wrong for outcome in one.outcomes)
    blows = {blow for outcome in one.outcomes for _, _, blow in outcome.struck}
    print(
        f"{one.story:18}{one.calls:7}{one.points:8}{len(blows):7}{len(one.outcomes):8}{held:8}"
        f"{one.seconds:7.0f}",
        flush=True,
    )
    for outcome in one.outcomes:
        if outcome.wrong:
            print(f"    {outcome}", flush=True)


def _total(found: list[Told], tried: list[Outcome], bad: list[Outcome]) -> None:
    by_blow = Counter(blow for outcome in tried for _, _, blow in outcome.struck)
    print("by blow: " + ", ".join(f"{blow} {n}" for blow, n in sorted(by_blow.items())))
    flows = frozenset[str]().union(*(one.flows for one in found))
    print("flows on whose way no call was made: " + " ".join(sorted(FLOWS - flows)))
    print(
        f"{len(found)} stories, {sum(one.calls for one in found)} calls, "
        f"{sum(one.points for one in found)} points, {len(tried)} tried, "
        f"{len(tried) - len(bad)} held, {len(bad)} did not"
    )


if __name__ == "__main__":
    _main()
