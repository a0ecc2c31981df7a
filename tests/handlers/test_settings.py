"""The environment is read whole: good values become a policy, bad ones are named all at once."""

from datetime import timedelta
from decimal import Decimal

import pytest

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
        ("APPROVAL_ABOVE_USD_PER_HOUR", "-1"),
        ("ALLOWED_NETWORKS", "0.0.0.0/0"),
        ("ALLOWED_NETWORKS", "the office"),
        ("ALLOWED_NETWORKS", "192.0.2.1/24"),
        ("SLACK_API_URL", "slack.com"),
        ("QUEUE_URL", "queue"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read({**GOOD, name: value})
