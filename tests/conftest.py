"""For every test: no deadlines of hypothesis, because the machines that run them are shared; and
which tests go to one worker."""

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

ON_ITS_OWN = "test_bad_network.py"  # it has a local run of its own in any case

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


class _OneLocalRun(LoadFileScheduling):  # type: ignore[misc]
    """Each file to one worker, and the end-to-end tests' files all to the same one.

    They wait more than they work, but a local run on each worker would starve all of them.
    """

    def _split_scope(self, nodeid: str) -> str:
        together = nodeid.startswith("tests/e2e/") and ON_ITS_OWN not in nodeid
        return "tests/e2e" if together else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _OneLocalRun(config, log) if config.getoption("dist") == "loadfile" else None
