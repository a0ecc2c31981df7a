"""What the product's own code does next, asked one call at a time: the worker of the model.

A move of a step is run against ports that know their answers so far. At the first call without an
answer it is left, and the call is what the worker does next; with the answer it is run again from
its beginning, which is the same each time, for the code is deterministic. Rows are brought into one
form, with times as classes relative to now, so that rows which can only do the same are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from core import lifecycle as life
from core.faults import CloudError, classify
from core.flows import step
from core.flows.house import House
from core.model import (
    FINAL,
    Attempt,
    Cause,
    Desire,
    Hold,
    HoldKind,
    Instance,
    Lease,
    Machine,
    Run,
    State,
)
from core.ports import StaleRow
from sim.town import ADA, Town

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
# How long ago the last send was: a moment; long enough to send again; its sender cannot be alive
# any more; it cannot come to anything any more.
SENT = (SECOND, 35 * SECOND, life.SENDER_LIVES + SECOND, life.FENCE + life.ABSENT_FOR)
# When the lease ends. Every hour that passes brings it one place nearer.
ENDS = (-SECOND, HOUR, 2 * HOUR)

Answer = tuple[Any, ...]
Answers = tuple[Answer, ...]


@dataclass(frozen=True)
class Call:
    """What a worker does next. `row` is what a `save` writes."""

    name: str  # save | run | find | look | terminate | tag | rest
    args: tuple[Any, ...] = ()
    row: int = -1
    sends: bool = False  # this save is the one before a send, so its time is now


REST = Call("rest")


class _Left(Exception):
    """The first call that has no answer yet."""

    def __init__(self, call: Call) -> None:
        self.call = call


@dataclass
class _Script:
    """The answers to the calls of one move, in order."""

    answers: Answers
    used: int = 0
    saved: bool = False

    def ask(self, call: Call) -> Answer:
        """The answer, or the end of what is known."""
        if self.used == len(self.answers):
            raise _Left(call)
        self.used += 1
        return self.answers[self.used - 1]


# ---- ports that know their answers ----------------------------------------------------------


class _Ledger:
    """Writes are asked about; what else a move reads of the table is the same all the time."""

    def __init__(self, model: "Code", script: _Script) -> None:
        self._model, self._script = model, script

    def save(self, new: Machine, seen: Machine) -> Machine:
        before = seen.attempt.sends if seen.attempt else 0
        sends = new.attempt is not None and new.attempt.sends == before + 1
        row = self._model.number(self._model.canonical(new))
        (word,) = self._script.ask(Call("save", row=row, sends=sends))
        if word == "stale":
            raise StaleRow(new.id)
        self._script.saved = True
        return new

    def profile(self, user: str) -> Any:
        return self._model.town.ledger.profile(user)

    def row(self, kind: Any, key: str) -> None:
        return None

    def rows(self, kind: Any) -> tuple[Any, ...]:
        return ()

    def save_row(self, new: Any, seen: Any) -> Any:
        return new


class _Cloud:
    """EC2: each call is asked about, but those about addresses and those for better words."""

    def __init__(self, model: "Code", script: _Script) -> None:
        self._model, self._script = model, script

    def run(self, region: str, request: Mapping[str, Any]) -> tuple[Instance, ...]:
        return self._found("RunInstances", Call("run", (request["ClientToken"],)))

    def find(self, region: str, machine: str, attempt: int) -> tuple[Instance, ...]:
        return self._found("DescribeInstances", Call("find", (attempt,)))

    def look(self, region: str, id: str) -> Instance | None:
        found = self._found("DescribeInstances", Call("look", (id,)))
        return found[0] if found else None

    def terminate(self, region: str, *ids: str) -> None:
        self._found("TerminateInstances", Call("terminate", ids))

    def tag_deadline(self, region: str, deadline: datetime, *ids: str) -> None:
        self._found("CreateTags", Call("tag", (self._model.ends(deadline), *ids)))

    def _found(self, operation: str, call: Call) -> tuple[Instance, ...]:
        word, *found = self._script.ask(call)
        if word == "no":
            raise CloudError(classify(operation, found[0], "", 400 if found[1] else 0))
        return tuple(self._model.instance(*one) for one in found)

    def set_addresses(self, region: str, group: str, cidrs: frozenset[str]) -> None:
        return None

    def console_output(self, region: str, instance: str) -> str:
        return ""

    def spot_history(self, *args: Any) -> dict[Any, Any]:
        return {}


class _Links:
    def beats_to(self, machine: str) -> None:
        return None


# ---- the code -------------------------------------------------------------------------------


class Facts(NamedTuple):
    """What the search must know of a row. `ends`: see ENDS; `ago`: of its last send, see SENT."""

    over: bool
    wanted: bool
    attempt: int  # the open one; 0: none
    instance: str
    ends: int | None
    ago: int | None
    unseen: bool  # since a moment
    words: str


@dataclass
class Code:
    """The moves of `core.flows.step`, as they are or as a mutant has them; rows by number.

    `next_move` and `carry_out` are what a mutant puts something else in the place of.
    """

    next_move: Callable[..., life.Move] = life.next_move
    carry_out: Callable[[House, Machine, life.Move], Machine] = step._carry_out
    town: Town = field(default_factory=Town)
    rows: list[Machine] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)
    _numbers: dict[Machine, int] = field(default_factory=dict)
    _memo: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.template = _seed(self.town)
        self.now = self.town.now
        self.template = self.canonical(self.template)
        self.first = self.number(self.template)

    def number(self, row: Machine) -> int:
        """The number of a row in its one form."""
        known = self._numbers.get(row)
        if known is None:
            known = self._numbers[row] = len(self.rows)
            self.rows.append(row)
            self.facts.append(self._facts(row))
        return known

    def _facts(self, row: Machine) -> Facts:
        attempt = row.attempt
        sends = f", {attempt.sends} sends" if attempt else ""
        return Facts(
            over=row.state in FINAL or row.state is State.HELD,
            wanted=row.desire is Desire.RUN,
            attempt=attempt.number if attempt else 0,
            instance=row.instance.id if row.instance else "",
            ends=self.ends(row.lease.deadline) if row.lease else None,
            ago=self._ago(attempt.last_send) if attempt else None,
            unseen=bool(row.unseen) and row.unseen_since == self.now,
            words=f"{row.state.value} ({row.desire.value}), attempt {row.attempts}{sends}",
        )

    def next_call(self, row: int, looked: bool, answers: Answers) -> Any:
        """The call that comes next, or (row, looked) where the move is done."""
        key = row, looked, answers
        if key not in self._memo:
            self._memo[key] = self._run(self.rows[row], looked, answers)
        return self._memo[key]

    def _run(self, row: Machine, looked: bool, answers: Answers) -> Any:
        move = self.next_move(row, self.now, looked=looked)
        if isinstance(move, life.Rest) or row.state in FINAL or row.state is State.HELD:
            return REST  # what is tidied away after it is over is no part of this
        script = _Script(answers)
        parts: dict[str, Any] = {
            "ledger": _Ledger(self, script),
            "cloud": _Cloud(self, script),
            "links": _Links(),
        }
        house = replace(self.town.house, **parts)
        try:
            after = self._carried_out(house, row, move)
        except _Left as left:
            return left.call
        except StaleRow:
            return REST
        if not script.saved:
            return REST  # as the step does when a move has changed nothing
        return self.number(self.canonical(after)), looked or isinstance(move, life.Look)

    def _carried_out(self, house: House, row: Machine, move: life.Move) -> Machine:
        """As the step does it; what it would ask people or tidy away ends the launch here."""
        match move:
            case life.GiveUp():
                hold = Hold(kind=HoldKind.NO_CAPACITY, code="")
                return house.ledger.save(life.held(row, self.now, hold), row)
            case life.Tidy(then=then):
                return house.ledger.save(then, row)
            case _:
                return self.carry_out(house, row, move)

    # ---- one form for rows that can only do the same ------------------------------------------

    def canonical(self, m: Machine) -> Machine:
        """The row with everything that only words and bills are made of left out."""
        first = self.template
        over = m.state in FINAL or m.state is State.HELD
        return replace(
            first,
            version=0,
            state=m.state,
            desire=m.desire,
            cause=None if m.cause is None else Cause.PERSON,
            ended_by=None,
            attempts=m.attempts,
            attempt=self._attempt(m.attempt),
            placements=() if over else m.placements,
            placement=m.placement,
            tried=() if over else m.tried,
            instance=self._instance(m.instance),
            lease=self._lease(m.lease),
            tagged=None if m.tagged is None else self.now + self._near(m.tagged),
            launch_by=self.now + (-SECOND if self.now >= m.launch_by else 12 * HOUR),
            unseen=0 if m.instance is None else min(m.unseen, life.ABSENT_READS),
            unseen_since=self._since(m),
            runs=(_run_of(m, self.now),) if m.runs else (),
            hold=None,
            history=(),
            owed=(),
            heard=(),
            card=None,
            shown="",
            due_at=None,
            host_keys=(),
            turn=0,
            ready_at=None,
            parting_since=None,
            priced_at=None,
            facts=first.facts,
            disk_gb=first.disk_gb,
            stores=(),
            taken_at=None,
        )

    def _attempt(self, attempt: Attempt | None) -> Attempt | None:
        if attempt is None:
            return None
        token = f"t{attempt.number}"
        ago = self._ago(attempt.last_send)
        last = None if ago is None else self.now - SENT[ago]
        request = f'{{"ClientToken": "{token}"}}'
        return replace(attempt, token=token, request=request, last_send=last)

    def _ago(self, at: datetime | None) -> int | None:
        if at is None:
            return None
        return max(n for n, ago in enumerate((timedelta(0), *SENT[1:])) if self.now - at >= ago)

    def _lease(self, lease: Lease | None) -> Lease | None:
        if lease is None:
            return None
        end = self.now + self._near(lease.deadline)
        return replace(
            lease,
            started_at=self.now,
            deadline=end,
            warn_at=end,
            hard=self.now + 24 * HOUR,
            version=1,
            warned=True,
            eve_at=None,
        )

    def _near(self, deadline: datetime) -> timedelta:
        return ENDS[self.ends(deadline)]

    def ends(self, deadline: datetime) -> int:
        """In how many hours, rounded up; 0 is over."""
        left = deadline - self.now
        return 0 if left <= timedelta(0) else 1 if left <= HOUR else 2

    def _instance(self, one: Instance | None) -> Instance | None:
        return None if one is None else self.instance(one.id, one.state, None)

    def instance(self, id: str, state: str, ends: int | None) -> Instance:
        """As EC2 shows it."""
        at = self.town.policy.regions[0]
        return Instance(
            id=id,
            region=at,
            zone=f"{at}a",
            state=state,
            launched_at=self.now,
            deadline=None if ends is None else self.now + ENDS[ends],
        )

    def _since(self, m: Machine) -> datetime | None:
        if m.unseen_since is None or m.instance is None or not m.unseen:
            return None
        long = self.now - m.unseen_since >= life.ABSENT_FOR
        return self.now - (life.ABSENT_FOR if long else timedelta(0))

    # ---- time and people ----------------------------------------------------------------------

    def changed(self, how: str, row: int, *more: int) -> int:
        """The row after `older`, `an_hour_later`, `ended_by_user` or `extended_by_user`."""
        key = how, row, more
        if key not in self._memo:
            new = getattr(self, f"_{how}")(self.rows[row], *more)
            self._memo[key] = self.number(self.canonical(new))
        return int(self._memo[key])

    def _older(self, m: Machine, sent: int) -> Machine:
        """That much time has passed since its last send (an index of SENT)."""
        attempt, since = m.attempt, m.unseen_since
        if attempt and attempt.last_send:
            known = self._ago(attempt.last_send)
            assert known is not None
            attempt = replace(attempt, last_send=self.now - SENT[max(known, sent)])
        if since is not None and sent == len(SENT) - 1:
            since = self.now - life.ABSENT_FOR
        return replace(m, attempt=attempt, unseen_since=since)

    def _an_hour_later(self, m: Machine) -> Machine:
        """An hour nearer to its deadline."""
        lease, tagged = m.lease, m.tagged
        if lease is not None:
            lease = replace(lease, deadline=lease.deadline - HOUR)
        if tagged is not None:
            tagged = tagged - HOUR
        return replace(m, lease=lease, tagged=tagged)

    def _ended_by_user(self, m: Machine) -> Machine:
        """What a person's `end` writes."""
        return life.unwanted(m, self.now, Cause.PERSON, ADA, end=True)

    def _extended_by_user(self, m: Machine) -> Machine:
        """What a person's `extend` writes; the same row where it is refused."""
        new = life.extended(m, self.now, self.now + 2 * HOUR, ADA)
        return m if isinstance(new, life.NotExtended) else new

    def _too_late(self, m: Machine) -> Machine:
        """It may not be launched any more."""
        return replace(m, launch_by=self.now)


def _run_of(m: Machine, now: datetime) -> Run:
    return replace(
        m.runs[-1], started_at=now, ended_at=None if m.runs[-1].ended_at is None else now
    )


def _seed(town: Town) -> Machine:
    """A spot launch that is planned, with two places to try and nothing sent yet."""
    town.with_quota()
    town.ready_to_launch()
    town.control(do="fault", operation="RunInstances", code="timeout-without-effect", times=9)
    town.type("launch g5.xlarge spot in us-east-1 for 1h name bert")
    m = town.machine()
    assert m.state is State.LAUNCHING and m.attempt is not None
    return replace(
        m,
        attempt=None,
        attempts=0,
        lease=None,
        placements=m.placements[:2],
        desire=Desire.RUN,
    )
