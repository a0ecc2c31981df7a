"""Ports and the HTTP servers that live in this process, all on 127.0.0.1.

This module alone knows uvicorn.
"""

import socket
import threading
import time
from typing import Any

import uvicorn

HOST = "127.0.0.1"
START_SECONDS = 30.0


class PortTaken(Exception):
    """Something else listens there. `port` says where."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use")
        self.port = port


def listen(port: int) -> socket.socket:
    """A socket bound to the port of this machine alone. Raises PortTaken."""
    # Named as TCP, asyncio turns Nagle's delay off for it: 4 ms a call and not 50.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A run may start again at once after the last one; a listener that is still there refuses it.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise PortTaken(port) from error
    bound.set_inheritable(False)
    return bound


def check_free(port: int) -> None:
    """Raises PortTaken unless a child can have the port now."""
    listen(port).close()


class Server:
    """One application on a thread of its own."""

    def __init__(self, name: str, app: Any, bound: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,  # the run's own log takes it
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._socket = bound
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name=name, daemon=True
        )

    def start(self) -> None:
        """Serve; returns once requests are answered."""
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                raise RuntimeError(f"the {self._thread.name} server did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(5)
        self._socket.close()
