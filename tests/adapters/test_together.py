"""Looks side by side: their order, their errors, and one that hangs."""

import threading

import pytest

from adapters.together import SideBySide

FOREVER = 30.0


def test_answers_come_in_the_order_of_the_looks() -> None:
    first_may_end = threading.Event()

    def first() -> str:
        assert first_may_end.wait(FOREVER)
        return "first"

    def second() -> str:
        first_may_end.set()
        return "second"

    assert SideBySide(FOREVER)([first, second]) == ("first", "second")


def test_one_that_hangs_is_not_waited_for_and_keeps_no_other_from_being_done() -> None:
    over = threading.Event()
    try:
        done = SideBySide(1.5, most=2)([over.wait, lambda: True, lambda: True, lambda: True])
        assert done == (None, True, True, True)
    finally:
        over.set()


def test_what_goes_wrong_in_a_look_goes_on() -> None:
    def wrong() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        SideBySide(FOREVER)([wrong])


def test_nothing_to_look_at_is_nothing() -> None:
    assert SideBySide(FOREVER)([]) == ()
