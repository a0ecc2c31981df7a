"""Functions that run at the same time, one call at a time, in an order that can be told again.

Each is a thread that stops before every call that leaves it and goes on when it has the turn; who
has it next is drawn from a seed, or written down. So a race is found again by its number.

    python -m sim.turns --rounds 1000 --many 50    so many launches for the last money, each round
    python -m sim.turns --meet                     two functions at one machine, every order of them
"""

import argparse
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from core.flows import route
from core.flows.wake import on_wake
from core.model import ALIVE, FINAL, Budget, Desire, Machine, Over, Purse, Scope, State
from core.ports import StaleRow
from sim.points import at_rest
from sim.stories.telling import account
from sim.struck import Struck, quiet
from sim.town import ADA, LIN, straight

MINUTE = timedelta(minutes=1)
MOST_DELIVERIES = 10
Who = Callable[[tuple[int, ...], int], int]  # (whose turn it can be, how many turns there were)


class Turns:
    """Runs functions together; `who` says whose turn it is."""

    def __init__(self, here: Struck, who: Who) -> None:
        self._here, self._who = here, who
        self._mine = threading.local()
        self._back = threading.Semaphore(0)
        self._go: list[threading.Semaphore] = []
        self._ended: set[int] = set()
        self.turns: list[int] = []
        self.errors: list[BaseException] = []

    def together(self, *acts: Callable[[], object]) -> None:
        """All of them, to their ends."""
        self._go = [threading.Semaphore(0) for _ in acts]
        threads = [
            threading.Thread(target=self._run, args=(n, act), daemon=True)
            for n, act in enumerate(acts)
        ]
        self._here.striker.awake, self._here.striker.heard = True, self._pause
        waiting = list(range(len(acts)))
        for thread in threads:
            thread.start()
        while waiting:
            n = self._who(tuple(waiting), len(self.turns))
            self.turns.append(n)
            self._go[n].release()
            self._back.acquire()
            waiting = [k for k in waiting if k not in self._ended]
        self._here.striker.awake, self._here.striker.heard = False, lambda: None
        if self.errors:
            raise self.errors[0]

    def _run(self, n: int, act: Callable[[], object]) -> None:
        self._mine.number = n
        self._go[n].acquire()
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - raised again where the others are awaited
            self.errors.append(error)
        self._ended.add(n)
        self._back.release()

    def _pause(self) -> None:
        n = getattr(self._mine, "number", None)
        if n is None:
            return
        self._back.release()
        self._go[n].acquire()


def by_seed(seed: int) -> Who:
    """A turn for anybody at any time."""
    chance = random.Random(seed)
    return lambda waiting, turn: chance.choice(waiting)


def switching(first: int, second: int) -> Who:
    """The first one for so many turns, then the other for so many, then the first to its end."""

    def who(waiting: tuple[int, ...], turn: int) -> int:
        wanted = 1 if first <= turn < first + second else 0
        return wanted if wanted in waiting else waiting[0]

    return who


def delivered(here: Struck, text: str, user: str = ADA) -> Callable[[], object]:
    """A command, again as long as it fails, as the queue brings it; time stands still."""
    request = here.request(text, user)
    return lambda: _again(lambda: route.command(here.house, request))


def woken(here: Struck, key: str) -> Callable[[], object]:
    """A wake of the queue."""
    return lambda: _again(lambda: on_wake(here.house, key))


def _again(act: Callable[[], object]) -> None:
    for _ in range(MOST_DELIVERIES):
        try:
            act()
        except StaleRow:
            continue
        return
    raise StaleRow("ten times")


# ---- many for the last of it ------------------------------------------------------------------

HOURLY = Budget(scope=Scope.TEAM, monthly=None, hourly=Decimal("3.10"))  # one p3.2xlarge
MONTHLY = Budget(scope=Scope.TEAM, monthly=Decimal("6.12"), hourly=None)  # two hours of one
LAUNCH = "launch p3.2xlarge on-demand in us-east-1 for 2h"


def last_one(seed: int, many: int, budget: Budget) -> tuple[int, ...]:
    """So many launches at once, with room for one: (bought, set aside, held or failed)."""
    with straight():
        here = account(over=Over.BLOCK, budgets=(budget,), approval_above=Decimal(100))
    here.with_quota(value=8 * many)
    acts = [delivered(here, f"{LAUNCH} name m-{n}", (ADA, LIN)[n % 2]) for n in range(many)]
    Turns(here, by_seed(seed)).together(*acts)
    most = _bought(here)
    here.pass_time(3 * MINUTE)
    purse = here.ledger.row(Purse, "team")
    lost = sum(m.state in (*FINAL, State.HELD) for m in here.ledger.everything())
    return max(most, _bought(here)), len(purse.commitments) if purse else 0, lost


def _bought(here: Struck) -> int:
    return len(here.world.state()["instances"])


# ---- two at one machine -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Two functions at one machine. `ends`: which rows are right at the end."""

    name: str
    prepare: Callable[[], Struck]
    acts: Callable[[Struck], tuple[Callable[[], object], Callable[[], object]]]
    ends: Callable[[Machine], bool]


def _running(length: str = "2h") -> Struck:
    here = account()
    here.type(f"launch g5.xlarge on-demand in us-east-1 for {length} name bert")
    here.pass_time(5 * MINUTE)
    return here


