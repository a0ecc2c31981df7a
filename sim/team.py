"""A team in simulated months: people with habits, chance, and what must hold at every minute.

Every seed is another history, and the same seed the same one again. People launch, extend, stop
early, forget, start again; EC2 takes spot machines back; somebody types `shutdown`. Every minute no
machine may be past its deadline by more than three; at the end our meter is held against the bill
that the world itself has kept, and every warning is counted.

    make team PEOPLE=50 DAYS=30
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core import meter
from core.blocks import Message
from core.flows import spending
from core.model import ALIVE, State
from sim.town import REGIONS, Town, buttons, person, town

MINUTE = timedelta(minutes=1)
LATE = timedelta(minutes=3)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "America/Los_Angeles")
LAUNCHES = (
    "g5.xlarge on-demand",
    "g5.xlarge spot",
    "g4dn.xlarge spot",
    "g6.xlarge spot keep",
    "g5.2xlarge on-demand disk 200",
    "g6e.xlarge spot or on-demand",
    "g5.xlarge x3 on-demand",
    "g5.xlarge spot data 100",
    "p3.2xlarge on-demand disk 200 io2 iops 8000",
)
LENGTHS = ("1h", "2h", "4h", "8h", "12h")


@dataclass(kw_only=True)
class Person:
    """One of the team, and what they feel like doing at which minute of the day that is on."""

    id: str
    zone: ZoneInfo
    plans: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(kw_only=True)
class Report:
    """What came of it. Money is USD."""

    machines: int
    minutes: int
    ours: Decimal  # what our meter says
    theirs: Decimal  # what the world's own bill says
    overdue: list[str]
    worst: timedelta  # that a machine outlived its deadline by
    warned_twice: list[str]
    unsaid: list[str]
    failures: list[str]
    messages: int
    seconds: float


class Team:
    """So many people in one town, and the chance that moves them."""

    def __init__(self, people: int, seed: int, here: Town | None = None) -> None:
        self.chance = random.Random(seed)
        self.here = here or town()
        self.people = [
            Person(id=f"U0P{n:03d}", zone=ZoneInfo(ZONES[n % len(ZONES)])) for n in range(people)
        ]
        self.overdue: list[str] = []
        self.worst = timedelta(0)
        self.minutes = 0
        self.began = self.here.now
        for one in self.people:
            self.here.chat.add(person(one.id, one.id.lower(), str(one.zone)))
        for region in REGIONS:
            self.here.with_quota(region, 5000)
        for one in self.people:
            self.here.ready_to_launch(one.id)

    def live(self, length: timedelta) -> None:
        """Let that much time pass in the team's life, minute by minute."""
        end = self.here.now + length
        while self.here.now < end:
            for one in self.people:
                self._day(one)
                self._act(one)
            self._chance()
            self.here.pass_time(MINUTE)
            self.minutes += 1
            self._look()

    def wind_up(self) -> None:
        """Everybody ends everything, so that every bill is closed."""
        for m in self.here.ledger.live():
            self.here.type(f"end {m.name}", m.owner)
        self.here.pass_time(timedelta(minutes=30))

    # ---- people -----------------------------------------------------------------------------

    def _day(self, one: Person) -> None:
        """In the morning they know what they are going to do today, more or less."""
        local = self.here.now.astimezone(one.zone)
        if (local.hour, local.minute) != (7, 0):
            return
        busy = 0.15 if local.weekday() > 4 else 0.6
        if self.chance.random() < busy:
            one.plans.append((self._at(8, 17), "begin"))
        if self.chance.random() < 0.3:
            one.plans.append((self._at(10, 20), "stop"))
        if self.chance.random() < 0.1:
            one.plans.append((self._at(9, 19), "end"))
        if self.chance.random() < 0.2:
            one.plans.append((self._at(9, 19), "extend"))

    def _at(self, first: int, last: int) -> datetime:
        hours = self.chance.uniform(first - 7, last - 7)
        return self.here.now + timedelta(
            minutes=int(hours * 60), seconds=self.chance.randint(0, 59)
        )

    def _act(self, one: Person) -> None:
        due = [plan for plan in one.plans if plan[0] <= self.here.now]
        one.plans = [plan for plan in one.plans if plan[0] > self.here.now]
        for _, what in due:
            self._do(one, what)

    def _do(self, one: Person, what: str) -> None:
        mine = self.here.ledger.of_owner(one.id)
        stopped = [m for m in mine if m.state is State.STOPPED]
        up = [m for m in mine if m.state in ALIVE]
        if what == "begin":
            self._type(one, "allow 203.0.113.7")  # yesterday's has expired
        match what:
            case "begin" if stopped and self.chance.random() < 0.6:
                self._type(one, f"start {stopped[0].name} for {self.chance.choice(LENGTHS)}")
            case "begin" if len(mine) < 4:
                self._type(
                    one,
                    f"launch {self.chance.choice(LAUNCHES)} for {self.chance.choice(LENGTHS)}",
                )
            case "stop" if up:
                self._type(one, f"stop {self.chance.choice(up).name} yes")
            case "end" if mine:
                self._type(one, f"end {self.chance.choice(mine).name}")
            case "extend" if up:
                self._type(one, f"extend {self.chance.choice(up).name} 1h")
            case _:
                pass

    def _type(self, one: Person, text: str) -> None:
        self.here.type(text, one.id)

    def _chance(self) -> None:
        """About three spot machines a day are taken back, and one is shut down from inside."""
        drawn = self.chance.random()
        if drawn < 4 / 1440:
            kind = "interrupt" if drawn < 3 / 1440 else "stop-outside"
            fitting = [
                i
                for i in self.here.world.state()["instances"]
                if i["state"] == "running" and (kind != "interrupt" or i["market"] == "spot")
            ]
            if fitting:
                self.here.control(do=kind, instance=self.chance.choice(fitting)["id"])

    # ---- what must hold ---------------------------------------------------------------------

    def _look(self) -> None:
        up = set(self.here.world.up())
        for m in self.here.ledger.live():
            if m.lease is None or not up.intersection(one.id for one in m.instances):
                continue
            late = self.here.now - m.lease.deadline
            self.worst = max(self.worst, late)
            if late > LATE:
                self.overdue.append(f"{m.name} at {self.here.now}")

    def report(self, seconds: float = 0) -> Report:
        """How it stands now."""
        here, began = self.here, self.began
        known = here.ledger.everything()
        return Report(
            machines=len(known),
            minutes=self.minutes,
            ours=meter.total(spending.bills(here.house, began), began, here.now),
            theirs=here.world.bill(began, here.now, here.policy.stack),
            overdue=self.overdue,
            worst=self.worst,
            warned_twice=[what for what, times in self._warnings().items() if times > 1],
            unsaid=[m.name for m in known if m.owed],
            failures=[repr(error) for error in here.failures],
            messages=sum(1 for _ in self._posted()),
            seconds=seconds,
        )

    def _posted(self) -> Iterator[Message]:
        for channel in sorted({m.channel for m in self.here.ledger.everything()}):
            yield from self.here.news(channel)

    def _warnings(self) -> Counter[str]:
        """How often each deadline was warned of in the same words: the button names it."""
        values = (
            f"{button['value']} {message.text}"
            for message in self._posted()
            for button in buttons(message)
            if button["action_id"] == "stop"
        )
        return Counter(values)


def months(people: int, days: int, seed: int) -> Report:
    """A whole history."""
    began = time.perf_counter()
    team = Team(people, seed)
    team.live(timedelta(days=days))
    team.wind_up()
    return team.report(time.perf_counter() - began)


def _main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--people", type=int, default=50)
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    print(months(given.people, given.days, given.seed))


if __name__ == "__main__":
    _main()
