"""The rules that admins change: how they are read, written back, and laid over the policy."""

import ast
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import rulebook
from core.model import Budget, HoldKind, Market, Over, Policy, RuleChange, Rules, Scope, Wish
from core.plan import Candidate, Stuck, judge
from core.policy import may_be_so_many, most_machines
from core.rule_table import FIXED, RULES
from core.rule_values import BadValue, spell

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
H = timedelta(hours=1)
DEPLOYED = Policy(
    stack="gpu",
    team_id="T1",
    regions=("us-east-1", "us-west-2", "eu-west-1"),
    channels=frozenset(),
    admins=frozenset({"USAM"}),
    default_lease=4 * H,
    longest_lease=24 * H,
    default_disk_gb=50,
    approval_above=Decimal(10),
)


def change(rule: str, value: str | None, request: str = "r1") -> RuleChange:
    return RuleChange(rule=rule, value=value, was="", by="USAM", at=NOW, request=request)


def laid(rule: str, text: str) -> Policy:
    rules = rulebook.changed(Rules(), change(rule, text), DEPLOYED)
    return rulebook.effective(DEPLOYED, rules).policy


@pytest.mark.parametrize(
    ("rule", "text", "field", "value"),
    [
        ("channels", "<#C123|ml> <#C9|gpu lab>", "channels", {"C123", "C9"}),
        ("channels", "c123, G77", "channels", {"C123", "G77"}),
        ("channels", "all", "channels", frozenset()),
        ("groups", "<!subteam^S123|@ml-team>", "groups", {"S123"}),
        ("groups", "S1 S2", "groups", {"S1", "S2"}),
        ("approvers", "<@U7|kim> <@W8>", "approvers", {"U7", "W8"}),
        ("approvers", "admins", "approvers", frozenset()),
        ("regions", "eu-west-1 us-east-1", "regions", ("eu-west-1", "us-east-1")),
        ("regions", "all", "regions", DEPLOYED.regions),
        ("types", "g5, P3.2xlarge g5.*", "types", ("g5", "p3.2xlarge")),
        ("types", "all", "types", ()),
        ("markets", "spot", "markets", {Market.SPOT}),
        ("markets", "ondemand", "markets", {Market.ON_DEMAND}),
        ("markets", "all", "markets", set(Market)),
        ("most-count", "8", "most_count", 8),
        ("most-gpus", "16", "most_gpus", 16),
        ("most-gpus", "off", "most_gpus", None),
        ("largest-disk", "500GB", "largest_disk_gb", 500),
        ("largest-disk", "none", "largest_disk_gb", None),
        ("default-disk", "100", "default_disk_gb", 100),
        ("default-lease", "90m", "default_lease", timedelta(minutes=90)),
        ("longest-lease", "2 days", "longest_lease", 48 * H),
        ("stopped-lease", "14d", "shelf", timedelta(days=14)),
        ("idle", "30m", "idle", timedelta(minutes=30)),
        ("idle", "off", "idle", None),
        ("recover", "on", "recover", True),
        ("approval-above", "$4.50/h", "approval_above", Decimal("4.50")),
        ("over-budget", "stop", "over", Over.STOP),
        ("over-price", "block", "over_price", Over.BLOCK),
        ("over-length", "approve", "over_length", Over.APPROVE),
        (
            "networks",
            "192.0.2.0/24 198.51.100.0/24",
            "networks",
            ("192.0.2.0/24", "198.51.100.0/24"),
        ),
        ("networks", "none", "networks", ()),
    ],
)
def test_what_is_typed_is_what_counts(rule: str, text: str, field: str, value: object) -> None:
    assert getattr(laid(rule, text), field) == value


@pytest.mark.parametrize(
    ("rule", "text", "hint"),
    [
        ("channels", "gpu-lab", "a channel"),
        ("channels", "csv", "a channel"),
        ("groups", "@ml-team", "a user group"),
        ("approvers", "<#C1>", "a person"),
        ("regions", "eu-north-1", "not among the regions of the template"),
        ("regions", "mars", "not a region"),
        ("types", "gpu", "neither a type"),
        ("markets", "cheap", "not a market"),
        ("most-count", "0", "from 1 to 100"),
        ("most-gpus", "many", "or `off`"),
        ("largest-disk", "20", "default-disk"),
        ("default-disk", "99999", "from 1 to"),
        ("default-lease", "48h", "`longest-lease` (24h)"),
        ("longest-lease", "2h", "`default-lease` would be 4h"),
        ("longest-lease", "1m", "from 2m"),
        ("longest-lease", "soon", "such as `24h`"),
        ("stopped-lease", "off", "not a length"),
        ("idle", "1m", "or `off`"),
        ("recover", "maybe", "neither `on` nor `off`"),
        ("approval-above", "-1", "not an amount"),
        ("over-price", "stop", "`approve` or `block`"),
        ("networks", "0.0.0.0/0", "never opened to everybody"),
        ("networks", "0.0.0.0/1 128.0.0.0/1", "never opened to everybody"),
        ("networks", "192.0.2.0/24 2000::/3", "never opened to everybody"),
        ("networks", "::ffff:0:0/96", "never opened to everybody"),
        ("networks", "office", "not a network"),
    ],
)
def test_what_cannot_be_says_what_would(rule: str, text: str, hint: str) -> None:
    with pytest.raises(BadValue) as bad:
        laid(rule, text)
    assert hint in bad.value.what


