"""Public keys: which may log in, how they are named, and what is said to a private one.

Nothing here ever gives back a part of a key that was refused.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from datetime import datetime

from core.model import PublicKey
from core.private_keys import holds_private_key
from core.words import UsageError

LEAST_RSA_BITS = 3072
MOST_RSA_BITS = 16384
_LONGEST_COMMENT = 64
_HOW = "Make one with `ssh-keygen -t ed25519` and paste the single line of `~/.ssh/id_ed25519.pub`."
_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+")


def private_key_refused() -> UsageError:
    """What to say to somebody who pasted a private key."""
    return UsageError(
        what=(
            "That was a *private* key. It was not stored and not logged here, but it has passed "
            "through Slack: rotate it now, as if it were stolen. Make a new pair with "
            "`ssh-keygen -t ed25519`, remove the old one wherever it is trusted, and add the "
            "*public* half, the line in `~/.ssh/id_ed25519.pub`."
        ),
        topic="key",
    )


def read_key(text: str, now: datetime) -> PublicKey | UsageError:
    """An OpenSSH public key of one line: Ed25519, or RSA of at least 3072 bits."""
    if holds_private_key(text):
        return private_key_refused()
    words = text.strip().strip("\"'`").split()
    if not words:
        return _wrong(f"There is no key in that. {_HOW}")
    kind = words[0].lower()
    if kind not in ("ssh-ed25519", "ssh-rsa"):
        return _not_taken(kind, words)
    blob = _blob(words[1]) if len(words) > 1 else None
    parts = _parts(blob) if blob is not None else None
    if blob is None or not parts or parts[0] != kind.encode():
        return _wrong(f"That key is cut off or broken: it must be one whole line. {_HOW}")
    refused = _weak(kind, parts[1:])
    if refused:
        return _wrong(refused)
    return PublicKey(
        fingerprint=fingerprint(blob),
        text=f"{kind} {base64.b64encode(blob).decode()}",
        comment=_comment(words[2:]),
        added_at=now,
    )


def fingerprint(blob: bytes) -> str:
    """`SHA256:…` of a key's blob, as `ssh-keygen -l` prints it."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return "SHA256:" + digest.rstrip("=")


def _wrong(what: str) -> UsageError:
    return UsageError(what=what, topic="key")


def _not_taken(kind: str, words: list[str]) -> UsageError:
    if kind.startswith(("ecdsa-", "sk-", "ssh-dss")) and _TYPE.fullmatch(kind):
        return _wrong(f"EC2 takes Ed25519 and RSA keys only, not this kind. {_HOW}")
    if any(word.lower() in ("ssh-ed25519", "ssh-rsa") for word in words):
        return _wrong("Paste the key alone, without options or other words in front of it.")
    if any("BEGIN" in word.upper() for word in words):
        return _wrong(f"That is a key in another format. {_HOW}")
    return _wrong(f"That is not an OpenSSH public key. {_HOW}")


def _blob(word: str) -> bytes | None:
    try:
        return base64.b64decode(word.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _parts(blob: bytes) -> list[bytes] | None:
    """The strings of an SSH blob (RFC 4251), or None when lengths and bytes do not fit."""
    parts: list[bytes] = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size or len(parts) > 4:
            return None
        parts.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return parts


def _weak(kind: str, numbers: list[bytes]) -> str | None:
    broken = f"That key is cut off or broken: it must be one whole line. {_HOW}"
    if kind == "ssh-ed25519":
        return None if len(numbers) == 1 and len(numbers[0]) == 32 else broken
    if len(numbers) != 2:
        return broken
    exponent, modulus = (int.from_bytes(number, "big") for number in numbers)
    bits = modulus.bit_length()
    if exponent < 3 or exponent % 2 == 0 or modulus % 2 == 0 or bits > MOST_RSA_BITS:
        return broken
    if bits < LEAST_RSA_BITS:
        return f"An RSA key needs at least {LEAST_RSA_BITS} bits; this one has {bits}. {_HOW}"
    return None


def _comment(words: list[str]) -> str:
    """What stands behind the key: for people to tell keys apart, never used for anything else."""
    text = re.sub(r"<mailto:[^|>]*\|([^>]*)>", r"\1", " ".join(words))
    plain = "".join(ch for ch in text if unicodedata.category(ch)[0] != "C")
    return plain.strip()[:_LONGEST_COMMENT].strip()
