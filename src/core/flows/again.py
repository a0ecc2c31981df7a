"""A request that is delivered a second time: what it began goes on, and nothing is done twice.

The queue delivers at least once. A row names the latest requests that were carried out on it, and
says so in the same write that carried them out.
"""

from core import messages
from core.flows.house import House
from core.flows.request import Asked
from core.flows.speak import answer
from core.flows.step import step


def heard_before(house: House, asked: Asked) -> bool:
    """Whether this very request has been carried out; if so, the caller is told how things stand.

    Looked for in the live machines of the whole team, for admins act on machines of others.
    """
    known = [m for m in house.ledger.live() if asked.id in m.heard]
    for m in known:
        step(house, m.id)
        now = house.ledger.machine(m.id) or m
        answer(house, asked.response_url, messages.how_it_is(now))
    return bool(known)
