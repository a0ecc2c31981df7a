"""What docs/operations.md has people do, done to the deployed app: nothing is lost by it."""

import json
from typing import Any

from sandbox.drive import Drive, Json, wait_for


def ask(sandbox: Drive, user: str, text: str, answer: str) -> None:
    """Type it and wait until that is said. An impatient queue may say an older answer twice."""
    seen = len(sandbox.private(user))
    assert sandbox.slash(user, text)["status"] == 200
    wait_for(
        lambda: any(answer in said for said in sandbox.private(user)[seen:]),
        f"{answer} in answer to {text}",
        90,
    )


def impatient(sandbox: Drive) -> None:
    """What fails comes back after a second instead of 75; all else is as deployed."""
    sandbox.aws("sqs").set_queue_attributes(
        QueueUrl=sandbox.info["queue"], Attributes={"VisibilityTimeout": "1"}
    )


def test_what_fails_ten_times_is_put_aside_and_acts_once_when_it_is_sent_back(
    sandbox: Drive,
) -> None:
    table, dead = sandbox.aws("dynamodb"), sandbox.resource("DeadLetters")
    ada = sandbox.info["users"]["ada"]
    key = {"pk": {"S": f"U#{ada}"}, "sk": {"S": "PROFILE"}}
    where = {"TableName": sandbox.info["table"], "Key": key}
    ask(sandbox, "ada", "allow 203.0.113.7 for 1h", "203.0.113.7/32")
    impatient(sandbox)
    _schema(table, where, "999")  # as if a newer version had written it
    seen = len(sandbox.private("ada"))
    sandbox.slash("ada", "allow 203.0.113.8 for 1h")
    ask(sandbox, "lin", "list", "no machine")  # nobody waits for Ada's
    wait_for(lambda: sandbox.held(dead) == 1, "put aside", 60)
    assert sum("Reference" in said or "reference" in said for said in _since(sandbox, seen)) <= 1
    before = len(sandbox.private("sam"))
    sandbox.slash("sam", "doctor")
    wait_for(
        lambda: any(
            ":x: *Failed messages*: 1 in `" in said for said in sandbox.private("sam")[before:]
        ),
        "the doctor counts it",
        60,
    )
    _schema(table, where, "1")
    _send_back(sandbox, dead)
    wait_for(lambda: any("203.0.113.8" in said for said in _since(sandbox, seen)), "done", 45)
    wait_for(lambda: sandbox.held(dead) == 0, "nothing is left", 20)


def _since(sandbox: Drive, seen: int) -> list[str]:
    return sandbox.private("ada")[seen:]


def _schema(table: Any, where: Json, version: str) -> None:
    table.update_item(
        **where,
        UpdateExpression="SET #s = :v",
        ExpressionAttributeNames={"#s": "schema"},
        ExpressionAttributeValues={":v": {"N": version}},
    )


def _send_back(sandbox: Drive, dead: str) -> None:
    """start-message-move-task, by hand: the emulator does not have it."""
    sqs = sandbox.aws("sqs")
    (letter,) = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=2)["Messages"]
    sqs.send_message(QueueUrl=sandbox.info["queue"], MessageBody=letter["Body"])
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])


def test_both_secrets_are_replaced_without_a_deployment_and_nothing_is_lost(
    sandbox: Drive,
) -> None:
    impatient(sandbox)
    vault, secret = sandbox.aws("secretsmanager"), sandbox.resource("Secret")
    before = json.loads(vault.get_secret_value(SecretId=secret)["SecretString"])
    old = sandbox.info["signing_secret"]
    assert before["signing_secret"] == old

    def put(**values: str) -> None:
        vault.put_secret_value(SecretId=secret, SecretString=json.dumps({**before, **values}))

    # The signing secret: both are taken, then the new one alone.
    new = sandbox.regenerate("signing_secret")
    put(signing_secret=new, previous_signing_secret=old)
    wait_for(lambda: _opens(sandbox, new), "the new one is taken", 75)
    assert _opens(sandbox, old)
    ask(sandbox, "ada", "list", "no machine")
    put(signing_secret=new, previous_signing_secret="")
    _at_once(sandbox)
    wait_for(lambda: not _opens(sandbox, old), "the old one opens nothing", 20)
    assert _opens(sandbox, new)

    # The token: Slack refuses the old one before anybody has put the new one in.
    token = sandbox.regenerate("bot_token")
    seen = len(sandbox.private("ada"))
    assert sandbox.slash("ada", "list")["status"] == 200
    wait_for(lambda: sandbox.queued() >= 1, "it waits in the queue")
    put(signing_secret=new, bot_token=token)
    wait_for(
        lambda: any("no machine" in said for said in sandbox.private("ada")[seen:]), "said now", 60
    )
    wait_for(lambda: sandbox.queued() == 0, "nothing waits any more")
    assert sandbox.held(sandbox.resource("DeadLetters")) == 0


def _opens(sandbox: Drive, secret: str) -> bool:
    body = sandbox.form("help", ssl_check="1")  # Slack's own probe: signed, and nothing is queued
    return sandbox.knock(body, sandbox.signed(body, secret=secret)).status_code == 200


def _at_once(sandbox: Drive) -> None:
    """As the page says: new doors know only what the secret says now."""
    sandbox.aws("lambda").update_function_configuration(
        FunctionName=sandbox.resource("Door"), Timeout=11
    )
