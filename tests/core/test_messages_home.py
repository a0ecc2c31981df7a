"""The Home tab keeps Slack's limits, whatever there is; use is drawn only where it is known."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import costs, messages
from core.blocks import CHART, Home, Message
from core.budgeting import states
from core.messages.uses import drawn, line, now_used
from core.model import (
    Bill,
    Budget,
    Machine,
    Profile,
    QuotaFacts,
    QuotaRoom,
    Run,
    Sample,
    Scope,
    Usage,
)
from core.periods import period
from sandbox.slack.blocks import view_faults
from tests.core.test_messages_talk import HOUR, T, machine

NOW = T + HOUR
BILL = Bill(
    machine="m1",
    name="amber-fox",
    owner="U1",
    channel="C1",
    runs=(Run(started_at=T, ended_at=None, hourly=Decimal("3.06")),),
)
FACTS = QuotaFacts(code="L-1", name="All P Spot Instance Requests", region="r", limit=64, used=8)
ROOM = QuotaRoom(region="us-east-1", facts=(FACTS,), read_at=NOW - timedelta(minutes=20))


def usage(*gpu: int | None, instance: str = "i-1") -> Usage:
    """One sample each quarter of an hour, the last one two minutes ago."""
    at = [NOW - timedelta(minutes=2) - n * timedelta(minutes=15) for n in range(len(gpu))][::-1]
    samples = tuple(Sample(at=a, gpu=g, cpu=7, ssh=0) for a, g in zip(at, gpu, strict=True))
    return Usage(instance=instance, machine="m1", samples=samples)


def tab(
    mine: tuple[Machine, ...] = (),
    others: tuple[Machine, ...] = (),
    bills: tuple[Bill, ...] = (BILL,),
    budgets: tuple[Budget, ...] = (),
    room: QuotaRoom | None = ROOM,
    used: dict[str, tuple[Usage, ...]] | None = None,
) -> Home:
    report = costs.report(bills, period("month", NOW), NOW)
    bars = costs.series(bills, report.days, lambda bill: bill.owner)
    known = states(budgets, "U1", bills, NOW)
    return messages.home_tab("U1", mine, others, report, bars, {}, known, room, used or {}, NOW)


def said(home: Home) -> str:
    return "\n".join(json.dumps(block, ensure_ascii=False) for block in home.blocks)


def view(home: Home) -> dict[str, Any]:
    plain = home.without_charts() or home
    made: dict[str, Any] = json.loads(json.dumps({"type": "home", "blocks": plain.blocks}))
    return made


@pytest.mark.parametrize("count", [0, 1, 20, 70])
def test_a_home_tab_keeps_slacks_limits(count: int) -> None:
    mine = tuple(replace(machine(f"fox-{n}"), id=f"m{n}") for n in range(count))
    made = tab(mine, mine)
    assert view_faults(view(made)) == []
    assert len(made.blocks) < 100
    labels = [b for block in made.blocks if block["type"] == "actions" for b in block["elements"]]
    assert len(labels) == 2 * min(count, 20)


def test_ones_machine_stands_there_with_what_may_be_done_to_it() -> None:
    m = machine()
    text = said(tab((m,), used={m.id: (usage(10, 80),)}))
    assert "amber-fox" in text
    assert "GPU 80 %, CPU 7 %" in text
    assert "Extend 2 h" in text
    assert "(in 3 h)" in text
    assert "The team's other machines" not in text
    assert "The team's other machines" in said(tab((), (m,)))


def test_the_teams_spending_stands_there_in_words_too() -> None:
    made = tab()
    assert [b for b in made.blocks if b["type"] == CHART]
    plain = made.without_charts()
    assert plain is not None
    assert "$3.07" in said(plain)
    assert "• You: $3.07 (100 %)" in said(plain)


def test_budgets_that_concern_the_viewer_are_shown_and_nobody_elses() -> None:
    budgets = (
        Budget(scope=Scope.TEAM, monthly=Decimal(10), hourly=Decimal(2)),
        Budget(scope=Scope.PERSON, monthly=Decimal(100)),
        Budget(scope=Scope.PERSON, who="U2", monthly=Decimal(77)),
        Budget(scope=Scope.CHANNEL, who="C1", monthly=Decimal("30.65")),
    )
    text = said(tab(budgets=budgets))
    assert "• the team: $3.07 of $10.00 this month `███░░░░░░░` 30 %" in text
    assert "• the team: $3.065/h of $2.00/h `██████████` 153 %" in text
    assert "• you: $3.07 of $100.00 this month" in text
    assert "<#C1>: $3.07 of $30.65 this month `█░░░░░░░░░` 10 %" in text
    assert "$77" not in text


def test_ones_own_budget_takes_the_place_of_everybodys() -> None:
    budgets = (
        Budget(scope=Scope.PERSON, monthly=Decimal(100)),
        Budget(scope=Scope.PERSON, who="U1", monthly=Decimal(500)),
    )
    assert [one.limit for one in states(budgets, "U1", (BILL,), NOW)] == [Decimal(500)]
    assert [one.limit for one in states(budgets, "U2", (BILL,), NOW)] == [Decimal(100)]


def test_quota_room_says_how_old_it_is() -> None:
    assert "56 P-type spot vCPUs free (8 of 64 used)" in said(tab())
    assert "as AWS told it 20 min ago" in said(tab())
    assert "AWS has not told it yet" in said(tab(room=None))
    empty = replace(ROOM, facts=(replace(FACTS, limit=0, used=0),))
    assert "may run no GPU in us-east-1 yet" in said(tab(room=empty))


# ---- use ------------------------------------------------------------------------------------


def test_use_is_drawn_in_bars_from_nothing_to_all_of_it() -> None:
    m = machine()
    used = {m.id: (usage(0, 50, 100),)}
    assert "`▁▄█`" in line(m, used, NOW)
    words, chart = drawn(m, used, NOW)
    assert "• GPU `▁▄█` from 0 % to 100 %" in words["text"]["text"]
    assert "Now: GPU 100 %, CPU 7 %." in words["text"]["text"]
    [gpu, cpu] = chart["chart"]["series"]
    assert [point["value"] for point in gpu["data"]] == [0, 50, 100]
    assert cpu["name"] == "CPU"


def test_what_was_not_measured_all_the_time_is_left_out_of_the_chart() -> None:
    m = machine()
    words, chart = drawn(m, {m.id: (usage(10, None, 30),)}, NOW)
    assert "`▁·▃`" in words["text"]["text"]
    assert [one["name"] for one in chart["chart"]["series"]] == ["CPU"]


def test_a_machine_that_has_reported_nothing_shows_nothing() -> None:
    m = machine()
    assert (now_used(m, {}, NOW), line(m, {}, NOW), drawn(m, {}, NOW)) == ("", "", ())
    assert "GPU" not in messages.listing((m,), NOW, everyone=False).text.replace("/gpu", "")


def test_lists_tell_the_use_of_now_and_an_old_report_is_none() -> None:
    m = machine()
    fresh: Message = messages.listing((m,), NOW, {m.id: (usage(87),)}, everyone=False)
    assert "GPU 87 %, CPU 7 %" in fresh.text
    late = messages.listing((m,), NOW + HOUR, {m.id: (usage(87),)}, everyone=False)
    assert "87 %" not in late.text


def test_the_overview_says_what_one_has_spent_this_month() -> None:
    profile = Profile(user="U1")
    told = messages.overview((machine(),), profile, NOW, {}, Decimal("12.30"))
    assert "You have spent $12.30 this month: `/gpu cost`." in told.text
    none = messages.overview((), profile, NOW, {}, Decimal("12.30"))
    assert "You have spent $12.30 this month" in none.text
