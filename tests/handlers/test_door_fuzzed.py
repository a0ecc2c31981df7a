"""The fuzzer's own promises, for some thousands of requests, and for every file of the corpus.

`make fuzz` throws a million. What it finds is kept as .fuzz/*.json: with the status that is right
it becomes a file of tests/handlers/corpus, for ever.
"""

import json
from pathlib import Path

import pytest

from fuzz.chance import Seeded
from fuzz.mutate import Request, request
from fuzz.trial import Broken, Trial

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
RUNS = 4000


@pytest.mark.parametrize("seed", range(2))
def test_no_mutated_request_breaks_a_promise(seed: int) -> None:
    trial, chance = Trial(behind=40), Seeded(seed)
    for _ in range(RUNS):
        trial.run(request(chance))
    assert set(trial.answers) == {200, 204, 400, 401, 404, 405, 413}
    assert set(trial.queued) == {"beat", "command", "event", "here", "interaction"}
    assert trial.served > 10


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial(behind=1)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: str(path.stem))
def test_what_was_found_once_is_answered_as_it_should_be(trial: Trial, path: Path) -> None:
    told = json.loads(path.read_text())
    assert trial.run(Request.from_file(told)) == told["status"], told["why"]


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) > 30


def test_a_trial_sees_a_door_that_takes_what_nobody_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = Trial()
    monkeypatch.setattr(trial._door, "_verify", lambda headers, raw: None)
    sent = Request(
        body=b"ssl_check=1", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    sent.sign = False
    with pytest.raises(Broken, match="verifier"):
        trial.run(sent)
