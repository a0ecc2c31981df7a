"""What stays true when AWS throttles, Slack refuses, people race and tables are away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import lifecycle as life
from core.faults import CloudError, classify
from core.flows import step as steps
from core.flows.sweep import sweep
from core.flows.watch import Watch
from core.model import Cause, Desire, State
from core.ports import ChatError, NotInChannel
from sim.town import ADA, SAM, Town, buttons

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def _town(text: str = "launch p3.2xlarge on-demand for 2h name bert") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(text)
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _calls(here: Town) -> list[str]:
    """Every operation that is asked of the world from now on."""
    made: list[str] = []
    call = here.world.call

    def counted(service: str, region: str, operation: str, params: Any) -> Any:
        made.append(operation)
        return call(service, region, operation, params)

    here.world.call = counted  # type: ignore[method-assign]
    return made


# ---- leases ---------------------------------------------------------------------------------


def test_an_admins_refused_extension_lifts_nobodys_limit() -> None:
    here = _town()
    before = here.machine().lease
    here.type("extend bert 200h", user=SAM)
    assert here.machine().lease == before
    here.type("extend bert 150h")
    assert here.machine().lease == before


def test_an_admins_extension_does_not_let_the_owner_go_further() -> None:
    here = _town()
    here.type("extend bert 40h", user=SAM)
    lease = here.machine().lease
    here.type("extend bert 1h")
    assert here.machine().lease == lease


# ---- ends and stops -------------------------------------------------------------------------


def test_an_end_stands_when_the_machine_has_just_shut_down_by_itself() -> None:
    here = _town()
    m = here.machine()
    assert m.instance is not None
    here.control(do="stop-outside", instance=m.instance.id)
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.ENDED
    assert set(here.counts().values()) == {0}


def test_stop_all_goes_on_with_what_a_first_delivery_left_undone() -> None:
    here = _town()
    here.type("launch p3.2xlarge on-demand for 2h name carl")
    here.until_quiet(2 * MINUTE)
    request = here.request("stop all yes")
    first = here.ledger.named("bert")
    assert first is not None
    stopped = life.unwanted(first, here.now, Cause.PERSON, ADA)
    here.ledger.save(life.heard(stopped, request.id), first)
    here.deliver(request)
    here.until_quiet()
    assert {m.state for m in here.ledger.everything()} == {State.STOPPED}


def test_a_machine_that_is_not_shown_for_a_moment_is_not_given_up() -> None:
    here = _town()
    here.pass_time(30 * MINUTE)
    look = here.house.cloud.look
    object.__setattr__(here.house, "cloud", _Blind(here.house.cloud))
    for _ in range(5):
        steps.step(here.house, here.machine().id)
    assert here.machine().desire is Desire.RUN
    object.__setattr__(here.house, "cloud", here.house.cloud.inner)  # type: ignore[attr-defined]
    assert here.house.cloud.look.__func__ is look.__func__  # type: ignore[attr-defined]
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.machine().unseen == 0


class _Blind:
    """EC2 answers, and does not know the instance."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def look(self, region: str, instance: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_start_that_ec2_does_not_read_back_is_not_left_for_a_day() -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    here.control(do="fault", operation="DescribeInstances", code="RequestLimitExceeded", times=2)
    here.type("start bert for 1h")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_try_again_after_a_failed_start_asks_for_the_same_time() -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    here.control(do="fill-zone", region="us-east-1")
    here.type("start bert for 30m")
    here.until_quiet()
    assert here.machine().state is State.STOPPED
    here.control(do="free-zone", region="us-east-1")
    again = next(n for n in reversed(here.news()) if buttons(n))
    here.press(again, "start")
    here.until_quiet()
    lease = here.machine().lease
    assert here.machine().state is State.RUNNING
    assert lease is not None
    assert lease.length == timedelta(minutes=30)


