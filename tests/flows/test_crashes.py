"""A function may die at any call: nothing is bought twice, nothing is lost, nothing stays."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.model import FINAL, State
from sim.town import ADA, Town


class Killed(BaseException):
    """The function's process ends here."""


class Fuse:
    """Counts every call through the ports and kills at the chosen one, before or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left = at
        self.after = after
        self.burnt = False

    def around(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        kills = self.left == 0 and not self.burnt
        if kills and not self.after:
            self.burnt = True
            raise Killed
        result = call(*args, **kwargs)
        if kills:
            self.burnt = True
            raise Killed
        return result


class Fused:
    """A port whose every call goes through the fuse."""

    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what
        return lambda *args, **kwargs: self._fuse.around(what, *args, **kwargs)


PORTS = ("cloud", "images", "quotas", "prices", "chat", "ledger", "wakes")


def _fused(here: Town, at: int, *, after: bool) -> Fuse:
    fuse = Fuse(at, after=after)
    fused: dict[str, Any] = {name: Fused(getattr(here.house, name), fuse) for name in PORTS}
    here.house = replace(here.house, **fused)
    return fuse


def _guarded(here: Town, act: Callable[[], object]) -> None:
    """Do it; if it is killed, the queue delivers it again."""
    try:
        act()
    except Killed:
        act()


def _story(here: Town) -> Iterator[Callable[[], object]]:
    request = here.request("launch p3.2xlarge on-demand for 1h name bert")
    yield lambda: here.deliver(request)
    yield lambda: here.pass_time(timedelta(minutes=2))
    stop = here.request("stop bert")
    yield lambda: here.deliver(stop)
    yield lambda: here.pass_time(timedelta(minutes=3))


def _prepared() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    return here


def _calls() -> int:
    here = _prepared()
    fuse = _fused(here, 10**9, after=False)
    for act in _story(here):
        act()
    assert here.machine().state is State.STOPPED
    return 10**9 - fuse.left


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_the_story_ends_with_one_stopped_machine(after: bool) -> None:
    calls = _calls()
    assert calls > 60
    for at in range(1, calls + 1):
        here = _prepared()
        fuse = _fused(here, at, after=after)
        for act in _story(here):
            _guarded(here, act)
        here.pass_time(timedelta(minutes=12))
        bought = here.world.state()["instances"]
        assert fuse.burnt, at
        assert len(bought) <= 1, f"call {at}: {len(bought)} instances"
        m = here.machine(0)
        assert m.state in (*FINAL, State.STOPPED), f"call {at}: {m.state}"
        assert m.owed == (), f"call {at}"
        assert not [i for i in bought if i["state"] in ("pending", "running")], at


@pytest.mark.parametrize(
    "fault", ["timeout-with-effect", "timeout-without-effect"], ids=["bought", "not-bought"]
)
def test_a_launch_without_an_answer_is_one_machine(fault: str) -> None:
    here = _prepared()
    here.control(do="fault", operation="RunInstances", code=fault, times=1)
    here.type("launch p3.2xlarge on-demand for 1h")
    here.pass_time(timedelta(minutes=2))
    assert here.machine().state is State.RUNNING
    assert len(here.world.state()["instances"]) == 1


def test_a_stop_while_the_launch_has_no_answer_ends_what_it_bought() -> None:
    here = _prepared()
    here.control(do="fault", operation="RunInstances", code="timeout-with-effect", times=1)
    here.type("launch p3.2xlarge on-demand for 1h name bert")
    here.type("end bert")
    here.pass_time(timedelta(minutes=15))
    assert here.machine().state in FINAL
    assert set(here.counts().values()) == {0}
    assert here.ledger.of_owner(ADA) == ()
