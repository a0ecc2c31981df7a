"""How to connect, as it is told: host keys that can be checked, a config that can be pasted."""

from sim.town import DOOR, Town, town
from sim.world.console import host_key

LAUNCH = "launch p3.2xlarge on-demand in us-east-1 for 4h name bert"


def _running(here: Town, launch: str = LAUNCH) -> Town:
    here.with_quota()
    here.ready_to_launch()
    here.type(launch)
    here.until_quiet()
    return here


def _print(here: Town) -> str:
    instance = here.machine().instance
    assert instance is not None
    return host_key(instance.id, "ED25519")


def test_the_ready_notice_shows_the_host_key_that_the_first_ssh_will_show() -> None:
    here = _running(Town())
    ready = next(m.text for m in here.news() if "is ready" in m.text)
    assert _print(here) in ready


def test_ssh_shows_the_fingerprints_a_config_block_and_session_manager() -> None:
    here = _running(Town())
    (said,) = here.type("ssh bert")
    instance = here.machine().instance
    assert instance is not None
    assert f"{_print(here)} (ED25519)" in said.text
    block = f"Host bert\n  HostName {instance.address}\n  User ubuntu\n  IdentitiesOnly yes"
    assert block in said.text
    assert f"aws ssm start-session --target {instance.id} --region us-east-1" in said.text
    assert "vscode://vscode-remote/ssh-remote+ubuntu@" in said.text


def test_without_an_instance_profile_session_manager_is_not_offered() -> None:
    here = _running(town(instance_profile=""))
    (said,) = here.type("ssh bert")
    assert "start-session" not in said.text


def test_a_console_that_is_late_keeps_nobody_waiting_and_is_read_when_somebody_asks() -> None:
    here = Town()
    here.control(do="settings", console=200)
    _running(here)
    ready = next(m.text for m in here.news() if "is ready" in m.text)
    assert "SHA256" not in ready
    here.control(do="settings", console=0)
    (said,) = here.type("ssh bert")
    assert _print(here) in said.text
    assert here.machine().host_keys


def test_a_console_that_cannot_be_read_is_no_failure() -> None:
    here = Town()
    here.control(do="fault", operation="GetConsoleOutput", code="UnauthorizedOperation", times=99)
    _running(here)
    (said,) = here.type("ssh bert")
    assert "ssh ubuntu@" in said.text
    assert not here.failures


def test_every_instance_of_a_group_has_its_line_its_key_and_its_host_in_the_config() -> None:
    here = _running(Town(), "launch g5.xlarge x3 on-demand in us-east-1 for 2h name herd")
    (said,) = here.type("ssh herd")
    members = here.machine().members
    assert len(members) == 3
    for member in members:
        assert f"ssh ubuntu@{member.instance.address}" in said.text
        assert f"Host herd-{member.number}\n" in said.text
        assert host_key(member.instance.id, "ED25519") in said.text


def test_links_lead_to_this_deployments_door() -> None:
    (said,) = Town().type("allow me")
    assert f"<{DOOR}/here/" in said.text
