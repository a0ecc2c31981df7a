"""Nothing that a machine brought to EC2 outlives it unasked, whichever way it ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.model import FINAL, State
from sim.town import ADA, CHANNEL, LIN, SAM, Town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
R = "us-east-1"


def _town(market: str = "spot") -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"launch p3.2xlarge {market} in {R} for 2h name bert")
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _ec2(here: Town) -> Any:
    return here._client("ec2")(R)


def _tagged(here: Town) -> list[str]:
    """Ids of everything alive that carries this deployment's mark, as EC2 shows it."""
    ec2, ours = _ec2(here), [{"Name": "tag:gpu:stack", "Values": ["gpu"]}]
    alive = [{"Name": "state", "Values": ["open", "active"]}]
    return [
        *(v["VolumeId"] for v in ec2.describe_volumes(Filters=ours)["Volumes"]),
        *(g["GroupId"] for g in ec2.describe_security_groups(Filters=ours)["SecurityGroups"]),
        *(k["KeyName"] for k in ec2.describe_key_pairs(Filters=ours)["KeyPairs"]),
        *(
            s["SpotInstanceRequestId"]
            for s in ec2.describe_spot_instance_requests(Filters=[*ours, *alive])[
                "SpotInstanceRequests"
            ]
        ),
        *(s["SnapshotId"] for s in ec2.describe_snapshots(Filters=ours)["Snapshots"]),
        *(
            i["InstanceId"]
            for r in ec2.describe_instances(Filters=ours)["Reservations"]
            for i in r["Instances"]
            if i["State"]["Name"] != "terminated"
        ),
    ]


def _instance(here: Town) -> str:
    found = here.machine().instance
    assert found is not None
    return found.id


def _end(here: Town) -> None:
    here.type("end bert")


def _stop_all(here: Town) -> None:
    here.type("stop all yes")


def _interrupted(here: Town) -> None:
    here.control(do="interrupt", instance=_instance(here))


def _ended_outside(here: Town) -> None:
    here.control(do="terminate-outside", instance=_instance(here))


def _shut_down_inside(here: Town) -> None:
    here.control(do="stop-outside", instance=_instance(here))


@pytest.mark.parametrize(
    "way", [_end, _stop_all, _interrupted, _ended_outside, _shut_down_inside, lambda _: None]
)
def test_a_spot_machine_that_is_over_has_left_nothing(way: Callable[[Town], None]) -> None:
    here = _town()
    assert len(_tagged(here)) == 5
    way(here)
    here.pass_time(3 * HOUR)
    assert here.machine().state is State.ENDED
    assert _tagged(here) == []
    assert not here.failures


def test_a_launch_that_came_to_nothing_has_left_nothing() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="fill-zone", region=R)
    made = []
    cloud: Any = here.house.cloud
    ensure = cloud.ensure_group

    def ensured(*args: Any) -> Any:
        made.append(ensure(*args))
        return made[-1]

    cloud.ensure_group = ensured
    here.type(f"launch p3.2xlarge spot in {R} name bert")
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert made
    assert here.machine().state is State.FAILED
    assert _tagged(here) == []


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("DeleteSecurityGroup", "DependencyViolation"),
        ("DeleteKeyPair", "RequestLimitExceeded"),
        ("DescribeVolumes", "InternalError"),
        ("DescribeSpotInstanceRequests", "UnauthorizedOperation"),
    ],
)
def test_what_cannot_be_deleted_at_first_is_deleted_later(operation: str, code: str) -> None:
    here = _town()
    here.control(do="fault", operation=operation, code=code, times=3)
    here.type("end bert")
    here.pass_time(20 * MINUTE)
    assert here.machine().state is State.ENDED
    assert _tagged(here) == []


def _named_by_another(here: Town) -> tuple[str, Any]:
    """A group made by hand has a rule that names the machine's own."""
    ec2 = _ec2(here)
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    other = ec2.create_security_group(GroupName="by-hand", Description="x", VpcId=vpc["VpcId"])
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "UserIdGroupPairs": [{"GroupId": here.machine().group}],
    }
    ec2.authorize_security_group_ingress(GroupId=other["GroupId"], IpPermissions=[rule])
    return other["GroupId"], rule


