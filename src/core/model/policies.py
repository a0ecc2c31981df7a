"""What the admins decided when they deployed."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from core.model.wishes import Market


class Over(StrEnum):
    """What happens when a budget would be, or is, passed."""

    WARN = "warn"  # people are told, nothing is refused
    APPROVE = "approve"  # what would pass it asks an approver
    BLOCK = "block"  # what would pass it is refused
    STOP = "stop"  # it is refused, and what runs is stopped after a warning


class Scope(StrEnum):
    """Whose spending a budget limits."""

    TEAM = "team"  # everybody's together
    PERSON = "person"
    CHANNEL = "channel"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much may be spent, in USD; None: no such limit."""

    scope: Scope
    who: str = ""  # a user's or channel's id; "" is everybody's own, where none is named
    monthly: Decimal | None = None  # a calendar month in UTC
    hourly: Decimal | None = None  # of all that runs at a time


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
    disk_keys: frozenset[str] = frozenset()  # ARNs of the account's own keys that the bot may use
    approvers: frozenset[str] = frozenset()  # user ids; empty: the admins
    groups: frozenset[str] = frozenset()  # Slack user groups who may launch; empty: every member
    types: tuple[str, ...] = ()  # types (g5.xlarge) and families (g5) that may be launched; all
    markets: frozenset[Market] = frozenset(Market)
    most_count: int = 100  # instances in one launch
    most_gpus: int | None = None  # GPUs in one launch, of all its instances
    largest_disk_gb: int | None = None
    shelf: timedelta = timedelta(days=7)  # how long a stopped machine lies there
    idle: timedelta | None = None  # when nobody says; None: idle machines run on
    recover: bool = False  # spot machines come back by themselves when nobody says
    budgets: tuple[Budget, ...] = ()
    over: Over = Over.APPROVE
    over_price: Over = Over.APPROVE  # above `approval_above`: APPROVE or BLOCK
    over_length: Over = Over.BLOCK  # longer than `longest_lease`: APPROVE or BLOCK

    @property
    def deciders(self) -> frozenset[str]:
        """Who may approve."""
        return self.approvers or self.admins

    @property
    def region(self) -> str:
        """Where a launch goes when nobody says."""
        return self.regions[0]
