"""What one person sees: the state that the page draws and that a program may read."""

from sandbox.slack.model import BOT_USER, Channel, ChannelKind, Json, Post, User
from sandbox.slack.shapes import post_json
from sandbox.slack.workspace import Workspace


def screen(workspace: Workspace, user: User, channel: Channel) -> Json:
    """Conversations, the open one's messages (threads inside), forms and Home of one person."""
    with workspace.held():
        seen = [p for p in workspace.posts(channel.id) if p.only_for in (None, user.id)]
        home = workspace.home_of(user.id)
        forms = workspace.views_of(user.id)
        return {
            "now": workspace.now(),
            "me": user.json(workspace.moment()),
            "users": [_person(u) for u in workspace.users.values()],
            "channel": channel.id,
            "channels": [_line(workspace, c, user) for c in workspace.of(user.id)],
            "names": {c.id: c.name for c in workspace.channels.values()},
            "messages": [_message(workspace, p, seen) for p in seen if not p.is_reply],
            "views": [view.json() for view in forms],
            "home": home.json() if home else None,
            "slack_down": workspace.slack_down,
        }


def _person(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "tz": user.tz,
        "is_bot": user.is_bot,
        "note": _note(user),
    }


def _note(user: User) -> str:
    if user.is_stranger:
        return "stranger"
    if user.is_restricted:
        return "guest"
    return "admin" if user.is_admin else ""


def _line(workspace: Workspace, channel: Channel, user: User) -> Json:
    """One line of the sidebar; `latest` lets the page mark what is new."""
    seen = [p for p in workspace.posts(channel.id) if p.only_for in (None, user.id)]
    others = [p for p in seen if p.author != user.id]
    with_whom = next(iter(sorted(channel.members - {user.id})), user.id)
    direct = channel.kind is ChannelKind.DIRECT
    return {
        "id": channel.id,
        "name": workspace.users[with_whom].real_name if direct else channel.name,
        "kind": str(channel.kind),
        "topic": channel.topic,
        "with": with_whom if direct else None,
        "members": len(channel.members),
        "has_app": BOT_USER in channel.members,
        "latest": others[-1].ts if others else None,
        "mention": next((p.ts for p in reversed(others) if f"<@{user.id}>" in p.text), None),
    }


def _message(workspace: Workspace, post: Post, seen: list[Post]) -> Json:
    replies = [p for p in seen if p.thread_ts == post.ts and p.is_reply]
    author = workspace.users[post.author]
    return post_json(workspace, post) | {
        "name": author.real_name,
        "is_app": author.is_bot,
        "ephemeral": post.only_for is not None,
        "replies": [_message(workspace, p, []) for p in replies],
    }
