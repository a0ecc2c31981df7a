"""Keys and addresses: only public ones, only hosts, each with its end, on every machine at once."""

from datetime import timedelta
from typing import Any

import pytest

from core.commands import read_key
from core.faults import CloudError
from core.flows import access
from core.model import PublicKey, State
from sim.town import ADA, KEY, LIN, Town

PRIVATE = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n"
    "-----END OPENSSH PRIVATE KEY-----"
)


def _town() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand for 23h name bert")
    here.until_quiet()
    assert here.machine().state is State.RUNNING
    return here


def _open_to(here: Town) -> set[str]:
    m = here.machine()
    ec2: Any = here._client("ec2")("us-east-1")
    group = ec2.describe_security_groups(GroupIds=[m.group])["SecurityGroups"][0]
    return {
        source.get("CidrIp") or source.get("CidrIpv6")
        for rule in group["IpPermissions"]
        for source in [*rule.get("IpRanges", ()), *rule.get("Ipv6Ranges", ())]
    }


def test_a_private_key_is_refused_never_kept_and_never_said_again() -> None:
    here = Town()
    said = here.type(f"key add {PRIVATE}")
    assert here.ledger.profile(ADA).keys == ()
    words = "".join(str(a.message) for a in here.chat.answers)
    assert "b3BlbnNz" not in words
    assert "rotate" in said[0].text.lower() or "new one" in said[0].text.lower()


def test_an_address_opens_on_machines_that_run_and_closes_when_its_time_is_over() -> None:
    here = _town()
    here.type("allow 198.51.100.9 for 1h")
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}
    here.pass_time(timedelta(hours=1, minutes=2))
    assert _open_to(here) == {"203.0.113.7/32"}


def test_an_address_can_be_closed_at_once() -> None:
    here = _town()
    here.type("allow remove 203.0.113.7")
    assert _open_to(here) == set()


def test_the_world_and_wide_networks_are_refused() -> None:
    here = _town()
    for text in ("allow 0.0.0.0/0", "allow ::/0", "allow 198.51.0.0/16", "allow 10.0.0.1"):
        here.type(text)
    assert _open_to(here) == {"203.0.113.7/32"}


def test_addresses_are_the_persons_own_and_open_nobody_elses_machine() -> None:
    here = _town()
    here.type("allow 198.51.100.9", user=LIN)
    assert _open_to(here) == {"203.0.113.7/32"}


def test_the_same_key_twice_is_one_and_it_can_be_removed_by_number() -> None:
    here = Town()
    here.type(f"key add {KEY}")
    here.type(f"key add {KEY}")
    assert len(here.ledger.profile(ADA).keys) == 1
    here.type("key remove 1")
    assert here.ledger.profile(ADA).keys == ()


def test_every_key_of_the_owner_may_log_in() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    second = KEY.replace("B5UtvmQ0", "B5UtvmQ1").replace("home", "laptop")
    here.type(f"key add {second}")
    here.type("launch p3.2xlarge spot")
    attempt_or_run = here.world.state()["instances"]
    assert len(attempt_or_run) == 1
    assert len(here.ledger.profile(ADA).keys) == 2


def test_a_removal_that_is_delivered_again_takes_no_second_key() -> None:
    here = Town()
    here.type(f"key add {KEY}")
    here.type(f"key add {KEY.replace('B5Utv', 'B6Utv')}")
    request = here.request("key remove 1")
    for _ in range(5):
        here.deliver(request)
    assert len(here.ledger.profile(ADA).keys) == 1


def test_an_address_that_was_closed_is_not_opened_by_the_old_request_again() -> None:
    here = Town()
    request = here.request("allow 203.0.113.7")
    here.deliver(request)
    here.type("allow remove 203.0.113.7")
    (said,) = here.deliver(request)
    assert here.ledger.profile(ADA).accesses == ()
    assert "No address may reach your machines" in said.text


def test_a_closing_that_ec2_did_not_hear_is_done_by_the_next_delivery() -> None:
    here = _town()
    request = here.request("allow remove 203.0.113.7")
    code = "RequestLimitExceeded"
    here.control(do="fault", operation="RevokeSecurityGroupIngress", code=code, times=99)
    with pytest.raises(CloudError):
        here.deliver(request)
    here.control(do="clear-faults")
    assert _open_to(here) == {"203.0.113.7/32"}
    here.deliver(request)
    assert _open_to(here) == set()


def test_of_two_deliveries_at_once_the_later_write_knows_of_the_first() -> None:
    """Both have looked before either wrote."""
    here = Town()
    key = read_key(KEY, here.now)
    assert isinstance(key, PublicKey)
    access.add_keys(here.house, ADA, (key,), "one-request")
    here.type("key remove 1")
    access.add_keys(here.house, ADA, (key,), "one-request")
    assert here.ledger.profile(ADA).keys == ()
