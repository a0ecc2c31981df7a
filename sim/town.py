"""A whole deployment in memory: the world, the real adapters of AWS, the flows, and people.

Nothing sleeps: `pass_time` moves the clock from one appointment to the next, delivers the wakes
that are due, lets the minute clock run and brings EC2's events, as the deployed functions would.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from adapters.ebs import Ebs
from adapters.ec2 import Ec2
from adapters.here import DoorLinks
from adapters.images import SsmImages
from adapters.invoices import CostExplorer
from adapters.own_images import Amis
from adapters.prices import PriceList
from adapters.service_quotas import ServiceQuotas
from adapters.ssm_commands import RunCommand
from adapters.sts import Sts
from adapters.trials import DryRuns
from core import beats, names
from core.blocks import Home, Message
from core.faults import CloudError
from core.flows import idle, pulse, route
from core.flows.house import House
from core.flows.request import Click, Request
from core.flows.sweep import sweep, wake_due
from core.flows.wake import on_wake
from core.flows.watch import Watch
from core.model import Machine, Person, Policy
from core.news import bring
from core.ports import UnreadableRow
from sim import boto, direct, roles
from sim.callers import Asked, Caller
from sim.chat import MemoryChat, Posted
from sim.github import MemoryGithub
from sim.ledger import MemoryLedger
from sim.wakes import MemoryWakes
from sim.watchers import MemoryWatchers
from sim.world import World

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TEAM = "T0GPULAB"
CHANNEL = "C0GPULAB"
ADA, LIN, SAM, GUS = "U0ADA", "U0LIN", "U0SAM", "U0GUS"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN ada@home"
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
DOOR = "https://door.example"
SIGNING_SECRET = "the-signing-secret-of-town"
PROFILE = "arn:aws:iam::123456789012:instance-profile/gpu-machine"

POLICY = Policy(
    stack="gpu",
    team_id=TEAM,
    regions=REGIONS,
    channels=frozenset(),
    admins=frozenset({SAM}),
    default_lease=timedelta(hours=4),
    longest_lease=timedelta(hours=24),
    default_disk_gb=50,
    approval_above=Decimal(10),
    instance_profile=PROFILE,
)


def person(id: str, name: str, tz: str = "Europe/London", *, member: bool = True) -> Person:
    """A full member of the home workspace, or a guest."""
    return Person(id=id, team_id=TEAM, name=name, tz=tz, active=True, member=member)


_WIRED = ContextVar("wired", default=True)


@contextmanager
def straight() -> Iterator[None]:
    """Towns that are made in here have no wire: six times quicker, for what is told by the hundred.

    Where rights or boto3's own ways are looked at, the same is told with the wire once.
    """
    before = _WIRED.set(False)
    try:
        yield
    finally:
        _WIRED.reset(before)


@dataclass
class Town:
    """One deployment and its people. `now` only moves by `pass_time`."""

    policy: Policy = POLICY
    now: datetime = START
    chat: MemoryChat = field(default_factory=MemoryChat)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    github: MemoryGithub = field(default_factory=MemoryGithub)
    watchers: MemoryWatchers = field(default_factory=MemoryWatchers)
    # boto3's own clients; without, calls go straight to the world and nobody asks for rights
    wire: bool = field(default_factory=lambda: _WIRED.get())
    sweeping: bool = True
    beating: bool = False  # machines report how much they are used; without, tests are quicker
    strikes_every: timedelta = timedelta(minutes=1)  # longer where months pass and little happens
    failures: list[Exception] = field(default_factory=list)
    _nonce: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _next_minute: datetime = START + timedelta(minutes=1)
    reported: list[tuple[datetime, str, bytes]] = field(default_factory=list)
    rights: list[Asked] | None = None  # a list takes down every right that is asked for

    def __post_init__(self) -> None:
        self.world = World(self.clock, regions=REGIONS)
        self.control(do="instance-profile", arn=PROFILE)
        self.wakes = MemoryWakes(self.clock)
        self.chat.add(
            person(ADA, "ada"),
            person(LIN, "lin", "America/Los_Angeles"),
            person(SAM, "sam", "Europe/Berlin"),
            person(GUS, "gus", member=False),
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._of_roles: dict[tuple[str, str], Any] = {}
        self._acting = "Slack"  # whose role the calls are made under
        self._callers = {name: self._caller(name) for name in ("Slack", "Clock")}
        self.house = House(
            cloud=Ec2(
                self._under_role("ec2"),
                self._under_role("ec2"),
                self.policy.stack,
                pause=self._pause,
            ),
            images=SsmImages(self._under_role("ssm"), self._under_role("ec2")),
            own_images=Amis(self._under_role("ec2"), self.policy.stack),
            disks=Ebs(self._under_role("ec2"), self.policy.stack),
            quotas=ServiceQuotas(self._under_role("service-quotas")),
            prices=PriceList(self._under_role("pricing")("us-east-1")),
            invoices=CostExplorer(self._under_role("ce")("us-east-1"), self.policy.stack),
            reasons=Sts(self._under_role("sts")("us-east-1")),
            public_keys=self.github,
            commands=RunCommand(self._under_role("ssm")),
            links=DoorLinks(DOOR, self.policy.stack, lambda: SIGNING_SECRET),
            chat=self.chat,
            ledger=self.ledger,
            wakes=self.wakes,
            trials=DryRuns(self._under_role("ec2")),
            watchers=self.watchers,
            policy=self.policy,
            clock=self.clock,
        )

    def clock(self) -> datetime:
        """The simulated time."""
        return self.now

    def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def _caller(self, function: str) -> Caller:
        """That function under the template's own policy, deployed with this town's."""
        role = roles.of_policy(function, self.policy, PROFILE)
        return Caller(
            role=role,
            arn=f"arn:aws:sts::123456789012:assumed-role/gpu-{function}Role/gpu-{function}",
            heard=self._hear,
        )

    def _hear(self, asked: Asked) -> None:
        if self.rights is not None:
            self.rights.append(asked)

    def _client(self, service: str) -> Any:
        """A client with every right: of people in the account, not of the app."""

        def of(region: str) -> Any:
            if (service, region) not in self._clients:
                make = boto.client if self.wire else direct.Direct
                self._clients[service, region] = make(self.world, service, region)
            return self._clients[service, region]

        return of

    def _under_role(self, service: str) -> Any:
        """A client whose calls are made under the role of the function that runs now.

        Without the wire nobody asks for rights: that takes half as long again.
        """
        if not self.wire:
            return self._client(service)

        def of(region: str) -> Any:
            if (service, region) not in self._of_roles:
                self._of_roles[service, region] = boto.client(
                    self.world, service, region, lambda: self._callers[self._acting]
                )
            return self._of_roles[service, region]

        return of

    def hearing(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of every call of that EC2 operation from now on, with its `Region`."""
        heard: list[dict[str, Any]] = []
        for region in self.policy.regions:

            def hear(params: dict[str, Any], at: str = region, **_: Any) -> None:
                heard.append({**params, "Region": at})

            events = self._under_role("ec2")(region).meta.events
            events.register(f"provide-client-params.ec2.{operation}", hear)
        return heard

    # ---- people -----------------------------------------------------------------------------

    def type(self, text: str, user: str = ADA, channel: str = CHANNEL) -> list[Message]:
        """`/gpu <text>`; what only the caller was answered."""
        return self.deliver(self.request(text, user, channel))

    def request(self, text: str, user: str = ADA, channel: str = CHANNEL) -> Request:
        """A new slash command, not delivered yet."""
        nonce = next(self._nonce)
        return Request(
            id=names.request_id(TEAM, "slash", f"trigger-{nonce}"),
            user=user,
            channel=channel,
            text=text,
            response_url=f"https://hooks.slack.com/commands/{nonce}",
            at=self.now,
        )

    def deliver(self, request: Request) -> list[Message]:
        """One delivery of a request; what only the caller was answered."""
        before = len(self.chat.answers)
        route.command(self.house, request)
        return [a.message for a in self.chat.answers[before:]]

    def press(self, message: Message, action: str, user: str = ADA) -> list[Message]:
        """Press the button with that action id; what only the presser was answered."""
        return self.click(action, value_of(message, action), user)

    def click(self, action: str, value: str, user: str = ADA) -> list[Message]:
        """A click with any value; what only the presser was answered."""
        return self.press_button(self.pressed(action, value, user))

    def pressed(self, action: str, value: str, user: str = ADA) -> Click:
        """A new press of a button, not delivered yet."""
        nonce = next(self._nonce)
        return Click(
            id=names.request_id(TEAM, "click", f"trigger-{nonce}"),
            user=user,
            channel=CHANNEL,
            action=action,
            value=value,
            response_url=f"https://hooks.slack.com/actions/{nonce}",
            at=self.now,
        )

    def press_button(self, click: Click) -> list[Message]:
        """One delivery of a press; what only the presser was answered."""
        before = len(self.chat.answers)
        route.click(self.house, click)
        return [a.message for a in self.chat.answers[before:]]

    def ready_to_launch(self, user: str = ADA) -> None:
        """A key and an address, as after the first launch of a person."""
        self.type(f"key add {KEY}", user)
        self.type("allow 203.0.113.7", user)

    def with_quota(self, region: str = "us-east-1", value: int = 64) -> None:
        """Room in every GPU quota of a region, as in an account that has been used."""
        for quota in self.world.state()["quotas"]:
            if quota["region"] == region:
                self.control(do="set-quota", region=region, code=quota["code"], value=value)

    def control(self, **command: Any) -> dict[str, Any]:
        """The world's own control."""
        return self.world.control(command)

    # ---- time -------------------------------------------------------------------------------

    def pass_time(self, length: timedelta) -> None:
        """Let that much time pass and everything happen that falls into it."""
        end = self.now + length
        while True:
            self._happen()
            later = [t for t in self._appointments() if t is not None and t > self.now]
            following = min([*later, end])
            if following >= end:
                self.now = max(self.now, end)
                return self._happen()
            self.now = following

    def until_quiet(self, at_most: timedelta = timedelta(minutes=10)) -> None:
        """Let time pass until nothing is on its way any more (a lease's end is not waited for)."""
        end = self.now + at_most
        while self.now < end and (self.wakes.next_at() or end) <= end:
            self.pass_time(max(timedelta(seconds=1), (self.wakes.next_at() or end) - self.now))

    def _appointments(self) -> tuple[datetime | None, ...]:
        beat = self.world.next_report() if self.beating else None
        return (self.wakes.next_at(), self.world.next_change(), self._next_minute, beat)

    def _happen(self) -> None:
        self._bring_events()
        if self.beating:
            self.bring_reports()
        if self.now >= self._next_minute:
            self._next_minute = self.now + self.strikes_every
            self._clock_strikes()
        while (key := self.wakes.pop(self.now)) is not None:
            self._wake(key)
            self._bring_events()

    def _wake(self, key: str) -> None:
        try:
            on_wake(self.house, key)
        except Exception as error:  # noqa: BLE001 - the queue would deliver it again; the test looks at these
            self.failures.append(error)

    def _clock_strikes(self) -> None:
        self._acting = "Clock"
        try:
            self._strike_once()
        finally:
            self._acting = "Slack"

    def watch(self) -> Watch:
        """What the clock's function has of this deployment."""
        house = self.house
        return Watch(
            cloud=house.cloud,
            ledger=house.ledger,
            wakes=house.wakes,
            policy=self.policy,
            clock=house.clock,
        )

    def _strike_once(self) -> None:
        watch = self.watch()
        wake_due(watch)
        failed: tuple[Exception, ...] = ()
        if self.sweeping:
            report = sweep(watch)
            failed = (*report.failed, *report.unread.values())
        self.failures.extend(failed)
        pulse.beat(watch, failed)

    def bring_reports(self) -> None:
        """What machines report, through the door's own reading. What was not taken comes again."""
        self.reported += [(self.now, url, body) for url, body in self.world.reports()]
        while self.reported:
            self.report(*self.reported[0])
            self.reported.pop(0)

    def report(self, at: datetime, url: str, body: bytes) -> None:
        """One delivery of a report that the door took then; a bad one gets no further."""
        token = url.removeprefix(f"{DOOR}/beat/")
        machine = beats.read(token, (SIGNING_SECRET.encode(),), self.policy.stack)
        report = beats.parse(body)
        if machine and report:
            idle.beat(self.house, machine, report, at)

    def _bring_events(self) -> None:
        for event in self.world.tick():
            self._heard_of(event)

    def _heard_of(self, event: dict[str, Any]) -> None:
        with suppress(CloudError, UnreadableRow):  # as when Lambda has called for the last time
            bring(event, self.house.ledger, self.house.wakes)

    # ---- what tests look at -----------------------------------------------------------------

    def machine(self, index: int = -1) -> Machine:
        """One of all machines that ever were, the newest by default."""
        return self.ledger.everything()[index]

    def card(self, index: int = -1) -> Message:
        """The card of a machine as it stands now."""
        return self.posted_card(index).message

    def posted_card(self, index: int = -1) -> Posted:
        """The card of a machine with its earlier versions."""
        place = self.machine(index).card
        assert place is not None
        return next(p for p in self.chat.channel(place.channel) if p.place == place)

    def news(self, channel: str = CHANNEL) -> list[Message]:
        """Everything in a channel that is no card, oldest first."""
        cards = {m.card for m in self.ledger.everything()}
        return [p.message for p in self.chat.channel(channel) if p.place not in cards]

    def counts(self) -> dict[str, int]:
        """What EC2 has now: instances alive, groups, volumes, keys, interfaces."""
        return dict(self.world.state()["counts"])


def buttons(shown: Message | Home) -> list[dict[str, Any]]:
    """Every button of a message or of a Home tab."""
    return _elements(shown, "button")


def pickers(message: Message) -> list[dict[str, Any]]:
    """Every choice of a date and a time in a message."""
    return _elements(message, "datetimepicker")


def _elements(shown: Message | Home, type: str) -> list[dict[str, Any]]:
    return [
        element
        for block in shown.blocks
        for element in [*block.get("elements", ()), block.get("accessory", {})]
        if element.get("type") == type
    ]


def value_of(message: Message, action: str) -> str:
    """The value of a button; the message must have it."""
    found = [b for b in buttons(message) if b["action_id"] == action]
    assert found, f"no button {action} among {[b['action_id'] for b in buttons(message)]}"
    return str(found[0]["value"])


def town(**policy: Any) -> Town:
    """A deployment whose policy differs in these points."""
    return Town(policy=replace(POLICY, **policy))
