"""The Web API answers and refuses as Slack does, seen through Slack's own client."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block

from tests.sandbox.slack_room import ADA, LAB, LIN, RANDOM, STAFF, TOKEN, Room

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}


def refused(call: object, **given: object) -> str:
    assert callable(call)
    with pytest.raises(SlackApiError) as caught:
        call(**given)
    return str(caught.value.response["error"])


def test_a_message_is_posted_edited_and_found_in_the_history(room: Room) -> None:
    posted = room.bot.chat_postMessage(channel=LAB, text="hello", blocks=[SECTION])
    room.bot.chat_update(channel=LAB, ts=str(posted["ts"]), text="bye", blocks=[SECTION])
    found = room.bot.conversations_history(channel=LAB)["messages"]
    assert [(m["text"], m["ts"]) for m in found] == [("bye", posted["ts"])]
    assert found[0]["edited"]["user"] == found[0]["user"]
    assert found[0]["bot_id"]


def test_a_thread_is_kept_out_of_the_history_and_given_by_replies(room: Room) -> None:
    first = str(room.bot.chat_postMessage(channel=LAB, text="first")["ts"])
    room.bot.chat_postMessage(channel=LAB, text="second", thread_ts=first)
    [top] = room.bot.conversations_history(channel=LAB)["messages"]
    assert (top["text"], top["reply_count"]) == ("first", 1)
    replies = room.bot.conversations_replies(channel=LAB, ts=first)["messages"]
    assert [m["text"] for m in replies] == ["first", "second"]


def test_history_comes_in_pages_newest_first(room: Room) -> None:
    for n in range(5):
        room.bot.chat_postMessage(channel=LAB, text=str(n))
    page = room.bot.conversations_history(channel=LAB, limit=3)
    assert [m["text"] for m in page["messages"]] == ["4", "3", "2"]
    cursor = page["response_metadata"]["next_cursor"]
    rest = room.bot.conversations_history(channel=LAB, limit=3, cursor=cursor)
    assert [m["text"] for m in rest["messages"]] == ["1", "0"]
    assert not rest["has_more"]


def test_the_token_is_needed_and_must_be_right(room: Room) -> None:
    assert room.http.post("/api/auth.test").json() == {"ok": False, "error": "not_authed"}
    assert refused(WebClient("xoxb-no", base_url=f"{room.url}/api/").auth_test) == "invalid_auth"
    assert room.bot.auth_test()["team_id"] == "T06GPULAB01"


def test_forms_json_and_a_token_in_the_form_are_all_understood(room: Room) -> None:
    form = {"token": TOKEN, "channel": LAB, "text": "form", "blocks": ""}
    assert room.http.post("/api/chat.postMessage", data=form).json()["ok"]
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    sent = {"channel": LAB, "text": "json"}
    assert room.http.post("/api/chat.postMessage", json=sent, headers=headers).json()["ok"]
    odd = room.http.post("/api/auth.test", content=b"x", headers={"Content-Type": "text/csv"})
    assert odd.json()["error"] == "invalid_post_type"


def test_an_unknown_method_is_named_as_such(room: Room) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    found = room.http.post("/api/chat.shout", headers=headers).json()
    assert (found["error"], found["req_method"]) == ("unknown_method", "chat.shout")


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        (RANDOM, "not_in_channel"),
        ("D06ADA00L1N", "channel_not_found"),
        ("C0NOWHERE00", "channel_not_found"),
        ("gpu-lab", "channel_not_found"),
    ],
)
def test_the_bot_posts_only_where_it_is(room: Room, channel: str, error: str) -> None:
    assert refused(room.bot.chat_postMessage, channel=channel, text="x") == error


def test_the_bot_is_in_the_private_channel_and_in_direct_messages(room: Room) -> None:
    assert room.bot.chat_postMessage(channel=STAFF, text="x")["ok"]
    opened = room.bot.conversations_open(users=ADA)["channel"]["id"]
    assert room.bot.chat_postMessage(channel=ADA, text="x")["channel"] == opened
    assert room.texts("ada", opened) == ["x"]


def test_words_are_needed_and_have_an_end(room: Room) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    empty = room.http.post("/api/chat.postMessage", json={"channel": LAB}, headers=headers)
    assert empty.json()["error"] == "no_text"
    assert refused(room.bot.chat_postMessage, channel=LAB, text="x" * 40_001) == "msg_too_long"
    ts = room.bot.chat_postMessage(channel=LAB, text="x")["ts"]
    longer = refused(room.bot.chat_update, channel=LAB, ts=ts, text="x" * 4_001)
    assert longer == "msg_too_long"


def test_only_the_bots_own_living_messages_can_be_edited_or_deleted(room: Room) -> None:
    said = room.do("say", user="ada", text="mine").json()["ts"]
    assert refused(room.bot.chat_update, channel=LAB, ts=said, text="x") == "cant_update_message"
    assert refused(room.bot.chat_delete, channel=LAB, ts=said) == "cant_delete_message"
    assert refused(room.bot.chat_update, channel=LAB, ts="1.2", text="x") == "message_not_found"
    own = room.bot.chat_postMessage(channel=LAB, text="x")["ts"]
    room.bot.chat_delete(channel=LAB, ts=str(own))
    assert refused(room.bot.chat_update, channel=LAB, ts=own, text="x") == "message_not_found"


def test_an_ephemeral_is_seen_by_one_listed_by_none_and_never_edited(room: Room) -> None:
    ts = str(room.bot.chat_postEphemeral(channel=LAB, user=ADA, text="psst")["message_ts"])
    assert room.texts("ada") == ["psst"]
    assert room.texts("lin") == []
    assert room.bot.conversations_history(channel=LAB)["messages"] == []
    assert refused(room.bot.chat_update, channel=LAB, ts=ts, text="x") == "message_not_found"
    outside = refused(room.bot.chat_postEphemeral, channel=STAFF, user=LIN, text="x")
    assert outside == "user_not_in_channel"


def test_a_thread_must_exist(room: Room) -> None:
    missing = refused(room.bot.chat_postMessage, channel=LAB, text="x", thread_ts="1.2")
    assert missing == "invalid_thread_ts"
    assert refused(room.bot.conversations_replies, channel=LAB, ts="1.2") == "thread_not_found"


def test_wrong_blocks_are_refused_with_the_place_of_the_fault(room: Room) -> None:
    with pytest.raises(SlackApiError) as caught:
        room.bot.chat_postMessage(channel=LAB, text="x", blocks=[{"type": "nope"}])
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    [message] = answer["response_metadata"]["messages"]
    assert message == "[ERROR] unsupported type: nope [json-pointer:/blocks/0/type]"


def test_more_than_one_post_a_second_is_held_back_after_a_burst(room: Room) -> None:
    for n in range(5):
        room.bot.chat_postMessage(channel=LAB, text=str(n))
    with pytest.raises(SlackApiError) as caught:
        room.bot.chat_postMessage(channel=LAB, text="too much")
    assert caught.value.response.status_code == 429
    assert caught.value.response["error"] == "ratelimited"
    wait = int(caught.value.response.headers["retry-after"])
    room.clock.ahead += wait
    assert room.bot.chat_postMessage(channel=LAB, text="again")["ok"]
    assert room.bot.chat_postMessage(channel=STAFF, text="another channel")["ok"]


def test_people_are_told_with_zone_role_and_team(room: Room) -> None:
    people = {m["name"]: m for m in room.bot.users_list()["members"]}
    assert people["ada"]["tz"] == "Europe/London"
    assert people["lin"]["tz_offset"] in (-8 * 3600, -7 * 3600)
    assert people["sam"]["is_admin"]
    assert people["gus"]["is_restricted"]
    assert people["eve"]["is_stranger"]
    assert room.bot.users_info(user=ADA)["user"] == people["ada"]
    assert refused(room.bot.users_info, user="U0NOBODY000") == "user_not_found"


def test_members_and_info_of_a_channel_are_told(room: Room) -> None:
    assert ADA in room.bot.conversations_members(channel=LAB)["members"]
    assert room.bot.conversations_info(channel=RANDOM)["channel"]["is_member"] is False
    assert refused(room.bot.conversations_members, channel=RANDOM) == "not_in_channel"


def test_when_slack_is_down_everything_answers_503(room: Room) -> None:
    room.do("settings", slack_down=True)
    assert room.http.post("/api/auth.test").status_code == 503
    assert room.http.post("/response/any", json={"text": "x"}).status_code == 503
    room.do("settings", slack_down=False)
    assert room.bot.auth_test()["ok"]
    assert room.do("settings", posts=True).status_code == 400


def test_blocks_that_slack_sdk_reads_are_taken(room: Room) -> None:
    assert Block.parse(SECTION) is not None
    asked = room.http.post("/api/blocks.validate", json={"blocks": [SECTION]})
    assert asked.json() == {"ok": True}
    wrong = room.http.post("/api/blocks.validate", json={"blocks": [{"type": "section"}]}).json()
    assert wrong["errors"][0]["pointer"] == "/0"


def test_a_regenerated_token_is_the_only_one_that_counts(room: Room) -> None:
    made = room.do("regenerate", what="bot_token").json()["bot_token"]
    assert refused(room.bot.auth_test) == "invalid_auth"
    assert WebClient(made, base_url=f"{room.url}/api/").auth_test()["ok"]
    assert room.do("regenerate", what="everything").status_code == 400
