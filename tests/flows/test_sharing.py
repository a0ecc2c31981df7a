"""A machine shared with a colleague: keys and addresses get on it, follow changes, and come off."""

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.flows import attempts, sharing
from core.model import KeyDelivery, State
from core.shared_keys import COMMENT
from sim.town import ADA, CHANNEL, GUS, KEY, LIN, SAM, Town

LINS = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm lin@laptop"
LINS_BLOB = LINS.split()[1]
LINS_SECOND = LINS.replace("ILEEYXqp", "ILEEYXqq")


def _town(*, launch: bool = True) -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"key add {LINS}", user=LIN)
    here.type("allow 198.51.100.9 for 24h", user=LIN)
    if launch:
        _launch(here)
        assert here.machine().state is State.RUNNING
    return here


def _launch(here: Town) -> None:
    here.type("launch p3.2xlarge on-demand in us-east-1 for 23h name bert")
    here.until_quiet()


def _open_to(here: Town) -> set[str]:
    m = here.machine()
    ec2: Any = here._client("ec2")("us-east-1")
    group = ec2.describe_security_groups(GroupIds=[m.group])["SecurityGroups"][0]
    return {r["CidrIp"] for rule in group["IpPermissions"] for r in rule["IpRanges"]}


def _scripts(here: Town) -> list[str]:
    return list(here.world.state()["instances"][0]["commands"])


def _file_after(scripts: list[str], home: Path, before: str) -> list[str]:
    """What ~/.ssh/authorized_keys holds when a real shell has run them, one after the other."""
    tools = home / "tools"
    tools.mkdir(exist_ok=True)
    for name, body in {"getent": f"echo x:x:1:1:x:{home}:/bin/sh", "chown": "exit 0"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    file = home / ".ssh" / "authorized_keys"
    file.parent.mkdir(exist_ok=True)
    file.write_text(before)
    for script in scripts:
        local = script.replace("/var/lib/", f"{home}/").replace("/run/", f"{home}/")
        path = {"PATH": f"{tools}:{os.environ['PATH']}"}
        subprocess.run(["sh", "-c", local], check=True, env=path)
    return file.read_text().splitlines()


def test_a_running_machine_gets_the_keys_and_addresses_of_the_colleague(tmp_path: Path) -> None:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    assert here.machine().shared == (LIN,)
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}
    lines = _file_after(_scripts(here), tmp_path, f"{KEY}\n")
    assert lines == [KEY, f"ssh-ed25519 {LINS_BLOB} {COMMENT}"]


def test_the_channel_hears_it_with_both_names_once_the_keys_are_on() -> None:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    before = [m.text for m in here.news()]
    assert not any(f"<@{LIN}>" in text for text in before)
    here.until_quiet()
    told = [m.text for m in here.news() if f"<@{LIN}>" in m.text]
    assert len(told) == 1
    assert f"<@{ADA}> lets <@{LIN}> in to *bert*" in told[0]


def test_a_machine_that_has_not_booted_lets_the_colleague_in_by_its_user_data() -> None:
    here = _town(launch=False)
    here.control(do="fill-zone", region="us-east-1")
    _launch(here)
    here.type(f"share bert <@{LIN}>")
    here.control(do="free-zone", region="us-east-1")
    assert any(f"<@{LIN}>" in m.text for m in here.news())
    (hold,) = [b for b in here.card().blocks if b["type"] == "actions"]
    keep = next(e for e in hold["elements"] if "rying" in e["text"]["text"] or "again" in str(e))
    here.press(here.card(), keep["action_id"])
    here.pass_time(timedelta(minutes=5))
    assert here.machine().state is State.RUNNING
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}
    assert f"ssh-ed25519 {LINS_BLOB} {COMMENT}" in _user_data(here)


def _user_data(here: Town) -> str:
    (instance,) = here.world._ground.regions["us-east-1"].instances.values()
    import base64

    return base64.b64decode(instance.user_data or "").decode()


# ---- between two tries of a launch that keeps trying: its group is there already ---------------


def _keeps_trying(*, shared: bool) -> Town:
    here = _town(launch=False)
    here.type("allow remove 203.0.113.7")
    here.control(do="fill-zone", region="us-east-1")
    here.type("launch p3.2xlarge on-demand in us-east-1 for 23h name bert keep trying")
    if shared:
        here.type(f"share bert <@{LIN}>")
    here.type("allow 203.0.113.7 for 23h")
    here.pass_time(timedelta(minutes=3))
    m = here.machine()
    assert (m.state, m.attempt) == (State.WAITING, None)
    assert m.group is not None
    return here


def _comes_up(here: Town) -> None:
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(timedelta(minutes=15))
    assert here.machine().state is State.RUNNING


