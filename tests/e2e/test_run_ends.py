"""Ending a local run, asked or killed, leaves no process and no listener."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.child import PYTHON, end, family, memory_mb, start_run
from sandbox.drive import Drive, wait_for

needs_ministack = pytest.mark.skipif(not PYTHON.exists(), reason=f"no MiniStack at {PYTHON}")


@needs_ministack
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_whatever_ends_a_run_nothing_of_it_is_left(name: str) -> None:
    process, page = start_run()
    port = urlsplit(page).port
    assert port
    drive = Drive(page)
    assert drive.slash("ada", "help")["status"] == 200  # so that there are warm workers to end
    ours = family(process.pid)
    assert len(ours) >= 4, "the run, the leash, MiniStack and a worker"
    end(process, name)
    wait_for(lambda: not [pid for pid in ours if _alive(pid)], f"all of {ours} gone", 20)
    assert not any(_listens(port + offset) for offset in range(3))


@needs_ministack
def test_a_port_in_use_is_said_in_clear_words_and_nothing_starts(sandbox: Drive) -> None:
    port = urlsplit(sandbox.page).port
    env = {**os.environ, "SANDBOX_PORT": str(port)}
    refused = subprocess.run(
        [sys.executable, "-m", "sandbox"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert f"Port {port} is in use" in refused.stderr
    assert "SANDBOX_PORT=" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert sandbox.screen("ada")["channels"], "the first run goes on"


def test_the_whole_run_needs_less_than_one_and_a_half_gigabytes(
    sandbox: Drive, run: tuple[subprocess.Popen[bytes], str]
) -> None:
    assert sandbox.slash("ada", "list")["status"] == 200
    assert memory_mb(run[0].pid) < 1500


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
