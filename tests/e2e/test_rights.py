"""The deployed functions under their deployed roles: what they ask for, and one right too few."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from sandbox.drive import Drive, wait_for
from sandbox.roles import documents

G_SPOT = "L-3819A6DF"  # All G and VT Spot Instance Requests
# What MiniStack answers; what EC2 and the rest are asked for, tests/iam records in full.
HERE = ("dynamodb", "sqs", "secretsmanager")
# Granted and asked for by none of them here: function, statement, action, and why all the same.
UNUSED = {
    **{
        ("Slack", "TakeAndHandOn", f"sqs:{action}"): "Lambda asks for it, to bring the messages"
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    },
    ("Ec2Events", "", "sqs:SendMessage"): "Lambda asks for it, to lay down what failed for good",
}


def test_every_function_asks_for_all_that_it_is_granted(sandbox: Drive, public_key: str) -> None:
    _live(sandbox, public_key)
    granted = {
        (function, str(one.get("Sid", "")), action)
        for function in sandbox.info["functions"]
        for document in documents(sandbox.aws("iam"), _role(sandbox, function))
        for one in document["Statement"]
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        if one["Effect"] == "Allow" and action.partition(":")[0] in HERE
    }

    used = {(a["who"], sid, a["action"]) for a in _asked(sandbox) for sid, _ in a["by"]}
    assert set(UNUSED) <= granted
    assert sorted(granted - used - set(UNUSED)) == [], "take it out of the template"
    assert {a["who"] for a in _asked(sandbox)} == set(sandbox.info["functions"])
    assert [a for a in _asked(sandbox) if not a["allowed"]] == []
    assert "not sent" not in (Path(sandbox.info["logs"]) / "Clock.log").read_text()


def test_without_a_right_the_command_fails_and_says_so(sandbox: Drive, public_key: str) -> None:
    sandbox.set_quota(G_SPOT, 64)
    sandbox.allow_everything("sam", public_key)
    with _without(sandbox, "ec2:RunInstances", "LaunchWithEncryptedDisks"):
        sandbox.slash("sam", "launch g4dn.xlarge spot for 30m name short")
        said = sandbox.wait_message("sam", "AWS does not let the bot do this", seconds=40)
        assert said
        assert sandbox.instances() == []
    refused = [a for a in _asked(sandbox) if not a["allowed"]]
    assert {(a["who"], a["action"]) for a in refused} == {("Slack", "ec2:RunInstances")}
    assert {a["resource"].rpartition(":")[2] for a in refused} == {"volume/*"}
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)


def test_a_key_that_is_nobody_s_may_do_nothing(sandbox: Drive) -> None:
    scope = "20261126/us-east-1/ec2/aws4_request"
    answer = httpx.post(
        sandbox.info["ec2_endpoint"],
        data={"Action": "DescribeInstances"},
        headers={"authorization": f"AWS4-HMAC-SHA256 Credential=AKIASTRANGER/{scope}"},
    )
    assert answer.status_code == 401
    assert "<Code>AuthFailure</Code>" in answer.text


def _live(sandbox: Drive, public_key: str) -> None:
    """A whole life, so that each function has had something to do."""
    sandbox.set_quota(G_SPOT, 64)
    sandbox.allow_everything("sam", public_key)
    sandbox.world({"do": "settings", "pending": 6})
    sandbox.slash("sam", "launch g4dn.xlarge spot for 30m name vita")
    wait_for(lambda: sandbox.instances() or None, "an instance that is pending", 60)
    sandbox.world({"do": "settings", "pending": 1})
    wait_for(lambda: _the_clock_wakes(sandbox), "the clock brings back what the queue forgot", 60)
    sandbox.wait_message("sam", "vita is ready", seconds=60)
    for text in ("list", "costs", "audit", "doctor"):
        sandbox.slash("sam", text)
    sandbox.slash("sam", "end vita")
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)


def _the_clock_wakes(sandbox: Drive) -> bool:
    """Once more the queue forgets all wakes; whether the clock has sent some by now."""
    sandbox.aws("sqs").purge_queue(QueueUrl=sandbox.info["queue"])
    return ("Clock", "sqs:SendMessage") in {(a["who"], a["action"]) for a in _asked(sandbox)}


def _asked(sandbox: Drive) -> list[dict[str, Any]]:
    """Every right that was asked for since the run began."""
    answer = httpx.get(f"{sandbox.info['page']}sandbox/rights")
    return list(answer.raise_for_status().json())


def _role(sandbox: Drive, function: str) -> str:
    told = sandbox.aws("lambda").get_function_configuration(
        FunctionName=sandbox.info["functions"][function]
    )
    return str(told["Role"]).rpartition("/")[2]


@contextmanager
def _without(sandbox: Drive, action: str, sid: str) -> Iterator[None]:
    """The Slack function's role lacks that statement, as if the template had forgotten it."""
    iam, role = sandbox.aws("iam"), _role(sandbox, "Slack")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    kept = [one for one in document["Statement"] if one.get("Sid") != sid]
    assert len(kept) == len(document["Statement"]) - 1, f"no {sid} for {action}"

    def put(statements: list[Any]) -> None:
        made = json.dumps({**document, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=made)
        httpx.post(f"{sandbox.info['page']}sandbox/rights").raise_for_status()

    put(kept)
    try:
        yield
    finally:
        put(document["Statement"])
