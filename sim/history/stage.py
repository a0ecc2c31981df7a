"""A deployment in memory on its worst days: functions that die, stall and meet, and what they saw.

Every function of the template runs here as it is deployed: its own clock, its own time limit, one
message at a time. At each call through a port a trap may be sprung: the process ends before or
after it, the call fails or its answer is lost, minutes pass, or another function runs in between.
What the promises need to judge by is written down as it happens (`log`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeGuard

from core import late, messages
from core.faults import CloudError, Fault, FaultKind
from core.flows import pulse, route, trail
from core.flows.house import House
from core.flows.request import Asked, Click, in_person
from core.flows.speak import answer
from core.flows.sweep import sweep, wake_due
from core.flows.wake import on_wake
from core.flows.watch import Watch, tried
from core.model import Image, Machine
from core.news import bring
from core.ports import Accepted, ChatError, StaleRow
from sim.fuse import EVERY_PORT, Killed
from sim.history.log import Function, Log, Run, Said, Sent, Stopped, Struck, Written
from sim.history.queue import Queue
from sim.ledger import MemoryLedger
from sim.town import START, Town
from sim.world.data import images_of, load_images

SLACK_LIVES = timedelta(seconds=60)  # the template's time limits
CLOCK_LIVES = timedelta(seconds=50)
MINUTE = timedelta(minutes=1)
ORDERED = "(ordered from the world control)"
_LATER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
_OURS = frozenset({"ledger", "wakes"})


class How(StrEnum):
    """What a trap does to the call that springs it."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    NO_ANSWER = "no answer"
    LOST_ANSWER = "lost answer"
    THROTTLED = "throttled"
    STALLS = "stalls"
    MEANWHILE = "meanwhile"


@dataclass(kw_only=True)
class Trap:
    """Sprung at the `left`-th call from now through that port (`cloud`, `cloud.run` or any)."""

    how: How
    left: int
    call: str = ""
    seconds: int = 0
    then: Callable[[], None] | None = None


class WatchedLedger(MemoryLedger):
    """Tells of every row that is written."""

    written: Callable[[Machine | None, Machine], None]

    def open(self, machine: Machine, *, request: str, twin: str, now: datetime) -> Accepted:
        """As every ledger; told only where it is new."""
        accepted = super().open(machine, request=request, twin=twin, now=now)
        if accepted.fresh:
            self.written(None, accepted.machine)
        return accepted

    def save(self, machine: Machine, seen: Machine) -> Machine:
        """As every ledger."""
        new = super().save(machine, seen)
        self.written(seen, new)
        return new


