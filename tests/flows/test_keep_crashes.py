"""A function may die at any call of a kept machine's stop and start: its disk is somewhere at all
times, nothing is left, and it runs once."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from core.model import State
from sim.fuse import fused, guarded
from sim.town import Town

MINUTE = timedelta(minutes=1)
ONE_UP = {"instances": 1, "volumes": 1, "snapshots": 0, "images": 0}


def _prepared() -> Town:
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge spot keep in us-east-1 for 2h name bert")
    here.pass_time(2 * MINUTE)
    return here


def _story(here: Town) -> Iterator[Callable[[], object]]:
    stop = here.request("stop bert")
    yield lambda: here.deliver(stop)
    yield lambda: here.pass_time(3 * MINUTE)
    start = here.request("start bert")
    yield lambda: here.deliver(start)
    yield lambda: here.pass_time(3 * MINUTE)


def _has_a_disk(here: Town) -> bool:
    counts = here.counts()
    return counts["volumes"] + counts["snapshots"] > 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_a_kept_machine_comes_up_once_with_its_disk(after: bool) -> None:
    here = _prepared()
    fuse = fused(here)
    for act in _story(here):
        act()
    assert fuse.counted > 100
    for at in range(1, fuse.counted + 1, 2):
        here = _prepared()
        fused(here, at, after=after)
        for act in _story(here):
            guarded(act)
            assert _has_a_disk(here), at
        here.pass_time(12 * MINUTE)
        m = here.machine()
        assert m.state is State.RUNNING, (at, m.history)
        assert {name: here.counts()[name] for name in ONE_UP} == ONE_UP, at
        assert m.kept is None, at
