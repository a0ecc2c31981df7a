"""The first mile, driven as a program: launch, wall, grant, ready, warning, extension, end.

The tests of this file are one story and run in its order; each leaves the machine to the next.
"""

from typing import Any

import pytest

from sandbox.drive import Drive, Json, actions, wait_for, words

ADDRESS = "203.0.113.7/32"
P_SPOT = "L-7212CCBC"  # All P4, P3 and P2 Spot Instance Requests


@pytest.fixture(scope="module")
def story() -> dict[str, Json]:
    """What the tests of this file tell each other."""
    return {}


def test_a_new_account_meets_the_quota_wall_and_nothing_starts(
    sandbox: Drive, story: dict[str, Json]
) -> None:
    answer = sandbox.slash("ada", "launch p3.2xlarge spot for 2m name bert")
    assert answer["status"] == 200
    assert answer["ms"] < 3000
    assert "p3.2xlarge" in answer["body"]
    wall = sandbox.wait_message("ada", "0 ", "8", "us-east-1", action="choose-")
    assert not wall.get("ephemeral"), "a launch is seen by the channel"
    assert "/gpu key add" in words(wall) and "/gpu allow" in words(wall)
    assert sandbox.instances() == []
    story["wall"] = wall


def test_only_its_owner_decides_about_it(sandbox: Drive, story: dict[str, Json]) -> None:
    before = len(sandbox.private("lin"))
    sandbox.click("lin", story["wall"], _button(story["wall"], "when granted"))
    wait_for(lambda: len(sandbox.private("lin")) > before, "lin is told that it is not hers")
    quotas = sandbox.aws("service-quotas")
    history = quotas.list_requested_service_quota_change_history_by_quota(
        ServiceCode="ec2", QuotaCode=P_SPOT
    )
    assert history["RequestedQuotas"] == []


def test_it_goes_on_by_itself_once_aws_grants_the_quota(
    sandbox: Drive, story: dict[str, Json], public_key: str
) -> None:
    wall = story["wall"]
    assert sandbox.click("ada", wall, _button(wall, "when granted"))["status"] == 200
    sandbox.allow_everything("ada", public_key, ADDRESS)
    wait_for(sandbox.instances, "an instance after the grant", 75)
    ready = sandbox.wait_message("ada", "bert is ready", "ssh ubuntu@", seconds=40)
    instance = _only(sandbox)
    assert (instance["InstanceType"], instance["InstanceLifecycle"]) == ("p3.2xlarge", "spot")
    assert instance["PublicIpAddress"] in words(ready)
    assert f"<@{sandbox.info['users']['ada']}>" in words(ready)
    assert ready["thread_ts"] == wall["ts"], "ready is said in the thread of the one message"
    sandbox.wait_message("ada", "bert", action="extend")


def test_what_was_bought_is_tagged_closed_to_the_world_and_encrypted(sandbox: Drive) -> None:
    instance, ec2 = _only(sandbox), sandbox.aws("ec2")
    tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
    assert {"gpu:machine", "gpu:stack", "gpu:deadline"} <= set(tags)
    assert tags["gpu:owner"] == sandbox.info["users"]["ada"]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    (group,) = instance["SecurityGroups"]
    (made,) = ec2.describe_security_groups(GroupIds=[group["GroupId"]])["SecurityGroups"]
    opened = [
        (p["FromPort"], p["ToPort"], [r["CidrIp"] for r in p["IpRanges"]])
        for p in made["IpPermissions"]
    ]
    assert opened == [(22, 22, [ADDRESS])]
    (disk,) = instance["BlockDeviceMappings"]
    (volume,) = ec2.describe_volumes(VolumeIds=[disk["Ebs"]["VolumeId"]])["Volumes"]
    assert volume["Encrypted"] and volume["VolumeType"] == "gp3"
    assert volume["Size"] >= 50


def test_others_see_it_in_lists_and_may_not_touch_it(sandbox: Drive) -> None:
    sandbox.slash("lin", "list all")
    wait_for(lambda: any("bert" in p for p in sandbox.private("lin")), "bert in lin's list")
    before = len(sandbox.private("lin"))
    for text in ("stop bert", "end bert", "extend bert 2h", "ssh bert"):
        sandbox.slash("lin", text)
    address = _only(sandbox)["PublicIpAddress"]
    wait_for(lambda: len(sandbox.private("lin")) >= before + 8, "four acks and four refusals")
    assert address not in "\n".join(sandbox.private("lin"))
    assert _only(sandbox)["State"]["Name"] == "running"


def test_a_warning_comes_before_the_deadline_and_extends_it_once(sandbox: Drive) -> None:
    before = _deadline(sandbox)
    warning = sandbox.wait_message("ada", "bert", "it has cost", action="extend", seconds=120)
    assert "stop" in actions(warning)
    assert sandbox.click("ada", warning, "extend")["status"] == 200
    sandbox.again()  # Slack does not deliver twice, but networks do
    later = wait_for(lambda: _later(sandbox, before), "a later deadline on the instance")
    told = len(sandbox.private("ada"))
    second = sandbox.click("ada", warning, "extend")
    if "error" not in second:  # the button may be gone by then, which is as good
        wait_for(lambda: len(sandbox.private("ada")) > told, "the second click is told")
    wait_for(lambda: sandbox.queued() == 0, "every click dealt with")
    assert _deadline(sandbox) == later == before + 120


def test_a_spot_machine_is_ended_after_a_question_and_leaves_nothing(sandbox: Drive) -> None:
    sandbox.slash("ada", "stop")
    question = sandbox.wait_message("ada", "bert", "disk", action="end")
    assert question.get("ephemeral")
    assert _only(sandbox)["State"]["Name"] == "running", "ended without an answer"
    assert sandbox.click("ada", question, "end")["status"] == 200
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)
    sandbox.wait_message("ada", "bert", "ended", seconds=20)


def _only(sandbox: Drive) -> Any:
    (instance,) = sandbox.instances()
    return instance


def _deadline(sandbox: Drive) -> int:
    tags = {t["Key"]: t["Value"] for t in _only(sandbox)["Tags"]}
    return int(tags["gpu:deadline"])


def _later(sandbox: Drive, than: int) -> int | None:
    deadline = _deadline(sandbox)
    return deadline if deadline > than else None


def _button(message: Json, label: str) -> str:
    """The action_id of the button with these words on it."""
    for block in message["blocks"]:
        for element in block.get("elements", ()):
            if element.get("type") == "button" and label in element["text"]["text"].lower():
                return str(element["action_id"])
    raise AssertionError(f"no button {label!r} in {actions(message)}: {words(message)}")
