"""Machines that nobody uses: asked about, kept, used again, stopped; and never on a mere guess."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import lifecycle
from core.blocks import Message, when
from core.model import Cause, Machine, State, Usage
from sim.fuse import fused, guarded
from sim.town import ADA, DOOR, LIN, SAM, Town, buttons, town, value_of

MINUTE = timedelta(minutes=1)
ON_DEMAND = "launch p3.2xlarge on-demand for 8h idle 30m name bert"
SPOT = "launch p3.2xlarge spot for 8h idle 30m name bert"


def _used(text: str = ON_DEMAND, **policy: Any) -> Town:
    """A machine on which somebody is logged in."""
    here = town(**policy)
    here.beating = True
    here.with_quota()
    here.ready_to_launch()
    here.type(text)
    here.pass_time(12 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _load(here: Town, number: int = 0, **load: Any) -> None:
    here.control(do="load", instance=here.world.state()["instances"][number]["id"], **load)


def _asked(text: str = ON_DEMAND, **policy: Any) -> Town:
    """The same half an hour after everybody has left it."""
    here = _used(text, **policy)
    for number in range(len(here.world.state()["instances"])):
        _load(here, number, ssh=0)
    for _ in range(50):
        if here.machine().doom:
            return here
        here.pass_time(MINUTE)
    raise AssertionError("nobody was asked")


def _questions(here: Town) -> list[Message]:
    return [n for n in here.news() if "idle-keep" in {b["action_id"] for b in buttons(n)}]


def _doomed_at(m: Machine) -> datetime:
    assert m.doom is not None
    return m.doom.at


def test_the_owner_is_asked_in_the_channel_and_directly_and_five_minutes_later_it_stops() -> None:
    here = _asked()
    (question,) = _questions(here)
    assert "Nobody has used *bert*" in question.text
    assert "Its 50 GB disk is kept" in question.text
    assert "/h while it runs" in question.text
    assert [b["action_id"] for b in buttons(question)] == ["idle-keep", "stop"]
    assert any("idle-keep" in str(p.message.blocks) for p in here.chat.directs(ADA))
    asked = here.now
    here.pass_time(_doomed_at(here.machine()) - here.now - timedelta(seconds=1))
    assert here.machine().state is State.RUNNING
    here.pass_time(2 * MINUTE)
    m = here.machine()
    assert (m.state, m.cause) == (State.STOPPED, Cause.IDLE)
    assert here.now - asked < 8 * MINUTE
    assert "because nobody was using it" in here.news()[-1].text
    assert len(_questions(here)) == 1


def test_a_machine_that_is_used_is_never_asked_about() -> None:
    here = _used()
    here.pass_time(timedelta(hours=3))
    assert not _questions(here)
    assert here.machine().state is State.RUNNING


@pytest.mark.parametrize(
    "load",
    [
        {"gpu": 5},
        {"cpu": 10},
        {"ssh": 1},
        {"gpu": None},
        {"cpu": None},
        {"ssh": None},
        {"silent": True},
    ],
)
def test_any_use_and_anything_unknown_keeps_it_running(load: dict[str, Any]) -> None:
    here = _used()
    _load(here, gpu=0, cpu=0, ssh=0)
    _load(here, **load)
    here.pass_time(timedelta(hours=2))
    assert not _questions(here)
    assert here.machine().state is State.RUNNING


def test_a_new_machine_that_nobody_has_used_yet_is_left_alone() -> None:
    here = town()
    here.beating = True
    here.with_quota()
    here.ready_to_launch()
    here.type(ON_DEMAND)
    here.pass_time(timedelta(seconds=30))
    _load(here, ssh=0)
    here.pass_time(timedelta(hours=2))
    assert not _questions(here)


def test_a_spot_machine_says_plainly_that_it_ends_and_loses_its_disk() -> None:
    here = _asked(SPOT)
    (question,) = _questions(here)
    assert "It is a spot machine: its 50 GB disk is deleted" in question.text
    assert "ends" in question.text
    here.pass_time(8 * MINUTE)
    assert here.machine().state is State.ENDED
    assert here.machine().cause is Cause.IDLE


def test_a_spot_machine_with_keep_keeps_its_disk() -> None:
    here = _asked(SPOT.replace("spot", "spot keep"))
    assert "is deleted" not in _questions(here)[0].text
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert here.machine().kept is not None


def test_keep_takes_it_back_and_the_window_begins_anew() -> None:
    here = _asked()
    (question,) = _questions(here)
    said = here.press(question, "idle-keep")
    assert "runs on" in said[0].text
    assert here.machine().doom is None
    here.pass_time(29 * MINUTE)
    assert len(_questions(here)) == 1
    here.pass_time(10 * MINUTE)
    assert len(_questions(here)) == 2
    assert here.machine().state is State.RUNNING


def test_the_first_click_wins_and_later_ones_are_told_who_was_first() -> None:
    here = _asked()
    (question,) = _questions(here)
    here.press(question, "idle-keep", user=SAM)
    kept = here.machine()
    said = here.press(question, "idle-keep")
    assert SAM in said[0].text
    assert here.machine().history == kept.history


def test_keep_after_stop_now_keeps_nothing_and_stop_now_after_keep_still_stops() -> None:
    here = _asked()
    (question,) = _questions(here)
    here.press(question, "stop")
    said = here.press(question, "idle-keep", user=SAM)
    assert ADA in said[0].text
    here.until_quiet()
    assert here.machine().state is State.STOPPED
    assert here.machine().cause is Cause.PERSON


def test_whoever_it_is_shared_with_may_keep_it_and_others_may_not() -> None:
    here = _asked()
    (question,) = _questions(here)
    assert "only they or an admin" in here.press(question, "idle-keep", user=LIN)[0].text
    assert here.machine().doom is not None
    m = here.machine()
    here.ledger.save(replace(m, shared=(LIN,)), m)
    here.press(question, "idle-keep", user=LIN)
    assert here.machine().doom is None


def test_used_again_it_runs_on_and_that_is_said_once() -> None:
    here = _asked()
    _load(here, ssh=1)
    here.pass_time(20 * MINUTE)
    assert here.machine().doom is None
    assert here.machine().state is State.RUNNING
    assert [n.text.count("in use again") for n in here.news()].count(1) == 1


def test_used_in_the_last_minute_before_the_stop_it_runs_on() -> None:
    here = _asked()
    here.pass_time(_doomed_at(here.machine()) - here.now - timedelta(seconds=70))
    _load(here, gpu=93)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.machine().doom is None


@pytest.mark.parametrize("load", [{"silent": True}, {"gpu": None}])
def test_unknown_at_the_time_of_the_stop_it_runs_on_and_that_is_said(load: dict[str, Any]) -> None:
    here = _asked()
    _load(here, **load)
    here.pass_time(20 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.machine().doom is None
    assert sum("counts as in use" in n.text for n in here.news()) == 1
    assert not here.failures


def test_whoever_extends_it_wants_it_to_run_so_it_is_not_stopped_for_what_was_before() -> None:
    here = _asked()
    assert "runs until" in here.type("extend 1h")[0].text
    here.pass_time(8 * MINUTE)
    assert (here.machine().state, here.machine().doom) == (State.RUNNING, None)
    here.pass_time(45 * MINUTE)
    assert len(_questions(here)) == 2, "asked again when it was unused for as long again"
    assert here.machine().cause is Cause.IDLE


def test_until_it_stops_for_being_unused_every_answer_says_when_and_why() -> None:
    here = _asked()
    stops = when(_doomed_at(here.machine()))
    for words in ("list", "show bert"):
        (said,) = here.type(words)
        assert stops in said.text and "for being unused" in said.text, words
    assert f"Stops by itself: {stops} for being unused" in here.card().text
    (question,) = _questions(here)
    here.press(question, "idle-keep")
    assert "for being unused" not in here.card().text


def test_the_deadline_of_the_lease_wins_when_it_is_sooner() -> None:
    here = _asked()
    m = here.machine()
    assert m.lease is not None
    here.ledger.save(replace(m, lease=replace(m.lease, deadline=here.now + 2 * MINUTE)), m)
    here.wakes.wake(f"machine/{m.id}")
    here.pass_time(4 * MINUTE)
    assert here.machine().cause is Cause.DEADLINE


def test_nobody_is_asked_shortly_before_the_deadline() -> None:
    here = _used(ON_DEMAND.replace("for 8h", "for 48m"))
    _load(here, ssh=0)
    here.pass_time(timedelta(hours=1))
    assert not _questions(here)
    assert here.machine().cause is Cause.DEADLINE


# ---- the wish, the default, the command -----------------------------------------------------


def test_the_default_of_the_team_counts_where_nobody_said_otherwise() -> None:
    plain = ON_DEMAND.replace(" idle 30m", "")
    here = _asked(plain, idle=30 * MINUTE)
    assert len(_questions(here)) == 1
    never = _used(ON_DEMAND.replace("30m", "off"), idle=30 * MINUTE)
    _load(never, ssh=0)
    never.pass_time(timedelta(hours=2))
    assert not _questions(never)


def test_the_command_sets_it_from_now_on_and_says_what_happens_when() -> None:
    here = _used(ON_DEMAND.replace(" idle 30m", ""))
    _load(here, ssh=0)
    here.pass_time(timedelta(hours=1))
    assert not _questions(here)
    said = here.type("idle bert 30m")[0].text
    assert "stops when nobody uses it for 30 min" in said
    assert "not reported" not in said
    here.pass_time(29 * MINUTE)
    assert not _questions(here)
    here.pass_time(8 * MINUTE)
    assert len(_questions(here)) == 1


def test_off_takes_back_what_was_asked() -> None:
    here = _asked()
    assert "not stopped for being unused" in here.type("idle off")[0].text
    here.pass_time(timedelta(hours=1))
    assert here.machine().state is State.RUNNING


def test_a_machine_that_has_told_nothing_yet_says_so() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand for 8h name bert")
    here.until_quiet(2 * MINUTE)
    assert "has not reported its use yet" in here.type("idle bert 30m")[0].text


def test_others_may_not_change_it_and_a_second_delivery_changes_nothing() -> None:
    here = _used()
    assert "only they or an admin" in here.type("idle bert off", user=LIN)[0].text
    request = here.request("idle bert 1h")
    here.deliver(request)
    before = here.machine().history
    here.deliver(request)
    assert here.machine().wish.idle == timedelta(hours=1)
    assert here.machine().history == before


# ---- groups ---------------------------------------------------------------------------------


def test_a_group_is_asked_about_when_every_one_of_it_is_unused() -> None:
    here = _used(ON_DEMAND.replace("p3.2xlarge", "p3.2xlarge x3"))
    _load(here, 0, ssh=0)
    _load(here, 1, ssh=0)
    here.pass_time(timedelta(hours=1))
    assert not _questions(here)
    _load(here, 2, ssh=0)
    here.pass_time(40 * MINUTE)
    assert len(_questions(here)) == 1
    here.pass_time(12 * MINUTE)
    assert here.machine().cause is Cause.IDLE
    assert {i["state"] for i in here.world.state()["instances"]} == {"stopped"}


def test_one_silent_member_keeps_the_group_running() -> None:
    here = _used(ON_DEMAND.replace("p3.2xlarge", "p3.2xlarge x2"))
    _load(here, 0, ssh=0)
    _load(here, 1, silent=True)
    here.pass_time(timedelta(hours=2))
    assert not _questions(here)


# ---- what may go wrong ----------------------------------------------------------------------


def test_a_report_that_is_delivered_twice_or_late_asks_once() -> None:
    here = _used()
    _load(here, ssh=0)
    every: list[tuple[datetime, str, bytes]] = []
    for _ in range(40):
        here.pass_time(MINUTE)
        every += [(here.now, url, body) for url, body in here.world.reports()]
        for report in every:
            here.report(*report)
    assert len(_questions(here)) <= 1
    assert here.machine().doom is not None or here.machine().state is State.STOPPED


def test_reports_that_waited_an_hour_in_the_queue_stop_nothing() -> None:
    here = _used()
    _load(here, ssh=0)
    here.beating = False
    held: list[tuple[datetime, str, bytes]] = []
    for _ in range(60):
        here.pass_time(MINUTE)
        held += [(here.now, url, body) for url, body in here.world.reports()]
    here.pass_time(timedelta(hours=1))
    for report in held:
        here.report(*report)
    assert not _questions(here)


def test_an_old_report_that_somebody_sends_again_stops_nothing() -> None:
    here = _used()
    _load(here, ssh=0)
    here.pass_time(6 * MINUTE)
    here.beating = False
    here.pass_time(5 * MINUTE)
    reports = here.world.reports()
    _load(here, ssh=1)
    before = here.ledger.rows(Usage)
    for _ in range(60):
        here.pass_time(MINUTE)
        for url, body in reports:
            here.report(here.now, url, body)
    assert not _questions(here)
    assert here.ledger.rows(Usage)[0].quiet_since is not None
    assert len(before) == 1


def test_a_forged_token_or_another_machines_instance_is_nothing() -> None:
    here = _used()
    here.pass_time(5 * MINUTE)
    before = here.ledger.rows(Usage)
    body = {"boot": "0" * 36, "up": 9, "samples": [[0, 0, 0, 0]]}
    other = json.dumps({"instance": "i-00000000000000000", **body}).encode()
    own = json.dumps({"instance": before[0].instance, **body}).encode()
    url = _url(here)
    here.report(here.now, url, other)
    here.report(here.now, url[:-1] + ("A" if url[-1] != "A" else "B"), own)
    here.report(here.now, url.replace("/beat/m-", "/beat/m-a"), own)
    assert here.ledger.rows(Usage) == before


def _url(here: Town) -> str:
    found = here.house.links.beats_to(here.machine().id)
    assert found is not None
    assert found.startswith(f"{DOOR}/beat/")
    return found


def test_no_message_and_no_history_holds_the_token() -> None:
    here = _asked()
    here.type("show bert")
    token = _url(here).rpartition(".")[2]
    said = [str(p.message.blocks) for p in here.chat.channel("C0GPULAB")]
    said += [str(a.message.blocks) for a in here.chat.answers]
    assert not [text for text in said if token in text]
    assert token not in str(here.machine().history)


def test_while_slack_is_away_nothing_stops_and_the_time_to_answer_begins_when_it_is_back() -> None:
    here = _used()
    _load(here, ssh=0)
    here.pass_time(26 * MINUTE)
    here.chat.down = True
    here.pass_time(30 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.machine().doom is not None
    here.chat.down = False
    back = here.now
    here.pass_time(4 * MINUTE)
    assert len(_questions(here)) == 1
    assert here.machine().state is State.RUNNING
    assert _doomed_at(here.machine()) >= back + lifecycle.TO_ANSWER
    here.pass_time(15 * MINUTE)
    assert here.machine().state is State.STOPPED


def test_ec2_being_unreadable_at_the_time_stops_it_a_little_later() -> None:
    here = _asked()
    here.control(do="fault", operation="DescribeInstances", code="InternalError", times=3)
    here.pass_time(15 * MINUTE)
    assert here.machine().state is State.STOPPED


def _story(here: Town) -> None:
    here.pass_time(12 * MINUTE)


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_around_the_question_and_the_stop_it_asks_and_stops(
    after: bool,
) -> None:
    def ready() -> Town:
        here = _used()
        _load(here, ssh=0)
        here.pass_time(28 * MINUTE)
        assert here.machine().doom is None
        return here

    counting = ready()
    counted = fused(counting)
    for _ in range(3):
        _story(counting)
    assert counting.machine().cause is Cause.IDLE
    for at in range(1, counted.counted + 1, 3):
        here = ready()
        fuse = fused(here, at, after=after)
        for _ in range(3):
            guarded(lambda here=here: _story(here))  # type: ignore[misc]
        here.pass_time(5 * MINUTE)
        assert fuse.burnt, at
        m = here.machine()
        assert (m.state, m.cause) == (State.STOPPED, Cause.IDLE), at
        assert 1 <= len(_questions(here)) <= 2, at
        assert not m.owed, at


def test_the_rows_of_instances_that_are_gone_are_dropped() -> None:
    here = _used()
    assert len(here.ledger.rows(Usage)) == 1
    here.type("end bert")
    here.until_quiet()
    here.pass_time(timedelta(hours=26))
    assert not here.ledger.rows(Usage)
    assert not here.failures


def test_a_stopped_machine_that_starts_again_is_watched_again() -> None:
    here = _asked()
    here.pass_time(8 * MINUTE)
    assert here.machine().state is State.STOPPED
    here.type("start bert")
    here.pass_time(25 * MINUTE)
    assert len(_questions(here)) == 1
    here.pass_time(20 * MINUTE)
    assert len(_questions(here)) == 2


def test_the_question_carries_ids_only() -> None:
    here = _asked()
    (question,) = _questions(here)
    assert value_of(question, "idle-keep") == here.machine().id
