"""The rules: who changes them, what is told, and that every refusal names the one that says no."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

import pytest

from core import rulebook
from core.blocks import Message
from core.flows import home
from core.model import ChoiceKind, HoldKind, Market, Rules, State
from core.ports import Ledger, UnreadableRow
from core.rule_table import RULES
from sim.chat import direct
from sim.ledger import MemoryLedger
from sim.town import ADA, GUS, LIN, SAM, Town, person, town


def ready(**policy: object) -> Town:
    here = town(**policy)
    here.ready_to_launch()
    here.with_quota()
    return here


def said(messages: list[Message]) -> str:
    return "\n".join(m.text for m in messages)


def told_to(here: Town, user: str) -> list[str]:
    return [p.message.text for p in here.chat.channel(direct(user))]


def names_a_rule(text: str) -> str:
    """The rule that a refusal names; it must be one that there is."""
    found = re.findall(r"\(rule `([a-z-]+)`\)", text)
    assert found, text
    assert set(found) <= rulebook.NAMES, found
    return str(found[0])


# ---- looking and changing -------------------------------------------------------------------


def test_everybody_reads_every_rule_with_its_value_and_meaning() -> None:
    (shown,) = town().type("policy", ADA)
    for rule in RULES.values():
        assert f"*{rule.name}*" in shown.text
        assert rule.means in shown.text
    assert "`24h`  (template)" in shown.text
    assert len(shown.blocks) <= 50


def test_an_admin_changes_a_rule_and_hears_what_it_means_for_machines_that_run() -> None:
    here = town()
    text = said(here.type("policy set longest-lease 12h", SAM))
    assert "*longest-lease* is `12h` now; it was `24h`." in text
    assert "keep their deadlines" in text
    assert "/gpu policy set longest-lease 24h" in text
    shown = said(here.type("policy"))
    assert f"`12h`  (changed by <@{SAM}>" in shown
    assert names_a_rule(said(here.type("launch p3.2xlarge spot for 20h"))) == "longest-lease"


def test_a_shorter_longest_lease_shortens_nothing_that_runs() -> None:
    here = ready()
    here.type("launch p3.2xlarge spot for 10h")
    here.until_quiet()
    before = here.machine().lease
    here.type("policy set default-lease 1h", SAM)
    here.type("policy set longest-lease 2h", SAM)
    here.pass_time(timedelta(hours=3))
    assert here.machine().lease == before
    assert here.machine().state is State.RUNNING


def test_who_is_no_admin_changes_nothing() -> None:
    here = town()
    text = said(here.type("policy set longest-lease 12h", ADA))
    assert names_a_rule(text) == "admins"
    assert here.ledger.rows(Rules) == ()


def test_the_other_admins_are_told_and_the_one_who_did_it_is_not() -> None:
    here = town(admins=frozenset({SAM, LIN}))
    here.type("policy set types g5 p3", SAM)
    assert any("has changed a rule" in text and "`g5 p3`" in text for text in told_to(here, LIN))
    assert told_to(here, SAM) == []


def test_the_same_request_delivered_twice_is_one_change_told_once() -> None:
    here = town(admins=frozenset({SAM, LIN}))
    request = here.request("policy set types g5", SAM)
    first = said(here.deliver(request))
    here.type("policy set types g6", SAM)
    again = said(here.deliver(request))
    assert first == again
    (row,) = here.ledger.rows(Rules)
    assert [one.value for one in row.changed] == ["g6"]
    assert len(told_to(here, LIN)) == 2


@pytest.mark.parametrize("dies_at", ["before the row", "after the row", "after the telling"])
def test_a_change_that_dies_anywhere_is_made_and_told_by_the_next_delivery(dies_at: str) -> None:
    here = town(admins=frozenset({SAM, LIN}))
    request = here.request("policy set types g5", SAM)
    whole, writes = here.house, list[Rules]()

    def dying(new: Rules, seen: Rules | None) -> Rules:
        if dies_at == "before the row" or (dies_at == "after the telling" and writes):
            raise Killed
        writes.append(here.ledger.save_row(new, seen))
        if dies_at == "after the row":
            raise Killed
        return writes[-1]

    here.house = replace(whole, ledger=through(here, save_row=dying))
    with pytest.raises(Killed):
        here.deliver(request)
    here.house = whole
    assert "*types* is `g5` now; it was `all`." in said(here.deliver(request))
    (row,) = here.ledger.rows(Rules)
    assert [one.value for one in row.changed] == ["g5"]
    assert len(row.news) == 1
    assert len(told_to(here, LIN)) == (2 if dies_at == "after the telling" else 1)


class Killed(Exception):
    """The function ends here."""


def test_what_is_so_already_is_not_changed_and_nobody_is_told() -> None:
    here = town(admins=frozenset({SAM, LIN}))
    assert "already" in said(here.type("policy set longest-lease 24h", SAM))
    assert here.ledger.rows(Rules) == ()
    assert told_to(here, LIN) == []


def test_a_reset_brings_the_templates_value_back() -> None:
    here = town()
    here.type("policy set types g5", SAM)
    assert "as the template says" in said(here.type("policy reset types", SAM))
    assert "`all`  (template)" in said(here.type("policy"))


def test_a_slip_in_the_name_gets_the_nearest_rule() -> None:
    text = said(town().type("policy set longest-leese 12h", SAM))
    assert "/gpu policy set longest-lease 12h" in text


def test_a_wrong_value_says_what_would_be_right_and_changes_nothing() -> None:
    here = town()
    text = said(here.type("policy set longest-lease soon", SAM))
    assert names_a_rule(text) == "longest-lease"
    assert "such as `24h`" in text
    assert here.ledger.rows(Rules) == ()


@pytest.mark.parametrize("who", [GUS, "U0NOBODY"])
def test_approvers_are_full_members_whom_slack_knows(who: str) -> None:
    here = town()
    text = said(here.type(f"policy set approvers <@{who}|x>", SAM))
    assert names_a_rule(text) == "approvers"
    assert here.ledger.rows(Rules) == ()


def test_two_admins_at_once_lose_no_change() -> None:
    here = town(admins=frozenset({SAM, LIN}))
    plain = here.ledger.save_row
    raced: list[bool] = []

    def racing(new: Rules, seen: Rules | None) -> Rules:
        if not raced:
            raced.append(True)
            here.type("policy set most-count 8", LIN)
        return plain(new, seen)

    here.house = replace(here.house, ledger=through(here, save_row=racing))
    here.type("policy set types g5", SAM)
    (row,) = here.ledger.rows(Rules)
    assert {one.rule: one.value for one in row.changed} == {"types": "g5", "most-count": "8"}


class _Through:
    """A ledger with some of its calls taken over."""

    def __init__(self, ledger: MemoryLedger, **calls: Callable[..., object]) -> None:
        self._ledger, self._calls = ledger, calls

    def __getattr__(self, name: str) -> object:
        return self._calls.get(name) or getattr(self._ledger, name)


def through(here: Town, **calls: Callable[..., object]) -> Ledger:
    return cast("Ledger", _Through(here.ledger, **calls))


# ---- a row that cannot be read --------------------------------------------------------------


def unreadable(here: Town) -> None:
    """The rules' row is one that a newer version wrote."""

    def row(kind: type, key: str) -> object:
        if kind is Rules:
            raise UnreadableRow(key)
        return here.ledger.row(kind, key)

    here.house = replace(here.house, ledger=through(here, row=row))


