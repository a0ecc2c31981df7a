"""Of a stop and a start of one machine the one that was typed last counts; no opening undoes a
closing that was typed after it.

The queue keeps no order, and two functions may carry out at once what one person typed within a
second. The row remembers when the latest such decision was typed, also one that had nothing to
change; what was typed before that and comes after it changes nothing, and its caller hears so. The
same holds for who is let in, for each network and each colleague.
"""

from dataclasses import replace
from datetime import datetime

from core import messages
from core.flows.house import House, rewrite
from core.flows.request import Asked
from core.flows.speak import answer
from core.model import FINAL, Closing, Desire, Machine

MOST_CLOSINGS = 40  # that a row remembers: one person's networks, twice over


def overtaken(m: Machine, asked: Asked) -> bool:
    """Whether something that was typed later has been decided."""
    return asked.at is not None and m.decided_at is not None and asked.at < m.decided_at


def decided(m: Machine, asked: Asked) -> Machine:
    """The row that knows that this was decided."""
    if asked.at is None or overtaken(m, asked):
        return m
    return replace(m, decided_at=asked.at)


def nothing_to_do(house: House, m: Machine, asked: Asked) -> None:
    """It is so already: said, and remembered for what was typed before and is still to come."""
    if m.state not in FINAL and m.desire is not Desire.GONE and decided(m, asked) != m:
        m = rewrite(house, m.id, lambda row: decided(row, asked))
    answer(house, asked.response_url, messages.already(m))


def too_late(house: House, m: Machine, asked: Asked) -> None:
    """Say that something later counts."""
    answer(house, asked.response_url, messages.overtaken(m))


def closing(
    known: tuple[Closing, ...], whats: tuple[str, ...], at: datetime | None
) -> tuple[Closing, ...]:
    """With these, typed at that time; the oldest are forgotten."""
    if at is None:
        return known
    new = (Closing(what=what, asked_at=at) for what in whats if not closed_since(known, what, at))
    every = {one.what: one for one in (*known, *new)}
    return tuple(sorted(every.values(), key=lambda one: one.asked_at)[-MOST_CLOSINGS:])


def closed_since(known: tuple[Closing, ...], what: str, at: datetime | None) -> bool:
    """Whether it was asked to be closed after something was typed at that time."""
    return at is not None and any(one.what == what and one.asked_at > at for one in known)