@dataclass
class Stage(Town):
    """The town, its functions and all that goes wrong between them."""

    wire: bool = False
    ledger: MemoryLedger = field(default_factory=WatchedLedger)
    log: Log = field(default_factory=Log)
    skews: dict[Function, timedelta] = field(default_factory=dict)
    traps: list[Trap] = field(default_factory=list)
    skip_minutes: int = 0
    lose_events: int = 0
    other_images: bool = False  # a deployment that knows newer ones
    dead: bool = False  # no function runs any more
    traced: bool = False
    trace: list[str] = field(default_factory=list)
    after_run: Callable[[], None] = lambda: None
    _running: list[Run] = field(default_factory=list)
    _last: Run = field(
        default_factory=lambda: Run(function=Function.SLACK, began=START, asked=None)
    )
    _slack_back: datetime | None = None
    _slack_since: datetime = START - timedelta(days=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.queue = Queue(self.clock, troubled=self.log.hindered(self.clock))
        self.bare = self.house
        if isinstance(self.ledger, WatchedLedger):
            self.ledger.written = self._written
        self.open_house(self.house)

    def open_house(self, house: House) -> None:
        """Have every call of a function go through the traps."""
        self.bare = replace(house, wakes=self.queue)
        ports: dict[str, Any] = {
            name: _Port(self, name, getattr(self.bare, name)) for name in EVERY_PORT
        }
        self.house = replace(self.bare, **ports)

    def console(self, region: str) -> Any:
        """EC2 as somebody else in the account uses it."""
        return self._client("ec2")(region)

    # ---- functions --------------------------------------------------------------------------

    def own_time(self, function: Function) -> datetime:
        """What that function's clock shows."""
        return self.now + self.skews.get(function, timedelta(0))

    def run(
        self, function: Function, act: Callable[[House], None], asked: Asked | None = None
    ) -> bool:
        """One invocation; whether it came to its end."""
        run = Run(function=function, began=self.now, asked=asked)
        self._running.append(run)
        house = replace(self.house, clock=lambda: self.own_time(function))
        try:
            act(house)
        except Killed:
            self.log.trouble(self.now)
        except (CloudError, ChatError, StaleRow) as error:
            run.failed = repr(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the promises look at it
            run.failed = repr(error)
            self.failures.append(error)
        else:
            run.ended = True
        finally:
            self._last = self._running.pop()
        self.after_run()
        return run.ended

    def _serve(self, asked: Asked, *, first: bool) -> Callable[[House], None]:
        """What the queue's handler does with what somebody typed or pressed."""

        def act(house: House) -> None:
            assert asked.at is not None
            at, now, url = asked.at, house.clock(), asked.response_url
            if now - at > late.ANSWERED_BY_URL:
                url = in_person(asked.user)
            if late.is_late(at, now) and not route.lessens(asked):
                return answer(house, url, messages.too_late(at, trail.words_of(asked)))
            try:
                if isinstance(asked, Click):
                    return route.click(house, replace(asked, response_url=url))
                return route.command(house, replace(asked, response_url=url))
            except CloudError as error:
                if error.fault.kind not in _LATER:
                    return answer(house, url, messages.aws_refused("r", error.fault))
                self._sorry(house, url, first=first)
                raise
            except Exception:
                self._sorry(house, url, first=first)
                raise

        return act

    def _sorry(self, house: House, url: str, *, first: bool) -> None:
        if first:
            answer(house, url, messages.trouble("r", None))

    # ---- time -------------------------------------------------------------------------------

    def _appointments(self) -> tuple[datetime | None, ...]:
        if self.dead:
            return (self.world.next_change(),)
        beat = self.world.next_report() if self.beating else None
        back = self._slack_back
        return (self.queue.next_at(), self.world.next_change(), self._next_minute, beat, back)

    def _happen(self) -> None:
        if self.dead:
            self.world.tick()
            return self.after_run()
        self._bring_events()
        if self.beating and not self._running:
            self.run(Function.SLACK, lambda _: self.bring_reports())
        if self._slack_back and self.now >= self._slack_back:
            self._slack_back, self.chat.down, self.chat.busy_for = None, False, None
        if self.now >= self._next_minute:
            self._minute()
        while (parcel := self.queue.pop()) is not None:
            parcel.receives += 1
            if not self._deliver(parcel):
                self.queue.again(parcel)
            self._bring_events()
        return None

    def _deliver(self, parcel: Any) -> bool:
        if self.dead:
            return False
        if parcel.asked is None:
            return self.run(Function.SLACK, lambda house: on_wake(house, parcel.key))
        first = parcel.receives == 1
        done = self.run(Function.SLACK, self._serve(parcel.asked, first=first), parcel.asked)
        if done:
            said = self.log.served.get(parcel.asked.id, False)
            self.log.served[parcel.asked.id] = said or self._last.spoke
        return done

    def _minute(self) -> None:
        self._next_minute = self.now + self.strikes_every
        if self.skip_minutes:
            self.skip_minutes -= 1
            return self.log.trouble(self.now)
        up = frozenset(one.id for one in self.world.instances() if self._shows(one))
        own, troubles = self.own_time(Function.CLOCK), len(self.log.troubles)
        ended = self.run(Function.CLOCK, self._strike)
        smooth = ended and len(self.log.troubles) == troubles
        self.log.strikes.append(Struck(at=self.now, own=own, up=up, smooth=smooth))
        return self.after_run()

    def _shows(self, one: Any) -> bool:
        return one.state == "running" and bool(one.visible_at <= self.now)

    def _strike(self, house: House) -> None:
        watch = Watch(
            cloud=house.cloud,
            ledger=house.ledger,
            wakes=house.wakes,
            policy=self.policy,
            clock=house.clock,
        )
        failed = [error for error in (tried(lambda: wake_due(watch)),) if _is_error(error)]
        if self.sweeping:
            report = sweep(watch)
            failed += [*report.failed, *report.unread.values()]
        self.failures.extend(e for e in failed if not isinstance(e, CloudError | StaleRow))
        pulse.beat(watch, failed)

    def _bring_events(self) -> None:
        for event in self.world.tick():
            if self.lose_events:
                self.lose_events -= 1
                self.log.trouble(self.now)
                continue
            if not self.dead:
                bring(event, self.ledger, self.queue)

    def slack_away(self, length: timedelta, busy: timedelta | None) -> None:
        """It takes nothing for so long, or says for how long it wants to hear nothing. In a quarter
        of an hour it is away for no longer than a message comes again: what is put aside after
        that waits for a redrive, which is no promise of the bot's."""
        if self.now >= self._slack_since + timedelta(minutes=15):
            self._slack_since = self.now
        back = min(self.now + length, self._slack_since + timedelta(minutes=9))
        if back <= self.now:
            return
        self.chat.down, self.chat.busy_for = busy is None, busy
        self._slack_back = back
        self.log.trouble(self.now)

    # ---- calls ------------------------------------------------------------------------------

    def through(self, port: str, name: str, call: Callable[..., Any], *a: Any, **k: Any) -> Any:
        """One call of a function through a port."""
        if not self._running:
            return call(*a, **k)
        if self.dead:
            raise Killed
        if self.traced:
            self.trace.append(f"{self.now:%H:%M:%S} {self._running[-1].function} {port}.{name}")
        if port == "chat" and name in ("post", "update", "respond", "dm"):
            # What Slack does not take now is brought again.
            self._running[-1].spoke, self.log.spoke_at = True, self.now
        if port == "cloud" and name in ("stop", "terminate"):
            # As things stand when it is sent: a call under way cannot be taken back by anybody.
            self._note_stop(name, *a)
        trap = self._sprung(port, name) if self.traps else None
        if trap is None:
            return self._called(port, name, call, *a, **k)
        return self._struck(trap, port, name, call, *a, **k)

    def _sprung(self, port: str, name: str) -> Trap | None:
        for trap in self.traps:
            if trap.call in ("", port, f"{port}.{name}"):
                trap.left -= 1
                if trap.left <= 0:
                    self.traps.remove(trap)
                    return trap
        return None

    def _struck(
        self, trap: Trap, port: str, name: str, call: Callable[..., Any], *a: Any, **k: Any
    ) -> Any:
        self.log.trouble(self.now)
        if trap.how is How.KILLED_BEFORE:
            raise self._killed()
        if trap.how is How.KILLED_AFTER:
            try:
                self._called(port, name, call, *a, **k)
            finally:
                raise self._killed()
        if trap.how is How.MEANWHILE:
            assert trap.then is not None
            trap.then()
            return self._called(port, name, call, *a, **k)
        if trap.how is How.STALLS:
            self._stalls(timedelta(seconds=trap.seconds))
            return self._called(port, name, call, *a, **k)
        return self._failed(trap.how, port, name, call, *a, **k)

    def _killed(self) -> Killed:
        self.log.crashes += 1
        return Killed()

    def _stalls(self, length: timedelta) -> None:
        """Time goes by in the middle of a function; what lives too long is ended."""
        run = self._running[-1]
        lives = CLOCK_LIVES if run.function is Function.CLOCK else SLACK_LIVES
        over = run.began + lives
        self.log.trouble(self.now, min(length, lives))
        self.pass_time(max(timedelta(0), min(self.now + length, over) - self.now))
        if self.now >= over or self.dead:
            raise self._killed()

    def _failed(
        self, how: How, port: str, name: str, call: Callable[..., Any], *a: Any, **k: Any
    ) -> Any:
        if how is How.LOST_ANSWER:
            self._called(port, name, call, *a, **k)
        if how is How.LOST_ANSWER or port == "ledger":
            self.log.crashes += 1  # a row that cannot be written after the words is as bad
        if port == "wakes" and name != "send":
            return None  # the adapter lets a hint go that it cannot send
        if port == "chat":
            raise ChatError("ratelimited" if how is How.THROTTLED else "unreachable")
        kind = FaultKind.THROTTLED if how is How.THROTTLED else FaultKind.UNKNOWN
        raise CloudError(Fault(kind=kind, code=kind.value, message=ORDERED, operation=name))

    def _called(self, port: str, name: str, call: Callable[..., Any], *a: Any, **k: Any) -> Any:
        if port == "chat" and name in ("post", "dm"):
            answer = call(*a, **k)
            self._note_said(name, *a)
            return answer
        row = self._row_of(a[1]) if port == "cloud" and name == "run" else None
        if row is not None:
            self.log.sends.append(self._sent(row))
        try:
            answer = call(*a, **k)
        except CloudError as error:
            if error.fault.kind is FaultKind.UNKNOWN or ORDERED in error.fault.message:
                self.log.trouble(self.now)
            raise
        return self._other(answer) if port == "images" else answer

    def _other(self, image: Any) -> Any:
        """After some deployments everything starts from another image of the same kind."""
        if not self.other_images or not isinstance(image, Image):
            return image
        for region in self.world.regions:
            known = images_of(region).get(image.id)
            if known is not None:
                alike = [one for one in load_images() if one.architecture == known.architecture]
                return replace(image, id=alike[(alike.index(known) + 1) % len(alike)].id(region))
        return image

    # ---- what is written down ---------------------------------------------------------------

    def _written(self, before: Machine | None, after: Machine) -> None:
        run = self._running[-1] if self._running else None
        if run is not None:
            now_claimed = [n for n in after.owed if n.claimed]
            run.claim = (after.id, now_claimed[-1]) if now_claimed else None
        known = {(n.kind, n.at) for n in before.owed} if before else set()
        for kind, at in {(n.kind, n.at) for n in after.owed} - known:
            owed = after.id, kind, at
            self.log.owed[owed] = self.log.owed.get(owed, 0) + 1
        self.log.writes.append(Written(before=before, after=after, run=run, at=self.now))

    def _row_of(self, request: Any) -> Machine | None:
        tags = {t["Key"]: t["Value"] for t in request["TagSpecifications"][0]["Tags"]}
        return self.ledger.machine(tags.get("gpu:machine", ""))

    def _sent(self, row: Machine) -> Sent:
        return Sent(row=row, at=self.now, own=self.own_time(self._running[-1].function))

    def _note_stop(self, how: str, region: str, *ids: str) -> None:
        known = {one.id: one for one in self.world.instances()}
        run = self._running[-1]
        for id in ids:
            one = known.get(id)
            if one is None or one.state not in ("pending", "running"):
                continue
            row = self.ledger.machine(one.tags.get("gpu:machine", ""))
            own = self.own_time(run.function)
            self.log.stops.append(
                Stopped(instance=one, how=how, row=row, at=self.now, own=own, run=run)
            )

    def _note_said(self, how: str, place: str, *_: Any) -> None:
        run = self._running[-1]
        if run.claim is not None:
            machine, notice = run.claim
            said = Said(owed=(machine, notice.kind, notice.at), where=f"{how} {place}")
            self.log.said[said] = self.log.said.get(said, 0) + 1

    def digest(self) -> str:
        """The whole of what was done and how everything stands, in a few letters."""
        stands = [
            *self.trace,
            *(repr(m) for m in self.ledger.everything()),
            *(repr(p) for p in self.chat.everything()),
            repr(self.world.state()),
        ]
        return hashlib.sha256("\n".join(stands).encode()).hexdigest()[:16]


def _is_error(found: object) -> TypeGuard[Exception]:
    return isinstance(found, Exception)


class _Port:
    """A port whose every call goes through the stage."""

    def __init__(self, stage: Stage, name: str, port: Any) -> None:
        self._stage = stage
        self._name = name
        self._port = port

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what
        through, port = self._stage.through, self._name

        def call(*a: Any, **k: Any) -> Any:
            return through(port, name, what, *a, **k)

        self.__dict__[name] = call
        return call
