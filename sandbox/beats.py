"""Sends what the world's machines report of their use to the door, as their own programs would."""

import logging
import urllib.request
from collections.abc import Callable, Iterable

LOG = logging.getLogger("sandbox.beats")
SECONDS = 2.0
REPORT_SECONDS = 60  # instead of five minutes, so that the page shows a change soon
_TIMEOUT = 20


def sender(reports: Callable[[], Iterable[tuple[str, bytes]]]) -> Callable[[], None]:
    """One turn: every report since the last one, POSTed. One that is not taken is lost."""

    def turn() -> None:
        for url, body in reports():
            try:
                with urllib.request.urlopen(_post(url, body), timeout=_TIMEOUT):  # noqa: S310 (our own)
                    LOG.info("a machine reported %s", body.decode())
            except OSError as error:  # its URL is a secret, here too
                LOG.warning("a report was not taken: %s", type(error).__name__)

    return turn


def _post(url: str, body: bytes) -> urllib.request.Request:
    headers = {"content-type": "application/json"}
    return urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (our own)
