"""Everything that is installed is pinned and hashed, and the locks hold what was asked for."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = [ROOT / "src" / "requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]
_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)(.*)", re.DOTALL)


def pins(lock: Path) -> dict[str, tuple[str, int]]:
    """Name → (version, number of hashes); a line that is no pin fails."""
    text = re.sub(r"(?m)^\s*#.*\n?", "", lock.read_text("utf-8")).replace("\\\n", " ")
    found: dict[str, tuple[str, int]] = {}
    for line in filter(str.strip, text.splitlines()):
        pin = _PIN.fullmatch(line.strip())
        assert pin, f"{lock.name}: {line[:60]} is not pinned"
        found[canonicalize_name(pin[1])] = (pin[2], line.count("--hash=sha256:"))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_line_is_pinned_and_hashed(lock: Path) -> None:
    assert [name for name, (_, hashes) in pins(lock).items() if not hashes] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_the_lock_holds_what_was_asked_for(lock: Path) -> None:
    locked = pins(lock)
    for line in lock.with_suffix(".in").read_text("utf-8").splitlines():
        wanted = line.partition("#")[0].strip()
        if wanted and not wanted.startswith("-"):
            asked = Requirement(wanted)
            version, _ = locked[canonicalize_name(asked.name)]
            assert asked.specifier.contains(version), f"{wanted}: {version} is locked"


def test_what_is_tested_is_what_ships() -> None:
    shipped, tested = (
        pins(ROOT / path) for path in ("src/requirements.txt", "requirements/dev.txt")
    )
    assert shipped
    assert {name: v for name, (v, _) in shipped.items()} == {
        name: tested[name][0] for name in shipped
    }
