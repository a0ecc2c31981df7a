"""The leash: whatever happens to its holder, the program and its children go."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.ministack import LEASH

# Starts a child of its own, says both ids, and does not end when asked.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(120)
"""
# Holds a leash, says what is on it, and waits to be killed.
HOLDER = """
import subprocess, sys, time
leash = subprocess.Popen(
    [sys.executable, sys.argv[1], sys.executable, "-c", sys.argv[2]],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0, text=True)
print(leash.pid, leash.stdout.readline(), flush=True)
time.sleep(120)
"""


def test_letting_go_ends_a_program_that_does_not_listen_and_its_children() -> None:
    leash = _leash(STUBBORN)
    assert leash.stdout and leash.stdin
    ids = [leash.pid, *map(int, leash.stdout.readline().split())]
    leash.stdin.close()
    _wait_until(lambda: leash.poll() is not None and not any(map(_alive, ids[1:])))
    leash.stdout.close()


def test_a_holder_that_is_killed_hard_takes_everything_with_it() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(LEASH), STUBBORN], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    ids = list(map(int, holder.stdout.readline().split()))
    assert len(ids) == 3 and all(map(_alive, ids))
    holder.kill()
    holder.wait()
    _wait_until(lambda: not any(map(_alive, ids)))
    holder.stdout.close()


def test_a_program_that_listens_ends_at_once() -> None:
    leash = _leash("import time; print('up', flush=True); time.sleep(120)")
    assert leash.stdout and leash.stdin
    leash.stdout.readline()
    began = time.monotonic()
    leash.terminate()
    leash.wait(10)
    assert time.monotonic() - began < 2
    leash.stdin.close()
    leash.stdout.close()


def test_a_program_that_ends_by_itself_ends_the_leash() -> None:
    leash = _leash("pass")
    leash.wait(10)
    assert leash.stdin and leash.stdout
    leash.stdin.close()
    leash.stdout.close()


def _leash(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(LEASH), sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
        text=True,
    )


def _alive(pid: int) -> bool:
    """False for one that is gone, and for one that only waits to be reaped by somebody else."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end, "still not so after 15 s"
        time.sleep(0.05)
