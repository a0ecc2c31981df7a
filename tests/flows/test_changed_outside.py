"""What somebody changes in the console: EC2 counts, the lease stays, and each is told once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.model import State
from sim.town import Town

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def _running(kind: str = "g5.xlarge on-demand", length: str = "4h") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"launch {kind} in us-east-1 for {length} name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _ec2(here: Town) -> Any:
    return here._client("ec2")("us-east-1")


def _id(here: Town) -> str:
    instance = here.machine().instance
    assert instance is not None
    return instance.id


def _tags(here: Town) -> dict[str, str]:
    shown = here.world.state()["instances"]
    return next(dict(one["tags"]) for one in shown if one["id"] == _id(here))


def _is_right(here: Town) -> bool:
    lease = here.machine().lease
    assert lease is not None
    return _tags(here).get("gpu:deadline") == str(int(lease.deadline.timestamp()))


def _said(here: Town, words: str) -> list[str]:
    return [one.text for one in here.news() if words in one.text]


# ---- tags -----------------------------------------------------------------------------------


def _moved(here: Town) -> None:
    later = str(int((here.now + timedelta(days=9)).timestamp()))
    _ec2(here).create_tags(Resources=[_id(here)], Tags=[{"Key": "gpu:deadline", "Value": later}])


def _removed(here: Town) -> None:
    _ec2(here).delete_tags(Resources=[_id(here)], Tags=[{"Key": "gpu:deadline"}])


def _spoilt(here: Town) -> None:
    tag = {"Key": "gpu:deadline", "Value": "never"}
    _ec2(here).create_tags(Resources=[_id(here)], Tags=[tag])


@pytest.mark.parametrize("edit", [_moved, _removed, _spoilt])
def test_a_deadline_tag_edited_by_hand_is_put_back_within_two_minutes_and_told_once(
    edit: Any,
) -> None:
    here = _running()
    edit(here)
    assert not _is_right(here)
    here.pass_time(2 * MINUTE)
    assert _is_right(here)
    edit(here)
    here.pass_time(5 * MINUTE)
    assert _is_right(here)
    assert len(_said(here, "`gpu:deadline` tag of *bert*")) == 1
    assert here.failures == []


@pytest.mark.parametrize("edit", [_moved, _removed, _spoilt])
def test_it_is_stopped_at_its_lease_whatever_the_tag_said(edit: Any) -> None:
    here = _running(length="20m")
    edit(here)
    lease = here.machine().lease
    assert lease is not None
    here.pass_time(lease.deadline + 2 * MINUTE - here.now)
    assert here.machine().state is State.STOPPED


def test_an_extension_is_no_change_from_outside() -> None:
    here = _running()
    here.type("extend bert 1h")
    here.pass_time(15 * MINUTE)
    assert _is_right(here)
    assert _said(here, "gpu:deadline") == []


def test_an_extension_whose_tag_could_not_be_moved_is_no_change_from_outside() -> None:
    here = _running()
    here.control(do="fault", operation="CreateTags", code="RequestLimitExceeded", times=20)
    here.type("extend bert 1h")
    here.pass_time(20 * MINUTE)
    assert _is_right(here)
    assert _said(here, "gpu:deadline") == []


@pytest.mark.parametrize("key", ["gpu:machine", "gpu:stack"])
def test_without_its_marks_its_row_knows_it_still_and_stops_it(key: str) -> None:
    here = _running(length="20m")
    _ec2(here).delete_tags(Resources=[_id(here)], Tags=[{"Key": key}])
    here.pass_time(25 * MINUTE)
    assert here.machine().state is State.STOPPED
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.ENDED
    assert here.counts()["instances"] == 0


def test_a_foreign_instance_with_its_marks_is_not_taken_for_it() -> None:
    here = _running()
    mine = _id(here)
    shown = _ec2(here).describe_instances(InstanceIds=[mine])["Reservations"][0]["Instances"][0]
    tags = [{"Key": k, "Value": v} for k, v in _tags(here).items()]
    bought = _ec2(here).run_instances(
        ImageId=shown["ImageId"],
        InstanceType="g5.xlarge",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    here.pass_time(30 * MINUTE)
    assert _id(here) == mine
    assert here.machine().members == ()
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.ENDED
    foreign = bought["Instances"][0]["InstanceId"]
    assert foreign not in here.world.up()  # nobody watches it, so the sweep has stopped it


# ---- started --------------------------------------------------------------------------------


def _stopped(here: Town) -> None:
    here.type("stop bert")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.STOPPED


def test_what_is_started_outside_has_a_lease_of_the_usual_length_and_its_owner_is_told_once() -> (
    None
):
    here = _running(length="20m")
    here.pass_time(40 * MINUTE)
    assert here.machine().state is State.STOPPED
    _ec2(here).start_instances(InstanceIds=[_id(here)])
    here.pass_time(15 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.lease is not None
    assert timedelta(hours=3) < m.lease.deadline - here.now < timedelta(hours=4)
    assert _is_right(here)
    (said,) = _said(here, "was started outside the bot")
    assert "It has a lease of 4 h" in said
    assert "$1.006/h" in said
    here.pass_time(timedelta(hours=4))
    assert here.machine().state is State.STOPPED
    assert len(_said(here, "was started outside the bot")) == 1
    assert here.failures == []


def test_a_start_outside_of_which_no_event_tells_is_found_by_the_sweep() -> None:
    here = _running()
    _stopped(here)
    _ec2(here).start_instances(InstanceIds=[_id(here)])
    here.now += 5 * SECOND
    here.world.tick()  # its event is lost
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert len(_said(here, "was started outside the bot")) == 1


# ---- its type -------------------------------------------------------------------------------


def _retyped(here: Town, name: str = "g5.2xlarge") -> None:
    _ec2(here).modify_instance_attribute(InstanceId=_id(here), InstanceType={"Value": name})


@pytest.mark.parametrize("start", ["by the bot", "outside"])
def test_a_type_changed_by_hand_is_followed_with_its_price_and_told_once(start: str) -> None:
    here = _running()
    _stopped(here)
    _retyped(here)
    if start == "outside":
        _ec2(here).start_instances(InstanceIds=[_id(here)])
    else:
        here.type("start bert")
    here.pass_time(15 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.instance_type == "g5.2xlarge"
    assert m.facts is not None
    assert m.facts.name == "g5.2xlarge"
    assert m.hourly == Decimal("1.212")
    assert m.runs[-1].hourly == m.hourly
    (said,) = _said(here, "The type of *bert* was changed outside the bot")
    assert "from `g5.xlarge` to `g5.2xlarge`" in said
    assert "$1.212/h" in said
    assert here.failures == []


def test_a_type_without_a_price_is_said_to_have_none() -> None:
    here = _running()
    _stopped(here)
    _retyped(here)
    here.control(do="remove-prices", region="us-east-1")
    _ec2(here).start_instances(InstanceIds=[_id(here)])
    here.pass_time(5 * MINUTE)
    (said,) = _said(here, "The type of *bert* was changed outside the bot")
    assert "AWS lists no price for it" in said
    assert here.machine().hourly == Decimal("1.006")
