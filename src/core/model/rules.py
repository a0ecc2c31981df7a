"""What admins have changed from Slack; all else is as the template says."""

from dataclasses import dataclass
from datetime import datetime

from core.model.policies import Budget


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Rules by name with their values as they were typed, and the budgets.

    `core.rulebook` knows which rules there are and lays these over the deployment's own policy.
    """

    changed: tuple[tuple[str, str], ...] = ()
    budgets: tuple[Budget, ...] | None = None  # None: the template's
    by: str = ""
    at: datetime | None = None
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """There is one."""
        return "policy"
