"""Calls that MiniStack answers, passed on to it when the functions' roles allow them.

MiniStack holds them against the roles, too, in its coarser way. They come by here so that what each
function really calls is known, and so that conditions such as the ledger's leading keys count.
"""

import http.client
import json
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.ministack import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from sim.callers import Caller
from sim.rights_data import asks
from sim.world import AwsError

_SECONDS = 60
_NOT_PASSED = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})
# For this MiniStack asks a right of its own, where AWS asks for sqs:SendMessage, as `refused` does.
_AS_ROOT = frozenset({"AmazonSQS.SendMessageBatch"})


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
    """MiniStack's answer: status, headers, body. The request goes as it was signed, but for what
    MiniStack would refuse and AWS would not: that goes in the account's name."""
    if headers.get("x-amz-target") in _AS_ROOT:
        headers = _by_root(method, path, headers, body)
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


def _by_root(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers of the same request, signed by the account's root."""
    kept = ("host", "content-type", "x-amz-target", "x-amzn-query-mode")
    request = AWSRequest(
        method=method,
        url=f"http://{headers['host']}{path}",
        headers={name: headers[name] for name in kept if name in headers},
        data=body,
    )
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sqs", REGION).add_auth(request)
    return {**dict(request.headers.items()), "content-length": str(len(body))}
