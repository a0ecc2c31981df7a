"""What every part of the world stands on: its clock, its agenda, its ids, its news.

A change that is to come (pending → running, a quota decision) is an entry in the agenda; nothing
changes between two looks at the clock. Not thread-safe: `World` holds the lock.
"""

import heapq
import itertools
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sim.world.books import Books, Watched
from sim.world.data import load_quotas, load_zones
from sim.world.settings import Settings
from sim.world.things import Group, Instance, Region, Rule, Subnet
from sim.world.troubles import Troubles

# Three networks that are reserved for documentation: nobody's machine answers there. When all 762
# are taken they are given twice, which nothing here looks at.
_PUBLIC = tuple(
    f"{net}.{host}" for net in ("203.0.113", "198.51.100", "192.0.2") for host in range(1, 255)
)


class Ground:
    """The account: its regions, and the time that passes in them."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        seed: int,
        account: str,
        regions: tuple[str, ...],
        settings: Settings,
    ) -> None:
        self._now = now
        self._random = random.Random(seed)
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._addresses = itertools.cycle(_PUBLIC)
        self._news: list[dict[str, Any]] = []
        self.seed = seed
        self.account = account
        self.settings = settings
        self.troubles = Troubles()
        self.profiles: dict[str, str] = {}  # ARN of an instance profile → ARN of its role
        self.time = self._look()
        self.began = self.time
        self.books = Books()
        self.regions = {name: self._found(name) for name in regions}

    # ---- time -----------------------------------------------------------------------------

    def _look(self) -> datetime:
        now = self._now()
        if now.tzinfo is None:
            raise ValueError("the world's clock must give aware datetimes")
        return now.astimezone(UTC)

    def later(self, seconds: float, change: Callable[[], None]) -> None:
        """Have `change` happen that many seconds from now."""
        due = self.time + timedelta(seconds=seconds)
        heapq.heappush(self._agenda, (due, next(self._numbers), change))

    def advance(self) -> None:
        """Let everything happen that is due by now, each at its own time and in order.

        A clock that went backwards changes nothing: what happened has happened.
        """
        now = max(self._look(), self.time)
        while self._agenda and self._agenda[0][0] <= now:
            due, _, change = heapq.heappop(self._agenda)
            self.time = max(self.time, due)
            change()
        self.time = now

    def next_change(self) -> datetime | None:
        """When the next planned change is due."""
        return self._agenda[0][0] if self._agenda else None

    # ---- ids and addresses ----------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        """An id as EC2 gives them: `i-` and 17 hexadecimal digits."""
        return f"{prefix}-{self._random.getrandbits(68):017x}"

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def quota_request_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def public_ip(self) -> str:
        taken = {
            face.public_ip
            for region in self.regions.values()
            for face in region.interfaces.values()
        }
        for _ in _PUBLIC:
            address = next(self._addresses)
            if address not in taken:
                return address
        return next(self._addresses)

    def private_ip(self, subnet: Subnet) -> str:
        a, b, c, _ = subnet.cidr.split("/")[0].split(".")
        return f"{a}.{b}.{int(c) + self._random.randrange(16)}.{self._random.randrange(4, 255)}"

    # ---- news -----------------------------------------------------------------------------

    def tell_state(self, region: Region, instance: Instance) -> None:
        """Announce the state that the instance is in now, and write it into the books."""
        face = region.interfaces.get(instance.interface or "")
        address = face is not None and face.wants_public_ip
        self.books.instance(region.name, self.time, instance, address=address)
        arn = f"arn:aws:ec2:{region.name}:{self.account}:instance/{instance.id}"
        detail = {"instance-id": instance.id, "state": instance.state}
        self._tell("EC2 Instance State-change Notification", region.name, arn, detail)

    def tell_interruption(self, region: Region, instance: Instance) -> None:
        """Announce that EC2 takes the spot instance back; such an ARN names the zone."""
        arn = f"arn:aws:ec2:{instance.zone}:instance/{instance.id}"
        detail = {"instance-id": instance.id, "instance-action": "terminate"}
        self._tell("EC2 Spot Instance Interruption Warning", region.name, arn, detail)

    def tell_rebalance(self, region: Region, instance: Instance) -> None:
        """Announce that the spot instance may be taken back: no promise, and no notice yet."""
        arn = f"arn:aws:ec2:{region.name}:{self.account}:instance/{instance.id}"
        detail = {"instance-id": instance.id}
        self._tell("EC2 Instance Rebalance Recommendation", region.name, arn, detail)

    def _tell(self, kind: str, region: str, arn: str, detail: dict[str, str]) -> None:
        self._news.append(
            {
                "version": "0",
                "id": self.new_uuid(),
                "detail-type": kind,
                "source": "aws.ec2",
                "account": self.account,
                "time": f"{self.time:%Y-%m-%dT%H:%M:%SZ}",
                "region": region,
                "resources": [arn],
                "detail": detail,
            }
        )

    def take_news(self) -> list[dict[str, Any]]:
        """Every event since the last time, oldest first, in EventBridge's shape."""
        news, self._news = self._news, []
        return news

    # ---- a new account --------------------------------------------------------------------

    def _found(self, name: str) -> Region:
        """A region as a new account finds it: default VPC, a subnet in each zone, GPU quota 0."""
        zones = load_zones(name)
        vpc, subnets = self.default_vpc(zones)
        books = self.books
        return Region(
            volumes=Watched(
                lambda volume: books.volume(name, self.time, volume),
                lambda gone: books.close(gone, self.time),
            ),
            snapshots=Watched(
                lambda snapshot: books.snapshot(name, self.time, snapshot),
                lambda gone: books.close(gone, self.time),
            ),
            name=name,
            zones=zones,
            vpc=vpc,
            subnets=subnets,
            groups=self._default_group(vpc),
            limits={quota.code: quota.default for quota in load_quotas()},
        )

    def default_vpc(self, zones: tuple[tuple[str, str], ...]) -> tuple[str, dict[str, Subnet]]:
        """A new default VPC: its id, and a public subnet in each zone."""
        vpc = self.new_id("vpc")
        subnets = [
            Subnet(
                id=self.new_id("subnet"),
                zone=zone,
                zone_id=zone_id,
                vpc=vpc,
                cidr=f"172.31.{16 * number}.0/20",
            )
            for number, (zone, zone_id) in enumerate(zones)
        ]
        return vpc, {subnet.id: subnet for subnet in subnets}

    def _default_group(self, vpc: str) -> dict[str, Group]:
        group = Group(
            id=self.new_id("sg"),
            name="default",
            description="default VPC security group",
            vpc=vpc,
            rules=[],
            known_at=self.time,
            tags={},
        )
        group.rules = [
            self.rule(egress=False, protocol="-1", group=group.id),
            self.rule(egress=True, protocol="-1", cidr="0.0.0.0/0"),
        ]
        return {group.id: group}

    def rule(
        self,
        *,
        egress: bool,
        protocol: str,
        from_port: int = -1,
        to_port: int = -1,
        cidr: str | None = None,
        cidr6: str | None = None,
        group: str | None = None,
        description: str | None = None,
    ) -> Rule:
        """A rule with a new id."""
        return Rule(
            id=self.new_id("sgr"),
            egress=egress,
            protocol=protocol,
            from_port=from_port,
            to_port=to_port,
            cidr=cidr,
            cidr6=cidr6,
            group=group,
            description=description,
        )
