"""One launch, from the quota wall of a new account to the end, over the world in memory."""

from datetime import timedelta

import pytest

from core.model import ChoiceKind, DataVolume, HoldKind, Market, State
from sim.town import ADA, CHANNEL, KEY, LIN, SAM, Town, buttons, town

SECONDS = timedelta(seconds=1)
P_SPOT = "L-7212CCBC"  # All P4, P3 and P2 Spot Instance Requests


def _running(text: str = "launch p3.2xlarge on-demand for 2h") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(text)
    here.until_quiet()
    assert here.machine().state is State.RUNNING
    return here


def test_the_first_launch_of_a_new_account_meets_the_quota_wall_and_nothing_is_bought() -> None:
    here = Town()
    here.type("launch p3.2xlarge spot")
    m = here.machine()
    assert m.state is State.HELD
    assert m.hold is not None
    assert m.hold.kind is HoldKind.QUOTA
    assert (m.hold.needed, m.hold.quota and m.hold.quota.limit) == (8, 0)
    assert "0" in here.card().text
    assert "8" in here.card().text
    assert here.counts()["instances"] == 0
    assert here.counts()["groups"] == 0


def test_the_wall_also_names_the_missing_key_and_address() -> None:
    here = Town()
    here.type("launch p3.2xlarge spot")
    assert "/gpu key add" in here.card().text
    assert "/gpu allow" in here.card().text
    here.ready_to_launch()
    here.until_quiet()
    assert "/gpu key add" not in here.card().text


def test_asked_for_and_granted_the_waiting_launch_goes_on_by_itself() -> None:
    here = Town()
    here.type("launch p3.2xlarge spot for 1h")
    here.press(here.card(), "choose-1")
    assert here.machine().state is State.WAITING
    here.ready_to_launch()
    here.pass_time(timedelta(minutes=3))
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.ready_at is not None
    assert m.market is Market.SPOT
    assert m.instance is not None and m.instance.address
    assert f"ubuntu@{m.instance.address}" in "".join(n.text for n in here.news())
    assert here.failures == []


def test_asked_for_only_the_grant_is_told_and_the_launch_stays_held() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot for 1h")
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(minutes=3))
    assert here.machine().state is State.HELD
    assert any("granted" in n.text.lower() or "approved" in n.text.lower() for n in here.news())


def test_a_refused_quota_request_is_told_and_the_launch_is_held_again() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot for 1h")
    here.press(here.card(), "choose-1")
    request = here.world.state()["quota_requests"][0]["id"]
    here.control(do="deny-quota", request=request)
    here.pass_time(timedelta(minutes=3))
    assert here.machine().state is State.HELD
    assert here.counts()["instances"] == 0
    assert len(here.news()) >= 1


def test_without_a_key_and_an_address_a_launch_waits_for_them_and_then_goes_on() -> None:
    here = Town()
    here.with_quota()
    here.type("launch p3.2xlarge spot")
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.NO_ACCESS
    here.ready_to_launch()
    here.until_quiet()
    assert here.machine().state is State.RUNNING


def test_the_machine_is_closed_encrypted_tagged_and_the_owners() -> None:
    here = _running()
    m = here.machine()
    assert m.instance is not None
    ec2 = here._client("ec2")("us-east-1")
    found = ec2.describe_instances(InstanceIds=[m.instance.id])["Reservations"][0]["Instances"][0]
    marks = {t["Key"]: t["Value"] for t in found["Tags"]}
    assert marks["gpu:owner"] == ADA
    assert marks["gpu:channel"] == CHANNEL
    assert m.lease is not None
    assert marks["gpu:deadline"] == str(int(m.lease.deadline.timestamp()))
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    volumes = ec2.describe_volumes(Filters=[{"Name": "tag:gpu:machine", "Values": [m.id]}])
    assert [(v["Encrypted"], v["VolumeType"], v["Size"]) for v in volumes["Volumes"]] == [
        (True, "gp3", m.disk_gb)
    ]
    group = ec2.describe_security_groups(GroupIds=[found["SecurityGroups"][0]["GroupId"]])
    rules = group["SecurityGroups"][0]["IpPermissions"]
    assert [(r["FromPort"], r["ToPort"], r["IpRanges"][0]["CidrIp"]) for r in rules] == [
        (22, 22, "203.0.113.7/32")
    ]


