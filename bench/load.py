"""What happens when much comes at once, as tables: in simulated time, and on the emulators.

    python -m bench.load               the scenes of sim/load.py, large
    python -m bench.load --fleet       the sweep of ten thousand machines: time and memory
    python -m bench.load --emulated    a burst, one who floods, a long queue with a poison, and
                                       many deadlines, over HTTP to the real template

Simulated: the flows, the queue's handler and the adapters are the real ones; queue, table, Slack
and EC2 are in memory, and EC2 takes no more calls than AWS publishes. Emulated: the deployed
package in MiniStack, which calls some twenty functions a second: its counts say something of AWS,
its times do not.
"""

import argparse
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from adapters.together import SideBySide
from core.flows.sweep import sweep
from handlers.slack import logger
from sandbox.child import QUICK, end, start_run
from sandbox.drive import Drive, wait_for, words
from sim import load
from sim.fleet import Fleet

Row = tuple[str, object, object]  # what, as it is, as it must be
# A machine reports its use every five minutes, as on AWS; on the page it is each minute.
WORLD = {**QUICK, "beat": 300}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN ada@home"
ANY = object()
POISON = "nobody/knows-this"
LOOK = 15.0  # seconds between two looks at all machines: one of a thousand takes some itself
SLOWER = 1.3  # a launch among a thousand machines than one among twenty


def main() -> int:
    """Print the tables; 1 when a number is not what it must be."""
    asked = argparse.ArgumentParser(prog="bench.load")
    asked.add_argument("--fleet", action="store_true")
    asked.add_argument("--emulated", action="store_true")
    asked.add_argument("--machines", type=int, default=100, help="with one deadline, emulated")
    asked.add_argument("--backlog", type=int, default=1000, help="messages that wait, emulated")
    given = asked.parse_args()
    os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "gpu"
    logger.setLevel("CRITICAL")
    if given.emulated:
        return _shown(("on the emulators", lambda: _emulated(given.machines, given.backlog)))
    if given.fleet:
        return _shown(("ten thousand machines in twelve regions, swept", _fleet))
    return _shown(
        ("200 commands in one second; a fifth early, a tenth twice", _burst),
        ("1,000 machines with one deadline, in one region", _deadlines),
        ("a queue of 10,000 with a poisoned message", _long_queue),
        ("1,000 commands, half of them one person's", _flood),
    )


def _shown(*scenes: tuple[str, Callable[[], Iterator[Row]]]) -> int:
    wrong = 0
    for title, scene in scenes:
        began = time.process_time()
        print(f"\n{title}")
        for what, found, wanted in scene():
            ok = wanted is ANY or found == wanted
            wrong += not ok
            print(f"  {what:58} {found!s:>16}{'' if ok else f'   must be {wanted}'}", flush=True)
        print(f"  {'(processor seconds of this process)':58} {time.process_time() - began:16.1f}")
    return 1 if wrong else 0


def _burst() -> Iterator[Row]:
    said = load.burst(40, 5, swapped=0.2, doubled=0.1)
    yield "commands", said.commands, 200
    yield "deliveries", said.deliveries, ANY
    yield "never answered", said.unanswered, 0
    yield "machines whose deadline is not what was typed", len(said.wrong), 0
    yield "dead letters", said.dead, 0
    yield "seconds until all were answered (8 at once, 1 s each)", _seconds(said.lasted), ANY


def _deadlines() -> Iterator[Row]:
    said = load.deadlines(40, 25, regions=1)
    yield "machines", said.machines, 1000
    for minute, up in said.up_at.items():
        yield f"still up {minute} min after the deadline", up, ANY if minute < 3 else 0
    yield "stopped", said.stopped, 1000
    yield "told", said.told, 1000
    yield "warned once", said.warned[1], 1000
    yield "calls of StopInstances", said.stop_calls, ANY
    yield "calls that EC2's rates refused", said.refused, ANY
    yield "failures", said.failures, 0


