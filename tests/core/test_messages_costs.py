"""What is said about spending keeps Slack's limits, and its words say what its chart shows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import costs, messages
from core.blocks import CHART, Message
from core.model import Bill, Market, Reconciled, Run, Store
from core.periods import period
from sandbox.slack.blocks import message_faults

NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
nasty = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(["<!channel>", "a&b<c>d", "`*_~", "x" * 400, "same name " * 3]),
)
many = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def hours(count: float) -> datetime:
    return NOW - timedelta(hours=count)


def bill(owner: str, hourly: str, name: str = "amber-fox", **more: Any) -> Bill:
    made = Bill(
        machine=f"{owner}-{name}",
        name=name,
        owner=owner,
        kind="g5.xlarge",
        market=Market.SPOT,
        runs=(Run(started_at=hours(30), ended_at=hours(28), hourly=Decimal(hourly)),),
    )
    return replace(made, **more)


def said(
    found: tuple[Bill, ...], word: str = "month", read: tuple[Reconciled, ...] = ()
) -> Message:
    report = costs.report(found, period(word, NOW), NOW)
    bars = costs.series(found, report.days, lambda one: one.owner)
    return messages.cost(report, "U0ADA", bars, {"U0ADA": "ada", "U0LIN": "lin"}, read)


def check(message: Message) -> None:
    assert message_faults(json.loads(json.dumps(message.blocks))) == []
    assert message.text.strip()
    assert len(message.text) <= 3000


@many
@given(st.lists(nasty, min_size=1, max_size=40), st.sampled_from(["week", "month", "2026-10"]))
def test_every_answer_about_spending_keeps_the_limits(names: list[str], word: str) -> None:
    found = tuple(
        bill(f"U{n % 12}", f"{n + 1}.5", name, project=name, region=name)
        for n, name in enumerate(names)
    )
    rows = tuple(
        Reconciled(day=f"2026-11-{n:02}", ours=Decimal(n), theirs=None, why=names[0])
        for n in range(1, 9)
    )
    report = costs.report(found, period(word, NOW), NOW)
    for whose in (None, "U0ADA"):
        bars = costs.series(found, report.days, lambda one: one.machine)
        called = {one.machine: one.name for one in found}
        check(messages.cost(report, "U0ADA", bars, called, rows, whose=whose, project=names[0]))


def test_ones_own_stands_first_and_every_column_stands_in_words() -> None:
    message = said((bill("U0LIN", "3"), bill("U0ADA", "1", "brave-owl")))
    lines = message.text.splitlines()
    assert lines[0].startswith("*Spent this month by the team: $8.02*")
    people = lines[lines.index("*By person*") + 1 :]
    assert people[0] == "• You: $2.01 (25 %)"
    assert people[1] == "• <@U0LIN>: $6.01 (75 %)"
    [chart] = [block for block in message.blocks if block["type"] == CHART]
    names = {one["name"]: one["data"][-1]["value"] for one in chart["chart"]["series"]}
    assert names == {"lin": 6.01, "ada": 2.01}
    assert "25-26 Nov $8.02" in message.text
    plain = message.without_charts()
    assert plain is not None
    assert plain.text == message.text


def test_what_runs_now_is_told_with_its_rate() -> None:
    up = bill("U0ADA", "1", runs=(Run(started_at=hours(1), ended_at=None, hourly=Decimal(1)),))
    assert "Running now: *$1.005/h* for 1 instance" in said((up,)).text
    stored = Store(kind="disk", started_at=hours(99), ended_at=None, hourly=Decimal("0.01"))
    assert "what is stored costs $0.01/h" in said((bill("U0ADA", "1", stores=(stored,)),)).text
    assert "Nothing costs money now." in said((bill("U0ADA", "1"),)).text


def test_the_period_before_is_told_of_the_same_length() -> None:
    then = Run(started_at=hours(24 * 32), ended_at=hours(24 * 32 - 1), hourly=Decimal(5))
    text = said((bill("U0ADA", "1"), bill("U0LIN", "5", runs=(then,)))).text
    assert "$3.00 less than in the same stretch of last month ($5.01)" in text


def test_awss_own_bill_stands_beside_ours_or_why_it_cannot_be_read() -> None:
    rows = (
        Reconciled(day="2026-11-25", ours=Decimal("8.02"), theirs=Decimal("8.50")),
        Reconciled(day="2026-11-24", ours=Decimal(1), theirs=None, why="AccessDenied"),
        Reconciled(day="2026-11-23", ours=Decimal(1), theirs=Decimal("1.001")),
    )
    text = said((bill("U0ADA", "1"),), read=rows).text
    assert "AWS's own bill for 2026-11-25: $8.50; ours $8.02; difference -$0.48" in text
    assert "AWS's own bill for 2026-11-24 cannot be read (`AccessDenied`); ours $1.00" in text
    assert "AWS's own bill for 2026-11-23: $1.00; ours $1.00; no difference" in text


def test_a_zero_of_aws_names_the_tag_that_nobody_activated_unless_ours_is_zero_too() -> None:
    rows = (
        Reconciled(day="2026-11-24", ours=Decimal("3.10"), theirs=Decimal(0)),
        Reconciled(day="2026-11-23", ours=Decimal("0.004"), theirs=Decimal(0)),
    )
    text = said((bill("U0ADA", "1"),), read=rows).text
    assert "AWS's own bill for 2026-11-24 has nothing marked `gpu:stack`; ours $3.10." in text
    assert "AWS's own bill for 2026-11-23: $0.00; ours" in text


def test_a_day_that_was_read_early_may_grow() -> None:
    early, later = (
        Reconciled(day=day, ours=Decimal(3), theirs=Decimal(2), read_at=NOW)
        for day in ("2026-11-25", "2026-11-24")
    )
    text = said((bill("U0ADA", "1"),), read=(early, later)).text
    assert "for 2026-11-25: $2.00; ours $3.00; difference $1.00; AWS may still add to it" in text
    assert text.count("AWS may still add to it") == 1


def test_nothing_spent_is_said_in_one_line_without_a_chart() -> None:
    message = said(())
    assert "$0.00" in message.text
    assert not [block for block in message.blocks if block["type"] == CHART]
