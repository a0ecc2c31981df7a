"""Holds what EC2 shows against the rows: what each instance needs, and which rows nobody looks at.

Rows that cannot be read save nobody whose own deadline has passed, and condemn nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

from core.flows.watch import NotInTime, Watch, in_time, parts, tried
from core.model import FINAL, Machine
from core.ports import Tagged, UnreadableRow
from core.reconcile import Swept, blind, judged, neglected

Listed = Mapping[str, tuple[Tagged, ...]]
Rows = Mapping[str, Machine | UnreadableRow]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What holding EC2 against rows has shown."""

    verdicts: tuple[Swept, ...] = ()
    roused: tuple[tuple[str, str], ...] = ()
    failed: tuple[Exception, ...] = ()
    elsewhere: frozenset[str] = frozenset()  # regions outside the policy with instances of rows


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """What EC2 and the index of appointments have shown, before any row was read."""

    of: Mapping[str, tuple[Tagged, ...]]  # by what gpu:machine tells
    shown: Mapping[str, frozenset[str]]  # instances, by region
    watched: Mapping[str, datetime] | None  # None: the index could not be read


def held_against_rows(watch: Watch, listed: Listed) -> Held:
    """What becomes of each instance, and of rows that nobody looks at."""
    watched = in_time(watch, watch.ledger.watched, "the index of appointments")
    failed = (watched,) if isinstance(watched, Exception) else ()
    sight = _sight(listed, None if isinstance(watched, Exception) else watched)
    some = parts(list(dict.fromkeys((*sight.of, *(sight.watched or ())))))
    held = watch.together([partial(_held, watch, sight, ids) for ids in some])
    of_all = [
        _unheld(watch, sight, ids, NotInTime("rows")) if one is None else one
        for ids, one in zip(some, held, strict=True)
    ]
    return Held(
        verdicts=tuple(verdict for one in of_all for verdict in one.verdicts),
        roused=tuple(row for one in of_all for row in one.roused),
        failed=(*failed, *(error for one in of_all for error in one.failed)),
        elsewhere=frozenset(region for one in of_all for region in one.elsewhere),
    )


def _sight(listed: Listed, watched: Mapping[str, datetime] | None) -> _Sight:
    every = sorted((one for some in listed.values() for one in some), key=_machine)
    return _Sight(
        of={id: tuple(some) for id, some in groupby(every, key=_machine)},
        shown={r: frozenset(one.instance.id for one in some) for r, some in listed.items()},
        watched=watched,
    )


def _machine(tagged: Tagged) -> str:
    return tagged.machine


def _held(watch: Watch, sight: _Sight, ids: Sequence[str]) -> Held:
    """The same for a hundred rows, of which nothing else is kept."""
    read = tried(partial(_read, watch, sight, ids))
    if isinstance(read, Exception):
        return _unheld(watch, sight, ids, read)
    rows, verdicts = read
    good = [row for row in rows.values() if isinstance(row, Machine)]
    now = watch.clock()
    found = ((m.id, neglected(m, sight.watched, sight.shown, now)) for m in good)
    return Held(
        verdicts=verdicts,
        roused=tuple((id, why) for id, why in found if why),
        failed=tuple(row for row in rows.values() if isinstance(row, UnreadableRow)),
        elsewhere=_elsewhere(watch, sight, good),
    )


def _elsewhere(watch: Watch, sight: _Sight, rows: Sequence[Machine]) -> frozenset[str]:
    """What is in the policy and was not read is tried in a minute; this was not even asked for."""
    asked = {*watch.policy.regions, *sight.shown}
    has = {one.region for m in rows if m.state not in FINAL for one in m.instances}
    return frozenset(has - asked)


def _read(watch: Watch, sight: _Sight, ids: Sequence[str]) -> tuple[Rows, tuple[Swept, ...]]:
    rows, now = watch.ledger.machines(ids), watch.clock()
    every = (one for id in ids for one in sight.of.get(id, ()))
    verdicts = [_with_row(one, rows.get(one.machine), now) for one in every]
    known = (one for one in verdicts if one and one.known)
    strangers = [one.tagged for one in verdicts if one and not one.known]
    return rows, (*known, *_strangers(watch, strangers))


def _strangers(watch: Watch, strangers: Sequence[Tagged]) -> tuple[Swept, ...]:
    """Somebody may have edited the tag that names the machine: the row knows the instance by its
    id, too. What it cannot know either is no machine of the ledger's."""
    found: list[Swept | None] = []
    for some in parts(strangers):
        owners = watch.ledger.owners([one.instance.id for one in some])
        rows = watch.ledger.machines(list(dict.fromkeys(owners.values())))
        for one in some:
            id = owners.get(one.instance.id, one.machine)
            found.append(_with_row(replace(one, machine=id), rows.get(id), watch.clock()))
    return tuple(one for one in found if one)


def _with_row(tagged: Tagged, row: Machine | UnreadableRow | None, now: datetime) -> Swept | None:
    if isinstance(row, UnreadableRow):
        return blind(tagged, now)
    return judged(tagged, row, now)


def _unheld(watch: Watch, sight: _Sight, ids: Sequence[str], why: Exception) -> Held:
    """Where the rows cannot be read: the instances' own deadlines count, some minutes later."""
    now = watch.clock()
    found = (blind(tagged, now) for id in ids for tagged in sight.of.get(id, ()))
    return Held(verdicts=tuple(one for one in found if one), failed=(why,))
