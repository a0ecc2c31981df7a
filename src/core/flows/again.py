"""A request that is delivered a second time: what it began goes on, and nothing is done twice.

The queue delivers at least once. A row names the latest requests that were carried out on it, and
says so in the same write that carried them out.
"""

import re
from collections.abc import Iterable

from core import commands, messages
from core.flows.house import House
from core.flows.request import Asked, Click
from core.flows.speak import answer
from core.flows.step import step
from core.model import Machine

_MACHINE = re.compile(r"m-[a-z0-9-]+")


def heard_before(house: House, asked: Asked) -> bool:
    """Whether this very request has been carried out; its caller is told then how things stand."""
    known = carried_out_on(house, asked)
    for m in known:
        step(house, m.id)
        now = house.ledger.machine(m.id) or m
        answer(house, asked.response_url, messages.how_it_is(now))
    return bool(known)


def carried_out_on(house: House, asked: Asked) -> tuple[Machine, ...]:
    """The machines that know this request. Only those are read that it can have meant: by name or
    by the button's id, else the caller's own, whoever else has how many."""
    return tuple(m for m in _meant(house, asked) if asked.id in m.heard)


def _meant(house: House, asked: Asked) -> Iterable[Machine]:
    if isinstance(asked, Click):
        found = (house.ledger.machine(id) for id in _MACHINE.findall(asked.value))
        return tuple(m for m in found if m is not None)
    name = getattr(commands.parse(asked.text), "name", None)
    if not name:
        return house.ledger.of_owner(asked.user, whole=True)
    m = house.ledger.named(name)
    return (m,) if m else ()
