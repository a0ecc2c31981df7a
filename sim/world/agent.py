"""Systems Manager's agent on the machines: who answers, and shell scripts that are run there.

The world runs no script: it keeps what was sent, so that a test can carry it out or read it.
"""

from datetime import timedelta
from typing import Any

from sim.world.asking import PAGES, Operation, Params, matching, need, page
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Command, Instance, Region

_DOCUMENT = "AWS-RunShellScript"


def _registered(ground: Ground, instance: Instance) -> bool:
    """An agent registers once it has booted under a role that lets it; terminated ones are gone."""
    after = ground.settings.agent
    if after is None or instance.profile is None or not instance.alive:
        return False
    since = instance.running_since
    if since is not None and ground.time - since >= timedelta(seconds=after):
        instance.registered = True
    return instance.registered


def _online(ground: Ground, instance: Instance) -> bool:
    after, since = ground.settings.agent, instance.running_since
    return (
        _registered(ground, instance)
        and after is not None
        and since is not None
        and ground.time - since >= timedelta(seconds=after)
    )


def _information(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    filters = [
        {"Name": f.get("Key"), "Values": f.get("Values")} for f in params.get("Filters") or ()
    ]
    found = matching(
        "DescribeInstanceInformation",
        [i for i in region.instances.values() if _registered(ground, i)],
        {"Filters": filters},
        {
            "InstanceIds": lambda i: i.id,
            "PingStatus": lambda i: _ping(ground, i),
        },
    )
    some, more = page(found, params, least=5, most=50, default=10)
    return {
        "InstanceInformationList": [
            {
                "InstanceId": i.id,
                "PingStatus": _ping(ground, i),
                "PlatformType": "Linux",
                "ResourceType": "EC2Instance",
                "AgentVersion": "3.3.2299.0",
            }
            for i in some
        ],
        **more,
    }


def _ping(ground: Ground, instance: Instance) -> str:
    return "Online" if _online(ground, instance) else "ConnectionLost"


def _send(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    if need(params, "DocumentName") != _DOCUMENT:
        raise AwsError("InvalidDocument", f"Document with name {params['DocumentName']} not found.")
    ids = list(dict.fromkeys(need(params, "InstanceIds")))
    lines = (params.get("Parameters") or {}).get("commands")
    if len(ids) > 50 or not lines:
        raise AwsError("InvalidParameters", "commands, and 50 instances at most, are needed.")
    wrong = [
        one
        for one in ids
        if one not in region.instances or not _registered(ground, region.instances[one])
    ]
    if wrong:
        raise AwsError(
            "InvalidInstanceId",
            f"Instances [[{', '.join(wrong)}]] not in a valid state for account {ground.account}",
        )
    command = ground.new_uuid()
    for one in ids:
        instance = region.instances[one]
        instance.commands.append(
            Command(
                id=command,
                script="\n".join(lines) + "\n",
                sent_at=ground.time,
                heard=_online(ground, instance),
            )
        )
    return {
        "Command": {
            "CommandId": command,
            "DocumentName": _DOCUMENT,
            "InstanceIds": ids,
            "RequestedDateTime": ground.time,
            "Status": "Pending",
        }
    }


def _invocation(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    instance = region.instances.get(need(params, "InstanceId"))
    sent = {c.id: c for c in instance.commands} if instance else {}
    command = sent.get(need(params, "CommandId"))
    visible = timedelta(seconds=ground.settings.visible_after)
    if command is None or ground.time - command.sent_at < visible:
        raise AwsError("InvocationDoesNotExist", "")
    status = _status(ground, command)
    return {
        "CommandId": command.id,
        "InstanceId": params["InstanceId"],
        "DocumentName": _DOCUMENT,
        "Status": status,
        "StatusDetails": status,
    }


def _status(ground: Ground, command: Command) -> str:
    if not command.heard:
        return "Undeliverable"
    if ground.time - command.sent_at < timedelta(seconds=ground.settings.command):
        return "InProgress"
    return "Success"


SSM_OPERATIONS = (
    Operation(
        name="DescribeInstanceInformation",
        takes={**PAGES, "Filters": [{"Key": None, "Values": None}]},
        run=_information,
    ),
    Operation(
        name="SendCommand",
        takes={
            "DocumentName": None,
            "InstanceIds": None,
            "TimeoutSeconds": None,
            "Comment": None,
            "Parameters": {"commands": None, "executionTimeout": None},
        },
        run=_send,
    ),
    Operation(
        name="GetCommandInvocation",
        takes={"CommandId": None, "InstanceId": None},
        run=_invocation,
    ),
)
