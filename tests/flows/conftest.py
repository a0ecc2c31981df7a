"""What tests of flows share."""

from collections.abc import Iterator

import pytest

from sim.town import straight


@pytest.fixture
def without_wire() -> Iterator[None]:
    """Towns of this test take their calls straight to the world: for what is told again for every
    call of a story, or lasts for days. What the rights allow, the flow's other tests ask with the
    wire."""
    with straight():
        yield
