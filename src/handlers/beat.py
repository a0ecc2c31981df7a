"""A report of a machine at the door: taken if its token and its form are good, or a 4xx.

Standard library and the core's own reading only; the door loads it when a machine reports.
"""

from collections.abc import Mapping
from typing import Any

from core import beats

LARGEST = beats.LARGEST


def whose(token: str, secrets: tuple[bytes, ...], stack: str) -> str | None:
    """The machine that the token is good for."""
    return beats.read(token, secrets, stack)


def message(machine: str, raw: bytes) -> Mapping[str, object] | None:
    """What goes onto the queue; None where the body is no report."""
    report = beats.parse(raw)
    return {"kind": "beat", "machine": machine, **beats.plain(report)} if report else None


def taken() -> dict[str, Any]:
    """Nobody reads the answer but the program, which looks at its status."""
    return {"statusCode": 204, "headers": {"cache-control": "no-store"}}
