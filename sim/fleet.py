"""A fleet of thousands in many regions, with its rows: what the sweep has to cope with in a minute.

Each region is a world of its own, so that there may be more of them than the world has figures for,
and none waits for another's lock. Every call of EC2 and every read of the ledger is counted.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from adapters.ec2 import Ec2
from core.flows.house import Together, one_by_one
from core.flows.watch import Watch
from core.model import Machine, State
from core.ports import UnreadableRow
from sim.direct import Direct
from sim.ledger import MemoryLedger
from sim.town import POLICY, Town
from sim.wakes import MemoryWakes
from sim.world import World

LARGEST_RUN = 100
KEYS_A_PAGE = 10_000  # of the index: about a hundred bytes each, and a page has a megabyte


@dataclass
class CountedLedger(MemoryLedger):
    """The ledger in memory; `reads` has each call that the sweep would make of DynamoDB."""

    reads: Counter[str] = field(default_factory=Counter)

    def watched(self) -> Mapping[str, datetime]:
        """Pages of keys."""
        found = super().watched()
        self.reads["Query"] += 1 + len(found) // KEYS_A_PAGE
        return found

    def machines(self, ids: Sequence[str]) -> Mapping[str, Machine | UnreadableRow]:
        """A batch."""
        assert len(ids) <= 100, "one BatchGetItem takes a hundred keys"
        self.reads["BatchGetItem"] += 1
        return super().machines(ids)

    def owners(self, instances: Sequence[str]) -> Mapping[str, str]:
        """A batch."""
        assert len(instances) <= 100, "one BatchGetItem takes a hundred keys"
        self.reads["BatchGetItem"] += 1
        return super().owners(instances)

    def lose(self, *ids: str) -> None:
        """As if the table were restored from a backup that is older than these."""
        for id in ids:
            gone = self._machines.pop(id)
            del self._names[gone.name]
            for one in gone.instances:
                self._instances.pop(one.id, None)

    def spoil(self, id: str, **changes: Any) -> None:
        """Write into a row what no code of ours would."""
        self._machines[id] = replace(self._machines[id], **changes)


class Fleet:
    """So many running machines, each in the ledger, spread over so many regions."""

    def __init__(self, machines: int, regions: int, together: Together = one_by_one) -> None:
        self._pattern = _one_running()
        self.now = self._pattern.created_at
        self._numbers = itertools.count()
        self.calls: Counter[str] = Counter()
        self.regions = tuple(f"region-{number}" for number in range(regions))
        self.worlds = {name: self._world(n) for n, name in enumerate(self.regions)}
        self.clients = {name: _Counting(one, self.calls) for name, one in self.worlds.items()}
        self._images = {name: _image(client) for name, client in self.clients.items()}
        self.ledger = CountedLedger()
        self.wakes = MemoryWakes(self.clock)
        for region, count in self._spread(machines):
            self._launch(region, count)
        self.now += timedelta(minutes=30)
        for world in self.worlds.values():
            world.tick()
        self.calls.clear()
        self.watch = Watch(
            cloud=self.cloud,
            ledger=self.ledger,
            wakes=self.wakes,
            policy=replace(POLICY, regions=self.regions),
            clock=self.clock,
            together=together,
        )

    def clock(self) -> datetime:
        """The simulated time."""
        return self.now

    @property
    def cloud(self) -> Ec2:
        """EC2 in all the regions."""
        client: Any = self.clients.__getitem__
        return Ec2(client, client, POLICY.stack, pause=lambda _: None)

    def up(self) -> set[str]:
        """Ids of all instances that run."""
        return {id for world in self.worlds.values() for id in world.up()}

    def _world(self, seed: int) -> World:
        world = World(self.clock, seed=seed, regions=("us-east-1",))
        for quota in world.state()["quotas"]:
            command = {"do": "set-quota", "region": "us-east-1", "code": quota["code"]}
            world.control({**command, "value": 1_000_000})
        return world

    def _spread(self, machines: int) -> list[tuple[str, int]]:
        """Evenly, but for the first region, which has a quarter more: beyond a page of 1,000."""
        each = machines * 4 // (4 * len(self.regions) + 1)
        rest = machines - each * (len(self.regions) - 1)
        return [(self.regions[0], rest), *((region, each) for region in self.regions[1:])]

    def _launch(self, region: str, count: int) -> None:
        lease = self._pattern.lease
        assert lease is not None
        deadline = str(int(lease.deadline.timestamp()))
        bought = self.buy(region, count, {"gpu:stack": POLICY.stack, "gpu:deadline": deadline})
        for id in bought:
            machine = f"m-{next(self._numbers)}"
            self.tag(region, id, "gpu:machine", machine)
            self._write(machine, region, id)

    def _write(self, id: str, region: str, instance: str) -> None:
        assert self._pattern.instance is not None
        there = replace(self._pattern.instance, id=instance, region=region, launched_at=self.now)
        m = replace(
            self._pattern,
            id=id,
            name=f"fox-{id}",
            due_at=self.now + timedelta(minutes=40),
            instance=there,
        )
        opened = self.ledger.open(m, request=id, twin=id, now=self.now).machine
        self.ledger.save(opened, opened)

    def buy(self, region: str, count: int, tags: Mapping[str, str]) -> list[str]:
        """So many instances with these tags and no row; their ids."""
        bought: list[str] = []
        while len(bought) < count:
            some = min(LARGEST_RUN, count - len(bought))
            answer = self.clients[region].run_instances(
                ImageId=self._images[region],
                InstanceType="g5.xlarge",
                MinCount=some,
                MaxCount=some,
                TagSpecifications=[{"ResourceType": "instance", "Tags": _tags(tags)}],
            )
            bought += [one["InstanceId"] for one in answer["Instances"]]
        return bought

    def tag(self, region: str, instance: str, key: str, value: str) -> None:
        """As somebody does in the console."""
        self.clients[region].create_tags(Resources=[instance], Tags=_tags({key: value}))

    def untag(self, region: str, instance: str, key: str) -> None:
        """The same."""
        self.clients[region].delete_tags(Resources=[instance], Tags=[{"Key": key}])


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _image(client: Direct) -> str:
    return str(client.describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


class _Counting(Direct):
    """A client whose calls are counted, pages each by itself."""

    def __init__(self, world: World, calls: Counter[str]) -> None:
        super().__init__(world, "ec2", "us-east-1")
        self._calls = calls

    def _answer(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        self._calls[operation] += 1
        return super()._answer(operation, params)


def _one_running() -> Machine:
    """A row as a launch leaves it, with a day to run."""
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 24h name fox")
    here.pass_time(timedelta(minutes=3))
    assert here.machine().state is State.RUNNING
    return here.machine()
