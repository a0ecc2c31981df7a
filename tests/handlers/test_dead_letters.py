"""What fails ten times is put aside; what is sent back acts once, and surprises nobody.

The queue here keeps SQS's promises as far as they matter: what failed comes back after its time,
after ten tries it goes to the dead letters, and sent back it begins anew under its own id.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from core.model import Cause, Machine, State
from core.ports import UnreadableRow
from handlers.slack import serve
from sim.town import ADA, CHANNEL, TEAM, Town

TRIES = 10
AGAIN = timedelta(seconds=75)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORM = "application/x-www-form-urlencoded"


@dataclass
class Letter:
    """One message of the queue."""

    id: str
    body: str
    visible_at: datetime
    received: int = 0


@dataclass
class Queue:
    """The queue, its function and its dead letters."""

    here: Town
    waiting: list[Letter] = field(default_factory=list)
    dead: list[Letter] = field(default_factory=list)
    number: int = 0

    def put(self, **message: Any) -> None:
        """As the door puts it."""
        self.number += 1
        at = int(self.here.now.timestamp())
        body = json.dumps({"v": 1, "received_at": at, **message})
        letter = Letter(id=f"{self.number:08d}", body=body, visible_at=self.here.now)
        self.waiting.append(letter)

    def command(self, text: str, trigger: str) -> None:
        """A slash command of Ada's."""
        form = {
            "command": "/gpu",
            "text": text,
            "team_id": TEAM,
            "user_id": ADA,
            "channel_id": CHANNEL,
            "trigger_id": trigger,
            "response_url": f"https://hooks.slack.com/commands/{trigger}",
        }
        self.put(kind="command", body=urlencode(form), content_type=FORM)

    def deliver(self) -> None:
        """Everything that may be seen now, once."""
        for letter in [one for one in self.waiting if one.visible_at <= self.here.now]:
            self.waiting.remove(letter)
            if letter.received >= TRIES:
                self.dead.append(letter)
                continue
            letter.received += 1
            letter.visible_at = self.here.now + AGAIN
            try:
                serve(self.here.house, self._record(letter))
            except Exception:  # noqa: BLE001 - as Lambda does: it comes again
                self.waiting.append(letter)

    def _record(self, letter: Letter) -> SQSRecord:
        return SQSRecord(
            {
                "messageId": letter.id,
                "body": letter.body,
                "attributes": {"ApproximateReceiveCount": str(letter.received)},
                "eventSource": "aws:sqs",
            }
        )

    def pass_time(self, length: timedelta) -> None:
        """With the function looking at the queue every quarter of a minute."""
        end = self.here.now + length
        while self.here.now < end:
            self.deliver()
            self.here.pass_time(min(AGAIN / 5, end - self.here.now))
        self.deliver()

    def send_back(self) -> None:
        """start-message-move-task: the same bodies, under their own ids, counted anew."""
        for letter in self.dead:
            self.waiting.append(replace(letter, received=0, visible_at=self.here.now))
        self.dead.clear()


class Damaged:
    """The ledger, in which some names cannot be read."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def named(self, name: str) -> Machine | None:
        if name in self.names:
            raise UnreadableRow(name)
        found: Machine | None = self._ledger.named(name)
        return found


@dataclass
class Night:
    """Ada's machine runs; then its row can be read no more."""

    here: Town
    queue: Queue
    damage: Damaged

    def mend(self) -> None:
        self.damage.names.clear()

    def told(self) -> list[str]:
        return [p.message.text for p in self.here.chat.directs(ADA)]


@pytest.fixture
def night() -> Night:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 12h name bert")
    here.pass_time(5 * MINUTE)
    damage = Damaged(here.ledger)
    damage.names.add("bert")
    here.house = replace(here.house, ledger=damage)
    return Night(here=here, queue=Queue(here), damage=damage)


def bert(night: Night) -> Machine:
    return next(m for m in night.here.ledger.everything() if m.name == "bert")


def test_a_poison_message_is_put_aside_after_ten_tries_and_the_others_go_on(night: Night) -> None:
    night.queue.command("stop bert", "1.1")
    for number, text in enumerate(["list", "key list", "allow 203.0.113.9", "allow"]):
        night.queue.command(text, f"2.{number}")
    night.queue.pass_time(MINUTE)
    answers = [a.response_url.rpartition("/")[2] for a in night.here.chat.answers[-4:]]
    assert answers == ["2.0", "2.1", "2.2", "2.3"]  # in their order, behind the poison
    assert [letter.received for letter in night.queue.waiting] == [1]
    night.queue.pass_time(15 * MINUTE)
    assert night.queue.waiting == []
    (aside,) = night.queue.dead
    assert aside.received == TRIES
    told = [a for a in night.here.chat.answers if a.response_url.endswith("/1.1")]
    assert len(told) == 1  # with a reference, once
    assert bert(night).state is State.RUNNING


