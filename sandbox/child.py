"""A local run as a child process on free ports, for the end-to-end tests and the picture script."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.drive import wait_for
from sandbox.options import ROOT, Options

PYTHON = Path(os.environ.get("SANDBOX_MINISTACK") or Options.ministack)


class DidNotStart(Exception):
    """The run ended instead of saying where to look; the message is what it said."""


def start_run(
    *, clock: str = "60", world: Mapping[str, float] | None = None
) -> tuple[subprocess.Popen[str], str]:
    """A run in a process group of its own, and the address that it printed. Raises DidNotStart."""
    port = free_ports()
    shutil.rmtree(ROOT / ".sandbox" / str(port), ignore_errors=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env={
            **os.environ,
            "SANDBOX_PORT": str(port),
            "SANDBOX_CLOCK_SECONDS": clock,
            "SANDBOX_WORLD": json.dumps(dict(world or {})),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Open http"):
            return process, line.split()[1]
    process.wait()
    raise DidNotStart("".join(said))


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
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
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
