"""Histories from seeds: every promise after every step. `make sim` plays many more of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim import promises
from sim.history.__main__ import tell
from sim.history.play import play
from sim.history.seeds import history

ROOT = Path(__file__).parents[2]
WRITTEN_DOWN = sorted((ROOT / "sim" / "regressions").glob("*.json"))
EACH = 100
_DIGESTS = """
from sim.history.play import play
from sim.history.seeds import history
print(*(play(history(seed), traced=True).stage.digest() for seed in range(8)))
"""


@pytest.mark.parametrize("first", range(0, 3000, EACH))
def test_every_promise_holds_in_every_history(first: int) -> None:
    for seed in range(first, first + EACH):
        broken = play(history(seed)).broken
        assert not broken, f"python -m sim.history --seed {seed} shows it: {broken[0]}"


@pytest.mark.parametrize("path", WRITTEN_DOWN, ids=lambda path: path.stem)
def test_what_once_broke_or_is_known_to_be_hard_holds(path: Path) -> None:
    assert play(json.loads(path.read_text(encoding="utf-8"))).broken == ()


def test_a_seed_is_one_history_to_the_last_letter_in_whatever_order_sets_are_walked() -> None:
    seen = {_digests(hash_seed) for hash_seed in ("1", "2024")}
    assert len(seen) == 1
    assert len(set(seen.pop().split())) == 8


def _digests(hash_seed: str) -> str:
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "src:."}
    command = [sys.executable, "-c", _DIGESTS]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_history_that_was_written_down_is_the_same_one() -> None:
    for seed in range(200):
        assert json.loads(tell(history(seed))) == history(seed)


def test_each_promise_is_named_in_words_and_says_what_it_means() -> None:
    tables = (
        promises.ALWAYS,
        promises.AFTER_EACH_STEP,
        promises.AT_THE_END,
        promises.AFTER_DEATH,
    )
    for table in tables:
        for name, predicate in table.items():
            assert len(name.split()) >= 3
            assert predicate.__doc__
    assert len(promises.names()) >= 18
