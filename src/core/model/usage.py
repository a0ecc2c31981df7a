"""How much a machine is used, as it tells itself."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look at a machine. Per cent; None: it could not be measured, which counts as busy."""

    at: datetime
    gpu: int | None  # of the busiest accelerator
    cpu: int | None
    ssh: int | None  # people logged in


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The samples of the last hours, oldest first."""

    machine: str
    samples: tuple[Sample, ...] = ()
    used_at: datetime | None = None  # when it was first used: before that it is not idle, but new
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The machine's id."""
        return self.machine
