"""A small AWS over HTTP: takes SendMessage, gives GetSecretValue, and can misbehave as told."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Aws:
    """What the stand-in holds and has seen."""

    def __init__(self) -> None:
        self.secret: dict[str, Any] = {"signing_secret": "first-secret", "bot_token": "xoxb-1"}
        self.queued: list[dict[str, Any]] = []
        self.groups: list[str | None] = []
        self.targets: list[str] = []
        self.connections = 0
        self.hang_up_after_answers = False  # as a server does with idle connections
        self.fail_with: int | None = None
        self.swallow = False  # take the message, then hang up without an answer
        self.headers: Mapping[str, str] = {}
        self.url = ""

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a function whose AWS this is."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
            "AWS_SESSION_TOKEN": "session-token",
            "QUEUE_URL": f"{self.url}/123456789012/queue",
            "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
            "SLACK_API_URL": "https://slack.com/api/",
            "SLACK_TEAM_ID": "T0HOME",
            "REGIONS": "us-east-1,us-west-2",
        }

    def answer(self, target: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.fail_with:
            return self.fail_with, {"__type": "AccessDeniedException"}
        if target == "secretsmanager.GetSecretValue":
            return 200, {"SecretString": json.dumps(self.secret)}
        self.queued.append(json.loads(request["MessageBody"]))
        self.groups.append(request.get("MessageGroupId"))
        return 200, {"MessageId": str(len(self.queued))}


@contextmanager
def running() -> Iterator[Aws]:
    """The stand-in on a free port of 127.0.0.1, ended with the block."""
    aws = Aws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            aws.connections += 1

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            target = self.headers["x-amz-target"]
            aws.targets.append(target)
            aws.headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = aws.answer(target, request)
            if aws.swallow and target == "AmazonSQS.SendMessage":
                self.close_connection = True
                return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            # Without saying so: the client finds out at its next request.
            self.close_connection = aws.hang_up_after_answers

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    aws.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
