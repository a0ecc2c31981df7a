"""How a message looks in Slack's answers and payloads."""

from sandbox.slack.files import file_json
from sandbox.slack.model import APP_ID, BOT_ID, BOT_USER, TEAM_ID, Json, Post
from sandbox.slack.workspace import Workspace


def post_json(workspace: Workspace, post: Post) -> Json:
    """A message as chat.postMessage, conversations.history and block_actions give it."""
    found: Json = {
        "type": "message",
        "user": post.author,
        "ts": post.ts,
        "text": post.text,
        "team": TEAM_ID,
    }
    if post.author == BOT_USER:
        found |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": _bot_profile()}
    if post.blocks:
        found["blocks"] = list(post.blocks)
    if post.edited_ts:
        found["edited"] = {"user": post.author, "ts": post.edited_ts}
    if post.metadata:
        found["metadata"] = post.metadata
    if post.files:
        found["files"] = [file_json(workspace.files[id]) for id in post.files]
    return found | _thread(workspace, post)


def _thread(workspace: Workspace, post: Post) -> Json:
    if post.is_reply:
        return {"thread_ts": post.thread_ts}
    said = workspace.posts(post.channel)
    replies = [p for p in said if p.thread_ts == post.ts and p.is_reply and not p.only_for]
    if not replies:
        return {}
    return {
        "thread_ts": post.ts,
        "reply_count": len(replies),
        "reply_users_count": len({p.author for p in replies}),
        "latest_reply": replies[-1].ts,
        "reply_users": sorted({p.author for p in replies}),
    }


def _bot_profile() -> Json:
    return {
        "id": BOT_ID,
        "app_id": APP_ID,
        "name": "GPU",
        "deleted": False,
        "team_id": TEAM_ID,
    }
