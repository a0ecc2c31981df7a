"""The doctor in the deployed app: the real policies, the real secret, Slack's own scopes."""

from sandbox.drive import Drive, wait_for


def looked_over(sandbox: Drive, user: str) -> str:
    seen = len(sandbox.private(user))
    assert sandbox.slash(user, "doctor")["status"] == 200

    def said() -> str | None:
        found = [
            text for text in sandbox.private(user)[seen:] if "right." in text or "admins" in text
        ]
        return found[0] if found else None

    return wait_for(said, "what the doctor says", 60)


def test_the_doctor_finds_what_a_new_account_lacks_and_everything_else_right(
    sandbox: Drive,
) -> None:
    before = sandbox.left_over()
    mark = {"pk": {"S": "R#pulse"}, "sk": {"S": "clock"}}
    table = sandbox.aws("dynamodb")
    wait_for(
        lambda: table.get_item(TableName=sandbox.info["table"], Key=mark).get("Item"),
        "the clock's mark",
    )
    text = looked_over(sandbox, "sam")
    assert ":white_check_mark: *Clock*: last run" in text
    assert ":x: *Alarms*: they reach nobody" in text
    assert ":white_check_mark: *Slack app*: the token works" in text
    assert ":white_check_mark: *Failed messages*: none" in text
    for topic in ("Launching", "Preparing a launch", "Image", "Network"):
        assert f":white_check_mark: *{topic}* in us-east-1" in text, text
    assert "AccessDenied" not in text
    assert sandbox.left_over() == before


def test_nobody_else_has_it_looked_over(sandbox: Drive) -> None:
    assert "Only admins" in looked_over(sandbox, "ada")
