"""`/gpu quota`: what may run where, what is under way, and what has been asked of AWS."""

from datetime import timedelta

import pytest

from core.flows.limits import quota_facts, region_quotas
from core.messages.words import at
from core.model import Market, QuotaRequest, QuotaStatus, State
from sim.town import CHANNEL, LIN, Town, town

G_SPOT, G_ON_DEMAND = "L-3819A6DF", "L-DB2E81BA"
P5_SPOT, P_SPOT = "L-C4BD4855", "L-7212CCBC"
R = "us-east-1"


def _said(here: Town, text: str) -> str:
    return "\n".join(m.text for m in here.type(text))


def test_every_allowed_region_and_family_is_shown_with_what_is_used() -> None:
    here = Town()
    here.control(do="set-quota", region=R, code=G_SPOT, value=16)
    here.control(do="set-quota", region="eu-west-1", code=P5_SPOT, value=192)
    here.ready_to_launch()
    here.type(f"launch g5.xlarge spot in {R}")
    here.until_quiet()
    said = _said(here, "quota")
    for region in here.policy.regions:
        assert f"*{region}*" in said
    assert "*G and VT-type spot*: limit 16, used 4, free 12" in said
    assert "*P5-type spot*: limit 192, used 0, free 192" in said
    assert "limit 0, spot: DL, F, Inf, P, Trn" in said.replace("P5, ", "")
    assert "Standard" not in said


def test_one_type_is_shown_in_all_regions_with_how_many_fit() -> None:
    here = Town()
    here.control(do="set-quota", region="us-west-2", code=G_ON_DEMAND, value=10)
    said = _said(here, "quota g5.xlarge")
    assert "`g5.xlarge` needs 4 vCPUs" in said
    assert "limit 10, used 0, free 10: room for 2" in said
    assert said.count("room for none") == 5
    assert said == _said(here, "quota 1xA10G")


def test_a_region_that_does_not_answer_is_shown_as_such_beside_the_others() -> None:
    here = Town()
    here.control(do="set-quota", region=R, code=G_SPOT, value=16)
    here.control(
        do="fault",
        operation="ListServiceQuotas",
        code="AccessDeniedException",
        times=9,
        region="us-west-2",
    )
    said = _said(here, "quota")
    assert "limit 16" in said
    assert "not known now: AWS does not let the bot do this" in said


def test_a_type_that_ec2_does_not_know_is_answered_with_the_nearest() -> None:
    said = _said(Town(), "quota g5.xlrge")
    assert "EC2 does not know g5.xlrge" in said
    assert "/gpu quota g5.xlarge" in said


def test_our_own_launches_that_ec2_does_not_show_yet_are_counted() -> None:
    here = Town()
    here.with_quota(R, 16)
    here.ready_to_launch()
    here.control(
        do="fault", operation="RunInstances", code="timeout-without-effect", times=1, region=R
    )
    here.type(f"launch g5.xlarge spot in {R}")
    assert here.machine().state is State.LAUNCHING
    facts = quota_facts(here.house, R, "g6.xlarge", Market.SPOT)
    assert (facts.used, facts.in_flight, facts.room) == (0, 4, 12)
    by_name = {f.code: f for f in region_quotas(here.house, R)}
    assert by_name[G_SPOT].in_flight == 4
    assert by_name[G_ON_DEMAND].in_flight == 0
    assert "4 being launched" in _said(here, "quota")
    here.until_quiet()
    facts = quota_facts(here.house, R, "g6.xlarge", Market.SPOT)
    assert (facts.used, facts.in_flight) == (4, 0)


@pytest.mark.parametrize(("count", "vcpus"), [("", 4), (" x3", 12)])
def test_a_launch_that_ec2_shows_before_its_row_knows_it_is_counted_once(
    count: str, vcpus: int
) -> None:
    here = Town()
    here.with_quota(R, 16)
    here.ready_to_launch()
    here.ready_to_launch(LIN)
    here.control(do="fault", operation="RunInstances", code="InternalError", effect=True, times=1)
    here.type(f"launch g5.xlarge on-demand in {R} for 2h{count}")
    here.now += timedelta(seconds=5)
    assert here.machine().attempt is not None
    facts = quota_facts(here.house, R, "g5.xlarge", Market.ON_DEMAND)
    assert (facts.used, facts.in_flight) == (vcpus, 0)
    by_name = {f.code: f for f in region_quotas(here.house, R)}
    assert (by_name[G_ON_DEMAND].used, by_name[G_ON_DEMAND].in_flight) == (vcpus, 0)
    here.type(f"launch g5.xlarge on-demand in {R} for 2h", LIN)
    here.until_quiet()
    assert here.machine().state is State.RUNNING


