"""The deployed app behind a bad network: calls of AWS are lost, late, cut, refused or done twice.

Machines are launched, stopped and ended at once while one call in eight meets trouble. Once the
network is well again nothing was bought twice, nothing is lost or left, and everybody was answered.
`make wire SEED=5 SHARE=0.3` has three people do it, with other troubles.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from sandbox.child import PYTHON, QUICK, end, start_run
from sandbox.drive import Drive, Json, wait_for

SEED, SHARE = int(os.environ.get("WIRE_SEED", "11")), float(os.environ.get("WIRE_SHARE", "0.125"))
QUOTAS = ("L-DB2E81BA", "L-3819A6DF")  # on-demand and spot G and VT
OWNERS = {"sam": ("sara", "abel")}
if "WIRE_SHARE" in os.environ:
    OWNERS |= {"ada": ("anna", "arno"), "lin": ("lena", "luca")}
PATIENCE = 150  # a message whose delivery failed comes again after 75 seconds, and may fail again


@pytest.fixture(scope="module")
def bad(public_key: str) -> Iterator[Drive]:
    """A local run whose network turns bad once people have their keys and the account its quota."""
    if not PYTHON.exists():
        pytest.skip(f"no MiniStack: `make install-ministack` makes {PYTHON}")
    process, page = start_run(clock="2", world=QUICK, wire={"share": 0, "seed": SEED})
    try:
        run = Drive(page)
        for user in OWNERS:
            run.allow_everything(user, public_key)
        for quota in QUOTAS:
            run.set_quota(quota, 64)
        run.world({"do": "wire", "share": SHARE})
        yield run
        print("met:", run.world({"do": "wire", "share": 0})["met"])
    finally:
        end(process)


def test_every_launch_is_one_machine(bad: Drive) -> None:
    _all_at_once(bad, lambda user, name: _insist(bad, user, _launch(name)))
    wait_for(lambda: set(_up(bad)) == _names(), "all of them run", PATIENCE)
    assert Counter(_ever(bad)) == dict.fromkeys(_names(), 1), "bought twice"


def test_stops_starts_and_ends_reach_what_they_are_meant_for(bad: Drive) -> None:
    stopped = _names() & {"sara", "lena"}

    def one(user: str, name: str) -> None:
        _insist(bad, user, f"stop {name}" if name in stopped else f"extend {name} 10m")

    _all_at_once(bad, one)
    wait_for(lambda: set(_up(bad)) == _names() - stopped, "only these have stopped", PATIENCE)
    assert max(Counter(_ever(bad)).values()) == 1


def test_once_the_network_is_well_all_ends_and_nothing_is_left(bad: Drive) -> None:
    met = bad.world({"do": "wire", "share": 0})["met"]
    assert sum(met.values()) > 10, met
    for user, names in OWNERS.items():
        for name in names:
            bad.slash(user, f"end {name}")
    wait_for(lambda: not any(bad.left_over().values()), "nothing is left over", PATIENCE)
    wait_for(lambda: bad.queued() == 0, "the queue is empty", PATIENCE)
    for user, names in OWNERS.items():
        for name in names:
            bad.wait_message(user, name, "ended", seconds=PATIENCE)
    assert max(Counter(_ever(bad)).values()) == 1, "bought twice"
    assert bad.held(bad.resource("DeadLetters")) == 0


def _launch(name: str) -> str:
    market = "spot" if name[0] == "a" else "on-demand"
    return f"launch g5.xlarge {market} for 1h name {name}"


def _names() -> set[str]:
    return {name for names in OWNERS.values() for name in names}


def _all_at_once(run: Drive, act: Callable[[str, str], None]) -> None:
    typed = [
        threading.Thread(target=act, args=(user, name))
        for user, names in OWNERS.items()
        for name in names
    ]
    for thread in typed:
        thread.start()
    for thread in typed:
        thread.join()


def _insist(run: Drive, user: str, text: str) -> None:
    """Type it until the door has taken it, as a person would who reads its answer."""

    def taken() -> bool:
        answer = run.slash(user, text)
        said = str(answer.get("body", "")).lower()
        return answer.get("status") == 200 and "not taken" not in said and "not certain" not in said

    wait_for(taken, f"{text} is taken", PATIENCE)


def _name(instance: Json) -> str:
    return next((t["Value"] for t in instance.get("Tags", ()) if t["Key"] == "Name"), "?")


def _ever(run: Drive) -> list[str]:
    return [_name(one) for one in run.ever()]


def _up(run: Drive) -> list[str]:
    return [_name(one) for one in run.ever() if one["State"]["Name"] == "running"]
