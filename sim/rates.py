"""How many calls EC2 takes: the buckets of "Request throttling for the Amazon EC2 API", by region.

In simulated time. What is beyond them is refused with RequestLimitExceeded and changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sim.direct import Direct
from sim.world import World

READS = (100, 20)  # most, and so many more each second
CHANGES = (50, 5)
CALLS = {
    "RunInstances": (5, 2),
    "StartInstances": (5, 2),
    "TerminateInstances": (100, 5),
    "CreateTags": (100, 10),
}
INSTANCES = {"StopInstances": (1000, 20), "TerminateInstances": (1000, 20)}


@dataclass
class Bucket:
    """So many tokens, and so many more each second."""

    most: float
    refill: float
    left: float = 0
    at: datetime | None = None

    def take(self, number: int, now: datetime) -> bool:
        """Whether there are so many; then they are gone."""
        since = (now - self.at).total_seconds() if self.at else self.most
        self.left, self.at = min(self.most, self.left + since * self.refill), now
        if self.left < number:
            return False
        self.left -= number
        return True


@dataclass
class Rates:
    """The buckets of one region, and how often each call was made and refused."""

    now: Callable[[], datetime]
    calls: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def allows(self, operation: str, params: dict[str, Any]) -> bool:
        """Whether EC2 takes this call now."""
        kind = "reads" if operation.startswith(("Describe", "Get")) else "changes"
        name = operation if operation in CALLS else kind
        size = CALLS.get(operation, READS if kind == "reads" else CHANGES)
        ok = self._bucket(name, size).take(1, self.now())
        if ok and operation in INSTANCES:
            resources = self._bucket(f"{operation}-instances", INSTANCES[operation])
            ok = resources.take(len(params.get("InstanceIds", ())), self.now())
        counted = self.calls if ok else self.refused
        counted[operation] = counted.get(operation, 0) + 1
        return ok

    def _bucket(self, name: str, size: tuple[int, int]) -> Bucket:
        return self._buckets.setdefault(name, Bucket(most=size[0], refill=size[1]))


class Limited(Direct):
    """A client of EC2 that is held to the rates of its region."""

    def __init__(self, world: World, region: str, rates: Rates) -> None:
        super().__init__(world, "ec2", region)
        self._rates = rates

    def _answer(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        if not self._rates.allows(operation, params):
            code = "RequestLimitExceeded"
            told = {
                "Error": {"Code": code, "Message": "Request limit exceeded."},
                "ResponseMetadata": {"HTTPStatusCode": 503},
            }
            raise self.exceptions.from_code(code)(told, operation)
        return super()._answer(operation, params)
