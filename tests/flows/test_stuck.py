"""A stop or an end that EC2 refuses or does not get done: tried on for ever, told once to those who
pay and to those who can help, and told as usual once it is done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.model import State
from handlers import slack
from sim.fuse import fused, guarded
from sim.town import ADA, SAM, Town

MINUTE = timedelta(minutes=1)


def _running(more: str = "on-demand", length: str = "4h") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"launch g5.xlarge {more} in us-east-1 for {length} name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _refuse(here: Town, operation: str, code: str) -> None:
    here.control(do="fault", operation=operation, code=code, times=100_000)


def _told(here: Town) -> list[str]:
    return [m.text for m in here.news() if "and has not" in m.text]


def _directly(here: Town, user: str) -> list[str]:
    return [p.message.text for p in here.chat.directs(user) if "and has not" in p.message.text]


def _refused_stop(here: Town) -> None:
    _refuse(here, "StopInstances", "OperationNotPermitted")
    here.type("stop bert")


def _hanging_stop(here: Town) -> None:
    here.control(do="settings", stop=7200)
    here.type("stop bert")


def _refused_end(here: Town) -> None:
    _refuse(here, "TerminateInstances", "OperationNotPermitted")
    here.type("end bert")


def _hanging_end(here: Town) -> None:
    here.control(do="settings", terminate=7200)
    here.type("end bert")


def _denied_end(here: Town) -> None:
    here.control(do="deny", operation="TerminateInstances", region="us-east-1", by="scp")
    here.type("end bert")


ALL = [_refused_stop, _hanging_stop, _refused_end, _hanging_end, _denied_end]


@pytest.mark.parametrize("begin", ALL)
def test_after_a_quarter_of_an_hour_the_owner_and_the_admins_hear_of_it_once(
    begin: Callable[[Town], object],
) -> None:
    here = _running()
    begin(here)
    here.pass_time(14 * MINUTE)
    assert _told(here) == []
    here.pass_time(3 * MINUTE)
    (said,) = _told(here)
    assert said.startswith(f"<@{ADA}> *bert* was to ")
    assert _directly(here, ADA) == [said]
    (to_admin,) = _directly(here, SAM)
    m = here.machine()
    assert m.instance is not None
    assert m.instance.id in to_admin
    here.pass_time(40 * MINUTE)
    assert (len(_told(here)), len(_directly(here, SAM))) == (1, 1)
    assert here.failures == []


@pytest.mark.parametrize(
    ("begin", "says"),
    [
        (_refused_stop, "AWS refuses it: EC2 does not permit it for this machine; it may be"),
        (_refused_stop, "It costs $1.006/h for as long as that lasts."),
        (_hanging_stop, "AWS has taken the order and shows it as `stopping`"),
        (_hanging_stop, "charges nothing for the machine while it does so, only for its 50 GB"),
        (_hanging_end, "shows it as `shutting-down`"),
        (_denied_end, "AWS refuses it: AWS does not let the bot do this."),
        (_refused_end, "It is tried again and again"),
    ],
)
def test_the_owner_reads_awss_reason_in_words_and_what_it_costs(
    begin: Callable[[Town], object], says: str
) -> None:
    here = _running()
    begin(here)
    here.pass_time(17 * MINUTE)
    (said,) = _told(here)
    assert says in said


@pytest.mark.parametrize(
    ("begin", "says"),
    [
        (_refused_stop, "AWS answered `OperationNotPermitted`."),
        (_refused_stop, "Look whether its stop protection is on"),
        (_refused_end, "Look whether its termination protection is on"),
        (_denied_end, "`ec2:TerminateInstances`"),
        (_hanging_stop, "aws ec2 stop-instances --force --region us-east-1 --instance-ids i-"),
        (_hanging_end, "AWS Support"),
    ],
)
def test_the_admins_read_what_they_can_do(begin: Callable[[Town], object], says: str) -> None:
    here = _running()
    begin(here)
    here.pass_time(17 * MINUTE)
    (said,) = _directly(here, SAM)
    assert says in said


def test_a_stop_that_is_let_through_at_last_is_told_as_usual() -> None:
    here = _running()
    _refused_stop(here)
    here.pass_time(30 * MINUTE)
    assert here.machine().state is State.STOPPING
    here.control(do="clear-faults")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert "*bert* was stopped by" in here.news()[-1].text


def test_an_end_that_is_let_through_at_last_is_told_as_usual_and_leaves_nothing() -> None:
    here = _running()
    _refused_end(here)
    here.pass_time(30 * MINUTE)
    here.control(do="clear-faults")
    here.pass_time(4 * MINUTE)
    assert here.machine().state is State.ENDED
    assert "*bert* was ended by" in here.news()[-1].text
    assert set(here.counts().values()) == {0}


def test_an_end_that_hangs_after_a_stop_that_hung_is_told_of_again() -> None:
    here = _running()
    _hanging_stop(here)
    here.pass_time(17 * MINUTE)
    _refused_end(here)
    here.pass_time(17 * MINUTE)
    (first, second) = _told(here)
    assert "was to stop" in first
    assert "was to end" in second


def test_the_stop_at_the_deadline_is_watched_like_any_other() -> None:
    here = _running(length="10m")
    here.control(do="settings", guest=None)  # or the machine would stop itself
    _refuse(here, "StopInstances", "InternalError")
    here.pass_time(40 * MINUTE)
    (said,) = _told(here)
    assert "AWS gave no clear answer." in said


def test_kept_spot_that_cannot_be_ended_is_to_stop_and_says_what_it_costs() -> None:
    here = _running("spot keep")
    _refuse(here, "TerminateInstances", "OperationNotPermitted")
    here.type("stop bert")
    here.pass_time(17 * MINUTE)
    (said,) = _told(here)
    assert "was to stop" in said
    assert "/h for as long as that lasts." in said
    (to_admin,) = _directly(here, SAM)
    assert "termination protection" in to_admin


def test_a_group_is_told_of_once_with_all_that_is_left() -> None:
    here = _running("on-demand x2")
    _refused_end(here)
    here.pass_time(17 * MINUTE)
    assert len(_told(here)) == 1
    (to_admin,) = _directly(here, SAM)
    assert all(one.id in to_admin for one in here.machine().instances)


def test_a_stop_and_an_end_that_work_are_not_spoken_of() -> None:
    here = _running()
    here.type("stop bert")
    here.pass_time(20 * MINUTE)
    here.type("end bert")
    here.pass_time(20 * MINUTE)
    assert here.machine().state is State.ENDED
    assert (_told(here), _directly(here, SAM)) == ([], [])


def test_the_alarm_outside_hears_of_it_until_it_is_over() -> None:
    here = _running()
    counted: list[str] = []
    here.house = replace(here.house, count=counted.append)
    _refused_stop(here)
    here.pass_time(14 * MINUTE)
    assert counted == []
    for _ in range(5):  # the alarm's period is five minutes
        here.pass_time(5 * MINUTE)
        assert set(counted) == {"Stuck"}
        counted.clear()
    here.control(do="clear-faults")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.STOPPED
    counted.clear()
    here.pass_time(10 * MINUTE)
    assert counted == []


def test_what_is_counted_becomes_a_metric_of_the_slack_function() -> None:
    slack.metrics.clear_metrics()
    slack.counting(Town().house).count("Stuck")
    try:
        assert slack.metrics.metric_set["Stuck"]["Value"] == [1.0]
    finally:
        slack.metrics.clear_metrics()


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_around_the_word_it_is_told_and_stops_at_last(after: bool) -> None:
    def begun() -> Town:
        here = _running()
        _refused_stop(here)
        here.pass_time(14 * MINUTE + timedelta(seconds=50))
        return here

    here = begun()
    fuse = fused(here)
    here.pass_time(timedelta(seconds=40))
    assert fuse.counted > 20
    for at in range(1, fuse.counted + 1):
        here = begun()
        fused(here, at, after=after)
        guarded(lambda here=here: here.pass_time(timedelta(seconds=40)))  # type: ignore[misc]
        here.pass_time(4 * MINUTE)
        assert here.machine().stuck_told, at
        assert 1 <= len(_told(here)) <= 2, at
        assert 1 <= len(_directly(here, SAM)) <= 2, at
        here.control(do="clear-faults")
        here.pass_time(2 * MINUTE)
        assert here.machine().state is State.STOPPED, at
