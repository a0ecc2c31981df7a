"""Who calls the world: a role, and what was asked for under it.

As on AWS, who calls is no argument of a call: it goes along with it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sim.iam import Ask, Decision, Role


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that a call wanted to be allowed, and what IAM said."""

    who: str  # the role's name: a function of the template
    ask: Ask
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A role that calls. `arn` is what refusals name; `heard` is told of everything asked for."""

    role: Role
    arn: str
    heard: Callable[[Asked], None] | None = None

    def decide(self, ask: Ask) -> Decision:
        """What IAM says, written down where somebody listens."""
        decision = self.role.decide(ask)
        if self.heard:
            self.heard(Asked(who=self.role.name, ask=ask, decision=decision))
        return decision


_CALLING: ContextVar[Caller | None] = ContextVar("calling", default=None)


@contextmanager
def calling(caller: Caller | None) -> Iterator[None]:
    """Calls within are made by this role; None is the account's root, which may do everything."""
    token = _CALLING.set(caller)
    try:
        yield
    finally:
        _CALLING.reset(token)


def who_calls() -> Caller | None:
    """The role under which this call is made."""
    return _CALLING.get()
