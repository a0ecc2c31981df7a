"""The script that brings keys to a machine: nothing but keys that were read can stand in it."""

import pytest

from core.shared_keys import COMMENT, marked, script

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN"


def test_the_keys_stand_in_it_each_on_a_line_of_its_own_with_their_mark() -> None:
    lines = script("m-abc", 7, "ubuntu", (KEY,)).splitlines()
    assert f"{KEY} {COMMENT}" in lines


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY + "\nKEYS\nrm -rf /",
        KEY + " comment",
        'command="sh" ' + KEY,
        KEY.replace("AAAA", "$(id)"),
        "ssh-ed25519 AAAA'",
        "ecdsa-sha2-nistp256 AAAA",
    ],
)
def test_what_is_no_plain_key_never_gets_in(text: str) -> None:
    with pytest.raises(AssertionError):
        script("m-abc", 1, "ubuntu", (text,))
    with pytest.raises(AssertionError):
        marked(text)


@pytest.mark.parametrize("user", ["", "ubuntu; reboot", "../root", "UBUNTU", "$USER"])
def test_what_is_no_login_name_never_gets_in(user: str) -> None:
    with pytest.raises(AssertionError):
        script("m-abc", 1, user, ())
