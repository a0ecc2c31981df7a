"""`make deploy`: asks for everything as long as there is no stack, and updates it from then on.

What counts is the stack and not samconfig.toml: SAM writes its answers there before it deploys, and
leaves out the two secrets, so that after a first try that failed they must be asked for again.
"""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

CONFIG = Path(__file__).parents[1] / "samconfig.toml"
USUAL_NAME = "gpu"
_NEVER_WAS = frozenset({"REVIEW_IN_PROGRESS"})  # a change set was made and not carried out
_BROKEN = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


class CannotDeploy(Exception):
    """Why not, in words for a person."""


def command(stack: str, status: str | None) -> list[str]:
    """What SAM is to do for a stack of that status (None: there is none). Raises CannotDeploy."""
    if status in _BROKEN:
        raise CannotDeploy(
            f"Stack {stack} is {status}: its making failed, and it can only be deleted.\n"
            f"`sam delete --stack-name {stack}` takes away what is left of it; then `make deploy`."
        )
    if status is None or status in _NEVER_WAS:
        return ["sam", "deploy", "--guided", "--stack-name", stack]
    return ["sam", "deploy", "--stack-name", stack]


def configured(config: Path) -> tuple[str, str | None]:
    """The stack's name and its region, as far as samconfig.toml has them."""
    parts = tomllib.loads(config.read_text("utf-8")).get("default", {})
    known: dict[str, Any] = {
        **parts.get("global", {}).get("parameters", {}),
        **parts.get("deploy", {}).get("parameters", {}),
    }
    return str(known.get("stack_name", USUAL_NAME)), known.get("region")


def status_of(cloudformation: Any, stack: str) -> str | None:
    """The stack's status; None where there is no such stack. Raises CannotDeploy."""
    try:
        return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise CannotDeploy(f"AWS does not say whether {stack} is there: {error}") from error
    except BotoCoreError as error:
        raise CannotDeploy(f"AWS cannot be asked whether {stack} is there: {error}") from error


def main() -> int:
    """SAM's own exit code; 1 where it was not called."""
    stack, region = configured(CONFIG)
    try:
        cloudformation = boto3.session.Session(region_name=region).client("cloudformation")
        asked = command(stack, status_of(cloudformation, stack))
    except CannotDeploy as error:
        print(error, file=sys.stderr)
        return 1
    return subprocess.run(asked, cwd=CONFIG.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
