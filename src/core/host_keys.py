"""The fingerprints of a machine's SSH host keys, as cloud-init prints them on its console."""

import re

_BLOCK = re.compile(
    r"-----BEGIN SSH HOST KEY FINGERPRINTS-----(.*?)-----END SSH HOST KEY FINGERPRINTS-----",
    re.DOTALL,
)
_LINE = re.compile(r"\b(SHA256:[A-Za-z0-9+/]{43})\s[^\r\n]*\((ED25519|ECDSA|RSA)\)")
_ORDER = ("ED25519", "ECDSA", "RSA")  # as an OpenSSH client prefers them, so shows them


def fingerprints(console: str) -> tuple[str, ...]:
    """`SHA256:… (ED25519)` and its like, the one that a client shows first in front; empty where
    the console has not told them whole.

    The first block counts: it was printed by the first boot, before anybody could log in.
    """
    block = _BLOCK.search(console)
    if block is None:
        return ()
    found = {kind: print_ for print_, kind in _LINE.findall(block[1])}
    return tuple(f"{found[kind]} ({kind})" for kind in _ORDER if kind in found)
