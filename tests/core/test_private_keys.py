"""Private keys: known in all their forms at the door and in the core, and no public one for one."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from core.commands import UsageError, parse
from core.first_words import PRIVATE_KEY, first_words
from core.private_keys import holds_private_key

PLAIN, LOCKED = NoEncryption(), BestAvailableEncryption(b"a passphrase")
MADE: dict[str, Any] = {
    "rsa-1024": rsa.generate_private_key(65537, 1024),
    "rsa-3072": rsa.generate_private_key(65537, 3072),
    "dsa-1024": dsa.generate_private_key(1024),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "k256": ec.generate_private_key(ec.SECP256K1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "x25519": x25519.X25519PrivateKey.generate(),
    "ed448": ed448.Ed448PrivateKey.generate(),
    "x448": x448.X448PrivateKey.generate(),
}
TRADITIONAL = ("rsa", "dsa", "p256", "k256", "p384", "p521")
OPENSSH = ("rsa", "p256", "p384", "p521", "ed25519")


def packed(*parts: bytes) -> str:
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return base64.b64encode(blob).decode()


def _forms() -> Iterator[tuple[str, PrivateFormat, KeySerializationEncryption]]:
    for name in MADE:
        yield name, PrivateFormat.PKCS8, PLAIN
        yield name, PrivateFormat.PKCS8, LOCKED
        if name.startswith(TRADITIONAL):
            yield name, PrivateFormat.TraditionalOpenSSL, PLAIN
        if name.startswith(OPENSSH):
            yield name, PrivateFormat.OpenSSH, PLAIN


@pytest.mark.parametrize(("name", "form", "locked"), tuple(_forms()))
def test_a_real_private_key_is_known_with_and_without_its_first_line(
    name: str, form: PrivateFormat, locked: KeySerializationEncryption
) -> None:
    whole = MADE[name].private_bytes(Encoding.PEM, form, locked).decode()
    lines = whole.splitlines()
    for text in (whole, " ".join(lines), "\n".join(lines[1:-1]), "".join(lines[1:-1]), lines[-1]):
        assert holds_private_key(text), name
        assert first_words(f"key add {text}", "us-east-1") == PRIVATE_KEY
        refused = parse(f"launch p3.2xlarge why {text}")
        assert isinstance(refused, UsageError) and "stolen" in refused.what


@pytest.mark.parametrize(
    "key",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAA",
        "-----BEGIN RSA PRIVATE KEY----- MIIEowIBAAKCAQEA",
        "-----begin encrypted private key-----",
        "—-BEGIN PRIVATE KEY—-",
        "—PRIVATE KEY",
        "PRIVATE KEY—",
        "BEGIN  EC  PRIVATE\u00a0KEY",
        "END  EC  PRIVATE\u00a0KEY",
        "PuTTY-User-Key-File-3: ssh-ed25519",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
        "MC4CAQAwBQYDK2VwBCIEIH",
        "MFECAQEwBQYDK2VwBCIEIH",  # with its public half behind it
        "MIIEpAIBAAKCAQEA7b",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "MHcCAQEEI",
        "MIGHAgEAM",
        "MIGkAgEBBD",
        "MIHcAgEBB",
        "MIG2AgEAM",
        "MIHuAgEAM",
        "MIIFHDBOBgkqhkiG9w0BBQ0wQTAp",
        "MIGbMFcGCSqGSIb3DQEFDTBK",
        "key=MHcCAQEEI",
        "gibberish -----END RSA PRIVATE KEY-----",
    ],
)
def test_a_private_key_is_known_in_all_its_forms(key: str) -> None:
    assert holds_private_key(f"key add {key}")
    assert first_words(f"key add {key}", "us-east-1") == PRIVATE_KEY


@pytest.mark.parametrize(
    "text",
    [
        "key add ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ada@laptop",
        "key add ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 MIIE",
        "launch p3.2xlarge name private-key",
        "launch p3.2xlarge why the private key-store, a non-private key - and migrations",
        "help key",
    ],
)
def test_a_public_key_and_words_are_none(text: str) -> None:
    assert not holds_private_key(text)


@pytest.mark.parametrize("name", MADE)
def test_the_public_half_of_one_is_none(name: str) -> None:
    half = MADE[name].public_key()
    pem = half.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert not holds_private_key(pem)
    assert not holds_private_key("".join(pem.splitlines()[1:-1]))
    if name.startswith(OPENSSH):
        line = half.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        assert not holds_private_key(f"key add {line} ada@laptop")
    if isinstance(half, rsa.RSAPublicKey):
        assert not holds_private_key(half.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode())


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("ssh-ed25519", (32,)),
        ("ssh-rsa", (3, 385)),
        ("ecdsa-sha2-nistp256", (8, 65)),
        ("ecdsa-sha2-nistp521", (8, 133)),
    ],
)
def test_no_public_key_of_whatever_content_is_one(kind: str, fields: tuple[int, ...]) -> None:
    for n in range(3000):
        content = hashlib.shake_256(f"{kind} {n}".encode()).digest(sum(fields))
        parts, at = [kind.encode()], 0
        for size in fields:
            parts.append(content[at : at + size])
            at += size
        assert not holds_private_key(f"key add {kind} {packed(*parts)} ada@laptop"), n
