"""The protocol with one rule taken out: each must lead to something wrong, and the search finds it.

A mutant changes the product's own code where the rule stands, or what is sent to EC2; the rest of
it is as it ships.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from core import lifecycle as life
from core.faults import CloudError, classify
from core.flows import attempts, step
from core.flows.house import House
from core.model import Desire, Machine, State
from core.ports import Cloud, Ledger
from sim.protocol import Bounds, Model
from sim.protocol_rows import Code

Carry = Callable[[House, Machine, life.Move], Machine]
_SENDS = (life.Send, life.Resolve)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """What is left out, and what that must lead to."""

    name: str
    leads_to: str  # double | orphan | early
    code: Callable[[], Code] = Code
    own_tokens: bool = False
    believes_tags: bool = False
    bounds: Bounds = field(default_factory=lambda: Bounds(steps=2, trouble=1, hours=0))

    def model(self) -> Model:
        """The model with this rule taken out."""
        return Model(
            code=self.code(),
            bounds=self.bounds,
            own_tokens=self.own_tokens,
            believes_tags=self.believes_tags,
            looks_for=self.leads_to,
        )


# ---- the row is written after the call --------------------------------------------------------


class _LateLedger:
    """Nothing is written before EC2 has been asked."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.asked = ledger, False

    def save(self, new: Machine, seen: Machine) -> Machine:
        return self.ledger.save(new, seen) if self.asked else new

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


class _Cloud:
    """EC2, whose answers to RunInstances are changed on their way."""

    def __init__(self, cloud: Cloud, run: Callable[[str, Mapping[str, Any]], Any]) -> None:
        self._cloud, self.run = cloud, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cloud, name)


def _after_the_call(house: House, m: Machine, move: life.Move) -> Machine:
    if not isinstance(move, life.Open):
        return step._carry_out(house, m, move)
    late = _LateLedger(house.ledger)

    def run(region: str, request: Mapping[str, Any]) -> Any:
        late.asked = True
        return house.cloud.run(region, {**request, "ClientToken": f"t{m.attempts + 1}"})

    ports: dict[str, Any] = {"ledger": late, "cloud": _Cloud(house.cloud, run)}
    quiet = replace(house, **ports)
    return attempts.send(quiet, attempts.open_attempt(quiet, m, move.placement))


# ---- what an answer means ---------------------------------------------------------------------


def _silence_is_a_no(house: House, m: Machine, move: life.Move) -> Machine:
    def run(region: str, request: Mapping[str, Any]) -> Any:
        try:
            return house.cloud.run(region, request)
        except CloudError as error:
            if error.fault.definite:
                raise
            fault = classify("RunInstances", "InsufficientInstanceCapacity", "", 500)
            raise CloudError(fault) from error

    cloud = cast("Cloud", _Cloud(house.cloud, run))
    return step._carry_out(replace(house, cloud=cloud), m, move)


def _sends_are_not_counted(house: House, m: Machine, move: life.Move) -> Machine:
    if isinstance(move, _SENDS) and m.attempt is not None:
        m = replace(m, attempt=replace(m.attempt, sends=0))
    return step._carry_out(house, m, move)


# ---- what comes next --------------------------------------------------------------------------


def _not_one_at_a_time(m: Machine, now: datetime, *, looked: bool) -> life.Move:
    """Whoever finds an attempt whose sender may still be at it tries the next place."""
    open_ = m.attempt is not None and m.attempt.last_send is not None
    if open_ and m.state is State.LAUNCHING and m.desire is Desire.RUN and len(m.placements) > 1:
        return life.Change(to=life.refused(m, now, "busy"))
    return life.next_move(m, now, looked=looked)


def _unseen_is_absent(m: Machine, now: datetime, *, looked: bool) -> life.Move:
    move = life.next_move(m, now, looked=looked)
    return life.Resolve(last=True) if isinstance(move, life.Resolve) else move


def _over_unconfirmed(m: Machine, now: datetime, *, looked: bool) -> life.Move:
    """What is to end is over at once, whatever may still be under way."""
    if m.state is State.ENDING or (m.state is State.LAUNCHING and m.desire is Desire.GONE):
        return life.Change(to=life.ended(replace(m, attempt=None), now))
    return life.next_move(m, now, looked=looked)


MUTANTS = (
    Mutant(name="each send has a token of its own", leads_to="double", own_tokens=True),
    Mutant(
        name="the row is written after the call",
        leads_to="orphan",
        code=lambda: Code(carry_out=_after_the_call),
    ),
    Mutant(
        name="the row after the call, and a token for each send",
        leads_to="double",
        code=lambda: Code(carry_out=_after_the_call),
        own_tokens=True,
    ),
    Mutant(
        name="not one attempt at a time",
        leads_to="double",
        code=lambda: Code(next_move=_not_one_at_a_time),
    ),
    Mutant(
        name="silence is a no",
        leads_to="double",
        code=lambda: Code(carry_out=_silence_is_a_no),
    ),
    Mutant(
        name="any refusal closes the attempt, whatever was sent before",
        leads_to="double",
        code=lambda: Code(carry_out=_sends_are_not_counted),
    ),
    Mutant(
        name="what EC2 does not show is not there",
        leads_to="orphan",
        code=lambda: Code(next_move=_unseen_is_absent),
    ),
    Mutant(
        name="over without a confirmation",
        leads_to="orphan",
        code=lambda: Code(next_move=_over_unconfirmed),
    ),
    Mutant(
        name="the sweep believes the tag, and no row",
        leads_to="early",
        believes_tags=True,
        bounds=Bounds(steps=1, trouble=0, hours=1),
    ),
)
