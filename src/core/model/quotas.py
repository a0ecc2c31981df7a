"""vCPU quotas, and the requests for more."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class QuotaFacts:
    """Limit and use of one vCPU quota (a family and market) in one region."""

    code: str
    name: str
    region: str
    limit: int
    used: int  # pending and running instances, from EC2
    in_flight: int = 0  # our own launches that EC2 does not show yet
    unsure: bool = False  # AWS does not say that this is the one; it has the most room of those

    @property
    def room(self) -> int:
        """The vCPUs that can still be launched, never below 0."""
        return max(0, self.limit - self.used - self.in_flight)


class QuotaStatus(StrEnum):
    """What became of a request for more, as Service Quotas names it."""

    PENDING = "PENDING"
    CASE_OPENED = "CASE_OPENED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    NOT_APPROVED = "NOT_APPROVED"
    CASE_CLOSED = "CASE_CLOSED"
    INVALID_REQUEST = "INVALID_REQUEST"
    UNKNOWN = "UNKNOWN"  # our own word: AWS has refused for days to tell of the request

    @property
    def is_open(self) -> bool:
        """Whether AWS has still to decide."""
        return self in (QuotaStatus.PENDING, QuotaStatus.CASE_OPENED)


@dataclass(frozen=True, kw_only=True)
class QuotaChange:
    """AWS's own record of a request for more vCPUs."""

    id: str
    status: QuotaStatus
    desired: int
    case_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class QuotaRequest:
    """A request for more that somebody made here and that the clock follows up."""

    region: str
    code: str
    name: str
    before: int  # the applied limit when it was asked
    desired: int
    change_id: str
    status: QuotaStatus
    asked_by: str
    asked_at: datetime
    channel: str
    thread: str | None  # where the outcome is told
    case_id: str | None = None
    outside: bool = False  # somebody had asked AWS for it without the bot
    granted: int | None = None  # the applied limit after AWS decided
    told: bool = False  # the outcome has been posted
    due_at: datetime | None = None
    refused_since: datetime | None = (
        None  # AWS says no, each time, to whoever asks what became of it
    )
    # AWS has approved it and the limit does not show it yet: until then it counts as open.
    approved_at: datetime | None = None
    version: int = 0

    @property
    def key(self) -> str:
        """Which quota this is about; a waiting machine names it."""
        return f"{self.region}/{self.code}"

    @property
    def is_unshown(self) -> bool:
        """Whether the limit shows nothing of it: neither what was asked for nor a part."""
        return self.granted is not None and self.granted < min(self.desired, self.before + 1)

    @property
    def is_granted(self) -> bool:
        """Whether AWS gave more: it may close the case and raise the limit."""
        if self.status is QuotaStatus.APPROVED:
            return True
        return self.granted is not None and self.granted > self.before


@dataclass(frozen=True, kw_only=True)
class QuotaRoom:
    """What AWS said about a region's quotas at `read_at`: for where a glance is enough."""

    region: str
    facts: tuple[QuotaFacts, ...]
    read_at: datetime
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The region."""
        return self.region