def test_what_ec2_holds_on_to_is_told_once_and_goes_when_it_can() -> None:
    here = _town()
    group = here.machine().group
    other, rule = _named_by_another(here)
    calls = here.hearing("DeleteSecurityGroup")
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.ENDING
    here.pass_time(2 * HOUR)
    m = here.machine()
    assert (m.state, m.due_at) == (State.ENDED, None)
    (said,) = [n for n in here.news() if "*bert* was ended by" in n.text]
    assert (
        f"did not let go of its security group `{group}` in {R}, which costs nothing" in said.text
    )
    assert "Its instance is gone and costs nothing." in said.text
    (to_admin,) = here.chat.directs(SAM)
    assert f"Name=ip-permission.group-id,Values={group}" in to_admin.message.text
    assert len(calls) < 40
    assert _tagged(here) == [group]
    here.type(f"launch p3.2xlarge spot in {R} for 2h name bert", user=LIN)
    m = here.machine()
    assert (m.name, m.owner) == ("bert", LIN), "the name is free"
    _ec2(here).revoke_security_group_ingress(GroupId=other, IpPermissions=[rule])
    here.pass_time(HOUR)
    assert group not in _tagged(here)
    assert (len(here.chat.directs(SAM)), here.failures) == (1, [])


def test_a_snapshot_that_an_image_made_by_hand_uses_is_told_with_what_it_costs() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"launch p3.2xlarge spot keep in {R} for 2h name bert")
    here.until_quiet(2 * MINUTE)
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    kept = here.machine().kept
    assert kept is not None
    ebs = {"SnapshotId": kept.snapshot, "VolumeSize": kept.gb}
    mine = _ec2(here).register_image(
        Name="by-hand",
        Architecture="x86_64",
        RootDeviceName="/dev/sda1",
        VirtualizationType="hvm",
        EnaSupport=True,
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": ebs}],
    )
    here.type("end bert")
    here.pass_time(20 * MINUTE)
    assert here.machine().state is State.ENDED
    said = here.news()[-1].text
    assert f"did not let go of its snapshot `{kept.snapshot}`" in said
    assert "costs about $2.50 a month until then" in said
    assert "perhaps an image uses it" in here.chat.directs(SAM)[-1].message.text
    _ec2(here).deregister_image(ImageId=mine["ImageId"])
    here.pass_time(2 * HOUR + 10 * MINUTE)
    assert _tagged(here) == []


def test_where_ec2_does_not_say_what_is_left_that_is_said_and_it_is_gone_later() -> None:
    here = _town()
    here.control(do="fault", operation="DescribeVolumes", code="UnauthorizedOperation", times=999)
    here.type("end bert")
    here.pass_time(20 * MINUTE)
    assert here.machine().state is State.ENDED
    assert "AWS did not say what else of it is left" in here.news()[-1].text
    (to_admin,) = here.chat.directs(SAM)
    assert "AWS answered `UnauthorizedOperation`." in to_admin.message.text
    here.control(do="clear-faults")
    _stray_disk(here)
    here.pass_time(2 * HOUR + 10 * MINUTE)
    assert _tagged(here) == []


def _stray_disk(here: Town, *, machine: str | None = None, **tags: str) -> str:
    """A disk that nothing will delete by itself, as DeleteOnTermination=False leaves one."""
    marks = {"gpu:stack": "gpu", "gpu:machine": machine or here.machine().id, **tags}
    made = _ec2(here).create_volume(
        AvailabilityZone="us-east-1a",
        Size=40,
        VolumeType="gp3",
        TagSpecifications=[
            {
                "ResourceType": "volume",
                "Tags": [{"Key": key, "Value": value} for key, value in marks.items()],
            }
        ],
    )
    return str(made["VolumeId"])


def test_a_disk_that_ec2_has_not_deleted_goes_with_its_machine() -> None:
    here = _town()
    _stray_disk(here)
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.ENDED
    assert _tagged(here) == []