def test_a_full_zone_is_passed_over_and_the_next_one_is_tried() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot")
    first = here.machine().placements or here.machine().tried
    again = Town()
    again.with_quota()
    again.ready_to_launch()
    assert here.machine().placement is not None or first
    zone = here.machine().placement.zone if here.machine().placement else first[0].zone  # type: ignore[union-attr]
    again.control(do="fill-zone", region="us-east-1", zone=zone)
    again.type("launch p3.2xlarge spot")
    again.until_quiet()
    m = again.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.zone != zone
    assert [t.zone for t in m.tried] == [zone]
    assert again.counts()["instances"] == 1


def test_with_every_zone_full_the_launch_is_held_with_other_ways_and_leaves_nothing() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch p3.2xlarge spot")
    here.until_quiet()
    m = here.machine()
    assert m.state is State.HELD
    assert m.hold is not None
    assert m.hold.kind is HoldKind.NO_CAPACITY
    assert 1 <= len(buttons(here.card())) <= 3
    assert here.counts() == {**here.counts(), "instances": 0, "groups": 0, "keys": 0, "volumes": 0}


def test_a_redelivered_command_is_the_same_machine() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    request = here.request("launch p3.2xlarge spot")
    for _ in range(5):
        here.deliver(request)
    here.until_quiet()
    assert len(here.ledger.everything()) == 1
    assert here.counts()["instances"] == 1


def test_the_same_command_twice_within_seconds_is_one_machine_and_says_so() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot")
    said = here.type("launch spot p3.2xlarge")
    assert len(here.ledger.everything()) == 1
    assert here.machine().name in said[0].text
    here.pass_time(31 * SECONDS)
    here.type("launch p3.2xlarge spot")
    assert len(here.ledger.everything()) == 2


def test_on_demand_stops_keeps_its_disk_starts_again_and_ends_without_a_trace() -> None:
    here = _running()
    name = here.machine().name
    here.type("stop")
    here.until_quiet()
    assert here.machine().state is State.STOPPED
    assert here.counts()["volumes"] == 1
    here.type(f"start {name} for 1h")
    here.until_quiet()
    assert here.machine().state is State.RUNNING
    here.type(f"end {name}")
    here.until_quiet()
    assert here.machine().state is State.ENDED
    assert set(here.counts().values()) == {0}
    assert here.failures == []


def test_stopping_a_spot_machine_is_asked_first_and_then_ends_it() -> None:
    here = _running("launch p3.2xlarge spot for 2h")
    question = here.type("stop")
    assert here.machine().desire is not here.machine().desire.GONE
    here.press(question[0], "end")
    here.until_quiet()
    assert here.machine().state is State.ENDED
    assert set(here.counts().values()) == {0}


def test_somebody_elses_machine_is_not_stopped_ended_extended_or_told_how_to_reach() -> None:
    here = _running()
    name, before = here.machine().name, here.machine()
    for text in (f"stop {name}", f"end {name}", f"extend {name} 2h", f"ssh {name}"):
        said = here.type(text, user=LIN)
        assert len(said) == 1
        assert before.instance is not None and str(before.instance.address) not in said[0].text
    here.press(here.card(), "stop", user=LIN)
    here.press(here.card(), "extend", user=LIN)
    assert here.machine() == before


def test_an_interrupted_spot_machine_is_told_of_and_ends() -> None:
    here = _running("launch p3.2xlarge spot for 2h")
    m = here.machine()
    assert m.instance is not None
    here.control(do="interrupt", instance=m.instance.id)
    here.pass_time(timedelta(minutes=5))
    assert here.machine().state is State.ENDED
    assert here.machine().cause is here.machine().cause.SPOT  # type: ignore[union-attr]
    assert here.counts()["instances"] == 0
    assert here.counts()["groups"] == 0