def test_a_machine_ended_in_the_console_after_a_stop_is_not_blamed_on_who_stopped_it() -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    m = here.machine()
    assert m.instance is not None
    here.control(do="terminate-outside", instance=m.instance.id)
    here.pass_time(timedelta(days=1, minutes=5))
    assert here.machine().state is State.ENDED
    assert here.machine().ended_by is None


# ---- what is left over ----------------------------------------------------------------------


def test_a_group_that_could_not_be_deleted_is_deleted_a_minute_later() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="fill-zone", region="us-east-1")
    here.control(do="fault", operation="DeleteSecurityGroup", code="RequestLimitExceeded", times=1)
    here.type("launch p3.2xlarge spot")
    assert here.counts()["groups"] == 1
    here.pass_time(3 * MINUTE)
    assert here.counts()["groups"] == 0


def test_a_cancel_while_the_group_is_being_made_leaves_no_group() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    cloud = here.house.cloud
    make = cloud.ensure_group

    def cancelled_meanwhile(*args: Any) -> str:
        here.type("end bert")
        return make(*args)

    hands: Any = cloud
    hands.ensure_group = cancelled_meanwhile
    here.type("launch p3.2xlarge spot name bert")
    hands.ensure_group = make
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.FAILED
    assert set(here.counts().values()) == {0}


# ---- what EC2 does not know yet --------------------------------------------------------------


def _launching(text: str = "launch p3.2xlarge on-demand for 2h name bert", **world: Any) -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="settings", **world)
    here.type(text)
    return here


