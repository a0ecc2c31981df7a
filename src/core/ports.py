"""The narrow doors out of the house: what the flows ask of AWS, Slack and the table.

Every method may raise `CloudError` (core.faults) for EC2, Service Quotas, Pricing and SSM, and
`ChatError` (below) for Slack. Implementations: adapters/ for the real thing, sim/ for the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from core.blocks import Message
from core.model import (
    Image,
    Instance,
    Machine,
    Market,
    Network,
    Person,
    Place,
    Profile,
    QuotaChange,
    QuotaRequest,
    TypeFacts,
    Zone,
)


class ChatError(Exception):
    """Slack did not take a message. `code` is Slack's error name."""

    def __init__(self, code: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class NotInChannel(ChatError):
    """The bot may not post there; the owner's direct messages are the next best place."""


class StaleRow(Exception):
    """Somebody else wrote the row since it was read: read again, decide again."""


class UnreadableRow(Exception):
    """A row that this version cannot read: a newer deployment wrote it, or it is damaged."""


class NameTaken(Exception):
    """Another live machine has that name."""


@dataclass(frozen=True, kw_only=True)
class InUse:
    """vCPUs that pending and running instances of one type and market use in a region."""

    instance_type: str
    market: Market
    vcpus: int


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """An instance that carries this deployment's mark, as its own tags tell it.

    `deadline` is None where the tag is missing or unreadable.
    """

    instance: Instance
    machine: str
    owner: str
    market: Market
    deadline: datetime | None


class Cloud(Protocol):
    """EC2, one region a call."""

    def type_facts(self, region: str, name: str) -> TypeFacts | None:
        """What the type is, or None where the region does not know it."""

    def gpu_types(self, region: str) -> tuple[TypeFacts, ...]:
        """Every type with an accelerator that the region knows."""

    def zones_offering(self, region: str, name: str) -> tuple[Zone, ...]:
        """The zones that sell the type, by name; empty when it is not offered."""

    def spot_prices(
        self, region: str, names: tuple[str, ...], now: datetime
    ) -> Mapping[tuple[str, str], Decimal]:
        """USD per hour in effect now by (type, zone name). Types without a price are absent."""

    def network(self, region: str) -> Network | None:
        """The default VPC and its public subnets; None where the region has none."""

    def in_use(self, region: str) -> tuple[InUse, ...]:
        """What pending and running instances of the whole account use."""

    def ensure_group(self, region: str, name: str, vpc: str, tags: Mapping[str, str]) -> str:
        """The id of the security group of that name, made with no rule at all if need be."""

    def set_addresses(self, region: str, group: str, cidrs: frozenset[str]) -> None:
        """Make exactly these networks, and no others, reach TCP 22."""

    def ensure_key(self, region: str, name: str, text: str, tags: Mapping[str, str]) -> None:
        """Import the public key under that name unless it is there."""

    def run(self, region: str, request: Mapping[str, Any]) -> Instance:
        """RunInstances with exactly these arguments, sent once."""

    def find(self, region: str, machine: str) -> tuple[Instance, ...]:
        """Every instance EC2 shows with that machine's tag, whatever its state."""

    def look(self, region: str, instance: str) -> Instance | None:
        """The instance, its status checks included; None when a good read did not find it."""

    def tagged(self, region: str) -> tuple[Tagged, ...]:
        """Every instance of this deployment that is not terminated, by its tags alone."""

    def start(self, region: str, instance: str) -> None: ...

    def stop(self, region: str, instance: str) -> None: ...

    def terminate(self, region: str, instance: str) -> None:
        """Terminate it; one that is gone already is no error."""

    def tag_deadline(self, region: str, instance: str, deadline: datetime) -> None:
        """Move the gpu:deadline tag (epoch seconds), which the sweep reads."""

    def delete_group(self, region: str, name: str) -> bool:
        """Delete the machine's group; False while something still uses it, True once it is gone."""

    def delete_key(self, region: str, name: str) -> None: ...

    def volumes(self, region: str, machine: str) -> tuple[tuple[str, int, str], ...]:
        """(volume id, GB, state) of every volume with that machine's tag."""


class Images(Protocol):
    """Which AMI is the newest of its kind (SSM public parameters, DescribeImages as fallback)."""

    def newest(
        self, region: str, parameters: tuple[str, ...], patterns: tuple[str, ...], architecture: str
    ) -> Image | None:
        """The first parameter that resolves, else the newest image any pattern matches."""

    def by_id(self, region: str, image: str) -> Image | None:
        """The available image of that id, or None."""


class Quotas(Protocol):
    """Service Quotas of EC2."""

    def limit(self, region: str, name: str, code: str) -> tuple[str, str, int]:
        """(code, name, applied vCPUs) of the quota with that name; the code where it is certain."""

    def raise_to(self, region: str, code: str, vcpus: int) -> QuotaChange:
        """Ask AWS for this new total; an open request for the same quota is returned instead."""

    def change(self, region: str, change_id: str) -> QuotaChange: ...

    def open_change(self, region: str, code: str) -> QuotaChange | None:
        """The request that AWS has still to decide, if there is one."""


class Prices(Protocol):
    """List prices."""

    def on_demand(self, region: str, instance_type: str) -> Decimal | None:
        """USD per hour of Linux on shared tenancy, None where AWS lists none."""


class Chat(Protocol):
    """Slack."""

    def post(self, channel: str, message: Message, thread: str | None = None) -> Place:
        """A new message; NotInChannel where the bot may not."""

    def update(self, place: Place, message: Message) -> None:
        """Edit a message in place."""

    def dm(self, user: str, message: Message) -> Place:
        """A new message in the person's direct messages."""

    def respond(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """An answer that only the caller sees."""

    def person(self, user: str) -> Person:
        """Who that is, by users.info; ChatError when Slack does not say."""


class Wakes(Protocol):
    """The queue that brings somebody back to look at a row."""

    def wake(self, key: str, after: timedelta = timedelta(0)) -> None:
        """Have `key` (ledger key of a machine, quota request or profile) looked at. A hint only."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The outcome of opening a request: the machine, and whether it is the first delivery of it."""

    machine: Machine
    fresh: bool


class Ledger(Protocol):
    """The table. Every write is conditional; a lost race is StaleRow."""

    def open(self, machine: Machine, *, request: str, twin: str, now: datetime) -> Accepted:
        """Record a new machine, its request id, its name and its owner's slot, or nothing at all.

        `request` is the id of this very request: a redelivery gets the machine it made. `twin` is
        what makes two requests the same to a person (who, where, which words): a second one within
        30 seconds gets the first one's machine. NameTaken when a live machine has the name.
        """

    def machine(self, id: str) -> Machine | None:
        """A consistent read."""

    def save(self, machine: Machine, seen: Machine) -> Machine:
        """Write if nobody wrote since `seen` was read; gives it back with its new version.

        A final machine gives up its name and its owner's slot in the same write; a new instance id
        becomes findable in it.
        """

    def named(self, name: str) -> Machine | None:
        """The live machine of that name."""

    def of_owner(self, user: str) -> tuple[Machine, ...]:
        """The person's live machines, oldest first; a consistent read."""

    def live(self) -> tuple[Machine, ...]:
        """Every machine that is not final; may lag by a moment."""

    def by_instance(self, instance: str) -> Machine | None: ...

    def due(self, now: datetime) -> tuple[str, ...]:
        """Keys of machines, quota requests and profiles whose time has come."""

    def profile(self, user: str) -> Profile: ...

    def save_profile(self, profile: Profile, seen: Profile) -> Profile: ...

    def quota_request(self, key: str) -> QuotaRequest | None: ...

    def save_quota_request(
        self, request: QuotaRequest, seen: QuotaRequest | None
    ) -> QuotaRequest: ...

    def quota_requests(self) -> tuple[QuotaRequest, ...]:
        """Those that AWS has still to decide."""
