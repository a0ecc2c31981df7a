"""Makes docs/channel.png, the README's picture (`make picture`): the first mile in a local run.

Everything in the picture went through the real template, package and handlers.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.child import end, start_run  # noqa: E402 - the path comes first
from sandbox.drive import Drive, wait_for  # noqa: E402
from scripts import screenshot  # noqa: E402

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN ada@laptop"
WORLD = {"pending": 1, "checks": 2, "quota_decision": 3}


def main() -> int:
    """Walk the story, then take the picture; the exit code of the screenshot."""
    process, page = start_run(clock="2", world=WORLD)
    try:
        _story(Drive(page))
        return screenshot.main([page, str(ROOT / "docs" / "channel.png"), "--size", "1280x900"])
    finally:
        end(process)


def _story(run: Drive) -> None:
    """In #gpu-lab: the wall, the request, the grant, the machine with its ssh line."""
    run.allow_everything("ada", KEY, "203.0.113.7/32")
    _dismiss(run)
    run.slash("ada", "launch p3.2xlarge spot for 2h")
    wall = run.wait_message("ada", "may run 0", action="choose-")
    run.click("ada", wall, "choose-1")
    run.wait_message("ada", "is ready", "ssh ubuntu@", seconds=90)
    wait_for(lambda: run.find("ada", "is ready", action="extend"), "the card with its buttons")
    _dismiss(run)


def _dismiss(run: Drive) -> None:
    """Put away what only Ada sees, as she would."""
    for message in list(run.messages("ada")):
        if message.get("ephemeral"):
            run.dismiss("ada", message)


if __name__ == "__main__":
    sys.exit(main())
