"""One-time links and tokens for the door, signed with the secret that the door knows too."""

from collections.abc import Callable
from datetime import datetime, timedelta

from core import beats, links


class DoorLinks:
    """core.ports.Links. `url` is where the door is reached; `secret` gives the one in use now."""

    def __init__(self, url: str, stack: str, secret: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._stack = stack
        self._secret = secret

    def link(self, request: str, user: str, until: datetime, length: timedelta) -> tuple[str, str]:
        """(id, URL) of the link that this request gives; the same for every delivery of it."""
        end, seconds = int(until.timestamp()), int(length.total_seconds())
        token = links.make(self._secret(), self._stack, request, user, end, seconds)
        return links.id_of(token), f"{self._url}/here/{token}"

    def beats_to(self, machine: str) -> str | None:
        """Where that machine reports, with its token; None where the door is not known."""
        if not self._url:
            return None
        return f"{self._url}/beat/{beats.make(self._secret(), self._stack, machine)}"