def test_a_data_volume_outlives_its_machine() -> None:
    here = _town()
    kept = _stray_disk(here, **{"gpu:data": "U0ADA.bert"})
    here.type("end bert")
    here.pass_time(3 * HOUR)
    assert here.machine().state is State.ENDED
    assert _tagged(here) == [kept]


def test_a_stopped_machine_keeps_what_it_has() -> None:
    here = _town("on-demand")
    before = _tagged(here)
    here.type("stop")
    here.pass_time(3 * HOUR)
    assert here.machine().state is State.STOPPED
    assert _tagged(here) == before


# ---- the hourly look ------------------------------------------------------------------------


def test_what_turns_up_after_the_end_is_deleted_within_two_hours() -> None:
    here = _town()
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    assert here.machine().state in FINAL
    _stray_disk(here)
    here.pass_time(2 * HOUR + 10 * MINUTE)
    assert _tagged(here) == []
    assert not here.chat.directs(SAM)


def test_a_disk_that_no_row_knows_is_told_to_the_admins_once_a_day_and_left_alone() -> None:
    here = Town()
    here.ready_to_launch()
    unknown = _stray_disk(here, machine="m-nobody")
    here.pass_time(6 * HOUR)
    assert _tagged(here) == [unknown]
    (told,) = here.chat.directs(SAM)
    assert unknown in told.message.text
    assert "$3.20" in told.message.text
    here.pass_time(timedelta(hours=24))
    assert len(here.chat.directs(SAM)) == 2
    assert not here.chat.directs(ADA)


def test_a_young_disk_is_nobodys_business_yet() -> None:
    here = Town()
    here.ready_to_launch()
    here.pass_time(HOUR)
    _stray_disk(here, machine="m-nobody")
    here.pass_time(50 * MINUTE)
    assert not here.chat.directs(SAM)


def test_a_living_machines_things_are_left_alone_for_hours() -> None:
    here = _town("on-demand")
    before = _tagged(here)
    here.pass_time(HOUR + 30 * MINUTE)
    assert _tagged(here) == before


def test_a_region_is_looked_over_once_an_hour_however_often_it_is_asked_for() -> None:
    here = _town()
    made: list[str] = []
    cloud: Any = here.house.cloud
    parts = cloud.parts

    def noted(region: str, *args: Any) -> Any:
        made.append(region)
        return parts(region, *args)

    cloud.parts = noted
    for _ in range(5):
        here.wakes.wake(f"strays/{R}")
    here.pass_time(MINUTE)
    assert made == [R]


# ---- what show says -------------------------------------------------------------------------


def test_show_lists_everything_in_ec2_with_what_it_costs() -> None:
    here = _town()
    _stray_disk(here)
    here.pass_time(MINUTE)
    (shown,) = here.type("show bert", user=LIN)
    for one in _tagged(here):
        assert one in shown.text
    assert "public address" in shown.text
    assert "$0.005/h" in shown.text
    assert "40 GB gp3" in shown.text
    assert "$3.20 a month" in shown.text


def test_show_says_when_ec2_cannot_be_read() -> None:
    here = _town()
    here.control(do="fault", operation="DescribeVolumes", code="RequestLimitExceeded", times=9)
    (shown,) = here.type("show bert")
    assert "EC2 cannot be read now" in shown.text
    assert "History" in shown.text


def test_show_of_a_launch_that_has_bought_nothing_says_so() -> None:
    here = Town()
    here.ready_to_launch()
    here.type(f"launch p3.2xlarge spot in {R} name bert")
    (shown,) = here.type("show bert")
    assert "nothing in EC2" in shown.text


def test_the_admins_of_a_deployment_without_any_are_nobody() -> None:
    here = Town()
    here.house = replace(here.house, policy=replace(here.policy, admins=frozenset()))
    here.ready_to_launch()
    here.control(do="deny", operation="RunInstances")
    here.with_quota()
    here.type(f"launch p3.2xlarge spot in {R} name bert")
    here.until_quiet(MINUTE)
    assert here.machine().state is State.HELD
    assert here.machine().owed == ()
    assert not here.chat.directs(SAM)
    assert here.chat.channel(CHANNEL)
