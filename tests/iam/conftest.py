"""What is asked of IAM here can be written down, for another tool to decide (make iam-cross)."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sim.iam import Ask, Decision, Role


@pytest.fixture(scope="session", autouse=True)
def written_down() -> Iterator[None]:
    """Every ask of every role with our decision, as JSON into the file that IAM_ASKED names."""
    path = os.environ.get("IAM_ASKED")
    if not path:
        yield
        return
    decide, seen = Role.decide, dict[str, dict[str, Any]]()

    def heard(role: Role, ask: Ask) -> Decision:
        decision = decide(role, ask)
        line = {"documents": role.documents, "ask": asdict(ask), "allowed": decision.allowed}
        seen.setdefault(json.dumps(line, sort_keys=True), line)
        return decision

    Role.decide = heard  # type: ignore[assignment,method-assign]
    yield
    Role.decide = decide  # type: ignore[method-assign]
    Path(path).write_text("\n".join(seen), "utf-8")
