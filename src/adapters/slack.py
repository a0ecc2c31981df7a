"""Slack: how messages get there, and what its refusals are called here.

    ChatError (core.ports)                 `code` is Slack's error name, or one of
      "unreachable"                        no answer in time, or none at all
      "http_<status>"                      an answer that is not Slack's
      "foreign_response_url"               a response_url that is not Slack's: nothing was sent
      "foreign_upload_url"                 the same of a place for a file
      NotInChannel                         the bot may not write there

Neither tokens nor response_urls get into an exception's text or a log.
"""

import http.client
import json
import math
import re
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse, WebClient

from core.blocks import Home, Message
from core.files import File
from core.model import Person, Place
from core.ports import BAD_TOKEN, ChatError, NotInChannel

T = TypeVar("T")

SLACK_API = "https://slack.com/api/"
HOOKS = "https://hooks.slack.com"
FILES = "https://files.slack.com"
API_TIMEOUT = 5  # seconds
RESPONSE_TIMEOUT = 3  # seconds
GROUPS_FOR = 60  # seconds that a user group's members are remembered: Slack counts these calls

_NO_ENTRY = frozenset(
    {
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
    }
)
_JSON = "application/json; charset=utf-8"
_BYTES = "application/octet-stream"
_BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_arguments"})  # of a message, of a view
_SLACK_WORD = re.compile(r"[a-z][a-z0-9_]{1,60}")
_URL_TEXT = re.compile(r"[!-\[\]-~]+")  # printable ASCII without spaces and without the backslash


def web_client(token: str, api_url: str = SLACK_API) -> WebClient:
    """A client for Slack's Web API, or for what stands in for it at `api_url`."""
    return WebClient(token=token, base_url=api_url.rstrip("/") + "/", timeout=API_TIMEOUT)


class Responder:
    """Posts to URLs that Slack has given, of exactly one origin for answers and one for files,
    follows no redirect and uses no proxy."""

    def __init__(self, api_url: str = SLACK_API, timeout: float = RESPONSE_TIMEOUT) -> None:
        self._answers = response_origin(api_url)
        self._files = upload_origin(api_url)
        self._timeout = timeout

    def post(self, url: str, payload: Mapping[str, Any]) -> None:
        """ChatError where the URL is foreign, nobody answers, or the answer is not 200."""
        if not _is_of(url, self._answers):
            raise ChatError("foreign_response_url")
        self._send(self._answers, url, json.dumps(payload).encode(), _JSON)

    def upload(self, url: str, content: bytes) -> None:
        """The bytes of a file, without the token; ChatError as above."""
        if not _is_of(url, self._files):
            raise ChatError("foreign_upload_url")
        self._send(self._files, url, content, _BYTES)

    def _send(self, origin: str, url: str, body: bytes, kind: str) -> None:
        connection = self._connection(origin)
        path = url.removeprefix(origin).partition("#")[0]
        try:
            connection.request("POST", path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            words = answer.read(200).decode("utf-8", "replace").strip()
            status, retry_after = answer.status, answer.getheader("Retry-After")
        except (OSError, http.client.HTTPException):
            # `from None`: the cause's text may hold the URL, which is a secret while it lives.
            raise ChatError("unreachable") from None
        finally:
            connection.close()
        if status == 429:
            raise ChatError("ratelimited", retry_after=_seconds(retry_after))
        if status != 200:
            raise ChatError(_word_of(words) or f"http_{status}")

    def _connection(self, origin: str) -> http.client.HTTPConnection:
        at = urlsplit(origin)
        assert at.hostname is not None
        if at.scheme == "http":
            return http.client.HTTPConnection(at.hostname, at.port, timeout=self._timeout)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            at.hostname, at.port, timeout=self._timeout, context=context
        )


def response_origin(api_url: str) -> str:
    """Where response_urls may point: to Slack, or to what stands in for Slack at `api_url`."""
    return _origin(api_url, HOOKS)


def upload_origin(api_url: str) -> str:
    """Where files may be sent: to Slack, or to what stands in for Slack at `api_url`."""
    return _origin(api_url, FILES)


