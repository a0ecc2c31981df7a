"""Fingerprints out of a console: whole blocks only, the client's favourite first."""

import pytest

from core.host_keys import fingerprints

A, B, C = ("SHA256:" + letter * 43 for letter in "abc")
BEGIN = "-----BEGIN SSH HOST KEY FINGERPRINTS-----"
END = "-----END SSH HOST KEY FINGERPRINTS-----"


def block(*lines: str, end: str = END) -> str:
    return "\r\n".join(["[ 1.0] booting", f"ec2: {BEGIN}", *lines, f"ec2: {end}", "login: "])


LINES = (
    f"<14>Nov 24 09:00:01 cloud-init: 256 {A} root@ip-172-31-0-1 (ECDSA)",
    f"[   21.5] cloud-init[1210]: 256 {B} root@ip-172-31-0-1 (ED25519)",
    f"ec2: 3072 {C} no comment (RSA)",
)


def test_ed25519_comes_first_whatever_stands_before_the_lines() -> None:
    assert fingerprints(block(*LINES)) == (f"{B} (ED25519)", f"{A} (ECDSA)", f"{C} (RSA)")


@pytest.mark.parametrize(
    "console",
    [
        "",
        "[    0.000000] Linux version",
        "\n".join(LINES),
        block(*LINES, end="-----END"),
        block("256 SHA256:short root@x (ED25519)"),
        block("256 MD5:11:22:33 root@x (ED25519)"),
    ],
)
def test_what_is_not_there_whole_is_not_told(console: str) -> None:
    assert fingerprints(console) == ()


def test_what_somebody_prints_after_the_first_boot_does_not_count() -> None:
    later = block(f"256 {C} root@evil (ED25519)")
    assert fingerprints(block(*LINES) + later)[0] == f"{B} (ED25519)"
