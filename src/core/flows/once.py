"""A port for the time of one decision: a question that has been asked has the same answer.

So a decision over many types, markets and regions is made on one reading of each fact, and a region
that does not answer is not waited for twice.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from core.faults import CloudError
from core.flows.house import House
from core.ports import Cloud, Images, Ledger, Prices, Quotas


class _Once:
    """Passes questions on to a port and remembers what it answered, refusals too."""

    def __init__(self, port: object) -> None:
        self._port = port
        self._answers: dict[tuple[Any, ...], Any] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        ask = getattr(self._port, name)

        def asked(*question: Any) -> Any:
            key = (name, *question)
            if key not in self._answers:
                self._answers[key] = _answer(ask, question)
            answer = self._answers[key]
            if isinstance(answer, CloudError):
                raise answer
            return answer

        return asked


def _answer(ask: Callable[..., Any], question: tuple[Any, ...]) -> Any:
    try:
        return ask(*question)
    except CloudError as error:
        return error


def asked_once(house: House) -> House:
    """The house for one decision. For reading only: an act must never be taken for done."""
    return replace(
        house,
        cloud=cast("Cloud", _Once(house.cloud)),
        ledger=cast("Ledger", _Once(house.ledger)),
        images=cast("Images", _Once(house.images)),
        quotas=cast("Quotas", _Once(house.quotas)),
        prices=cast("Prices", _Once(house.prices)),
    )
