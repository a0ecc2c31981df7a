"""The served stand-in, for the tests of the local run."""

from collections.abc import Iterator

import pytest

from tests.sandbox.slack_room import Room, Stage, opened_room, stages


@pytest.fixture(scope="session")
def slack_stages() -> Iterator[tuple[Stage, Stage]]:
    """Two servers for all of the stand-in's tests."""
    with stages() as opened:
        yield opened


@pytest.fixture
def room(slack_stages: tuple[Stage, Stage]) -> Iterator[Room]:
    """A Slack stand-in over HTTP with a checking app behind it, new for each test."""
    with opened_room(*slack_stages) as opened:
        yield opened
