"""A local run for the end-to-end tests: the real template, the real package, real HTTP."""

import base64
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.child import PYTHON, end, start_run
from sandbox.drive import Drive

# Fast, but in the order and with the windows of the real thing.
WORLD = {
    "pending": 1,
    "checks": 2,
    "stop": 1,
    "terminate": 1,
    "visible_after": 0.5,
    "quota_decision": 2,
    "spot_notice": 8,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before all others, for they take longest, and the story first of them.

    The story is that of an account in which nothing has happened yet. With several workers each
    has a local run of its own.
    """
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
    ours.sort(key=lambda item: item.path.name != "test_story.py")
    items[:] = [*ours, *(item for item in items if here not in item.path.parents)]


@pytest.fixture(scope="session")
def run() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A local run on free ports, started as `make run` starts it: its process and its address."""
    if not PYTHON.exists():
        pytest.skip(f"no MiniStack: `make install-ministack` makes {PYTHON}")
    process, page = start_run(clock="2", world=WORLD)
    try:
        yield process, page
    finally:
        code = end(process)
    assert code == 0, "Ctrl-C is an orderly end"


@pytest.fixture(scope="session")
def sandbox(run: tuple[subprocess.Popen[bytes], str]) -> Drive:
    """The hands on it."""
    return Drive(run[1])


@pytest.fixture(scope="session")
def public_key() -> str:
    """A public key that nobody has the private half of."""
    kind = b"ssh-ed25519"
    blob = struct.pack(">I", len(kind)) + kind + struct.pack(">I", 32) + bytes(range(32))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} ada@laptop"
