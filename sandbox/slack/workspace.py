"""The workspace itself: who is where, what was said, which rights to answer are still good.

Everything is held in memory behind one lock: the server's thread and the tests' may both call.
Times are epoch seconds taken from the `now` given to the constructor, so a test can hold them.
"""

import html
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.slack.model import (
    BOT_USER,
    CHANNELS,
    PEOPLE,
    SLACKBOT,
    USER_GROUPS,
    Channel,
    ChannelKind,
    Json,
    Post,
    ResponseUrl,
    SharedFile,
    SlackError,
    Trigger,
    User,
    UserGroup,
    View,
)

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5
MOST_VIEWS = 3
POST_BURST = 5
UPDATE_BURST = 50


@dataclass(kw_only=True)
class _Bucket:
    """A rate limit: `left` calls now, more as time passes."""

    left: float
    at: float


class Workspace:
    """One Slack workspace with its people, conversations, messages and forms."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        *,
        rate_limits: bool = True,
        write_public: bool = False,
        files_write: bool = True,
    ) -> None:
        """`write_public` is the scope chat:write.public: posting without being a member;
        `files_write` the scope files:write."""
        self._now = now
        self._lock = threading.RLock()
        self._last_ts = 0.0
        self._posts: dict[str, dict[str, Post]] = {c.id: {} for c in CHANNELS}
        self._views: dict[str, View] = {}
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self.users: dict[str, User] = {person.id: person for person in PEOPLE}
        self.groups: dict[str, UserGroup] = {group.id: group for group in USER_GROUPS}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in CHANNELS}
        self.rate_limits = rate_limits
        self.write_public = write_public
        self.files_write = files_write
        self.files: dict[str, SharedFile] = {}
        self.slack_down = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Several calls as one: nobody else changes the workspace in between."""
        with self._lock:
            yield

    # who and where

    def now(self) -> float:
        """The workspace's clock, epoch seconds."""
        return self._now()

    def moment(self) -> datetime:
        """The same as an aware UTC datetime."""
        return datetime.fromtimestamp(self._now(), UTC)

    def user(self, wanted: str) -> User:
        """A person by id or name; SlackError user_not_found."""
        wanted = wanted.removeprefix("@")
        for person in self.users.values():
            if wanted in (person.id, person.name):
                return person
        raise SlackError("user_not_found")

    def channel(self, wanted: str) -> Channel:
        """A conversation by id or by its name with or without #; SlackError channel_not_found."""
        wanted = wanted.removeprefix("#")
        for channel in self.channels.values():
            if wanted == channel.id:
                return channel
            if wanted == channel.name and channel.kind is not ChannelKind.DIRECT:
                return channel
        raise SlackError("channel_not_found")

    def direct(self, user: str) -> Channel:
        """The conversation between a person and the app."""
        members = frozenset({user, BOT_USER})
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DIRECT and channel.members == members:
                return channel
        raise SlackError("user_not_found")

    def of(self, user: str) -> tuple[Channel, ...]:
        """The conversations that a person sees in the sidebar."""
        return tuple(c for c in self.channels.values() if user in c.members)

    # what was said

    def posts(self, channel: str) -> tuple[Post, ...]:
        """Everything in a conversation, oldest first, ephemeral ones included."""
        with self._lock:
            return tuple(sorted(self._posts[channel].values(), key=lambda post: post.ts))

    def find(self, channel: str, ts: str) -> Post:
        """One message; SlackError message_not_found."""
        with self._lock:
            try:
                return self._posts[channel][ts]
            except KeyError:
                raise SlackError("message_not_found") from None

    def add(self, channel: str, author: str, text: str, **more: Any) -> Post:
        """Say something. `more` is what Post knows: blocks, thread_ts, only_for, ts…"""
        with self._lock:
            blocks = _with_ids(more.pop("blocks", ()))
            ts = more.pop("ts", None) or self._next_ts()
            post = Post(channel=channel, ts=ts, author=author, text=text, blocks=blocks, **more)
            self._posts[channel][ts] = post
            return post

    def hold_place(self) -> str:
        """A ts for a message whose words are on their way: it stands before what comes later."""
        with self._lock:
            return self._next_ts()

    def escaped(self, text: str) -> str:
        """A command's words as an app with `should_escape` gets them: people, user groups, channels
        and links marked."""
        marks = {f"@{one.name}": f"<@{one.id}|{one.name}>" for one in self.users.values()}
        for group in self.groups.values():
            marks[f"@{group.handle}"] = f"<!subteam^{group.id}|@{group.handle}>"
        for room in self.channels.values():
            if room.kind is not ChannelKind.DIRECT:
                marks[f"#{room.name}"] = f"<#{room.id}|{room.name}>"

        def mark(found: re.Match[str]) -> str:
            return marks.get(found[0].lower(), found[0])

        people = re.sub(r"(?<!\S)[@#][A-Za-z0-9._-]+", mark, html.escape(text, quote=False))
        return re.sub(r"(?<!\S)(https?://\S+)", r"<\1>", people)

    def typed(self, channel: str, user: str, text: str, thread_ts: str | None = None) -> Post:
        """What a person typed, with the three characters escaped as Slack does."""
        escaped = html.escape(text, quote=False)
        return self.add(channel, user, escaped, thread_ts=thread_ts)

    def tell(self, channel: str, user: str, text: str) -> Post:
        """Slackbot's own words to one person, as when a command fails."""
        return self.add(channel, SLACKBOT, text, only_for=user)

    def edit(self, post: Post, text: str, blocks: tuple[Json, ...], **more: Any) -> Post:
        """Put other words into a message that is already there."""
        with self._lock:
            edited_ts = None if post.only_for else self._next_ts()
            changed = replace(
                post, text=text, blocks=_with_ids(blocks), edited_ts=edited_ts, **more
            )
            self._posts[post.channel][post.ts] = changed
            return changed

    def remove(self, post: Post) -> None:
        """Take a message away; a thread's first message takes its replies along."""
        with self._lock:
            there = self._posts[post.channel]
            there.pop(post.ts, None)
            for reply in [p for p in there.values() if p.thread_ts == post.ts]:
                del there[reply.ts]

    def spend(self, kind: str, place: str, burst: int, per_second: float) -> None:
        """Count one call against a limit; SlackError ratelimited with the seconds to wait."""
        with self._lock:
            if not self.rate_limits:
                return
            now = self._now()
            bucket = self._buckets.setdefault((kind, place), _Bucket(left=burst, at=now))
            bucket.left = min(float(burst), bucket.left + (now - bucket.at) * per_second)
            bucket.at = now
            if bucket.left < 1:
                wait = (1 - bucket.left) / per_second
                raise SlackError("ratelimited", retry_after=max(1, round(wait + 0.5)))
            bucket.left -= 1

    # short-lived rights

    def new_trigger(self, user: str) -> str:
        """A trigger_id: good once, for three seconds."""
        with self._lock:
            name = (
                f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
            )
            self._triggers[name] = Trigger(user=user, made_at=self._now())
            return name

    def use_trigger(self, name: str) -> str:
        """Spend a trigger_id and learn whose it was; SlackError with Slack's three names."""
        with self._lock:
            trigger = self._triggers.get(name)
            if trigger is None:
                raise SlackError("invalid_trigger_id")
            if trigger.used:
                raise SlackError("exchanged_trigger_id")
            if self._now() - trigger.made_at > TRIGGER_SECONDS:
                raise SlackError("expired_trigger_id")
            trigger.used = True
            return trigger.user

    def new_response(self, channel: str, user: str, source_ts: str | None = None) -> str:
        """The secret part of a response_url."""
        with self._lock:
            name = secrets.token_urlsafe(24)
            self._responses[name] = ResponseUrl(
                channel=channel, user=user, made_at=self._now(), source_ts=source_ts
            )
            return name

    def use_response(self, name: str) -> ResponseUrl:
        """Count one post on a response_url; SlackError expired_url or used_url."""
        with self._lock:
            found = self._responses.get(name)
            if found is None or self._now() - found.made_at > RESPONSE_SECONDS:
                raise SlackError("expired_url")
            if found.uses >= RESPONSE_USES:
                raise SlackError("used_url")
            found.uses += 1
            return found

    # forms

    def view(self, wanted: str) -> View:
        """A view by id or external_id; SlackError not_found."""
        with self._lock:
            for view in self._views.values():
                if wanted and wanted in (view.id, view.body.get("external_id")):
                    return view
            raise SlackError("not_found")

    def views_of(self, user: str) -> tuple[View, ...]:
        """A person's open forms, the one on top last."""
        with self._lock:
            return tuple(v for v in self._views.values() if v.user == user and not v.is_home)

    def home_of(self, user: str) -> View | None:
        """A person's Home tab, when the app has published one."""
        with self._lock:
            found = (v for v in self._views.values() if v.user == user and v.is_home)
            return next(found, None)

    def open_view(self, user: str, body: Json, under: View | None = None) -> View:
        """Put a form before a person, on top of `under` when it is pushed."""
        with self._lock:
            if under is None and body.get("type") == "modal":
                self.close_views(user)
            if under is not None and len(self.views_of(user)) >= MOST_VIEWS:
                raise SlackError("push_limit_reached")
            name = "V06" + secrets.token_hex(4).upper()
            view = View(
                id=name,
                user=user,
                body=_numbered(body),
                hash=self._hash(),
                root=under.root if under else name,
                previous=under.id if under else None,
            )
            self._views[name] = view
            return view

    def change_view(self, view: View, body: Json, expected: str | None = None) -> View:
        """Put another form in its place; SlackError hash_conflict when somebody was faster."""
        with self._lock:
            held = self.view(view.id)
            if expected and expected != held.hash:
                raise SlackError("hash_conflict")
            changed = replace(held, body=_numbered(body), hash=self._hash())
            self._views[view.id] = changed
            return changed

    def close_view(self, view: View) -> None:
        """Take one form away."""
        with self._lock:
            self._views.pop(view.id, None)

    def close_views(self, user: str) -> None:
        """Take every form of a person away."""
        for view in self.views_of(user):
            self.close_view(view)

    def _next_ts(self) -> str:
        self._last_ts = max(self._now(), self._last_ts + 0.000002)
        return f"{self._last_ts:.6f}"

    def _hash(self) -> str:
        return f"{int(self._now())}.{secrets.token_hex(4)}"


def _with_ids(blocks: Any) -> tuple[Json, ...]:
    """Slack names the blocks and the actions that came without a name."""
    return tuple(_named(block) for block in blocks)


def _named(block: Json) -> Json:
    named: Json = {**block, "block_id": block.get("block_id") or secrets.token_urlsafe(4)}
    for part in ("accessory", "element"):
        if part in named:
            named[part] = _acting(named[part])
    if named.get("type") == "actions":
        named["elements"] = [_acting(element) for element in named["elements"]]
    return named


def _acting(element: Json) -> Json:
    if element.get("type") == "image" or element.get("action_id"):
        return element
    return {**element, "action_id": secrets.token_urlsafe(4)}


def _numbered(body: Json) -> Json:
    return {**body, "blocks": list(_with_ids(body.get("blocks", ())))}
