"""How long things take in the world. Seconds, all of them."""

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The world's delays. `quota_decision` None leaves every request to the world control."""

    pending: float = 4
    checks: float = 8  # status checks pass this long after running
    console: float = 3  # the console tells the host keys this long after running
    agent: float | None = 6  # Systems Manager's agent answers this long after running; None: never
    guest: float | None = 1  # the timer in a machine looks that late; None: it never looks
    beat: float = 300  # how often a machine reports how much it is used
    command: float = 2  # a command of Systems Manager takes that long
    stop: float = 5
    terminate: float = 5
    volume: float = 2  # a new volume is available after that
    attach: float = 2  # attaching, and as long detaching
    modify: float = 4  # until a larger volume has its new size
    snapshot: float = 30
    image: float = 60  # CreateImage and CopyImage take that long
    visible_after: float = 1  # Describe* does not show a new instance before that
    # A new group or key pair is shown at once, and is not known to who uses it before that.
    access_visible_after: float = 0
    quota_decision: float | None = 20
    spot_notice: float = 120
    terminated_visible: float = 3600
    token_life: float = 86_400  # a client token is remembered that long after termination

    def changed(self, values: dict[str, Any]) -> "Settings":
        """A copy with these values; ValueError names what is not a setting or not a duration."""
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"{name} is not a setting; there are {', '.join(sorted(known))}")
            _check(name, value)
        return replace(self, **values)


def _check(name: str, value: Any) -> None:
    if value is None and name in ("quota_decision", "agent", "guest"):
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise ValueError(f"{name} must be a number of seconds, not {value!r}")
