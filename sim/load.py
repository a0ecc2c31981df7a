"""What happens when much comes at once: bursts, a thousand deadlines in a minute, a long queue.

Each scene says what came of it, in numbers that must be right whatever the size; `make load` runs
the large ones, the tests small ones. Time is simulated: EC2 takes no more calls than it publishes.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from core.model import Machine, State
from handlers import slack
from sim.backlog import Backlog, Letter
from sim.rates import Limited, Rates
from sim.town import CHANNEL, REGIONS, TEAM, Town, buttons, person

FORM = "application/x-www-form-urlencoded"
MINUTE = timedelta(minutes=1)
MORE = timedelta(minutes=10)  # of each extension
HOT = "U0HOT"


@dataclass
class Crowd:
    """A town with many people, and the queue between them and the function."""

    people: int
    regions: tuple[str, ...] = REGIONS
    here: Town = field(default_factory=lambda: Town(wire=False))
    rates: dict[str, Rates] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)  # words, by response_url

    def __post_init__(self) -> None:
        for region in REGIONS:
            rates = self.rates[region] = Rates(self.here.clock)
            self.here._clients["ec2", region] = Limited(self.here.world, region, rates)
            self.here.with_quota(region, 100_000)
        for user in self.users:
            self.here.chat.add(person(user, user.lower()))
            self.here.ready_to_launch(user)

    @property
    def users(self) -> list[str]:
        """Their ids."""
        return [f"U{number:04d}" for number in range(self.people)]

    def launched(self, each: int, length: str) -> list[Machine]:
        """Everybody has so many machines, bought as fast as EC2 sells; they run."""
        for number in range(each):
            for index, user in enumerate(self.users):
                region = self.regions[index % len(self.regions)]
                name = f"m{index}-{number}"
                what = f"launch g5.xlarge on-demand in {region} {length} name {name}"
                self.here.type(what, user)
                self.here.pass_time(timedelta(seconds=1))
        self.here.pass_time(5 * MINUTE)
        return list(self.here.ledger.live())

    def backlog(self, **how: float) -> Backlog:
        """The queue before the real handler."""
        here = self.here
        return Backlog(
            take=lambda event: slack.take(here.house, event),
            **how,  # type: ignore[arg-type]
        )

    def command(self, to: Backlog, text: str, user: str, typed: datetime | None = None) -> str:
        """Somebody types it, and the door puts it on the queue; its response_url."""
        number = len(self.sent)
        url = f"https://hooks.slack.com/commands/{number}"
        form = {
            "command": "/gpu",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "channel_id": CHANNEL,
            "trigger_id": f"load-{number}",
            "response_url": url,
        }
        at = (typed or self.here.now).timestamp()
        body = {"v": 1, "kind": "command", "content_type": FORM, "received_at": at}
        to.put(json.dumps({**body, "body": urlencode(form)}), user, self.here.now)
        self.sent[url] = text
        return url

    def wake(self, to: Backlog, key: str) -> None:
        """The clock puts a wake on the queue."""
        to.put(json.dumps({"v": 1, "kind": "wake", "key": key}), "", self.here.now)

    def drain(self, queue: Backlog) -> timedelta:
        """How long it takes until nothing waits; the world goes on meanwhile."""
        began = self.here.now

        def at(moment: datetime) -> None:
            if moment > self.here.now:
                self.here.pass_time(moment - self.here.now)

        return queue.drain(at, began) - began

    def unanswered(self) -> list[str]:
        """What was typed and never answered, nor told of in direct messages: where Slack takes no
        answer any more, its words stand in one."""
        told = {one.response_url for one in self.here.chat.answers}
        in_person = "\n".join(
            posted.message.text for user in self.users for posted in self.here.chat.directs(user)
        )
        left = [text for url, text in self.sent.items() if url not in told]
        return [text for text in left if text not in in_person]


# ---- a burst --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What came of many commands in one second."""

    commands: int
    deliveries: int
    unanswered: int
    wrong: list[str]  # machines whose deadline is not what was typed
    dead: int
    lasted: timedelta
    failures: int


def burst(people: int, each: int, **how: float) -> Burst:
    """Everybody extends their machine, looks, and extends again, all in the same second."""
    crowd = Crowd(people)
    machines = crowd.launched(1, "for 2h")
    before = {m.id: m.lease.deadline for m in machines if m.lease}
    queue, extended = crowd.backlog(**how), Counter[str]()
    for number in range(each):
        for m in machines:
            text = f"extend {m.name} 10m" if number % 2 == 0 else "list"
            crowd.command(queue, text, m.owner)
            extended[m.id] += number % 2 == 0
    lasted = crowd.drain(queue)
    after = {m.id: m.lease.deadline for m in crowd.here.ledger.live() if m.lease}
    return Burst(
        commands=len(crowd.sent),
        deliveries=queue.calls,
        unanswered=len(crowd.unanswered()),
        wrong=[id for id in before if after.get(id) != before[id] + MORE * extended[id]],
        dead=len(queue.dead),
        lasted=lasted,
        failures=len(crowd.here.failures),
    )