def test_of_a_group_that_ec2_shows_in_part_the_rest_is_in_flight() -> None:
    here = Town()
    here.with_quota(R, 16)
    here.ready_to_launch()
    here.control(do="fault", operation="RunInstances", code="InternalError", effect=True, times=1)
    here.type(f"launch g5.xlarge on-demand in {R} for 2h x3")
    here.now += timedelta(seconds=5)
    here.control(do="terminate-outside", instance=here.world.state()["instances"][0]["id"])
    facts = quota_facts(here.house, R, "g5.xlarge", Market.ON_DEMAND)
    assert (facts.used, facts.in_flight) == (8, 4)


def test_where_aws_names_no_quota_for_a_type_the_one_with_the_most_room_is_shown() -> None:
    here = Town()
    none = quota_facts(here.house, R, "p6-b200.48xlarge", Market.SPOT)
    assert none.unsure
    assert none.room == 0
    here.control(do="set-quota", region=R, code=P_SPOT, value=8)
    assert quota_facts(here.house, R, "p6-b200.48xlarge", Market.SPOT).code == P_SPOT
    here.control(do="set-quota", region=R, code=P5_SPOT, value=192)
    assert quota_facts(here.house, R, "p6-b200.48xlarge", Market.SPOT).code == P5_SPOT
    assert "does not say which quota counts this type" in _said(here, "quota p6-b200.48xlarge")


def test_a_request_that_was_made_without_the_bot_is_followed_and_not_made_again() -> None:
    here = Town()
    here.ready_to_launch()
    here.control(do="settings", quota_decision=None)
    made = here.house.quotas.raise_to(R, G_SPOT, 32)
    here.type(f"quota raise g5.xlarge spot in {R}")
    assert "open request already: 32 G and VT-type spot vCPUs" in here.news()[-1].text
    assert len(here.world.state()["quota_requests"]) == 1
    here.control(do="grant-quota", request=made.id)
    here.pass_time(timedelta(minutes=2))
    assert "granted" in here.news()[-1].text
    assert here.failures == []


def test_the_second_person_who_asks_sees_the_first_request_with_its_state() -> None:
    here = Town()
    here.control(do="settings", quota_decision=None)
    here.type(f"quota raise g5.xlarge spot in {R}")
    said = "\n".join(m.text for m in here.type(f"quota raise g5.2xlarge spot in {R}", LIN))
    assert "open request already: 4 G and VT-type" in said
    assert len(here.world.state()["quota_requests"]) == 1


@pytest.mark.parametrize("granted", [2, 4])
def test_a_part_of_what_was_asked_lets_a_launch_go_on_only_if_it_fits(granted: int) -> None:
    here = Town()
    here.ready_to_launch()
    here.control(do="settings", quota_decision=None)
    here.type(f"launch g5.xlarge spot in {R}")
    here.press(here.card(), "choose-1")
    request = here.world.state()["quota_requests"][0]
    here.control(do="grant-quota", request=request["id"], value=granted)
    here.pass_time(timedelta(minutes=3))
    assert here.machine().state is (State.RUNNING if granted >= 4 else State.HELD)
    if granted < 4:
        assert f"may run {granted} G and VT-type spot vCPUs" in here.card().text
        assert any("granted a part" in p.message.text for p in here.chat.channel(CHANNEL))


def test_what_was_wanted_until_an_hour_waits_no_longer_than_that() -> None:
    here = Town()
    here.ready_to_launch()
    here.control(do="settings", quota_decision=None)
    here.type(f"launch g5.xlarge spot in {R} until 18:00 name bert")
    ends = here.now.replace(hour=18, minute=0, second=0, microsecond=0)
    assert (here.machine().state, here.machine().launch_by) == (State.HELD, ends)
    assert f"Open until {at(ends)}" in here.card().text
    here.press(here.card(), "choose-1")
    assert (here.machine().state, here.machine().launch_by) == (State.WAITING, ends)
    assert f"when it is granted, until {at(ends)}" in here.card().text
    here.pass_time(ends + timedelta(minutes=1) - here.now)
    assert here.machine().state is State.FAILED
    assert here.ledger.named("bert") is None


def test_a_held_launch_is_given_up_at_the_hour_until_which_it_was_wanted() -> None:
    here = Town()
    here.ready_to_launch()
    here.type(f"launch g5.xlarge spot in {R} until 18:00 name bert")
    here.pass_time(timedelta(hours=10))
    assert here.machine().state is State.FAILED
    assert "its time ran out" in here.card().text


def test_asking_in_a_throttled_moment_is_no_refusal() -> None:
    here = Town()
    here.ready_to_launch()
    here.type(f"launch g5.xlarge spot in {R}")
    here.control(
        do="fault",
        operation="RequestServiceQuotaIncrease",
        code="TooManyRequestsException",
        times=1,
    )
    with pytest.raises(Exception, match="TooManyRequests"):  # the queue delivers it again
        here.press(here.card(), "choose-1")
    assert here.machine().state is State.HELD
    here.press(here.card(), "choose-1")
    assert here.machine().state is State.WAITING


def test_a_region_that_may_not_be_used_is_not_asked_about_quotas() -> None:
    here = Town()
    said = _said(here, "quota g5.xlarge in ap-south-1")
    assert "not a region that may be used here" in said


