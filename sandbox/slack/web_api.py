"""Slack's Web API for one bot: each method's arguments, refusals and answer in Slack's shapes."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sandbox.slack.blocks import Fault, message_faults, view_faults
from sandbox.slack.files import complete_upload, get_upload_url
from sandbox.slack.model import (
    BOT_ID,
    BOT_USER,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    ChannelKind,
    Json,
    Post,
    SlackError,
    View,
)
from sandbox.slack.shapes import post_json
from sandbox.slack.workspace import POST_BURST, UPDATE_BURST, Workspace

MANIFEST = Path(__file__).resolve().parents[2] / "manifest.yaml"
MOST_TEXT = 40_000
MOST_UPDATE_TEXT = 4_000
MOST_VIEW_BYTES = 250_000
PUBLIC_METHODS = frozenset({"api.test", "blocks.validate"})

Method = Callable[[Workspace, Json], Json]


def call(workspace: Workspace, method: str, arguments: Json) -> Json:
    """One method's answer without `ok`; SlackError with Slack's own name when it refuses."""
    try:
        found = METHODS[method]
    except KeyError:
        raise SlackError("unknown_method", req_method=method) from None
    with workspace.held():
        return found(workspace, arguments)


@cache
def scopes() -> str:
    """What the installed app may do, as Slack tells with each answer: what the manifest asks."""
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    return ",".join(manifest["oauth_config"]["scopes"]["bot"])


def content(arguments: Json, most: int = MOST_TEXT) -> tuple[str, tuple[Json, ...]]:
    """The text and blocks of a message; SlackError no_text, msg_too_long or invalid_blocks."""
    text = arguments.get("text") or ""
    blocks = nested(arguments, "blocks", "invalid_blocks_format") or []
    if not isinstance(text, str):
        raise SlackError("invalid_arguments")
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > most:
        raise SlackError("msg_too_long")
    _refuse(message_faults(blocks), "invalid_blocks")
    return text, tuple(blocks)


def nested(arguments: Json, name: str, error: str = "invalid_arguments") -> Any:
    """An argument that may come as JSON text inside a form."""
    value = arguments.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        raise SlackError(error) from None


def _refuse(faults: list[Fault], error: str) -> None:
    if faults:
        words = tuple(f"[ERROR] {fault}" for fault in faults)
        raise SlackError(error, words, errors=[str(fault) for fault in faults])


def _needed(arguments: Json, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        missing = f"[ERROR] missing required field: {name}"
        raise SlackError("invalid_arguments", (missing,))
    return value


def _flag(arguments: Json, name: str) -> bool:
    return arguments.get(name) in (True, "true", "1", 1)


def _channel(workspace: Workspace, arguments: Json) -> Channel:
    """A conversation that the bot may know of, by id: Slack does not take names here."""
    wanted = arguments.get("channel")
    channel = workspace.channels.get(wanted) if isinstance(wanted, str) else None
    if channel is None:
        raise SlackError("channel_not_found")
    if channel.kind is not ChannelKind.PUBLIC and BOT_USER not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def _joined(workspace: Workspace, arguments: Json) -> Channel:
    channel = _channel(workspace, arguments)
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _writable(workspace: Workspace, arguments: Json) -> Channel:
    """Where a message may go: a person's id means the direct messages with that person."""
    wanted = arguments.get("channel")
    if isinstance(wanted, str) and wanted in workspace.users:
        return workspace.direct(wanted)
    channel = _channel(workspace, arguments)
    if BOT_USER not in channel.members and not workspace.write_public:
        raise SlackError("not_in_channel")
    return channel


def _thread(workspace: Workspace, channel: Channel, arguments: Json) -> str | None:
    wanted = arguments.get("thread_ts")
    if not wanted:
        return None
    try:
        first = workspace.find(channel.id, str(wanted))
    except SlackError:
        raise SlackError("invalid_thread_ts") from None
    if first.is_reply or first.only_for:
        raise SlackError("invalid_thread_ts")
    return first.ts


def _metadata(arguments: Json) -> Json | None:
    value: Json | None = nested(arguments, "metadata", "invalid_metadata_format")
    if value is None or value == {}:
        return value
    if not isinstance(value, dict) or not {"event_type", "event_payload"} <= value.keys():
        raise SlackError("invalid_metadata_format")
    return value


