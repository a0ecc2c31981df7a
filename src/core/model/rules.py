"""What admins have changed from Slack; all else is as the template says."""

from dataclasses import dataclass
from datetime import datetime

from core.model.policies import Budget


@dataclass(frozen=True, kw_only=True)
class RuleChange:
    """One change of one rule. Values are as they are typed; `value` None: the template's again."""

    rule: str
    value: str | None
    was: str
    by: str
    at: datetime
    request: str  # whose it is: a redelivery of it changes nothing more
    told: bool = False  # the admins have heard of it


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules that are not as the template says, and the budgets.

    `core.rulebook` knows which rules there are and lays these over the deployment's own policy.
    """

    changed: tuple[RuleChange, ...] = ()  # in force, one for each rule
    news: tuple[RuleChange, ...] = ()  # the latest changes, the newest last; resets too
    budgets: tuple[Budget, ...] | None = None  # None: the template's
    heard: tuple[str, ...] = ()  # the latest requests that changed a budget
    by: str = ""  # who wrote the row last
    at: datetime | None = None
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """There is one."""
        return "policy"