def test_a_launch_waits_until_its_group_and_its_key_are_known() -> None:
    here = _launching(access_visible_after=75)
    here.pass_time(4 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert (m.attempts, m.tried) == (1, ())
    assert here.failures == []


@pytest.mark.parametrize("code", ["InvalidKeyPair.NotFound", "InvalidGroup.NotFound"])
def test_the_same_call_goes_out_until_what_is_new_is_known(code: str) -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    heard = here.hearing("RunInstances")
    here.control(do="fault", operation="RunInstances", code=code, times=6)
    here.type("launch p3.2xlarge on-demand for 2h name bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert len(heard) == 7
    assert all(call == heard[0] for call in heard)


@pytest.mark.parametrize("code", ["InvalidKeyPair.NotFound", "InvalidGroup.NotFound"])
def test_what_is_not_known_after_five_minutes_is_gone_and_the_launch_is_held(code: str) -> None:
    here = _launching("list")
    made = _calls(here)
    here.control(do="fault", operation="RunInstances", code=code, times=10**6)
    here.type("launch p3.2xlarge on-demand in us-east-1 for 2h name bert")
    here.pass_time(life.KNOWN_WITHIN - MINUTE)
    assert here.machine().state is State.LAUNCHING
    here.pass_time(2 * MINUTE)
    hold = here.machine().hold
    assert here.machine().state is State.HELD
    assert hold is not None
    assert hold.code == code
    assert made.count("RunInstances") <= 32


def test_a_launch_whose_key_is_not_known_yet_ends_at_once() -> None:
    here = _launching(access_visible_after=60)
    here.pass_time(80 * SECOND)
    m = here.machine()
    assert m.attempt is not None
    assert (m.attempt.sends, m.attempt.last_send is None) == (0, False)
    here.type("end bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state in (State.ENDED, State.FAILED)
    assert set(here.counts().values()) == {0}


@pytest.mark.parametrize("late", [750, 10**6])  # the key, which comes after the rules; the rules
def test_what_is_never_known_keeps_no_launch_going_after_its_time(late: int) -> None:
    here = _launching("list", access_visible_after=late)
    heard = here.hearing("RunInstances")
    here.type("launch p3.2xlarge on-demand for 2h name bert")
    here.pass_time(here.machine().launch_by - here.now)
    sent = len(heard)
    assert bool(sent) is (late == 750)
    here.pass_time(3 * MINUTE)
    assert len(heard) == sent
    assert here.machine().state in (State.ENDED, State.FAILED)
    assert here.machine().cause is Cause.EXPIRED
    here.pass_time(3 * MINUTE)
    assert set(here.counts().values()) == {0}


# ---- throttled ------------------------------------------------------------------------------


def _full_zone_after(here: Town, *codes: str) -> list[Any]:
    """The first calls to launch are answered so, the others by a zone that is full."""
    here.control(do="fill-zone", region="us-east-1", zone="us-east-1a")
    heard = here.hearing("RunInstances")
    for code in codes:
        here.control(do="fault", operation="RunInstances", code=code, times=1)
    here.type("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    return heard


@pytest.mark.parametrize("times", [1, 5])
def test_a_throttled_launch_meets_a_full_zone_as_quickly_as_any_other(times: int) -> None:
    here = _launching("list")
    heard = _full_zone_after(here, *["RequestLimitExceeded"] * times)
    here.pass_time(times * life.RESEND_AFTER + 30 * SECOND)
    m = here.machine()
    assert m.state is State.RUNNING
    assert [(t.zone, t.code) for t in m.tried] == [("us-east-1a", "InsufficientInstanceCapacity")]
    assert len(heard) == times + 2
    assert all(call == heard[0] for call in heard[: times + 1])


def test_a_throttled_launch_that_was_not_answered_before_is_looked_for_as_long_as_ever() -> None:
    here = _launching("list")
    _full_zone_after(here, "timeout-without-effect", "RequestLimitExceeded")
    here.pass_time(life.FENCE - 30 * SECOND)
    m = here.machine()
    assert m.state is State.LAUNCHING
    assert m.attempt is not None and m.attempt.sends > 1
    here.pass_time(3 * MINUTE)
    assert [(t.zone, t.code) for t in here.machine().tried] == [("us-east-1a", "no-answer")]
    assert here.machine().state is State.RUNNING


def test_who_keeps_trying_through_hours_of_throttling_gets_the_whole_lease() -> None:
    here = _launching("list")
    here.control(do="fault", operation="RunInstances", code="RequestLimitExceeded", times=10**6)
    here.type("launch g5.xlarge on-demand in us-east-1 for 2h name bert keep trying")
    here.pass_time(timedelta(hours=3))
    here.control(do="clear-faults")
    here.pass_time(30 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.lease is not None and m.instance is not None
    assert m.lease.deadline - m.instance.launched_at > timedelta(minutes=100)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("StartInstances", "RequestLimitExceeded"),
        ("StartInstances", "InternalError"),
        ("CreateTags", "RequestLimitExceeded"),
    ],
)
def test_a_start_that_fails_in_passing_is_tried_again_every_ten_seconds(
    operation: str, code: str
) -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    here.control(do="fault", operation=operation, code=code, times=12)
    heard = here.hearing(operation)
    here.type("start bert for 1h")
    assert len(heard) == 1
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert len(heard) == 13


def test_a_start_that_never_gets_an_answer_is_given_up_when_its_time_is_over() -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    here.control(do="fault", operation="StartInstances", code="RequestLimitExceeded", times=10**6)
    heard = here.hearing("StartInstances")
    here.type("start bert for 1h")
    here.pass_time(life.LAUNCH_WITHIN - MINUTE)
    assert here.machine().state is State.STARTING
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert "AWS gave no clear answer. It is still stopped." in here.news()[-1].text
    assert len(heard) <= 91


def test_a_start_that_does_not_stay_up_is_given_up_after_three() -> None:
    here = _town()
    here.type("stop")
    here.until_quiet()
    heard = here.hearing("StartInstances")
    here.control(do="fault", operation="StartInstances", code="IncorrectInstanceState", times=9)
    here.type("start bert for 1h")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert len(heard) == life.MOST_STARTS


# ---- no hot loops ---------------------------------------------------------------------------


def test_a_launch_without_an_answer_does_not_hammer_ec2() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="fault", operation="RunInstances", code="timeout-without-effect", times=1)
    here.type("launch p3.2xlarge spot name bert")
    here.type("end bert")
    made = _calls(here)
    here.pass_time(8 * MINUTE)
    assert here.machine().state is State.FAILED
    assert len(made) < 150, len(made)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("CreateSecurityGroup", "RequestLimitExceeded"),
        ("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound"),
        ("ImportKeyPair", "InternalError"),
    ],
)
def test_a_group_or_key_that_cannot_be_made_yet_does_not_hammer_ec2(
    operation: str, code: str
) -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="fault", operation=operation, code=code, times=10**6)
    made = _calls(here)
    here.type("launch p3.2xlarge spot name bert")
    here.pass_time(5 * MINUTE)
    assert 10 <= made.count(operation) <= 35
    here.control(do="clear-faults")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_an_unreadable_ec2_past_the_deadline_is_asked_now_and_then() -> None:
    here = _town()
    here.sweeping = False
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.deadline - here.now - MINUTE)
    for operation in ("DescribeInstances", "StopInstances"):
        here.control(do="fault", operation=operation, code="RequestLimitExceeded", times=10**6)
    made = _calls(here)
    here.pass_time(20 * MINUTE)
    assert len(made) < 500, len(made)
    here.control(do="clear-faults")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.STOPPED