def _long_queue() -> Iterator[Row]:
    began = time.process_time()
    said = load.long_queue(10_000, swapped=0.1, doubled=0.05)
    spent = time.process_time() - began
    yield "messages", said.messages, ANY
    yield "done", said.done, said.messages - len(said.dead)
    yield "dead letters that are not the poison", len(set(said.dead) - {"nobody/knows-this"}), 0
    yield "commands never answered", said.unanswered, 0
    yield "machines whose deadline is not what was typed", len(said.wrong), 0
    yield "launches of 16 minutes ago that were started", said.started_late, 0
    yield "launches of 16 minutes ago that were refused and said so", said.refused_late, ANY
    yield "failures", len(said.failures), 0
    yield "minutes until the others were done (8 at once, 1 s each)", _minutes(said.lasted), ANY
    yield "minutes until the poison was put aside", _minutes(said.poison_lasted), ANY
    yield "messages per processor second", round(said.deliveries / spent), ANY


def _flood() -> Iterator[Row]:
    for fair in (False, True):
        said = load.flood(1000, 20, fair=fair)
        kind = "fair queue" if fair else "plain queue"
        yield f"{kind}: longest wait of the others, s", said.others, ANY
        yield f"{kind}: longest wait of the one who floods, s", said.hot, ANY
        yield f"{kind}: never answered", said.unanswered, 0


def _fleet() -> Iterator[Row]:
    fleet = Fleet(10_000, 12, together=SideBySide(60, 40))
    before, began = _peak_mb(), time.process_time()
    report = sweep(fleet.watch)
    yield "machines looked at", report.looked_at, 10_000
    yield "calls of EC2", sum(fleet.calls.values()), 13
    yield "reads of the table", sum(fleet.ledger.reads.values()), 102
    yield "stopped, woken, failed", len(report.done) + len(report.roused + report.failed), 0
    yield "processor seconds without reading the wire", round(time.process_time() - began, 1), ANY
    yield "more memory at the peak, MB", _peak_mb() - before, ANY


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _seconds(length: timedelta) -> float:
    return length.total_seconds()


def _minutes(length: timedelta) -> float:
    return round(length.total_seconds() / 60, 1)


# ---- on the emulators -----------------------------------------------------------------------


def _emulated(machines: int, backlog: int) -> Iterator[Row]:
    process, page = start_run(clock="60", world=WORLD)
    try:
        here = Drive(page)
        here.set_quota("L-DB2E81BA", 10_000)
        here.allow_everything("ada", KEY)
        yield from _burst_at_the_door(here)
        yield from _hot_user_there(here)
        if backlog:
            yield from _long_queue_there(here, backlog)
        if machines:
            yield from _deadlines_there(here, machines)
        if backlog:
            yield from _poison_there(here)
    finally:
        end(process, seconds=300)


def _burst_at_the_door(here: Drive) -> Iterator[Row]:
    here.slash("ada", "launch g5.xlarge on-demand for 2h name bert")
    here.wait_message("ada", "bert", "ready", seconds=90)
    (before,) = _ends(here)
    texts = ["extend bert 10m", "list"] * 100
    began = time.monotonic()
    # More at a time would only be so many doors that start at once on this machine's processors.
    with ThreadPoolExecutor(max_workers=8) as hands:
        acks = list(hands.map(lambda text: here.slash("ada", text), texts))
    sent = time.monotonic() - began
    wait_for(lambda: here.queued() == 0, "an empty queue", 300)
    done = time.monotonic() - began
    (after,) = _ends(here)
    said = here.private("ada")
    yield "burst: commands at the door, over HTTP", len(acks), 200
    yield "burst: acknowledged with 200", sum(a["status"] == 200 for a in acks), 200
    yield "burst: slowest acknowledgement, ms", round(max(a["ms"] for a in acks)), ANY
    yield "burst: seconds for all to be taken", round(sent, 1), ANY
    # Those that met another one at the same lease were told so, and moved nothing.
    extended = sum("It will have cost" in one for one in said)
    yield "burst: of 100 extensions by 10 minutes, carried out", extended, ANY
    yield "burst: minutes that they moved the deadline", (after - before) // 60, 10 * extended
    yield "burst: seconds until all were carried out", round(done, 1), ANY


