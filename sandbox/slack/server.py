"""The stand-in's routes: Slack's Web API and response_urls, the page, and a person's gestures."""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.slack import files, responses, web_api
from sandbox.slack.delivery import Delivery, NotDeployed
from sandbox.slack.gestures import Gestures, Person
from sandbox.slack.guard import Refused, json_body, limited, own_origin, same_machine
from sandbox.slack.inputs import Impossible
from sandbox.slack.model import COMMAND, Json, SlackError
from sandbox.slack.screen import screen
from sandbox.slack.workspace import Workspace

PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SAFE = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Control = Callable[[Json], Json]
Look = Callable[[], Json]
Handler = Callable[[Request], Awaitable[Response]]


def app(
    workspace: Workspace,
    *,
    function_url: str | None,
    function_headers: dict[str, str],
    signing_secret: str,
    bot_token: str,
    world_control: Control | None,
    world_state: Look | None,
    info: Look,
    more: Sequence[Route] = (),
    outside: str | None = None,
) -> Starlette:
    """The whole server. `app.state.delivery.function_url` may be set once the app is deployed.

    `more`: what else it answers, such as what stands in for other parts of the internet.
    `outside`: where the app reaches it, if not at its own address.
    """
    delivery = Delivery(
        function_url=function_url,
        function_headers=function_headers,
        signing_secret=signing_secret,
        now=workspace.now,
    )
    server = _Server(workspace, delivery, bot_token, world_control, world_state, info)
    made = Starlette(routes=[*server.routes(), *more])
    made.state.delivery = delivery
    made.state.workspace = workspace
    made.state.outside = outside
    return made


