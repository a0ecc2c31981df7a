"""Calls that MiniStack answers, passed on to it when the functions' roles allow them.

MiniStack holds them against the roles, too, in its coarser way. They come by here so that what each
function really calls is known, and so that conditions such as the ledger's leading keys count.
"""

import http.client
import json
from collections.abc import Mapping

from sandbox.ministack import ACCOUNT
from sim.callers import Caller
from sim.rights_data import asks
from sim.world import AwsError

_SECONDS = 60
_NOT_PASSED = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})


def refused(caller: Caller | None, service: str, region: str, target: str, body: bytes) -> None:
    """Raises AwsError where the caller's role does not allow the call."""
    if caller is None:
        return
    operation = target.rpartition(".")[2]
    for ask in asks(service, region, ACCOUNT, operation, json.loads(body or b"{}")):
        decision = caller.decide(ask)
        if not decision.allowed:
            why = "with an explicit deny" if decision.explicit else "because nothing allows it"
            raise AwsError(
                "AccessDeniedException",
                f"User: {caller.arn} is not authorized to perform: {ask.action} on resource: "
                f"{ask.resource} {why}",
            )


def passed_on(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """MiniStack's answer: status, headers, body. The request goes as it was signed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding"):
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in _NOT_PASSED}
        return answer.status, kept, answer.read()
    finally:
        connection.close()