def test_rules_that_cannot_be_read_keep_no_machine_from_being_stopped() -> None:
    here = ready()
    here.type("launch p3.2xlarge spot for 1h")
    here.until_quiet()
    unreadable(here)
    here.type("stop yes")
    here.until_quiet()
    assert here.counts()["instances"] == 0
    assert here.failures == []


def test_rules_that_cannot_be_read_are_told_to_the_admins_every_hour() -> None:
    here = town()
    unreadable(here)
    here.pass_time(timedelta(hours=3))
    assert len([text for text in told_to(here, SAM) if "cannot be read" in text]) == 3
    text = said(here.type("policy set types g5", SAM))
    assert "Nothing was changed" in text


def test_a_change_that_a_new_template_overtakes_is_told_and_shown() -> None:
    here = town()
    here.type("policy set default-lease 20h", SAM)
    here.house = replace(
        here.house, policy=replace(here.house.policy, longest_lease=timedelta(hours=10))
    )
    assert "does not count" in said(here.type("policy"))
    here.pass_time(timedelta(hours=1))
    assert any("`default-lease`" in text for text in told_to(here, SAM))


# ---- who may --------------------------------------------------------------------------------


def test_only_members_of_the_groups_launch_and_admins() -> None:
    here = ready()
    here.ready_to_launch(LIN)
    here.chat.groups["S0ML"] = frozenset({ADA})
    here.type("policy set groups <!subteam^S0ML|@ml-team>", SAM)
    assert names_a_rule(said(here.type("launch p3.2xlarge spot", LIN))) == "groups"
    assert here.type("launch p3.2xlarge spot", ADA) == []
    here.ready_to_launch(SAM)
    assert here.type("launch p3.2xlarge spot", SAM) == []


