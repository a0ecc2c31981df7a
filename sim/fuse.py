"""Kills a deployment in memory at one chosen call through its ports, before or after it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sim.town import Town

# The adapters of AWS stand behind these; their calls go over the wire to the world.
AWS_PORTS = (
    *("cloud", "disks", "images", "own_images", "quotas", "prices"),
    *("invoices", "reasons", "commands", "trials"),
)
EVERY_PORT = (*AWS_PORTS, "watchers", "public_keys", "links", "chat", "ledger", "wakes")
NEVER = 10**9


class Killed(BaseException):
    """The function's process ends here."""


class Fuse:
    """Counts every call through the ports and kills at the chosen one, before or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left = at
        self.after = after
        self.burnt = False

    @property
    def counted(self) -> int:
        """How many calls there were, of a fuse that never burns."""
        return NEVER - self.left

    def around(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The call, or the end; after a call it is the end whatever the answer was."""
        self.left -= 1
        kills = self.left == 0 and not self.burnt
        if kills and not self.after:
            self.burnt = True
            raise Killed
        try:
            return call(*args, **kwargs)
        finally:
            if kills:
                self.burnt = True
                raise Killed


class _Fused:
    """A port whose every call goes through the fuse."""

    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what
        return lambda *args, **kwargs: self._fuse.around(what, *args, **kwargs)


def fused(
    here: Town, at: int = NEVER, *, after: bool = False, ports: tuple[str, ...] = EVERY_PORT
) -> Fuse:
    """Put a fuse into the town that burns at the call number `at` through these ports."""
    fuse = Fuse(at, after=after)
    made: dict[str, Any] = {name: _Fused(getattr(here.house, name), fuse) for name in ports}
    here.house = replace(here.house, **made)
    return fuse


def guarded(act: Callable[[], object]) -> None:
    """Do it; if it is killed, the queue delivers it again."""
    try:
        act()
    except Killed:
        act()
