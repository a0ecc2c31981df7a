"""Approvals: asked once, answered by somebody else, used once, and never for ever."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.blocks import Message
from core.flows import purse
from core.model import Approval, Budget, ChoiceKind, Over, Purse, Scope, State, Verdict
from sim.chat import direct
from sim.fuse import fused, guarded
from sim.town import ADA, CHANNEL, GUS, LIN, SAM, TEAM, Town, buttons, person, town

MINUTE = timedelta(minutes=1)
DEAR = "launch p3.8xlarge on-demand in us-east-1 for 2h name bert because Paper deadline & more"


def _town(**policy: Any) -> Town:
    here = town(approval_above=Decimal(5), **policy)
    here.with_quota()
    here.ready_to_launch()
    return here


def _asked(text: str = DEAR, **policy: Any) -> Town:
    here = _town(**policy)
    here.type(text)
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    return here


def _questions(here: Town, user: str = SAM) -> list[Message]:
    found = (p.message for p in here.chat.channel(direct(user)))
    return [m for m in found if "asks for your approval" in m.text]


def _question(here: Town) -> Approval:
    (row,) = here.ledger.rows(Approval)
    return row


def test_above_the_limit_nothing_starts_before_somebody_else_has_said_yes() -> None:
    here = _asked()
    m = here.machine()
    assert m.state is State.WAITING
    (asked,) = _questions(here)
    for said in (
        "<@U0ADA>",
        "p3.8xlarge",
        "$12.24/h",
        "$24.48",
        "2 h",
        "Paper deadline &amp; more",
    ):
        assert said in asked.text, said
    assert [b["action_id"] for b in buttons(asked)] == ["approve", "deny"]
    assert "waits for an approver's yes" in here.card().text
    assert "Nothing was started" in here.card().text
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert buttons(_questions(here)[0]) == []
    assert "Approved by <@U0SAM>" in _questions(here)[0].text
    assert [n for n in here.news() if "<@U0SAM> approved" in n.text]


@pytest.mark.parametrize("user", [ADA, LIN, GUS, "U0EVE"])
def test_nobody_but_an_approver_decides_and_never_about_what_is_their_own(user: str) -> None:
    here = _asked(approvers=frozenset({ADA, SAM}))
    here.chat.add(replace(person("U0EVE", "eve"), team_id="T0OTHER"))
    (asked,) = _questions(here)
    here.press(asked, "approve", user)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.WAITING
    assert _question(here).verdict is Verdict.OPEN


def test_an_approver_who_has_left_decides_nothing() -> None:
    here = _asked()
    here.chat.add(replace(person(SAM, "sam"), active=False))
    here.press(_questions(here)[0], "approve", SAM)
    assert _question(here).verdict is Verdict.OPEN


def test_the_first_of_two_approvers_decides_and_the_second_hears_who_was_first() -> None:
    here = _asked(approvers=frozenset({LIN, SAM}))
    asked = _questions(here, LIN)[0]
    here.press(asked, "deny", LIN)
    said = here.press(asked, "approve", SAM)
    assert "Denied by <@U0LIN>" in said[0].text
    here.pass_time(2 * MINUTE)
    m = here.machine()
    assert m.state is State.HELD
    assert "denied" in here.card().text
    assert [n for n in here.news() if "<@U0LIN> denied it" in n.text]
    assert here.counts()["instances"] == 0


def test_a_price_that_rose_above_what_was_approved_asks_again() -> None:
    here = _asked()
    row = _question(here)
    asked = _questions(here)[0]
    cheap = replace(row, hourly=Decimal("0.01"), total=Decimal("0.02"))
    here.ledger.save_row(cheap, row)
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.HELD
    assert "dearer than what was approved" in here.card().text
    assert here.counts()["instances"] == 0


def test_an_approver_asleep_is_reminded_and_the_question_has_an_end() -> None:
    here = _asked()
    here.pass_time(16 * MINUTE)
    assert len(_questions(here)) == 2
    here.pass_time(timedelta(hours=8))
    row = _question(here)
    assert (row.verdict, row.told, row.due_at) == (Verdict.EXPIRED, True, None)
    assert 3 <= len(_questions(here)) <= 6
    assert all(buttons(one) == [] for one in _questions(here))
    assert [n for n in here.news() if "Nobody decided in time" in n.text]
    assert here.counts()["instances"] == 0
    here.press(replace(_questions(here)[0], blocks=_buttons_again(row)), "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.counts()["instances"] == 0


def _buttons_again(row: Approval) -> tuple[dict[str, Any], ...]:
    """As an old client still shows them."""
    button = {"type": "button", "action_id": "approve", "value": row.key}
    return ({"type": "actions", "elements": [button]},)


def test_what_nobody_approved_in_time_is_not_held_past_its_own_hour() -> None:
    here = _asked("launch p3.8xlarge on-demand in us-east-1 until 12:00 name bert")
    noon = here.now.replace(hour=12, minute=0, second=0, microsecond=0)
    here.pass_time(noon + 10 * MINUTE - here.now)
    assert _question(here).verdict is Verdict.EXPIRED
    assert here.machine().state is State.FAILED
    assert [n for n in here.news() if "Nobody decided in time" in n.text]
    assert here.failures == []


def test_giving_it_up_takes_the_question_back() -> None:
    here = _asked()
    here.type("end bert")
    here.pass_time(10 * timedelta(hours=1))
    assert _question(here).verdict is Verdict.WITHDRAWN
    assert all(buttons(one) == [] for one in _questions(here))
    assert len(_questions(here)) == 1


def test_where_nobody_else_may_approve_that_is_said_at_once() -> None:
    here = _town(approvers=frozenset({ADA}))
    here.type(DEAR)
    said = here.press(here.card(), "choose-0")
    assert "nobody but you" in said[0].text
    assert here.machine().state is State.HELD


def test_an_approval_is_for_one_launch_only() -> None:
    here = _asked()
    here.press(_questions(here)[0], "approve", SAM)
    here.pass_time(2 * MINUTE)
    here.type(DEAR.replace("bert", "emil"))
    assert here.machine().state is State.HELD


def test_an_admins_own_launch_goes_on_but_not_where_approving_is_others_office() -> None:
    for approvers, state in ((frozenset[str](), State.RUNNING), (frozenset({LIN}), State.HELD)):
        here = _town(approvers=approvers)
        here.ready_to_launch(SAM)
        here.type(DEAR, SAM)
        here.pass_time(2 * MINUTE)
        assert here.machine().state is state


def test_the_price_of_all_instances_together_counts() -> None:
    here = _town()
    here.type("launch p3.2xlarge on-demand x3 in us-east-1 for 1h")
    assert here.machine().state is State.HELD
    assert "$9.18/h" in here.card().text


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("action", ["approve", "deny"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_it_is_carried_out_once_and_told(action: str, *, after: bool) -> None:
    def story(here: Town) -> None:
        row = _question(here)
        guarded(lambda: here.click(action, row.key, SAM))
        guarded(lambda: here.pass_time(3 * MINUTE))

    here = _asked()
    fuse = fused(here)
    story(here)
    for at in range(1, fuse.counted + 1):
        here = _asked()
        fused(here, at, after=after)
        story(here)
        here.pass_time(12 * MINUTE)  # a wake that was lost is made good by the next look
        wanted = State.RUNNING if action == "approve" else State.HELD
        assert here.machine().state is wanted, at
        assert _question(here).told, at
        assert here.counts()["instances"] == (1 if action == "approve" else 0), at


def test_while_slack_is_away_nothing_is_lost() -> None:
    here = _asked()
    row = _question(here)
    here.chat.down = True
    with pytest.raises(Exception, match="unreachable"):
        here.click("approve", row.key, SAM)
    here.pass_time(3 * MINUTE)
    here.chat.down = False
    here.click("approve", row.key, SAM)
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert len([n for n in here.news() if "<@U0SAM> approved" in n.text]) == 1


@pytest.mark.parametrize("verdict", ["deny", "nobody answers"])
def test_where_a_requester_who_has_left_cannot_be_reached_the_question_ends_all_the_same(
    verdict: str,
) -> None:
    here = _asked()
    (asked,) = _questions(here)
    here.chat.add(replace(person(ADA, "ada"), active=False))
    here.chat.closed.add(CHANNEL)
    if verdict == "deny":
        here.press(asked, "deny", SAM)
    here.pass_time(timedelta(hours=9))
    row = _question(here)
    assert (row.told, row.due_at) == (True, None)
    assert here.failures == []


def test_the_home_team_is_the_towns() -> None:
    assert person(SAM, "sam").team_id == TEAM


@pytest.mark.parametrize(
    ("presser", "named", "approved"),
    [
        (ADA, frozenset({ADA, SAM}), False),  # owner and requester, though an approver
        (SAM, frozenset[str](), True),  # an admin, where no approvers are named
        (SAM, frozenset({LIN}), False),  # an admin who is no approver
        (LIN, frozenset({LIN}), True),  # an approver who is no admin
        (LIN, frozenset[str](), False),  # a member
        (GUS, frozenset({GUS, SAM}), False),  # a guest, though an approver
        ("U0EVE", frozenset({"U0EVE", SAM}), False),  # of another workspace
        ("U0OLD", frozenset({"U0OLD", SAM}), False),  # has left
    ],
)
def test_who_may_approve(presser: str, named: frozenset[str], *, approved: bool) -> None:
    here = _asked(approvers=named)
    here.chat.add(
        replace(person("U0EVE", "eve"), team_id="T0OTHER"),
        replace(person("U0OLD", "old"), active=False),
    )
    here.click("approve", _question(here).key, presser)
    here.pass_time(2 * MINUTE)
    assert (_question(here).verdict is Verdict.APPROVED) is approved
    assert here.counts()["instances"] == (1 if approved else 0)


def test_longer_than_a_lease_may_be_asks_where_the_policy_says_so() -> None:
    here = town(over_length=Over.APPROVE)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 48h name bert")
    assert here.machine().state is State.HELD
    assert "longest-lease" in here.card().text
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    here.press(_questions(here)[0], "approve", SAM)
    here.pass_time(2 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.lease is not None
    assert m.lease.length == timedelta(hours=48)
    assert "at most" in here.type("launch g5.xlarge on-demand for 300h")[0].text


def _running(**policy: Any) -> Town:
    here = town(**policy)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 23h name bert")
    here.pass_time(2 * MINUTE)
    return here


def test_an_extension_that_was_approved_moves_the_deadline_to_what_was_shown() -> None:
    here = _running(over_length=Over.APPROVE)
    before = here.machine().lease
    assert before is not None
    refused = here.type("extend bert 6h")[0]
    here.press(refused, "ask-extension")
    here.pass_time(timedelta(seconds=5))
    (asked,) = _questions(here)
    assert "6 h" in asked.text
    here.press(asked, "approve", SAM)
    after = here.machine().lease
    assert after is not None
    assert after.deadline == before.deadline + timedelta(hours=6)


def test_an_extension_that_was_denied_can_be_asked_for_again_and_that_is_said() -> None:
    here = _running(over_length=Over.APPROVE)
    before = here.machine().lease
    assert before is not None
    refused = here.type("extend bert 6h")[0]
    for asked in range(1, 4):
        said = here.press(refused, "ask-extension")
        assert said[0].text.startswith("Asked <@U0SAM>")
        here.pass_time(timedelta(seconds=5))
        assert len(_questions(here)) == asked
        if asked < 3:
            here.press(_questions(here)[-1], "deny", SAM)
            here.pass_time(timedelta(seconds=5))
    assert "The same was asked before. Denied by <@U0SAM>" in _questions(here)[-1].text
    here.press(_questions(here)[-1], "approve", SAM)
    after = here.machine().lease
    assert after is not None
    assert after.deadline == before.deadline + timedelta(hours=6)


def test_who_was_denied_thrice_hears_so_and_nobody_is_asked() -> None:
    here = _running(over_length=Over.APPROVE)
    refused = here.type("extend bert 6h")[0]
    for _ in range(3):
        here.press(refused, "ask-extension")
        here.pass_time(timedelta(seconds=5))
        here.press(_questions(here)[-1], "deny", SAM)
    (said,) = here.press(refused, "ask-extension")
    here.pass_time(timedelta(seconds=5))
    assert "Denied by <@U0SAM>" in said.text and "Asked" not in said.text
    assert len(_questions(here)) == 3


def test_an_extension_that_the_rules_took_back_can_be_asked_for_when_they_allow_it_again() -> None:
    here = _running(over_length=Over.APPROVE)
    refused = here.type("extend bert 6h")[0]
    here.press(refused, "ask-extension")
    here.house = replace(here.house, policy=replace(here.policy, over_length=Over.BLOCK))
    here.press(_questions(here)[0], "approve", SAM)
    assert _question(here).verdict is Verdict.WITHDRAWN
    here.house = replace(here.house, policy=replace(here.policy, over_length=Over.APPROVE))
    here.press(refused, "ask-extension")
    here.pass_time(timedelta(seconds=5))
    assert len(_questions(here)) == 2
    assert [b["action_id"] for b in buttons(_questions(here)[-1])] == ["approve", "deny"]


def test_a_press_that_is_delivered_again_after_the_denial_asks_nobody_again() -> None:
    here = _running(over_length=Over.APPROVE)
    (asks,) = buttons(here.type("extend bert 6h")[0])
    click = here.pressed(asks["action_id"], asks["value"])
    here.press_button(click)
    here.press(_questions(here)[0], "deny", SAM)
    here.press_button(click)
    here.pass_time(timedelta(seconds=5))
    assert len(_questions(here)) == 1


def test_while_an_extension_waits_it_is_said_that_the_machine_runs_and_costs() -> None:
    here = _running(over_length=Over.APPROVE)
    (said,) = here.press(here.type("extend bert 6h")[0], "ask-extension")
    here.pass_time(timedelta(seconds=5))
    assert "costs nothing" not in said.text
    assert "runs as before and costs $1.006/h" in said.text
    assert "nothing runs" not in _questions(here)[0].text
    (asked,) = _questions(here)
    assert "it runs until its deadline as before" in asked.text
    assert "More at most" in asked.text and "in all" not in asked.text.lower()


def test_an_extension_that_is_approved_after_the_lease_has_moved_changes_nothing() -> None:
    here = _running(over_length=Over.APPROVE)
    here.press(here.type("extend bert 6h")[0], "ask-extension")
    here.pass_time(timedelta(seconds=5))
    here.type("extend bert 30m")
    lease = here.machine().lease
    here.press(_questions(here)[0], "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().lease == lease
    assert _question(here).verdict is Verdict.WITHDRAWN
    assert not [n for n in here.news() if "deadline is moved" in n.text]


def test_no_approver_is_asked_for_more_than_seven_days() -> None:
    here = _running(over_length=Over.APPROVE)
    (asks,) = buttons(here.type("extend bert 3d")[0])
    assert asks["action_id"] == "ask-extension"
    before = here.machine().lease
    for length in ("9d", "300d", "99999d"):
        (said,) = here.type(f"extend bert {length}")
        assert buttons(said) == [] and "An approver may let it run until" in said.text
        assert "not changed" in said.text
    assert here.machine().lease == before


def test_where_longer_is_blocked_no_extension_can_be_asked_for() -> None:
    here = _running(over_length=Over.BLOCK)
    assert buttons(here.type("extend bert 6h")[0]) == []


BUDGET = Budget(scope=Scope.TEAM, monthly=Decimal(30))  # bert's first 23 h are $23.14


@pytest.mark.parametrize("words", ["extend bert 20h", "extend bert 400d"])
def test_where_longer_is_blocked_a_budget_that_asks_opens_no_way_around_it(words: str) -> None:
    here = _running(over_length=Over.BLOCK, over=Over.APPROVE, budgets=(BUDGET,))
    said = here.type(words)[0]
    assert buttons(said) == []
    assert "rule `longest-lease`" in said.text
    assert "approver" not in said.text


def test_what_may_be_approved_is_no_longer_than_what_an_admin_may_give() -> None:
    here = _running(over_length=Over.APPROVE, over=Over.APPROVE, budgets=(BUDGET,))
    said = here.type("extend bert 400d")[0]
    assert buttons(said) == []
    assert "An approver may let it run until" in said.text
    here.press(here.type("extend bert 5d")[0], "ask-extension")
    assert _question(here).length == timedelta(days=5)


def test_the_question_names_the_longest_lease_and_the_budget_that_are_passed() -> None:
    here = _running(over_length=Over.APPROVE, over=Over.APPROVE, budgets=(BUDGET,))
    refused = here.type("extend bert 20h")[0]
    here.press(refused, "ask-extension")
    here.pass_time(timedelta(seconds=5))
    (asked,) = _questions(here)
    for said in (refused.text, asked.text):
        assert "19 h longer than it may (rule `longest-lease`)" in said
        assert "budget of the team is $30.00 a month" in said


@pytest.mark.parametrize(
    ("turned", "named"), [("over_length", "longest-lease"), ("over", "budget of the team")]
)
@pytest.mark.parametrize("pressed", [True, False])
def test_what_is_blocked_between_question_and_yes_is_not_lifted(
    turned: str, named: str, *, pressed: bool
) -> None:
    here = _running(over_length=Over.APPROVE, over=Over.APPROVE, budgets=(BUDGET,))
    before = here.machine().lease
    here.press(here.type("extend bert 20h")[0], "ask-extension")
    here.pass_time(timedelta(seconds=5))
    (asked,) = _questions(here)
    changes: dict[str, Any] = {turned: Over.BLOCK}
    here.house = replace(here.house, policy=replace(here.policy, **changes))
    if pressed:
        said = here.press(asked, "approve", SAM)
        assert "No longer asked for" in said[0].text
    here.pass_time(20 * MINUTE)
    assert here.machine().lease == before
    assert _question(here).verdict is Verdict.WITHDRAWN
    assert all(buttons(one) == [] for one in _questions(here))
    (told,) = [n for n in here.news() if "No approver may allow it any more" in n.text]
    assert named in told.text and "Its deadline stays as it is" in told.text


def test_a_yes_that_the_rules_have_overtaken_is_not_carried_out() -> None:
    here = _running(over_length=Over.APPROVE)
    before = here.machine().lease
    here.press(here.type("extend bert 20h")[0], "ask-extension")
    row = _question(here)
    at = here.now
    yes = replace(row, verdict=Verdict.APPROVED, decided_by=SAM, decided_at=at, due_at=at)
    here.ledger.save_row(yes, row)  # and whoever wrote it has died
    here.house = replace(here.house, policy=replace(here.policy, over_length=Over.BLOCK))
    here.pass_time(2 * MINUTE)
    assert here.machine().lease == before
    assert _question(here).verdict is Verdict.WITHDRAWN
    assert not [n for n in here.news() if "deadline is moved" in n.text]


def test_a_button_to_ask_that_is_blocked_by_now_asks_nobody() -> None:
    here = _running(over_length=Over.APPROVE)
    refused = here.type("extend bert 20h")[0]
    here.house = replace(here.house, policy=replace(here.policy, over_length=Over.BLOCK))
    said = here.press(refused, "ask-extension")
    assert "rule `longest-lease`" in said[0].text and buttons(said[0]) == []
    assert here.ledger.rows(Approval) == ()


def test_a_button_to_ask_that_needs_no_yes_by_now_extends_at_once() -> None:
    here = _running(over=Over.APPROVE, budgets=(replace(BUDGET, monthly=Decimal(24)),))
    before = here.machine().lease
    refused = here.type("extend bert 55m")[0]
    here.house = replace(here.house, policy=replace(here.policy, budgets=()))
    here.press(refused, "ask-extension")
    after = here.machine().lease
    assert before is not None and after is not None
    assert after.deadline == before.deadline + timedelta(minutes=55)


def test_an_approval_is_used_once_a_later_start_is_judged_anew() -> None:
    here = _asked()
    here.press(_questions(here)[0], "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().grant is not None
    here.type("stop bert")
    here.pass_time(5 * MINUTE)
    said = here.type("start bert")
    assert "approval-above" in said[0].text
    assert here.machine().state is State.STOPPED
    here.type("start bert", user=SAM)  # an admin, who has said yes by that
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_an_approval_lifts_no_budget_that_no_approver_may_lift() -> None:
    here = _asked()
    (asked,) = _questions(here)
    budgets = (Budget(scope=Scope.TEAM, monthly=Decimal(10)),)
    policy = replace(here.policy, over=Over.BLOCK, budgets=budgets)
    here.house = replace(here.house, policy=policy)
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.counts()["instances"] == 0
    assert here.machine().state is State.HELD


SMALL = (Budget(scope=Scope.TEAM, monthly=Decimal(5)),)
SEVERAL = "launch p3.2xlarge on-demand x4 in us-east-1 for 2h name bert"  # each below the limit


@pytest.mark.parametrize("text", [DEAR, SEVERAL])
def test_the_question_about_the_price_names_the_budget_that_is_passed_too(text: str) -> None:
    here = _asked(text, over=Over.APPROVE, budgets=SMALL)
    (asked,) = _questions(here)
    assert "rule `approval-above`" in asked.text
    assert "budget of the team is $5.00 a month" in asked.text
    assert here.ledger.row(Purse, purse.KEY) is None, "nothing is set aside for a question"
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


@pytest.mark.parametrize("text", [DEAR, SEVERAL])
def test_where_a_budget_blocks_the_price_is_not_asked_about_either(text: str) -> None:
    here = _town(over=Over.BLOCK, budgets=SMALL)
    here.type(text)
    m = here.machine()
    assert m.state is State.HELD and m.hold is not None
    assert [one for one in m.hold.choices if one.kind is ChoiceKind.APPROVAL] == []
    assert "budget of the team is $5.00 a month" in here.card().text


@pytest.mark.parametrize("text", [DEAR, SEVERAL])
def test_the_question_about_the_price_names_the_longest_lease_too(text: str) -> None:
    here = _asked(text.replace("2h", "48h"), over_length=Over.APPROVE)
    (asked,) = _questions(here)
    assert "rule `approval-above`" in asked.text and "rule `longest-lease`" in asked.text


def test_a_budget_that_blocks_after_the_yes_is_not_told_as_a_dearer_price() -> None:
    here = _asked()
    (asked,) = _questions(here)
    policy = replace(here.policy, over=Over.BLOCK, budgets=SMALL)
    here.house = replace(here.house, policy=policy)
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert "budget of the team is $5.00 a month" in here.card().text
    assert "became dearer" not in here.card().text


def test_what_is_asked_for_is_the_dearest_place_that_may_be_tried() -> None:
    here = _town()
    for region in ("us-west-2", "eu-west-1"):
        here.with_quota(region)
    here.type("launch p3.8xlarge on-demand for 2h name bert")
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    assert _question(here).hourly == Decimal("13.22")  # of eu-west-1, the dearest of the three
    here.press(_questions(here)[0], "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


FAST = "launch g5.xlarge on-demand in us-east-1 disk 300 io2 iops 100000 for 24h name bert"


def test_a_dear_disk_is_held_against_the_price_limit_and_shown_to_approvers() -> None:
    here = _town()
    here.type(FAST)
    m = here.machine()
    assert m.state is State.HELD and m.hold is not None
    assert "is above the price limit of $5.00/h" in here.card().text
    assert "$6.4733/h is its disk" in here.card().text
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    (asked,) = _questions(here)
    for said in ("$7.4793/h", "$179.50", "disk 300 io2 iops 100000", "$6.4733/h is its disk"):
        assert said in asked.text, said
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_where_the_machine_itself_is_too_dear_the_yes_is_to_the_disk_too() -> None:
    here = _asked(FAST.replace("g5.xlarge", "p3.8xlarge"))
    (asked,) = _questions(here)
    assert "$18.7133/h" in asked.text and "disk 300 io2 iops 100000" in asked.text
    here.press(asked, "approve", SAM)
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_the_usual_disk_tips_nothing_over_the_limit() -> None:
    here = _town()
    here.house = replace(here.house, policy=replace(here.policy, approval_above=Decimal("1.006")))
    here.type("launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    here.type("launch g5.xlarge on-demand in us-east-1 disk 500 for 2h name emil")
    assert here.machine().state is State.HELD
    assert "$0.0548/h is its disk" in here.card().text