def test_sent_back_after_the_mend_a_stop_is_done_once(night: Night) -> None:
    heard = night.here.hearing("StopInstances")
    night.queue.command("stop bert", "1.1")
    night.queue.pass_time(20 * MINUTE)
    again = list(night.queue.dead)
    night.mend()
    night.queue.send_back()
    night.queue.pass_time(5 * MINUTE)
    assert bert(night).state is State.STOPPED
    assert len(heard) == 1
    night.queue.dead = again  # and by mistake once more
    night.queue.send_back()
    night.here.type("start bert")
    night.here.pass_time(5 * MINUTE)
    night.queue.pass_time(5 * MINUTE)
    assert bert(night).state is State.RUNNING
    assert len(heard) == 1


def test_a_launch_that_is_sent_back_hours_later_is_not_carried_out_and_its_owner_hears_so(
    night: Night,
) -> None:
    bought = night.here.hearing("RunInstances")
    night.here.chat.down = True
    night.queue.command("launch g5.xlarge spot name carl", "1.1")
    night.queue.pass_time(20 * MINUTE)
    assert night.queue.dead
    # What it had begun while Slack was away has had its time: launched, or given up.
    launched, night.here.chat.down = len(bought), False
    night.queue.pass_time(5 * HOUR)
    told = len(night.told())
    night.queue.send_back()
    night.queue.pass_time(10 * MINUTE)
    assert len(bought) == launched
    assert night.queue.dead == night.queue.waiting == []
    (said,) = [text for text in night.told()[told:] if "reached me more than" in text]
    assert said.startswith("`launch g5.xlarge spot name carl` of <!date^")
    assert "nothing was started or changed by it" in said


def test_sent_back_within_a_quarter_of_an_hour_a_launch_is_one_machine(night: Night) -> None:
    night.here.control(do="fault", operation="DescribeInstanceTypes", code="Unavailable", times=99)
    night.queue.command("launch g5.xlarge on-demand in us-east-1 name carl", "1.1")
    for _ in range(TRIES + 1):
        night.queue.deliver()
        for letter in night.queue.waiting:
            letter.visible_at = night.here.now
    night.here.control(do="clear-faults")
    night.queue.send_back()
    night.queue.send_back()
    night.queue.pass_time(5 * MINUTE)
    carls = [m for m in night.here.ledger.everything() if m.name == "carl"]
    assert [m.state for m in carls] == [State.RUNNING]


def test_what_was_accepted_and_forgotten_is_not_launched_later(night: Night) -> None:
    """The row stands, and everything that looks at rows was away for twenty minutes."""
    night.here.control(do="fault", operation="RunInstances", code="Unavailable", times=99)
    night.queue.command("launch g5.xlarge on-demand in us-east-1 name carl", "1.1")
    night.queue.deliver()
    night.here.now += 20 * MINUTE
    while night.here.wakes.pop(night.here.now):  # nobody took them
        pass
    night.here.control(do="clear-faults")
    id = next(m.id for m in night.here.ledger.everything() if m.name == "carl")
    night.queue.put(kind="wake", key=f"machine/{id}")
    night.queue.pass_time(15 * MINUTE)
    carl = next(m for m in night.here.ledger.everything() if m.name == "carl")
    assert (carl.state, carl.cause) in {
        (State.FAILED, Cause.EXPIRED),
        (State.FAILED, Cause.LOST),
    }
    assert not [m for m in night.here.ledger.live() if m.name == "carl"]


# ---- a stop that comes late -------------------------------------------------------------------


def _aside(night: Night, text: str) -> None:
    """Typed now, and put aside for hours."""
    night.queue.command(text, "1.1")
    (letter,) = night.queue.waiting
    night.queue.waiting.clear()
    night.queue.dead.append(letter)
    night.mend()


def _again(night: Night) -> None:
    night.here.type("stop bert")
    night.here.pass_time(5 * MINUTE)
    night.here.type("start bert for 8h")


def _extended(night: Night) -> None:
    night.here.type("extend bert 2h")


def _ended_and_another(night: Night) -> None:
    night.here.type("end bert")
    night.here.pass_time(5 * MINUTE)
    night.here.type("launch g5.xlarge on-demand in us-east-1 for 12h name bert")


@pytest.mark.parametrize(
    ("since", "text"),
    [
        *((_again, text) for text in ("stop bert", "stop", "stop all yes", "end bert")),
        (_extended, "stop bert"),
        (_ended_and_another, "stop"),
    ],
)
def test_a_late_stop_does_not_stop_what_somebody_has_decided_about_since(
    night: Night, since: Callable[[Night], None], text: str
) -> None:
    _aside(night, text)
    night.here.pass_time(HOUR)
    since(night)
    night.here.pass_time(HOUR)
    told = len(night.told())
    night.queue.send_back()
    night.queue.pass_time(3 * MINUTE)
    (m,) = night.here.ledger.live()
    assert m.state is State.RUNNING
    assert len(night.told()) > told  # and whoever typed it hears so, in direct messages


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("stop bert", State.STOPPED),
        ("stop", State.STOPPED),
        ("stop all yes", State.STOPPED),
        ("end bert", State.ENDED),
    ],
)
def test_a_late_stop_of_a_machine_as_it_was_is_done(night: Night, text: str, state: State) -> None:
    _aside(night, text)
    night.here.pass_time(2 * HOUR)
    night.queue.send_back()
    night.queue.pass_time(3 * MINUTE)
    assert bert(night).state is state
