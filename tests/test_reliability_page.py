"""What the page on reliability points at is there: tests, commands, decisions, code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text()
TARGETS = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/.*-]+\.py)`", PAGE))))
def test_every_file_that_it_names_is_there(name: str) -> None:
    assert list(ROOT.glob(name)) or list((ROOT / "src").glob(name)), name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`make ([a-z-]+)[^`]*`", PAGE))))
def test_every_command_that_it_names_is_one(name: str) -> None:
    assert name in TARGETS


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_every_page_that_it_links_is_there(path: str) -> None:
    assert (ROOT / "docs" / path).exists()


def test_every_promise_names_what_keeps_it_and_what_looks_for_its_break() -> None:
    section = PAGE.split("## The promises")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| \d+ \|", line)]
    assert len(rows) == 18
    for row in rows:
        kept, looked = (cell.strip() for cell in row.strip("|").split("|")[2:4])
        assert kept, row
        assert "`" in looked or looked == "the same", row
