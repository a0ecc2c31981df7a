"""`/gpu cost`: what everybody may see of what was spent, in words, as a chart and as a file."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core import meter
from core.blocks import CHART
from core.flows import spending
from core.flows.request import Request
from core.model import Reconciled, Tab
from core.ports import ChatError
from sim.town import ADA, LIN, Town


@pytest.fixture
def here() -> Town:
    """Ada's machine has run for three hours, Lin's for two."""
    town = Town()
    for user in (ADA, LIN):
        town.ready_to_launch(user)
    town.with_quota()
    town.type("launch g5.xlarge on-demand for 8h name fox in us-east-1", ADA)
    town.pass_time(timedelta(hours=1))
    town.type("launch p3.2xlarge on-demand for 8h name owl in us-east-1", LIN)
    town.pass_time(timedelta(hours=2))
    return town


def test_the_teams_total_is_the_meters(here: Town) -> None:
    [answer] = here.type("cost")
    bills = spending.bills(here.house, here.now - timedelta(days=30))
    total = meter.total(bills, here.now - timedelta(days=20), here.now)
    assert total > 5
    assert f"by the team: ${total:.2f}*" in answer.text
    assert "*owl* <@U0LIN> (`p3.2xlarge` on-demand)" in answer.text
    [chart] = [block for block in answer.blocks if block["type"] == CHART]
    assert {one["name"] for one in chart["chart"]["series"]} == {"ada", "lin"}


def test_ones_own_comes_first_whoever_asks(here: Town) -> None:
    for user, other in ((ADA, LIN), (LIN, ADA)):
        [answer] = here.type("cost week", user)
        people = answer.text.split("*By person*\n")[1].splitlines()
        assert people[0].startswith("• You: $")
        assert people[1].startswith(f"• <@{other}>: $")


def test_one_person_is_shown_by_machine(here: Town) -> None:
    [answer] = here.type("cost <@U0LIN|lin>")
    assert "by <@U0LIN>" in answer.text
    assert "fox" not in answer.text
    [chart] = [block for block in answer.blocks if block["type"] == CHART]
    assert [one["name"] for one in chart["chart"]["series"]] == ["owl"]


def test_me_is_whoever_asks(here: Town) -> None:
    [answer] = here.type("cost me week", LIN)
    assert "by <@U0LIN>" in answer.text
    assert "fox" not in answer.text


def test_machines_that_have_ended_are_counted_still(here: Town) -> None:
    here.type("end owl", LIN)
    here.pass_time(timedelta(minutes=10))
    [answer] = here.type("cost")
    assert "*owl* <@U0LIN> (`p3.2xlarge` on-demand, ended)" in answer.text


def test_a_project_is_told_by_its_tag(here: Town) -> None:
    here.type("launch g5.xlarge on-demand for 1h project bert in us-east-1", ADA)
    here.pass_time(timedelta(minutes=30))
    [answer] = here.type("cost project bert")
    assert "on project `bert`" in answer.text
    assert "owl" not in answer.text
    [everything] = here.type("cost")
    assert "*By project*" in everything.text


def test_awss_own_bill_is_shown_beside_it(here: Town) -> None:
    row = Reconciled(day="2026-11-23", ours=Decimal("1.50"), theirs=Decimal("1.75"))
    here.ledger.save_row(row, None)
    [answer] = here.type("cost")
    assert "AWS's own bill for 2026-11-23: $1.75; ours $1.50" in answer.text
    [last_month] = here.type("cost 2026-10")
    assert "own bill for" not in last_month.text


def test_the_first_day_of_the_next_month_is_not_of_the_month_before(here: Town) -> None:
    for day in ("2026-11-30", "2026-12-01"):
        here.ledger.save_row(Reconciled(day=day, ours=Decimal(1), theirs=Decimal(2)), None)
    here.now = here.now.replace(month=12, day=4)
    [answer] = here.type("cost 2026-11")
    assert "own bill for 2026-11-30" in answer.text
    assert "2026-12-01" not in answer.text


def test_a_chart_names_whomever_slack_does_not_know_by_their_id(here: Town) -> None:
    here.chat._people.pop(LIN)
    [answer] = here.type("cost")
    [chart] = [block for block in answer.blocks if block["type"] == CHART]
    assert {one["name"] for one in chart["chart"]["series"]} == {"ada", LIN}


# ---- what outlives machines ------------------------------------------------------------------


def _saved(here: Town, machine: str, user: str, hours: int) -> None:
    """An image `env` of that machine, which is there for so long."""
    here.type(f"save {machine} as env", user)
    here.pass_time(timedelta(minutes=3))
    here.strikes_every = timedelta(minutes=30)
    here.pass_time(timedelta(hours=hours))


def _env(here: Town, user: str) -> str:
    """What `cost me` says of `env` to that person."""
    [answer] = here.type("cost me", user)
    (line,) = [one for one in answer.text.splitlines() if "env" in one]
    return line


def test_an_image_that_gets_the_name_of_one_that_is_gone_is_its_own_owners(here: Town) -> None:
    _saved(here, "fox", ADA, 20)
    here.type("images delete env yes", ADA)
    before = _env(here, ADA)
    assert "$0.07" in before  # 20 of 730 hours of $2.50
    _saved(here, "owl", LIN, 40)
    assert _env(here, ADA) == before
    assert "$0.14" in _env(here, LIN)


def test_an_image_whose_tab_is_older_than_its_own_key_goes_on_there(here: Town) -> None:
    _saved(here, "fox", ADA, 20)
    (tab,) = here.ledger.rows(Tab)
    here.ledger.drop_row(tab)
    here.ledger.save_row(replace(tab, what="saved-image/env", version=0), None)
    here.with_quota("us-west-2")
    here.type("launch g5.xlarge on-demand for 8h image env in us-west-2", ADA)
    here.pass_time(timedelta(minutes=30))
    here.type("images delete env yes", ADA)
    (tab,) = here.ledger.rows(Tab)
    assert tab.what == "saved-image/env"
    first, both = tab.stores
    assert first.ended_at == both.started_at and both.hourly > first.hourly
    assert both.ended_at is not None
    _saved(here, "owl", LIN, 1)
    assert {one.owner for one in here.ledger.rows(Tab)} == {ADA, LIN}


# ---- as a file ------------------------------------------------------------------------------


def rows(here: Town) -> list[dict[str, str]]:
    user, file = here.chat.files[-1]
    assert user == ADA
    return list(csv.DictReader(io.StringIO(file.text, newline="")))


def test_the_file_adds_up_to_the_answer(here: Town) -> None:
    [told] = here.type("cost month csv")
    assert "`gpu-cost-2026-11-01.csv` is in your direct messages" in told.text
    found = rows(here)
    bills = spending.bills(here.house, here.now - timedelta(days=30))
    total = meter.total(bills, here.now - timedelta(days=20), here.now)
    assert abs(sum(Decimal(row["usd_total"]) for row in found) - total) < Decimal("1e-15")
    assert {(row["machine"], row["owner"]) for row in found} == {("fox", "ada"), ("owl", "lin")}
    up = next(row for row in found if row["machine"] == "owl" and Decimal(row["usd_compute"]))
    assert (up["type"], up["market"], up["region"]) == ("p3.2xlarge", "on-demand", "us-east-1")
    assert up["from"].endswith("Z")
    assert int(up["seconds"]) > 7000


def test_an_app_without_the_right_to_send_files_says_how_to_give_it(here: Town) -> None:
    here.chat.lacks_scope = True
    [told] = here.type("cost csv")
    assert "files:write" in told.text
    assert "Reinstall" in told.text
    assert here.chat.files == []


def test_a_file_that_slack_does_not_take_now_is_tried_again_by_the_queue(here: Town) -> None:
    request: Request = here.request("cost csv")
    here.chat.down = True
    with pytest.raises(ChatError):
        here.deliver(request)
    here.chat.down = False
    here.deliver(request)
    assert len(here.chat.files) == 1