def _origin(api_url: str, slacks_own: str) -> str:
    at = urlsplit(api_url)
    if at.scheme == "https" and at.netloc == "slack.com":
        return slacks_own
    return f"{at.scheme}://{at.netloc}"


def _is_of(url: str, origin: str) -> bool:
    return bool(_URL_TEXT.fullmatch(url)) and url.startswith(origin + "/")


def _never(refused: str) -> WebClient | None:
    """Where no other token is to be had."""
    return None


class SlackChat:
    """core.ports.Chat over the Web API."""

    def __init__(
        self,
        client: WebClient,
        team_id: str,
        responder: Responder,
        ticks: Callable[[], float] = time.monotonic,
        renew: Callable[[str], WebClient | None] = _never,
    ) -> None:
        """`team_id` is the home workspace; where it is empty, the token's own. `ticks`: seconds.

        `renew` gives a client with a newer token than the one that Slack has just refused.
        """
        self._renew = renew
        self._client = client
        self._team_id = team_id
        self._responder = responder
        self._direct: dict[str, str] = {}
        self._ticks = ticks
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        self._home_charts = True

    def post(self, channel: str, message: Message, thread: str | None = None) -> Place:
        """A new message that unfurls nothing; NotInChannel where the bot may not."""
        arguments = {"channel": channel, "unfurl_links": False, "unfurl_media": False}
        if thread is not None:
            arguments["thread_ts"] = thread
        answer = _sent(message, lambda body: self._call("chat.postMessage", {**body, **arguments}))
        return Place(channel=answer["channel"], ts=answer["ts"])

    def update(self, place: Place, message: Message) -> None:
        """Edit a message in place."""
        where = {"channel": place.channel, "ts": place.ts}
        _sent(message, lambda body: self._call("chat.update", {**body, **where}))

    def dm(self, user: str, message: Message) -> Place:
        """A new message in the person's direct messages, which are opened once a process."""
        return self.post(self._direct_with(user), message)

    def respond(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """An answer that only the caller sees; Slack takes five for half an hour."""
        kind = {"response_type": "ephemeral", "replace_original": replace}
        _sent(message, lambda body: self._responder.post(response_url, {**body, **kind}))

    def person(self, user: str) -> Person:
        """Who that is now: never from a cache, because rights are taken away, too."""
        found = self._call("users.info", {"user": user})["user"]
        profile = found.get("profile") or {}
        name = profile.get("display_name") or found.get("real_name") or found.get("name") or user
        return Person(
            id=found["id"],
            team_id=found.get("team_id", ""),
            name=name,
            tz=found.get("tz") or "UTC",
            active=not (found.get("deleted") or found.get("is_bot")),
            member=self._is_member(found),
        )

    def group_members(self, group: str) -> frozenset[str]:
        """usergroups.users.list, remembered for a minute. A switched-off group has no members."""
        asked_at, members = self._groups.get(group, (-math.inf, frozenset[str]()))
        if self._ticks() - asked_at < GROUPS_FOR:
            return members
        found = self._call("usergroups.users.list", {"usergroup": group})["users"]
        self._groups[group] = self._ticks(), frozenset(found)
        return frozenset(found)

    def upload(self, user: str, file: File) -> None:
        """files.getUploadURLExternal, the bytes to where that says, files.completeUploadExternal.

        The bytes go to Slack's own origin only and without the token: an answer that was tampered
        with must not send a team's spending elsewhere.
        """
        size = str(len(file.content))
        place = self._call("files.getUploadURLExternal", {"filename": file.name, "length": size})
        self._responder.upload(place["upload_url"], file.content)
        files = json.dumps([{"id": place["file_id"], "title": file.title}])
        channel = self._direct_with(user)
        arguments = {"files": files, "channel_id": channel, "initial_comment": file.said}
        self._call("files.completeUploadExternal", arguments)

    def publish(self, user: str, home: Home) -> None:
        """views.publish. No hash goes with it: the view is made from what the rows say now, so the
        last one to come is right. Where the Home tab takes no charts, it is asked once a process.
        """
        plain = home.without_charts()
        if plain is not None and not self._home_charts:
            home = plain
        try:
            self._call("views.publish", _view(user, home))
        except ChatError as refused:
            if plain is None or refused.code not in _BAD_BLOCKS or home is plain:
                raise
            self._call("views.publish", _view(user, plain))
            self._home_charts = False

    def whisper(self, channel: str, user: str, message: Message) -> None:
        """chat.postEphemeral: only that person sees it."""
        where = {"channel": channel, "user": user}
        _sent(message, lambda body: self._call("chat.postEphemeral", {**body, **where}))

    def scopes(self) -> frozenset[str]:
        """As a header of every answer tells them."""
        headers = self._call("auth.test", {}).headers
        told = {name.lower(): value for name, value in headers.items()}.get("x-oauth-scopes", "")
        return frozenset(one.strip() for one in told.split(",") if one.strip())

    def _direct_with(self, user: str) -> str:
        if user not in self._direct:
            answer = self._call("conversations.open", {"users": user})
            self._direct[user] = answer["channel"]["id"]
        return self._direct[user]

    def _is_member(self, user: Mapping[str, Any]) -> bool:
        """A full member of the home workspace; whoever Slack does not say that of is none."""
        if any(user.get(mark) for mark in ("is_restricted", "is_ultra_restricted", "is_stranger")):
            return False
        teams = {user.get("team_id"), *((user.get("enterprise_user") or {}).get("teams") or ())}
        return self._home() in teams

    def _home(self) -> str:
        if not self._team_id:
            self._team_id = self._call("auth.test", {})["team_id"]
        return self._team_id

    def _call(self, method: str, arguments: Mapping[str, Any]) -> SlackResponse:
        """One method of the Web API; once more where the token has been replaced meanwhile."""
        try:
            return self._ask(method, arguments)
        except ChatError as refused:
            newer = self._renew(self._client.token or "") if refused.code in BAD_TOKEN else None
            if newer is None:
                raise
        self._client = newer
        return self._ask(method, arguments)

    def _ask(self, method: str, arguments: Mapping[str, Any]) -> SlackResponse:
        """JSON for chat.* and views.*, a form for all others."""
        try:
            if method.startswith(("chat.", "views.")):
                return self._client.api_call(method, json=dict(arguments))
            return self._client.api_call(method, params=dict(arguments))
        except SlackApiError as error:
            _refused(error)
        except (SlackClientError, OSError, http.client.HTTPException, ValueError) as error:
            raise ChatError("unreachable") from error


def _sent(message: Message, send: Callable[[dict[str, Any]], T]) -> T:
    """Charts came to Slack in 2026, workspace by workspace: where one is refused, the message goes
    without it. A message without a chart that is refused is our mistake and stays refused."""
    try:
        return send(_body(message))
    except ChatError as refused:
        plain = message.without_charts()
        if plain is None or refused.code != "invalid_blocks":
            raise
        return send(_body(plain))


def _view(user: str, home: Home) -> dict[str, Any]:
    return {"user_id": user, "view": {"type": "home", "blocks": list(home.blocks)}}


def _body(message: Message) -> dict[str, Any]:
    """Text and blocks; an empty list takes the old blocks out when a message is edited."""
    return {"text": message.text, "blocks": list(message.blocks)}


def _refused(error: SlackApiError) -> NoReturn:
    answer: Any = error.response
    data = answer.data if isinstance(answer.data, dict) else {}
    code = str(data.get("error") or "")
    if answer.status_code == 429 or code == "ratelimited":
        wait = _seconds(answer.headers.get("Retry-After") or answer.headers.get("retry-after"))
        raise ChatError("ratelimited", retry_after=wait) from error
    if code in _NO_ENTRY:
        raise NotInChannel(code) from error
    if not _SLACK_WORD.fullmatch(code):
        raise ChatError(f"http_{answer.status_code}") from error
    raise ChatError(code) from error


def _word_of(text: str) -> str | None:
    """Slack's name for an error of a response_url: by itself, or in JSON as in the Web API."""
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    word = str(found.get("error") if isinstance(found, dict) else found)
    return word if _SLACK_WORD.fullmatch(word) else None


def _seconds(text: str | None) -> timedelta | None:
    return timedelta(seconds=int(text)) if text and text.isdecimal() else None
