"""Random lives: people, AWS and chance do what they like; what was promised still holds at the end.

A seed is a whole life and can be run again by its number. Functions are killed at any call and
their messages delivered again, AWS throttles, fails and stays silent, people stop, start, end,
extend and press whatever button they see, machines are stopped, started, taken and given other tags
outside the bot, Slack is away for a while, and the clock is late. Machines have their own timers.
"""

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from core.faults import CloudError
from core.model import FINAL, State
from sim.town import Town, buttons

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
AGAIN_AFTER = 75 * SECOND  # the queue's visibility timeout
FRAGILE = (
    "RunInstances",
    "StopInstances",
    "TerminateInstances",
    "StartInstances",
    "DescribeInstances",
    "DeleteSecurityGroup",
    "CreateSecurityGroup",
    "ImportKeyPair",
    "CreateTags",
)
FAULTS = ("timeout-with-effect", "timeout-without-effect", "RequestLimitExceeded", "InternalError")
REFUSALS = ("InsufficientInstanceCapacity", "VcpuLimitExceeded")


class Killed(BaseException):
    """The function's process ends here."""


class Life:
    """One machine's life in one town; `fragile` is how likely each call is to be the last.

    With a `count` it is a group, and the zones have room for a part of it.
    """

    def __init__(self, seed: int, count: int = 1) -> None:
        self.chance = random.Random(seed)
        self.count = count
        self.fragile = 0.0
        self.here = Town(wire=False)
        self.here.with_quota()
        self.here.ready_to_launch()
        self.undone: list[tuple[Any, str]] = []
        self._make_fragile()

    def _make_fragile(self) -> None:
        here = self.here
        ports: dict[str, Any] = {
            name: _Port(getattr(here.house, name), self._call)
            for name in ("cloud", "chat", "ledger", "wakes")
        }
        here.house = replace(here.house, **ports)
        wake: Callable[[str], None] = here._wake
        strike: Callable[[], None] = here._clock_strikes
        heard: Callable[[dict[str, Any]], None] = here._heard_of
        hands: Any = here
        hands._heard_of = lambda event: self._survive(lambda: heard(event), None)
        hands._wake = lambda key: self._survive(lambda: wake(key), key)
        hands._clock_strikes = lambda: self._survive(strike, None)

    def _call(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        drawn = self.chance.random()
        if drawn < self.fragile:
            raise Killed
        result = call(*args, **kwargs)
        if drawn > 1 - self.fragile:
            raise Killed
        return result

    def _survive(self, act: Callable[[], None], key: str | None) -> None:
        try:
            act()
        except (Killed, CloudError):
            if key is not None:
                self.undone.append((self.here.now + AGAIN_AFTER, key))

    def live(self) -> None:
        """Launch, and then several things in any order."""
        self.fragile = self.chance.choice((0.0, 0.004, 0.01))
        self.whole = not self.fragile
        for operation in FRAGILE:
            if self.chance.random() < 0.3:
                codes = FAULTS + (REFUSALS if operation == "RunInstances" else ())
                self.here.control(
                    do="fault",
                    operation=operation,
                    code=self.chance.choice(codes),
                    times=self.chance.randint(1, 4),
                )
        market = self.chance.choice(("spot", "on-demand"))
        length = self.chance.choice(("2m", "20m", "2h"))
        many = self._room_for_some() if self.count > 1 else ""
        self.type(f"launch p3.2xlarge {many} {market} for {length} name bert")
        for _ in range(self.chance.randint(2, 8)):
            self.pass_time(self.chance.choice((1, 5, 30, 90, 400)) * SECOND)
            self.chance.choice(
                (
                    lambda: self.type("stop bert"),
                    lambda: self.type("start bert"),
                    lambda: self.type("end bert"),
                    lambda: self.type("extend bert 10m"),
                    self.something_outside,
                    lambda: self.here.control(do="fill-zone", region="us-east-1"),
                    self.press_something,
                    self.edit_tags,
                    self.slack_is_away,
                    self.clock_is_late,
                )
            )()
        self.fragile = 0.0
        self.here.chat.down, self.here.chat.busy_for = False, None
        self.here.control(do="clear-faults")
        self.pass_time(16 * MINUTE)

    def _room_for_some(self) -> str:
        for zone in ("us-east-1a", "us-east-1c", "us-east-1d", "us-east-1f"):
            room = self.chance.choice((0, 1, 1, 2, 5))
            self.here.control(do="fill-zone", region="us-east-1", zone=zone, room=room)
        return f"x{self.count} in us-east-1"

    def type(self, text: str) -> None:
        """A command, delivered again where its function died."""
        request = self.here.request(text)
        for _ in range(4):
            try:
                self.here.deliver(request)
                return
            except (Killed, CloudError):
                self.pass_time(20 * SECOND)

    def press_something(self) -> None:
        m = self.here.machine()
        seen = buttons(self.here.card()) if m.card else []
        if seen:
            pressed = self.chance.choice(seen)
            try:
                self.here.click(pressed["action_id"], pressed["value"])
            except (Killed, CloudError):
                self.pass_time(20 * SECOND)

    def something_outside(self) -> None:
        for instance in self.here.world.state()["instances"]:
            if instance["state"] == "running":
                kinds = ["stop-outside", "terminate-outside"]
                if instance["market"] == "spot":
                    kinds = ["terminate-outside", "interrupt"]
                self.here.control(do=self.chance.choice(kinds), instance=instance["id"])
            elif instance["state"] == "stopped":
                ec2: Any = self.here._client("ec2")(instance["region"])
                with contextlib.suppress(ClientError, BotoCoreError):
                    ec2.start_instances(InstanceIds=[instance["id"]])

    def edit_tags(self) -> None:
        """The deadline of what runs is moved, spoilt or taken away."""
        for instance in self.here.world.state()["instances"]:
            if instance["state"] == "running":
                ec2: Any = self.here._client("ec2")(instance["region"])
                later = int(self.here.now.timestamp()) + self.chance.choice((600, 90_000))
                value = self.chance.choice((str(later), "soon", None))
                tag = {"Key": "gpu:deadline"} | ({"Value": value} if value else {})
                edit = ec2.create_tags if value else ec2.delete_tags
                with contextlib.suppress(ClientError, BotoCoreError):  # AWS fails for others, too
                    edit(Resources=[instance["id"]], Tags=[tag])

    def slack_is_away(self) -> None:
        """For a while; it may say for how long."""
        chat, length = self.here.chat, self.chance.choice((20, 90, 400)) * SECOND
        chat.down = self.chance.random() < 0.5
        chat.busy_for = None if chat.down else length
        self.pass_time(length)
        chat.down, chat.busy_for = False, None

    def clock_is_late(self) -> None:
        self.here._next_minute += self.chance.choice((2, 10, 60)) * MINUTE

    def pass_time(self, length: timedelta) -> None:
        end = self.here.now + length
        while self.here.now < end:
            self.here.pass_time(min(30 * SECOND, end - self.here.now))
            for due in [one for one in self.undone if one[0] <= self.here.now]:
                self.undone.remove(due)
                self.here._wake(due[1])


class _Port:
    """A port whose every call may be the last of its function."""

    def __init__(self, port: Any, around: Callable[..., Any]) -> None:
        self._port = port
        self._around = around

    def __getattr__(self, name: str) -> Any:
        what = getattr(self._port, name)
        if not callable(what):
            return what
        return lambda *args, **kwargs: self._around(what, *args, **kwargs)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_one_machine_at_most_none_lost_none_late_and_nothing_left(
    seed: int,
) -> None:
    _all_is_kept(Life(seed))


@pytest.mark.parametrize("seed", range(30))
def test_the_same_holds_for_a_group_of_which_never_more_are_bought_than_asked_for(
    seed: int,
) -> None:
    _all_is_kept(Life(1000 + seed, count=4))


def _all_is_kept(life: Life) -> None:
    life.live()
    here = life.here
    assert len(here.world.state()["instances"]) <= life.count, "bought too many"
    for m in here.ledger.everything():
        of_it = [i for i in here.world.state()["instances"] if i["tags"].get("gpu:machine") == m.id]
        up = [i for i in of_it if i["state"] in ("pending", "running")]
        assert len(of_it) <= life.count, "bought twice"
        assert not (up and m.state in FINAL), "lost"
        assert not (up and m.lease and here.now > m.lease.deadline + 3 * MINUTE), "late"
        assert not (m.lease and m.state is State.RUNNING and m.lease.deadline > m.lease.hard)
        assert m.owed == (), "somebody was not told"
        # A function that dies between posting and writing so is the one that may say it twice.
        assert not life.whole or _warned_once(here), "warned twice"
        assert m.due_at is not None or m.state in FINAL, "nobody will look again"
    for m in here.ledger.live():
        life.type(f"end {m.name}")
    life.pass_time(12 * MINUTE)
    assert here.ledger.live() == ()
    assert set(here.counts().values()) == {0}


def _warned_once(here: Town) -> bool:
    """No button of a warning, which names the lease's version, stands in two messages."""
    warnings = [one for one in here.news() if "so far" in one.text]
    values = [b["value"] for one in warnings for b in buttons(one) if b["action_id"] == "stop"]
    return len(values) == len(set(values))
