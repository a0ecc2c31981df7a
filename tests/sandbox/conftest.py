"""The served stand-in, for the tests of the local run."""

from collections.abc import Iterator

import pytest

from tests.sandbox.slack_room import Room, opened_room


@pytest.fixture
def room() -> Iterator[Room]:
    """A Slack stand-in over HTTP with a checking app behind it."""
    with opened_room() as opened:
        yield opened
