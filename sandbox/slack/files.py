"""Files as Slack takes them since 2025: a place to upload to, the bytes, where to share them."""

import json
import secrets

from sandbox.slack.model import BOT_USER, Channel, Json, SharedFile, SlackError
from sandbox.slack.workspace import Workspace

SCOPE = "files:write"
MOST_BYTES = 1_000_000  # what this stand-in keeps; Slack takes a gigabyte
MOST_PREVIEW = 6  # lines


def get_upload_url(workspace: Workspace, arguments: Json) -> Json:
    """files.getUploadURLExternal: `upload_url` is a path here, which the server makes whole."""
    _allowed(workspace)
    name, length = arguments.get("filename"), str(arguments.get("length", ""))
    missing = [one for one, value in (("filename", name), ("length", length)) if not value]
    if missing:
        words = tuple(f"[ERROR] missing required field: {one}" for one in missing)
        raise SlackError("invalid_arguments", words)
    if not length.isdecimal() or int(length) < 1:
        raise SlackError("invalid_arguments", ("[ERROR] must be greater than 0: length",))
    if int(length) > MOST_BYTES:
        raise SlackError("file_upload_size_restricted")
    file = SharedFile(
        id="F06" + secrets.token_hex(4).upper(),
        name=str(name),
        length=int(length),
        secret=secrets.token_urlsafe(24),
    )
    workspace.files[file.id] = file
    return {"upload_url": f"/upload/v1/{file.secret}", "file_id": file.id}


def uploaded(workspace: Workspace, secret: str, content: bytes) -> str:
    """The bytes at the place that was given, once; SlackError otherwise."""
    with workspace.held():
        found = next((f for f in workspace.files.values() if f.secret == secret), None)
        if found is None or found.content is not None:
            raise SlackError("file_not_found")
        if len(content) != found.length:
            raise SlackError("file_upload_size_mismatch")
        found.content = content
    return f"OK - {len(content)}"


def complete_upload(workspace: Workspace, arguments: Json) -> Json:
    """files.completeUploadExternal: shares what was uploaded, as one message of the app's."""
    _allowed(workspace)
    files = [_whole(workspace, one) for one in _asked_for(arguments)]
    channel = _channel(workspace, arguments.get("channel_id"))
    for file, title in files:
        file.title, file.shared = title or file.name, True
    if channel is not None:
        said = str(arguments.get("initial_comment") or "")
        shared = tuple(file.id for file, _ in files)
        workspace.add(channel.id, BOT_USER, said, files=shared)
    return {"files": [{"id": file.id, "title": file.title} for file, _ in files]}


def file_json(file: SharedFile) -> Json:
    """A file inside a message."""
    text = (file.content or b"").decode("utf-8-sig", "replace")
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": "text/csv" if file.name.endswith(".csv") else "text/plain",
        "size": file.length,
        "url_private": f"/sandbox/files/{file.id}",
        "preview": "\n".join(text.splitlines()[:MOST_PREVIEW]),
    }


def _allowed(workspace: Workspace) -> None:
    if not workspace.files_write:
        provided = "commands,chat:write,im:write,users:read"
        raise SlackError("missing_scope", needed=SCOPE, provided=provided)


def _asked_for(arguments: Json) -> list[Json]:
    given = arguments.get("files")
    try:
        listed = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        listed = None
    good = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
    if not good or not listed:
        raise SlackError("invalid_arguments", ("[ERROR] missing required field: files",))
    return list(listed)


def _whole(workspace: Workspace, asked: Json) -> tuple[SharedFile, str]:
    found = workspace.files.get(str(asked.get("id")))
    if found is None or found.content is None or found.shared:
        raise SlackError("file_not_found")
    return found, str(asked.get("title") or "")


def _channel(workspace: Workspace, wanted: object) -> Channel | None:
    """Slack takes a conversation's id here, not a person's. Without one the file stays private."""
    if not wanted:
        return None
    channel = workspace.channels.get(str(wanted))
    if channel is None:
        raise SlackError("channel_not_found")
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    return channel
