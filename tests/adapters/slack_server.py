"""A very small Slack on 127.0.0.1: it remembers what it was asked, and can be told to refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class TinySlack:
    """What stands where, who is who, and the next refusals: (status, headers, body)."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=dict)
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    responses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    homes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    charts_at_home: bool = True
    tells_scopes: bool = False
    tokens: list[str] = field(default_factory=list)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False
    base: str = ""

    @property
    def api(self) -> str:
        """What SLACK_API_URL would be."""
        return f"{self.base}/api/"

    def methods(self) -> list[str]:
        """The names of the methods that were called."""
        return [name for name, _ in self.asked]

    def answer(self, path: str, kind: str, body: bytes) -> tuple[int, dict[str, str], str]:
        """One request; (status, headers, body) of the answer."""
        if self.down:
            return 503, {}, "<html>down</html>"
        if path.startswith("/response/"):
            return self._response(path, json.loads(body))
        if path.startswith("/upload/"):
            self.uploads[path] = body
            return self.refusals.pop(0) if self.refusals else (200, {}, "OK")
        name = path.removeprefix("/api/")
        is_json = kind.startswith("application/json")
        arguments = json.loads(body or b"{}") if is_json else dict(parse_qsl(body.decode()))
        self.asked.append((name, arguments))
        if self.refusals:
            return self.refusals.pop(0)
        found = self._method(name, arguments)
        told = {"X-OAuth-Scopes": "chat:write,users:read"} if self.tells_scopes else {}
        error = {"ok": False, "error": found} if isinstance(found, str) else {"ok": True, **found}
        return 200, told, json.dumps(error)

    def _response(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        if self.refusals:
            return self.refusals.pop(0)
        before = self.responses.setdefault(path, [])
        if len(before) >= 5:
            return 404, {}, "used_url"
        before.append(body)
        return 200, {}, "ok"

    def _method(self, name: str, arguments: dict[str, Any]) -> dict[str, Any] | str:
        match name:
            case "chat.postMessage":
                if arguments["channel"] in self.closed:
                    return "not_in_channel"
                ts = f"1700000000.{len(self.messages) + 1:06d}"
                self.messages[arguments["channel"], ts] = arguments
                return {"channel": arguments["channel"], "ts": ts}
            case "chat.update":
                key = arguments["channel"], arguments["ts"]
                if key not in self.messages:
                    return "message_not_found"
                self.messages[key] = {**self.messages[key], **arguments}
                return {"channel": key[0], "ts": key[1]}
            case "conversations.open":
                user = arguments["users"]
                return (
                    {"channel": {"id": f"D{user[1:]}"}} if user in self.people else "user_not_found"
                )
            case "users.info":
                user = arguments["user"]
                return {"user": self.people[user]} if user in self.people else "user_not_found"
            case "usergroups.users.list":
                group = arguments["usergroup"]
                return {"users": self.groups[group]} if group in self.groups else "no_such_subteam"
            case "files.getUploadURLExternal":
                return {"upload_url": f"{self.base}/upload/1", "file_id": "F1"}
            case "files.completeUploadExternal":
                return {"files": json.loads(arguments["files"])}
            case "views.publish":
                blocks = arguments["view"]["blocks"]
                charts = any(block["type"] == "data_visualization" for block in blocks)
                if charts and not self.charts_at_home:
                    return "invalid_arguments"
                if arguments["user_id"] not in self.people:
                    return "user_not_found"
                self.homes.setdefault(arguments["user_id"], []).append(arguments["view"])
                return {"view": arguments["view"]}
            case "chat.postEphemeral":
                if arguments["channel"] in self.closed:
                    return "not_in_channel"
                self.whispers.append(arguments)
                return {"message_ts": "1700000000.000001"}
            case "auth.test":
                return {"team_id": "T1"}
            case _:
                return "unknown_method"


@contextmanager
def tiny_slack() -> Iterator[TinySlack]:
    """The server on a free port, ended with the block."""
    slack = TinySlack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = self.headers.get("Content-Type") or ""
            slack.tokens.append((self.headers.get("Authorization") or "").removeprefix("Bearer "))
            status, headers, text = slack.answer(self.path, kind, body)
            data = text.encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