def _post_message(workspace: Workspace, arguments: Json) -> Json:
    channel = _writable(workspace, arguments)
    thread = _thread(workspace, channel, arguments)
    text, blocks = content(arguments)
    metadata = _metadata(arguments)
    workspace.spend("chat.postMessage", channel.id, POST_BURST, 1.0)
    post = workspace.add(
        channel.id,
        BOT_USER,
        text,
        blocks=blocks,
        thread_ts=thread,
        broadcast=_flag(arguments, "reply_broadcast"),
        metadata=metadata,
    )
    return {"channel": channel.id, "ts": post.ts, "message": post_json(workspace, post)}


def _post_ephemeral(workspace: Workspace, arguments: Json) -> Json:
    channel = _joined(workspace, arguments)
    user = workspace.user(_needed(arguments, "user"))
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = content(arguments)
    workspace.spend("chat.postEphemeral", channel.id, UPDATE_BURST, UPDATE_BURST / 60)
    thread = _thread(workspace, channel, arguments)
    post = workspace.add(
        channel.id, BOT_USER, text, blocks=blocks, only_for=user.id, thread_ts=thread
    )
    return {"message_ts": post.ts}


def _own(workspace: Workspace, arguments: Json, error: str) -> Post:
    channel = _channel(workspace, arguments)
    post = workspace.find(channel.id, _needed(arguments, "ts"))
    if post.only_for:
        raise SlackError("message_not_found")
    if post.author != BOT_USER:
        raise SlackError(error)
    return post


def _update(workspace: Workspace, arguments: Json) -> Json:
    post = _own(workspace, arguments, "cant_update_message")
    text, blocks = content(arguments, MOST_UPDATE_TEXT)
    workspace.spend("chat.update", "", UPDATE_BURST, UPDATE_BURST / 60)
    more = {"metadata": _metadata(arguments)} if "metadata" in arguments else {}
    changed = workspace.edit(post, text, blocks, **more)
    message = post_json(workspace, changed)
    return {"channel": post.channel, "ts": post.ts, "text": text, "message": message}


def _delete(workspace: Workspace, arguments: Json) -> Json:
    post = _own(workspace, arguments, "cant_delete_message")
    workspace.remove(post)
    return {"channel": post.channel, "ts": post.ts}


def _page(found: list[Post], arguments: Json) -> tuple[list[Post], Json]:
    """One page by limit and cursor; the cursor is the place in the list."""
    try:
        limit = min(int(arguments.get("limit") or 100), 999)
        start = int(arguments.get("cursor") or 0)
    except ValueError:
        raise SlackError("invalid_cursor") from None
    if limit < 1 or start < 0:
        raise SlackError("invalid_limit")
    page = found[start : start + limit]
    more = start + limit < len(found)
    tail: Json = {"has_more": more}
    if more:
        tail["response_metadata"] = {"next_cursor": str(start + limit)}
    return page, tail


