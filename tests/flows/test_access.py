"""Keys and addresses: only public ones, only hosts, each with its end, on every machine at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.commands import read_key
from core.flows import access
from core.model import Profile, PublicKey, State
from core.ports import UnreadableRow
from sim.history import acts
from sim.history.stage import Stage
from sim.ledger import MemoryLedger
from sim.town import ADA, KEY, LIN, SAM, Town, town

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


def _office(*networks: str) -> Town:
    """A machine of Ada's that runs, where these networks are on the admins' list."""
    here = town(networks=networks)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand for 23h name bert")
    here.until_quiet()
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


REFUSED = ["RequestLimitExceeded", "UnauthorizedOperation", "InternalError"]


def _does_not_close(here: Town, code: str) -> None:
    here.control(do="fault", operation="RevokeSecurityGroupIngress", code=code, times=10**6)


@pytest.mark.parametrize("code", REFUSED)
def test_what_ec2_does_not_close_is_called_open_and_closed_by_the_clock(code: str) -> None:
    here = _town()
    _does_not_close(here, code)
    (said,) = here.type("allow remove 203.0.113.7")
    assert "`203.0.113.7/32` may *still* reach port 22 of *bert*" in said.text
    assert _open_to(here) == {"203.0.113.7/32"}
    here.pass_time(timedelta(minutes=30))
    assert "`203.0.113.7/32` is being closed" in here.type("allow")[0].text
    here.control(do="clear-faults")
    here.pass_time(timedelta(minutes=2))
    assert _open_to(here) == set()
    assert here.ledger.profile(ADA).accesses == ()
    assert "No address may reach your machines yet" in here.type("allow")[0].text


@pytest.mark.parametrize("code", REFUSED)
def test_a_closing_that_ec2_refused_can_be_asked_for_again(code: str) -> None:
    here = _town()
    _does_not_close(here, code)
    here.type("allow remove 203.0.113.7")
    here.control(do="clear-faults")
    (said,) = here.type("allow remove 203.0.113.7")
    assert "Closed on *bert*" in said.text
    assert _open_to(here) == set()


def test_a_closing_that_ec2_did_not_hear_is_done_by_the_next_delivery() -> None:
    here = _town()
    request = here.request("allow remove 203.0.113.7")
    _does_not_close(here, "RequestLimitExceeded")
    here.deliver(request)
    here.control(do="clear-faults")
    assert _open_to(here) == {"203.0.113.7/32"}
    here.deliver(request)
    assert _open_to(here) == set()


def test_an_address_allowed_again_before_ec2_has_closed_it_is_open_for_its_new_time() -> None:
    here = _town()
    _does_not_close(here, "UnauthorizedOperation")
    here.type("allow remove 203.0.113.7")
    here.type("allow 203.0.113.7 for 2h")
    here.control(do="clear-faults")
    here.pass_time(timedelta(minutes=90))
    assert _open_to(here) == {"203.0.113.7/32"}
    here.pass_time(timedelta(minutes=32))
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


# ---- what the admins have taken off their list ----------------------------------------------


def test_a_network_that_is_not_listed_any_more_is_closed_within_minutes() -> None:
    here = _office("198.51.100.0/24", "192.0.2.0/25")
    here.type("allow office for 7d")
    here.type("allow 198.51.100.9 for 7d")
    assert len(_open_to(here)) == 4
    (said,) = here.type("policy set networks 192.0.2.0/25", SAM)
    here.until_quiet()
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32", "192.0.2.0/25"}
    assert "closed on every machine within minutes" in said.text
    assert "198.51.100.0/24" not in here.type("allow")[0].text


def test_it_is_closed_on_machines_of_colleagues_too() -> None:
    here = _office("198.51.100.0/24")
    here.type("allow office for 7d", LIN)
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    assert "198.51.100.0/24" in _open_to(here)
    here.type("policy set networks none", SAM)
    here.until_quiet()
    assert _open_to(here) == {"203.0.113.7/32"}


def test_what_the_deployment_lists_no_more_is_closed_at_the_hourly_look() -> None:
    here = _office("198.51.100.0/24")
    here.type("allow office for 7d")
    here.policy = replace(here.policy, networks=())
    here.house = replace(here.house, policy=here.policy)
    here.pass_time(timedelta(minutes=61))
    assert _open_to(here) == {"203.0.113.7/32"}
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == ["203.0.113.7/32"]


class _Spoilt:
    """A ledger in which one person's row is one that nobody can read."""

    def __init__(self, ledger: MemoryLedger, of: str) -> None:
        self._ledger, self._of = ledger, of

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    def profile(self, user: str) -> Profile:
        if user == self._of:
            raise UnreadableRow(user)
        return self._ledger.profile(user)


def test_a_profile_that_cannot_be_read_keeps_nobody_elses_network_open() -> None:
    here = _office("198.51.100.0/24")
    here.ready_to_launch(LIN)
    here.type("allow office for 7d", LIN)
    here.type("launch p3.2xlarge on-demand for 2h name emil", LIN)
    here.until_quiet()
    spoilt: Any = _Spoilt(here.ledger, of=ADA)
    here.house = replace(here.house, ledger=spoilt)
    here.type("policy set networks none", SAM)
    assert f"profile/{LIN}" in here.wakes.due(here.now)
    here.until_quiet()
    assert [a.cidr for a in here.ledger.profile(LIN).accesses] == ["203.0.113.7/32"]


