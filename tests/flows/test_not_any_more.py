"""Launches that wait while their owner loses the right to launch: nothing is started for them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.model import Approval, Cause, State, Verdict
from sim.chat import direct
from sim.town import ADA, CHANNEL, LIN, SAM, Town, buttons, person

MINUTE = timedelta(minutes=1)
DEAR = "launch p3.8xlarge on-demand in us-east-1 for 2h name bert because it is due"


def _leaves(here: Town) -> None:
    here.chat.add(replace(person(ADA, "ada"), active=False))


def _becomes_a_guest(here: Town) -> None:
    here.chat.add(person(ADA, "ada", member=False))


def _is_forgotten(here: Town) -> None:
    del here.chat._people[ADA]


def _loses_the_channel(here: Town) -> None:
    here.type("policy set channels C0OTHER1", SAM)


Loss = Callable[[Town], None]
LOSSES = (_leaves, _becomes_a_guest, _is_forgotten, _loses_the_channel)


def _town(**policy: Any) -> Town:
    here = Town(wire=False)
    here.house = replace(here.house, policy=replace(here.house.policy, **policy))
    here.ready_to_launch()
    return here


def _awaiting_approval() -> Town:
    here = _town(approval_above=Decimal(5))
    here.with_quota()
    here.type(DEAR)
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    assert here.machine().state is State.WAITING
    return here


def _awaiting_quota() -> Town:
    here = _town()
    here.type("launch g4dn.12xlarge on-demand in us-east-1 for 20h name bert")
    (way,) = [b for b in buttons(here.card()) if "launch when granted" in b["text"]["text"]]
    here.press(here.card(), way["action_id"])
    assert here.machine().state is State.WAITING
    return here


def _keeping_trying() -> Town:
    here = _town()
    here.with_quota()
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch g5.xlarge on-demand in us-east-1 for 20h name bert keep trying")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.WAITING
    return here


def _approve(here: Town, user: str = SAM) -> str:
    found = (p.message for p in here.chat.channel(direct(user)))
    (question,) = [m for m in found if "asks for your approval" in m.text]
    return here.press(question, "approve", user)[0].text


def _given_up(here: Town) -> None:
    m = here.machine()
    assert (m.state, m.cause, here.counts()["instances"]) == (State.FAILED, Cause.BARRED, 0)
    (told,) = [one.text for one in here.news() if "may not launch it any more" in one.text]
    assert told.startswith(f"<@{ADA}> *bert* was not launched because its owner")
    assert "Nothing was started, so it costs nothing." in told
    assert here.failures == []


@pytest.mark.parametrize("lose", LOSSES)
def test_a_yes_for_somebody_who_may_not_launch_any_more_starts_nothing_and_says_so(
    lose: Loss,
) -> None:
    here = _awaiting_approval()
    lose(here)
    said = _approve(here)
    assert f"<@{ADA}> may not launch any more" in said
    assert "Nothing was started" in said
    here.pass_time(5 * MINUTE)
    _given_up(here)
    (row,) = here.ledger.rows(Approval)
    assert (row.verdict, row.due_at) == (Verdict.WITHDRAWN, None)


def test_a_yes_that_was_said_before_they_left_is_not_carried_out_after_it() -> None:
    here = _awaiting_approval()
    (row,) = here.ledger.rows(Approval)
    yes = replace(
        row, verdict=Verdict.APPROVED, decided_by=SAM, decided_at=here.now, due_at=here.now
    )
    here.ledger.save_row(yes, row)
    _leaves(here)
    here.pass_time(5 * MINUTE)
    _given_up(here)


@pytest.mark.parametrize("lose", LOSSES)
def test_a_launch_that_waits_for_a_quota_is_given_up_when_it_is_granted(lose: Loss) -> None:
    here = _awaiting_quota()
    lose(here)
    here.with_quota(value=128)
    here.pass_time(timedelta(hours=1))
    _given_up(here)


@pytest.mark.parametrize("lose", LOSSES)
def test_a_launch_that_keeps_trying_is_given_up_at_its_next_try(lose: Loss) -> None:
    here = _keeping_trying()
    lose(here)
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(10 * MINUTE)
    _given_up(here)


@pytest.mark.parametrize("waits", [_awaiting_quota, _keeping_trying])
def test_where_slack_does_not_tell_who_they_are_the_launch_goes_on(
    waits: Callable[[], Town],
) -> None:
    here = waits()
    here.chat.blind = "ratelimited"
    here.with_quota(value=128)
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(timedelta(hours=1))
    assert here.machine().state is State.RUNNING


def test_who_is_taken_out_of_the_groups_that_may_launch_is_noticed_but_not_silence() -> None:
    here = _keeping_trying()
    here.house = replace(
        here.house, policy=replace(here.house.policy, groups=frozenset({"S0TEAM"}))
    )
    here.chat.groups["S0TEAM"] = frozenset({LIN})
    here.pass_time(10 * MINUTE)
    _given_up(here)


def test_where_slack_does_not_tell_who_is_in_the_groups_the_launch_goes_on() -> None:
    here = _keeping_trying()
    here.house = replace(
        here.house, policy=replace(here.house.policy, groups=frozenset({"S0UNKNOWN"}))
    )
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_machine_that_runs_goes_on_to_its_deadline_without_its_owner() -> None:
    here = _keeping_trying()
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(10 * MINUTE)
    _leaves(here)
    here.pass_time(timedelta(hours=2))
    assert here.machine().state is State.RUNNING
    assert here.news(CHANNEL)
