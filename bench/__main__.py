"""What the ack costs: the door against Bolt's own pattern, as instructions of whole processes.

    python -m bench            counts with valgrind's callgrind where it is installed, else CPU time
    python -m bench --time     CPU time only

Each case is one process that imports what it needs, answers one signed command (the first ack) and
then 20 more. Both talk to the same small AWS on this machine. "Bolt" is its documented pattern: an
App with a lazy listener on Lambda, which hands the work on with boto3's lambda.invoke; the call to
auth.test that it makes and TLS are left out, in its favour. Instructions are deterministic; CPU
time on a shared machine moves by a fifth, so only large ratios mean something there.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MORE = 20  # commands after the first
CASES = ("nothing", "door", "bolt")
MOST_OF_BOLT = 0.35  # the door's first ack against Bolt's; measured: 0.16
ROUNDS = 5


def main() -> int:
    """Print the ratios; 1 when the door costs more than it may."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--time", action="store_true", help="CPU time even where valgrind is")
    counted = shutil.which("valgrind") is not None and not parser.parse_args().time
    unit = "million instructions" if counted else "ms of CPU"
    measure = _instructions if counted else _milliseconds
    with _small_aws() as url:
        for case in CASES:  # so that every .pyc there can be is there
            _run(_command(case, 1), _environ(url))
        costs = {(case, n): measure(case, n, url) for case in CASES for n in (1, 1 + MORE)}
    print(f"{'':8}{'first ack':>12}{'each more':>12}   ({unit}, whole process)")
    for case in CASES:
        first, more = costs[case, 1], (costs[case, 1 + MORE] - costs[case, 1]) / MORE
        print(f"{case:8}{first:12.1f}{more:12.2f}")
    ratio = costs["door", 1] / costs["bolt", 1]
    against_nothing = costs["door", 1] / costs["nothing", 1]
    print(f"to the first ack: Bolt costs {1 / ratio:.1f} times the door")
    print(f"to the first ack: the door costs {against_nothing:.1f} times an empty Python")
    return 0 if ratio <= MOST_OF_BOLT else 1


def _environ(url: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "QUEUE_URL": f"{url}/123456789012/queue",
        "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
        "REGIONS": "us-east-1",
    }


def _command(case: str, times: int) -> list[str]:
    return [sys.executable, "-m", "bench.ack", case, str(times)]


def _instructions(case: str, times: int, url: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        said = _run([*valgrind, *_command(case, times)], _environ(url))
    found = re.search(r"Collected : (\d+)", said)
    assert found is not None, said
    return int(found.group(1)) / 1e6


def _milliseconds(case: str, times: int, url: str) -> float:
    """The least of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _run(_command(case, times), _environ(url))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent) * 1000


def _run(command: list[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=dict(environ), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stderr


@contextmanager
def _small_aws() -> Iterator[str]:
    """Answers GetSecretValue, SendMessage and Invoke at once."""
    secret = json.dumps({"SecretString": json.dumps({"signing_secret": "s"})}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            asked = self.headers.get("x-amz-target", "")
            body = secret if asked.endswith("GetSecretValue") else b"{}"
            self.send_response(202 if self.path.endswith("/invocations") else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A process that ended while its connection was kept is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
