"""Commands for one machine that the queue delivers in any order: the one typed last counts."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from core.flows.order import MOST_CLOSINGS, closed_since, closing
from core.flows.request import Request
from core.model import Closing, DataVolume, Desire, Schedule, State
from core.ports import ChatError
from sim.town import ADA, LIN, SAM, START, Town

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def _running() -> Town:
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _typed(here: Town, *texts: str) -> list[Request]:
    """Typed one after the other, a fifth of a second between them; none is delivered yet."""
    typed = []
    for text in texts:
        typed.append(here.request(text))
        here.now += SECOND / 5
    return typed


def _words(here: Town, request: Request) -> str:
    (said,) = here.deliver(request)
    return said.text


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("apart", [0 * SECOND, 5 * SECOND, 3 * MINUTE], ids=str)
def test_stop_start_stop_leaves_it_stopped_in_whatever_order_they_come(
    order: tuple[int, ...], apart: timedelta
) -> None:
    here = _running()
    typed = _typed(here, "stop bert", "start bert", "stop bert")
    for index in order:
        assert _words(here, typed[index])  # each is answered
        here.pass_time(apart)
    here.pass_time(10 * MINUTE)
    assert (here.machine().state, here.machine().desire) == (State.STOPPED, Desire.STOP)
    assert here.failures == []


def test_a_stop_that_comes_after_a_later_start_changes_nothing_and_says_so() -> None:
    here = _running()
    stop, start = _typed(here, "stop bert", "start bert")
    assert "Nothing was changed" in _words(here, start)
    assert "another command for *bert* was typed after it" in _words(here, stop)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_start_that_comes_after_a_later_stop_changes_nothing_and_says_so() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(10 * MINUTE)
    start, stop = _typed(here, "start bert", "stop bert")
    assert "Nothing was changed" in _words(here, stop)
    assert "another command for *bert* was typed after it" in _words(here, start)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED


def test_an_end_counts_whenever_it_was_typed() -> None:
    here = _running()
    end, start = _typed(here, "end bert", "start bert")
    here.deliver(start)
    here.deliver(end)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.ENDED


def test_a_stop_of_all_leaves_out_what_was_started_after_it_was_typed() -> None:
    here = _running()
    here.type("launch g5.xlarge on-demand in us-east-1 for 4h name carl")
    here.pass_time(3 * MINUTE)
    stop, start = _typed(here, "stop all yes", "start bert")
    here.deliver(start)
    here.deliver(stop)
    here.pass_time(10 * MINUTE)
    assert [(m.name, m.state) for m in here.ledger.live()] == [
        ("bert", State.RUNNING),
        ("carl", State.STOPPED),
    ]


def test_the_same_stop_delivered_again_is_the_same_stop() -> None:
    here = _running()
    (stop,) = _typed(here, "stop bert")
    here.deliver(stop)
    here.pass_time(10 * MINUTE)
    before = here.machine()
    assert "bert" in _words(here, stop)
    assert here.machine().state is before.state is State.STOPPED
    assert len([one for one in here.news() if "was stopped" in one.text]) == 1


# ---- a request that comes again is looked for where it can have been carried out ------------


@pytest.mark.parametrize("text", ["stop bert", "stop", "extend bert 30m", "extend 30m"])
def test_a_request_that_comes_again_is_known_by_the_machine_that_it_meant(text: str) -> None:
    here = _running()
    request = here.request(text)
    here.deliver(request)
    here.pass_time(3 * MINUTE)
    before = here.machine()
    (said,) = here.deliver(request)
    after = here.machine()
    assert "bert" in said.text
    assert (after.lease, after.desire) == (before.lease, before.desire)


def test_an_admins_stop_of_anothers_machine_that_comes_again_is_known() -> None:
    here = _running()
    request = here.request("stop bert", user=SAM)
    here.deliver(request)
    here.pass_time(10 * MINUTE)
    here.type("start bert")
    here.pass_time(3 * MINUTE)
    here.deliver(request)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_what_a_command_reads_does_not_grow_with_the_machines_of_others() -> None:
    here = _running()
    asked: list[str] = []
    ledger: Any = here.ledger
    live = ledger.live

    def counted() -> object:
        asked.append(text)
        return live()

    for text in ("stop bert", "start bert", "extend bert 30m", "stop", "list", "show bert"):
        ledger.live = counted
        here.type(text)
        ledger.live = live
        here.pass_time(5 * MINUTE)
    assert asked == []


# ---- what comes again does not mean what was launched since -----------------------------------


def _unanswered(here: Town, request: Request) -> None:
    """Carried out, and Slack takes no answer: the queue brings it again."""
    here.chat.down = True
    with pytest.raises(ChatError):
        here.deliver(request)
    here.chat.down = False


def _launch(here: Town, name: str, market: str = "spot") -> None:
    here.type(f"launch g5.xlarge {market} in us-east-1 for 4h name {name}")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING


def _again(here: Town, request: Request) -> str:
    """What it says the second time; the newest machine is as it was, row and schedule."""
    before = here.machine()
    said = _words(here, request)
    assert here.machine() == before
    assert here.ledger.row(Schedule, before.id) is None
    here.pass_time(10 * MINUTE)
    after = here.machine()
    assert (after.state, after.lease, after.shared) == (State.RUNNING, before.lease, ())
    return said


def test_a_stop_of_all_that_comes_again_leaves_out_what_was_launched_since() -> None:
    here = _running()
    (stop,) = _typed(here, "stop all yes")
    _unanswered(here, stop)
    here.pass_time(10 * MINUTE)
    _launch(here, "carl")
    said = _again(here, stop)
    assert "bert" in said
    assert "carl" not in said
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    assert "*carl* is running" in _again(here, stop)  # not that nothing runs


def test_an_end_that_comes_again_leaves_the_new_machine_of_that_name_alone() -> None:
    here = _running()
    (end,) = _typed(here, "end bert")
    _unanswered(here, end)
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.ENDED
    _launch(here, "bert")
    assert "launched after this was typed" in _again(here, end)
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.ENDED


@pytest.mark.parametrize(
    "text",
    [
        "stop bert",
        "stop yes",
        "extend bert 1h",
        "extend 1h",
        f"share bert <@{LIN}|lin>",
        f"unshare bert <@{LIN}|lin>",
        "idle bert 40m",
        "schedule bert weekdays 9:00-18:00",
        "schedule bert off",
        "start bert",
        "save bert as env",
    ],
)
def test_no_command_that_comes_again_means_a_machine_launched_since(text: str) -> None:
    here = _running()
    (request,) = _typed(here, text)
    if text != "save bert as env":
        here.deliver(request)
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.ENDED
    _launch(here, "bert", "on-demand")
    assert "launched after this was typed" in _again(here, request)


def test_of_two_the_one_that_was_there_is_meant_by_a_stop_without_a_name() -> None:
    here = _running()
    (stop,) = _typed(here, "stop")
    _launch(here, "carl")
    assert "bert" in _words(here, stop)
    here.pass_time(10 * MINUTE)
    assert [m.state for m in here.ledger.live()] == [State.STOPPED, State.RUNNING]


@pytest.mark.parametrize("text", ["end bert", "stop bert yes", "stop yes", "stop all yes"])
def test_an_end_typed_right_after_the_launch_counts_behind_a_slow_queue(text: str) -> None:
    here = _running()
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    launch = here.request("launch g5.xlarge spot in us-east-1 for 4h name bert")
    here.now += SECOND
    end = here.request(text)
    here.now += 5 * MINUTE
    here.deliver(launch)
    here.deliver(end)
    here.pass_time(10 * MINUTE)
    assert here.machine().desire is Desire.GONE
    assert not here.world.up()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("more", ["name bert", "data corpus 100 name bert", ""])
def test_the_same_launch_typed_twice_is_one_wish_even_when_one_comes_after_the_end(
    order: tuple[int, int], more: str
) -> None:
    """As when the door cannot tell whether it has taken the first, and the queue fails for a while
    at one of them."""
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    typed = _typed(here, *[f"launch g5.xlarge on-demand in us-east-1 for 4h {more}"] * 2)
    here.deliver(typed[order[0]])
    here.pass_time(2 * MINUTE)
    (m,) = here.ledger.live()
    here.type(f"end {m.name}")
    here.pass_time(3 * MINUTE)
    said = _words(here, typed[order[1]])
    assert "You asked for the same a moment ago" in said and "No second machine" in said
    here.pass_time(5 * MINUTE)
    assert len(here.ledger.everything()) == 1
    assert here.world.up() == ()
    assert all(row.claimed_at is None for row in here.ledger.rows(DataVolume))


# ---- the hours of a schedule ----------------------------------------------------------------

_HOURS = "schedule bert mon,tue,wed,thu,fri,sat,sun"


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("last", ["off", "13:00-14:00"])
def test_of_several_words_about_its_hours_the_one_typed_last_counts(
    last: str, order: tuple[int, ...]
) -> None:
    here = _running()
    texts = ("schedule bert off", f"{_HOURS} 9:00-18:00", f"{_HOURS} 13:00-14:00")
    typed = _typed(here, *texts) if last != "off" else _typed(here, *texts[1:], texts[0])
    for index in (*order, *order):  # each is delivered twice
        assert _words(here, typed[index])
    row = here.ledger.row(Schedule, here.machine().id)
    assert (row.starts if row else None) == (None if last == "off" else (13, 0))


def test_hours_that_were_taken_away_start_nothing_when_they_are_delivered_again() -> None:
    here = _running()
    (hours,) = _typed(here, f"{_HOURS} 9:00-18:00")
    here.deliver(hours)
    here.type("schedule bert off")
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    assert "another command for *bert* was typed after it" in _words(here, hours)
    here.pass_time(timedelta(days=1))
    assert here.machine().state is State.STOPPED


def test_hours_typed_before_a_stop_stand_when_they_come_after_it() -> None:
    here = _running()
    hours, stop = _typed(here, f"{_HOURS} 9:00-18:00", "stop bert")
    here.deliver(stop)
    assert "Next:" in _words(here, hours)


def test_a_skip_typed_before_new_hours_does_not_take_a_day_off_them() -> None:
    here = _running()
    first, skip, second = _typed(
        here, f"{_HOURS} 9:00-18:00", "schedule bert skip", f"{_HOURS} 13:00-14:00"
    )
    for request in (first, skip, second, skip):
        here.deliver(request)
    row = here.ledger.row(Schedule, here.machine().id)
    assert row is not None and row.skipped == ()


def test_a_press_about_one_day_that_comes_again_does_not_undo_the_next_press() -> None:
    here = _running()
    here.type(f"{_HOURS} 12:00-14:00")
    value = f"{here.machine().id}:{here.now.date() + timedelta(days=1)}"
    skip, undo = here.pressed("schedule-skip", value), here.pressed("schedule-undo", value)
    here.press_button(skip)
    here.press_button(undo)
    assert "Next:" in here.press_button(skip)[0].text
    row = here.ledger.row(Schedule, here.machine().id)
    assert row is not None and row.skipped == ()
    here.press_button(here.pressed("schedule-skip", value))
    here.press_button(undo)
    row = here.ledger.row(Schedule, here.machine().id)
    assert row is not None and len(row.skipped) == 1


# ---- who is let in --------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("let_in", [False, True])
def test_share_then_unshare_lets_nobody_in_in_whatever_order_they_come(
    order: tuple[int, ...], *, let_in: bool
) -> None:
    here = _running()
    if let_in:
        here.type(f"share bert <@{LIN}>")
        here.until_quiet()
    typed = _typed(here, f"share bert <@{LIN}>", f"unshare bert <@{LIN}>")
    for index in order:
        said = _words(here, typed[index])
    here.until_quiet()
    assert here.machine().shared == ()
    assert order == (0, 1) or "does not let" in said
    here.type(f"share bert <@{LIN}>")
    assert here.machine().shared == (LIN,)


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("open_before", [False, True])
def test_allow_then_remove_leaves_it_closed_in_whatever_order_they_come(
    order: tuple[int, ...], *, open_before: bool
) -> None:
    here = _running()
    if open_before:
        here.type("allow 198.51.100.9")
    typed = _typed(here, "allow 198.51.100.9 for 7d", "allow remove 198.51.100.9")
    for index in order:
        said = _words(here, typed[index])
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == ["203.0.113.7/32"]
    assert order == (0, 1) or "What was closed after this was typed stays closed." in said
    here.type("allow 198.51.100.9")
    assert len(here.ledger.profile(ADA).accesses) == 2


@pytest.mark.parametrize("open_before", [False, True])
@pytest.mark.parametrize("text", ["allow office for 7d", "allow 192.0.2.0/25"])
def test_the_office_closed_before_it_is_opened_by_what_was_typed_earlier_stays_closed(
    text: str, *, open_before: bool
) -> None:
    here = _running()
    here.house = replace(here.house, policy=replace(here.policy, networks=("192.0.2.0/25",)))
    if open_before:
        here.type("allow office")
    late, now = _typed(here, text, "allow remove office")
    here.deliver(now)
    here.deliver(late)
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == ["203.0.113.7/32"]


def test_of_the_closings_a_row_remembers_the_latest_of_each_and_only_so_many() -> None:
    known: tuple[Closing, ...] = ()
    for second in range(2 * MOST_CLOSINGS):
        at = START + second * SECOND
        known = closing(known, (f"198.51.100.{second}/32", "office"), at)
    known = closing(known, ("office",), START)
    assert len(known) == MOST_CLOSINGS
    assert "office" in {one.what for one in known[-2:]}
    assert closed_since(known, "office", START)
    assert not closed_since(known, "office", known[-1].asked_at)
    assert not closed_since(known, "198.51.100.0/32", START - SECOND)
