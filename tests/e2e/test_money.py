"""Money, rules and approvals on the local run: what people type, what the approver and the Home tab
see, and that nothing is bought before somebody else has said yes.

The tests of this file are one story and run in its order; its machine ends with the last one.
"""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.drive import Drive, Json, actions, wait_for, words

G_ON_DEMAND = "L-DB2E81BA"  # Running On-Demand G and VT instances
DEAR = "launch g5.xlarge on-demand in us-east-1 for 2h name pia project thesis because Deadline"


@pytest.fixture(scope="module")
def money(sandbox: Drive, public_key: str) -> Iterator[Drive]:
    """An account with room, and a person who could launch; the rules as they were afterwards."""
    sandbox.set_quota(G_ON_DEMAND, 64)
    sandbox.allow_everything("ada", public_key)
    yield sandbox
    sandbox.slash("sam", "policy reset approval-above")
    sandbox.wait_message("sam", "approval-above is as the template says now")
    sandbox.slash("sam", "budget each off")
    sandbox.wait_message("sam", "no budget any more")


def test_only_an_admin_changes_a_rule_and_says_what_money_there_is(money: Drive) -> None:
    money.slash("ada", "policy set approval-above 1")
    money.wait_message("ada", "admin")
    money.slash("sam", "policy set approval-above 1")
    money.wait_message("sam", "approval-above is 1 now")
    money.slash("sam", "budget each 500")
    money.wait_message("sam", "$500.00 a month")


def test_above_the_limit_the_rule_is_named_and_nothing_starts_before_a_yes(money: Drive) -> None:
    money.slash("ada", DEAR)
    held = money.wait_message("ada", "pia is not launched", "approval-above", action="choose-0")
    money.click("ada", held, "choose-0")
    asked = wait_for(lambda: _direct(money, "sam", "approval", "pia"), "sam is asked")
    for said in ("$1.006/h", "$2.01", "Deadline", "2 h"):
        assert said in words(asked), said
    money.wait_message("ada", "pia", "an approver's yes")
    assert money.instances() == []
    assert _direct(money, "ada", "asks for your approval") is None


def test_a_yes_launches_exactly_that_once(money: Drive) -> None:
    asked = _direct(money, "sam", "approval", "pia")
    assert asked is not None
    money.click("sam", asked, "approve", channel=_with_the_app(money, "sam"))
    money.again()
    money.wait_message("ada", "pia is ready", "ssh ubuntu@", seconds=60)
    assert len(money.instances()) == 1
    over = wait_for(lambda: _direct(money, "sam", "Approved by"), "the question is closed")
    assert actions(over) == []


def test_what_it_costs_is_said_drawn_and_sent_as_a_file(money: Drive) -> None:
    money.slash("ada", "cost month")
    money.wait_message("ada", "pia", "$")
    money.slash("ada", "cost project thesis")
    money.wait_message("ada", "thesis")
    money.slash("ada", "cost month csv")
    sent = wait_for(lambda: _file(money, "ada"), "a file in ada's direct messages")
    rows = sent.splitlines()
    assert any("pia" in row for row in rows[1:])
    assert all(len(row.split(",")) >= len(rows[0].split(",")) for row in rows)


def test_the_budget_shows_what_is_set_aside(money: Drive) -> None:
    money.slash("ada", "budget")
    seen = money.wait_message("ada", "$500.00")
    assert "$2." in words(seen) or "$1." in words(seen), words(seen)


def test_the_home_tab_shows_the_machine_and_its_cost(money: Drive) -> None:
    httpx.post(f"{money.page}/sandbox/home", json={"user": "ada"}, timeout=30, trust_env=False)

    def home() -> Json | None:
        seen: Json | None = money.screen("ada")["home"]
        return seen if seen and "pia" in words(seen) else None

    assert "$" in words(wait_for(home, "pia in ada's Home tab"))


def test_a_stop_of_what_nobody_uses_is_agreed_and_taken_back(money: Drive) -> None:
    money.slash("ada", "idle pia 10m")
    money.wait_message("ada", "pia", "10 min")
    money.slash("ada", "idle pia off")
    money.wait_message("ada", "pia is not stopped for being unused")


def test_hours_of_its_own_clock_are_shown_and_taken_back(money: Drive) -> None:
    money.slash("ada", "schedule pia weekdays 9:00-18:00")
    money.wait_message("ada", "pia", "9:00")
    money.slash("ada", "schedule pia off")
    money.wait_message("ada", "pia", "off")


def test_all_of_it_stands_in_the_audit_trail(money: Drive) -> None:
    money.slash("sam", "audit")
    money.wait_message("sam", "approval-above", "approv", "pia", "budget")


def test_ended_it_leaves_nothing_and_its_cost_stays(money: Drive) -> None:
    money.slash("ada", "end pia")
    wait_for(lambda: not any(money.left_over().values()), "nothing is left over", 60)
    money.slash("ada", "cost me")
    money.wait_message("ada", "pia", "$")


def _with_the_app(money: Drive, user: str) -> str:
    """The id of the person's conversation with the app."""
    direct = [c for c in money.screen(user)["channels"] if c["kind"] == "direct" and c["has_app"]]
    return str(direct[0]["id"]) if direct else ""


def _direct(money: Drive, user: str, *said: str) -> Json | None:
    channel = _with_the_app(money, user)
    return money.find(user, *said, channel=channel) if channel else None


def _file(money: Drive, user: str) -> str | None:
    """The newest file that the app has sent to this person, as text."""
    for message in reversed(list(money.messages(user, _with_the_app(money, user)))):
        for file in message.get("files", ()):
            asked = httpx.get(f"{money.page}{file['url_private']}", trust_env=False)
            return asked.raise_for_status().text
    return None