def test_who_is_let_in_while_a_launch_keeps_trying_reaches_the_machine() -> None:
    here = _keeps_trying(shared=False)
    here.type(f"share bert <@{LIN}>")
    _comes_up(here)
    assert _open_to(here) == {"203.0.113.7/32", "198.51.100.9/32"}


def test_who_is_let_in_no_more_while_a_launch_keeps_trying_does_not_reach_the_machine() -> None:
    here = _keeps_trying(shared=True)
    assert "198.51.100.9/32" in _open_to(here)
    here.type(f"unshare bert <@{LIN}>")
    _comes_up(here)
    assert _open_to(here) == {"203.0.113.7/32"}


def test_who_leaves_slack_while_a_launch_keeps_trying_does_not_reach_the_machine() -> None:
    here = _keeps_trying(shared=True)
    _lin(here, active=False)
    here.pass_time(timedelta(minutes=70))
    _comes_up(here)
    assert here.machine().shared == ()
    assert _open_to(here) == {"203.0.113.7/32"}


@pytest.mark.parametrize("text", ["key remove 1", f"key add {LINS_SECOND}"])
def test_a_colleagues_key_that_changes_as_the_call_is_frozen_is_right_on_the_machine(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _keeps_trying(shared=True)
    frozen, texts = attempts._frozen, [text]

    def meanwhile(*args: Any) -> Any:
        """The keys have been read, and the row does not tell of an attempt yet."""
        if texts:
            here.type(texts.pop(), user=LIN)
        return frozen(*args)

    monkeypatch.setattr(attempts, "_frozen", meanwhile)
    _comes_up(here)
    assert texts == []
    right = [key.text for key in here.ledger.profile(LIN).keys]
    first = f"{KEY}\nssh-ed25519 {LINS_BLOB} {COMMENT}\n"
    assert first.splitlines()[1] in _user_data(here)
    lines = _file_after(_scripts(here), tmp_path, first)
    assert lines == [KEY, *(f"{text} {COMMENT}" for text in right)]


def test_a_group_that_somebody_deleted_between_two_tries_is_made_again() -> None:
    here = _keeps_trying(shared=False)
    gone = here.machine().group
    ec2: Any = here._client("ec2")("us-east-1")
    ec2.delete_security_group(GroupId=gone)
    _comes_up(here)
    assert here.machine().group != gone
    assert _open_to(here) == {"203.0.113.7/32"}


def test_unsharing_takes_keys_and_addresses_off_again(tmp_path: Path) -> None:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    here.type(f"unshare bert <@{LIN}>")
    here.until_quiet()
    assert here.machine().shared == ()
    assert _open_to(here) == {"203.0.113.7/32"}
    assert _file_after(_scripts(here), tmp_path, f"{KEY}\n") == [KEY]
    assert "no longer lets" in here.news()[-1].text


def test_unsharing_right_after_sharing_leaves_nobody_in_whatever_order_they_arrive(
    tmp_path: Path,
) -> None:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    here.type(f"unshare bert <@{LIN}>")
    here.until_quiet()
    first, *_, last = _scripts(here)
    assert LINS_BLOB in first
    assert LINS_BLOB not in last
    assert _file_after([last, first], tmp_path, f"{KEY}\n") == [KEY]
    assert _open_to(here) == {"203.0.113.7/32"}


def test_what_the_colleague_changes_later_follows_to_the_machine(tmp_path: Path) -> None:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    here.type(f"key add {LINS_SECOND}", user=LIN)
    here.type("key remove 1", user=LIN)
    here.type("allow remove 198.51.100.9", user=LIN)
    here.type("allow 192.0.2.77 for 1h", user=LIN)
    here.until_quiet()
    assert _open_to(here) == {"203.0.113.7/32", "192.0.2.77/32"}
    lines = _file_after(_scripts(here), tmp_path, f"{KEY}\n")
    assert lines == [KEY, f"ssh-ed25519 {LINS_SECOND.split()[1]} {COMMENT}"]
    here.pass_time(timedelta(hours=1, minutes=2))
    assert _open_to(here) == {"203.0.113.7/32"}


def test_the_same_share_delivered_twice_is_told_once() -> None:
    here = _town()
    request = here.request(f"share bert <@{LIN}>", ADA, CHANNEL)
    here.deliver(request)
    here.until_quiet()
    here.deliver(request)
    here.until_quiet()
    assert here.machine().shared == (LIN,)
    assert len([m for m in here.news() if f"<@{LIN}>" in m.text]) == 1


@pytest.mark.parametrize("who", [GUS, ADA, "U0NOBODY"])
def test_only_another_full_member_can_be_let_in(who: str) -> None:
    here = _town()
    (said,) = here.type(f"share bert <@{who}>")
    assert here.machine().shared == ()
    assert "Nothing was" in said.text


def test_only_the_owner_or_an_admin_shares() -> None:
    here = _town()
    here.type(f"share bert <@{SAM}>", user=LIN)
    assert here.machine().shared == ()
    here.type(f"share bert <@{LIN}>", user=SAM)
    assert here.machine().shared == (LIN,)


def test_a_colleague_who_is_let_in_is_told_how_to_connect_and_may_do_nothing_else() -> None:
    here = _town()
    (refused,) = here.type("ssh bert", user=LIN)
    assert "ssh ubuntu@" not in refused.text
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    (said,) = here.type("ssh bert", user=LIN)
    assert "ssh ubuntu@" in said.text
    assert "198.51.100.9/32" in said.text
    assert "203.0.113.7" not in said.text
    here.type("stop bert", user=LIN)
    assert here.machine().state is State.RUNNING


def test_a_machine_without_an_agent_is_said_to_have_no_keys_and_what_to_do() -> None:
    here = Town()
    here.control(do="settings", agent=None)
    here.with_quota()
    here.ready_to_launch()
    here.type(f"key add {LINS}", user=LIN)
    _launch(here)
    here.type(f"share bert <@{LIN}>")
    here.pass_time(timedelta(minutes=12))
    assert _scripts(here) == []
    (told,) = [m for m in here.news() if f"<@{LIN}>" in m.text]
    assert "*not* on it" in told.text
    assert "authorized_keys" in told.text
    assert not here.failures


def test_a_stopped_machine_gets_the_keys_when_it_runs_again(tmp_path: Path) -> None:
    here = _town()
    here.type("stop bert")
    here.until_quiet()
    here.type(f"share bert <@{LIN}>")
    here.pass_time(timedelta(minutes=20))
    assert _scripts(here) == []
    here.type("start bert for 2h")
    here.pass_time(timedelta(minutes=10))
    assert f"ssh-ed25519 {LINS_BLOB} {COMMENT}" in _file_after(_scripts(here), tmp_path, KEY + "\n")


def test_systems_manager_failing_for_a_while_is_no_trouble() -> None:
    here = _town()
    for operation in ("DescribeInstanceInformation", "SendCommand", "GetCommandInvocation"):
        here.control(do="fault", operation=operation, code="ThrottlingException", times=4)
    here.control(do="fault", operation="SendCommand", code="timeout-with-effect")
    here.type(f"share bert <@{LIN}>")
    here.pass_time(timedelta(minutes=3))
    assert any(f"<@{LIN}>" in m.text for m in here.news())
    assert not here.failures


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "UnauthorizedOperation"])
def test_addresses_that_ec2_does_not_close_are_never_called_closed_and_close_when_it_does(
    code: str,
) -> None:
    here = _shared()
    here.control(do="fault", operation="RevokeSecurityGroupIngress", code=code, times=10**6)
    (said,) = here.type(f"unshare bert <@{LIN}>")
    assert "closed on" not in said.text.replace("being closed on", "")
    here.pass_time(timedelta(minutes=25))
    assert "198.51.100.9/32" in _open_to(here)
    told = [m.text for m in here.news()]
    (held_up,) = [text for text in told if f"addresses of <@{LIN}> may *still* reach it" in text]
    assert "EC2 has not taken" in held_up
    assert "Systems Manager" not in "".join(told)
    assert not any("addresses closed" in text for text in told)
    here.control(do="clear-faults")
    here.pass_time(timedelta(minutes=6))
    assert _open_to(here) == {"203.0.113.7/32"}
    assert "no longer lets" in here.news()[-1].text
    row = here.ledger.row(KeyDelivery, here.machine().id)
    assert row is not None
    assert row.due_at is None


