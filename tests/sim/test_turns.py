"""Functions at the same time: the last money goes once, and two at one machine come to one end."""

import pytest

from core.model import Budget
from sim.points import at_rest
from sim.stories.telling import account
from sim.town import LIN
from sim.turns import (
    HOURLY,
    MEETINGS,
    MONTHLY,
    Meeting,
    Turns,
    by_seed,
    delivered,
    last_one,
    orders,
    switching,
)


@pytest.mark.parametrize("budget", [HOURLY, MONTHLY], ids=["by the hour", "by the month"])
def test_of_many_launches_at_once_one_gets_the_last_money(budget: Budget) -> None:
    for seed in range(10):
        assert last_one(seed, 6, budget) == (1, 1, 5), seed


def test_of_fifty_launches_at_once_one_gets_the_last_money() -> None:
    assert last_one(0, 50, HOURLY) == (1, 1, 49)


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.name)
def test_two_functions_at_one_machine_come_to_the_same_end_in_every_order(
    meeting: Meeting,
) -> None:
    met = orders(meeting, every=70)
    assert met.orders
    assert met.wrong == []


def test_the_same_seed_is_the_same_order() -> None:
    def told(seed: int) -> list[int]:
        here = account()
        turns = Turns(here, by_seed(seed))
        turns.together(delivered(here, "list"), delivered(here, "cost", LIN))
        return turns.turns

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_a_function_is_held_up_where_the_order_says() -> None:
    here = account()
    turns = Turns(here, switching(1, 2))
    turns.together(delivered(here, "list"), delivered(here, "cost", LIN))
    assert turns.turns[:4] == [0, 1, 1, 0]
    assert not list(at_rest(here))


def test_what_a_function_raises_is_raised() -> None:
    def act() -> None:
        here.house.ledger.live()
        raise ZeroDivisionError

    here = account()
    with pytest.raises(ZeroDivisionError):
        Turns(here, by_seed(1)).together(act, delivered(here, "list"))
