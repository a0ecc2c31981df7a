"""What an app may do with a response_url: answer, replace or delete, five times in 30 minutes."""

from typing import Any

from sandbox.slack.model import BOT_USER, Json, Post, ResponseUrl, SlackError
from sandbox.slack.web_api import content
from sandbox.slack.workspace import Workspace

_KNOWN = frozenset(
    {
        "text",
        "blocks",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
        "metadata",
        "mrkdwn",
    }
)


def respond(workspace: Workspace, secret: str, given: Any) -> None:
    """Carry one answer out; SlackError expired_url, used_url, no_text, invalid_blocks…

    A refused answer counts as one of the five, as every post does.
    """
    with workspace.held():
        right = workspace.use_response(secret)
        if not isinstance(given, dict) or not given.keys() <= _KNOWN:
            raise SlackError("invalid_payload")
        _carry_out(workspace, right, given)


def _carry_out(workspace: Workspace, right: ResponseUrl, given: Json) -> None:
    source = _source(workspace, right)
    if given.get("delete_original") is True:
        if source is None:
            raise SlackError("message_not_found")
        workspace.remove(source)
        return
    text, blocks = content(given)
    if given.get("replace_original") is True and source is not None:
        workspace.edit(source, text, blocks)
        return
    kind = given.get("response_type", "ephemeral")
    if kind not in ("ephemeral", "in_channel"):
        raise SlackError("invalid_response_type")
    only_for = right.user if kind == "ephemeral" else None
    thread = given.get("thread_ts") or (source.thread_ts if source and source.is_reply else None)
    workspace.add(right.channel, BOT_USER, text, blocks=blocks, only_for=only_for, thread_ts=thread)


def _source(workspace: Workspace, right: ResponseUrl) -> Post | None:
    """The message whose button was pressed, when it is still there."""
    if right.source_ts is None:
        return None
    try:
        return workspace.find(right.channel, right.source_ts)
    except SlackError:
        return None
