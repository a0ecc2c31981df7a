"""STS: what an encoded authorization message says."""

import logging
from collections.abc import Mapping
from typing import Protocol

from adapters.aws_errors import translated
from core.faults import CloudError

_log = logging.getLogger(__name__)


class STSClient(Protocol):
    """What is used of boto3's client."""

    def decode_authorization_message(self, *, EncodedMessage: str) -> Mapping[str, str]: ...


class Sts:
    """core.ports.Reasons over STS."""

    def __init__(self, client: STSClient) -> None:
        self._client = client

    def decode(self, message: str) -> str | None:
        """JSON about who was denied what by which statement; None where STS does not tell.

        It is help, and nothing waits for it: a refusal is logged and let go.
        """
        try:
            with translated("DecodeAuthorizationMessage"):
                answer = self._client.decode_authorization_message(EncodedMessage=message)
        except CloudError as error:
            _log.warning("a denial could not be decoded: %s", error.fault.code)
            return None
        return answer["DecodedMessage"]
