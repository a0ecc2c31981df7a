"""Forks the telling of a story at every point that is to be struck.

The process tells the story as it is; at a point it has a child for each blow, which is struck and
goes on to the end, while the process waits. So what came before is told once for all of them.
"""

import os
import pickle
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sim.blows import Blow, Plan, never
from sim.points import Outcome, blows_at, judged, tell, unstruck
from sim.stories import Story


@dataclass
class Forks:
    """A plan that has a child struck at each call that `wanted` names blows for.

    `then` is what else strikes the child, once it has been struck.
    """

    story: str
    wanted: Callable[[int], tuple[Blow, ...]]
    then: Callable[[int, Blow], Plan] = lambda number, blow: never
    outcomes: list[Outcome] = field(default_factory=list)
    child: int | None = None  # where a child writes what became of it
    after: Plan = never

    def plan(self, number: int, port: str, name: str) -> Blow | None:
        """Called at each call of the story: the parent is never struck."""
        if self.child is not None:
            return self.after(number, port, name)
        for blow in self.wanted(number):
            if self._fork():
                self.after = self.then(number, blow)
                return blow
        return None

    def _fork(self) -> bool:
        """True in the child. The parent comes back with what the child has told."""
        read, write = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            os.close(read)
            self.child = write
            return True
        os.close(write)
        with os.fdopen(read, "rb") as told:
            text = told.read()
        _, status = os.waitpid(pid, 0)
        if status or not text:
            raise RuntimeError(f"{self.story}: a child ended with {status}")
        self.outcomes += pickle.loads(text)  # noqa: S301 - from our own child
        return False


def struck(
    story: Story,
    wanted: Callable[[int], tuple[Blow, ...]],
    then: Callable[[int, Blow], Plan] = lambda number, blow: never,
) -> list[Outcome]:
    """The story struck at each call by each blow that is wanted there."""
    forks = Forks(story=story.name, wanted=wanted, then=then)
    try:
        here = tell(story, forks.plan)
        outcome = judged(story, here) if forks.child is not None else None
    except BaseException:
        if forks.child is None:
            raise
        outcome = Outcome(story=story.name, struck=(), wrong=(traceback.format_exc(),))
    if forks.child is None:
        return forks.outcomes
    with os.fdopen(forks.child, "wb") as told:
        pickle.dump([outcome], told)
    os._exit(0)


def at_points(story: Story, points: tuple[int, ...]) -> list[Outcome]:
    """The story struck by every blow at each of these calls."""
    chosen = frozenset(points)
    return struck(story, lambda at: blows_at(story.name, at) if at in chosen else ())


def spread(story: Story, runs: int) -> list[Outcome]:
    """So many runs: the points in even steps, at each the blow that was struck least so far."""
    chosen = chosen_blows(story, runs)
    return struck(story, lambda at: chosen.get(at, ()))


def chosen_blows(story: Story, runs: int) -> dict[int, tuple[Blow, ...]]:
    """Each story begins with another blow, so that together they have them all."""
    points, every = unstruck(story.name).points, list(Blow)
    step, first = max(1, len(points) // runs), sum(map(ord, story.name))
    used, chosen = Counter[Blow](), dict[int, tuple[Blow, ...]]()
    for at in points[step // 2 :: step]:
        may = blows_at(story.name, at)
        blow = min(may, key=lambda one: (used[one], (every.index(one) + first) % len(every)))
        used[blow] += 1
        chosen[at] = (blow,)
    return chosen