class _Server:
    def __init__(
        self,
        workspace: Workspace,
        delivery: Delivery,
        bot_token: str,
        world_control: Control | None,
        world_state: Look | None,
        info: Look,
    ) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._bot_token = bot_token.encode()
        self._regenerated: dict[str, str] = {}
        self._world_control = world_control
        self._world_state = world_state
        self._info = info
        self._gestures = Gestures(workspace, delivery, secrets.token_urlsafe(18))

    def routes(self) -> list[Route]:
        """Every path this server knows."""
        gestures: dict[str, Callable[[Request, Json], Awaitable[Response]]] = {
            "say": self._say,
            "slash": self._slash,
            "click": self._click,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "dismiss": self._dismiss,
            "duplicate": self._duplicate,
            "settings": self._settings,
            "regenerate": self._regenerate,
            "world": self._world,
        }
        return [
            Route("/", _page_file("index.html"), methods=["GET"]),
            Route("/page/{name}", self._asset, methods=["GET"]),
            Route("/sandbox.json", _guarded(self._about), methods=["GET"]),
            Route("/sandbox/state", _guarded(self._state), methods=["GET"]),
            *(
                Route(f"/sandbox/{name}", _gesture(handler), methods=["POST"])
                for name, handler in gestures.items()
            ),
            Route("/api/{method}", self._api, methods=["GET", "POST"]),
            Route("/response/{secret}", self._response, methods=["POST"]),
            Route("/upload/v1/{secret}", self._upload, methods=["POST"]),
            Route("/sandbox/files/{id}", _guarded(self._file), methods=["GET"]),
        ]

    # what the app calls

    async def _api(self, request: Request) -> Response:
        if self._workspace.slack_down:
            return PlainTextResponse("Service Unavailable", status_code=503)
        try:
            arguments = await _arguments(request)
            method = request.path_params["method"]
            if method not in web_api.PUBLIC_METHODS:
                self._authenticate(request, arguments)
            arguments.pop("token", None)
            found = web_api.call(self._workspace, method, arguments)
        except SlackError as refused:
            return _refusal(refused)
        except Refused as refused:
            return _json({"ok": False, "error": refused.error}, refused.status)
        if "upload_url" in found:
            found["upload_url"] = own_origin(request) + found["upload_url"]
        return _json({"ok": True} | found, headers={"X-OAuth-Scopes": web_api.scopes()})

    async def _upload(self, request: Request) -> Response:
        if self._workspace.slack_down:
            return PlainTextResponse("Service Unavailable", status_code=503)
        try:
            content = await limited(request)
            said = files.uploaded(self._workspace, request.path_params["secret"], content)
        except Refused as refused:
            return PlainTextResponse(refused.error, status_code=refused.status)
        except SlackError as refused:
            return PlainTextResponse(refused.code, status_code=400)
        return PlainTextResponse(said)

    async def _file(self, request: Request) -> Response:
        found = self._workspace.files.get(request.path_params["id"])
        if found is None or not found.shared or found.content is None:
            raise Refused(404, "file_not_found", "there is no such file")
        name = "".join(c for c in found.name if c.isalnum() or c in "._-")
        kept = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(found.content, headers=kept, media_type="text/csv")

    def _authenticate(self, request: Request, arguments: Json) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else arguments.get("token")
        if not isinstance(given, str) or not given:
            raise SlackError("not_authed")
        if not hmac.compare_digest(given.encode(), self._bot_token):
            raise SlackError("invalid_auth")

    async def _response(self, request: Request) -> Response:
        if self._workspace.slack_down:
            return PlainTextResponse("Service Unavailable", status_code=503)
        try:
            given = json.loads(await limited(request))
            responses.respond(self._workspace, request.path_params["secret"], given)
        except ValueError:
            return PlainTextResponse("invalid_payload", status_code=400)
        except Refused as refused:
            return PlainTextResponse(refused.error, status_code=refused.status)
        except SlackError as refused:
            status = 404 if refused.code in ("expired_url", "used_url") else 400
            return _json({"ok": False, "error": refused.code} | _details(refused), status)
        return _json({"ok": True})

    # the page

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        known = {path.name for path in PAGE.iterdir() if path.suffix in _TYPES}
        if name not in known:
            return PlainTextResponse("not found", status_code=404)
        return await _page_file(name)(request)

    async def _about(self, request: Request) -> Response:
        return _json(await run_in_threadpool(self._info) | self._regenerated)

    async def _state(self, request: Request) -> Response:
        asked = request.query_params
        person = self._gestures.person(asked.get("user", "ada"))
        channel = asked.get("channel", "")
        try:
            who = self._gestures.place(person.id, channel or "gpu-lab")
        except Impossible:
            if channel:
                raise
            who = Person(user=person, channel=self._workspace.of(person.id)[0])
        shown = screen(self._workspace, who.user, who.channel)
        world = await run_in_threadpool(self._world_state) if self._world_state else None
        deployed = self._delivery.function_url is not None
        return _json(
            shown | {"world": world, "deliveries": self._delivery.log(), "deployed": deployed}
        )

    # a person's gestures

    async def _say(self, request: Request, given: Json) -> Response:
        who = self._gestures.place(given.get("user", "ada"), given.get("channel", "gpu-lab"))
        thread = given.get("thread_ts")
        return _json(self._gestures.say(who, _text(given), str(thread) if thread else None))

    async def _slash(self, request: Request, given: Json) -> Response:
        who = self._gestures.place(given.get("user", "ada"), given.get("channel", "gpu-lab"))
        command = str(given.get("command") or COMMAND)
        text = _text(given).strip()
        if text == command or text.startswith(command + " "):
            text = text[len(command) :].strip()
        sent = self._gestures.slash
        return _json(await run_in_threadpool(sent, who, command, text, own_origin(request)))

    async def _click(self, request: Request, given: Json) -> Response:
        if given.get("view"):
            person = self._gestures.person(given.get("user", "ada"))
            sent_view = self._gestures.click_view
            return _json(await run_in_threadpool(sent_view, person, str(given["view"]), given))
        who = self._gestures.place(given.get("user", "ada"), given.get("channel", "gpu-lab"))
        sent = self._gestures.click
        ts = str(given.get("ts"))
        return _json(await run_in_threadpool(sent, who, ts, given, own_origin(request)))

    async def _submit(self, request: Request, given: Json) -> Response:
        person = self._gestures.person(given.get("user", "ada"))
        sent = self._gestures.submit
        view, values = str(given.get("view")), given.get("values")
        return _json(await run_in_threadpool(sent, person, view, values))

    async def _close(self, request: Request, given: Json) -> Response:
        person = self._gestures.person(given.get("user", "ada"))
        sent = self._gestures.close
        return _json(await run_in_threadpool(sent, person, str(given.get("view"))))

    async def _home(self, request: Request, given: Json) -> Response:
        person = self._gestures.person(given.get("user", "ada"))
        return _json(await run_in_threadpool(self._gestures.home, person))

    async def _dismiss(self, request: Request, given: Json) -> Response:
        who = self._gestures.place(given.get("user", "ada"), given.get("channel", "gpu-lab"))
        self._gestures.dismiss(who, str(given.get("ts")))
        return _json({"dismissed": True})

    async def _duplicate(self, request: Request, given: Json) -> Response:
        outcome = await run_in_threadpool(self._delivery.again)
        if outcome is None:
            raise Refused(409, "nothing_sent", "nothing was delivered yet")
        return _json(outcome.json())

    async def _settings(self, request: Request, given: Json) -> Response:
        known = {"slack_down", "rate_limits", "files_write"}
        for name, value in given.items():
            if name not in known or not isinstance(value, bool):
                raise Refused(400, "invalid_settings", f"{name} is not a switch here")
        for name, value in given.items():
            setattr(self._workspace, name, value)
        return _json({name: getattr(self._workspace, name) for name in sorted(known)})

    async def _regenerate(self, request: Request, given: Json) -> Response:
        """As in the app's settings at Slack: what was there before is worth nothing from now on."""
        what = given.get("what")
        if what == "signing_secret":
            self._regenerated[what] = self._delivery.regenerate()
        elif what == "bot_token":
            self._regenerated[what] = f"xoxb-{secrets.token_urlsafe(24)}"
            self._bot_token = self._regenerated[what].encode()
        else:
            raise Refused(400, "invalid_what", "what is signing_secret or bot_token")
        return _json({what: self._regenerated[what]})

    async def _world(self, request: Request, given: Json) -> Response:
        if self._world_control is None:
            raise Refused(404, "no_world", "there is no EC2 world behind this page")
        try:
            return _json(await run_in_threadpool(self._world_control, given))
        except Exception as refused:
            # The world's refusals have no type that this side may know: whatever it says about
            # a wrong command goes to the person who sent the command.
            raise Refused(400, "world_refused", f"{refused}") from refused


