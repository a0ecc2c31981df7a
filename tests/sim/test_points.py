"""Every story struck at some of its points by every blow; `make points` strikes all of them.

The runs are children of a process of their own, for this one has threads.
"""

import os
import re
import subprocess
import sys
from dataclasses import fields
from functools import cache

import pytest

from core.flows.house import House
from core.flows.watch import Watch
from sim.blows import Blow, fitting, once
from sim.fuse import AWS_PORTS, EVERY_PORT
from sim.points import SETTLES, judged, kind, tell, unstruck
from sim.stories import STORIES
from sim.stories.telling import Story, account, say
from sim.struck import Struck
from sim.town import REGIONS

SAMPLE = 12  # of each story; about 20 s on one core
NO_PORTS = {"policy", "clock", "count", "together", "deployed", "wrong"}
# From these nothing leaves the function: they are values, or what others call.
NO_CALLS = {"request"}


@cache
def told() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sim.all_points", "--sample", str(SAMPLE), "--processes", "1"]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_port_of_the_flows_and_of_the_clock_is_struck() -> None:
    assert {f.name for f in fields(House)} - NO_PORTS == set(EVERY_PORT)
    assert {f.name for f in fields(Watch)} - NO_PORTS <= set(EVERY_PORT)
    calls = unstruck("launch").calls
    assert {port for port, _ in calls} >= {"ec2", "service-quotas", "pricing", "ledger"}
    assert not {port for port, _ in calls} & set(AWS_PORTS)  # those are struck on the wire


def test_every_story_holds_whatever_strikes_it() -> None:
    assert told().returncode == 0, told().stdout[-4000:] + told().stderr[-2000:]
    total = re.search(r"(\d+) stories, .* (\d+) tried, (\d+) held, 0 did not", told().stdout)
    assert total
    assert int(total[1]) == len(STORIES)
    assert int(total[2]) == int(total[3]) >= SAMPLE * len(STORIES)


def test_every_blow_was_struck() -> None:
    (line,) = [one for one in told().stdout.splitlines() if one.startswith("by blow: ")]
    assert {blow for blow in Blow if f"{blow} " in line} == set(Blow)


def test_calls_are_struck_in_every_flow() -> None:
    (line,) = [one for one in told().stdout.splitlines() if one.startswith("flows on whose way")]
    missed = {name.removeprefix("core.flows.") for name in line.partition(": ")[2].split()}
    assert missed == NO_CALLS


@pytest.mark.parametrize("name", ["recovered", "let-in"])
def test_with_the_wire_a_story_is_the_same_call_for_call(name: str) -> None:
    story = next(one for one in STORIES if one.name == name)
    here = story.prepare()
    assert here.wire
    here.striker.awake = True
    for act in story.acts(here):
        act()
    here.pass_time(SETTLES)
    assert tuple(here.striker.calls) == unstruck(name).calls


# ---- the judge sees what is wrong ------------------------------------------------------------


def _left_behind(here: Struck) -> None:
    volume = {"AvailabilityZone": "us-east-1a", "Size": 8}
    here.world.call("ec2", REGIONS[0], "CreateVolume", volume)


def _silent(here: Struck) -> None:
    here.chat.answers.clear()
    here.chat._posted.clear()


def _story() -> Story:
    return next(one for one in STORIES if one.name == "launch")


@pytest.mark.parametrize(
    ("does", "sees"),
    [(_left_behind, "1 volumes left"), (_silent, "never said"), (_silent, "never answered")],
)
def test_what_is_wrong_at_the_end_is_told(does: object, sees: str) -> None:
    here = tell(_story())
    assert callable(does)
    does(here)
    assert any(sees in wrong for wrong in judged(_story(), here).wrong)


def test_a_press_in_the_home_tab_that_nobody_answers_is_told() -> None:
    story = next(one for one in STORIES if one.name == "at-home")
    here = tell(story)
    assert not judged(story, here).wrong
    for answers in here.in_person.values():
        answers.clear()
    assert {f"never answered: {one}" for one in ("extend", "stop", "start")} <= {
        *judged(story, here).wrong
    }


def test_a_machine_that_is_bought_twice_is_seen_while_it_lasts() -> None:
    here = account()
    say(here, "launch g5.xlarge on-demand in us-east-1 for 2h name bert")()
    here.most = 0
    here.pass_time(4 * (here.strikes_every))
    assert here.wrong


def test_a_lost_race_is_a_real_one() -> None:
    here = tell(_story(), once(unstruck("launch").calls.index(("ledger", "save")) + 1, Blow.RACED))
    assert [blow for _, _, blow in here.striker.struck] == [Blow.RACED]
    assert not judged(_story(), here).wrong


def test_what_may_happen_depends_on_the_call() -> None:
    assert Blow.RACED in fitting("ledger", "save")
    assert Blow.RACED not in fitting("ledger", "machine")
    assert Blow.NOT_IN_CHANNEL in fitting("chat", "post")
    assert Blow.BROKEN_AFTER in fitting("ec2", "RunInstances")
    assert Blow.DENIED not in fitting("ledger", "save")


def test_a_kind_of_message_has_no_names_figures_or_times() -> None:
    here = tell(_story())
    news = {kind(message) for message in here.news()}
    assert news == {words for _, words in unstruck("launch").news}
