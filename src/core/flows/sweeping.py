"""Carries out what the sweep has decided, in few calls, and says who must hear of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

from core.faults import CloudError, FaultKind
from core.flows.watch import NotInTime, Watch, parts
from core.reconcile import Action, Swept

TOLD_TOGETHER = 20  # instances in one wake: a key that is much longer nobody reads
# Refusals of a call as a whole: asked for one by one, it would be refused as often.
_OF_ALL = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED, FaultKind.ACCOUNT})
_DENIED = frozenset({"UnauthorizedOperation", "AuthFailure"})


def carried_out(
    watch: Watch, decided: Sequence[Swept]
) -> tuple[tuple[Swept, ...], tuple[Exception, ...]]:
    """A hundred instances of a region in one call, for EC2 counts calls; what no row knows in
    calls of its own. Those that are longest overdue first."""
    acts = [partial(_stopped, watch, some) for some in _calls(decided)]
    came = watch.together(acts)
    late = tuple(NotInTime("stop") for one in came if one is None)
    done = tuple(swept for one in came if one for swept in one[0])
    woken = tuple(one for one in decided if one.action is Action.WAKE)
    return (*woken, *done), (*late, *(error for one in came if one for error in one[1]))


def _calls(decided: Sequence[Swept]) -> list[tuple[Swept, ...]]:
    acts = [one for one in decided if one.action is not Action.WAKE]
    known: dict[tuple[str, Action], list[Swept]] = {}
    for one in (one for one in acts if one.known):
        known.setdefault((one.tagged.instance.region, one.action), []).append(one)
    many = [tuple(some) for those in known.values() for some in parts(those)]
    return [*many, *((one,) for one in acts if not one.known)]


def _stopped(
    watch: Watch, some: tuple[Swept, ...]
) -> tuple[tuple[Swept, ...], tuple[Exception, ...]]:
    """All in one call; machine by machine where one of them is what AWS refuses."""
    region, action = some[0].tagged.instance.region, some[0].action
    act = watch.cloud.stop if action is Action.STOP else watch.cloud.terminate
    try:
        act(region, *(one.tagged.instance.id for one in some))
    except CloudError as error:
        of = [tuple(those) for _, those in groupby(sorted(some, key=_whose), key=_whose)]
        if len(of) == 1 or error.fault.kind in _OF_ALL or error.fault.code in _DENIED:
            return (), (error,)
        each = [_stopped(watch, those) for those in of]
        return tuple(s for one in each for s in one[0]), tuple(e for one in each for e in one[1])
    return some, ()


def _whose(swept: Swept) -> str:
    return swept.tagged.machine


def to_look_at(decided: Iterable[Swept], roused: Iterable[tuple[str, str]]) -> list[str]:
    """Rows, whether or not EC2 did what it was asked for: they try it again by themselves."""
    ids = (*(one.tagged.machine for one in decided if one.known), *(id for id, _ in roused))
    return [f"machine/{id}" for id in dict.fromkeys(ids)]


def to_tell(decided: Iterable[Swept], now: datetime) -> list[str]:
    """What is to be stopped that no row will tell of, as wakes for whoever may speak:
    `swept/<region>/<action>/<epoch seconds>/<instance>,<instance>,…`"""
    unknown = sorted((one for one in decided if not one.known), key=_where)
    return [
        f"swept/{region}/{action}/{int(now.timestamp())}/"
        + ",".join(one.tagged.instance.id for one in some)
        for (region, action), those in groupby(unknown, key=_where)
        for some in parts(tuple(those), TOLD_TOGETHER)
    ]


def _where(swept: Swept) -> tuple[str, str]:
    return swept.tagged.instance.region, swept.action.value
