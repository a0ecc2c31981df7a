"""One-time links: what stands in them, and whether a signing secret made them.

Pure, and the standard library only, for the door carries it. A link names its person, its end and
how long the access is that it gives; its id, under which its use is recorded, is a hash of a secret
that only the link holds. The key that signs is derived from Slack's signing secret for this purpose
and this deployment alone, so nothing that Slack or another deployment signs can pass for a link.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<secret>[A-Za-z0-9_-]{22})\.(?P<user>[UW][A-Z0-9]{2,20})\.(?P<until>[0-9]{10})"
    r"\.(?P<seconds>[0-9]{1,6})\.(?P<mark>[A-Za-z0-9_-]{43})",
    re.ASCII,
)
LONGEST = 150  # characters of a token


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link says. Times are seconds since the epoch; `seconds` is the access it gives."""

    id: str
    user: str
    until: int
    seconds: int


def make(secret: str, stack: str, request: str, user: str, until: int, seconds: int) -> str:
    """The token of the link that this request gives; every delivery of the request makes it anew.

    `secret` is Slack's signing secret, `stack` the mark of this deployment.
    """
    key = _key(secret, stack)
    nonce = _text(_mac(key, f"secret of {request}")[:16])
    body = f"{nonce}.{user}.{until}.{seconds}"
    return f"{body}.{_text(_mac(key, body))}"


def read(token: object, secrets: tuple[bytes, ...], stack: str, now: float) -> Link | None:
    """The link, if one of the secrets made it and its time is not over; never an error."""
    found = _TOKEN.fullmatch(token) if isinstance(token, str) and len(token) <= LONGEST else None
    if found is None or not _is_marked(found, secrets, stack) or now >= int(found["until"]):
        return None
    return Link(
        id=link_id(found["secret"]),
        user=found["user"],
        until=int(found["until"]),
        seconds=int(found["seconds"]),
    )


def link_id(nonce: str) -> str:
    """Under which name the use of a link is recorded."""
    return hashlib.sha256(nonce.encode()).hexdigest()[:32]


def id_of(token: str) -> str:
    """The id of a token that was made here."""
    return link_id(token.partition(".")[0])


def _is_marked(found: "re.Match[str]", secrets: tuple[bytes, ...], stack: str) -> bool:
    """In constant time, with every secret, whichever fits."""
    body = found[0].rpartition(".")[0]
    good = False
    for secret in secrets:
        wanted = _text(_mac(_key(secret.decode(), stack), body))
        good |= hmac.compare_digest(wanted, found["mark"])
    return good


def _key(secret: str, stack: str) -> bytes:
    return _mac(secret.encode(), f"gpu one-time link 1 {stack}")


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
