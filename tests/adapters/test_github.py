"""What GitHub is asked, and what becomes of what it answers."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adapters.github import LARGEST, GithubKeys
from core.ports import Unreachable

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEEYXqpZ7g0x9L+nSv4Rj+n7UYwmOA5gk7iDVnOYkOm"


class Page:
    """What the stand-in answers next, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, f"{KEY}\n".encode(), {}  # type: ignore[var-annotated]
        self.length: int | None = None
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def page() -> Iterator[Page]:
    there = Page()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            self.send_response(there.status)
            for name, value in there.headers.items():
                self.send_header(name, value)
            length = len(there.body) if there.length is None else there.length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(there.body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield there
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_accounts_page_of_keys_is_read_line_by_line(page: Page) -> None:
    page.body = f"{KEY}\n{KEY}\n".encode()
    assert GithubKeys(page.url).of("octocat") == (KEY, KEY)
    assert page.asked == ["/octocat.keys"]


def test_a_github_below_a_path_is_asked_there(page: Page) -> None:
    GithubKeys(f"{page.url}/github/").of("octocat")
    assert page.asked == ["/github/octocat.keys"]


def test_an_account_without_keys_is_not_one_that_does_not_exist(page: Page) -> None:
    page.body = b""
    assert GithubKeys(page.url).of("nokeys") == ()
    page.status = 404
    assert GithubKeys(page.url).of("nobody") is None


@pytest.mark.parametrize("status", [301, 302, 307, 403, 429, 500, 503])
def test_no_redirect_is_followed_and_no_other_answer_is_a_list(page: Page, status: int) -> None:
    page.status = status
    page.headers = {"Location": f"{page.url}/elsewhere.keys"}
    with pytest.raises(Unreachable):
        GithubKeys(page.url).of("octocat")
    assert page.asked == ["/octocat.keys"]


def test_a_page_without_end_is_no_list(page: Page) -> None:
    page.body = b"x" * (LARGEST + 1)
    with pytest.raises(Unreachable):
        GithubKeys(page.url).of("octocat")


def test_half_a_page_is_no_list(page: Page) -> None:
    page.length = len(page.body) + 100
    with pytest.raises(Unreachable):
        GithubKeys(page.url).of("octocat")


def test_nobody_there_is_unreachable(page: Page) -> None:
    with pytest.raises(Unreachable):
        GithubKeys("http://127.0.0.1:9").of("octocat")


def test_bytes_that_are_no_text_are_no_error(page: Page) -> None:
    page.body = b"\xff\xfe\n"
    assert GithubKeys(page.url).of("octocat") is not None