def test_where_slack_does_not_tell_who_is_in_a_group_nothing_starts_and_stopping_works() -> None:
    here = ready()
    here.chat.groups["S0ML"] = frozenset({ADA})
    here.type("policy set groups S0ML", SAM)
    here.type("launch p3.2xlarge spot", ADA)
    here.until_quiet()
    del here.chat.groups["S0ML"]
    text = said(here.type("launch g5.xlarge spot", ADA))
    assert names_a_rule(text) == "groups"
    assert "Try again" in text
    here.type("stop yes", ADA)
    here.until_quiet()
    assert here.counts()["instances"] == 0


def test_only_from_the_channels_that_are_set_and_their_names_are_shown() -> None:
    here = ready()
    here.type("policy set channels <#C0LAB|gpu lab> <#C0ML|ml>", SAM)
    assert "*channels*  <#C0LAB> <#C0ML>" in said(here.type("policy"))
    assert names_a_rule(said(here.type("launch p3.2xlarge spot"))) == "channels"
    assert here.type("launch p3.2xlarge spot", ADA, "C0ML") == []


def test_an_empty_group_is_no_rule() -> None:
    here = town()
    here.chat.groups["S0NONE"] = frozenset()
    assert "no members" in said(here.type("policy set groups S0NONE", SAM))
    assert "no_such_subteam" in said(here.type("policy set groups S0GONE", SAM))


@pytest.mark.parametrize(
    "words", ["", "list", "policy", "allow 203.0.113.7", "launch p3.2xlarge", "extend 1h", "cost"]
)
def test_guests_and_strangers_may_nothing_but_read_help(words: str) -> None:
    here = town()
    stranger = replace(person("U0EVE", "eve", member=False), team_id="T0OTHER")
    here.chat.add(stranger)
    for who in (GUS, "U0EVE"):
        assert names_a_rule(said(here.type(words, who))) == "members"
    assert "launch" in said(here.type("help", GUS))


def test_an_owner_who_became_a_guest_stops_but_does_not_extend() -> None:
    here = ready()
    here.type("launch p3.2xlarge spot for 1h")
    here.until_quiet()
    here.chat.add(person(ADA, "ada", member=False))
    assert names_a_rule(said(here.type("extend 1h"))) == "members"
    here.type("stop yes")
    here.until_quiet()
    assert here.counts()["instances"] == 0


# ---- what may be launched -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    set: str
    typed: str
    rule: str
    offers: ChoiceKind | None = None


@pytest.mark.parametrize(
    "case",
    [
        Case(set="types g5 g4dn", typed="p3.2xlarge", rule="types", offers=ChoiceKind.TYPE),
        Case(set="types g5.xlarge", typed="g5.2xlarge", rule="types", offers=ChoiceKind.TYPE),
        Case(set="markets spot", typed="p3.2xlarge on-demand", rule="markets",
             offers=ChoiceKind.MARKET),
        Case(set="most-count 2", typed="g5.xlarge x4", rule="most-count", offers=ChoiceKind.COUNT),
        Case(set="most-gpus 2", typed="g5.xlarge x4", rule="most-gpus", offers=ChoiceKind.COUNT),
        Case(set="largest-disk 200", typed="g5.xlarge disk 500", rule="largest-disk",
             offers=ChoiceKind.DISK),
    ],
)  # fmt: skip
def test_a_launch_that_a_rule_forbids_is_held_with_what_is_allowed(case: Case) -> None:
    here = ready()
    here.type(f"policy set {case.set}", SAM)
    here.type(f"launch {case.typed}")
    hold = here.machine().hold
    assert here.machine().state is State.HELD
    assert hold is not None
    assert (hold.kind, hold.code) == (HoldKind.NOT_ALLOWED, case.rule)
    assert names_a_rule(here.card().text) == case.rule
    assert case.offers in [choice.kind for choice in hold.choices]
    here.press(here.card(), "choose-0")
    here.until_quiet()
    assert here.machine().state is State.RUNNING


