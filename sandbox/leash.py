"""A leash for one child program: when the holder of the other end goes, the program goes too.

Run as a script: `python leash.py program arguments…` with a pipe as standard input. The program and
whatever it starts share this process's group. The end of the pipe, also when its holder was killed
hard, and SIGTERM both end the group: first asked, then forced. Standard library only; it works
wherever there are POSIX process groups, unlike Linux's parent-death signal.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PATIENCE_SECONDS = 3.0


def main() -> int:
    """Run the program until it ends or the leash is let go; its exit code."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    gone = threading.Event()

    def let_go(*_: int | FrameType | None) -> None:
        gone.set()

    signal.signal(signal.SIGTERM, let_go)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_holder, args=(gone,), daemon=True).start()
    threading.Thread(target=_watch_child, args=(child, gone), daemon=True).start()
    while not gone.wait(0.5):
        pass
    code = _end(child)
    # What the program started may have outlived it, and this process is in the group as well.
    sys.stdout.flush()
    os.killpg(0, signal.SIGKILL)
    return code


def _watch_holder(gone: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    gone.set()


def _watch_child(child: subprocess.Popen[bytes], gone: threading.Event) -> None:
    child.wait()
    gone.set()


def _end(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
