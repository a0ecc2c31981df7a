"""For every test: no deadlines of hypothesis, because the machines that run them are shared; and
which files go to one worker."""

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

# The story leaves its account in use; the others here have a local run of their own.
STORY = ("test_story.py", "test_bad_network.py", "test_run_ends.py")


class _TwoLocalRuns(LoadFileScheduling):  # type: ignore[misc]
    """Each file to one worker, but the end-to-end files to two workers in all.

    They wait more than they work, so that a third worker has room beside them; a third local run
    would starve the others.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if not file.startswith("tests/e2e/"):
            return str(file)
        return f"tests/e2e, story: {file.endswith(STORY)}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _TwoLocalRuns(config, log) if config.getoption("dist") == "loadfile" else None
