"""Systems Manager's Run Command: a script on machines that have no open port for it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated
from core.ports import CommandState

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

DOCUMENT = "AWS-RunShellScript"
DELIVER_WITHIN = 60  # seconds, the most that the agent may take to fetch it
RUN_WITHIN = 60  # seconds that the script may take
_STILL = frozenset({"Pending", "InProgress", "Delayed"})
# Right after SendCommand the command is not shown yet.
_NOT_SHOWN = "InvocationDoesNotExist"


class RunCommand:
    """core.ports.Commands over Systems Manager."""

    def __init__(self, clients: "Callable[[str], SSMClient]") -> None:
        self._ssm = clients

    def online(self, region: str, *instances: str) -> frozenset[str]:
        """Those of them whose agent answers; one that never did is not among them."""
        where: Any = [{"Key": "InstanceIds", "Values": list(instances)}]
        with translated("DescribeInstanceInformation"):
            pages = self._ssm(region).get_paginator("describe_instance_information")
            return frozenset(
                found["InstanceId"]
                for page in pages.paginate(Filters=where)
                for found in page["InstanceInformationList"]
                if found.get("PingStatus") == "Online"
            )

    def send(self, region: str, script: str, *instances: str) -> str:
        """Run the script as root on all of them; the command's id."""
        with translated("SendCommand"):
            answer = self._ssm(region).send_command(
                DocumentName=DOCUMENT,
                InstanceIds=list(instances),
                TimeoutSeconds=DELIVER_WITHIN,
                Parameters={
                    "commands": script.splitlines(),
                    "executionTimeout": [str(RUN_WITHIN)],
                },
            )
        return answer["Command"].get("CommandId", "")

    def state(self, region: str, command: str, instance: str) -> CommandState:
        """What became of it there."""
        with translated("GetCommandInvocation"):
            try:
                answer = self._ssm(region).get_command_invocation(
                    CommandId=command, InstanceId=instance
                )
            except ClientError as error:
                if code_of(error) != _NOT_SHOWN:
                    raise
                return CommandState.RUNNING
        if answer["Status"] in _STILL:
            return CommandState.RUNNING
        return CommandState.DONE if answer["Status"] == "Success" else CommandState.FAILED
