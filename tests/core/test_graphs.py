"""Graphs of use: what is unknown stays unknown."""

from datetime import UTC, datetime, timedelta

from core.graphs import SLOTS, graph, latest
from core.model import Sample, Usage

NOW = datetime(2026, 11, 24, 12, 7, tzinfo=UTC)


def usage(*samples: tuple[float, int | None, int | None], instance: str = "i-1") -> Usage:
    """(minutes ago, gpu, cpu), oldest first."""
    return Usage(
        instance=instance,
        machine="m1",
        samples=tuple(
            Sample(at=NOW - timedelta(minutes=ago), gpu=gpu, cpu=cpu, ssh=0)
            for ago, gpu, cpu in samples
        ),
    )


def test_a_slot_shows_the_busiest_minute_of_the_busiest_instance() -> None:
    one = usage((20, 10, 5), (3, 40, 5), (2, 30, 9))
    other = usage((2, 90, 1), instance="i-2")
    slots = graph((one, other), NOW)
    assert [(f"{s.since:%H:%M}", s.gpu, s.cpu) for s in slots] == [
        ("11:45", 10, 5),
        ("12:00", 90, 9),
    ]
    now = latest((one, other), NOW)
    assert now is not None
    assert (now.gpu, now.cpu) == (90, 9)


def test_a_slot_without_a_report_in_between_is_a_gap() -> None:
    slots = graph((usage((50, 10, 5), (2, 30, 9)),), NOW)
    assert [slot.gpu for slot in slots] == [10, None, None, 30]


def test_only_the_last_hours_are_drawn() -> None:
    slots = graph((usage((600, 99, 99), (230, 1, 1), (2, 3, 3)),), NOW)
    assert len(slots) == SLOTS
    assert 99 not in [slot.gpu for slot in slots]


def test_what_was_never_measured_is_not_drawn_and_what_is_old_is_not_now() -> None:
    assert graph((usage((2, None, None)),), NOW) == ()
    assert graph((), NOW) == ()
    assert latest((usage((8, 50, 50)),), NOW) is None
