"""Budgets hold: for launches, starts and extensions, whoever asks, and while money is spent."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from core import messages
from core.blocks import when
from core.flows import purse, spending
from core.flows.step import step
from core.model import Bill, Budget, Machine, Over, Purse, Scope, State, Store, Tab
from sim.ledger import MemoryLedger
from sim.town import ADA, CHANNEL, LIN, POLICY, SAM, Town, buttons, town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
T = TypeVar("T")


def _town(over: Over = Over.BLOCK, *budgets: Budget, **more: Any) -> Town:
    here = town(over=over, budgets=budgets, **more)
    here.with_quota()
    for user in (ADA, LIN, SAM):
        here.ready_to_launch(user)
    return here


def _team(monthly: int | None = None, hourly: str | None = None) -> Budget:
    return Budget(
        scope=Scope.TEAM,
        monthly=None if monthly is None else Decimal(monthly),
        hourly=None if hourly is None else Decimal(hourly),
    )


def _promised(here: Town) -> dict[str, Decimal]:
    row = here.ledger.row(Purse, purse.KEY)
    return {one.machine: one.hourly for one in row.commitments} if row else {}


LAUNCH = "launch p3.2xlarge on-demand in us-east-1 for 4h"  # $3.06/h, $12.24


def test_a_launch_that_would_pass_the_budget_is_refused_with_the_figures() -> None:
    here = _town(Over.BLOCK, _team(monthly=20))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    here.type(f"{LAUNCH} name emil", LIN)
    m = here.machine()
    assert m.state is State.HELD
    for said in ("budget of the team is $20.00 a month", "promised", "$12.24"):
        assert said in here.card().text
    assert here.counts()["instances"] == 1


def _without_room(here: Town) -> None:
    """bert, $1.006/h, is stopped and finds no room; then there is room again, and Lin's emil,
    $0.526/h, has what was left of $1.10/h."""
    here.type("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    here.pass_time(2 * MINUTE)
    here.type("stop bert")
    here.pass_time(2 * MINUTE)
    at = here.machine().placement
    assert at is not None
    here.control(do="fill-zone", region="us-east-1", zone=at.zone, instance_type="g5.xlarge")
    here.type("start bert")
    here.pass_time(MINUTE)


def _bert(here: Town) -> Machine:
    (m,) = [one for one in here.ledger.everything() if one.name == "bert"]
    return m


def _cheap_one_of_lin(here: Town) -> None:
    here.type("launch g4dn.xlarge on-demand in us-east-1 for 2h name emil", LIN)
    here.pass_time(2 * MINUTE)
    here.control(do="free-zone", region="us-east-1")
    assert here.counts()["instances"] == 2


@pytest.mark.parametrize("label", ["Keep trying", "g6.xlarge", "another zone"])
def test_a_way_on_of_a_failed_start_passes_no_budget_either(label: str) -> None:
    here = _town(Over.BLOCK, _team(hourly="1.10"))
    _without_room(here)
    ways = [b for one in here.news() for b in buttons(one) if label in b["text"]["text"]]
    _cheap_one_of_lin(here)
    here.click(ways[-1]["action_id"], ways[-1]["value"])
    here.pass_time(10 * MINUTE)
    assert _bert(here).state is State.STOPPED
    assert sum(one.state is State.RUNNING for one in here.ledger.everything()) == 1


def test_a_start_that_keeps_trying_passes_no_budget_when_there_is_room_at_last() -> None:
    here = _town(Over.BLOCK, _team(hourly="1.10"))
    _without_room(here)
    (trying,) = [b for b in buttons(here.news()[-1]) if "Keep trying" in b["text"]["text"]]
    here.click(trying["action_id"], trying["value"])
    here.pass_time(2 * MINUTE)
    _cheap_one_of_lin(here)
    here.pass_time(15 * MINUTE)
    assert _bert(here).state is State.STOPPED
    said = here.news()[-1].text
    assert "could not be started" in said and "budget of the team is $1.10/h" in said
    assert _promised(here).keys() == {
        one.id for one in here.ledger.everything() if one.name == "emil"
    }


def test_what_is_promised_follows_the_lease_and_is_free_when_it_has_stopped() -> None:
    here = _town(Over.BLOCK, _team(monthly=100))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * MINUTE)
    m = here.machine()
    assert _promised(here) == {m.id: m.hourly}
    here.type("extend bert 1h")
    row = here.ledger.row(Purse, purse.KEY)
    assert row is not None
    lease = here.machine().lease
    assert lease is not None
    assert row.commitments[0].until == lease.deadline
    here.type("stop bert")
    here.pass_time(2 * MINUTE)
    assert _promised(here) == {}


@pytest.mark.parametrize("over", list(Over))
def test_an_extension_over_the_budget_is_refused_or_asked_about_by_policy(over: Over) -> None:
    here = _town(over, _team(monthly=15))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * MINUTE)
    before = here.machine().lease
    said = here.type("extend bert 2h")[0].text
    after = here.machine().lease
    assert before is not None and after is not None
    assert (after.deadline > before.deadline) is (over is Over.WARN)
    assert over is Over.WARN or "budget of the team" in said
    here.pass_time(MINUTE)
    row = here.ledger.row(Purse, purse.KEY)
    assert row is not None
    assert row.commitments[0].until == after.deadline


def test_a_start_over_the_budget_leaves_it_stopped_and_says_so() -> None:
    here = _town(Over.BLOCK, _team(monthly=16))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * HOUR)
    here.type("stop bert")
    here.pass_time(3 * MINUTE)
    said = here.type("start bert for 4h")[0].text
    assert here.machine().state is State.STOPPED
    assert "budget of the team" in said and "stays stopped" in said
    here.type("start bert for 2h")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_one_persons_budget_leaves_the_others_theirs() -> None:
    own = Budget(scope=Scope.PERSON, monthly=Decimal(13))
    here = _town(Over.BLOCK, own)
    here.type(f"{LAUNCH} name bert")
    here.pass_time(MINUTE)
    here.type(f"{LAUNCH} name emil")
    assert here.machine().state is State.HELD
    here.pass_time(MINUTE)
    here.type(f"{LAUNCH} name ada", LIN)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_the_running_rate_counts_all_instances() -> None:
    here = _town(Over.BLOCK, _team(hourly="7"), approval_above=Decimal(100))
    here.type("launch p3.2xlarge on-demand x3 in us-east-1 for 1h")
    assert here.machine().state is State.HELD
    here.pass_time(MINUTE)
    here.type("launch p3.2xlarge on-demand x2 in us-east-1 for 1h")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_of_many_who_claim_the_last_money_at_once_one_gets_it() -> None:
    here = _town(Over.BLOCK, _team(monthly=20))
    here.control(do="fill-zone", region="us-east-1")
    for n in range(12):
        here.type(f"{LAUNCH} name bert-{chr(97 + n)}")
    rows = here.ledger.live()
    assert len(rows) == 12
    until = here.now + 4 * HOUR
    results: list[bool] = []

    def claim(at: int) -> None:
        results.append(not purse.claim(here.house, rows[at], hourly=Decimal("3.06"), until=until))

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(len(rows))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert results.count(True) == 1


def test_a_launch_that_came_to_nothing_gives_back_what_was_set_aside() -> None:
    here = _town(Over.BLOCK, _team(monthly=20))
    here.control(do="fill-zone", region="us-east-1")
    here.type(f"{LAUNCH} name bert")
    here.pass_time(MINUTE)
    assert here.machine().state is State.HELD
    assert _promised(here) == {}


def test_each_mark_is_told_once_to_those_concerned() -> None:
    here = _town(Over.WARN, _team(monthly=10), Budget(scope=Scope.PERSON, monthly=Decimal(10)))
    here.type("launch p3.2xlarge on-demand in us-east-1 for 6h name bert")
    here.pass_time(5 * HOUR)

    def told(user: str, words: str) -> int:
        return sum(words in p.message.text for p in here.chat.directs(user))

    for words in ("is 50 % spent", "is 80 % spent", "this month is spent"):
        assert told(SAM, f"team of $10.00 for this month {words.removeprefix('this month ')}") == 1
        assert told(ADA, words) == 1
    assert here.machine().state is State.RUNNING, "warned only"


def _marks(here: Town, user: str, whose: str) -> list[str]:
    """What that person has read of how far that budget is spent."""
    told = [p.message.text for p in here.chat.directs(user)]
    return [text for text in told if text.startswith(f"The budget of {whose} of $10.00")]


def test_where_the_bot_may_not_write_the_admins_hear_of_a_channels_budget() -> None:
    here = _town(Over.WARN, Budget(scope=Scope.CHANNEL, who=CHANNEL, monthly=Decimal(10)))
    here.chat.closed.add(CHANNEL)
    here.type("launch p3.2xlarge on-demand in us-east-1 for 6h name bert")
    here.pass_time(5 * HOUR)
    half, most, spent = _marks(here, SAM, f"<#{CHANNEL}>")
    assert "is 50 % spent" in half and "is 80 % spent" in most
    assert "for this month is spent: $10" in spent and "($3.06/h)" in spent
    for text in (half, most, spent):
        assert f"could not be said in <#{CHANNEL}>" in text and "`not_in_channel`" in text
        assert "`/invite @gpu`" in text


def test_of_the_budget_of_somebody_who_has_left_the_admins_hear() -> None:
    here = _town(Over.WARN, Budget(scope=Scope.PERSON, monthly=Decimal(10)))
    here.type("launch p3.2xlarge on-demand in us-east-1 for 6h name bert")
    here.pass_time(MINUTE)
    here.chat.add(replace(here.chat.person(ADA), active=False))
    here.pass_time(5 * HOUR)
    told = _marks(here, SAM, f"<@{ADA}>")
    assert ["50 %" in one for one in told] == [True, False, False]
    assert all(f"could not be said to <@{ADA}>" in one and "user_disabled" in one for one in told)


def test_where_it_could_be_said_the_admins_hear_once_that_all_is_spent() -> None:
    here = _town(Over.WARN, Budget(scope=Scope.CHANNEL, monthly=Decimal(10)))
    here.type("launch p3.2xlarge on-demand in us-east-1 for 6h name bert")
    here.pass_time(5 * HOUR)
    (spent,) = _marks(here, SAM, f"<#{CHANNEL}>")
    assert "is spent" in spent and "could not be said" not in spent


def test_at_the_end_of_the_money_what_runs_is_stopped_after_a_warning_if_the_policy_says_so() -> (
    None
):
    here = _town(Over.STOP, _team(monthly=10))
    here.type("launch p3.2xlarge on-demand in us-east-1 for 3h name bert")
    here.pass_time(HOUR)
    here.type("budget team 4", SAM)
    here.pass_time(25 * MINUTE)
    m = here.machine()
    assert m.doom is not None
    (warned,) = [n for n in here.news() if "is spent, so" in n.text]
    assert "<@U0ADA>" in warned.text and "$3.06/h" in warned.text
    here.pass_time(m.doom.at - here.now + 2 * MINUTE)
    assert here.machine().state is State.STOPPED
    assert [n for n in here.news() if "because its budget is spent" in n.text]


def test_a_budget_that_is_raised_in_time_takes_the_stop_back() -> None:
    here = _town(Over.STOP, _team(monthly=10))
    here.type("launch p3.2xlarge on-demand in us-east-1 for 3h name bert")
    here.pass_time(HOUR)
    here.type("budget team 2", SAM)
    assert here.machine().doom is not None
    here.pass_time(5 * MINUTE)
    here.type("budget team 50", SAM)
    here.pass_time(20 * MINUTE)
    assert (here.machine().state, here.machine().doom) == (State.RUNNING, None)


def test_until_it_stops_for_its_budget_every_answer_says_when_and_why() -> None:
    here = _town(Over.STOP, _team(monthly=50))
    here.type("launch p3.2xlarge on-demand in us-east-1 for 3h name bert")
    here.pass_time(HOUR)
    here.type("budget team 2", SAM)
    here.pass_time(timedelta(seconds=10))
    m = here.machine()
    assert m.doom is not None
    stops, why = when(m.doom.at), "because its budget is spent"
    assert f"Stops by itself: {stops} {why}" in here.card().text
    for words in ("list", "show bert", "extend bert 1h"):
        (said,) = here.type(words)
        assert stops in said.text and why in said.text, words
    extended = messages.extended(m, here.now).text  # as an approver may have it
    assert f"it stops by itself {stops} {why}" in extended and "runs until" not in extended


def test_only_admins_set_budgets_and_everybody_sees_them() -> None:
    here = _town(Over.BLOCK)
    assert "Only admins" in here.type("budget team 5")[0].text
    here.type("budget team 500", SAM)
    here.type("budget each 20/h", SAM)
    here.type(f"budget <#{CHANNEL}|gpu> 90", SAM)
    shown = here.type("budget")[0].text
    for words in ("$500.00 a month", "$20.00/h at a time", "$90.00 a month"):
        assert words in shown
    here.type("budget team off", SAM)
    assert "$500.00" not in here.type("budget")[0].text


@pytest.mark.parametrize(
    ("over", "then"),
    [
        (Over.WARN, "What runs now runs on. What passes a budget is told, and nothing is refused."),
        (Over.APPROVE, "What runs now runs on. What would pass a budget asks an approver."),
        (Over.BLOCK, "What runs now runs on. What would pass a budget is refused."),
        (Over.STOP, "is refused, and when it is spent, what runs is stopped."),
    ],
)
def test_whoever_sets_a_budget_hears_what_it_does_by_the_rule(over: Over, then: str) -> None:
    here = _town(over)
    (said,) = here.type("budget team 500", SAM)
    assert then in said.text
    assert ("What runs now runs on" in said.text) == (over is not Over.STOP)


def test_of_a_budget_that_was_taken_away_nothing_is_held_to_it() -> None:
    here = _town(Over.STOP, _team(monthly=500))
    here.type("budget each 20/h", SAM)
    (said,) = here.type("budget team off", SAM)
    assert said.text.startswith("The team: no budget any more. The other budgets stay")
    (said,) = here.type("budget each off an hour", SAM)
    assert "leases alone limit" in said.text and "refused" not in said.text


def test_what_ran_before_there_was_a_budget_counts_from_then_on() -> None:
    here = _town(Over.BLOCK)
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * MINUTE)
    here.type("budget team 20", SAM)
    here.pass_time(6 * MINUTE)
    assert len(_promised(here)) == 1
    here.type(f"{LAUNCH} name emil", LIN)
    assert here.machine().state is State.HELD


class _EndsBetween(MemoryLedger):
    """Something ends after the first of the lists has been read."""

    ends: Callable[[], object] | None = None

    def _then(self, listed: tuple[T, ...]) -> tuple[T, ...]:
        ends, self.ends = self.ends, None
        if ends is not None:
            ends()
        return listed

    def live(self) -> tuple[Machine, ...]:
        return self._then(super().live())

    def bills(self, since: datetime, until: datetime) -> tuple[Bill, ...]:
        return self._then(super().bills(since, until))


def test_what_a_machine_has_cost_that_ends_while_it_is_added_up_is_counted_once() -> None:
    ledger = _EndsBetween()
    here = Town(ledger=ledger)
    here.with_quota()
    here.ready_to_launch()
    here.type(f"{LAUNCH} name bert")
    here.pass_time(HOUR)
    m = here.machine()

    def end() -> None:
        here.type("end bert")
        here.pass_time(2 * MINUTE)

    ledger.ends = end
    found = spending.bills(here.house, here.now - 2 * HOUR)
    assert here.machine().state is State.ENDED
    assert [bill.machine for bill in found] == [m.id]


class _Lagging(MemoryLedger):
    """Its list of live machines has not heard of any yet, as an index may."""

    def live(self) -> tuple[Machine, ...]:
        return ()


def test_a_claim_outlasts_a_list_of_machines_that_lags() -> None:
    policy = replace(POLICY, over=Over.BLOCK, budgets=(_team(monthly=20),))
    here = Town(policy=policy, ledger=_Lagging())
    here.with_quota()
    here.ready_to_launch(ADA)
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * MINUTE)
    m = here.machine()
    purse.settle(here.house)
    assert _promised(here) == {m.id: m.hourly}


def test_a_step_between_the_claim_of_a_start_and_its_row_leaves_the_claim() -> None:
    here = _town(Over.BLOCK, _team(monthly=100))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(10 * MINUTE)
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    m = here.machine()
    assert (m.state, _promised(here)) == (State.STOPPED, {})
    until = here.now + 4 * HOUR
    assert purse.claim(here.house, m, hourly=Decimal("3.06"), until=until) == ()
    step(here.house, m.id)
    purse.settle(here.house)
    assert _promised(here) == {m.id: Decimal("3.06")}
    here.pass_time(6 * MINUTE)
    assert _promised(here) == {}, "whoever claimed it has died: the clock takes it out"


def test_a_step_between_the_claim_of_a_launch_and_its_row_leaves_the_claim() -> None:
    here = _town(Over.BLOCK, _team(monthly=100))
    slow = {"operation": "DescribeInstanceTypes", "code": "RequestLimitExceeded"}
    here.control(do="fault", times=10**6, **slow)
    here.type(f"{LAUNCH} name bert")
    m = here.machine()
    assert (m.state, _promised(here)) == (State.REQUESTED, {})
    until = here.now + 4 * HOUR
    assert purse.claim(here.house, m, hourly=Decimal("3.06"), until=until) == ()
    step(here.house, m.id)
    purse.settle(here.house)
    assert here.machine().state is State.REQUESTED
    assert _promised(here) == {m.id: Decimal("3.06")}
    here.pass_time(MINUTE)
    assert here.machine().state is State.REQUESTED
    assert _promised(here) == {}, "whoever claimed it has died"


def test_a_step_that_read_the_row_long_ago_takes_back_no_claim_that_was_made_since() -> None:
    here = _town(Over.BLOCK, _team(monthly=100))
    here.control(do="fill-zone", region="us-east-1")
    here.type(f"{LAUNCH} name bert")
    held = here.machine()
    assert (held.state, _promised(here)) == (State.HELD, {})
    here.control(do="free-zone", region="us-east-1")
    here.control(do="fault", operation="RunInstances", code="timeout-without-effect", times=1)
    again = next(b for b in buttons(here.card()) if "Keep trying" in b["text"]["text"])
    here.click(again["action_id"], again["value"])
    assert here.machine().state is State.LAUNCHING
    purse.follow(here.house, held)
    assert _promised(here) == {held.id: Decimal("3.06")}


class _Meeting(MemoryLedger):
    """Somebody else comes first, once, after so many saves of a machine."""

    after = -1
    other: Callable[[], object] = staticmethod(lambda: None)

    def save(self, machine: Machine, seen: Machine) -> Machine:
        self.after -= 1
        if self.after == 0:
            self.other()
        return super().save(machine, seen)


def test_a_step_that_lost_its_last_write_promises_nothing_for_what_it_has_seen() -> None:
    ledger = _Meeting()
    here = Town(policy=replace(POLICY, over=Over.BLOCK, budgets=(_team(100),)), ledger=ledger)
    here.with_quota()
    here.ready_to_launch()
    here.type(f"{LAUNCH} name bert")
    here.pass_time(10 * MINUTE)
    assert here.machine().ready_at is not None

    def stop() -> None:
        here.type("stop bert")
        here.pass_time(3 * MINUTE)

    ledger.other, ledger.after = stop, 2  # what it saw is written, when it is due again is not
    step(here.house, here.machine().id)
    assert ledger.after < 0
    assert here.machine().state is State.STOPPED
    assert _promised(here) == {}


def test_a_step_between_the_claim_of_a_longer_lease_and_its_row_leaves_the_claim() -> None:
    here = _town(Over.BLOCK, _team(monthly=100))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(10 * MINUTE)
    m = here.machine()
    assert m.lease is not None and m.hourly is not None
    until = m.lease.deadline + HOUR
    assert purse.claim(here.house, m, hourly=m.hourly, until=until) == ()
    step(here.house, m.id)
    row = here.ledger.row(Purse, purse.KEY)
    assert row is not None and row.commitments[0].until == until
    here.pass_time(6 * MINUTE)
    row = here.ledger.row(Purse, purse.KEY)
    assert row is not None and row.commitments[0].until == m.lease.deadline


def test_the_same_claim_again_promises_it_once() -> None:
    here = _town(Over.BLOCK, _team(monthly=20))
    here.type(f"{LAUNCH} name bert")
    here.pass_time(2 * MINUTE)
    m = here.machine()
    assert m.lease is not None and m.hourly is not None
    for _ in range(2):
        assert purse.claim(here.house, m, hourly=m.hourly, until=m.lease.deadline) == ()
    assert _promised(here) == {m.id: m.hourly}


def test_a_launch_that_keeps_trying_holds_nothing_while_it_waits() -> None:
    here = _town(Over.BLOCK, _team(monthly=20))
    here.control(do="fill-zone", region="us-east-1")
    here.type(f"{LAUNCH} keep trying name bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state not in {State.RUNNING, State.FAILED}
    assert _promised(here) == {}


@pytest.mark.parametrize("limit", ["0", "2"])
def test_data_volumes_pass_the_budget_of_no_channel(limit: str) -> None:
    here = _town(Over.WARN, Budget(scope=Scope.CHANNEL, monthly=Decimal(limit)))
    row = Tab(what="data-volume/x", name="x", owner=ADA, stores=(_store(here),))
    here.ledger.save_row(row, None)
    here.pass_time(6 * MINUTE)
    assert "*Each channel*" in here.type("budget", SAM)[0].text
    assert "$0.00 spent" in here.type("budget", SAM)[0].text
    assert here.chat.directs(SAM) == ()
    assert here.failures == []


def _store(here: Town) -> Store:
    """A dollar an hour for a day."""
    began = here.now - timedelta(days=1)
    return Store(kind="data", started_at=began, ended_at=None, hourly=Decimal(1))
