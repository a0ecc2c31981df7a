"""What the admins decided when they deployed."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the admins decided when they deployed."""

    stack: str  # tag value that marks everything this deployment made
    team_id: str
    regions: tuple[str, ...]
    channels: frozenset[str]  # empty: every channel of the workspace
    admins: frozenset[str]
    default_lease: timedelta
    longest_lease: timedelta
    default_disk_gb: int
    approval_above: Decimal  # USD per hour
    networks: tuple[str, ...] = ()  # CIDRs wider than one host that people may open
    instance_profile: str = ""  # ARN of what every machine runs under, for Session Manager

    @property
    def region(self) -> str:
        """Where a launch goes when nobody says."""
        return self.regions[0]
