"""A town under blows: what fails or dies comes again, as the queue, EC2's events and the clock do.

Requests go through the Slack function's own answering, so that who waits is told and what AWS
refuses for good is not asked again. It watches every minute that nothing is doubled or overdue.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.blocks import Message
from core.faults import CloudError
from core.flows import entrance, home, route
from core.flows.entrance import Opened
from core.flows.house import House
from core.flows.request import Click, Request, who_in_person
from core.flows.wake import on_wake
from core.flows.watch import NotInTime
from core.model import FINAL, Machine, Place
from core.news import bring
from core.ports import ChatError, StaleRow, Unreachable
from handlers import clock, slack
from sim.blows import SecretAway, Striker, StruckPort
from sim.fuse import AWS_PORTS, EVERY_PORT, Killed
from sim.town import Town

MINUTE = timedelta(minutes=1)
AGAIN_AFTER = timedelta(seconds=75)  # the queue's visibility timeout
MOST_DELIVERIES = 10  # then the queue gives up: its dead letters are an alarm
EVENT_AGAIN = (MINUTE, 2 * MINUTE)  # how a Lambda function is called again that EC2's event met
LATE = timedelta(minutes=3)
UNKNOWN_FOR = timedelta(minutes=12)  # more than an attempt's fence
# What a blow may look like where a message of the queue ends; anything else is a fault of ours.
_OF_THE_BLOW = (CloudError, ChatError, StaleRow, Unreachable, SecretAway, NotInTime)


def quiet() -> None:
    """No word in the log of this process: what it warns of is what is tried here."""
    logging.getLogger("adapters").setLevel(logging.CRITICAL)
    slack.logger.setLevel(logging.CRITICAL)
    clock.logger.setLevel(logging.CRITICAL)


@dataclass
class Struck(Town):
    """A town whose calls pass `striker` once it is awake. `wrong` is what was seen to be wrong."""

    striker: Striker = field(default_factory=Striker)
    wrong: list[str] = field(default_factory=list)
    most: int = 1
    unknown_for: timedelta = UNKNOWN_FOR
    asked: dict[str, str] = field(default_factory=dict)  # where it is answered → what was typed
    in_person: dict[str, list[Place]] = field(default_factory=dict)  # the same → its answers
    lost_cards: set[object] = field(default_factory=set)  # of machines whose rows were lost
    _later: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _unknown: dict[str, datetime] = field(default_factory=dict)
    _away_until: datetime | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.striker.away, self.striker.ledger = self._go_away, self.ledger
        ours = [name for name in EVERY_PORT if name not in AWS_PORTS]
        ports: dict[str, Any] = {
            name: StruckPort(name, getattr(self.house, name), self.striker) for name in ours
        }
        self.house = replace(self.house, **ports)
        world: Any = self.world
        ask = self.world.ask  # what every client comes to, with the wire and without
        world.ask = lambda service, region, operation, params: self.striker.around(
            service, operation, lambda: ask(service, region, operation, params)
        )

    # ---- the queue --------------------------------------------------------------------------

    def serve(self, what: Callable[[House, bool], object]) -> None:
        """One message of the queue: `what` hears whether it is its first delivery."""
        for number in range(MOST_DELIVERIES):
            try:
                what(self.house, number == 0)
            except Killed:
                self.pass_time(AGAIN_AFTER)
            except Exception as error:  # noqa: BLE001 - the queue takes anything
                self._failed(error)
                self.pass_time(AGAIN_AFTER)
            else:
                return
        self.wrong.append("a message came ten times for nothing")

    def deliver(self, request: Request) -> list[Message]:
        """A slash command, until it is carried out."""
        return self._asked(request, route.command)

    def _asked(self, request: Any, flow: Any) -> list[Message]:
        before, received = len(self.chat.answers), request.at or self.now
        what_for = request.text if isinstance(request, Request) else request.action
        person, key = who_in_person(request.response_url), request.response_url
        key = f"{key} {request.id}" if person else key
        self.asked[key] = what_for

        def what(house: House, first: bool) -> None:
            slack.metrics.clear_metrics()
            known = len(self.chat.directs(person)) if person else 0
            try:
                slack._Answering(house, "12345678", received, first=first)(request, flow)
            finally:
                said = self.chat.directs(person)[known:] if person else ()
                self.in_person.setdefault(key, []).extend(one.place for one in said)

        self.serve(what)
        return [a.message for a in self.chat.answers[before:]]

    def press_button(self, click: Click) -> list[Message]:
        """A click, until it is carried out."""
        return self._asked(click, route.click)

    def open_home(self, user: str) -> None:
        """Somebody opens the app's Home tab."""
        self.serve(lambda house, first: home.opened(house, user))

    def open_link(self, opened: Opened) -> None:
        """Somebody presses the button behind a one-time link."""
        self.serve(lambda house, first: entrance.here(house, opened))

    def _wake(self, key: str) -> None:
        try:
            on_wake(self.house, key)
        except Killed:
            self.wakes.wake(key, AGAIN_AFTER)
        except Exception as error:  # noqa: BLE001 - the queue takes anything
            self._failed(error)
            self.wakes.wake(key, AGAIN_AFTER)

    def _failed(self, error: Exception) -> None:
        self.failures.append(error)
        if not isinstance(error, _OF_THE_BLOW):
            self.wrong.append(f"{type(error).__name__}: {error}")

    # ---- the clock, events and reports --------------------------------------------------------

    def _strike_once(self) -> None:
        clock.metrics.clear_metrics()
        watch = self.watch()
        try:
            failed = [*clock._wake(watch)]
            failed += clock._sweep(watch).failed if self.sweeping else ()
            failed += clock._leave_mark(watch, failed)
        except Killed:
            failed = []  # the next minute is near
        for error in failed:
            self._failed(error)
        self._watch()

    def _heard_of(self, event: dict[str, Any]) -> None:
        self._try(lambda: bring(event, self.house.ledger, self.house.wakes), EVENT_AGAIN)

    def report(self, at: datetime, url: str, body: bytes) -> None:
        """A report that a machine sent, until it is taken."""
        self._try(lambda: super(Struck, self).report(at, url, body), (AGAIN_AFTER,) * 9)

    def _try(self, act: Callable[[], None], again: tuple[timedelta, ...]) -> None:
        try:
            act()
        except (Killed, Exception) as error:  # noqa: BLE001 - it comes again
            if isinstance(error, Exception):
                self._failed(error)
            if again:
                soon = self.now + again[0]
                what = len(self._later), lambda: self._try(act, again[1:])
                self._later = sorted([*self._later, (soon, *what)], key=lambda one: one[:2])

    def _appointments(self) -> tuple[datetime | None, ...]:
        return (*super()._appointments(), self._later[0][0] if self._later else None)

    def _happen(self) -> None:
        self._come_back()
        while self._later and self._later[0][0] <= self.now:
            self._later.pop(0)[2]()
        super()._happen()

    def _go_away(self, length: timedelta) -> None:
        self.chat.down, self._away_until = True, self.now + length

    def _come_back(self) -> None:
        if self._away_until is not None and self.now >= self._away_until:
            self.chat.down, self._away_until = False, None

    # ---- what must hold all the time ---------------------------------------------------------

    def _watch(self) -> None:
        up = self.world.up()
        owners = [(id, self.ledger.by_instance(id)) for id in up]
        for machine, number in Counter(m.id for _, m in owners if m).items():
            if number > self.most:
                self.wrong.append(f"{number} of {machine} are up")
        for id, m in owners:
            if m is None:
                self._seen_unknown(id)
            elif (late := self._overdue(m)) is not None:
                self.wrong.append(late)

    def _seen_unknown(self, id: str) -> None:
        since = self._unknown.setdefault(id, self.now)
        if self.now > since + self.unknown_for:
            self.wrong.append("a machine is up and in no row")

    def _overdue(self, m: Machine) -> str | None:
        if m.state in FINAL:
            return f"{m.name} is over and still up"
        late = m.lease is not None and self.now > m.lease.deadline + LATE
        return f"{m.name} is overdue" if late else None
