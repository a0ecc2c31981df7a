"""What can be done next with a machine: one value for each move, carried out by flows/step.py."""

from dataclasses import dataclass
from datetime import datetime

from core.lifecycle.keeping import KeepStep
from core.model import Machine, Placement


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Nothing to do before `until` (None: never again)."""

    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """Write this row; nothing has to be done outside for it."""

    to: Machine


@dataclass(frozen=True, kw_only=True)
class Look:
    """Read the instance from EC2."""


@dataclass(frozen=True, kw_only=True)
class Resolve:
    """Find by tag whether the open attempt bought a machine; `last` when the fence has passed."""

    last: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Gather the facts and decide where to launch, or why not."""


@dataclass(frozen=True, kw_only=True)
class AwaitQuota:
    """See whether what this launch waits for has come: AWS's decision on a quota, or its image."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """Prepare group and key, freeze the next attempt and record it, without sending."""

    placement: Placement


@dataclass(frozen=True, kw_only=True)
class Send:
    """Send the open attempt."""


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Every placement has refused: hold the launch and offer what else there is."""


@dataclass(frozen=True, kw_only=True)
class StartIt:
    """StartInstances."""


@dataclass(frozen=True, kw_only=True)
class StopIt:
    """StopInstances."""


@dataclass(frozen=True, kw_only=True)
class EndIt:
    """TerminateInstances."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Tell that EC2 has been stopping or ending it for too long."""


@dataclass(frozen=True, kw_only=True)
class Retag:
    """Move the deadline tag on the instance to where the lease is: the sweep reads only tags."""


@dataclass(frozen=True, kw_only=True)
class ChangeType:
    """ModifyInstanceAttribute: the stopped instance becomes the type that it is to start as."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Bring a disk that outlives its instance one step further."""

    step: KeepStep


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """See whether it is unused still: only then it is stopped for that."""


@dataclass(frozen=True, kw_only=True)
class Tidy:
    """Delete the group and the key; `then` is the row once they are gone."""

    then: Machine


Move = (
    Rest
    | Change
    | Look
    | Resolve
    | Plan
    | AwaitQuota
    | Open
    | Send
    | GiveUp
    | StartIt
    | StopIt
    | EndIt
    | Alert
    | Retag
    | ChangeType
    | Keep
    | Confirm
    | Tidy
)
