"""AWS's JSON protocols over one kept connection, signed by hand (Signature Version 4).

For the door only, which must answer in milliseconds: botocore alone would cost more than all the
rest of it. A test holds the signature to botocore's own, byte for byte. Standard library only.
"""

import hashlib
import hmac
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

CONNECT_WITHIN = 1.0  # seconds; both together stay below Slack's three
ANSWER_WITHIN = 1.5
# Hashed certificates, laid down by the build: OpenSSL then reads only the root that it needs.
_ROOTS = Path(__file__).parent / "roots"
# What a server that closed an idle connection looks like from here.
_STALE = (ConnectionError, http.client.BadStatusLine, http.client.CannotSendRequest)


class Refused(Exception):
    """AWS did not do it: it said so, or could not be reached."""


class Unclear(Exception):
    """The request was sent and no usable answer came: it may have been carried out."""


class Service:
    """One AWS service. Not for use by several threads at once."""

    def __init__(
        self, name: str, version: str, default_url: str, environ: Mapping[str, str]
    ) -> None:
        """`name` as in credential scopes (sqs), `version` of the JSON protocol (1.0 or 1.1)."""
        self._name = name
        self._content_type = f"application/x-amz-json-{version}"
        self._environ = environ
        self._region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "")
        self._url = urlsplit(default_url)
        self._connection: http.client.HTTPConnection | None = None

    def connect(self) -> None:
        """Open the connection now, so that the first request need not. OSError if it cannot be."""
        self.close()
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=CONNECT_WITHIN, context=_tls()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_WITHIN)
        connection.connect()
        connection.sock.settimeout(ANSWER_WITHIN)
        self._connection = connection

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(self, target: str, request: Mapping[str, object]) -> dict[str, object]:
        """The answer to one operation (`AmazonSQS.SendMessage`), read to its end.

        A kept connection that turns out to be closed is opened once more. Raises Refused, Unclear.
        """
        body = json.dumps(request, separators=(",", ":")).encode()
        kept = self._connection is not None and self._connection.sock is not None
        sent = False
        for again in (True, False) if kept else (False,):
            try:
                connection = self._ready()
                connection.request("POST", self._url.path or "/", body, self._headers(target, body))
                sent = True
                with connection.getresponse() as response:
                    return self._understood(response.status, response.read())
            except _STALE as error:
                self.close()
                if not again:
                    raise (Unclear if sent else Refused)(f"{target}: {_named(error)}") from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                raise (Unclear if sent else Refused)(f"{target}: {_named(error)}") from error
        raise AssertionError("the last try returns or raises")

    def _ready(self) -> http.client.HTTPConnection:
        if self._connection is None or self._connection.sock is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def _understood(self, status: int, body: bytes) -> dict[str, object]:
        if status >= 500:
            raise Unclear(f"{self._name} answered {status}")
        answer = json.loads(body) if body else {}
        kind = answer.get("__type", "") if isinstance(answer, dict) else ""
        if status != 200 or not isinstance(answer, dict):
            raise Refused(f"{self._name} answered {status} {kind}")
        return answer

    def _headers(self, target: str, body: bytes) -> dict[str, str]:
        headers = {"content-type": self._content_type, "x-amz-target": target}
        return signed(
            self._url.netloc.rpartition("@")[2],
            self._url.path or "/",
            headers,
            body,
            service=self._name,
            region=self._region,
            environ=self._environ,
            at=time.gmtime(),
        )


def _named(error: Exception) -> str:
    """Of what is no fault of the network only its kind: http.client's own repeat header values."""
    return repr(error) if isinstance(error, OSError) else type(error).__name__


def endpoint(variable: str, default: str, environ: Mapping[str, str]) -> str:
    """Where a service is: AWS_ENDPOINT_URL_<variable>, AWS_ENDPOINT_URL or the default."""
    configured = environ.get(f"AWS_ENDPOINT_URL_{variable}") or environ.get("AWS_ENDPOINT_URL")
    return configured or default


def signed(
    host: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
    environ: Mapping[str, str],
    at: time.struct_time,
) -> dict[str, str]:
    """The headers of a POST with those of Signature Version 4; `at` is UTC, header names are lower.

    `path` must be plain ASCII without anything to escape, which every endpoint's is.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", at)
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    every = {**headers, "host": _without_default_port(host), "x-amz-date": stamp}
    if token := environ.get("AWS_SESSION_TOKEN"):
        every["x-amz-security-token"] = token
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{' '.join(every[name].split())}\n" for name in sorted(every))
    canonical = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4" + environ.get("AWS_SECRET_ACCESS_KEY", "").encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{environ.get('AWS_ACCESS_KEY_ID', '')}/{scope}"
    every["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    )
    return every


def _without_default_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port in ("80", "443") and name else host


@cache  # reading roots is the dearest part of a connection
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(capath=str(_ROOTS) if _ROOTS.is_dir() else None)