def test_without_an_agent_and_without_ec2_the_keys_are_given_up_once_the_addresses_are_closed() -> (
    None
):
    here = _shared()
    here.control(do="settings", agent=None)
    ec2 = {"operation": "RevokeSecurityGroupIngress", "code": "RequestLimitExceeded"}
    here.control(do="fault", times=10**6, **ec2)
    here.control(do="fault", operation="SendCommand", code="ThrottlingException", times=10**6)
    here.type(f"unshare bert <@{LIN}>")
    here.pass_time(timedelta(minutes=15))
    here.control(do="clear-faults")
    here.control(do="fault", operation="SendCommand", code="ThrottlingException", times=10**6)
    here.pass_time(timedelta(minutes=6))
    assert _open_to(here) == {"203.0.113.7/32"}
    assert "are *still* on it, though their addresses are closed" in here.news()[-1].text


@pytest.mark.parametrize(("first", "then"), [("share", "unshare"), ("unshare", "share")])
def test_what_was_decided_otherwise_since_is_not_announced_when_it_is_delivered_again(
    first: str, then: str
) -> None:
    here = _shared() if first == "unshare" else _town()
    request = here.request(f"{first} bert <@{LIN}>")
    here.deliver(request)
    here.until_quiet()
    here.type(f"{then} bert <@{LIN}>")
    here.until_quiet()
    told, shared = [m.text for m in here.news()], here.machine().shared
    (said,) = here.deliver(request)
    here.until_quiet()
    assert [m.text for m in here.news()] == told
    assert here.machine().shared == shared
    assert "Nothing was changed by this" in said.text
    assert ("does not let" in said.text) is (then == "unshare")


