"""Block Kit's limits, one by one."""

from typing import Any

import pytest

from sandbox.slack.blocks import message_faults, view_faults

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def rich(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain("Stop"), "action_id": "stop", "value": "m"} | more


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more: Any) -> Json:
    words = {"title": plain("t"), "text": rich("x"), "confirm": plain("y"), "deny": plain("n")}
    return words | more


def first(*blocks: Json) -> str:
    faults = message_faults(list(blocks))
    return str(faults[0]) if faults else ""


GOOD: list[Json] = [
    {"type": "header", "text": plain("x" * 150)},
    {"type": "section", "text": rich("x" * 3000), "block_id": "b" * 255},
    {"type": "section", "fields": [rich("x" * 2000)] * 10},
    {"type": "section", "text": plain("x"), "accessory": button(confirm=confirm())},
    {"type": "divider"},
    {"type": "context", "elements": [rich("x")] * 10},
    {"type": "image", "image_url": "https://a.b/c.png", "alt_text": "a chart"},
    actions(*(button(action_id=f"a{n}", style="primary") for n in range(25))),
    actions(
        {
            "type": "static_select",
            "action_id": "s",
            "options": [{"text": plain("one"), "value": "1"}] * 100,
        }
    ),
    actions(button(url="vscode://vscode-remote/ssh-remote+ubuntu@1.2.3.4/home/ubuntu")),
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: str(block["type"]))
def test_what_slack_takes_is_taken(block: Json) -> None:
    assert message_faults([block]) == []


WRONG: list[tuple[Json, str]] = [
    ({"type": "header", "text": rich("x")}, "unsupported type: mrkdwn"),
    ({"type": "header", "text": plain("x" * 151)}, "must be less than 151 characters"),
    ({"type": "section"}, "missing required field: text"),
    ({"type": "section", "text": rich("")}, "must be more than 0 characters"),
    ({"type": "section", "text": rich("x" * 3001)}, "must be less than 3001 characters"),
    ({"type": "section", "fields": [rich("x")] * 11}, "no more than 10 items allowed"),
    ({"type": "section", "fields": [rich("x" * 2001)]}, "must be less than 2001 characters"),
    ({"type": "section", "text": "x"}, "must be an object"),
    ({"type": "divider", "text": rich("x")}, "invalid additional property: text"),
    ({"type": "context", "elements": [rich("x")] * 11}, "no more than 10 items allowed"),
    ({"type": "context", "elements": [button()]}, "unsupported type: button"),
    ({"type": "actions", "elements": []}, "no fewer than 1 items required"),
    (actions(*[button()] * 26), "no more than 25 items allowed"),
    (actions(button(), button()), '`action_id` "stop" already exists'),
    (actions(button(text=rich("x"))), "unsupported type: mrkdwn"),
    (actions(button(text=plain("x" * 76))), "must be less than 76 characters"),
    (actions(button(value="x" * 2001)), "must be less than 2001 characters"),
    (actions(button(action_id="x" * 256)), "must be less than 256 characters"),
    (actions(button(style="warning")), "must be one of: primary, danger"),
    (actions(button(disabled=True)), "invalid additional property: disabled"),
    (actions(button(url="not an address")), "must be a valid value"),
    (actions(button(confirm=confirm(title=plain("x" * 101)))), "must be less than 101"),
    (actions(button(confirm=confirm(text=rich("x" * 301)))), "must be less than 301"),
    (actions(button(confirm=confirm(deny=plain("x" * 31)))), "must be less than 31"),
    (actions(button(confirm={"title": plain("x")})), "missing required field: text"),
    ({"type": "image", "image_url": "https://a.b/c.png"}, "missing required field: alt_text"),
    ({"type": "video"}, "unsupported type: video"),
    ({}, "unsupported type: None"),
]


@pytest.mark.parametrize(("block", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_slack_refuses_is_refused_in_its_words(block: Json, words: str) -> None:
    assert first(block).startswith(words)


def test_the_fault_says_where_it_is() -> None:
    assert first(actions(button(text=plain("")))).endswith("/blocks/0/elements/0/text/text]")


def test_a_message_has_fifty_blocks_with_names_of_their_own() -> None:
    assert message_faults([{"type": "divider"}] * 50) == []
    assert (
        first(*[{"type": "divider"}] * 51) == "no more than 50 items allowed [json-pointer:/blocks]"
    )
    assert "already exists" in first(*[{"type": "divider", "block_id": "b"}] * 2)


def test_only_a_list_is_a_list_of_blocks() -> None:
    assert [str(fault) for fault in message_faults({"type": "divider"})] == [
        "must be an array [json-pointer:/blocks]"
    ]


INPUT: Json = {
    "type": "input",
    "block_id": "name",
    "label": plain("Name"),
    "element": {"type": "plain_text_input", "action_id": "name"},
}


def modal(**more: Any) -> Json:
    return {
        "type": "modal",
        "title": plain("Launch"),
        "blocks": [INPUT],
        "submit": plain("Go"),
    } | more


def test_a_form_is_taken_with_a_submit_and_a_short_title() -> None:
    assert view_faults(modal()) == []
    assert "less than 25" in str(view_faults(modal(title=plain("x" * 25)))[0])
    without = {k: v for k, v in modal().items() if k != "submit"}
    assert [f.message for f in view_faults(without)] == ["missing required field: submit"]
    assert view_faults(modal(private_metadata="x" * 3001))
    assert view_faults(modal(blocks=[{"type": "divider"}] * 101))
    assert view_faults({"type": "home", "blocks": [{"type": "divider"}]}) == []
    assert view_faults("x")


def test_a_datetime_picker_stands_in_actions_with_a_moment_of_ten_digits() -> None:
    def picker(**more: Any) -> Json:
        return {"type": "datetimepicker", "action_id": "until/m:1"} | more

    assert first(actions(picker(initial_date_time=1_795_000_000, confirm=confirm()))) == ""
    assert "initial_date_time" in first(actions(picker(initial_date_time=1_795_000)))
    assert first(actions(picker(placeholder=plain("When?")))) != ""
    assert first({"type": "section", "text": rich("x"), "accessory": picker()}) != ""
