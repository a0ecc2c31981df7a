"""The environment is read whole: good values become a policy, bad ones are named all at once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.model import Budget, Market, Over, Scope
from handlers.settings import BadSettings, read

GOOD = {
    "TABLE_NAME": "table",
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/queue",
    "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
    "STACK_NAME": "gpu",
}


def test_what_is_not_set_has_its_default() -> None:
    settings = read(GOOD)
    policy = settings.policy
    assert settings.slack_api_url == "https://slack.com/api/"
    assert policy.regions == ("us-east-1",)
    assert policy.region == "us-east-1"
    assert policy.channels == frozenset()
    assert (policy.default_lease, policy.longest_lease) == (timedelta(hours=4), timedelta(days=1))
    assert (policy.default_disk_gb, policy.approval_above) == (50, Decimal(10))


def test_lists_are_cut_at_commas() -> None:
    policy = read(
        {
            **GOOD,
            "REGIONS": "us-east-1, us-west-2,us-east-1",
            "ALLOWED_CHANNELS": "C0LAB,,C0ML ",
            "ADMINS": "U0SAM",
            "ALLOWED_NETWORKS": "192.0.2.0/24,2001:db8::/48",
            "APPROVAL_ABOVE_USD_PER_HOUR": "4.50",
        }
    ).policy
    assert policy.regions == ("us-east-1", "us-west-2")
    assert policy.channels == {"C0LAB", "C0ML"}
    assert policy.admins == {"U0SAM"}
    assert policy.networks == ("192.0.2.0/24", "2001:db8::/48")
    assert policy.approval_above == Decimal("4.50")


def test_budgets_are_off_until_they_are_set() -> None:
    assert read(GOOD).policy.budgets == ()
    assert read({**GOOD, "TEAM_BUDGET_USD_PER_MONTH": "off"}).policy.budgets == ()
    policy = read(
        {
            **GOOD,
            "TEAM_BUDGET_USD_PER_MONTH": "2000",
            "PERSON_BUDGET_USD_PER_HOUR": "4.50",
            "OVER_BUDGET": "stop",
        }
    ).policy
    assert policy.budgets == (
        Budget(scope=Scope.TEAM, monthly=Decimal(2000)),
        Budget(scope=Scope.PERSON, hourly=Decimal("4.50")),
    )
    assert policy.over is Over.STOP


def test_rules_are_read_as_admins_type_them() -> None:
    policy = read(
        {
            **GOOD,
            "ALLOWED_GROUPS": "S0ML, S0OPS",
            "APPROVERS": "U0KIM",
            "ALLOWED_TYPES": "g5, p3.2xlarge",
            "ALLOWED_MARKETS": "spot",
            "MOST_INSTANCES": "8",
            "MOST_GPUS": "16",
            "LARGEST_DISK_GB": "500",
            "STOPPED_LEASE_DAYS": "14",
            "IDLE_MINUTES": "30",
            "SPOT_RECOVERY": "on",
            "OVER_PRICE": "block",
            "OVER_LENGTH": "approve",
        }
    ).policy
    assert policy.groups == {"S0ML", "S0OPS"}
    assert policy.approvers == {"U0KIM"}
    assert policy.types == ("g5", "p3.2xlarge")
    assert policy.markets == {Market.SPOT}
    assert (policy.most_count, policy.most_gpus, policy.largest_disk_gb) == (8, 16, 500)
    assert (policy.shelf, policy.idle) == (timedelta(days=14), timedelta(minutes=30))
    assert (policy.recover, policy.over_price, policy.over_length) == (
        True,
        Over.BLOCK,
        Over.APPROVE,
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ALLOWED_GROUPS", "ml-team", "a user group"),
        ("APPROVERS", "kim", "a person"),
        ("ALLOWED_TYPES", "gpu", "neither a type"),
        ("ALLOWED_MARKETS", "cheap", "not a market"),
        ("MOST_GPUS", "0", "from 1"),
        ("LARGEST_DISK_GB", "20", "DEFAULT_DISK_GB is 50"),
        ("IDLE_MINUTES", "1", "from 5m"),
        ("SPOT_RECOVERY", "maybe", "neither `on` nor `off`"),
        ("OVER_PRICE", "stop", "`approve` or `block`"),
        ("MOST_INSTANCES", "0", "at least 1"),
        ("STOPPED_LEASE_DAYS", "0", "at least 1"),
    ],
)
def test_a_wrong_rule_is_named_with_what_would_be_right(name: str, value: str, hint: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read({**GOOD, name: value})
    assert name in str(caught.value)
    assert hint in str(caught.value)


KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab"


def test_keys_for_disks_are_read_with_or_without_spaces() -> None:
    there = KEY.replace("us-east-1", "us-west-2")
    assert read(GOOD).policy.disk_keys == frozenset()
    for text in (f"{KEY},{there}", f"{KEY}, {there}"):
        assert read({**GOOD, "DISK_KEYS": text}).policy.disk_keys == {KEY, there}
    with pytest.raises(BadSettings, match="DISK_KEYS"):
        read({**GOOD, "DISK_KEYS": "alias/aws/ebs"})


def test_a_stand_ins_address_gets_its_slash() -> None:
    settings = read({**GOOD, "SLACK_API_URL": "http://127.0.0.1:8030/api"})
    assert settings.slack_api_url == "http://127.0.0.1:8030/api/"


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        read({})
    for name in GOOD:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGIONS", "us-east-1,everywhere"),
        ("SLACK_TEAM_ID", "home team"),
        ("ALLOWED_CHANNELS", "#gpu-lab"),
        ("ADMINS", "@sam"),
        ("DEFAULT_LEASE_MINUTES", "four hours"),
        ("DEFAULT_LEASE_MINUTES", "1"),
        ("DEFAULT_LEASE_MINUTES", "2880"),
        ("LONGEST_LEASE_MINUTES", "-5"),
        ("DEFAULT_DISK_GB", "0"),
        ("DEFAULT_DISK_GB", "99999"),
        ("APPROVAL_ABOVE_USD_PER_HOUR", "NaN"),
        ("TEAM_BUDGET_USD_PER_MONTH", "-1"),
        ("OVER_BUDGET", "shout"),
        ("APPROVAL_ABOVE_USD_PER_HOUR", "-1"),
        ("ALLOWED_NETWORKS", "0.0.0.0/0"),
        ("ALLOWED_NETWORKS", "128.0.0.0/1"),
        ("ALLOWED_NETWORKS", "the office"),
        ("ALLOWED_NETWORKS", "192.0.2.1/24"),
        ("SLACK_API_URL", "slack.com"),
        ("QUEUE_URL", "queue"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read({**GOOD, name: value})
