"""Throw mutated requests at the door until one of them breaks a promise.

    python -m fuzz --runs 1000000             seeded; the same seed sends the same requests
    python -m fuzz --runs 1000000 --guided    guided by coverage, where atheris is installed

What broke is written to .fuzz/ as a file for tests/handlers/corpus.
"""

import argparse
import importlib.util
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from fuzz.chance import Chance, Guided, Seeded
from fuzz.mutate import Request, request
from fuzz.trial import Trial

FOUND = Path(".fuzz")


def main() -> int:
    """0: every promise held."""
    logging.getLogger("service_undefined").setLevel(logging.CRITICAL)  # what is served behind it
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--behind", type=int, default=50, help="serve one in so many; 0: none")
    parser.add_argument("--guided", action="store_true", help="by atheris")
    asked = parser.parse_args()
    if not asked.guided:
        return seeded(asked.runs, asked.seed, asked.behind)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed for this Python, so the plain mutator runs.")
        return seeded(asked.runs, asked.seed, asked.behind)
    return guided(asked.runs, asked.seed, asked.behind)


def seeded(runs: int, seed: int, behind: int) -> int:
    """Requests of one seed, one after the other."""
    trial, began = Trial(behind), time.monotonic()
    chance = Seeded(seed)
    for _ in range(runs):
        _try(trial, chance)
    _tell(trial, time.monotonic() - began, f"seed {seed}")
    return 0


def guided(runs: int, seed: int, behind: int) -> int:
    """atheris chooses the bytes that decide what is sent, by what they reached before."""
    import atheris

    for module in ("handlers.door", "handlers.http_request", "handlers.queued", "core.links"):
        for name, thing in vars(sys.modules[module]).items():
            if callable(thing) and getattr(thing, "__module__", "") == module:
                _instrument(atheris, sys.modules[module], name, thing)
    trial, began = Trial(behind), time.monotonic()

    def one(data: bytes) -> None:
        _try(trial, Guided(atheris.FuzzedDataProvider(data)))
        if sum(trial.answers.values()) == runs:  # atheris ends the process without coming back
            _tell(trial, time.monotonic() - began, f"atheris, seed {seed}")
            sys.stdout.flush()

    libfuzzer = [
        f"-atheris_runs={runs}",
        f"-seed={seed}",
        "-max_len=4096",
        "-len_control=10",
        "-print_final_stats=1",
    ]
    FOUND.mkdir(exist_ok=True)
    atheris.Setup([sys.argv[0], *libfuzzer, f"-artifact_prefix={FOUND}/"], one)
    atheris.Fuzz()
    return 0


def _instrument(atheris: Any, module: Any, name: str, thing: Any) -> None:
    if isinstance(thing, type):
        for method, function in list(vars(thing).items()):
            if callable(function) and hasattr(function, "__code__"):
                setattr(thing, method, atheris.instrument_func(function))
    elif hasattr(thing, "__code__"):
        setattr(module, name, atheris.instrument_func(thing))


def _try(trial: Trial, chance: Chance) -> None:
    sent = request(chance)
    try:
        trial.run(sent)
    except BaseException as error:
        _keep(sent, error)
        raise


def _keep(sent: Request, error: BaseException) -> None:
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{type(error).__name__}-{time.time_ns()}.json"
    path.write_text(json.dumps({"why": repr(error)[:200], **sent.as_file()}, indent=1))
    print(f"kept as {path}", file=sys.stderr)


def _tell(trial: Trial, seconds: float, how: str) -> None:
    runs = sum(trial.answers.values())
    print(f"{runs:,} requests in {seconds:.0f} s ({how}); no promise was broken")
    for status, times in sorted(trial.answers.items()):
        print(f"  {status}: {times:,}")
    kinds = ", ".join(f"{times:,} {kind}" for kind, times in sorted(trial.queued.items()))
    print(f"  queued: {kinds}")
    print(f"  of them {trial.dropped:,} not readable behind; {trial.served:,} served in a town")


if __name__ == "__main__":
    sys.exit(main())