def test_a_machine_stopped_in_the_console_is_noticed() -> None:
    here = _running()
    m = here.machine()
    assert m.instance is not None
    here.control(do="stop-outside", instance=m.instance.id)
    here.pass_time(timedelta(minutes=1))
    assert here.machine().state is State.STOPPED


def test_a_slip_in_the_type_starts_nothing_and_names_the_nearest() -> None:
    here = Town()
    said = here.type("launch p3.2xlrge spot")
    assert here.ledger.everything() == ()
    assert "p3.2xlarge" in said[0].text


def test_above_the_price_limit_a_launch_is_held_except_for_an_admin() -> None:
    here = town(approval_above=POLICY_LIMIT)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand")
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.TOO_DEAR


POLICY_LIMIT = town().policy.approval_above / 10


def test_slack_being_down_delays_the_words_and_not_the_machine() -> None:
    here = _running()
    here.chat.down = True
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.deadline - here.now + timedelta(minutes=2))
    assert here.machine().state is State.STOPPED
    told = len(here.news())
    here.chat.down = False
    here.pass_time(timedelta(minutes=2))
    assert len(here.news()) > told
    assert here.machine().owed == ()


def test_a_launch_moved_to_another_region_leaves_nothing_in_the_first() -> None:
    here = Town()
    here.control(do="set-quota", region="us-east-1", code=P_SPOT, value=8)
    here.with_quota("us-west-2")
    here.ready_to_launch()
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch p3.2xlarge spot in us-east-1")
    here.until_quiet()
    hold = here.machine().hold
    assert hold is not None
    index = next(i for i, c in enumerate(hold.choices) if c.kind is ChoiceKind.REGION)
    here.press(here.card(), f"choose-{index}")
    here.until_quiet()
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.instance is not None
    assert m.instance.region == hold.choices[index].value
    assert here.counts()["groups"] == 1
    assert here.counts()["keys"] == 1


@pytest.mark.parametrize(
    ("text", "action", "kind"),
    [
        ("launch p3.2xlarge spot disk 10", "With a", ChoiceKind.DISK),
        ("launch p3.2xlarge spot image ami-0123456789abcdef0", "base", ChoiceKind.IMAGE),
    ],
)
def test_a_part_that_cannot_be_is_said_before_the_quota_and_mended_by_a_button(
    text: str, action: str, kind: ChoiceKind
) -> None:
    here = Town()
    here.ready_to_launch()
    here.type(text)
    hold = here.machine().hold
    assert hold is not None
    assert [c.kind for c in hold.choices] == [kind]
    assert action in buttons(here.card())[0]["text"]["text"]
    here.press(here.card(), "choose-0")
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.QUOTA


def test_above_the_limit_nothing_that_is_dearer_still_is_offered() -> None:
    here = town(approval_above=POLICY_LIMIT)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand")
    hold = here.machine().hold
    assert hold is not None
    asks, *others = hold.choices
    assert asks.kind is ChoiceKind.APPROVAL
    assert others
    assert all(c.hourly is not None and c.hourly <= POLICY_LIMIT for c in others)


def test_a_slip_keeps_the_other_words_of_the_command() -> None:
    said = Town().type("launch p3.2xlrge spot for 2h")
    assert "/gpu launch p3.2xlarge spot for 2h" in said[0].text


def test_an_ipv6_address_alone_does_not_count_as_a_way_in() -> None:
    here = Town()
    here.with_quota()
    here.type(f"key add {KEY}")
    here.type("allow 2001:db8::7")
    here.type("launch p3.2xlarge spot")
    hold = here.machine().hold
    assert hold is not None
    assert hold.lacks_address


def test_an_admin_may_extend_beyond_the_longest_lease_and_others_may_not() -> None:
    here = _running()
    name = here.machine().name
    here.type(f"extend {name} 40h")
    lease = here.machine().lease
    assert lease is not None
    before = lease.deadline
    assert before - here.now < timedelta(hours=24)
    here.type(f"extend {name} 40h", user=SAM)
    lease = here.machine().lease
    assert lease is not None
    assert lease.deadline == before + timedelta(hours=40)


