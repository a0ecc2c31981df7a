"""How a private key is told from everything else that people paste.

One pattern for the door, which throws it away before the queue, and for the reader of commands:
what only one of them knew would lie in the queue, or be read as words. The door carries this: it
needs nothing but the standard library, and little of that.
"""

import re

_B64 = "[A-Za-z0-9+/]"
_DASH = "[-\u2010-\u2015\u2212\ufe58\uff0d]"
_DASHES = f"(?:{_DASH}{{2}}|[\u2013-\u2015])"  # phones make one long one of two
_PRIVATE_KEY = re.compile(
    rf"(?i:(?:BEGIN|END)\s+(?:[A-Z0-9]+\s+){{0,3}}PRIVATE\s+KEY"  # PEM, OpenSSH, encrypted or not
    rf"|{_DASHES}\s*PRIVATE\s+KEY|PRIVATE\s+KEY\s*{_DASHES}"  # half of such a line
    r"|PuTTY-User-Key-File|Private-Lines:"
    # The same without its first line, in base64: "openssh-key-v1", …
    r")|b3BlbnNzaC1rZXktdjE"
    # … an encrypted PKCS#8 (PBES2, as it may fall in threes of bytes), …
    r"|BgkqhkiG9w0BBQ0|CSqGSIb3DQEFDT"
    # … and what begins with a number of ASN.1, which no public key does: 0 in PKCS#1, and in PKCS#8
    # as well as 1; 1 in SEC1. How long the whole is takes three bytes (RSA), two (P-384 and P-521,
    # P-256 in PKCS#8) or one (P-256 in SEC1, Ed25519, X25519).
    rf"|(?<!{_B64})M(?:II{_B64}{{3}}IBA(?:A[JK]|D)"
    rf"|I[GH]{_B64}AgE(?:AM|B[BM])"
    rf"|[A-H]{_B64}CAQ(?:EE|[AE]w))"
)


def holds_private_key(text: str) -> bool:
    """Whether a private key, or a part by which one is known, stands anywhere in the text."""
    return _PRIVATE_KEY.search(text) is not None
