"""What an instance prints while it boots."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from adapters.aws_errors import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# Only Nitro instances show their console as it is now; others as it was after they booted.
_NOT_LIVE = frozenset({"UnsupportedOperation", "InvalidParameterCombination"})


class Console:
    """The part of core.ports.Cloud that reads consoles."""

    def __init__(self, clients: "Callable[[str], EC2Client]") -> None:
        self._ec2 = clients

    def console_output(self, region: str, instance: str) -> str:
        """All that EC2 has of it (64 KB at most); empty where that is nothing yet."""
        with translated("GetConsoleOutput"):
            try:
                answer = self._ec2(region).get_console_output(InstanceId=instance, Latest=True)
            except ClientError as error:
                if code_of(error) not in _NOT_LIVE:
                    raise
                answer = self._ec2(region).get_console_output(InstanceId=instance)
        return answer.get("Output") or ""
