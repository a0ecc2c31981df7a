"""Buttons of questions that lie about: they do what was asked about, and nothing else."""

from datetime import timedelta

import pytest

from core import messages
from core.model import Cause, State
from sim.town import ADA, Town, buttons

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def _running(*names: str) -> Town:
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    for name in names:
        here.type(f"launch g5.xlarge on-demand in us-east-1 for 10h name {name}")
        here.pass_time(4 * MINUTE)
    return here


def _state(here: Town, name: str) -> tuple[State, Cause | None]:
    m = next(m for m in here.ledger.everything() if m.name == name)
    return m.state, m.cause


STOPPED = (State.STOPPED, Cause.PERSON)
RUNS = (State.RUNNING, None)


# ---- Stop all -------------------------------------------------------------------------------


def test_stop_all_stops_what_its_question_named_and_asks_about_what_was_launched_since() -> None:
    here = _running("amber")
    question = here.type("stop all")[-1]
    here.pass_time(HOUR)
    here.type("launch g5.xlarge spot in us-east-1 for 9h name ernie")
    here.pass_time(4 * MINUTE)
    stopping, asked = here.press(question, "stop-all")
    assert "Stopping *amber*" in stopping.text
    assert "are left as they are. Stop them, too?" in asked.text
    assert "*ernie*: spot, so ended" in asked.text
    here.pass_time(5 * MINUTE)
    assert (_state(here, "amber"), _state(here, "ernie")) == (STOPPED, RUNS)
    here.press(asked, "stop-all")
    here.pass_time(5 * MINUTE)
    assert _state(here, "ernie") == (State.ENDED, Cause.PERSON)


@pytest.mark.parametrize("decision", ["extend bert 1h", "stop bert, start bert for 3h"])
def test_stop_all_asks_about_what_was_extended_or_started_since(decision: str) -> None:
    here = _running("amber", "bert")
    question = here.type("stop all")[-1]
    for text in decision.split(", "):
        here.type(text)
        here.pass_time(5 * MINUTE)
    _, asked = here.press(question, "stop-all")
    assert ("*bert*" in asked.text, "*amber*" in asked.text) == (True, False)
    here.pass_time(5 * MINUTE)
    assert (_state(here, "amber"), _state(here, "bert")) == (STOPPED, RUNS)


def test_stop_all_asks_about_a_launch_that_was_held_and_that_somebody_has_let_go_on_since() -> None:
    here = Town(wire=False)
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand in us-east-1 for 10h name bert")
    question = here.type("stop all")[-1]
    assert "not launched yet, so given up" in question.text
    here.with_quota()
    grants = [b["action_id"] for b in buttons(here.card()) if "Ask" in b["text"]["text"]]
    here.press(here.card(), grants[-1])
    here.pass_time(HOUR)
    assert _state(here, "bert")[0] is State.RUNNING
    (asked,) = here.press(question, "stop-all")
    assert "Stop them, too?" in asked.text
    assert _state(here, "bert")[0] is State.RUNNING


def test_stop_all_stops_a_launch_that_has_only_gone_on_since_it_was_asked() -> None:
    here = _running("amber")
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch g5.xlarge on-demand in us-east-1 for 9h name ernie keep trying")
    question = here.type("stop all")[-1]
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(20 * MINUTE)
    assert _state(here, "ernie") == RUNS
    (said,) = here.press(question, "stop-all")
    assert "*ernie*" in said.text
    here.pass_time(5 * MINUTE)
    assert (_state(here, "amber"), _state(here, "ernie")) == (STOPPED, STOPPED)


def test_a_press_of_stop_all_that_is_delivered_again_stops_nothing_that_was_started_since() -> None:
    here = _running("amber", "bert")
    question = here.type("stop all")[-1]
    value = next(b["value"] for b in buttons(question) if b["action_id"] == "stop-all")
    press = here.pressed("stop-all", value)
    assert len(here.press_button(press)) == 1
    here.pass_time(5 * MINUTE)
    here.type("start bert for 3h")
    here.pass_time(5 * MINUTE)
    here.press_button(press)
    here.pass_time(5 * MINUTE)
    assert (_state(here, "amber")[0], _state(here, "bert")[0]) == (State.STOPPED, State.RUNNING)


def test_a_stop_all_button_from_before_it_named_machines_asks_anew() -> None:
    here = _running("amber", "bert")
    (asked,) = here.click("stop-all", ADA)
    assert (_state(here, "amber"), _state(here, "bert")) == (RUNS, RUNS)
    here.press(asked, "stop-all")
    here.pass_time(5 * MINUTE)
    assert (_state(here, "amber"), _state(here, "bert")) == (STOPPED, STOPPED)


def test_a_hundred_machines_fit_into_one_stop_all_button() -> None:
    here = _running("amber")
    m = here.machine()
    question = messages.stop_all_question((m,) * 200, here.now)
    value = next(b["value"] for b in buttons(question) if b["action_id"] == "stop-all")
    assert value.endswith(messages.as_asked(m))


# ---- End ------------------------------------------------------------------------------------


def test_an_end_button_asks_anew_once_its_machine_was_started_again() -> None:
    here = _running("bert")
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    question, card = here.type("end")[-1], here.card()
    here.type("start bert for 5h")
    here.pass_time(5 * MINUTE)
    for old in (question, card):
        (asked,) = here.press(old, "end")
        assert "is running and ready, costs" in asked.text
        assert _state(here, "bert")[0] is State.RUNNING
    here.press(asked, "end")
    here.pass_time(5 * MINUTE)
    assert _state(here, "bert")[0] is State.ENDED


@pytest.mark.parametrize("again", [False, True])
def test_the_end_button_of_a_card_that_is_as_things_are_ends_it_at_once(again: bool) -> None:
    here = _running("bert")
    for text in ("stop bert", *(("start bert for 2h", "stop bert") if again else ())):
        here.type(text)
        here.pass_time(5 * MINUTE)
    here.press(here.card(), "end")
    here.pass_time(5 * MINUTE)
    assert _state(here, "bert")[0] is State.ENDED


def test_an_end_button_from_before_it_had_a_version_asks_anew() -> None:
    here = _running("bert")
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    (asked,) = here.click("end", here.machine().id)
    assert "ends for good and its 50 GB disk is deleted" in asked.text
    assert _state(here, "bert") == STOPPED
    here.press(asked, "end")
    here.pass_time(5 * MINUTE)
    assert _state(here, "bert")[0] is State.ENDED
