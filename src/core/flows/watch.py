"""What the clock works with: its ports, and a way to do many things of which none waits for
another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from core.flows.house import Together, one_by_one
from core.model import Policy
from core.ports import Cloud, Ledger, Wakes

BATCH = 100  # rows that one read takes, instances that one stop names, wakes of one look
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What the clock is given: it neither speaks to Slack nor launches anything."""

    cloud: Cloud
    ledger: Ledger
    wakes: Wakes
    policy: Policy
    clock: Callable[[], datetime]
    together: Together = one_by_one
    wrong: tuple[Exception, ...] = ()  # with the settings: to be told once all else is done


class NotInTime(Exception):
    """It took too long to be waited for, and may yet be done."""


def tried(look: Callable[[], T]) -> T | Exception:
    """An answer, or what went wrong, so that it keeps nothing else from being looked at: whoever
    asks passes it on when everything is."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - see above
        return error


def in_time(watch: Watch, look: Callable[[], T], what: str) -> T | Exception:
    """The same for one look; NotInTime where it hangs."""
    (found,) = watch.together([partial(tried, look)])
    return NotInTime(what) if found is None else found


def parts(many: Sequence[T], size: int = BATCH) -> list[Sequence[T]]:
    """A hundred at a time, or so many."""
    return [many[start : start + size] for start in range(0, len(many), size)]
