"""Products that break their promises on purpose, to show that histories find it.

Each is the real one with one habit less: a condition, a fence, a record before the act. `broken`
puts it in place for the time of a block; what it gives makes a stage of that product.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from adapters.ec2 import Ec2
from core import gate, lifecycle, policy, reconcile
from core.faults import CloudError, FaultKind
from core.flows import attempts, purse
from core.lifecycle import moves, sightings
from core.model import Instance, Machine
from sim.history.stage import Stage, WatchedLedger

Patches = tuple[tuple[Any, str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Tooth:
    """One broken product: what makes its stage, what is put in the place of what, and the promise
    that it breaks."""

    make: Callable[[], Stage] = Stage
    patches: Patches = ()
    breaks: str


@contextmanager
def broken(tooth: Tooth) -> Iterator[Callable[[], Stage]]:
    """That product, until the end of the block."""
    before = [(where, name, getattr(where, name)) for where, name, _ in tooth.patches]
    for where, name, other in tooth.patches:
        setattr(where, name, other)
    try:
        yield tooth.make
    finally:
        for where, name, own in before:
            setattr(where, name, own)


# ---- stages ---------------------------------------------------------------------------------


class ForgetfulLedger(WatchedLedger):
    """Writes whatever anybody has seen."""

    def save(self, machine: Machine, seen: Machine) -> Machine:
        """Without the condition on the version."""
        return super().save(machine, self.machine(seen.id) or seen)


@dataclass
class ForgetfulStage(Stage):
    """On such a ledger."""

    ledger: WatchedLedger = field(default_factory=ForgetfulLedger)


class _Instead:
    """A port of which one method is another."""

    def __init__(self, port: Any, **others: Any) -> None:
        self._port = port
        self._others = others

    def __getattr__(self, name: str) -> Any:
        return self._others.get(name) or getattr(self._port, name)


def _with_cloud(change: Callable[[Any], dict[str, Any]]) -> Callable[[], Stage]:
    def make() -> Stage:
        stage = Stage()
        cloud: Any = _Instead(stage.bare.cloud, **change(stage.bare.cloud))
        stage.open_house(replace(stage.bare, cloud=cloud))
        return stage

    return make


def _without_tokens(cloud: Any) -> dict[str, Any]:
    sent = iter(range(10**9))

    def run(region: str, request: Mapping[str, Any]) -> Any:
        return cloud.run(region, {**request, "ClientToken": f"another-{next(sent)}"})

    return {"run": run}


def _silence_is_no(cloud: Any) -> dict[str, Any]:
    def run(region: str, request: Mapping[str, Any]) -> Any:
        try:
            return cloud.run(region, request)
        except CloudError as error:
            if error.fault.kind is not FaultKind.UNKNOWN:
                raise
            fault = replace(
                error.fault, kind=FaultKind.CAPACITY, code="InsufficientInstanceCapacity"
            )
            raise CloudError(fault) from error

    return {"run": run}


def _also_of_others(cloud: Any) -> dict[str, Any]:
    def tagged(region: str) -> Any:
        other = Ec2(cloud._ec2, cloud._ec2, "other").tagged(region)
        return (*cloud.tagged(region), *other)

    return {"tagged": tagged}


def _never_looking() -> Stage:
    stage = Stage(sweeping=False)
    stage.queue.lose_all = True
    stage.control(do="settings", guest=None)
    return stage


def _without_timers() -> Stage:
    stage = Stage()
    stage.control(do="settings", guest=None)
    return stage


# ---- habits ---------------------------------------------------------------------------------

_sending = lifecycle.sending
_seen_stopped = sightings._seen_stopped
_deadline = reconcile._deadline


def _buys_before_it_writes(house: Any, m: Machine) -> Machine:
    """The attempt is opened and sent, and only then is anything written."""
    assert m.attempt is not None
    bare = house.ledger.save(replace(m, attempt=None), m)
    bought = house.cloud.run(m.attempt.placement.region, json.loads(m.attempt.request))
    sent = lifecycle.sending(replace(bare, attempt=m.attempt), house.clock())
    adopted: Machine = house.ledger.save(lifecycle.adopted(sent, house.clock(), bought), bare)
    return adopted


def _counts_one_send(m: Machine, now: Any) -> Machine:
    sent = _sending(m, now)
    assert sent.attempt is not None
    return replace(sent, attempt=replace(sent.attempt, sends=1))


def _stopping_is_stopped(m: Machine, now: Any, instance: Instance) -> Machine:
    return _seen_stopped(m, now, replace(instance, state="stopped"))


def _too_early(*given: Any) -> Any:
    deadline = _deadline(*given)
    return deadline and deadline - timedelta(minutes=10)


TEETH: Mapping[str, Tooth] = {
    "a ledger that forgets its conditions": Tooth(
        make=ForgetfulStage, breaks="what is being ended is never kept again"
    ),
    "a cloud without client tokens": Tooth(
        make=_with_cloud(_without_tokens),
        breaks="one launch never has more instances than it asked for",
    ),
    "silence that is taken for a refusal": Tooth(
        make=_with_cloud(_silence_is_no), breaks="nothing is alive that no row explains"
    ),
    "a launch that is written down after it is bought": Tooth(
        patches=((attempts, "send", _buys_before_it_writes),),
        breaks="nothing is alive that no row explains",
    ),
    "a refusal that closes what was sent before": Tooth(
        patches=((lifecycle, "sending", _counts_one_send),),
        breaks="nothing is alive that no row explains",
    ),
    "absence that is believed at once": Tooth(
        patches=((moves, "FENCE", timedelta(0)),), breaks="nothing is alive that no row explains"
    ),
    "no wake arrives, no sweep, and machines have no timer": Tooth(
        make=_never_looking, breaks="a smooth minute leaves nothing overdue"
    ),
    "a sweep that takes others' machines for its own": Tooth(
        make=_with_cloud(_also_of_others), breaks="nobody is stopped early unless somebody asked"
    ),
    "machines without their own timer": Tooth(
        make=_without_timers,
        breaks="the machines own timer ends it where no function runs any more",
    ),
    "a sweep that comes ten minutes early": Tooth(
        patches=((reconcile, "_deadline", _too_early),),
        breaks="nobody is stopped early unless somebody asked",
    ),
    "requests that are not remembered": Tooth(
        patches=((lifecycle, "heard", lambda m, _: m),),
        breaks="an extension counts once and never beyond the longest",
    ),
    "a stop that is said before it is done": Tooth(
        patches=((sightings, "_seen_stopped", _stopping_is_stopped),),
        breaks="stopped and ended are said only when ec2 says so",
    ),
    "guests who are let in": Tooth(
        patches=((policy, "may_press", lambda *_: None),),
        breaks="only members of the workspace cause launches",
    ),
    "approvers who need not be others": Tooth(
        patches=((gate, "may_decide", lambda *_: None),),
        breaks="nobody approves their own and only who may",
    ),
    "a purse that is never asked": Tooth(
        patches=((purse, "claim", lambda *_, **__: ()),),
        breaks="the money an hour never passes its limit",
    ),
    "messages that are not struck out": Tooth(
        patches=((lifecycle, "paid", lambda m, _: m),),
        breaks="a message comes twice at most once for each crash",
    ),
    "a last word that is not brought again": Tooth(
        patches=((lifecycle, "due_again", lifecycle.due),), breaks="everybody was answered"
    ),
}
