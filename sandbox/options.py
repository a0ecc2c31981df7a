"""What a person can say about a local run, read once from the environment.

SANDBOX_PORT            the page's port (8030); the two after it are MiniStack's and the world's
SANDBOX_CLOCK_SECONDS   how often the clock is rung (60: only by its own schedule, every minute)
SANDBOX_WORLD           JSON of the world's settings in seconds, such as {"pending": 1}
SANDBOX_BUILD           a folder that `make build-native` made, instead of building now
SANDBOX_MINISTACK       the Python that has MiniStack, instead of .venv-ministack's
SANDBOX_PARAMETERS      JSON of template parameters to set besides the run's own
SANDBOX_WIRE            JSON of a bad network between functions and AWS: {"share": 0.1, "seed": 1}
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8030
SCHEDULE_SECONDS = 60.0


class BadOption(Exception):
    """A variable that cannot be used; the message names it and says what would do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """One local run. Runs whose three ports do not overlap do not meet."""

    port: int = DEFAULT_PORT
    clock_seconds: float = SCHEDULE_SECONDS
    world: Mapping[str, Any] = field(default_factory=dict)
    build: Path | None = None
    ministack: Path = ROOT / ".venv-ministack" / "bin" / "python"
    parameters: Mapping[str, str] = field(default_factory=dict)
    wire: Mapping[str, Any] | None = None  # None: the functions reach AWS without a detour

    @property
    def ministack_port(self) -> int:
        return self.port + 1

    @property
    def world_port(self) -> int:
        return self.port + 2

    @property
    def folder(self) -> Path:
        """Where this run keeps its logs and temporary files."""
        return ROOT / ".sandbox" / str(self.port)

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def world_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.world_port}"


def read(environ: Mapping[str, str]) -> Options:
    """The options as the environment has them. Raises BadOption."""
    build = environ.get("SANDBOX_BUILD")
    ministack, wire = environ.get("SANDBOX_MINISTACK"), environ.get("SANDBOX_WIRE")
    return Options(
        port=_port(environ.get("SANDBOX_PORT") or str(DEFAULT_PORT)),
        clock_seconds=_seconds(environ.get("SANDBOX_CLOCK_SECONDS") or str(SCHEDULE_SECONDS)),
        world=_object("SANDBOX_WORLD", environ.get("SANDBOX_WORLD") or "{}"),
        build=Path(build) if build else None,
        # Not resolved: an environment's python is a link, and following it would leave it.
        ministack=Path(ministack) if ministack else Options.ministack,
        parameters={
            str(key): str(value)
            for key, value in _object(
                "SANDBOX_PARAMETERS", environ.get("SANDBOX_PARAMETERS") or "{}"
            ).items()
        },
        wire=_object("SANDBOX_WIRE", wire) if wire else None,
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1024 <= int(text) <= 65533:
        return int(text)
    raise BadOption(f"SANDBOX_PORT is {text!r}; it must be a port from 1024 to 65533.")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0.5 <= seconds <= SCHEDULE_SECONDS:
        return seconds
    raise BadOption(f"SANDBOX_CLOCK_SECONDS is {text!r}; it must be a number from 0.5 to 60.")


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    raise BadOption(f"{name} is {text!r}; it must be a JSON object.")
