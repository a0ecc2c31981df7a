"""How much an instance is used, as it tells itself."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look at an instance. Per cent; None: it could not be measured, which counts as busy.

    `cpu` is of four processors at most, so that one busy thread counts on the largest machine.
    """

    at: datetime
    gpu: int | None  # of the busiest accelerator
    cpu: int | None
    ssh: int | None  # people logged in


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The samples of an instance's last hours, oldest first: by the minute, then thinned.

    `quiet_since` is kept beside them, because what was thinned cannot tell of a gap any more.
    """

    instance: str
    machine: str
    samples: tuple[Sample, ...] = ()
    used_at: datetime | None = None  # when it was first used: before that it is not idle, but new
    quiet_since: datetime | None = None  # every sample since then is known and shows no use
    boot: str = ""  # which boot it tells of
    up: int = 0  # seconds that it was up at its last report: an older report tells of fewer
    version: int = 0
    due_at: datetime | None = None  # to see whether it is still of use

    @property
    def key(self) -> str:
        """The instance's id: a group has a row for each."""
        return self.instance
