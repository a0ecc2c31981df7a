"""AWS for the adapters' tests: moto where it is faithful, and a way to make a call fail."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws


@dataclass
class Aws:
    """Clients by service and region, what was asked through them, and faults to come."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _faults: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    _more: dict[str, dict[str, Any]] = field(default_factory=dict)
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    _once: dict[str, dict[str, Any]] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """The region's client; the same one each time."""
        if (service, region) not in self._clients:
            made = boto3.client(service, region_name=region)  # type: ignore[call-overload]
            made.meta.events.register("before-parameter-build", self._note)
            made.meta.events.register("before-call", self._maybe_fail)
            self._clients[service, region] = made
        return self._clients[service, region]

    def fail(self, operation: str, code: str, status: int = 400, times: int = 1) -> None:
        """The next calls of that operation are answered with an error, "timeout" with nothing."""
        self._faults.setdefault(operation, []).extend([(code, status)] * times)

    def also(self, operation: str, **parsed: Any) -> None:
        """Faults of that operation carry this, too."""
        self._more[operation] = parsed

    def answer_once(self, operation: str, **parsed: Any) -> None:
        """The next call of that operation is answered with this."""
        self._once[operation] = parsed

    def answer(self, operation: str, **parsed: Any) -> None:
        """Every call of that operation is answered with this, in botocore's shape."""
        self._answers[operation] = parsed

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of every call of that operation."""
        return [params for name, params in self.calls if name == operation]

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append((model.name, dict(params)))

    def _maybe_fail(self, model: Any, **_: Any) -> Any:
        waiting = self._faults.get(model.name)
        if not waiting:
            return self._answer(model.name)
        code, status = waiting.pop(0)
        if code == "timeout":
            raise ReadTimeoutError(endpoint_url="https://ec2.example")
        meta = {"HTTPStatusCode": status, "HTTPHeaders": {}}
        answer = AWSResponse("https://ec2.example", status, cast(Any, {}), None)
        error = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": meta}
        return answer, {**error, **self._more.get(model.name, {})}

    def _answer(self, operation: str) -> Any:
        found = self._once.pop(operation, None) or self._answers.get(operation)
        if found is None:
            return None
        http = AWSResponse("https://ec2.example", 200, cast(Any, {}), None)
        meta = {"ResponseMetadata": {"HTTPStatusCode": 200}}
        return http, {**meta, **found}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Aws()