def test_aws_is_asked_for_more_only_from_where_machines_may_be_launched() -> None:
    here = town(channels=frozenset({"C0OTHER"}))
    said = _said(here, "quota raise g5.xlarge spot")
    assert "may not be launched from this channel" in said
    assert here.ledger.quota_requests() == ()


def _granted_unseen(here: Town, minutes: int, **more: int) -> None:
    request = here.world.state()["quota_requests"][0]["id"]
    here.control(do="grant-quota", request=request, shown_after=60 * minutes, **more)


def test_a_launch_waits_until_the_limit_shows_what_was_approved() -> None:
    here = _waits_for_quota()
    _granted_unseen(here, 20)
    here.pass_time(timedelta(minutes=10))
    assert here.machine().state is State.WAITING
    assert "granted" in _said(here, "quota") and "does not show it yet" in _said(here, "quota")
    assert "open request already" in _said(here, f"quota raise g5.xlarge spot in {R}")
    assert not [m for m in here.news() if "AWS granted" in m.text or "still shows" in m.text]
    here.pass_time(timedelta(minutes=25))
    assert here.machine().state is State.RUNNING
    assert [m.text for m in here.news() if "AWS granted it" in m.text]
    assert len(here.world.state()["quota_requests"]) == 1
    assert [line.what for line in here.machine().history if "held" in line.what] == ["held: quota"]
    assert here.failures == []


def test_a_part_that_shows_late_is_told_as_soon_as_it_does() -> None:
    here = _waits_for_quota()
    _granted_unseen(here, 5, value=2)
    here.pass_time(timedelta(minutes=8))
    assert here.machine().state is State.HELD
    assert [m.text for m in here.news() if "granted a part: 2" in m.text]


def test_an_approval_that_never_shows_is_told_after_a_while() -> None:
    here = _waits_for_quota()
    _granted_unseen(here, 10**6)
    here.pass_time(timedelta(minutes=40))
    assert here.machine().state is State.WAITING
    here.pass_time(timedelta(minutes=25))
    assert here.machine().state is State.HELD
    assert [m.text for m in here.news() if "the limit still shows 0" in m.text]
    assert (_asked(here).status, _asked(here).told) == (QuotaStatus.APPROVED, True)


NO_WORD = pytest.mark.parametrize("code", ["NoSuchResourceException", "AccessDeniedException"])


def _waits_for_quota() -> Town:
    here = Town()
    here.ready_to_launch()
    here.control(do="settings", quota_decision=None)
    here.type(f"launch g5.xlarge spot in {R}")
    here.press(here.card(), "choose-1")
    return here


def _asked(here: Town) -> QuotaRequest:
    row = here.ledger.quota_request(f"{R}/{G_SPOT}")
    assert row is not None
    return row


def _refused(here: Town, operation: str, code: str) -> None:
    here.control(do="fault", operation=operation, code=code, times=10**6)


@NO_WORD
def test_where_aws_will_not_tell_of_a_request_it_is_asked_now_and_then(code: str) -> None:
    here = _waits_for_quota()
    _refused(here, "GetRequestedServiceQuotaChange", code)
    here.pass_time(timedelta(hours=1))
    due = _asked(here).due_at
    assert due is not None
    assert due > here.now
    assert here.failures == []
    here.control(do="clear-faults")
    here.control(do="grant-quota", request=here.world.state()["quota_requests"][0]["id"])
    here.pass_time(timedelta(minutes=20))
    assert here.machine().state is State.RUNNING
    assert _asked(here).refused_since is None


@pytest.mark.usefixtures("without_wire")
@NO_WORD
def test_after_days_of_that_it_is_told_as_unknown_and_left(code: str) -> None:
    here = _waits_for_quota()
    here.strikes_every = timedelta(hours=1)
    _refused(here, "GetRequestedServiceQuotaChange", code)
    here.pass_time(timedelta(days=2, hours=23))
    assert not any("is not known" in m.text for m in here.news())
    here.pass_time(timedelta(hours=2))
    (told,) = [m for m in here.news() if "is not known" in m.text]
    assert "Nothing was started" in told.text
    row = _asked(here)
    assert (row.status, row.told, row.due_at) == (QuotaStatus.UNKNOWN, True, None)
    assert here.machine().state is not State.WAITING
    assert here.failures == []


@pytest.mark.usefixtures("without_wire")
def test_what_was_granted_counts_as_granted_where_aws_will_not_tell_the_limit() -> None:
    here = Town()
    here.strikes_every = timedelta(hours=1)
    here.control(do="settings", quota_decision=None)
    here.type(f"quota raise g5.xlarge spot in {R}")
    _refused(here, "GetServiceQuota", "AccessDeniedException")
    here.control(do="grant-quota", request=here.world.state()["quota_requests"][0]["id"])
    here.pass_time(timedelta(days=3, hours=1))
    row = _asked(here)
    assert (row.status, row.told, row.due_at) == (QuotaStatus.APPROVED, True, None)
    assert any("AWS granted it" in m.text for m in here.news())
    assert here.failures == []