def test_what_is_still_on_its_way_is_announced_although_the_opposite_is_delivered_again() -> None:
    here = _town()
    request = here.request(f"share bert <@{LIN}>")
    here.deliver(request)
    here.until_quiet()
    here.type(f"unshare bert <@{LIN}>")
    here.deliver(request)
    here.until_quiet()
    assert here.news()[-1].text.startswith(f"<@{ADA}> no longer lets <@{LIN}> in to *bert*.")


def test_nothing_stays_due_when_it_is_done_or_the_machine_is_gone() -> None:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    row = here.ledger.row(KeyDelivery, here.machine().id)
    assert row is not None
    assert row.due_at is None
    here.control(do="settings", agent=None)
    here.type(f"unshare bert <@{LIN}>")
    here.type("end bert")
    here.pass_time(timedelta(minutes=15))
    assert here.machine().state is State.ENDED
    assert here.ledger.row(KeyDelivery, here.machine().id) is None


# ---- who is in the workspace no more ----------------------------------------------------------

HOUR = timedelta(hours=1)


def _shared() -> Town:
    here = _town()
    here.type(f"share bert <@{LIN}>")
    here.until_quiet()
    return here


def _lin(here: Town, **now: bool) -> None:
    lin = here.chat.known(LIN)
    assert lin is not None
    here.chat.add(replace(lin, **now))  # type: ignore[arg-type]  # of Person's own


@pytest.mark.parametrize("left", ["deactivated", "a guest now", "unknown"])
def test_whoever_may_not_use_the_bot_any_more_is_taken_off_within_the_hour(
    left: str, tmp_path: Path
) -> None:
    here = _shared()
    if left == "unknown":
        here.chat._people.pop(LIN)
    else:
        _lin(here, **({"active": False} if left == "deactivated" else {"member": False}))
    here.pass_time(HOUR)
    assert here.machine().shared == ()
    assert _open_to(here) == {"203.0.113.7/32"}
    assert _file_after(_scripts(here), tmp_path, f"{KEY}\n") == [KEY]
    (told,) = [m.text for m in here.news() if "no longer lets" in m.text]
    assert f"*bert* no longer lets <@{LIN}> in" in told
    here.pass_time(HOUR)
    assert len([m for m in here.news() if "no longer lets" in m.text]) == 1
    assert not here.failures


@pytest.mark.parametrize("code", ["unreachable", "missing_scope", "invalid_auth"])
def test_while_slack_does_not_tell_who_is_there_nobody_is_taken_off(code: str) -> None:
    here = _shared()
    _lin(here, active=False)
    here.chat.blind = code
    here.pass_time(HOUR)
    assert here.machine().shared == (LIN,)
    here.chat.blind = ""
    here.pass_time(HOUR)
    assert here.machine().shared == ()


def test_slack_is_asked_once_an_hour_for_each_colleague_however_many_machines() -> None:
    here = _shared()
    here.type("launch p3.2xlarge on-demand in us-east-1 for 23h name carl")
    here.until_quiet()
    here.type(f"share carl <@{LIN}>")
    here.until_quiet()
    asked: list[str] = []
    chat: Any = here.chat
    person = chat.person

    def counted(user: str) -> object:
        asked.append(user)
        return person(user)

    chat.person = counted
    here.pass_time(HOUR)
    assert asked == [LIN]
    _lin(here, active=False)
    here.pass_time(HOUR)
    assert [m.shared for m in here.ledger.live()] == [(), ()]


@pytest.mark.parametrize("after", [1, 2])
def test_whoever_dies_as_they_take_somebody_off_leaves_no_key_behind(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _shared()
    _lin(here, active=False)
    deliver, calls = sharing._deliver, []

    def dies(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2 and after == 2:  # the row is changed
            raise Killed
        deliver(*args)
        if len(calls) == 1 and after == 1:  # it is not
            raise Killed

    monkeypatch.setattr(sharing, "_deliver", dies)
    here.pass_time(2 * HOUR)
    assert [type(error) for error in here.failures] == [Killed]
    assert here.machine().shared == ()
    assert _file_after(_scripts(here), tmp_path, f"{KEY}\n") == [KEY]
    assert _open_to(here) == {"203.0.113.7/32"}


class Killed(Exception):
    """The function ends here."""