def _unreadable_before_its_warning() -> Town:
    here = _town()
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.warn_at - here.now - 5 * MINUTE)
    here.control(do="fault", operation="DescribeInstances", code="InternalError", times=10**6)
    here.pass_time(6 * MINUTE)
    return here


def test_the_warning_comes_on_time_while_ec2_cannot_be_read() -> None:
    here = _unreadable_before_its_warning()
    here.pass_time(10 * MINUTE)
    warnings = [n for n in here.news() if "extend" in {b["action_id"] for b in buttons(n)}]
    assert len(warnings) == 1
    assert here.machine().state is State.RUNNING


def test_an_extension_reaches_the_machines_own_timer_while_ec2_cannot_be_read() -> None:
    here = _unreadable_before_its_warning()
    before = here.machine().lease
    assert before is not None
    assert "runs until" in here.type("extend bert 2h")[0].text
    here.pass_time(before.deadline - here.now + 10 * MINUTE)
    assert [one["state"] for one in here.world.state()["instances"]] == ["running"]
    assert here.machine().tagged == before.deadline + timedelta(hours=2)


def test_following_a_quota_request_for_hours_is_a_few_reads_an_hour() -> None:
    here = Town()
    here.ready_to_launch()
    here.control(do="settings", quota_decision=None)
    here.type("launch p3.2xlarge spot")
    here.press(here.card(), "choose-1")
    here.pass_time(timedelta(hours=2))
    made = _calls(here)
    here.pass_time(timedelta(hours=3))
    assert 3 <= made.count("GetRequestedServiceQuotaChange") <= 30


@pytest.mark.parametrize("state", list(State))
def test_a_row_is_never_due_at_once_again(state: State) -> None:
    m = _town().machine()
    late = m.created_at + timedelta(days=30)
    row = replace(m, state=state, desire=Desire.GONE, launch_by=m.created_at)
    due = life.due(row, late)
    assert due is None or due > late


# ---- Slack ----------------------------------------------------------------------------------