def _stopped() -> Struck:
    here = _running()
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    return here


def _at_its_deadline() -> Struck:
    here = _running("20m")
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.deadline - here.now - timedelta(seconds=5))
    return here


def _unanswered() -> Struck:
    """EC2 has bought it and has not answered; the row waits."""
    here = account()
    here.control(do="fault", operation="RunInstances", code="timeout-with-effect", times=1)
    here.type("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    here.now += timedelta(seconds=12)
    return here


def _key(here: Struck) -> str:
    return f"machine/{here.machine().id}"


def _late(here: Struck) -> Callable[[], object]:
    def act() -> None:
        here.now += timedelta(seconds=6)  # the deadline passes while the other one is at it
        _again(lambda: on_wake(here.house, f"due/{_key(here)}"))

    return act


def _is_stopped(m: Machine) -> bool:
    return m.state is State.STOPPED and m.desire is Desire.STOP


def _is_ended(m: Machine) -> bool:
    return m.state in FINAL


def _runs(m: Machine) -> bool:
    return m.state in ALIVE and m.desire is Desire.RUN


MEETINGS = (
    Meeting(
        name="stop, extend",
        prepare=_running,
        acts=lambda here: (delivered(here, "stop bert"), delivered(here, "extend bert 1h")),
        ends=_is_stopped,
    ),
    Meeting(
        name="stop, a look",
        prepare=_running,
        acts=lambda here: (delivered(here, "stop bert"), woken(here, _key(here))),
        ends=_is_stopped,
    ),
    Meeting(
        name="end, stop",
        prepare=_running,
        acts=lambda here: (delivered(here, "end bert"), delivered(here, "stop bert")),
        ends=_is_ended,
    ),
    Meeting(
        name="extend, the deadline",
        prepare=_at_its_deadline,
        acts=lambda here: (delivered(here, "extend bert 1h"), _late(here)),
        ends=lambda m: _runs(m) or _is_stopped(m),
    ),
    Meeting(
        name="start, a look",
        prepare=_stopped,
        acts=lambda here: (delivered(here, "start bert for 1h"), woken(here, _key(here))),
        ends=_runs,
    ),
    Meeting(
        name="a look, another look at an unanswered launch",
        prepare=_unanswered,
        acts=lambda here: (woken(here, _key(here)), woken(here, _key(here))),
        ends=_runs,
    ),
    Meeting(
        name="a look at an unanswered launch, end",
        prepare=_unanswered,
        acts=lambda here: (woken(here, _key(here)), delivered(here, "end bert")),
        ends=_is_ended,
    ),
)


@dataclass
class Met:
    """What became of a meeting in all orders."""

    orders: int = 0
    wrong: list[str] = field(default_factory=list)


def orders(meeting: Meeting, every: int = 1) -> Met:
    """Every order in which the first is held up once for the other; or every so many of them."""
    met = Met()
    for first, second in _switches(meeting, every):
        with straight():
            here = meeting.prepare()
        Turns(here, switching(first, second)).together(*meeting.acts(here))
        met.orders += 1
        here.pass_time(12 * MINUTE)
        m = here.machine(0)
        found = [*here.wrong, *at_rest(here)]
        if not meeting.ends(m):
            found.append(f"it is {m.state.value}, and wanted {m.desire.value}")
        met.wrong += [f"{meeting.name} ({first}, {second}): {one}" for one in found]
    return met


def _switches(meeting: Meeting, every: int) -> Iterator[tuple[int, int]]:
    """After how many turns of the first one the second has so many."""
    with straight():
        here = meeting.prepare()
    turns = Turns(here, switching(10**6, 0))
    turns.together(*meeting.acts(here))
    mine, others = turns.turns.count(0), turns.turns.count(1)
    all_of_them = [(a, b) for a in range(mine + 1) for b in range(1, others + 1)]
    yield from all_of_them[every // 2 :: every]


# ---- the command ------------------------------------------------------------------------------


def _main() -> None:
    asked = argparse.ArgumentParser(description="Functions at the same time, in told orders.")
    asked.add_argument("--rounds", type=int, default=1000)
    asked.add_argument("--many", type=int, default=50)
    asked.add_argument("--meet", action="store_true")
    asked.add_argument("--every", type=int, default=1)
    given = asked.parse_args()
    quiet()
    bad = _meet(given.every) if given.meet else _rounds(given.rounds, given.many)
    raise SystemExit(1 if bad else 0)


def _meet(every: int) -> int:
    bad = 0
    for meeting in MEETINGS:
        began, met = time.perf_counter(), orders(meeting, every)
        bad += len(met.wrong)
        seconds = time.perf_counter() - began
        print(f"{meeting.name:48}{met.orders:7} orders {seconds:6.0f} s", flush=True)
        print(*(f"    {one}" for one in met.wrong), sep="\n", end="", flush=True)
    return bad


def _rounds(rounds: int, many: int) -> int:
    bad = 0
    for seed in range(rounds):
        bought, set_aside, lost = last_one(seed, many, (HOURLY, MONTHLY)[seed % 2])
        if (bought, set_aside, lost) != (1, 1, many - 1):
            bad += 1
            print(f"seed {seed}: {bought} bought, {set_aside} set aside, {lost} lost", flush=True)
    print(f"{rounds} rounds of {many}: one had the last in {rounds - bad}")
    return bad


if __name__ == "__main__":
    _main()