def _within(posts: list[Post], arguments: Json) -> list[Post]:
    oldest, latest = arguments.get("oldest"), arguments.get("latest")
    edges = {str(oldest), str(latest)} if _flag(arguments, "inclusive") else set()
    try:
        low = float(oldest or 0)
        high = float(latest) if latest else float("inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    return [p for p in posts if low < float(p.ts) < high or p.ts in edges]


def _history(workspace: Workspace, arguments: Json) -> Json:
    channel = _joined(workspace, arguments)
    said = [p for p in workspace.posts(channel.id) if not p.only_for]
    top = [p for p in said if not p.is_reply or p.broadcast]
    page, tail = _page(_within(top, arguments)[::-1], arguments)
    return {"messages": [post_json(workspace, p) for p in page], "pin_count": 0} | tail


def _replies(workspace: Workspace, arguments: Json) -> Json:
    channel = _joined(workspace, arguments)
    ts = _needed(arguments, "ts")
    said = [p for p in workspace.posts(channel.id) if not p.only_for]
    named = next((p for p in said if p.ts == ts), None)
    if named is None:
        raise SlackError("thread_not_found")
    first = named.thread_ts or named.ts
    thread = [p for p in said if first in (p.ts, p.thread_ts)]
    page, tail = _page(_within(thread, arguments), arguments)
    return {"messages": [post_json(workspace, p) for p in page]} | tail


def _info(workspace: Workspace, arguments: Json) -> Json:
    return {"channel": _channel(workspace, arguments).json()}


def _members(workspace: Workspace, arguments: Json) -> Json:
    channel = _joined(workspace, arguments)
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


def _open(workspace: Workspace, arguments: Json) -> Json:
    users = arguments.get("users") or []
    wanted = users.split(",") if isinstance(users, str) else list(users)
    if len(wanted) != 1:
        raise SlackError("not_enough_users" if not wanted else "too_many_users")
    channel = workspace.direct(_person(workspace, wanted[0]))
    more = channel.json() if _flag(arguments, "return_im") else {"id": channel.id}
    return {"channel": more, "no_op": True, "already_open": True}


def _person(workspace: Workspace, wanted: str) -> str:
    if wanted not in workspace.users:
        raise SlackError("user_not_found")
    return wanted


def _user_info(workspace: Workspace, arguments: Json) -> Json:
    person = workspace.users[_person(workspace, _needed(arguments, "user"))]
    return {"user": person.json(workspace.moment())}


def _group_members(workspace: Workspace, arguments: Json) -> Json:
    group = workspace.groups.get(str(_needed(arguments, "usergroup")))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": sorted(group.members)}


def _user_list(workspace: Workspace, arguments: Json) -> Json:
    people = [person.json(workspace.moment()) for person in workspace.users.values()]
    ending = {"response_metadata": {"next_cursor": ""}}
    return {"members": people, "cache_ts": int(workspace.now())} | ending


def _auth_test(workspace: Workspace, arguments: Json) -> Json:
    return {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": "GPU Lab",
        "user": "gpu",
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def checked_view(value: object, *kinds: str) -> Json:
    """A form or Home tab that Slack would take; SlackError view_too_large, invalid_arguments."""
    if not isinstance(value, dict):
        raise SlackError("invalid_arguments", ("[ERROR] missing required field: view",))
    if value.get("type") not in kinds:
        words = f"[ERROR] must be one of: {', '.join(kinds)} [json-pointer:/view/type]"
        raise SlackError("invalid_arguments", (words,))
    if len(json.dumps(value)) > MOST_VIEW_BYTES:
        raise SlackError("view_too_large")
    _refuse(view_faults(value), "invalid_arguments")
    return value


def _shown(view: View) -> Json:
    return {"view": view.json()}


def _views_open(workspace: Workspace, arguments: Json) -> Json:
    body = checked_view(nested(arguments, "view"), "modal")
    user = workspace.use_trigger(_needed(arguments, "trigger_id"))
    return _shown(workspace.open_view(user, body))


def _views_push(workspace: Workspace, arguments: Json) -> Json:
    body = checked_view(nested(arguments, "view"), "modal")
    user = workspace.use_trigger(_needed(arguments, "trigger_id"))
    stack = workspace.views_of(user)
    if not stack:
        raise SlackError("not_found")
    return _shown(workspace.open_view(user, body, stack[-1]))


def _views_update(workspace: Workspace, arguments: Json) -> Json:
    wanted = arguments.get("view_id") or arguments.get("external_id") or ""
    view = workspace.view(str(wanted))
    body = checked_view(nested(arguments, "view"), str(view.body["type"]))
    return _shown(workspace.change_view(view, body, arguments.get("hash")))


def _views_publish(workspace: Workspace, arguments: Json) -> Json:
    user = _person(workspace, _needed(arguments, "user_id"))
    body = checked_view(nested(arguments, "view"), "home")
    home = workspace.home_of(user)
    if home is None:
        return _shown(workspace.open_view(user, body))
    return _shown(workspace.change_view(home, body, arguments.get("hash")))


def _validate(workspace: Workspace, arguments: Json) -> Json:
    faults = message_faults(nested(arguments, "blocks"))
    if faults:
        found = [
            {"code": "invalid", "message": f.message, "pointer": f.pointer.removeprefix("/blocks")}
            for f in faults
        ]
        raise SlackError("invalid_blocks", errors=found)
    return {}


METHODS: dict[str, Method] = {
    "api.test": lambda workspace, arguments: {"args": arguments},
    "auth.test": _auth_test,
    "blocks.validate": _validate,
    "chat.delete": _delete,
    "chat.postEphemeral": _post_ephemeral,
    "chat.postMessage": _post_message,
    "chat.update": _update,
    "conversations.history": _history,
    "conversations.info": _info,
    "conversations.members": _members,
    "conversations.open": _open,
    "conversations.replies": _replies,
    "files.completeUploadExternal": complete_upload,
    "files.getUploadURLExternal": get_upload_url,
    "usergroups.users.list": _group_members,
    "users.info": _user_info,
    "users.list": _user_list,
    "views.open": _views_open,
    "views.publish": _views_publish,
    "views.push": _views_push,
    "views.update": _views_update,
}
