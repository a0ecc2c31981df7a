"""MiniStack, the serverless plane of the local run: how to start it, know it is up, and end it.

This module alone knows its environment variables, its virtual environment and its health page.
It runs with IAM enforced (AUTH=true), bound to 127.0.0.1, keeping nothing on disk between runs.

Limits that come with it (docs/sandbox.md tells them to people): functions run under MiniStack's own
Python, whatever the template's runtime says, and its IAM denies some statements AWS would allow.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "000000000000"
REGION = "us-east-1"
ACCESS_KEY = "test"
SECRET_KEY = "test"
START_SECONDS = 60.0
FORCE_AFTER_SECONDS = 6.0
TIDY_SECONDS = 15.0
UNPACKED_WITHIN = 60.0  # seconds: a younger one may be waiting for its process
LEASH = Path(__file__).with_name("leash.py")


class NotStarted(Exception):
    """MiniStack did not come up; the message says why and where its log is."""


@dataclass(frozen=True, kw_only=True)
class MiniStack:
    """A running MiniStack."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, *, region: str = REGION) -> Any:
        """A boto3 client with the rights of the account's root, tried once, 60 s to read."""
        session = boto3.session.Session(
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=region
        )
        return session.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=60,
                connect_timeout=5,
                max_pool_connections=4,
            ),
        )

    def stop(self) -> None:
        """End it and every worker it started; returns when they are gone."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(FORCE_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)  # the leash leads the group of them all
            self.process.wait()


def start(*, python: Path, port: int, folder: Path, endpoints: Mapping[str, str]) -> MiniStack:
    """Start MiniStack under `python` (its own environment's) and wait until it answers.

    `endpoints` (AWS_ENDPOINT_URL_<SERVICE> → URL) reaches the functions, which inherit MiniStack's
    environment: so neither the template nor the code has to know where it runs. Raises NotStarted.
    """
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    log = folder / "ministack.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-S", str(LEASH), str(python), "-m", "ministack"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(python=python, port=port, folder=folder, endpoints=endpoints),
            process_group=0,
        )
    stack = MiniStack(port=port, log=log, process=process)
    try:
        _wait_until_ready(stack)
    except BaseException:
        stack.stop()
        raise
    return stack


def environment(
    *, python: Path, port: int, folder: Path, endpoints: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of MiniStack and, by inheritance, of the functions.

    Built from nothing: a person's own AWS profile, proxies or PYTHONPATH must not leak into
    functions that are to behave as on Lambda.
    """
    return {
        "PATH": f"{python.parent}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_WARM_TTL_SECONDS": "60",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "LOG_LEVEL": "INFO",
        "MINISTACK_HOST": "127.0.0.1",
        # Listeners of services this run does not use, on ports that other runs would want too.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "NO_PROXY": "*",
        **endpoints,
    }


def tidier(folder: Path) -> Callable[[], None]:
    """One turn: delete the unpacked functions that no process runs any more.

    MiniStack unpacks a function for each worker, 46 MB, and forgets it where the worker is dropped
    after an error: a bad network leaves a hundred, which take minutes to delete at the end.
    """
    temporary = folder / "tmp"

    def turn() -> None:
        young = time.time() - UNPACKED_WITHIN
        old = [one for one in temporary.glob("ministack-lambda-*") if _born(one) < young]
        if not old:
            return
        running = _command_lines()
        for one in old:
            if running and str(one) not in running:
                shutil.rmtree(one, ignore_errors=True)

    return turn


def _command_lines() -> str:
    """Of every process; empty where they cannot be seen."""
    if Path("/proc/self/cmdline").exists():
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended since
                lines.append(path.read_text(errors="replace"))
        return "\n".join(lines)
    ps = shutil.which("ps")
    asked = [ps, "-A", "-ww", "-o", "args="] if ps else ["true"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def _born(path: Path) -> float:
    """When its worker was written into it; now, if it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _wait_until_ready(stack: MiniStack) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if stack.process.poll() is not None:
            raise NotStarted(
                f"MiniStack ended at once. Its log is {stack.log}:\n{_tail(stack.log)}"
            )
        if _healthy(stack.endpoint):
            return
        time.sleep(0.1)
    raise NotStarted(f"MiniStack did not answer in {START_SECONDS:.0f} s. Its log is {stack.log}")


def _healthy(endpoint: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint}/_ministack/health", timeout=2) as answer:
            return "services" in json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
