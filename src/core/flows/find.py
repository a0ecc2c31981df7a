"""Which machine a command means: by name, or the only one that it can mean."""

from collections.abc import Callable

from core import late, messages, policy
from core.flows.house import House
from core.flows.request import Click, Request
from core.flows.speak import answer
from core.model import Machine


def find(
    house: House,
    request: Request,
    name: str | None,
    verb: str,
    fits: Callable[[Machine], bool],
) -> Machine | None:
    """The machine, if the caller may touch it; None when the caller has been told why not."""
    m = by_name(house, request, name) if name else _only(house, request, verb, fits)
    if m is None:
        return None
    if policy.may_touch(request.user, m, house.policy):
        answer(house, request.response_url, messages.not_yours(m))
        return None
    if late.is_older(request.at, m):
        answer(house, request.response_url, messages.launched_since((m,)))
        return None
    return m


def by_name(house: House, request: Request, name: str) -> Machine | None:
    """Anybody's live machine of that name; None when the caller was told that there is none."""
    m = house.ledger.named(name)
    if m is None:
        near = house.ledger.of_owner(request.user)
        answer(house, request.response_url, messages.no_machine(name, near))
    return m


def _only(
    house: House, request: Request, verb: str, fits: Callable[[Machine], bool]
) -> Machine | None:
    mine = house.ledger.of_owner(request.user, whole=True)  # else another would be the only one
    every = tuple(m for m in mine if fits(m))
    fitting = tuple(m for m in every if not late.is_older(request.at, m)) or every
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        rest = " ".join(word for word in request.text.split() if word.lower() != verb)
        answer(house, request.response_url, messages.which_machine(fitting, verb, rest))
    else:
        answer(house, request.response_url, messages.no_machine(None, mine))
    return None


def touchable(house: House, click: Click, id: str) -> Machine | None:
    """The machine of a button; None when the caller was told why it is not to be touched."""
    m = house.ledger.machine(id)
    if m is None:
        answer(house, click.response_url, messages.old_button(None))
        return None
    if policy.may_touch(click.user, m, house.policy):
        answer(house, click.response_url, messages.not_yours(m))
        return None
    return m
