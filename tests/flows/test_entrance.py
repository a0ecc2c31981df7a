"""Keys from GitHub, the one-time link, the office: what opens, for whom, once, for how long."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.blocks import Message
from core.flows import entrance
from core.flows.entrance import LINK_LIVES, Opened
from core.links import read
from core.model import HoldKind, OneTimeLink, State
from core.networks import read_network
from core.ports import ChatError
from sim.town import ADA, DOOR, KEY, LIN, SIGNING_SECRET, Town, person, town

FIRST = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm"
SECOND = KEY.rsplit(" ", 1)[0]
ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA=="


def _running(here: Town) -> Town:
    here.with_quota()
    here.type(f"key add {KEY}")
    here.type("allow 203.0.113.7 for 24h")
    here.type("launch p3.2xlarge on-demand in us-east-1 for 23h name bert")
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
        for source in [*rule["IpRanges"], *rule.get("Ipv6Ranges", ())]
    }


# ---- GitHub ---------------------------------------------------------------------------------


def test_all_keys_of_a_github_account_that_ec2_takes_are_kept_and_shown() -> None:
    here = Town()
    here.github.pages["octocat"] = f"{FIRST}\n{SECOND}\n{ECDSA}\n"
    (said,) = here.type("key add github:octocat")
    keys = here.ledger.profile(ADA).keys
    assert [key.text for key in keys] == [FIRST, SECOND]
    assert {key.comment for key in keys} == {"github:octocat"}
    assert all(key.fingerprint in said.text for key in keys)
    assert "EC2 takes Ed25519 and RSA keys only" in said.text


def test_the_same_account_again_adds_nothing_and_says_so() -> None:
    here = Town()
    here.github.pages["octocat"] = FIRST
    here.type("key add github:octocat")
    (said,) = here.type("key add @OctoCat")
    assert len(here.ledger.profile(ADA).keys) == 1
    assert "already" in said.text


def test_no_more_keys_are_kept_than_anybody_may_have() -> None:
    here = Town()
    many = [FIRST.replace("ILEEYXqp", f"ILEEYX{n:02d}") for n in range(14)]
    here.github.pages["octocat"] = "\n".join(many)
    (said,) = here.type("key add github:octocat")
    assert len(here.ledger.profile(ADA).keys) == 10
    assert "4 keys did not fit" in said.text


@pytest.mark.parametrize(
    ("page", "down", "words"),
    [
        (None, False, "no account called"),
        ("", False, "shows no public key"),
        ("<html>\n<body>sign in</body>", False, "that EC2 takes"),
        (ECDSA, False, "EC2 takes Ed25519 and RSA keys only"),
        (FIRST, True, "at the moment"),
    ],
)
def test_what_github_does_not_give_is_said_with_a_next_step(
    page: str | None, down: bool, words: str
) -> None:
    here = Town()
    here.github.down = down
    if page is not None:
        here.github.pages["octocat"] = page
    (said,) = here.type("key add github:octocat")
    assert words in said.text
    assert "othing was changed" in said.text
    assert here.ledger.profile(ADA).keys == ()


def test_a_private_key_on_somebodys_page_is_never_said_again() -> None:
    here = Town()
    here.github.pages["octocat"] = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAA\n"
    (said,) = here.type("key add github:octocat")
    assert "b3BlbnNz" not in str(said)
    assert here.ledger.profile(ADA).keys == ()


def test_an_import_lets_a_launch_go_on_that_waited_for_a_key() -> None:
    here = Town()
    here.with_quota()
    here.github.pages["octocat"] = FIRST
    here.type("allow 203.0.113.7")
    here.type("launch p3.2xlarge on-demand in us-east-1")
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.NO_ACCESS
    here.type("key add github:octocat")
    here.until_quiet()
    assert here.machine().state is State.RUNNING


# ---- the one-time link ----------------------------------------------------------------------


def _url(said: Message) -> str:
    return said.text.partition("<")[2].partition("|")[0]


def _link(here: Town, said: Message) -> str:
    """The id that the door reads out of the link."""
    path = urlsplit(_url(said)).path
    now = here.now.timestamp()
    token = path.removeprefix("/here/")
    found = read(token, (SIGNING_SECRET.encode(),), here.policy.stack, now)
    assert found is not None
    return found.id


def _press(here: Town, id: str, address: str = "198.51.100.9", user: str = ADA) -> None:
    entrance.here(here.house, Opened(link=id, user=user, address=address, at=here.now))


@contextmanager
def _unanswered(here: Town) -> Iterator[None]:
    """Slack tells who somebody is, and takes no words."""
    house, real = here.house, here.house.chat

    class Mute:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def respond(self, *_: object) -> None:
            raise ChatError("unreachable")

    here.house = replace(house, chat=Mute())  # type: ignore[arg-type]  # all but `respond`
    yield
    here.house = house


def test_a_press_waits_while_slack_does_not_tell_whose_it_is() -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    id = _link(here, said)
    here.chat.blind = "ratelimited"
    with pytest.raises(ChatError):
        _press(here, id)
    here.chat.blind = ""
    _press(here, id)
    assert "198.51.100.9/32" in _open_to(here)


def test_allow_me_gives_a_link_and_opens_nothing_yet() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    assert _url(said).startswith(f"{DOOR}/here/")
    assert "Nothing is open yet" in said.text
    assert _open_to(here) == {"203.0.113.7/32"}


def test_a_press_that_comes_after_the_closing_that_was_typed_later_opens_nothing() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    pressed = Opened(link=_link(here, said), user=ADA, address="198.51.100.9", at=here.now)
    here.pass_time(timedelta(seconds=10))
    here.type("allow remove 198.51.100.9")
    entrance.here(here.house, pressed)
    assert _open_to(here) == {"203.0.113.7/32"}
    assert (
        "What was closed after this was typed stays closed." in here.chat.answers[-1].message.text
    )


def test_the_press_opens_the_address_on_machines_that_run_until_its_time_is_over() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    _press(here, _link(here, said))
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}
    assert "198.51.100.9/32" in here.chat.answers[-1].message.text
    here.pass_time(timedelta(hours=2, minutes=2))
    assert _open_to(here) == {"203.0.113.7/32"}


def test_a_link_opens_one_address_once() -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    id = _link(here, said)
    _press(here, id)
    _press(here, id, "192.0.2.66")
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}
    assert "used already" in here.chat.answers[-1].message.text


def test_the_same_press_delivered_twice_gives_no_longer_access() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    id = _link(here, said)
    _press(here, id)
    first = here.ledger.profile(ADA).accesses
    here.now += timedelta(minutes=5)
    _press(here, id)
    assert here.ledger.profile(ADA).accesses == first


def test_a_crash_between_the_use_of_a_link_and_its_effect_loses_nothing() -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    id = _link(here, said)
    here.control(do="fault", operation="AuthorizeSecurityGroupIngress", code="InternalError")
    with pytest.raises(Exception, match="InternalError"):
        _press(here, id)
    _press(here, id)
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}


def test_a_press_that_was_told_does_not_open_again_what_was_closed_since() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    id = _link(here, said)
    _press(here, id)
    here.type("allow remove 198.51.100.9")
    before = len(here.chat.answers)
    _press(here, id)
    assert _open_to(here) == {"203.0.113.7/32"}
    assert {a.cidr for a in here.ledger.profile(ADA).accesses} == {"203.0.113.7/32"}
    assert len(here.chat.answers) == before


def test_a_press_that_was_not_told_yet_does_not_open_again_what_was_closed_since() -> None:
    """It was opened, and its answer got lost: the next delivery owes the answer alone."""
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    id = _link(here, said)
    with _unanswered(here), pytest.raises(ChatError):
        _press(here, id)
    assert "198.51.100.9/32" in _open_to(here)
    here.type("allow remove 198.51.100.9")
    _press(here, id)
    assert _open_to(here) == {"203.0.113.7/32"}
    assert "203.0.113.7/32" in here.chat.answers[-1].message.text
    assert "198.51.100.9" not in here.chat.answers[-1].message.text


def test_a_redelivered_command_gives_the_same_link() -> None:
    here = Town()
    request = here.request("allow me", ADA)
    (first,) = here.deliver(request)
    here.now += timedelta(seconds=40)
    (second,) = here.deliver(request)
    assert _url(first) == _url(second)
    assert len(here.ledger.rows(OneTimeLink)) == 1


@pytest.mark.parametrize(("user", "late"), [(LIN, timedelta(0)), (ADA, LINK_LIVES * 2)])
def test_a_press_of_somebody_else_or_too_late_opens_nothing(user: str, late: timedelta) -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    id = _link(here, said)
    here.now += late
    _press(here, id, user=user)
    _press(here, "0" * 32)
    assert _open_to(here) == {"203.0.113.7/32"}
    assert here.ledger.profile(LIN).accesses == ()


@pytest.mark.parametrize(
    ("length", "later"), [("12h", timedelta(hours=9)), ("10m", timedelta(minutes=12))]
)
def test_a_press_that_is_carried_out_long_after_it_opens_nothing_and_says_so(
    length: str, later: timedelta
) -> None:
    here = _running(Town())
    (said,) = here.type(f"allow me for {length}")
    press = Opened(link=_link(here, said), user=ADA, address="198.51.100.9", at=here.now)
    here.pass_time(later)
    entrance.here(here.house, press)
    assert "198.51.100.9/32" not in _open_to(here)
    told = here.chat.directs(ADA)[-1].message.text
    assert "198.51.100.9/32" in told
    assert "too late, so nothing was opened" in told


def test_what_was_opened_in_time_is_told_however_late_that_is_delivered_again() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    press = Opened(link=_link(here, said), user=ADA, address="198.51.100.9", at=here.now)
    with _unanswered(here), pytest.raises(ChatError):
        entrance.here(here.house, press)
    here.pass_time(timedelta(minutes=20))
    entrance.here(here.house, press)
    assert "198.51.100.9/32" in here.chat.answers[-1].message.text
    assert "198.51.100.9/32" in _open_to(here)


def test_what_a_press_opens_ends_as_long_after_the_press_as_was_asked_for() -> None:
    here = _running(Town())
    (said,) = here.type("allow me for 2h")
    press = Opened(link=_link(here, said), user=ADA, address="198.51.100.9", at=here.now)
    here.now += timedelta(minutes=10)
    entrance.here(here.house, press)
    (access,) = [a for a in here.ledger.profile(ADA).accesses if a.cidr == "198.51.100.9/32"]
    assert access.until == press.at + timedelta(hours=2)


@pytest.mark.parametrize("left", [False, True])
def test_a_press_of_somebody_who_may_not_use_the_bot_any_more_opens_nothing(left: bool) -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    ada = person(ADA, "ada", member=left)
    here.chat.add(replace(ada, active=not left))
    _press(here, _link(here, said))
    assert _open_to(here) == {"203.0.113.7/32"}
    told = [one.message.text for one in here.chat.directs(ADA)]
    assert left or "rule `members`" in told[-1]


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "100.64.0.9", "not an address", "::1"]
)
def test_an_address_that_aws_cannot_see_is_refused_and_the_link_is_still_good(address: str) -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    id = _link(here, said)
    _press(here, id, address)
    assert _open_to(here) == {"203.0.113.7/32"}
    _press(here, id)
    assert "198.51.100.9/32" in _open_to(here)


def test_an_ipv6_address_is_opened_and_told_that_machines_have_ipv4() -> None:
    here = _running(Town())
    (said,) = here.type("allow me")
    _press(here, _link(here, said), "2001:db8::7")
    assert "2001:db8::7/128" in _open_to(here)
    assert "IPv4" in here.chat.answers[-1].message.text


def test_where_the_answer_cannot_be_given_any_more_it_comes_as_a_direct_message() -> None:
    here = _running(Town())
    request = here.request("allow me", ADA)
    (said,) = here.deliver(request)
    for _ in range(4):
        here.house.chat.respond(request.response_url, said)
    _press(here, _link(here, said))
    assert "198.51.100.9/32" in here.chat.directs(ADA)[-1].message.text


def test_a_link_may_not_give_more_than_a_week() -> None:
    here = Town()
    (said,) = here.type("allow me for 8d")
    assert "7 days" in said.text
    assert here.ledger.rows(OneTimeLink) == ()


# ---- the office -----------------------------------------------------------------------------


def test_the_office_is_every_network_that_the_admins_listed() -> None:
    here = _running(town(networks=("198.51.100.0/24", "192.0.2.0/25")))
    (said,) = here.type("allow office for 1h")
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.0/24", "192.0.2.0/25"}
    assert "198.51.100.0/24" in said.text
    here.pass_time(timedelta(hours=1, minutes=2))
    assert _open_to(here) == {"203.0.113.7/32"}


def test_a_list_that_holds_the_world_opens_nothing() -> None:
    here = _running(town(networks=("198.51.100.0/24", "0.0.0.0/1", "128.0.0.0/1")))
    (said,) = here.type("allow office")
    assert "never opened to everybody" in said.text
    assert _open_to(here) == {"203.0.113.7/32"}


def test_without_a_list_there_is_no_office() -> None:
    here = Town()
    (said,) = here.type("allow office")
    assert "/gpu allow me" in said.text
    assert here.ledger.profile(ADA).accesses == ()


def test_a_part_of_the_office_can_be_closed_again() -> None:
    assert read_network("198.51.100.0/24", ("198.51.100.0/24",)) == "198.51.100.0/24"
    here = _running(town(networks=("198.51.100.0/24",)))
    here.type("allow office")
    here.type("allow remove 198.51.100.0/24")
    assert _open_to(here) == {"203.0.113.7/32"}
