"""What a person does in Slack — type, click, send a form, open Home — as the request it becomes."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

from sandbox.slack.delivery import TIMEOUT, Delivery, Outcome
from sandbox.slack.inputs import Impossible, acted, element_of, values_of
from sandbox.slack.model import (
    APP_ID,
    BOT_USER,
    COMMAND,
    FOREIGN_TEAM_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    ChannelKind,
    Json,
    Post,
    SlackError,
    User,
    View,
)
from sandbox.slack.shapes import post_json
from sandbox.slack.web_api import checked_view, content
from sandbox.slack.workspace import Workspace

TROUBLE = "We had some trouble connecting. Try again?"
SLOW = "Operation timed out. Apps need to respond within three seconds."


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody and where they are looking."""

    user: User
    channel: Channel


class Gestures:
    """A person's hands. `origin` is this server's own address, for the response_url.

    `verification` is the deprecated token that Slack still puts into every payload.
    """

    def __init__(self, workspace: Workspace, delivery: Delivery, verification: str) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._verification = verification

    def place(self, user: object, channel: object) -> Person:
        """Who and where, by name or id; Impossible when not there or not a member."""
        person = self.person(user)
        try:
            found = self._workspace.channel(str(channel))
        except SlackError as refused:
            raise Impossible(404, refused.code, f"no channel {channel!r}") from refused
        if person.id not in found.members:
            words = f"{person.name} is not in {found.name}"
            raise Impossible(403, "not_in_channel", words)
        return Person(user=person, channel=found)

    def person(self, user: object) -> User:
        """Somebody by name or id; Impossible for an unknown one or an app."""
        try:
            person = self._workspace.user(str(user))
        except SlackError as refused:
            raise Impossible(404, refused.code, f"no user {user!r}") from refused
        if person.is_bot or person.name == "slackbot":
            raise Impossible(403, "not_allowed", f"{person.name} is not a person")
        return person

    def say(self, who: Person, text: str, thread_ts: str | None = None) -> Json:
        """An ordinary message; the app hears nothing of it."""
        if thread_ts is not None:
            self._message(who, thread_ts)
        post = self._workspace.typed(who.channel.id, who.user.id, text, thread_ts)
        return {"ts": post.ts}

    def dismiss(self, who: Person, ts: str) -> None:
        """The small "Dismiss" under a message that only one person sees."""
        post = self._message(who, ts)
        if post.only_for is None:
            raise Impossible(409, "not_ephemeral", "everybody sees that message")
        self._workspace.remove(post)

    def slash(self, who: Person, command: str, text: str, origin: str) -> Json:
        """A slash command. The answer is the acknowledgement, and what Slack showed for it."""
        if command != COMMAND:
            words = f"`{command}` is not a valid command."
            self._workspace.tell(who.channel.id, who.user.id, words)
            raise Impossible(404, "unknown_command", words)
        secret = self._workspace.new_response(who.channel.id, who.user.id)
        direct = who.channel.kind is ChannelKind.DIRECT
        private = who.channel.kind is ChannelKind.PRIVATE
        form = {
            "token": self._verification,
            "team_id": who.user.team_id,
            "team_domain": _domain(who.user),
            "channel_id": who.channel.id,
            "channel_name": "directmessage"
            if direct
            else ("privategroup" if private else who.channel.name),
            "user_id": who.user.id,
            "user_name": who.user.name,
            "command": command,
            "text": self._workspace.escaped(text.strip()),
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": f"{origin}/response/{secret}",
            "trigger_id": self._workspace.new_trigger(who.user.id),
        }
        what = f"{command} {text.split(maxsplit=1)[0] if text.strip() else ''}".strip()
        # Between Slack and a real queue the acknowledgement is always first; here both are so near
        # that the answer may overtake it.
        at = self._workspace.hold_place()
        outcome = self._delivery.send("command", what, urlencode(form).encode())
        return outcome.json() | {"shown": self._show_ack(who, command, text, outcome, at)}

    def _show_ack(
        self, who: Person, command: str, text: str, outcome: Outcome, at: str
    ) -> str | None:
        """What Slack shows for the answer to a command."""
        channel, user = who.channel.id, who.user.id
        error = outcome.error
        answer = None if error else _answer(outcome.body)
        if answer is None and not error:
            error = "dispatch_failed"
        if error or answer is None:
            words = f'{command} failed with the error "{error}"'
            self._workspace.tell(channel, user, words)
            return words
        public = answer.get("response_type") == "in_channel"
        if public:
            self._workspace.typed(channel, user, f"{command} {text}".strip())
        if not answer.get("text") and not answer.get("blocks"):
            return None
        try:
            words, blocks = content(answer)
        except SlackError as refused:
            shown = f'{command} failed with the error "{refused.code}"'
            self._workspace.tell(channel, user, shown)
            return shown
        only_for = None if public else user
        place = None if public else at
        self._workspace.add(channel, BOT_USER, words, blocks=blocks, only_for=only_for, ts=place)
        return words

    def click(self, who: Person, ts: str, asked: Json, origin: str) -> Json:
        """A button or menu in a message. `asked` has action_id and, for a menu, the value."""
        post = self._message(who, ts)
        named = str(asked.get("action_id"))
        block_id, element = element_of(post.blocks, named, asked.get("value"))
        action = acted(block_id, element, asked.get("value"), self._stamp())
        secret = self._workspace.new_response(who.channel.id, who.user.id, post.ts)
        container = {
            "type": "message",
            "message_ts": post.ts,
            "channel_id": who.channel.id,
            "is_ephemeral": post.only_for is not None,
        }
        if post.is_reply:
            container["thread_ts"] = post.thread_ts
        payload = self._payload("block_actions", who.user) | {
            "container": container,
            "channel": {"id": who.channel.id, "name": who.channel.name},
            "state": {"values": {}},
            "response_url": f"{origin}/response/{secret}",
            "actions": [action],
        }
        # Slack leaves the message out when only one person can see it.
        if post.only_for is None:
            payload["message"] = post_json(self._workspace, post)
        return self._interact("click", action["action_id"], payload)

    def click_view(self, user: User, view_id: str, asked: Json) -> Json:
        """A button or menu in a form or on the Home tab."""
        view = self._view(user, view_id)
        block_id, element = element_of(
            tuple(view.body["blocks"]), str(asked.get("action_id")), asked.get("value")
        )
        action = acted(block_id, element, asked.get("value"), self._stamp())
        payload = self._payload("block_actions", user) | {
            "container": {"type": "view", "view_id": view.id},
            "view": view.json() | {"state": {"values": values_of(view, asked.get("values"))}},
            "actions": [action],
        }
        return self._interact("click", action["action_id"], payload)

    def submit(self, user: User, view_id: str, values: object) -> Json:
        """The submit button of a form, with Slack's response actions carried out."""
        view = self._view(user, view_id)
        payload = self._payload("view_submission", user) | {
            "view": view.json() | {"state": {"values": values_of(view, values)}},
            "response_urls": [],
        }
        shown = self._interact("form", str(view.body.get("callback_id", "")), payload)
        if not shown["delivered"]:
            return shown
        return shown | self._respond_to_form(user, view, str(shown["body"]))

    def close(self, user: User, view_id: str) -> Json:
        """The close button of a form; told to the app only when the form asks for that."""
        view = self._view(user, view_id)
        self._workspace.close_view(view)
        if not view.body.get("notify_on_close"):
            return {"closed": True}
        payload = self._payload("view_closed", user) | {"view": view.json(), "is_cleared": False}
        payload.pop("trigger_id")
        return self._interact("form closed", str(view.body.get("callback_id", "")), payload)

    def home(self, user: User) -> Json:
        """The Home tab is opened. A failed event is tried once more at once, as Slack does."""
        home = self._workspace.home_of(user.id)
        event: Json = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": self._workspace.direct(user.id).id,
            "tab": "home",
            "event_ts": self._stamp(),
        }
        if home is not None:
            event["view"] = home.json()
        envelope = {
            "token": self._verification,
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{uuid4().hex[:10].upper()}",
            "event_time": int(self._workspace.now()),
            "is_ext_shared_channel": False,
            "authorizations": [
                {"team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True},
            ],
        }
        return self._delivery.event("app_home_opened", json.dumps(envelope).encode()).json()

    def _interact(self, kind: str, what: str, payload: Json) -> Json:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        outcome = self._delivery.send(kind, what, body)
        words = {None: None, TIMEOUT: SLOW}.get(outcome.error, TROUBLE)
        return outcome.json() | {"shown": words}

    def _respond_to_form(self, user: User, view: View, body: str) -> Json:
        answer = _answer(body) if body.strip() else {}
        if answer is None or "text" in answer:
            return {"shown": TROUBLE}
        action = answer.get("response_action")
        try:
            if action == "errors":
                return {"errors": answer.get("errors", {}), "shown": None}
            if action == "update":
                self._workspace.change_view(view, checked_view(answer.get("view"), "modal"))
            elif action == "push":
                opened = checked_view(answer.get("view"), "modal")
                self._workspace.open_view(user.id, opened, view)
            elif action == "clear":
                self._workspace.close_views(user.id)
            else:
                self._workspace.close_view(view)
        except SlackError as refused:
            return {"shown": TROUBLE, "refused": refused.code, "messages": refused.messages}
        return {"shown": None}

    def _payload(self, kind: str, user: User) -> Json:
        team = {"id": user.team_id, "domain": _domain(user)}
        who = {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}
        return {
            "type": kind,
            "user": who,
            "api_app_id": APP_ID,
            "token": self._verification,
            "team": team,
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._workspace.new_trigger(user.id),
        }

    def _message(self, who: Person, ts: str) -> Post:
        try:
            post = self._workspace.find(who.channel.id, ts)
        except SlackError as refused:
            raise Impossible(404, refused.code, f"no message {ts} there") from refused
        if post.only_for not in (None, who.user.id):
            raise Impossible(404, "message_not_found", f"{who.user.name} does not see {ts}")
        return post

    def _view(self, user: User, view_id: str) -> View:
        try:
            view = self._workspace.view(view_id)
        except SlackError as refused:
            raise Impossible(404, refused.code, f"no view {view_id}") from refused
        if view.user != user.id:
            raise Impossible(404, "not_found", f"{user.name} does not see {view_id}")
        return view

    def _stamp(self) -> str:
        return f"{self._workspace.now():.6f}"


def _domain(user: User) -> str:
    return "elsewhere" if user.team_id == FOREIGN_TEAM_ID else TEAM_DOMAIN


def _answer(body: str) -> Json | None:
    """An acknowledgement's body: text, or JSON. None when it is broken JSON."""
    if not body.lstrip().startswith("{"):
        return {"text": body}
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
