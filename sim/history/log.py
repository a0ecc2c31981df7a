"""What happened on a stage, as the promises need it: who did what when, and how the row stood."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from core.flows.request import Asked
from core.model import Machine, Notice, NoticeKind
from sim.world import World

VISIBLE_AGAIN = timedelta(seconds=75)  # what one trouble costs at most: the queue brings it again


Owed = tuple[str, NoticeKind, datetime]  # which machine owes what since when


class Function(StrEnum):
    """A function of the template, each with a clock of its own."""

    DOOR = "door"
    SLACK = "slack"
    CLOCK = "clock"


@dataclass(kw_only=True)
class Run:
    """One invocation of a function. `claim` is the message that it is about to post."""

    function: Function
    began: datetime
    asked: Asked | None
    ended: bool = False
    failed: str = ""
    spoke: bool = False
    claim: tuple[str, Notice] | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    """A machine's row, before and after one write; `before` is None where it is new."""

    before: Machine | None
    after: Machine
    run: Run | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Sent:
    """RunInstances goes out: with which row, when, and when by the sender's own clock."""

    row: Machine
    at: datetime
    own: datetime


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """An instance that was up is told to stop or to terminate."""

    instance: Any
    how: str
    row: Machine | None
    at: datetime
    own: datetime
    run: Run


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A minute of the clock; `up` are the instances that EC2 showed running when it began."""

    at: datetime
    own: datetime
    up: frozenset[str]
    smooth: bool  # nothing went wrong in it


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message that was owed and has been posted: which, and where."""

    owed: Owed
    where: str


@dataclass
class Log:
    """Grows only. `troubles` are the moments at which something was made to go wrong, each with
    what it may delay; `crashes` those after which a message may come twice."""

    writes: list[Written] = field(default_factory=list)
    sends: list[Sent] = field(default_factory=list)
    stops: list[Stopped] = field(default_factory=list)
    strikes: list[Struck] = field(default_factory=list)
    said: dict[Said, int] = field(default_factory=dict)
    owed: dict[Owed, int] = field(default_factory=dict)  # how often each was put into a row
    served: dict[str, bool] = field(default_factory=dict)  # requests done: was anything said?
    spoke_at: datetime | None = None  # when any function last had words for Slack
    troubles: list[tuple[datetime, timedelta]] = field(default_factory=list)
    crashes: int = 0
    asked: list[Asked] = field(default_factory=list)
    edited: dict[str, datetime] = field(default_factory=dict)  # instances' tags, by hand
    outside: dict[str, datetime] = field(default_factory=dict)  # instances, by others than us
    decided: dict[str, datetime] = field(default_factory=dict)  # launches, by a person or AWS
    moved: set[str] = field(default_factory=set)  # machines that had a kept disk to start from
    extended: set[tuple[str, str]] = field(default_factory=set)  # machines, by which press or words
    died: datetime | None = None  # when the last function ran
    foreign: dict[str, str] = field(default_factory=dict)  # others' instances and groups, as met
    counts: dict[str, int] = field(default_factory=dict)  # of the world before anybody launched

    def begin(self, world: World) -> None:
        """What is there already belongs to others."""
        self.foreign = {one.id: foreign(one) for one in world.things()}
        self.counts = dict(world.state()["counts"])

    def trouble(self, at: datetime, delay: timedelta = timedelta(0)) -> None:
        """Something goes wrong now; it may cost its delay and a redelivery."""
        self.troubles.append((at, delay + VISIBLE_AGAIN))

    def hindered(self, now: Callable[[], datetime]) -> Callable[[timedelta], None]:
        """The same, for who has no clock."""
        return lambda delay: self.trouble(now(), delay)

    def lost_since(self, since: datetime) -> timedelta:
        """What all that went wrong since then may have cost together."""
        return sum((delay for at, delay in self.troubles if at >= since), timedelta(0))


def foreign(one: Any) -> str:
    """All that somebody could have changed of an instance or a group."""
    return f"{getattr(one, 'state', '')} {one.tags} {getattr(one, 'rules', '')}"
