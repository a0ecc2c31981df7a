"""Deadlines: warned once, extended once a click, never beyond the longest, stopped on time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.meter import chains
from core.model import Lease, State
from sim.town import ADA, POLICY, SAM, Town, buttons

MINUTE = timedelta(minutes=1)


def _town(text: str = "launch p3.2xlarge on-demand for 2h") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(text)
    here.until_quiet(2 * MINUTE if "2m" not in text else timedelta(seconds=20))
    assert here.machine().state is State.RUNNING
    return here


def _lease(here: Town) -> Lease:
    lease = here.machine().lease
    assert lease is not None
    return lease


def _warnings(here: Town) -> int:
    return sum("extend" in {b["action_id"] for b in buttons(n)} for n in here.news())


def test_a_warning_comes_fifteen_minutes_before_and_a_stop_at_the_deadline() -> None:
    here = _town()
    lease = _lease(here)
    here.pass_time(lease.deadline - 15 * MINUTE - here.now - timedelta(seconds=1))
    assert _warnings(here) == 0
    here.pass_time(timedelta(seconds=3))
    assert _warnings(here) == 1
    here.pass_time(lease.deadline - here.now + timedelta(seconds=30))
    assert here.machine().state is State.STOPPED
    assert _warnings(here) == 1


def test_a_lease_of_two_minutes_is_warned_a_quarter_before() -> None:
    here = _town("launch p3.2xlarge on-demand for 2m")
    lease = _lease(here)
    assert lease.deadline - lease.warn_at == timedelta(seconds=30)
    here.pass_time(3 * MINUTE)
    assert _warnings(here) == 1
    assert here.machine().state is State.STOPPED


def test_an_extension_moves_the_deadline_the_tag_and_arms_the_warning_again() -> None:
    here = _town()
    lease = _lease(here)
    here.pass_time(lease.warn_at - here.now + timedelta(seconds=5))
    warning = here.news()[-1]
    here.press(warning, "extend")
    new = _lease(here)
    assert new.deadline == lease.deadline + timedelta(hours=2)
    assert not new.warned
    here.until_quiet(2 * MINUTE)
    marks = here.world.state()["instances"][0]["tags"]
    assert marks["gpu:deadline"] == str(int(new.deadline.timestamp()))
    here.pass_time(lease.deadline - here.now + 5 * MINUTE)
    assert here.machine().state is State.RUNNING
    here.pass_time(new.deadline - here.now + MINUTE)
    assert here.machine().state is State.STOPPED
    assert _warnings(here) == 2


def test_the_second_click_on_extend_moves_nothing_and_is_told_what_happened() -> None:
    here = _town()
    here.pass_time(_lease(here).warn_at - here.now + timedelta(seconds=5))
    warning = here.news()[-1]
    here.press(warning, "extend")
    moved = _lease(here)
    said = here.press(warning, "extend", user=SAM)
    assert _lease(here) == moved
    assert len(said) == 1
    assert ADA in said[0].text


def test_no_extension_goes_beyond_the_longest_lease() -> None:
    here = _town()
    for _ in range(20):
        here.type("extend 2h")
    lease = _lease(here)
    assert lease.deadline <= lease.hard
    assert here.type("extend 24h")
    assert _lease(here).deadline == lease.deadline


@pytest.mark.parametrize("words", ["extend", "extend 30m"])
def test_extend_needs_no_name_with_one_machine(words: str) -> None:
    here = _town()
    before = _lease(here).deadline
    here.type(words)
    assert _lease(here).deadline > before


def test_nothing_is_stopped_early_by_a_wake_of_an_older_deadline() -> None:
    here = _town()
    old = _lease(here)
    here.type("extend 2h")
    here.pass_time(old.deadline - here.now + MINUTE)
    for _ in range(3):
        here.wakes.wake(f"due/machine/{here.machine().id}")
        here.pass_time(timedelta(seconds=1))
    assert here.machine().state is State.RUNNING


def test_the_sweep_alone_stops_a_machine_whose_row_is_never_looked_at() -> None:
    here = _town()
    lease = _lease(here)
    here.wakes.lost = True
    here.pass_time(lease.deadline + 4 * MINUTE - here.now)
    alive = [i for i in here.world.state()["instances"] if i["state"] in ("pending", "running")]
    assert alive == []


def test_a_stop_wins_over_an_extension_that_comes_after_it() -> None:
    here = _town()
    card = here.card()
    here.type("stop")
    here.press(card, "extend")
    here.until_quiet()
    assert here.machine().state is State.STOPPED


@pytest.mark.parametrize("words", ["extend 30m", "stop"])
def test_a_command_that_is_delivered_twice_is_carried_out_once(words: str) -> None:
    here = _town()
    request = here.request(words)
    here.deliver(request)
    decided = here.machine().history
    here.deliver(request)
    assert [h.what for h in here.machine().history if "(by " in h.what] == [
        h.what for h in decided if "(by " in h.what
    ]


def test_a_start_that_is_delivered_again_after_a_stop_starts_nothing() -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    request = here.request(f"start {here.machine().name}")
    here.deliver(request)
    here.until_quiet()
    here.type("stop")
    here.until_quiet()
    here.deliver(request)
    here.until_quiet()
    assert here.machine().state is State.STOPPED


# ---- keep until, and a day ahead --------------------------------------------------------------


def _picker(here: Town) -> tuple[str, str]:
    """The action and the ids of the picker in the last message."""
    elements = [e for b in here.news()[-1].blocks for e in b.get("elements", ())]
    (found,) = [e["action_id"] for e in elements if e.get("type") == "datetimepicker"]
    action, _, ids = str(found).partition("/")
    return action, ids


def test_keep_until_a_chosen_time_moves_the_deadline_there_and_the_second_hears_who_was_first() -> (
    None
):
    here = _town()
    here.pass_time(_lease(here).warn_at - here.now + timedelta(seconds=5))
    action, ids = _picker(here)
    chosen = _lease(here).deadline + timedelta(minutes=50)
    value = f"{ids}:{int(chosen.timestamp())}"
    here.click(action, value)
    assert _lease(here).deadline == chosen
    said = here.click(action, value, SAM)
    assert _lease(here).deadline == chosen
    assert ADA in said[0].text


@pytest.mark.parametrize("chosen", [timedelta(days=30), -timedelta(minutes=1), None])
def test_a_time_that_may_not_be_changes_nothing_and_says_why(chosen: timedelta | None) -> None:
    here = _town()
    here.pass_time(_lease(here).warn_at - here.now + timedelta(seconds=5))
    action, ids = _picker(here)
    before = _lease(here).deadline
    at = str(int((before + chosen).timestamp())) if chosen is not None else ""
    said = here.click(action, f"{ids}:{at}")
    assert _lease(here).deadline == before
    assert chosen is None or "not changed" in said[0].text


@pytest.mark.usefixtures("without_wire")
def test_a_lease_of_several_days_is_told_of_a_day_ahead_once_and_again_after_an_extension() -> None:
    here = Town(policy=replace(POLICY, longest_lease=timedelta(days=6)))
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand for 3d")
    here.pass_time(2 * MINUTE)
    lease = _lease(here)
    here.pass_time(lease.deadline - timedelta(days=1) - here.now - MINUTE)
    assert _told(here, "within a day") == 0
    here.pass_time(2 * MINUTE)
    assert _told(here, "within a day") == 1
    assert [p for p in here.chat.directs(ADA) if "within a day" in p.message.text]
    here.type("extend 2d")
    here.pass_time(_lease(here).deadline - timedelta(days=1) - here.now + MINUTE)
    assert _told(here, "within a day") == 2
    here.pass_time(timedelta(days=1))
    assert (_told(here, "within a day"), _warnings(here)) == (2, 2 + 1)
    assert here.machine().state is State.STOPPED


def _told(here: Town, words: str) -> int:
    return sum(words in n.text for n in here.news())


def test_a_lease_of_hours_has_no_eve() -> None:
    here = _town()
    assert _lease(here).eve_at is None


def test_until_friday_is_on_the_persons_own_clock() -> None:
    here = _town("launch p3.2xlarge on-demand until wednesday 8:30")  # START is a Tuesday, 9:00 UTC
    deadline = _lease(here).deadline
    assert deadline == datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


# ---- a time of day is meant as it was typed ----------------------------------------------------


def _late(here: Town, text: str, by: timedelta) -> list[str]:
    """The answers to what is carried out so long after it was typed."""
    request = here.request(text)
    here.now += by
    return [message.text for message in here.deliver(request)]


@pytest.mark.parametrize(
    "words",
    [
        "until 9:05",
        "until today 8:30",
        "keep trying until 9:05",
        "keep trying until today 8:30 until 18:00",
    ],
)
def test_a_launch_heard_after_its_time_is_refused_and_not_put_off_to_tomorrow(words: str) -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    said = _late(here, f"launch g5.xlarge on-demand in us-east-1 {words}", 6 * MINUTE)
    assert ["That time has passed already" in text for text in said] == [True]
    assert here.ledger.everything() == ()


def test_a_launch_that_comes_again_after_its_time_is_still_the_one_that_was_accepted() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    request = here.request("launch g5.xlarge on-demand in us-east-1 until 9:05")
    assert here.deliver(request) == []
    here.now += 6 * MINUTE
    assert here.deliver(request) == []
    assert len(here.ledger.everything()) == 1


def test_an_extension_heard_after_its_time_changes_nothing() -> None:
    here = _town("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    before = _lease(here)
    (said,) = _late(here, "extend bert until 9:10", 15 * MINUTE)
    assert "only a later time extends it" in said
    assert _lease(here) == before


def test_a_start_heard_after_its_time_is_refused() -> None:
    here = _town("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    here.type("stop bert")
    here.until_quiet()
    at = f"{here.now + 5 * MINUTE:%H:%M}"
    (said,) = _late(here, f"start bert until {at}", 6 * MINUTE)
    assert "That time has passed already" in said
    assert here.machine().state is State.STOPPED


CENTURIES = ("99999d", "99999.999d 99999.999h 99999.999m", "99999999d")
WITH_A_LENGTH = (
    "extend bert {}",
    "extend bert for {}",
    "extend bert until {}",
    "launch g5.xlarge on-demand for {} name late",
    "launch g5.xlarge on-demand until {} name late",
    "launch g5.xlarge spot keep trying until {} name late",
    "start lin for {}",
    "allow 203.0.113.9 for {}",
    "allow me for {}",
    "allow office for {}",
    "schedule bert weekdays {}",
)


def test_centuries_are_refused_in_words_wherever_a_length_can_be_said() -> None:
    here = _town("launch g5.xlarge on-demand in us-east-1 for 2h name lin")
    here.type("stop lin")
    here.pass_time(5 * MINUTE)
    here.type("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    here.pass_time(3 * MINUTE)
    before = [(m.state, m.desire, m.lease) for m in here.ledger.everything()]
    for words in WITH_A_LENGTH:
        for length in CENTURIES:
            (said,) = here.type(words.format(length))
            assert "not changed" in said.text or "othing was" in said.text, said.text
    assert [(m.state, m.desire, m.lease) for m in here.ledger.everything()] == before


@pytest.mark.usefixtures("without_wire")
def test_the_seven_days_of_admins_begin_with_the_start_and_not_with_a_new_spot_price() -> None:
    here = _town("launch g5.xlarge spot for 23h name bert")
    began = here.machine().runs[0].started_at
    here.pass_time(timedelta(hours=12))
    m = here.machine()
    assert len(m.runs) > 1 and len(chains(m.runs)) == 1
    left = began + timedelta(days=7) - _lease(here).deadline
    minutes = int(left / MINUTE)
    here.type(f"extend bert {minutes + 1}m", SAM)
    assert _lease(here).deadline < began + timedelta(days=1)
    here.type(f"extend bert {minutes}m", SAM)
    assert _lease(here).deadline > began + timedelta(days=7) - MINUTE