def _hot_user_there(here: Drive) -> Iterator[Row]:
    """One person's 200 commands, and behind them five of each of two others."""
    sent = {"ada": 200, "lin": 5, "sam": 5}
    before = {user: len(here.private(user)) for user in sent}
    waited: dict[str, float] = {}
    began = time.monotonic()

    def answered(user: str) -> int:
        """Of each command there are the first words at once, and the answer."""
        return len(here.private(user)) - before[user] - sent[user]

    def all_answered() -> bool:
        for user in sent.keys() - waited.keys():
            if answered(user) >= sent[user]:
                waited[user] = _since(began)
        return waited.keys() == sent.keys()

    users = [user for user, commands in sent.items() for _ in range(commands)]
    with ThreadPoolExecutor(max_workers=8) as hands:
        list(hands.map(lambda user: here.slash(user, "list"), users))
    wait_for(all_answered, "an answer to each", 300)
    yield "hot user: commands answered, hers", answered("ada"), sent["ada"]
    yield "hot user: commands answered, of two others", answered("lin") + answered("sam"), 10
    yield "hot user: seconds until hers were answered", waited["ada"], ANY
    yield "hot user: seconds until the others' were", max(waited["lin"], waited["sam"]), ANY


def _long_queue_there(here: Drive, messages: int) -> Iterator[Row]:
    """The poison goes first, wakes for one machine stand in the queue, commands behind them."""
    (before,), answered = _ends(here), len(here.private("ada"))
    (machine,) = (_tag(one, "gpu:machine") for one in here.instances())
    _wake(here, [POISON])
    for some in range(0, messages * 9 // 10, 10):
        _wake(here, [f"due/machine/{machine}"] * 10 if some else [f"due/machine/{machine}"] * 9)
    began = time.monotonic()
    texts = ["extend bert 10m", *["list"] * 9] * (messages // 100)
    with ThreadPoolExecutor(max_workers=8) as hands:
        acks = list(hands.map(lambda text: here.slash("ada", text), texts))
    yield "long queue: messages put there", messages * 9 // 10 + len(acks), messages
    yield "long queue: waiting when the last was taken", here.queued(), ANY
    wait_for(lambda: here.queued() <= 1, "nothing but the poison", 3600)
    yield "long queue: seconds until all but the poison were done", _since(began), ANY
    said = here.private("ada")[answered:]
    extended = sum("It will have cost" in one for one in said)
    (after,) = _ends(here)
    # Of each command there are the first words at once, and the answer.
    yield "long queue: commands answered", len(said) - len(acks), len(texts)
    yield "long queue: extensions by 10 minutes, carried out", extended, ANY
    yield "long queue: minutes that they moved the deadline", (after - before) // 60, 10 * extended


def _poison_there(here: Drive) -> Iterator[Row]:
    """It fails ten times, 75 seconds apart, and then lies where an alarm looks."""
    dead = here.resource("DeadLetters")
    wait_for(lambda: here.held(dead) > 0, "the poison among the dead letters", 1500)
    yield "poison: messages among the dead letters", here.held(dead), 1
    (letter,) = here.aws("sqs").receive_message(QueueUrl=dead)["Messages"]
    yield "poison: it is that one", json.loads(letter["Body"])["key"], POISON


def _wake(here: Drive, keys: list[str]) -> None:
    """What the clock puts on the queue."""
    entries = [
        {"Id": str(n), "MessageBody": json.dumps({"v": 1, "kind": "wake", "key": key})}
        for n, key in enumerate(keys)
    ]
    sent = here.aws("sqs").send_message_batch(QueueUrl=here.info["queue"], Entries=entries)
    if sent.get("Failed"):
        raise RuntimeError(f"the queue did not take {len(sent['Failed'])}")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _deadlines_there(here: Drive, machines: int) -> Iterator[Row]:
    """The deadline is so far ahead that all are launched before the warnings of it come, a quarter
    of an hour ahead."""
    each = _seconds_of_a_launch(here)
    yield "deadlines: seconds that one launch takes, of twenty at once", round(each, 2), ANY
    at = datetime.now(UTC) + timedelta(minutes=18, seconds=each * machines * SLOWER)
    at = at.replace(second=0, microsecond=0)
    began = time.monotonic()
    due = int(at.timestamp())
    # Those that wait longer than a quarter of an hour would be refused.
    for first in range(0, machines, 100):
        some = range(first, min(first + 100, machines))
        _launch_all(here, [f"until {at:%H:%M} name m{n}" for n in some])
        wait_for(partial(_run, here, due, some.stop - 20), "most of them", 600, every=LOOK)
    wait_for(partial(_run, here, due, machines), "all of them", 900, every=LOOK)
    yield "deadlines: seconds until all of them ran", _since(began), ANY
    wait_for(lambda: time.time() >= due - 20, "nearly the deadline", 7200)
    ours = [end for end in _ends(here) if end == due]
    yield "deadlines: machines that run and have this one", len(ours), machines
    wait_for(lambda: due not in _ends(here), "all of them stopped", 400, every=LOOK)
    yield "deadlines: the last was stopped, s after its deadline", round(time.time() - due), ANY
    yield "deadlines: that is within three minutes", time.time() - due <= 180, True
    bought = [_tag(one, "gpu:machine") for one in here.ever() if _end_of(one) == due]
    yield "deadlines: instances ever bought with this one", len(bought), machines
    yield "deadlines: machines that were bought twice", len(bought) - len(set(bought)), 0
    # Slack takes a message a second into a channel.
    wait_for(lambda: len(_told_stopped(here)) >= machines, "word of each", 900 + machines, every=10)
    yield "deadlines: machines said to have stopped", len(_told_stopped(here)), machines
    yield "deadlines: seconds until that was said of all", round(time.time() - due), ANY


def _told_stopped(here: Drive) -> set[str]:
    said = [text for one in here.messages("ada") if "stopped" in (text := words(one)).lower()]
    return {name for text in said for name in re.findall(r"\bm[0-9]+\b", text)}


def _run(here: Drive, due: int, machines: int) -> bool:
    """Whether so many have that deadline; or it has nearly come, and the others never will."""
    return _ends(here).count(due) >= machines or time.time() >= due - 20


def _seconds_of_a_launch(here: Drive) -> float:
    before, began = len(_ends(here)), time.monotonic()
    _launch_all(here, [f"for 6h name w{n}" for n in range(20)])
    wait_for(lambda: len(_ends(here)) == before + 20, "twenty machines", 300)
    return (time.monotonic() - began) / 20


def _launch_all(here: Drive, each: list[str]) -> None:
    with ThreadPoolExecutor(max_workers=4) as hands:
        list(hands.map(lambda how: here.slash("ada", f"launch g5.xlarge on-demand {how}"), each))


def _ends(here: Drive) -> list[int]:
    """The deadline of each instance that is up, by its tag."""
    up = [one for one in here.instances() if one["State"]["Name"] in ("pending", "running")]
    return [_end_of(one) for one in up]


def _end_of(instance: dict[str, Any]) -> int:
    return int(_tag(instance, "gpu:deadline"))


def _tag(instance: dict[str, Any], key: str) -> str:
    return next(str(tag["Value"]) for tag in instance["Tags"] if tag["Key"] == key)


if __name__ == "__main__":
    sys.exit(main())
