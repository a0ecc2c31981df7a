"""What was spent: a machine's bill, what outlives machines, and what is set aside for what runs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.model.machines import Run, Store
from core.model.wishes import Market


@dataclass(frozen=True, kw_only=True)
class Bill:
    """All that is needed to say what a machine has cost in any stretch of time. Money is USD."""

    machine: str  # id; of a data volume or a saved image its kind and key: `data/U0ADA.bert`
    name: str
    owner: str
    channel: str = ""
    project: str = ""
    kind: str = ""  # instance type
    market: Market | None = None
    region: str = ""
    runs: tuple[Run, ...] = ()
    stores: tuple[Store, ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Tab:
    """What something that outlives machines has cost and costs: a data volume, a saved image."""

    what: str  # `data-volume/<key>` or `saved-image/<key>/<when it was made>`
    name: str
    owner: str
    channel: str = ""
    stores: tuple[Store, ...] = ()
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """What it is of."""
        return self.what


@dataclass(frozen=True, kw_only=True)
class Commitment:
    """What a machine may still cost: so much an hour from `since` until its deadline."""

    machine: str
    owner: str
    channel: str
    hourly: Decimal
    since: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Purse:
    """Everything that is promised to machines, in one row: two launches cannot both have the rest.

    A commitment stands in it before anything is bought, and is taken out when nothing can cost
    money any more.
    """

    commitments: tuple[Commitment, ...] = ()
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """There is one."""
        return "team"


@dataclass(frozen=True, kw_only=True)
class BudgetWatch:
    """Which marks (50, 80, 100 per cent) of which budgets have been told in a month."""

    month: str  # 2026-11
    told: tuple[str, ...] = ()  # `person/U0ADA/monthly/80`
    looked_at: datetime | None = None
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The month."""
        return self.month


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """One day (UTC) of our own meter beside AWS's Cost Explorer."""

    day: str  # 2026-11-24
    ours: Decimal
    theirs: Decimal | None  # None: the account does not let us read it, or it is not there yet
    why: str = ""  # AWS's error code where it said no
    read_at: datetime | None = None
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The day."""
        return self.day