def minutes(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda n: timedelta(minutes=n))


def some_ids(letters: str) -> st.SearchStrategy[frozenset[str]]:
    id = st.from_regex(rf"[{letters}][A-Z0-9]{{2,11}}", fullmatch=True)
    return st.frozensets(id, max_size=6)


VALUES: dict[str, st.SearchStrategy[object]] = {
    "channels": some_ids("CG"),
    "groups": some_ids("S"),
    "approvers": some_ids("UW"),
    "regions": st.permutations(DEPLOYED.regions).flatmap(
        lambda order: st.integers(1, 3).map(lambda n: tuple(order[:n]))
    ),
    "types": st.sets(st.sampled_from(["g5", "p3.2xlarge", "g6e.xlarge", "trn1", "p5"])).map(
        lambda names: tuple(sorted(names))
    ),
    "markets": st.sets(st.sampled_from(list(Market)), min_size=1).map(frozenset),
    "most-count": st.integers(1, 100),
    "most-gpus": st.none() | st.integers(1, 10_000),
    "largest-disk": st.none() | st.integers(50, 65_536),
    "default-disk": st.integers(1, 16_384),
    "default-lease": minutes(2, 1440),
    "longest-lease": minutes(240, 525_600),
    "stopped-lease": minutes(60, 525_600),
    "idle": st.none() | minutes(5, 10_080),
    "recover": st.booleans(),
    "approval-above": st.decimals(0, 999_999, places=2),
    "over-budget": st.sampled_from(list(Over)),
    "over-price": st.sampled_from([Over.APPROVE, Over.BLOCK]),
    "over-length": st.sampled_from([Over.APPROVE, Over.BLOCK]),
    "networks": st.sets(st.sampled_from(["192.0.2.0/24", "10.0.0.0/8", "2001:db8::/32"])).map(
        lambda found: tuple(sorted(found))
    ),
}


def test_every_rule_is_tried_below() -> None:
    assert set(VALUES) == set(RULES)


@given(st.data())
def test_whatever_is_shown_can_be_typed_back(data: st.DataObject) -> None:
    rule = RULES[data.draw(st.sampled_from(sorted(RULES)))]
    policy = replace(DEPLOYED, **{rule.field: data.draw(VALUES[rule.name])})  # type: ignore[arg-type]
    shown = rule.typed(policy)
    again = rule.laid(DEPLOYED, shown, DEPLOYED)
    assert rule.value(again) == rule.value(policy)
    assert rule.typed(again) == shown


def test_examples_and_the_templates_values_are_values() -> None:
    for rule in RULES.values():
        typed = rule.typed(DEPLOYED)
        assert rule.value(rule.laid(DEPLOYED, typed, DEPLOYED)) == rule.value(DEPLOYED), rule.name
        if not rule.kind.live:
            rule.laid(DEPLOYED, rule.kind.example, DEPLOYED)


def test_every_rule_is_a_field_of_the_policy_and_has_its_own() -> None:
    known = {field.name for field in fields(Policy)}
    used = [rule.field for rule in RULES.values()]
    assert set(used) <= known
    assert len(set(used)) == len(used)
    fixed = {"stack", "team_id", "admins", "instance_profile", "disk_keys", "budgets"}
    assert known - set(used) == fixed


def test_nobody_can_set_who_the_admins_are() -> None:
    assert "admins" not in RULES
    assert "admins" in FIXED
    assert set(RULES).isdisjoint(FIXED)


def test_a_change_keeps_the_others_and_the_budgets() -> None:
    budgets = (Budget(scope=Scope.TEAM, monthly=Decimal(2000)),)
    rules = rulebook.changed(Rules(budgets=budgets), change("types", "g5"), DEPLOYED)
    rules = rulebook.changed(rules, change("most-count", "8", "r2"), DEPLOYED)
    rules = rulebook.changed(rules, change("types", "g6", "r3"), DEPLOYED)
    found = rulebook.effective(DEPLOYED, rules)
    assert (found.policy.types, found.policy.most_count) == (("g6",), 8)
    assert found.policy.budgets == budgets
    assert [(one.was, one.value) for one in rules.news] == [
        ("all", "g5"),
        ("100", "8"),
        ("g5", "g6"),
    ]


