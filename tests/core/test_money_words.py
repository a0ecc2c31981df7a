"""The words behind `cost`, `budget`, `policy`, `audit`, `idle` and `schedule`."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core import commands
from core.commands import parse
from core.model import Scope
from core.times import Hours

D20 = Decimal(20)
WEEKDAYS = (0, 1, 2, 3, 4)
NINE_TO_SIX = Hours(days=WEEKDAYS, starts=(9, 0), stops=(18, 0))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("cost", commands.Cost()),
        ("cost me", commands.Cost(mine=True)),
        ("cost week <@U0KIM|kim> csv", commands.Cost(period="week", user="U0KIM", csv=True)),
        ("cost 2026-11 project bert", commands.Cost(period="2026-11", project="bert")),
        ("budget", commands.BudgetShow()),
        ("budget team 2000", commands.BudgetSet(scope=Scope.TEAM, amount=Decimal(2000))),
        (
            "budget each $20/h",
            commands.BudgetSet(scope=Scope.PERSON, amount=Decimal(20), hourly=True),
        ),
        ("budget <@U0KIM|kim> off", commands.BudgetSet(scope=Scope.PERSON, who="U0KIM")),
        (
            "budget <#C0ML|ml> 500.50",
            commands.BudgetSet(scope=Scope.CHANNEL, who="C0ML", amount=Decimal("500.50")),
        ),
        *(
            (f"budget each {said}", commands.BudgetSet(scope=Scope.PERSON, amount=D20, hourly=True))
            for said in ("20 an hour", "20 / h", "20 /h", "20 per hour", "$20 hourly", "20 usd/h")
        ),
        *(
            (f"budget {said}", commands.BudgetSet(scope=Scope.TEAM, amount=Decimal(2000)))
            for said in ("team 2,000", "for team $2000 usd a month", "set team 2000 / month")
        ),
        (
            "budget team 2,000,000.50",
            commands.BudgetSet(scope=Scope.TEAM, amount=Decimal("2000000.50")),
        ),
        ("budget per person off an hour", commands.BudgetSet(scope=Scope.PERSON, hourly=True)),
        ("policy", commands.PolicyShow()),
        ("policy set longest-lease 12h", commands.PolicySet(rule="longest-lease", value="12h")),
        ("policy reset longest-lease", commands.PolicySet(rule="longest-lease")),
        ("audit", commands.Audit()),
        ("audit amber-fox csv", commands.Audit(machine="amber-fox", csv=True)),
        ("idle amber-fox 30m", commands.Idle(name="amber-fox", length=timedelta(minutes=30))),
        ("idle off", commands.Idle(length=timedelta(0))),
        ("schedule", commands.ScheduleList()),
        ("schedule bert weekdays 9:00-18:00", commands.ScheduleSet(name="bert", hours=NINE_TO_SIX)),
        ("schedule bert off", commands.ScheduleSet(name="bert")),
        ("schedule bert skip", commands.ScheduleSkip(name="bert")),
    ],
)
def test_what_is_typed_is_what_is_meant(text: str, meant: commands.Command) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "cost week month",
        "budget team",
        "budget team much",
        "policy set longest-lease",
        "idle amber-fox",
        "schedule amber-fox",
        "schedule amber-fox weekdays 25:00-26:00",
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_command_that_works(text: str) -> None:
    refused = parse(text)
    assert isinstance(refused, commands.UsageError)
    assert refused.nearest is not None
    assert not isinstance(parse(refused.nearest), commands.UsageError)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("budget team 2 000", "budget team 2000"),
        ("budget team $1 234 567 a month", "budget team 1234567"),
        ("budget team 500 off", "budget team 500"),
        ("budget team 500 each", "budget team 500"),
        ("budget team 20 a day", "budget team 20"),
        ("budget team off 500", "budget team off"),
        ("budget team 2.000", "budget team 500"),
        ("idle bert off 30m", "idle bert 30m"),
        (
            "schedule bert weekdays 9:00-18:00 weekends 10:00-14:00",
            "schedule bert weekdays 9:00-18:00",
        ),
        ("schedule sat 9-18 sun 10-14 bert", "schedule bert sat 9-18"),
        ("schedule bert weekends off", "schedule bert off"),
        ("schedule bert off weekdays 9:00-18:00", "schedule bert weekdays 9:00-18:00"),
        ("schedule bert off skip", "schedule bert off"),
        ("data bert yes", "data delete bert"),
        ("images env yes", "images delete env"),
    ],
)
def test_words_that_would_be_left_over_are_never_dropped(text: str, nearest: str) -> None:
    refused = parse(text)
    assert isinstance(refused, commands.UsageError)
    assert refused.nearest == f"/gpu {nearest}"


def test_the_reason_for_an_approver_is_the_rest_of_the_line_in_its_own_spelling() -> None:
    wanted = parse("launch p3.2xlarge spot project bert because Paper deadline, Friday")
    assert isinstance(wanted, commands.Launch)
    assert (wanted.project, wanted.why) == ("bert", "Paper deadline Friday")


def test_a_machine_that_comes_back_keeps_its_disk() -> None:
    wanted = parse("launch p3.2xlarge recover")
    assert isinstance(wanted, commands.Launch)
    assert (wanted.recover, wanted.keep, wanted.market) == (True, True, "spot")
