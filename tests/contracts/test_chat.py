"""One set of promises, held by the chat in memory and by the Slack adapter over HTTP alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from adapters.slack import Responder, SlackChat, web_client
from core.blocks import Message, section
from core.model import Person, Place
from core.ports import Chat, ChatError, NotInChannel
from sim.chat import MemoryChat
from tests.adapters.slack_server import TinySlack, tiny_slack

HELLO = Message(text="hello", blocks=(section("hello"),))
BYE = Message(text="bye")
ADA = Person(id="U1", team_id="T1", name="ada", tz="Europe/London", active=True, member=True)
GUS = Person(id="U2", team_id="T1", name="gus", tz="UTC", active=True, member=False)


@dataclass(frozen=True)
class Room:
    """A chat, and the switches of the world behind it."""

    chat: Chat
    response_url: str
    close: Callable[[str], None]
    take_down: Callable[[], None]
    text_at: Callable[[Place], str]


@pytest.fixture(params=["memory", "slack"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    if request.param == "memory":
        yield _in_memory()
        return
    with tiny_slack() as slack:
        yield _over_http(slack)


def _in_memory() -> Room:
    chat = MemoryChat()
    chat.add(ADA, GUS)

    def take_down() -> None:
        chat.down = True

    def text_at(place: Place) -> str:
        return next(p.message.text for p in chat.channel(place.channel) if p.place == place)

    return Room(chat, "https://hooks.slack.com/x", chat.closed.add, take_down, text_at)


def _over_http(slack: TinySlack) -> Room:
    slack.people["U1"] = {
        "id": "U1",
        "team_id": "T1",
        "name": "ada",
        "tz": "Europe/London",
        "profile": {"display_name": ""},
    }
    slack.people["U2"] = {"id": "U2", "team_id": "T1", "name": "gus", "is_restricted": True}
    chat = SlackChat(web_client("xoxb-test", slack.api), "T1", Responder(slack.api))

    def take_down() -> None:
        slack.down = True

    def text_at(place: Place) -> str:
        return str(slack.messages[place.channel, place.ts]["text"])

    return Room(chat, f"{slack.base}/response/1", slack.closed.add, take_down, text_at)


def test_a_message_stands_where_it_was_posted(room: Room) -> None:
    first = room.chat.post("C1", HELLO)
    second = room.chat.post("C1", BYE, first.ts)
    assert first.channel == second.channel == "C1"
    assert first.ts != second.ts
    assert (room.text_at(first), room.text_at(second)) == ("hello", "bye")


def test_a_message_is_edited_in_place(room: Room) -> None:
    place = room.chat.post("C1", HELLO)
    room.chat.update(place, BYE)
    assert room.text_at(place) == "bye"


def test_a_message_that_is_gone_cannot_be_edited(room: Room) -> None:
    with pytest.raises(ChatError) as caught:
        room.chat.update(Place(channel="C1", ts="1.1"), BYE)
    assert caught.value.code == "message_not_found"


def test_a_channel_without_the_bot_is_told_from_other_trouble(room: Room) -> None:
    room.close("C9")
    with pytest.raises(NotInChannel) as caught:
        room.chat.post("C9", HELLO)
    assert caught.value.code == "not_in_channel"


def test_direct_messages_have_a_place_of_their_own_that_can_be_edited(room: Room) -> None:
    place = room.chat.dm("U1", HELLO)
    assert place.channel.startswith("D")
    assert room.chat.dm("U1", BYE).channel == place.channel
    room.chat.update(place, BYE)
    assert room.text_at(place) == "bye"


def test_a_stranger_has_no_direct_messages(room: Room) -> None:
    with pytest.raises(ChatError) as caught:
        room.chat.dm("U404", HELLO)
    assert caught.value.code == "user_not_found"


def test_a_response_url_takes_five_answers(room: Room) -> None:
    for _ in range(5):
        room.chat.respond(room.response_url, HELLO)
    with pytest.raises(ChatError) as caught:
        room.chat.respond(room.response_url, HELLO)
    assert caught.value.code == "expired_url"


def test_people_are_who_slack_says_they_are(room: Room) -> None:
    assert room.chat.person("U1") == ADA
    assert room.chat.person("U2") == GUS
    with pytest.raises(ChatError) as caught:
        room.chat.person("U404")
    assert caught.value.code == "user_not_found"


def test_when_slack_is_down_every_call_is_a_chat_error(room: Room) -> None:
    place = room.chat.post("C1", HELLO)
    room.take_down()
    calls: list[Callable[[], object]] = [
        lambda: room.chat.post("C1", HELLO),
        lambda: room.chat.update(place, BYE),
        lambda: room.chat.dm("U1", HELLO),
        lambda: room.chat.respond(room.response_url, HELLO),
        lambda: room.chat.person("U1"),
    ]
    for call in calls:
        with pytest.raises(ChatError):
            call()