def test_a_refusal_of_a_request_that_nobody_waits_for_freshens_the_card() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot for 1h")
    old = here.card()
    here.press(old, "choose-0")
    here.control(do="deny-quota", request=here.world.state()["quota_requests"][0]["id"])
    here.pass_time(timedelta(minutes=2))
    assert "still to decide" not in here.card().text
    assert "Ask AWS for 8" in here.card().text
    assert here.type("list")
    said = here.press(old, "choose-1")
    assert here.machine().state is State.HELD
    assert "old" in said[0].text


def test_a_grant_of_a_request_that_nobody_waits_for_offers_to_launch() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot for 1h")
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(minutes=2))
    assert buttons(here.card())[0]["text"]["text"] == "Launch now"
    here.press(here.card(), "choose-0")
    here.until_quiet()
    assert here.machine().state is State.RUNNING


def test_the_room_is_counted_again_before_aws_is_asked() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch p3.2xlarge spot for 1h")
    here.control(do="set-quota", region="us-east-1", code=P_SPOT, value=8)
    here.press(here.card(), "choose-1")
    here.until_quiet()
    assert here.world.state()["quota_requests"] == []
    assert here.machine().state is State.RUNNING


def test_a_machine_that_ec2_takes_back_offers_no_extension() -> None:
    here = _running("launch p3.2xlarge spot for 2h")
    m = here.machine()
    assert m.instance is not None
    here.control(do="interrupt", instance=m.instance.id)
    here.pass_time(timedelta(seconds=5))
    assert "takes" in here.card().text
    assert "extend" not in {b["action_id"] for b in buttons(here.card())}


def test_a_name_that_somebody_has_taken_starts_nothing_and_says_whose_it_is() -> None:
    here = _running("launch p3.2xlarge on-demand for 2h name bert")
    here.ready_to_launch(LIN)
    (said,) = here.type("launch p3.2xlarge on-demand for 2h name bert", LIN)
    assert f"(<@{ADA}>'s)" in said.text and "Nothing was started" in said.text
    assert "&lt;" not in said.text
    assert len(here.ledger.everything()) == 1
    data = "launch p3.2xlarge on-demand for 2h name bert data 100"
    assert f"(<@{ADA}>'s)" in here.type(data, LIN)[0].text
    assert here.ledger.rows(DataVolume) == ()


def _without_capacity() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch p3.2xlarge spot for 2h name bert")
    here.until_quiet()
    hold = here.machine().hold
    assert hold is not None
    index = [c.kind for c in hold.choices].index(ChoiceKind.KEEP_TRYING)
    here.press(here.card(), f"choose-{index}")
    assert here.machine().state is State.WAITING
    return here


def test_kept_trying_it_launches_by_itself_once_there_is_capacity() -> None:
    here = _without_capacity()
    here.pass_time(timedelta(minutes=20))
    assert here.machine().state is State.WAITING
    assert 4 <= here.machine().attempts / 4 <= 12, "a few rounds, with longer and longer pauses"
    assert "keeps trying" in here.card().text
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(timedelta(minutes=6))
    assert here.machine().state is State.RUNNING
    assert here.counts()["instances"] == 1


def test_what_keeps_trying_can_be_cancelled_and_leaves_nothing() -> None:
    here = _without_capacity()
    here.pass_time(timedelta(minutes=5))
    here.press(here.card(), "cancel")
    here.pass_time(timedelta(minutes=2))
    assert here.machine().state is State.FAILED
    assert set(here.counts().values()) == {0}


def test_what_keeps_trying_ends_at_its_time_and_says_so() -> None:
    here = _without_capacity()
    here.pass_time(timedelta(hours=8, minutes=10))
    assert here.machine().state is State.FAILED
    assert any("was not launched" in n.text for n in here.news())
    assert set(here.counts().values()) == {0}
