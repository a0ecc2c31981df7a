"""Who may ask this server for what: only this machine, and no page of another origin.

The server listens on the loopback, but every page in the person's browser can reach that. A name
that was rebound to 127.0.0.1 shows in Host, a foreign page in Origin or Sec-Fetch-Site, and a form
of a foreign page cannot send application/json without asking first.
"""

import json

from starlette.requests import Request

from sandbox.slack.model import Json

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MOST_BYTES = 1_000_000


class Refused(Exception):
    """A request that this server does not serve, with the status and the reason."""

    def __init__(self, status: int, error: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.error = error
        self.words = words


def port_of(request: Request) -> int:
    """The port this server listens on."""
    server = request.scope.get("server") or ("127.0.0.1", 80)
    return int(server[1] or 80)


def own_origin(request: Request) -> str:
    """This server's address as the functions know it: its own, or of what stands before it."""
    outside: str | None = request.app.state.outside
    return outside or f"http://127.0.0.1:{port_of(request)}"


def same_machine(request: Request) -> None:
    """Refused unless Host is this server's own loopback name and no foreign page asks."""
    port = port_of(request)
    hosts = {f"{name}:{port}" for name in LOOPBACK} | (set(LOOPBACK) if port == 80 else set())
    host = request.headers.get("host", "")
    if host not in hosts:
        raise Refused(403, "foreign_host", "this server answers to its loopback name only")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        raise Refused(403, "foreign_origin", "only this server's own page may ask")
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Refused(403, "foreign_origin", "only this server's own page may ask")


async def json_body(request: Request) -> Json:
    """The body of a state-changing request; Refused unless it is a JSON object sent as such."""
    same_machine(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "json_only", "send application/json")
    try:
        found = json.loads(await limited(request))
    except ValueError as broken:
        raise Refused(400, "invalid_json", "the body is not JSON") from broken
    if not isinstance(found, dict):
        raise Refused(400, "invalid_json", "the body is not a JSON object")
    return found


async def limited(request: Request) -> bytes:
    """The raw body, up to a million bytes; Refused beyond."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > MOST_BYTES:
            raise Refused(413, "too_large", "the body is too large")
    return bytes(read)