class _Archived:
    """A chat whose channel takes neither messages nor edits any more, for good."""

    def __init__(self, inner: Any, code: str) -> None:
        self.inner = inner
        self.code = code
        self.tried = 0

    def post(self, channel: str, *args: Any) -> Any:
        if channel.startswith("C"):
            self.tried += 1
            raise NotInChannel(self.code)
        return self.inner.post(channel, *args)

    def update(self, place: Any, message: Any) -> None:
        if place.channel.startswith("C"):
            self.tried += 1
            raise ChatError(self.code)
        self.inner.update(place, message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("code", ["is_inactive", "is_archived", "channel_not_found"])
def test_an_archived_channel_moves_everything_to_direct_messages(code: str) -> None:
    here = _town()
    archived = _Archived(here.chat, code)
    here.house = replace(here.house, chat=archived)
    here.type("stop")
    here.pass_time(10 * MINUTE)
    assert here.machine().owed == ()
    assert archived.tried < 20
    assert any("stopped" in p.message.text for p in here.chat.directs(ADA))


def test_more_quota_can_be_asked_for_where_the_bot_may_not_write() -> None:
    here = Town()
    here.chat.closed.add("C0ELSEWHERE")
    here.deliver(here.request("quota raise p3.2xlarge spot", channel="C0ELSEWHERE"))
    assert len(here.world.state()["quota_requests"]) == 1
    assert here.chat.directs(ADA)


def test_two_steps_at_once_post_a_notice_once() -> None:
    here = _town()
    here.house.wakes.wake(f"machine/{here.machine().id}")
    post = here.chat.post
    entered: list[bool] = []

    def another_step_meanwhile(*args: Any) -> Any:
        if not entered:
            entered.append(True)
            steps.step(here.house, here.machine().id)
        return post(*args)

    before = len(here.news())
    chat: Any = here.chat
    chat.post = another_step_meanwhile
    here.type("stop")
    here.pass_time(5 * MINUTE)
    told = [n for n in here.news()[before:] if "was stopped" in n.text]
    assert len(told) == 1


# ---- the sweep ------------------------------------------------------------------------------


class _NoTable:
    """A table that does not answer."""

    def watched(self) -> None:
        raise CloudError(classify("Query", "ReadTimeoutError", "", 0))

    def machines(self, ids: object) -> None:
        raise CloudError(classify("BatchGetItem", "ReadTimeoutError", "", 0))


def test_the_sweep_stops_what_is_overdue_without_any_ledger_and_says_what_failed() -> None:
    here = _town()
    lease = here.machine().lease
    assert lease is not None
    here.now = lease.deadline + 5 * MINUTE
    watch = Watch(
        cloud=here.house.cloud,
        ledger=_NoTable(),  # type: ignore[arg-type]  # all that the sweep asks of it
        wakes=here.wakes,
        policy=here.policy,
        clock=here.clock,
    )
    report = sweep(watch)
    assert len(report.done) == 1
    assert len(report.failed) == 2


def test_one_machine_that_cannot_be_stopped_does_not_save_the_next_one() -> None:
    here = _town()
    here.type("launch p3.2xlarge on-demand for 2h name carl")
    here.until_quiet(2 * MINUTE)
    here.sweeping = False
    here.wakes.lost = True
    here.now += timedelta(hours=3)
    here.control(do="fault", operation="StopInstances", code="OperationNotPermitted", times=4)
    watch = Watch(
        cloud=here.house.cloud,
        ledger=here.ledger,
        wakes=here.wakes,
        policy=here.policy,
        clock=here.clock,
    )
    report = sweep(watch)
    assert (len(report.done), len(report.failed)) == (1, 1)
    assert len(here.world.up()) == 1


# ---- addresses ------------------------------------------------------------------------------


def test_an_address_that_could_not_be_closed_is_closed_later() -> None:
    here = _town()
    here.type("allow 198.51.100.9 for 30m")
    here.control(
        do="fault", operation="RevokeSecurityGroupIngress", code="RequestLimitExceeded", times=2
    )
    here.pass_time(40 * MINUTE)
    assert {a.cidr for a in here.ledger.profile(ADA).accesses} == {"203.0.113.7/32"}
    ec2: Any = here._client("ec2")("us-east-1")
    group = ec2.describe_security_groups(GroupIds=[here.machine().group])["SecurityGroups"][0]
    open_to = [r["CidrIp"] for p in group["IpPermissions"] for r in p["IpRanges"]]
    assert open_to == ["203.0.113.7/32"]