def _text(given: Json) -> str:
    text = given.get("text", "")
    if not isinstance(text, str):
        raise Refused(400, "invalid_text", "text is a string")
    return text


async def _arguments(request: Request) -> Json:
    """Arguments of a Web API call: query, form or JSON."""
    found: dict[str, Any] = dict(request.query_params)
    body = await limited(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            given = json.loads(body or b"{}")
            if not isinstance(given, dict):
                raise SlackError("json_not_object")
            return found | given
        if kind in ("application/x-www-form-urlencoded", ""):
            return found | dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        raise SlackError("invalid_json") from None
    raise SlackError("invalid_post_type")


def _refusal(refused: SlackError) -> Response:
    body = {"ok": False, "error": refused.code} | _details(refused)
    if refused.retry_after is None:
        return _json(body)
    return _json(body, 429, {"Retry-After": str(refused.retry_after)})


def _details(refused: SlackError) -> Json:
    found = dict(refused.more)
    if refused.messages:
        found["response_metadata"] = {"messages": list(refused.messages)}
    return found


def _gesture(handler: Callable[[Request, Json], Awaitable[Response]]) -> Handler:
    """A state-changing route: JSON from this machine only."""

    async def body_first(request: Request) -> Response:
        return await handler(request, await json_body(request))

    return _caught(body_first)


def _guarded(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        same_machine(request)
        return await handler(request)

    return _caught(checked)


def _caught(handler: Handler) -> Handler:
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except (Refused, Impossible) as refused:
            return _json({"error": refused.error, "message": refused.words}, refused.status)
        except NotDeployed:
            words = "the app is not deployed yet: wait for the line that says it is ready"
            return _json({"error": "not_deployed", "message": words}, 503)

    return answered


def _page_file(name: str) -> Handler:
    async def served(request: Request) -> Response:
        path = PAGE / name
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=_SAFE)

    return _caught(served)


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    # What the world tells of itself may hold Decimals and datetimes: they are shown as text.
    told = json.dumps(body, default=str, ensure_ascii=False)
    return Response(told, status, safe | (headers or {}), media_type="application/json")