@pytest.mark.parametrize(
    ("changed", "typed", "rule"),
    [
        ("regions us-east-1", "launch p3.2xlarge in eu-west-1", "regions"),
        ("largest-disk 200", "launch g5.xlarge data 500", "largest-disk"),
        ("longest-lease 6h", "launch p3.2xlarge for 8h", "longest-lease"),
        ("types g5", "quota raise p3.2xlarge", "types"),
        ("markets spot", "quota raise p3.2xlarge on-demand", "markets"),
        ("networks none", "allow 198.51.100.0/24", "networks"),
    ],
)
def test_what_a_rule_forbids_is_refused_by_its_name(changed: str, typed: str, rule: str) -> None:
    here = ready()
    here.type(f"policy set {changed}", SAM)
    assert names_a_rule(said(here.type(typed))) == rule


def test_what_is_allowed_among_several_wishes_is_launched() -> None:
    here = ready()
    here.type("policy set types g5", SAM)
    here.type("launch p3.2xlarge or g5.xlarge")
    here.until_quiet()
    placement = here.machine().placement
    assert placement is not None
    assert placement.instance_type == "g5.xlarge"


def test_the_market_that_is_allowed_is_the_one_when_nobody_says() -> None:
    here = ready()
    here.type("policy set markets spot", SAM)
    here.type("launch p3.2xlarge")
    here.until_quiet()
    assert here.machine().market is Market.SPOT


def test_admins_are_held_to_the_types_too() -> None:
    here = ready()
    here.ready_to_launch(SAM)
    here.type("policy set types g5", SAM)
    here.type("launch p3.2xlarge", SAM)
    assert here.machine().state is State.HELD


# ---- what exists already --------------------------------------------------------------------


def test_a_stopped_machine_of_a_type_that_is_not_allowed_any_more_stays_stopped() -> None:
    here = ready()
    here.type("launch p3.2xlarge on-demand for 1h")
    here.until_quiet()
    here.type("stop")
    here.until_quiet()
    here.type("policy set types g5", SAM)
    assert names_a_rule(said(here.type("start"))) == "types"
    value = here.machine().id
    assert names_a_rule(said(here.click("start", value))) == "types"
    assert here.machine().state is State.STOPPED


def test_keep_trying_ends_when_its_type_is_not_allowed_any_more() -> None:
    here = ready()
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch p3.2xlarge on-demand in us-east-1 keep trying")
    here.pass_time(timedelta(minutes=2))
    here.type("policy set types g5", SAM)
    here.pass_time(timedelta(hours=1))
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.NOT_ALLOWED
    assert here.counts()["instances"] == 0


def test_buttons_of_older_messages_know_the_rules_of_today() -> None:
    here = ready()
    here.type("launch p4de.24xlarge on-demand in us-west-2")
    assert here.machine().state is State.HELD
    before = here.card()
    here.chat.groups["S0ML"] = frozenset({LIN})
    here.type("policy set groups S0ML", SAM)
    assert names_a_rule(said(here.press(before, "choose-0"))) == "groups"
    here.type("policy reset groups", SAM)
    here.type("policy set channels C0OTHER", SAM)
    assert names_a_rule(said(here.press(before, "choose-0"))) == "channels"


def test_a_region_that_is_taken_out_is_swept_on() -> None:
    here = ready()
    here.with_quota("us-west-2")
    here.type("launch p3.2xlarge on-demand for 1h in us-west-2")
    here.until_quiet()
    here.type("policy set regions us-east-1", SAM)
    here.pass_time(timedelta(hours=2))
    assert here.machine().state is State.STOPPED


@pytest.mark.parametrize("who", [GUS, "U0EVE"])
def test_the_home_tab_is_drawn_for_full_members_only(who: str) -> None:
    here = town()
    here.chat.add(replace(person("U0EVE", "eve", member=False), team_id="T0OTHER"))
    home.opened(here.house, who)
    home.opened(here.house, ADA)
    here.pass_time(timedelta(minutes=5))
    assert set(here.chat.homes) == {ADA}
