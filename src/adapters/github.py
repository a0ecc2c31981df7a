"""GitHub's page of an account's public keys.

Unreachable (core.ports)
  http.client.HTTPException, OSError   no connection, no answer in time, or a broken one
"""

import http.client
import ssl
import time
from urllib.parse import urlsplit

from core.ports import Unreachable

ANSWER_WITHIN = 5.0  # seconds for the whole of it
LARGEST = 64 * 1024  # bytes; a hundred RSA keys fit


class GithubKeys:
    """core.ports.PublicKeys over one host. It follows no redirect and uses no proxy."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)

    def of(self, account: str) -> tuple[str, ...] | None:
        """The lines of the account's page; None where GitHub has no such page."""
        connection = self._connection()
        try:
            connection.request("GET", f"{self._at.path.rstrip('/')}/{account}.keys", headers=_ASK)
            answer = connection.getresponse()
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise Unreachable(f"GitHub answered {answer.status}")
            return tuple(_read(answer).decode("utf-8", "replace").splitlines())
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"GitHub: {type(error).__name__}") from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._at.hostname or "", self._at.port
        if self._at.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=ANSWER_WITHIN, context=context)


_ASK = {"Accept": "text/plain", "User-Agent": "gpu-bot"}


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body, if it comes whole, in time and in bounds: half a list of keys is none."""
    end, read = time.monotonic() + ANSWER_WITHIN, bytearray()
    while chunk := answer.read1(LARGEST):
        read += chunk
        if len(read) > LARGEST or time.monotonic() > end:
            raise Unreachable("GitHub's answer is too long or too slow")
    if answer.length:
        raise Unreachable("GitHub's answer is cut off")
    return bytes(read)
