"""The timer inside a machine: the world's, held to the real script over one table of cases."""

import base64
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.user_data import script, user_data
from sim.world.guest import due, timer_in

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN"
LONGEST = timedelta(days=7)
BOOTED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BOOT = int(BOOTED.timestamp())
HOUR = 3600
WEEK = 7 * 24 * HOUR

# The tag, how long it has been up in seconds, whether it is on Xen.
CASES = [
    (str(BOOT + HOUR), HOUR - 1, False),
    (str(BOOT + HOUR), HOUR, False),
    (str(BOOT + HOUR), HOUR + 59, False),
    (str(BOOT + HOUR), HOUR + 60, False),
    (str(BOOT + HOUR), 9 * HOUR, False),
    (str(BOOT + 8 * 24 * HOUR), WEEK + HOUR, False),
    (str(BOOT - HOUR), 5, False),
    ("", HOUR, False),
    ("", WEEK + 59, False),
    ("", WEEK + 60, False),
    ("soon", HOUR, False),
    ("soon", WEEK + HOUR, False),
    ("-5", HOUR, False),
    (str(BOOT + HOUR), 2 * HOUR, True),
    (str(BOOT + HOUR), WEEK + 61, True),
]


def _put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def _real_script(folder: Path, tag: str, up: int, *, xen: bool) -> bool:
    """Whether the script that ships shuts down, with `curl`, `date` and `shutdown` of ours."""
    _put(folder, "curl", f"case $* in *gpu:deadline*) printf %s '{tag}' ;; *) echo token ;; esac")
    _put(folder, "date", f"echo {BOOT + up}")
    _put(folder, "shutdown", f"touch {folder}/down")
    (folder / "uptime").write_text(f"{up}.07 1.0\n")
    (folder / "type").write_text("xen\n" if xen else "")
    text = script(LONGEST).replace("/proc/uptime", str(folder / "uptime"))
    text = text.replace("/sys/hypervisor/type", str(folder / "type"))
    path = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", text], env=path, timeout=30, check=True, capture_output=True)
    return (folder / "down").exists()


@pytest.mark.parametrize(("tag", "up", "xen"), CASES)
def test_it_shuts_down_exactly_when_the_real_script_does(
    tmp_path: Path, tag: str, up: int, *, xen: bool
) -> None:
    timer = timer_in(base64.b64encode(user_data((KEY,), LONGEST).encode()).decode())
    assert timer is not None
    ours = BOOTED + timedelta(seconds=up) >= due(timer, BOOTED, tag, xen=xen)
    assert ours == _real_script(tmp_path, tag, up, xen=xen)


def test_it_looks_as_often_as_the_real_timer_and_that_is_often_enough() -> None:
    timer = timer_in(base64.b64encode(user_data((KEY,), LONGEST).encode()).decode())
    assert timer is not None
    curl = timedelta(seconds=2 * 5)  # the script's own limits
    assert timer.grace + timer.every + timedelta(seconds=1) + curl < timedelta(minutes=2)


def test_a_machine_whose_user_data_has_no_such_unit_has_no_timer() -> None:
    assert timer_in("") is None
    assert timer_in(base64.b64encode(b"#cloud-config\n").decode()) is None
