"""The threat model: what it says shows a row is there, and its sums are right."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its first two lines."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("row", table("Entrances"), ids=lambda row: str(row[0])[:40])
def test_every_entrance_names_what_shows_it_and_that_is_there(row: list[str]) -> None:
    shown, folder = re.findall(r"`([^`]+)`", row[-1]), "tests"
    assert shown, row[0]
    for name in shown:
        if name.startswith("make "):
            assert re.search(
                rf"(?m)^{name.removeprefix('make ')}:", (ROOT / "Makefile").read_text()
            )
            continue
        folder = str(Path(name).parent) if "/" in name else folder
        path = name if "/" in name else f"{folder}/{name}"
        assert list(ROOT.glob(path.rstrip("/"))), path


@pytest.mark.parametrize("row", table("What a flood costs"), ids=lambda row: str(row[0])[:20])
def test_the_price_of_a_flood_is_calculated_rightly(row: list[str]) -> None:
    per_second = Decimal(row[0].split()[0].replace(",", ""))
    millions = per_second * 86400 / 1_000_000
    assert f"{millions.normalize():f} million" in row[0]
    said = [Decimal(cell.strip("*$").replace(",", "")) for cell in row[1:]]
    requests, logs = millions * Decimal("0.20"), millions * 450 / 1000 * Decimal("0.50")
    time = millions * 1_000_000 * Decimal("0.002") / 2 * Decimal("0.0000133334")
    for told, right in zip(said, (requests, time, logs, requests + time + logs), strict=True):
        assert abs(told - right) <= max(Decimal("0.01"), right / 100), (told, right)
