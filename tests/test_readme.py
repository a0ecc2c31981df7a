"""What the documents promise exists: commands, links, make targets, parameters."""

import re
from pathlib import Path

import pytest

from core import commands

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN"
DOCUMENTS = [
    path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if ".venv" not in path.parts
]


def _typed(document: str) -> list[str]:
    return re.findall(r"`/gpu ?([^`]*)`", document)


@pytest.mark.parametrize("text", _typed(README))
def test_every_command_of_the_readme_is_the_parsers(text: str) -> None:
    typed = text.replace("ssh-ed25519 AAAA…", KEY).replace("@kim", "<@U0KIM|kim>")
    assert not isinstance(commands.parse(typed), commands.UsageError), commands.parse(typed)


def test_every_part_of_a_launch_in_the_readme_can_be_typed() -> None:
    said = README.split("A launch takes, in any order:")[1].split("\n\n")[0]
    for word in re.findall(r"`([^`]+)`", said):
        if word == "image ami-…":
            word = "image ami-0123456789abcdef0"
        named = re.fullmatch(r"p3\.2xlarge|a100|8xH100|(cheapest )?\d+GB", word)
        kind = "" if named else "g5.xlarge "
        parsed = commands.parse(f"launch {kind}{word}")
        assert isinstance(parsed, commands.Launch), (word, parsed)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (document.parent / target).exists(), target


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text("utf-8")):
            assert re.search(rf"(?m)^{target}:", makefile), (document.name, target)


def test_every_parameter_of_the_deployment_page_is_the_templates() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    template = (ROOT / "template.yaml").read_text("utf-8")
    named = {
        name
        for row in re.findall(r"(?m)^\| (`.*?) \|", page)
        for name in re.findall(r"`([A-Z]\w+)`", row)
    }
    assert len(named) > 8
    for name in named:
        assert re.search(rf"(?m)^  {name}:$", template), name