@pytest.mark.parametrize("word", ["198.51.100.0/24", "198.51.100.77/24", "office", "Office"])
def test_what_is_open_can_be_closed_although_nobody_may_open_it_now(word: str) -> None:
    here = _office("198.51.100.0/24")
    here.type("allow office for 7d")
    here.house = replace(here.house, policy=replace(here.policy, networks=()))
    assert "198.51.100.0/24" in _open_to(here)
    (said,) = here.type(f"allow remove {word}")
    assert _open_to(here) == {"203.0.113.7/32"}
    assert "`198.51.100.0/24` may not reach" in said.text
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == ["203.0.113.7/32"]


def test_a_launch_does_not_open_what_is_not_listed_any_more() -> None:
    here = _office("198.51.100.0/24")
    here.type("allow office for 7d")
    here.house = replace(here.house, policy=replace(here.policy, networks=()))
    here.type("end bert")
    here.until_quiet()
    here.type("launch p3.2xlarge on-demand for 2h name emil")
    here.until_quiet()
    assert _open_to(here) == {"203.0.113.7/32"}


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("office", "No network of the admins' list is open"),
        ("192.0.2.1", "192.0.2.1/32 was not allowed"),
        ("192.0.2.0/24", "only a single one may be opened"),
        ("home", "is not an IP address"),
    ],
)
def test_what_was_not_open_is_not_closed_and_that_is_said(word: str, words: str) -> None:
    here = _town()
    (said,) = here.type(f"allow remove {word}")
    assert words in said.text
    assert _open_to(here) == {"203.0.113.7/32"}


def test_the_whole_office_is_closed_with_one_word() -> None:
    here = _office("198.51.100.0/24", "192.0.2.0/25")
    (said,) = here.type("allow office")
    assert "`/gpu allow remove office`" in said.text
    here.type("allow remove office")
    assert _open_to(here) == {"203.0.113.7/32"}


# ---- while the group of a launch is made ----------------------------------------------------

X, Y = "203.0.113.7/32", "198.51.100.9/32"


def _ready() -> Stage:
    here = Stage()
    here.with_quota()
    here.ready_to_launch()
    return here


def _launched_while(here: Stage, meanwhile: dict[str, Any]) -> None:
    """As the key is imported something happens, and is over before the row names the group."""
    acts.trap(here, {"how": "meanwhile", "call": "cloud.ensure_key", "then": meanwhile})
    acts.say(here, {"who": "ada", "text": "launch p3.2xlarge on-demand for 3h name bert"})
    here.pass_time(timedelta(minutes=3))
    assert here.machine().state is State.RUNNING
    assert here.traps == []


def _allowed(here: Town, *users: str) -> set[str]:
    return {a.cidr for user in users for a in here.ledger.profile(user).accesses}


@pytest.mark.parametrize(
    ("text", "left"), [("allow remove 203.0.113.7", set()), ("allow 198.51.100.9", {X, Y})]
)
def test_an_address_that_comes_or_goes_while_the_group_is_made_does_so_in_the_group(
    text: str, left: set[str]
) -> None:
    here = _ready()
    _launched_while(here, {"do": "say", "who": "ada", "text": text})
    assert _open_to(here) == _allowed(here, ADA) == left


def test_an_address_that_expires_while_the_group_is_made_is_closed() -> None:
    here = _ready()
    here.type("allow 198.51.100.9 for 1h")
    here.pass_time(timedelta(minutes=59, seconds=50))
    _launched_while(here, {"do": "wait", "seconds": 15})
    assert _open_to(here) == _allowed(here, ADA) == {X}


def test_where_ec2_does_not_take_it_at_once_it_is_closed_soon_after() -> None:
    here = _ready()
    acts.trap(here, {"how": "throttled", "call": "cloud.set_addresses", "at": 2})
    _launched_while(here, {"do": "say", "who": "ada", "text": "allow remove 203.0.113.7"})
    assert _open_to(here) == set()


# ---- two functions at once ------------------------------------------------------------------


def _runs() -> Stage:
    here = _ready()
    acts.say(here, {"who": "ada", "text": "launch p3.2xlarge on-demand for 23h name bert"})
    here.until_quiet()
    assert here.machine().state is State.RUNNING
    return here


def _as_ec2_is_asked(here: Stage, then: dict[str, Any]) -> None:
    """One function has read what it asks of EC2; before it asks, another is through."""
    acts.trap(here, {"how": "meanwhile", "call": "cloud.set_addresses", "then": then})


def test_an_address_closed_while_another_function_opens_it_is_closed() -> None:
    here = _runs()
    _as_ec2_is_asked(here, {"do": "say", "who": "ada", "text": "allow remove 198.51.100.9"})
    acts.say(here, {"who": "ada", "text": "allow 198.51.100.9 for 1h"})
    assert here.traps == []
    assert _open_to(here) == _allowed(here, ADA) == {X}
    assert "198.51.100.9" not in here.chat.answers[-1].message.text


def test_an_address_opened_while_another_function_closes_it_is_open() -> None:
    here = _runs()
    here.type("allow 198.51.100.9 for 1h")
    _as_ec2_is_asked(here, {"do": "say", "who": "ada", "text": "allow 198.51.100.9 for 2h"})
    acts.say(here, {"who": "ada", "text": "allow remove 198.51.100.9"})
    assert here.traps == []
    assert _open_to(here) == _allowed(here, ADA) == {X, Y}


def test_an_address_allowed_anew_as_its_first_time_ends_stays_open() -> None:
    here = _runs()
    here.type("allow 198.51.100.9 for 1h")
    _as_ec2_is_asked(here, {"do": "say", "who": "ada", "text": "allow 198.51.100.9 for 2h"})
    here.pass_time(timedelta(minutes=61))
    assert here.traps == []
    assert _open_to(here) == _allowed(here, ADA) == {X, Y}
