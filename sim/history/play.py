"""Plays a list of steps on a fresh stage, looks at every promise, and shortens what breaks one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.model import DataVolume, SavedImage
from sim.history.acts import MEMBERS, PEOPLE, Step, carry_out, new_stage
from sim.history.stage import Stage
from sim.promises import Broken, Judge

MINUTE = timedelta(minutes=1)
SETTLES = 16 * MINUTE
ENDS = 12 * MINUTE
HOURLY = 75 * MINUTE  # the look over what is left comes once an hour
LONGEST_WAIT = timedelta(hours=26)

Steps = Sequence[Step]
Make = Callable[[], Stage]


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a history. `broken` is empty where every promise held."""

    broken: tuple[Broken, ...]
    stage: Stage
    looks: int


def play(steps: Steps, make: Make = Stage, *, traced: bool = False) -> Played:
    """Carry out the steps, then mend everything, have everybody end what they have, and wait."""
    stage = new_stage(make)
    stage.traced = traced
    judge = Judge(stage)
    stage.after_run = judge.look
    for step in steps:
        carry_out(stage, step)
        judge.look_after_a_step()
        if judge.broken:
            break
    else:
        _to_the_end(stage, judge)
    return Played(broken=tuple(judge.broken), stage=stage, looks=judge.looks)


def _to_the_end(stage: Stage, judge: Judge) -> None:
    if stage.dead:
        return _until_all_timers_are_over(stage)
    _mend(stage)
    stage.pass_time(SETTLES)
    _end_all(stage)
    stage.pass_time(ENDS)
    if _something_is_left(stage):
        _delete_what_outlives(stage)
        stage.pass_time(HOURLY)
    judge.look_after_a_step()
    return judge.look_at_the_end()


def _mend(stage: Stage) -> None:
    """A good day again. A clock that is wrong stays wrong: that is no trouble that passes."""
    stage.traps.clear()
    stage.queue.mend()
    stage.skip_minutes = stage.lose_events = 0
    stage.chat.down, stage.chat.busy_for = False, None
    stage.control(do="mend")
    for user in MEMBERS:
        known = stage.chat.known(user)
        assert known is not None
        stage.chat.add(replace(known, active=True))


def _end_all(stage: Stage) -> None:
    """Whoever still may ends what they have; an admin ends the rest."""
    for m in stage.ledger.live():
        carry_out(stage, {"do": "say", "who": "sam", "text": f"end {m.name}"})


def _something_is_left(stage: Stage) -> bool:
    return bool(stage.ledger.live()) or stage.world.state()["counts"] != stage.log.counts


def _delete_what_outlives(stage: Stage) -> None:
    """Each owner deletes their own."""
    of = {id: name for name, id in PEOPLE.items()}
    left = [(row.owner, f"data delete {row.name} yes") for row in stage.ledger.rows(DataVolume)]
    left += [(row.owner, f"images delete {row.name} yes") for row in stage.ledger.rows(SavedImage)]
    for owner, text in left:
        carry_out(stage, {"do": "say", "who": of[owner], "text": text})


def _until_all_timers_are_over(stage: Stage) -> None:
    """Until the longest of all leases and two minutes more: only machines act."""
    ends = [max(m.lease.hard, m.lease.deadline) for m in stage.ledger.live() if m.lease]
    left = max([*ends, stage.now]) + 5 * MINUTE - stage.now
    stage.pass_time(min(left, LONGEST_WAIT))


# ---- shortening -----------------------------------------------------------------------------


def shortest(steps: Steps, make: Make = Stage, *, most: int = 400) -> list[Step]:
    """The fewest steps found that break the same promise: parts are left out, halves first, and
    then what a step has more than it needs. `most`: histories that are played for it."""
    promise = play(steps, make).broken[0].promise
    tried = 0

    def breaks(some: Steps) -> bool:
        nonlocal tried
        tried += 1
        return tried <= most and any(b.promise == promise for b in play(some, make).broken)

    found = list(steps)
    size = max(1, len(found) // 2)
    while True:
        shorter = _without_a_part(found, size, breaks)
        if shorter is not None:
            found = shorter
            size = min(size, max(1, len(found) // 2))
        elif size > 1:
            size //= 2
        else:
            break
    return _plainer(found, breaks)


def _without_a_part(
    steps: list[Step], size: int, breaks: Callable[[Steps], bool]
) -> list[Step] | None:
    for start in range(0, len(steps), size):
        some = steps[:start] + steps[start + size :]
        if breaks(some):
            return some
    return None


def _plainer(steps: list[Step], breaks: Callable[[Steps], bool]) -> list[Step]:
    """Without whatever a step can do without."""
    for number in range(len(steps)):
        for name in (
            "after",
            "times",
            "version",
            "busy",
            "slow",
            "late",
            "above",
            "budget",
            "over",
            "beating",
        ):
            if name in steps[number]:
                less = {key: value for key, value in steps[number].items() if key != name}
                some = [*steps[:number], less, *steps[number + 1 :]]
                if breaks(some):
                    steps = some
    return steps