def test_a_reset_is_the_templates_value_again() -> None:
    rules = rulebook.changed(Rules(), change("types", "g5"), DEPLOYED)
    rules = rulebook.changed(rules, change("types", None, "r2"), DEPLOYED)
    assert rules.changed == ()
    assert rulebook.effective(DEPLOYED, rules).policy == DEPLOYED


def test_a_reset_that_would_not_fit_is_refused() -> None:
    rules = rulebook.changed(Rules(), change("default-lease", "1h"), DEPLOYED)
    rules = rulebook.changed(rules, change("longest-lease", "2h", "r2"), DEPLOYED)
    with pytest.raises(BadValue, match="Change the other one first"):
        rulebook.changed(rules, change("default-lease", None, "r3"), DEPLOYED)


def test_what_does_not_fit_a_new_template_does_not_count_and_the_rest_does() -> None:
    rules = Rules(
        changed=(
            change("default-lease", "10h"),
            change("types", "g5"),
            change("regions", "ap-south-1"),
            change("most-count", "plenty"),
            change("from-the-future", "yes"),
        )
    )
    shorter = replace(DEPLOYED, longest_lease=5 * H)
    found = rulebook.effective(shorter, rules)
    assert found.policy == replace(shorter, types=("g5",))
    assert set(found.ignored) == {"default-lease", "regions", "most-count", "from-the-future"}


@pytest.mark.parametrize(
    ("length", "text"),
    [(2 * H, "2h"), (24 * H, "24h"), (36 * H, "36h"), (168 * H, "7d"), (1.5 * H, "1h30m")],
)
def test_lengths_are_spelled_as_they_are_typed(length: timedelta, text: str) -> None:
    assert spell(length) == text


def test_a_slip_finds_the_rule_that_was_meant() -> None:
    assert rulebook.nearest("longest-leese") == "longest-lease"
    assert rulebook.nearest("type") == "types"
    assert rulebook.nearest("zzzzzz") is None


SOURCE = Path(rulebook.__file__).parent


def refusals() -> list[tuple[str, ast.Call]]:
    """Every call in the source that makes a refusal by a rule."""
    return [
        (f"{file.name}:{call.lineno}", call)
        for file in sorted(SOURCE.rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", getattr(call.func, "id", "")) in ("Denied", "Broken")
    ]


def test_every_refusal_names_a_rule_that_there_is() -> None:
    found = refusals()
    assert len(found) > 12
    for where, call in found:
        rule = next(word.value for word in call.keywords if word.arg == "rule")
        if isinstance(rule, ast.Constant):
            assert rule.value in rulebook.NAMES, where


def test_every_refusal_says_its_rule_in_its_words() -> None:
    for where, call in refusals():
        words = {word.arg: word.value for word in call.keywords}
        rule, said = words["rule"], words.get("what")
        if isinstance(rule, ast.Constant) and said is not None:
            assert f"(rule `{rule.value!s}`)" in ast.unparse(said), where


def test_every_rule_that_is_named_anywhere_is_one() -> None:
    for file in SOURCE.rglob("*.py"):
        for name in re.findall(r"\(rule `([a-z-]+)`\)", file.read_text("utf-8")):
            assert name in rulebook.NAMES, (file.name, name)


BARE = Candidate(instance_type="p3.2xlarge", market=Market.SPOT, region="eu-west-1")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"types": ("g5",)}, "types"),
        ({"markets": frozenset({Market.ON_DEMAND})}, "markets"),
        ({"regions": ("us-east-1",)}, "regions"),
    ],
)
def test_what_is_not_allowed_is_held_for_its_rule_whatever_aws_says(
    changes: dict[str, Any], rule: str
) -> None:
    wish = Wish(instance_type="p3.2xlarge", market=Market.SPOT, region="eu-west-1")
    judged = judge(wish, BARE, replace(DEPLOYED, **changes), admin=True)
    assert isinstance(judged, Stuck)
    assert (judged.hold.kind, judged.hold.code) == (HoldKind.NOT_ALLOWED, rule)
    assert rule in rulebook.NAMES
    assert f"(rule `{rule}`)" in judged.hold.detail


@pytest.mark.parametrize(
    ("gpus", "most"),
    [(Decimal(1), 6), (Decimal(4), 1), (Decimal(8), 0), (Decimal("0.5"), 12), (Decimal(0), 16)],
)
def test_as_many_machines_as_the_gpus_allow(gpus: Decimal, most: int) -> None:
    policy = replace(DEPLOYED, most_count=16, most_gpus=6)
    assert most_machines(gpus, policy) == most
    if most:
        assert may_be_so_many(most, gpus, policy) is None
    assert may_be_so_many(most + 1, gpus, policy) is not None
