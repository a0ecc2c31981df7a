"""The world itself: one account, one lock, one clock, and the table of what can be called."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from sim.callers import Caller, who_calls
from sim.world import (
    agent,
    attributes,
    beats,
    bill,
    ce,
    console,
    groups,
    images,
    instances,
    keys,
    launch,
    network,
    own_images,
    pricing,
    quotas,
    rights,
    rights_beside,
    routes,
    rules,
    snapshots,
    sts,
    tags,
    types,
    view,
    volumes,
)
from sim.world.asking import Operation, Params
from sim.world.control import Control, Fault
from sim.world.errors import AwsError, TimedOut
from sim.world.ground import Ground
from sim.world.settings import Settings
from sim.world.things import Group, Instance, Region

T = TypeVar("T")
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
TIMEOUTS = ("timeout-with-effect", "timeout-without-effect")


def _table(*operations: Operation) -> dict[str, Operation]:
    return {operation.name: operation for operation in operations}


SERVICES: Mapping[str, Mapping[str, Operation]] = {
    "ec2": _table(
        launch.OPERATION,
        *instances.OPERATIONS,
        *attributes.OPERATIONS,
        *console.OPERATIONS,
        *types.OPERATIONS,
        *network.OPERATIONS,
        *routes.OPERATIONS,
        *groups.OPERATIONS,
        *rules.OPERATIONS,
        *keys.OPERATIONS,
        *images.OPERATIONS,
        *own_images.OPERATIONS,
        *volumes.OPERATIONS,
        *snapshots.OPERATIONS,
        *tags.OPERATIONS,
    ),
    "service-quotas": _table(*quotas.OPERATIONS),
    "pricing": _table(*pricing.OPERATIONS),
    "ssm": _table(*images.SSM_OPERATIONS, *agent.SSM_OPERATIONS),
    "sts": _table(*sts.OPERATIONS),
    "ce": _table(*ce.OPERATIONS),
}


class World:
    """EC2, Service Quotas, the Price List and the public SSM parameters of one account.

    `now` gives aware datetimes; nothing else makes time pass. The same seed and the same calls at
    the same times give the same ids. Safe to use from several threads.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        seed: int = 0,
        account: str = "123456789012",
        regions: tuple[str, ...] = REGIONS,
        settings: Settings | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._ground = Ground(
            now, seed=seed, account=account, regions=regions, settings=settings or Settings()
        )
        self._control = Control(ground=self._ground)

    def call(self, service: str, region: str, operation: str, params: Params) -> dict[str, Any]:
        """The answer as boto3 parses it; AwsError when AWS refuses, TimedOut when nothing comes."""
        return _copied(self.ask(service, region, operation, params))

    def ask(self, service: str, region: str, operation: str, params: Params) -> dict[str, Any]:
        """The same for a caller that only reads the answer, which may be a part of the world."""
        with self._lock:
            self._ground.advance()
            run = _operation(service, operation)
            place = self._place(service, region)
            self._ground.troubles.check(self._ground.account, service, region, operation)
            if caller := who_calls():
                self._authorize(caller, service, place, operation, params)
            fault = self._control.take_fault(operation, region)
            if fault and not fault.effect:
                raise _raised(fault)
            answer = run(self._ground, place, _copied(dict(params)))
            if fault:
                raise _raised(fault)
            return answer

    def _authorize(
        self, caller: Caller, service: str, place: Region, operation: str, params: Params
    ) -> None:
        """Refuse what the caller's role does not allow, as the service words it."""
        ground = self._ground
        if service == "ec2":
            asked = rights.asks(ground, place, operation, params)
        else:
            asked = rights_beside.asks(ground, place, service, operation, params)
        for ask in asked:
            if ask.gone:
                continue
            decision = caller.decide(ask)
            if not decision.allowed:
                raise ground.troubles.not_allowed(service, caller.arn, ask, decision)

    def _place(self, service: str, region: str) -> Region:
        """The region that is called. The Price List is served from few, for all."""
        if service == "ce" or (service == "pricing" and region in pricing.ENDPOINTS):
            return next(iter(self._ground.regions.values()))
        if service == "pricing" or region not in self._ground.regions:
            raise AwsError(
                "OptInRequired", f"The world does not serve {service} in {region}.", status=401
            )
        return self._ground.regions[region]

    def tick(self) -> list[dict[str, Any]]:
        """Let time pass; every event since the last tick, in EventBridge's shape."""
        with self._lock:
            self._ground.advance()
            return self._ground.take_news()

    def next_change(self) -> datetime | None:
        """When something is next planned to happen by itself, or None."""
        with self._lock:
            return self._ground.next_change()

    def reports(self) -> list[tuple[str, bytes]]:
        """Let time pass; what machines POST of their use since the last time: URL and body."""
        with self._lock:
            self._ground.advance()
            return beats.collect(self._ground)

    def next_report(self) -> datetime | None:
        """When a machine next reports, or None."""
        with self._lock:
            return beats.next_at(self._ground)

    def control(self, command: dict[str, Any]) -> dict[str, Any]:
        """A command of the world control; ValueError says what is wrong with it."""
        with self._lock:
            self._ground.advance()
            return self._control.run(command)

    def up(self) -> tuple[str, ...]:
        """Ids of all instances that are pending or running: a look that costs next to nothing."""
        with self._lock:
            self._ground.advance()
            return tuple(
                one.id
                for region in self._ground.regions.values()
                for one in region.instances.values()
                if one.state in ("pending", "running")
            )

    def instances(self) -> list[Instance]:
        """Every instance that ever was: the things themselves, to be looked at and not changed."""
        with self._lock:
            self._ground.advance()
            regions = self._ground.regions.values()
            return [one for region in regions for one in region.instances.values()]

    def groups(self) -> list[Group]:
        """Every security group, in the same way."""
        with self._lock:
            regions = self._ground.regions.values()
            return [one for region in regions for one in region.groups.values()]

    def things(self) -> list[Any]:
        """All of both."""
        return [*self.instances(), *self.groups()]

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of this world."""
        return tuple(self._ground.regions)

    def bill(self, since: datetime, until: datetime, stack: str | None = None) -> Decimal:
        """USD that AWS asks for that stretch; `stack`: for what carries this value of gpu:stack."""
        with self._lock:
            self._ground.advance()
            return bill.total(self._ground, since, until, stack)

    def bill_lines(
        self, since: datetime, until: datetime, stack: str | None = None
    ) -> list[tuple[str, str, str, Decimal]]:
        """(kind, id, gpu:machine, USD) of everything in that bill."""
        with self._lock:
            self._ground.advance()
            found = bill.parts(self._ground, since, until, stack)
            return [(o.kind, o.id, o.tags.get("gpu:machine", ""), usd) for o, usd in found]

    def state(self) -> dict[str, Any]:
        """The whole world as plain JSON values."""
        with self._lock:
            self._ground.advance()
            return view.state(self._ground)


def _copied(value: T) -> T:
    """Dicts and lists anew, all else as it is: nothing else in a call or an answer can change.

    copy.deepcopy remembers every object on the way, which took most of a simulated month.
    """
    return cast("T", _copy(value))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(one) for one in value]
    return value


def _operation(service: str, operation: str) -> Operation:
    found = SERVICES.get(service, {}).get(operation)
    if found is None:
        raise AwsError("InvalidAction", f"The world does not know {service} {operation}.")
    return found


def _raised(fault: Fault) -> AwsError | TimedOut:
    if fault.code in TIMEOUTS:
        return TimedOut(fault.operation, effect=fault.effect)
    return AwsError(fault.code, fault.message, fault.status)
