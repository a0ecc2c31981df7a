"""`make deploy` asks while there is no stack, updates one, and says what is broken."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from scripts.deploy import CONFIG, CannotDeploy, command, configured, status_of


@pytest.fixture
def aws() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1"
    ).client("cloudformation")
    with Stubber(client) as told:
        yield client, told


def test_the_first_time_everything_is_asked_and_the_stack_has_a_name(
    aws: tuple[Any, Stubber],
) -> None:
    client, told = aws
    told.add_client_error("describe_stacks", "ValidationError", "Stack gpu does not exist", 400)
    assert configured(CONFIG) == ("gpu", "us-east-1")
    asked = command("gpu", status_of(client, "gpu"))
    assert asked == ["sam", "deploy", "--guided", "--stack-name", "gpu"]


def test_answers_that_were_kept_do_not_count_as_a_stack(
    tmp_path: Path, aws: tuple[Any, Stubber]
) -> None:
    """SAM keeps them before it deploys, and without the secrets."""
    client, told = aws
    told.add_client_error("describe_stacks", "ValidationError", "Stack lab does not exist", 400)
    kept = tmp_path / "samconfig.toml"
    kept.write_text(
        'version = 0.1\n[default.deploy.parameters]\nstack_name = "lab"\nregion = "eu-west-1"\n'
    )
    assert configured(kept) == ("lab", "eu-west-1")
    assert "--guided" in command("lab", status_of(client, "lab"))


def test_what_is_there_is_updated_without_a_question(aws: tuple[Any, Stubber]) -> None:
    client, told = aws
    stack = {
        "StackName": "lab",
        "StackStatus": "UPDATE_ROLLBACK_COMPLETE",
        "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
    }
    told.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "lab"})
    assert command("lab", status_of(client, "lab")) == ["sam", "deploy", "--stack-name", "lab"]


def test_whoever_may_not_ask_deploys_nothing(aws: tuple[Any, Stubber]) -> None:
    client, told = aws
    told.add_client_error("describe_stacks", "AccessDenied", "no", 403)
    with pytest.raises(CannotDeploy, match="does not say"):
        status_of(client, "gpu")


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_stack_that_was_never_finished_is_deleted_first(status: str) -> None:
    with pytest.raises(CannotDeploy, match="sam delete --stack-name gpu"):
        command("gpu", status)


def test_a_change_set_that_was_declined_is_asked_for_again() -> None:
    assert "--guided" in command("gpu", "REVIEW_IN_PROGRESS")
