"""`python -m sandbox`: start the local run, say where to look, end it on Ctrl-C."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time

from sandbox.deploy import NotDeployed
from sandbox.options import BadOption, Options, read
from sandbox.run import CannotRun, Run

STUCK_SECONDS = 30.0


def main() -> int:
    """Run until a signal. Exit code 0 after one, 1 when it could not start or broke."""
    ended = threading.Event()
    broken = threading.Event()

    def end(*_: object) -> None:
        ended.set()

    def fail() -> None:
        broken.set()
        ended.set()

    try:
        options = read(os.environ)
    except BadOption as error:
        return _refuse(str(error))
    run = Run(options, on_failure=fail)
    # Until everything is up, Ctrl-C interrupts whatever is being waited for.
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    began = time.monotonic()
    print("Starting: building the package, deploying it on this machine …", flush=True)
    try:
        run.start()
    except KeyboardInterrupt:
        run.stop()
        return 0
    except (CannotRun, NotDeployed) as error:
        return _refuse(str(error))
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, end)
    _say_ready(options, time.monotonic() - began)
    while not ended.wait(1.0):
        if not run.is_alive():
            fail()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    faulthandler.dump_traceback_later(STUCK_SECONDS, repeat=True)  # an end that hangs says where
    run.stop()
    if broken.is_set():
        return _refuse(f"The local run broke. What happened is in {options.folder}/*.log")
    with contextlib.suppress(OSError):  # the terminal may be what is gone
        print("\nEnded; nothing is left running.", flush=True)
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _say_ready(options: Options, seconds: float) -> None:
    print(
        f"Open {options.page}/ and type  /gpu launch p3.2xlarge spot   "
        f"(ready after {seconds:.0f} s; logs in {options.folder}; Ctrl-C ends it)",
        flush=True,
    )


def _refuse(words: str) -> int:
    print(words, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