# ---- deadlines ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """What came of many deadlines in one minute."""

    machines: int
    up_at: dict[int, int]  # instances still up, by minutes after the deadline
    stopped: int
    warned: Counter[int]  # machines, by how often each was warned
    told: int  # messages that one was stopped
    stop_calls: int
    refused: int  # calls beyond EC2's rates
    failures: int


def deadlines(people: int, each: int, *, regions: int = len(REGIONS)) -> Deadlines:
    """All of their machines have the same deadline, in so many regions."""
    crowd = Crowd(people, REGIONS[:regions])
    here = crowd.here
    machines = crowd.launched(each, "until 13:00")
    (end,) = {m.lease.deadline for m in machines if m.lease}
    here.pass_time(end - here.now)
    up: dict[int, int] = {}
    for minute in range(1, 6):
        here.pass_time(end + minute * MINUTE - here.now)
        up[minute] = len(here.world.up())
    here.pass_time(15 * MINUTE)
    return Deadlines(
        machines=len(machines),
        up_at=up,
        stopped=sum(m.state is State.STOPPED for m in here.ledger.live()),
        warned=_warned(here, machines),
        told=sum("was stopped" in one.text for one in here.news()),
        stop_calls=sum(one.calls.get("StopInstances", 0) for one in crowd.rates.values()),
        refused=sum(sum(one.refused.values()) for one in crowd.rates.values()),
        failures=len(here.failures),
    )


def _warned(here: Town, machines: list[Machine]) -> Counter[int]:
    """By the button of the warning, which names the machine."""
    times = Counter(
        str(button["value"]).partition(":")[0]
        for message in here.news()
        for button in buttons(message)
        if button["action_id"] == "extend"
    )
    return Counter(times[m.id] for m in machines)


# ---- a long queue ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What came of a long queue with a message in it that nobody can carry out."""

    messages: int
    deliveries: int
    done: int
    dead: list[str]
    unanswered: int
    wrong: list[str]
    started_late: int  # launches that were carried out although they had waited too long
    refused_late: int
    lasted: timedelta  # until all others were done
    poison_lasted: timedelta  # until the poison was put aside
    failures: list[str]


def long_queue(messages: int, people: int = 20, **how: float) -> Drained:
    """Looks, extensions, wakes, launches that waited too long, and one poisoned message."""
    crowd = Crowd(people)
    here = crowd.here
    machines = crowd.launched(1, "for 2h")
    before = {m.id: m.lease.deadline for m in machines if m.lease}
    queue, extended = crowd.backlog(**how), Counter[str]()
    poison = "nobody/knows-this"
    crowd.wake(queue, poison)
    late = here.now - 16 * MINUTE
    while len(queue.waiting) < messages:
        number = len(queue.waiting)
        m = machines[number % len(machines)]
        match number % 10:
            case 0 if extended[m.id] < 8:
                crowd.command(queue, f"extend {m.name} 10m", m.owner)
                extended[m.id] += 1
            case 1:
                crowd.command(queue, f"launch g5.xlarge spot name late{number}", m.owner, late)
            case 2 | 3:
                crowd.command(queue, "list", m.owner)
            case _:
                crowd.wake(queue, f"due/machine/{m.id}")
    began, there = here.now, len(queue.waiting)
    lasted = crowd.drain(queue)
    after = {m.id: m.lease.deadline for m in here.ledger.everything() if m.lease}
    said = Counter(one.message.text for one in here.chat.answers)
    return Drained(
        messages=there,
        deliveries=queue.calls,
        done=len(queue.done),
        dead=[json.loads(one.body)["key"] for one in queue.dead],
        unanswered=len(crowd.unanswered()),
        wrong=[id for id in before if after.get(id) != before[id] + MORE * extended[id]],
        started_late=sum(m.name.startswith("late") for m in here.ledger.everything()),
        refused_late=sum(times for text, times in said.items() if "15 minutes late" in text),
        lasted=max(one.done_at for one in queue.done if one.done_at) - began,
        poison_lasted=lasted,
        failures=[repr(one) for one in here.failures],
    )


# ---- one who floods -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Flood:
    """How long commands waited, in seconds: the worst of the others, and of the one who flooded."""

    others: float
    hot: float
    unanswered: int


def flood(commands: int, people: int, *, fair: bool) -> Flood:
    """Half of all commands are one person's, and they come first."""
    crowd = Crowd(people)
    here = crowd.here
    here.chat.add(person(HOT, "hot"))
    queue = crowd.backlog(fair=fair)
    for number in range(commands // 2):
        crowd.command(queue, f"list {'all' if number % 2 else ''}".strip(), HOT)
    for number in range(commands - commands // 2):
        crowd.command(queue, "list", crowd.users[number % people])
    crowd.drain(queue)
    return Flood(
        others=max(_waited(one) for one in queue.done if one.group != HOT),
        hot=max(_waited(one) for one in queue.done if one.group == HOT),
        unanswered=len(crowd.unanswered()),
    )


def _waited(letter: Letter) -> float:
    assert letter.done_at is not None
    return (letter.done_at - letter.sent_at).total_seconds()
