"""Clients that take calls straight to the world: nothing is serialised, routed or parsed.

For histories by the hundred thousand: a client of boto3 costs more to make than a history may take.
The arguments are held against botocore's own model and read as botocore reads them (tokens, base64
of user data and consoles, pages, typed exceptions); tests/contracts holds both kinds of clients to
the same answers. Tokens that botocore would make up are counted, so that one seed is one history.
"""

import base64
import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import ConnectTimeoutError, ParamValidationError, ReadTimeoutError
from botocore.validate import ParamValidator

from sim.world import AwsError, TimedOut, World

_URL = "http://world.invalid"
_VALIDATOR = ParamValidator()
_REMEMBERED = 2000  # of each operation


class _Method:
    """One operation of a service, as botocore's model has it."""

    def __init__(self, model: Any) -> None:
        self.name: str = model.name
        self.shape = model.input_shape
        self.tokens = tuple(model.idempotent_members)
        self.right: set[str] = set()  # arguments that were found to be so


class _Service:
    """What is the same for every client of a service."""

    def __init__(self, name: str) -> None:
        session = _session()
        self._model = session.get_service_model(name)
        self._names = {xform_name(one): one for one in self._model.operation_names}
        self._pages = session.get_paginator_model(name)
        self._methods: dict[str, _Method] = {}
        self.exceptions: Any = ClientExceptionsFactory().create_client_exceptions(self._model)

    def method(self, name: str) -> _Method:
        """The operation that a client calls by this name."""
        if name not in self._methods:
            if name not in self._names:
                raise AttributeError(name)
            self._methods[name] = _Method(self._model.operation_model(self._names[name]))
        return self._methods[name]

    @cache  # noqa: B019 - there is one for each service, for good
    def words_of_pages(self, name: str) -> tuple[str, str, str]:
        """The names of the token in a call and in its answer, and of the size of a page."""
        pages = self._pages.get_paginator(self._names[name])
        asked, told = pages["input_token"], pages["output_token"]
        if not isinstance(asked, str) or not str(told).isidentifier():
            raise ValueError(f"{name} has no plain pages")
        return asked, told, pages["limit_key"]


@cache
def _session() -> Any:
    return botocore.session.get_session()


@cache
def _service(name: str) -> _Service:
    return _Service(name)


class Direct:
    """A client of one service in one region of this world."""

    def __init__(self, world: World, service: str, region: str) -> None:
        self._world = world
        self._name = service
        self._region = region
        self._service = _service(service)
        self._made = itertools.count(1)
        self.exceptions: Any = self._service.exceptions

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        method = self._service.method(name)

        def call(**params: Any) -> dict[str, Any]:
            return self._call(method, params)

        self.__dict__[name] = call
        return call

    def get_paginator(self, name: str) -> "_Paginator":
        """Goes through all pages of an operation."""
        return _Paginator(getattr(self, name), *self._service.words_of_pages(name))

    def _call(self, method: _Method, params: dict[str, Any]) -> dict[str, Any]:
        for member in method.tokens:
            params.setdefault(member, f"made-{self._region}-{next(self._made)}")
        _check(method, params)
        if method.name == "RunInstances" and "UserData" in params:
            params["UserData"] = _encoded(params["UserData"])
        return self._answer(method.name, params)

    def _answer(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = dict(self._world.ask(self._name, self._region, operation, params))
        except TimedOut as silence:
            kind = ReadTimeoutError if silence.effect else ConnectTimeoutError
            raise kind(endpoint_url=_URL, error=silence) from silence
        except AwsError as error:
            told = {
                "Error": {"Code": error.code, "Message": error.message},
                "ResponseMetadata": _metadata(error.status),
            }
            raise self.exceptions.from_code(error.code)(told, operation) from error
        if operation == "GetConsoleOutput" and "Output" in answer:
            answer["Output"] = base64.b64decode(answer["Output"]).decode("utf-8", "replace")
        answer["ResponseMetadata"] = _metadata(200)
        return answer


def _check(method: _Method, params: dict[str, Any]) -> None:
    """As botocore does; arguments that were right once are not looked at again."""
    if method.shape is None:
        return
    said = repr(params)
    if said in method.right:
        return
    wrong = _VALIDATOR.validate(params, method.shape)
    if wrong.has_errors():
        raise ParamValidationError(report=wrong.generate_report())
    if len(method.right) < _REMEMBERED:
        method.right.add(said)


def _metadata(status: int) -> dict[str, Any]:
    return {
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
        "RequestId": "00000000-0000-0000-0000-000000000000",
    }


def _encoded(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(raw).decode()


class _Paginator:
    """One page after the other, as botocore's goes."""

    def __init__(
        self, call: Callable[..., dict[str, Any]], asked: str, told: str, size: str
    ) -> None:
        self._call = call
        self._asked = asked
        self._told = told
        self._size = size

    def paginate(self, **params: Any) -> Iterator[dict[str, Any]]:
        """Every page; nothing is asked before the first is taken."""
        config = params.pop("PaginationConfig", {})
        if "PageSize" in config:
            params[self._size] = config["PageSize"]
        while True:
            page = self._call(**params)
            yield page
            token = page.get(self._told)
            if not token:
                return
            params = {**params, self._asked: token}
