"""Brings what happens in the EC2 world to the functions that the template subscribed to it.

This module alone knows EventBridge's part: PutEvents refuses `aws.*` sources, on AWS and here, so
the pump asks EventBridge which rules match an event and invokes their targets as it would. Rules of
the deployment's region hear only that region, as on AWS. The minute schedule is MiniStack's own;
`ring` adds invocations in between for those who cannot wait.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.ministack import ACCOUNT, REGION, MiniStack

LOG = logging.getLogger("sandbox.events")
PUMP_SECONDS = 0.25
Event = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """An enabled rule with an event pattern, and the functions it invokes."""

    name: str
    pattern: str
    functions: tuple[str, ...]


class Bus:
    """The default event bus of the deployment's region, as far as AWS's own events go."""

    def __init__(self, stack: MiniStack) -> None:
        self._events = stack.client("events")
        self._lambda = stack.client("lambda")
        self._rules = self._read_rules()

    def deliver(self, event: Event) -> tuple[str, ...]:
        """Invoke, asynchronously, every function whose rule matches; their ARNs.

        An event of another region reaches nobody: its bus has no rule of ours.
        """
        if event["region"] != REGION:
            return ()
        text = json.dumps(event)
        invoked = tuple(
            function
            for rule in self._rules
            if self._matches(rule, text)
            for function in rule.functions
        )
        for function in invoked:
            self._lambda.invoke(
                FunctionName=function, InvocationType="Event", Payload=text.encode()
            )
        return invoked

    def _matches(self, rule: Rule, event: str) -> bool:
        answer = self._events.test_event_pattern(EventPattern=rule.pattern, Event=event)
        return bool(answer["Result"])

    def _read_rules(self) -> tuple[Rule, ...]:
        return tuple(
            Rule(name=r["Name"], pattern=r["EventPattern"], functions=self._functions(r["Name"]))
            for r in self._events.list_rules()["Rules"]
            if r.get("EventPattern") and r.get("State") == "ENABLED"
        )

    def _functions(self, rule: str) -> tuple[str, ...]:
        targets = self._events.list_targets_by_rule(Rule=rule)["Targets"]
        return tuple(t["Arn"] for t in targets if ":lambda:" in t["Arn"])


class Loop:
    """Does something every so often on a thread of its own until told to stop.

    A failed AWS call is logged and the next turn comes: the emulator may be ending. Anything else
    ends the loop, and `on_failure` hears of it.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        turn: Callable[[], None],
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._seconds = seconds
        self._turn = turn
        self._on_failure = on_failure
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def let_go(self) -> None:
        """No further turn; the one that is under way goes on."""
        self._end.set()

    def stop(self) -> None:
        self.let_go()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        try:
            while not self._end.wait(self._seconds):
                try:
                    self._turn()
                except (BotoCoreError, ClientError) as error:
                    if not self._end.is_set():
                        LOG.warning("%s: %s", self._thread.name, error)
        except BaseException:
            LOG.exception("%s ended", self._thread.name)
            self._on_failure()
            raise


def pump(bus: Bus, tick: Callable[[], Iterable[Event]]) -> Callable[[], None]:
    """One turn: what has come about in the world since the last one, delivered.

    An event whose delivery fails is dropped, with a line in the log: EventBridge promises at least
    once, but the app must (and does, by its clock) survive never.
    """

    def turn() -> None:
        for event in tick():
            try:
                reached = bus.deliver(event)
            except (BotoCoreError, ClientError) as error:
                LOG.warning("lost %s: %s", event.get("detail-type"), error)
                continue
            LOG.info("%s %s → %s", event["detail-type"], event.get("detail"), reached or "nobody")

    return turn


def ring(stack: MiniStack, function: str) -> Callable[[], None]:
    """One turn: the schedule's event to the function, and wait for it, so that none pile up."""
    client = stack.client("lambda")

    def turn() -> None:
        payload = json.dumps(_scheduled_event()).encode()
        answer = client.invoke(FunctionName=function, Payload=payload)
        if "FunctionError" in answer:
            LOG.warning("%s failed: %s", function, answer["Payload"].read().decode())

    return turn


def _scheduled_event() -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/sandbox-clock"],
        "detail": {},
    }
