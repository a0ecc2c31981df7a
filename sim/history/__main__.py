"""Plays histories from seeds on two processes, and stops at the first that breaks a promise.

python -m sim.history --seeds 1000             the seeds 0 to 999
python -m sim.history --seeds 4000-5000        these
python -m sim.history --seed 4711              one, told step by step
python -m sim.history --replay history.json    one that was written down
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sim.history.play import Steps, play, shortest
from sim.history.seeds import history

PROCESSES = 2
BATCH = 20


def play_seeds(first: int, last: int) -> list[int]:
    """The seeds from `first` on and before `last` that break a promise."""
    return [seed for seed in range(first, last) if play(history(seed)).broken]


def tell(steps: Steps) -> str:
    """A history as it can be read, written down and played again."""
    return "[\n" + ",\n".join(f"  {json.dumps(step)}" for step in steps) + "\n]\n"


def _batches(first: int, last: int) -> Iterator[tuple[int, int]]:
    for start in range(first, last, BATCH):
        yield start, min(start + BATCH, last)


def _many(first: int, last: int, keep_going: bool) -> list[int]:
    began, bad, done = time.perf_counter(), [], 0
    batches = list(_batches(first, last))
    with ProcessPoolExecutor(PROCESSES) as pool:
        starts, ends = zip(*batches, strict=True)
        for (start, end), found in zip(batches, pool.map(play_seeds, starts, ends), strict=True):
            done += end - start
            bad += found
            if found:
                print(f"seeds {found} break a promise", flush=True)
            if found and not keep_going:
                pool.shutdown(cancel_futures=True)
                break
    seconds = time.perf_counter() - began
    speed = f"{done / seconds * 3600:,.0f} an hour"
    print(f"{done} histories in {seconds:.0f} s ({speed}), {len(bad)} break a promise")
    return bad


def _show(name: str, steps: Steps, out: Path | None) -> bool:
    """What it breaks, and the shortest history that still does; whether it breaks anything."""
    played = play(steps)
    if not played.broken:
        print(f"{name}: every promise held, looked at {played.looks} times")
        return False
    few = shortest(steps)
    for broken in play(few).broken:
        print(f"{name}: broken: {broken.promise}\n  {broken.seen}")
    print(f"{len(few)} of {len(steps)} steps are enough:\n{tell(few)}")
    if out:
        out.write_text(tell(few), encoding="utf-8")
    return True


def _main() -> None:
    asked = argparse.ArgumentParser(description="Histories from seeds, every promise looked at.")
    asked.add_argument("--seeds", default="1000", help="how many, or from-to")
    asked.add_argument("--seed", type=int, help="one, shown")
    asked.add_argument("--replay", type=Path, help="a history that was written down")
    asked.add_argument("--out", type=Path, help="where to write the shortest one")
    asked.add_argument("--keep-going", action="store_true", help="do not stop at the first")
    given = asked.parse_args()
    if given.replay:
        steps = json.loads(given.replay.read_text(encoding="utf-8"))
        sys.exit(_show(given.replay.name, steps, given.out))
    if given.seed is not None:
        steps = history(given.seed)
        print(tell(steps))
        sys.exit(_show(f"seed {given.seed}", steps, given.out))
    first, _, last = given.seeds.rpartition("-")
    bad = _many(int(first or 0), int(last), given.keep_going)
    if bad:
        _show(f"seed {bad[0]}", history(bad[0]), given.out)
    sys.exit(bool(bad))


if __name__ == "__main__":
    _main()
