"""Other ways a machine can go: on-demand and back, a full zone, a twin, an interruption."""

import threading
from typing import Any

from sandbox.drive import Drive, actions, wait_for, words

G_ON_DEMAND = "L-DB2E81BA"  # Running On-Demand G and VT instances
G_SPOT = "L-3819A6DF"  # All G and VT Spot Instance Requests


def test_an_on_demand_machine_is_stopped_started_and_ended(sandbox: Drive, public_key: str) -> None:
    sandbox.set_quota(G_ON_DEMAND, 64)
    sandbox.allow_everything("sam", public_key)
    sandbox.slash("sam", "launch g5.xlarge on-demand for 1h name otto")
    sandbox.wait_message("sam", "otto is ready", "ssh ubuntu@", seconds=40)
    first = _only(sandbox)
    sandbox.slash("sam", "stop otto")
    stopped = sandbox.wait_message("sam", "otto", "disk", action="start", seconds=40)
    assert _only(sandbox)["State"]["Name"] == "stopped"
    assert "$" in words(stopped), "what a stopped machine costs is said"
    assert sandbox.click("sam", stopped, "start")["status"] == 200
    wait_for(lambda: _only(sandbox)["State"]["Name"] == "running", "it runs again", 40)
    assert _only(sandbox)["InstanceId"] == first["InstanceId"]
    sandbox.slash("sam", "end otto")
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)


def test_the_same_command_twice_is_one_machine_and_says_so(sandbox: Drive, public_key: str) -> None:
    sandbox.set_quota(G_SPOT, 64)
    sandbox.allow_everything("lin", public_key)
    text = "launch g4dn.xlarge spot for 30m name twin"
    typed = [
        threading.Thread(target=sandbox.slash, args=("lin", text)),
        threading.Thread(target=sandbox.slash, args=("lin", text)),
    ]
    for thread in typed:
        thread.start()
    for thread in typed:
        thread.join()
    sandbox.again()
    sandbox.wait_message("lin", "twin is ready", seconds=40)
    told = "\n".join(sandbox.private("lin")).lower()
    assert "same" in told or "already" in told or "twice" in told, told
    assert len(sandbox.instances()) == 1
    cards = [m for m in sandbox.messages("lin") if "extend" in actions(m) and "twin" in words(m)]
    assert len(cards) == 1, "one machine has one message"
    _end(sandbox, "lin", "twin")


def test_a_full_zone_sends_the_launch_to_the_next_one(sandbox: Drive, public_key: str) -> None:
    sandbox.set_quota(G_SPOT, 64)
    offered = sandbox.aws("ec2").describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": ["g4dn.xlarge"]}],
    )["InstanceTypeOfferings"]
    zones = sorted(o["Location"] for o in offered)
    assert len(zones) > 1
    for zone in zones[:-1]:
        sandbox.world(
            {"do": "fill-zone", "region": "us-east-1", "zone": zone, "instance_type": "g4dn.xlarge"}
        )
    sandbox.slash("lin", "launch g4dn.xlarge spot for 30m name last")
    sandbox.wait_message("lin", "last is ready", seconds=60)
    assert _only(sandbox)["Placement"]["AvailabilityZone"] == zones[-1]
    sandbox.world({"do": "free-zone", "region": "us-east-1"})


def test_an_interruption_is_told_before_the_machine_is_gone(sandbox: Drive) -> None:
    sandbox.world({"do": "interrupt", "instance": _only(sandbox)["InstanceId"]})
    sandbox.wait_message("lin", "EC2 takes", "last", seconds=15)
    assert sandbox.instances(), "told before it is gone"
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)
    sandbox.wait_message("lin", "last", "ended", seconds=20)


def _end(sandbox: Drive, user: str, name: str) -> None:
    sandbox.slash(user, f"end {name}")
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)


def _only(sandbox: Drive) -> Any:
    (instance,) = sandbox.instances()
    return instance
