"""The leash: whatever happens to its holder, the program and its children go."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox.drive import wait_for
from sandbox.ministack import LEASH

# Starts a child of its own, says both ids, and does not end when asked.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(120)
"""
# Ends when asked, and says so.
LISTENING = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("ended", flush=True)))
print("up", flush=True)
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
    wait_for(lambda: not any(map(_alive, ids[1:])) and leash.poll() is not None, "all are gone", 15)
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
    wait_for(lambda: not any(map(_alive, ids)), "all are gone", 15)
    holder.stdout.close()


def test_a_program_that_listens_ends_by_itself_and_is_not_forced() -> None:
    leash = _leash(LISTENING)
    assert leash.stdout and leash.stdin
    assert leash.stdout.readline() == "up\n"
    leash.terminate()
    assert leash.stdout.readline() == "ended\n"
    leash.wait(60)
    leash.stdin.close()
    leash.stdout.close()


def test_a_program_that_ends_by_itself_ends_the_leash() -> None:
    leash = _leash("pass")
    leash.wait(60)
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
