"""Charts: what the stand-in takes, what it refuses, and what becomes of a refused one."""

import copy
from decimal import Decimal
from typing import Any

import pytest

from adapters.slack import Responder, SlackChat, web_client
from core.blocks import CHART, Message, line_chart, message, section
from core.ports import ChatError
from sandbox.slack.blocks import message_faults
from tests.adapters.slack_server import tiny_slack
from tests.sandbox.slack_room import LAB, TOKEN, Room

LABELS = [f"{n} Nov 09:00" for n in range(10, 25)]
PRICES = [Decimal("0.35") + Decimal(n) / 100 for n in range(15)]
LINES = line_chart(
    "g5.xlarge spot",
    LABELS,
    [("us-east-1a", PRICES), ("us-east-1b", PRICES[::-1])],
    x_label="UTC",
    y_label="USD per hour",
)
WEEK = message(section("lowest $0.35/h"), LINES)


def test_a_chart_of_ours_is_taken() -> None:
    assert message_faults([LINES]) == []


def test_a_chart_is_cut_to_what_slack_takes() -> None:
    """Whatever it is given: too many lines and points, too long names and labels."""
    many = [Decimal(n) for n in range(30)]
    made = line_chart(
        "t" * 99,
        [f"{n:02} " + "l" * 40 for n in range(30)],
        [(f"zone {n:02} " + "z" * 30, many) for n in range(9)],
        x_label="x" * 99,
        y_label="",
    )
    assert message_faults([made]) == []
    assert len(made["chart"]["series"]) == 6
    assert len(made["chart"]["axis_config"]["categories"]) == 20


def changed(**at: Any) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(LINES)
    for path, value in at.items():
        *parts, last = path.split("__")
        inside: Any = made
        for part in parts:
            inside = inside[int(part) if part.isdigit() else part]
        inside[int(last) if last.isdigit() else last] = value
    return made


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        (changed(title="t" * 51), "must be less than 51 characters"),
        (changed(chart__series__0__name="n" * 21), "must be less than 21 characters"),
        (changed(chart__series__0__name="us-east-1b"), "series names must be unique"),
        (changed(chart__series__1__data__3__label="else"), "must match axis_config.categories"),
        (changed(chart__series__1__data__3__value="0.35"), "must be a number"),
        (changed(chart__series=[]), "no fewer than 1 items"),
        (changed(chart__type="radar"), "unsupported type: radar"),
        (changed(chart__series=LINES["chart"]["series"] * 4), "no more than 6 items"),
    ],
)
def test_what_slack_refuses_of_a_chart_is_refused(block: dict[str, Any], fault: str) -> None:
    assert fault in str(message_faults([block])[0])


def test_a_message_holds_two_charts_and_a_form_none() -> None:
    assert message_faults([LINES, LINES]) == []
    assert "no more than 2" in str(message_faults([LINES] * 3)[0])


def test_a_chart_goes_to_the_channel_and_stands_there(room: Room) -> None:
    chat = SlackChat(web_client(TOKEN, f"{room.url}/api/"), "T1", Responder(f"{room.url}/api/"))
    chat.post(LAB, WEEK)
    (shown,) = [m for m in room.state()["messages"] if m.get("blocks")]
    assert [block["type"] for block in shown["blocks"]] == ["section", CHART]


@pytest.mark.parametrize("way", ["post", "update", "respond"])
def test_where_slack_has_no_charts_the_message_goes_without(way: str) -> None:
    with tiny_slack() as slack:
        chat = SlackChat(web_client(TOKEN, slack.api), "T1", Responder(slack.api))
        place = chat.post("C1", Message(text="soon"))
        if way == "respond":
            slack.refusals.append((400, {}, "invalid_blocks"))
            chat.respond(f"{slack.base}/response/1", WEEK)
            (sent,) = slack.responses["/response/1"]
        else:
            slack.refusals.append((200, {}, '{"ok": false, "error": "invalid_blocks"}'))
            place = chat.post("C1", WEEK) if way == "post" else place
            if way == "update":
                chat.update(place, WEEK)
            sent = slack.messages[place.channel, place.ts]
        assert [block["type"] for block in sent["blocks"]] == ["section"]
        assert sent["text"] == WEEK.text


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("invalid_blocks", Message(text="hello", blocks=(section("hello"),))),
        ("msg_too_long", WEEK),
    ],
)
def test_any_other_refusal_stays_one(said: str, given: Message) -> None:
    with tiny_slack() as slack:
        chat = SlackChat(web_client(TOKEN, slack.api), "T1", Responder(slack.api))
        slack.refusals.append((200, {}, f'{{"ok": false, "error": "{said}"}}'))
        with pytest.raises(ChatError) as caught:
            chat.post("C1", given)
        assert caught.value.code == said
        assert slack.methods() == ["chat.postMessage"]
