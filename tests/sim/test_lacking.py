"""Histories find a product that breaks a promise, and say so in a few steps."""

import json
from pathlib import Path

import pytest

from sim.history.play import play, shortest
from sim.history.seeds import history
from sim.lacking import TEETH, broken

WITHIN = 300  # seeds
FEW = 8  # steps
REGRESSIONS = Path(__file__).parents[2] / "sim" / "regressions"
LAST_WORD = "a last word that is not brought again"  # too rare for so few seeds


@pytest.mark.parametrize("name", [name for name in TEETH if name != LAST_WORD])
def test_a_product_that_lacks_one_habit_is_found_and_its_history_is_short(name: str) -> None:
    tooth = TEETH[name]
    with broken(tooth) as make:
        for seed in range(WITHIN):
            found = play(history(seed), make).broken
            if any(one.promise == tooth.breaks for one in found):
                assert len(shortest(history(seed), make)) <= FEW
                return
    pytest.fail(f"not one of {WITHIN} histories breaks: {tooth.breaks}")


def test_what_was_found_before_is_found_again_where_it_is_not_mended() -> None:
    name = "a-card-is-mended-after-slack-was-away-for-the-last-word.json"
    steps = json.loads((REGRESSIONS / name).read_text(encoding="utf-8"))
    with broken(TEETH[LAST_WORD]) as make:
        assert [one.promise for one in play(steps, make).broken] == [TEETH[LAST_WORD].breaks]


def test_afterwards_the_product_is_whole_again() -> None:
    with broken(TEETH["requests that are not remembered"]):
        pass
    assert play(history(0)).broken == ()
