"""One set of promises, held by the chat in memory and by the adapter over two Slacks alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.slack import Responder, SlackChat, web_client
from core.blocks import Message, home, section
from core.files import File
from core.model import Person, Place
from core.ports import Chat, ChatError, NotInChannel
from sim.chat import MemoryChat
from tests.adapters.slack_server import TinySlack, tiny_slack
from tests.sandbox.slack_room import LAB, RANDOM, TOKEN, opened_room, stages
from tests.sandbox.slack_room import Room as StandIn

HELLO = Message(text="hello", blocks=(section("hello"),))
BYE = Message(text="bye")
TABLE = File(name="gpu.csv", title="Spending", text="a,b\r\n", said="This month")
HOME = home(section("hello"))
ADA = Person(id="U1", team_id="T1", name="ada", tz="Europe/London", active=True, member=True)
GUS = Person(id="U2", team_id="T1", name="gus", tz="UTC", active=True, member=False)


@dataclass(frozen=True, kw_only=True)
class Room:
    """A chat, the switches of the world behind it, and who and what is there."""

    chat: Chat
    response_url: str
    take_down: Callable[[], object]
    text_at: Callable[[Place], str]
    group: str = "S1"  # with ada in it, and one that is not there
    channel: str = "C1"
    closed: str = "C9"  # the bot is not in it
    ada: Person = ADA
    gus: Person = GUS


@pytest.fixture(params=["memory", "http", "stand-in"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    if request.param == "memory":
        yield _in_memory()
    elif request.param == "http":
        with tiny_slack() as slack:
            yield _over_http(slack)
    else:
        with stages() as both, opened_room(*both) as stand_in:
            yield _over_the_stand_in(stand_in)


def _in_memory() -> Room:
    chat = MemoryChat(closed={"C9"}, groups={"S1": frozenset({"U1"})})
    chat.add(ADA, GUS)

    def take_down() -> None:
        chat.down = True

    def text_at(place: Place) -> str:
        return next(p.message.text for p in chat.channel(place.channel) if p.place == place)

    return Room(
        chat=chat, response_url="https://hooks.slack.com/x", take_down=take_down, text_at=text_at
    )


def _over_http(slack: TinySlack) -> Room:
    slack.closed.add("C9")
    slack.tells_scopes = True
    slack.groups["S1"] = ["U1"]
    slack.people["U1"] = {
        "id": "U1",
        "team_id": "T1",
        "name": "ada",
        "tz": "Europe/London",
        "profile": {"display_name": ""},
    }
    slack.people["U2"] = {"id": "U2", "team_id": "T1", "name": "gus", "is_restricted": True}

    def take_down() -> None:
        slack.down = True

    def text_at(place: Place) -> str:
        return str(slack.messages[place.channel, place.ts]["text"])

    return Room(
        chat=SlackChat(web_client("xoxb-test", slack.api), "T1", Responder(slack.api)),
        response_url=f"{slack.base}/response/1",
        take_down=take_down,
        text_at=text_at,
    )


def _over_the_stand_in(stand_in: StandIn) -> Room:
    api = f"{stand_in.url}/api/"
    chat = SlackChat(web_client(TOKEN, api), "", Responder(api))
    stand_in.do("slash", user="ada", channel="gpu-lab", text="list")
    people = {u["name"]: u for u in stand_in.bot.users_list()["members"]}

    def text_at(place: Place) -> str:
        answer = stand_in.bot.conversations_replies(channel=place.channel, ts=place.ts)
        return str(next(m["text"] for m in answer["messages"] if m["ts"] == place.ts))

    return Room(
        chat=chat,
        response_url=stand_in.door.seen[-1].form()["response_url"],
        take_down=lambda: stand_in.do("settings", slack_down=True),
        text_at=text_at,
        group="S06MLTEAM1",
        channel=LAB,
        closed=RANDOM,
        ada=_as_listed(people["ada"], member=True),
        gus=_as_listed(people["gus"], member=False),
    )


def _as_listed(user: dict[str, Any], *, member: bool) -> Person:
    return Person(
        id=user["id"],
        team_id=user["team_id"],
        name=user["profile"]["display_name"] or user["real_name"],
        tz=user["tz"],
        active=True,
        member=member,
    )


def test_a_message_stands_where_it_was_posted(room: Room) -> None:
    first = room.chat.post(room.channel, HELLO)
    second = room.chat.post(room.channel, BYE, first.ts)
    assert first.channel == second.channel == room.channel
    assert first.ts != second.ts
    assert (room.text_at(first), room.text_at(second)) == ("hello", "bye")


def test_a_message_is_edited_in_place(room: Room) -> None:
    place = room.chat.post(room.channel, HELLO)
    room.chat.update(place, BYE)
    assert room.text_at(place) == "bye"


def test_a_message_that_is_gone_cannot_be_edited(room: Room) -> None:
    with pytest.raises(ChatError) as caught:
        room.chat.update(Place(channel=room.channel, ts="1.1"), BYE)
    assert caught.value.code == "message_not_found"


def test_a_channel_without_the_bot_is_told_from_other_trouble(room: Room) -> None:
    with pytest.raises(NotInChannel) as caught:
        room.chat.post(room.closed, HELLO)
    assert caught.value.code == "not_in_channel"


def test_direct_messages_have_a_place_of_their_own_that_can_be_edited(room: Room) -> None:
    place = room.chat.dm(room.ada.id, HELLO)
    assert place.channel.startswith("D")
    assert room.chat.dm(room.ada.id, BYE).channel == place.channel
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
    assert caught.value.code == "used_url"


def test_people_are_who_slack_says_they_are(room: Room) -> None:
    assert room.chat.person(room.ada.id) == room.ada
    assert room.chat.person(room.gus.id) == room.gus
    with pytest.raises(ChatError) as caught:
        room.chat.person("U404")
    assert caught.value.code == "user_not_found"


def test_a_file_and_a_home_tab_are_for_people_whom_slack_knows(room: Room) -> None:
    room.chat.upload(room.ada.id, TABLE)
    room.chat.publish(room.ada.id, HOME)
    calls: list[Callable[[], object]] = [
        lambda: room.chat.upload("U404", TABLE),
        lambda: room.chat.publish("U404", HOME),
    ]
    for call in calls:
        with pytest.raises(ChatError) as caught:
            call()
        assert caught.value.code == "user_not_found"


def test_when_slack_is_down_every_call_is_a_chat_error(room: Room) -> None:
    place = room.chat.post(room.channel, HELLO)
    room.take_down()
    calls: list[Callable[[], object]] = [
        lambda: room.chat.post(room.channel, HELLO),
        lambda: room.chat.update(place, BYE),
        lambda: room.chat.dm(room.ada.id, HELLO),
        lambda: room.chat.respond(room.response_url, HELLO),
        lambda: room.chat.person(room.ada.id),
        lambda: room.chat.upload(room.ada.id, TABLE),
        lambda: room.chat.publish(room.ada.id, HOME),
    ]
    for call in calls:
        with pytest.raises(ChatError):
            call()


def test_who_is_in_a_user_group_is_told(room: Room) -> None:
    members = room.chat.group_members(room.group)
    assert room.ada.id in members
    assert room.gus.id not in members


def test_a_user_group_that_is_not_there_is_an_error(room: Room) -> None:
    with pytest.raises(ChatError) as caught:
        room.chat.group_members("S0GONE0000")
    assert caught.value.code == "no_such_subteam"


def test_while_slack_is_down_nobody_is_in_any_group(room: Room) -> None:
    room.take_down()
    with pytest.raises(ChatError):
        room.chat.group_members(room.group)


def test_a_whisper_reaches_one_person_where_the_bot_is(room: Room) -> None:
    room.chat.whisper(room.channel, room.ada.id, HELLO)
    with pytest.raises(NotInChannel):
        room.chat.whisper(room.closed, room.ada.id, HELLO)


def test_the_scopes_are_told(room: Room) -> None:
    assert {"chat:write", "users:read"} <= room.chat.scopes()
    room.take_down()
    with pytest.raises(ChatError):
        room.chat.scopes()
