"""An answer that ends in the middle is no answer: over real sockets, a server that hangs up."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from adapters.aws_errors import translated
from adapters.whole import whole
from core.faults import CloudError, FaultKind

ROW = b'{"Item":{"pk":{"S":"M#m-1"},"sk":{"S":"machine"},"version":{"N":"7"}}}'
RESERVATIONS = (
    b'<?xml version="1.0"?><DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>'
)
Send = Callable[[BaseHTTPRequestHandler], None]


def answering(body: bytes, *, cut_at: int | None = None) -> Send:
    """The body with its length; hung up after `cut_at` bytes of it."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:cut_at])
        if cut_at is not None:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)

    return send


@contextmanager
def served(send: Send, service: str) -> Iterator[Any]:
    """A client as the functions have it, of a server on this machine that answers so."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            send(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield whole(
            boto3.client(  # type: ignore[call-overload]
                service,
                region_name="us-east-1",
                aws_access_key_id="none",
                aws_secret_access_key="none",
                endpoint_url=f"http://127.0.0.1:{server.server_port}",
                config=Config(retries={"total_max_attempts": 1}, proxies={}),
            )
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def row(table: Any) -> Any:
    return table.get_item(TableName="t", Key={"pk": {"S": "M#m-1"}})


def test_a_whole_answer_is_taken() -> None:
    with served(answering(ROW), "dynamodb") as table:
        assert row(table)["Item"]["version"] == {"N": "7"}
    with served(answering(b"{}"), "dynamodb") as table:
        assert "Item" not in row(table)
    with served(answering(RESERVATIONS), "ec2") as ec2:
        assert ec2.describe_instances()["Reservations"] == []


@pytest.mark.parametrize("cut_at", [0, 1, len(ROW) // 2, len(ROW) - 1])
def test_a_row_whose_answer_is_torn_is_not_a_row_that_does_not_exist(cut_at: int) -> None:
    torn = answering(ROW, cut_at=cut_at)
    with served(torn, "dynamodb") as table, pytest.raises(ConnectionClosedError):
        row(table)


@pytest.mark.parametrize("body", [b"", b"<html>not now</html>", b'{"Item":', b"[]"])
def test_what_is_no_json_object_is_no_answer_either(body: bytes) -> None:
    with served(answering(body), "dynamodb") as table, pytest.raises(ConnectionClosedError):
        row(table)


@pytest.mark.parametrize("cut_at", [0, 40, len(RESERVATIONS) - 1])
def test_instances_whose_list_is_torn_are_not_no_instances(cut_at: int) -> None:
    torn = answering(RESERVATIONS, cut_at=cut_at)
    with served(torn, "ec2") as ec2, pytest.raises(ConnectionClosedError):
        ec2.describe_instances()


def test_what_cannot_be_read_says_nothing_about_what_was_done() -> None:
    unread, told = answering(b"<html>busy"), pytest.raises(CloudError)
    with served(unread, "ec2") as ec2, told as raised, translated("DescribeInstances"):
        ec2.describe_instances()
    assert raised.value.fault.kind is FaultKind.UNKNOWN
    assert not raised.value.fault.definite
    assert "busy" not in str(raised.value)
