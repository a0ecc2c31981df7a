"""The blows: what may happen at a call that leaves the function, and which call may meet which.

AWS is struck on the wire, so that the adapters read real error codes and silences; Slack, the
table, the queue, GitHub and the signing secret where the flows call them. A race for a row is a
real one: somebody else writes it a moment before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from core.faults import CloudError, classify
from core.ports import ChatError, NotInChannel, Unreachable
from sim.fuse import Killed
from sim.world.errors import AwsError, TimedOut

BUSY_FOR = timedelta(seconds=30)
AWAY_FOR = timedelta(minutes=10)


class Blow(StrEnum):
    """What happens at a call."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    NO_ANSWER = "no answer"
    LOST_ANSWER = "no answer, but done"
    THROTTLED = "throttled"
    BROKEN = "5xx"
    BROKEN_AFTER = "5xx, but done"
    DENIED = "denied"
    RACED = "lost race"
    NOT_IN_CHANNEL = "channel gone"
    AWAY = "ten minutes away"


_DONE = frozenset({Blow.KILLED_AFTER, Blow.LOST_ANSWER, Blow.BROKEN_AFTER})
_KILLS = (Blow.KILLED_BEFORE, Blow.KILLED_AFTER)
_SILENT = (Blow.NO_ANSWER, Blow.LOST_ANSWER)
_BROKEN = (Blow.THROTTLED, Blow.BROKEN, Blow.BROKEN_AFTER)
_WRITES = frozenset({"open", "save", "save_profile", "save_quota_request", "save_row", "drop_row"})
_INTO_CHANNELS = frozenset({"post", "update"})


class SecretAway(Exception):
    """The signing secret cannot be read now."""


def fitting(port: str, name: str) -> tuple[Blow, ...]:
    """What may happen at that call.

    The table and the queue of a deployment are never denied: it cannot be without these permissions
    and stand. A wake that cannot be sent is let go by its adapter, so there it is only lost.
    """
    match port:
        case "ledger":
            raced = (Blow.RACED,) if name in _WRITES else ()
            return (*_KILLS, *_SILENT, Blow.THROTTLED, *raced)
        case "chat":
            gone = (Blow.NOT_IN_CHANNEL,) if name in _INTO_CHANNELS else ()
            return (*_KILLS, *_SILENT, *_BROKEN, Blow.AWAY, *gone)
        case "watchers":
            return (*_KILLS, Blow.NO_ANSWER, Blow.THROTTLED, Blow.DENIED)
        case "wakes" | "links" | "public_keys":
            return (*_KILLS, Blow.NO_ANSWER)
        case _:  # a service of AWS
            return (*_KILLS, *_SILENT, *_BROKEN, Blow.DENIED)


Plan = Callable[[int, str, str], Blow | None]


def never(number: int, port: str, name: str) -> Blow | None:
    """Nothing is struck."""


def once(at: int, blow: Blow) -> Plan:
    """That blow at the call of that number."""
    return lambda number, port, name: blow if number == at else None


@dataclass
class Striker:
    """Every call that leaves comes by; some are struck. `calls` are all of them, in order."""

    plan: Plan = never
    awake: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)
    struck: list[tuple[int, str, Blow]] = field(default_factory=list)
    forestalled: bool = False  # somebody else made the row that was to be made
    away: Callable[[timedelta], None] = lambda length: None
    ledger: Any = None
    heard: Callable[[], None] = lambda: None

    def around(self, port: str, name: str, call: Callable[..., Any], *a: Any, **k: Any) -> Any:
        """The call, or what becomes of it."""
        if not self.awake:
            return call(*a, **k)
        self.calls.append((port, name))
        self.heard()
        blow = self.plan(len(self.calls), port, name)
        if blow is None or blow not in fitting(port, name):
            return call(*a, **k)
        self.struck.append((len(self.calls), f"{port}.{name}", blow))
        if blow is Blow.RACED:
            self.forestalled |= race(self.ledger, name, *a)
            return call(*a, **k)
        if blow in _DONE:
            call(*a, **k)
        if blow is Blow.AWAY:
            self.away(AWAY_FOR)
        if port == "wakes" and blow is Blow.NO_ANSWER and name != "send":
            return 0 if name == "wake_all" else None
        raise _error(blow, port, name)


class StruckPort:
    """A port whose every call passes the striker."""

    def __init__(self, name: str, port: Any, striker: Striker) -> None:
        self._name, self._port, self._striker = name, port, striker

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what
        return lambda *a, **k: self._striker.around(self._name, name, what, *a, **k)


# ---- what the flows or the adapters see ------------------------------------------------------


def _error(blow: Blow, port: str, name: str) -> BaseException:
    if blow in _KILLS:
        return Killed()
    match port:
        case "ledger" | "watchers" | "wakes":
            return _of_the_table(blow, name)
        case "chat":
            return _of_slack(blow, name)
        case "links":
            return SecretAway()
        case "public_keys":
            return Unreachable("GitHub: TimeoutError")
        case _:
            return _on_the_wire(blow, port, name)


def _of_the_table(blow: Blow, name: str) -> CloudError:
    said = {Blow.THROTTLED: "ThrottlingException", Blow.DENIED: "AccessDeniedException"}
    code = said.get(blow, "ReadTimeoutError")
    return CloudError(classify(name, code, "", 400 if blow in said else 0))


def _of_slack(blow: Blow, name: str) -> ChatError:
    if blow is Blow.NOT_IN_CHANNEL:
        return NotInChannel("not_in_channel") if name == "post" else ChatError("channel_not_found")
    if blow is Blow.THROTTLED:
        return ChatError("ratelimited", retry_after=BUSY_FOR)
    return ChatError("internal_error" if blow in _BROKEN else "unreachable")


_BROKEN_CODES = {
    "ec2": "InternalError",
    "ssm": "InternalServerError",
    "service-quotas": "ServiceException",
    "pricing": "InternalErrorException",
}


def _on_the_wire(blow: Blow, service: str, operation: str) -> Exception:
    ec2 = service == "ec2"
    match blow:
        case Blow.NO_ANSWER | Blow.LOST_ANSWER:
            return TimedOut(operation, effect=blow is Blow.LOST_ANSWER)
        case Blow.THROTTLED if ec2:
            return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
        case Blow.THROTTLED:
            return AwsError("ThrottlingException", "Rate exceeded")
        case Blow.DENIED if ec2:
            return AwsError("UnauthorizedOperation", "You are not authorized.", 403)
        case Blow.DENIED:
            return AwsError("AccessDeniedException", "User is not authorized.")
        case _:
            return AwsError(_BROKEN_CODES.get(service, "InternalFailure"), "An error.", 500)


# ---- a race that is lost ---------------------------------------------------------------------


def race(ledger: Any, name: str, *args: Any) -> bool:
    """Somebody else writes that row first: what stands there is newer than what was read. Whether
    there was none before."""
    match name:
        case "open":
            return False  # another delivery cannot open what this one has not: it would be this one
        case "save":
            seen = ledger.machine(args[1].id)
            ledger.save(seen, seen)
        case "save_profile":
            profile = ledger.profile(args[1].user)
            ledger.save_profile(profile, profile)
        case "save_quota_request":
            known = ledger.quota_request(args[0].key)
            ledger.save_quota_request(known or args[0], known)
        case _:
            row = args[-1] or args[0]
            known = ledger.row(type(row), row.key)
            if known is not None or name == "save_row":
                ledger.save_row(known or replace(row, version=0), known)
            return known is None and name == "save_row"
    return False
