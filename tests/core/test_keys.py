"""Public keys: which are taken, and how they are named."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import UsageError, read_key
from core.model import PublicKey

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# Made for these tests with ssh-keygen; the fingerprint is the one that it printed.
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIWnuclmADaukXBRiUC5C7Kdqj/ETW7TD/yon/8wPFXM"
PRINTED = "SHA256:ZqlKy3AAIcQqBTZjzjAsAdWJMJ2mt65OI3R34PollEo"


def packed(*parts: bytes) -> str:
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return base64.b64encode(blob).decode()


def rsa(bits: int, exponent: int = 65537) -> str:
    modulus = (1 << (bits - 1)) | 1
    size = bits // 8 + 1
    e = exponent.to_bytes(3, "big")
    return "ssh-rsa " + packed(b"ssh-rsa", e, modulus.to_bytes(size, "big"))


def accepted(text: str) -> PublicKey:
    key = read_key(text, NOW)
    assert isinstance(key, PublicKey), key
    return key


def refused(text: str) -> str:
    key = read_key(text, NOW)
    assert isinstance(key, UsageError)
    assert key.topic == "key"
    return key.what


def test_an_ed25519_key_is_taken_and_named_as_ssh_keygen_does() -> None:
    key = accepted(f"{ED25519} ada@laptop")
    assert key.text == ED25519
    assert key.fingerprint == PRINTED
    assert key.comment == "ada@laptop"
    assert key.added_at == NOW


@pytest.mark.parametrize("bits", [3072, 4096, 8192])
def test_an_rsa_key_of_3072_bits_and_more_is_taken(bits: int) -> None:
    assert accepted(rsa(bits)).text == rsa(bits)


@pytest.mark.parametrize("bits", [1024, 2048, 3064])
def test_a_shorter_rsa_key_is_refused_with_its_length(bits: int) -> None:
    assert f"this one has {bits}" in refused(rsa(bits))


def test_rsa_numbers_that_no_key_has_are_refused() -> None:
    assert "broken" in refused(rsa(4096, exponent=4))
    assert "broken" in refused(rsa(32768))
    assert "broken" in refused("ssh-rsa " + packed(b"ssh-rsa", b"\x03"))


@pytest.mark.parametrize(
    "kind",
    [
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "ssh-dss",
    ],
)
def test_kinds_that_ec2_does_not_take_are_refused_with_the_reason(kind: str) -> None:
    assert "Ed25519 and RSA" in refused(f"{kind} AAAA ada@laptop")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 not*base64",
        "ssh-ed25519 ＡＡＡＡ",
        ED25519[:-6],
        ED25519[:40] + " " + ED25519[40:],
        ED25519.replace("ssh-ed25519", "ssh-rsa"),
        "ssh-ed25519 " + packed(b"ssh-ed25519", b"short"),
        "ssh-ed25519 " + packed(b"ssh-ed25519", b"x" * 32, b"more"),
        'command="rm -rf /" ' + ED25519,
        "no-pty " + ED25519,
        "---- BEGIN SSH2 PUBLIC KEY ----",
        "-----BEGIN PUBLIC KEY-----",
    ],
)
def test_anything_else_is_refused_with_what_to_do(text: str) -> None:
    said = refused(text)
    assert "ssh-keygen" in said or "alone" in said
    assert "AAAAC3" not in said


def test_quotes_around_a_key_do_not_matter() -> None:
    assert accepted(f'"{ED25519} ada"').text == ED25519


def test_a_comment_is_cleaned_and_cut() -> None:
    assert accepted(f"{ED25519} <mailto:a@b.org|a@b.org>").comment == "a@b.org"
    assert accepted(f"{ED25519} \u202eevil\x07 one").comment == "evil one"
    assert len(accepted(f"{ED25519} {'x' * 500}").comment) == 64
    assert accepted(ED25519).comment == ""


def test_the_stored_text_can_never_be_more_than_the_key() -> None:
    key = accepted(f"{ED25519} a\n  - ssh-rsa AAAA")
    assert key.text.split() == ED25519.split()
    assert "\n" not in key.comment


def test_a_private_key_is_refused_and_told_to_be_replaced() -> None:
    said = refused("-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk")
    assert "stolen" in said
    assert "b3Blb" not in said


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_key(text, NOW)
    read_key(f"ssh-ed25519 {text}", NOW)


@given(st.binary(max_size=120))
def test_no_blob_breaks_the_reader(blob: bytes) -> None:
    for kind in (b"ssh-ed25519", b"ssh-rsa"):
        head = len(kind).to_bytes(4, "big") + kind
        read_key(f"{kind.decode()} {base64.b64encode(head + blob).decode()}", NOW)
