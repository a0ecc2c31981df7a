"""A local run as a child process on free ports, for the end-to-end tests and the picture script."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.drive import wait_for
from sandbox.options import ROOT, Options

PYTHON = Path(os.environ.get("SANDBOX_MINISTACK") or Options.ministack)

# A world that is fast, but in the order and with the windows of the real thing.
QUICK = {"pending": 1, "checks": 2, "stop": 1, "terminate": 1, "visible_after": 0.5}
MOST_STARTS = 3


_SAID: dict[int, Path] = {}  # process id → the file of what it said


class DidNotStart(Exception):
    """The run ended instead of saying where to look; the message is what it said."""


class DidNotEnd(Exception):
    """The run did not end when asked to; the message is what it said."""


def start_run(
    *,
    clock: str = "60",
    world: Mapping[str, float] | None = None,
    wire: Mapping[str, float] | None = None,
) -> tuple[subprocess.Popen[bytes], str]:
    """A run in a process group of its own, and the address that it printed. Raises DidNotStart.

    Somebody else may take a port between the look and the start; then others are tried.
    """
    for _ in range(MOST_STARTS):
        try:
            return _start_run(free_ports(), clock, world, wire)
        except DidNotStart as ended:
            if "is in use" not in str(ended):
                raise
            taken = ended
    raise taken


def _start_run(
    port: int,
    clock: str,
    world: Mapping[str, float] | None,
    wire: Mapping[str, float] | None,
) -> tuple[subprocess.Popen[bytes], str]:
    folder = ROOT / ".sandbox" / str(port)
    shutil.rmtree(folder, ignore_errors=True)
    said = folder.with_suffix(".out")
    folder.parent.mkdir(exist_ok=True)
    # A file, because a pipe that nobody reads stops the writer once it is full.
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox"],
            cwd=ROOT,
            env={
                **os.environ,
                "SANDBOX_PORT": str(port),
                "SANDBOX_CLOCK_SECONDS": clock,
                "SANDBOX_WORLD": json.dumps(dict(world or {})),
                "SANDBOX_WIRE": "" if wire is None else json.dumps(dict(wire)),
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _SAID[process.pid] = said
    page = wait_for(lambda: _printed(process, said), "the line that says where to look", 60)
    return process, page


def _printed(process: subprocess.Popen[bytes], said: Path) -> str | None:
    ended = process.poll() is not None
    text = said.read_text(errors="replace")
    for line in text.splitlines(keepends=True):
        if line.startswith("Open http") and line.endswith("\n"):
            return line.split()[1]
    if ended:
        raise DidNotStart(text)
    return None


def end(process: subprocess.Popen[bytes], name: str = "SIGINT", seconds: float = 120) -> int:
    """End a run with that signal, as Ctrl-C does; its exit code.

    Raises DidNotEnd after that long, with what it said of where it hangs, and kills it hard.
    """
    process.send_signal(signal.Signals[name])
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired as late:
        process.kill()
        process.wait()
        raise DidNotEnd(_SAID[process.pid].read_text(errors="replace")) from late


def free_ports() -> int:
    """A port that is free together with the two after it."""

    def look() -> int | None:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            return port if port < 65000 and _free(port + 1) and _free(port + 2) else None

    return wait_for(look, "three free ports in a row")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def family(pid: int) -> list[int]:
    """The process and everything below it; Linux only."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass  # a thread or process that ended since it was listed
    return found


def memory_mb(pid: int) -> int:
    """What the process and everything below it hold in memory, shared pages counted once each."""
    return sum(_resident_kb(member) for member in family(pid)) // 1024


def _resident_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended since it was listed
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
