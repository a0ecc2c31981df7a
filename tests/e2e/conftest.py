"""A local run for the end-to-end tests: the real template, the real package, real HTTP."""

import base64
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.child import PYTHON, QUICK, end, start_run
from sandbox.drive import Drive

WORLD = {**QUICK, "quota_decision": 2, "spot_notice": 8}

# Slack's signatures, trigger_ids and response_urls, links, machines' tokens, keys and user data.
_SECRET_LIKE = (
    r"v0=[0-9a-f]{64}|[0-9]{6,}\.[0-9]{6,}\.[0-9a-f]{32}|/response/|[\w-]{22}\.[UW][A-Z0-9]+\.[0-9]{10}"
    r"|m-[a-z2-7]{10}\.[\w-]{43}|PRIVATE KEY|#cloud-config|AAAAC3NzaC1lZDI1NTE5"
)


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
def sandbox(run: tuple[subprocess.Popen[bytes], str]) -> Iterator[Drive]:
    """The hands on it. When all is over, no line of any function's log tells a secret."""
    hands = Drive(run[1])
    try:
        yield hands
    finally:
        told = secrets_told(hands)
    assert told == []


def secrets_told(hands: Drive) -> list[str]:
    """Lines of the functions' logs with something in them that nobody may read there."""
    own = (hands.info["signing_secret"], hands.info["bot_token"])
    secret = re.compile("|".join([*map(re.escape, own), _SECRET_LIKE]))
    logs = [Path(hands.info["logs"]) / f"{door}.log" for door in hands.info["functions"]]
    assert all(log.exists() for log in logs)
    lines = [line for log in logs for line in log.read_text().splitlines()]
    assert len(lines) > 3
    return [line[:400] for line in lines if secret.search(line)]


@pytest.fixture(scope="session")
def public_key() -> str:
    """A public key that nobody has the private half of."""
    kind = b"ssh-ed25519"
    blob = struct.pack(">I", len(kind)) + kind + struct.pack(">I", 32) + bytes(range(32))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} ada@laptop"
