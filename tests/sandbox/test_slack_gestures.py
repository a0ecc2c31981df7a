"""What a person does arrives at the app as Slack sends it, and the answers have Slack's effects."""

import json
import threading
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient
from starlette.responses import JSONResponse, Response

from tests.sandbox.slack_room import ADA, LAB, LIN, Room, Seen

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


BUTTONS: list[Json] = [
    {
        "type": "actions",
        "elements": [
            {"type": "button", "text": plain("Stop"), "action_id": "stop", "value": "m-1:4"},
            {
                "type": "static_select",
                "action_id": "zone",
                "options": [{"text": plain("a"), "value": "us-east-1a"}],
            },
            {
                "type": "datetimepicker",
                "action_id": "until/m-1:4",
                "initial_date_time": 1_795_000_000,
            },
        ],
    }
]
FORM: Json = {
    "type": "modal",
    "callback_id": "launch",
    "title": plain("Launch"),
    "submit": plain("Launch"),
    "blocks": [
        {
            "type": "input",
            "block_id": "kind",
            "label": plain("Type"),
            "element": {"type": "plain_text_input", "action_id": "kind"},
        }
    ],
}


def test_a_command_arrives_signed_with_every_field_slack_sends(room: Room) -> None:
    answer = room.do("slash", user="ada", channel="gpu-lab", text="launch p3.2xlarge spot").json()
    assert (answer["status"], answer["delivered"], answer["error"]) == (200, True, None)
    assert answer["ms"] < 3000
    [seen] = room.door.seen
    form = seen.form()
    assert seen.headers["x-reach"] == "function-1"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert set(form) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }
    assert (form["user_id"], form["channel_id"], form["command"]) == (ADA, LAB, "/gpu")
    assert form["text"] == "launch p3.2xlarge spot"
    assert form["response_url"].startswith(f"{room.url}/response/")


def test_people_and_links_in_a_command_arrive_marked_as_the_manifest_asks(room: Room) -> None:
    room.do("slash", text="share fox @lin & @nobody https://github.com/octocat.keys")
    text = room.door.seen[0].form()["text"]
    assert text == "share fox <@U06LIN9F2TB|lin> &amp; @nobody <https://github.com/octocat.keys>"


def test_user_groups_and_channels_in_a_command_arrive_marked_too(room: Room) -> None:
    room.do("slash", text="policy @ml-team #gpu-lab #none")
    text = room.door.seen[0].form()["text"]
    assert text == "policy <!subteam^S06MLTEAM1|@ml-team> <#C06GPULAB42|gpu-lab> #none"


def test_the_whole_line_may_be_given_as_text(room: Room) -> None:
    room.do("slash", text="/gpu list all")
    assert room.door.seen[0].form()["text"] == "list all"


@pytest.mark.parametrize(
    ("answer", "mine", "others"),
    [
        (Response("Looking…"), ["Looking…"], []),
        (JSONResponse({"text": "Looking…"}), ["Looking…"], []),
        (
            JSONResponse({"response_type": "in_channel", "text": "hi"}),
            ["/gpu", "hi"],
            ["/gpu", "hi"],
        ),
        (Response(""), [], []),
        (Response("oops", 500), ['/gpu failed with the error "dispatch_failed"'], []),
        (Response("{broken"), ['/gpu failed with the error "dispatch_failed"'], []),
        (JSONResponse({"blocks": [{}]}), ['/gpu failed with the error "invalid_blocks"'], []),
    ],
)
def test_the_acknowledgement_is_shown_as_slack_shows_it(
    room: Room, answer: Response, mine: list[str], others: list[str]
) -> None:
    room.door.answer = lambda seen: answer
    room.do("slash", text="")
    assert room.texts("ada") == mine
    assert room.texts("lin") == others


def test_an_answer_after_three_seconds_is_a_timeout(room: Room) -> None:
    released = threading.Event()

    def late(seen: Seen) -> Response:
        released.wait(10)
        return Response("too late")

    room.door.answer = late
    answer = room.http.post("/sandbox/slash", json={"text": "list"}, timeout=10).json()
    released.set()
    assert (answer["status"], answer["delivered"]) == (0, False)
    assert answer["error"] == "operation_timeout"
    assert 2900 < answer["ms"] < 4500
    assert room.texts() == ['/gpu failed with the error "operation_timeout"']


def test_an_app_that_is_not_there_is_a_dispatch_failure(room: Room) -> None:
    room.server.state.delivery.function_url = "http://127.0.0.1:9/"
    assert room.do("slash", text="list").json()["error"] == "dispatch_failed"
    room.server.state.delivery.function_url = None
    missing = room.do("slash", text="list")
    assert (missing.status_code, missing.json()["error"]) == (503, "not_deployed")


def test_a_stranger_is_sent_with_the_foreign_workspace(room: Room) -> None:
    room.do("slash", user="eve", text="list")
    assert room.door.seen[0].form()["team_id"] != "T06GPULAB01"


def test_nobody_acts_where_they_are_not(room: Room) -> None:
    assert room.do("slash", user="lin", channel="gpu-staff", text="x").status_code == 403
    assert room.do("slash", user="nobody", text="x").status_code == 404
    assert room.do("slash", channel="nowhere", text="x").status_code == 404
    assert room.do("slash", user="gpu", text="x").status_code == 403
    assert room.do("slash", command="/gppu", text="x").status_code == 404
    assert room.door.seen == []


def test_the_same_request_can_be_delivered_again_byte_for_byte(room: Room) -> None:
    assert room.do("duplicate").status_code == 409
    room.do("slash", text="launch p3.2xlarge")
    assert room.do("duplicate").json()["status"] == 200
    once, again = room.door.seen
    assert once.body == again.body
    assert once.headers["x-slack-signature"] == again.headers["x-slack-signature"]


def test_a_response_url_answers_five_times_in_thirty_minutes(room: Room) -> None:
    room.do("slash", text="list")
    hook = WebhookClient(room.door.seen[0].form()["response_url"])
    for n in range(4):
        assert hook.send(text=f"{n}").status_code == 200
    assert hook.send(text="all", response_type="in_channel").status_code == 200
    used = hook.send(text="6")
    assert (used.status_code, json.loads(used.body)["error"]) == (404, "used_url")
    assert room.texts("ada") == ["0", "1", "2", "3", "all"]
    assert room.texts("lin") == ["all"]


def test_a_response_url_dies_after_thirty_minutes(room: Room) -> None:
    room.do("slash", text="list")
    hook = WebhookClient(room.door.seen[0].form()["response_url"])
    room.clock.ahead += 30 * 60 + 1
    late = hook.send(text="late")
    assert (late.status_code, json.loads(late.body)["error"]) == (404, "expired_url")
    wrong = WebhookClient(f"{room.url}/response/made-up").send(text="x")
    assert wrong.status_code == 404


def test_a_response_url_refuses_what_slack_refuses(room: Room) -> None:
    room.do("slash", text="list")
    hook = WebhookClient(room.door.seen[0].form()["response_url"])
    assert json.loads(hook.send(blocks=[{"type": "nope"}]).body)["error"] == "invalid_blocks"
    assert room.http.post(hook.url, content=b"no json").status_code == 400


def click(room: Room, **given: Any) -> Json:
    posted = room.bot.chat_postMessage(channel=LAB, text="card", blocks=BUTTONS)
    asked = {"user": "ada", "channel": "gpu-lab", "ts": posted["ts"], "action_id": "stop"}
    answer = room.do("click", **(asked | given))
    found: Json = answer.json()
    return {"http": answer.status_code, "ts": posted["ts"]} | found


def payload(room: Room) -> Json:
    found: Json = json.loads(room.door.seen[-1].form()["payload"])
    return found


def test_a_click_carries_the_message_the_action_and_its_value(room: Room) -> None:
    answer = click(room, value="m-1:4")
    assert (answer["http"], answer["status"]) == (200, 200)
    sent = payload(room)
    assert sent["type"] == "block_actions"
    assert (sent["user"]["id"], sent["channel"]["id"]) == (ADA, LAB)
    assert sent["container"]["message_ts"] == answer["ts"] == sent["message"]["ts"]
    [action] = sent["actions"]
    assert (action["action_id"], action["value"], action["type"]) == ("stop", "m-1:4", "button")
    assert action["block_id"] == sent["message"]["blocks"][0]["block_id"]
    assert sent["trigger_id"]
    assert sent["response_url"].startswith(room.url)


def test_a_choice_carries_the_chosen_option(room: Room) -> None:
    click(room, action_id="zone", value="us-east-1a")
    assert payload(room)["actions"][0]["selected_option"]["value"] == "us-east-1a"
    assert click(room, action_id="zone", value="us-east-1z")["http"] == 409


def test_only_a_button_that_is_there_can_be_clicked(room: Room) -> None:
    assert click(room, action_id="start")["http"] == 404
    assert click(room, ts="1.2")["http"] == 404
    assert click(room, value="m-2:1")["http"] == 409
    assert click(room, user="gus", channel="gpu-staff")["http"] == 403
    assert room.door.seen == []


def test_an_ephemeral_can_be_clicked_replaced_and_deleted_by_its_reader_only(room: Room) -> None:
    ts = room.bot.chat_postEphemeral(channel=LAB, user=ADA, text="sure?", blocks=BUTTONS)
    asked = {"channel": LAB, "ts": ts["message_ts"], "action_id": "stop"}
    assert room.do("click", user="lin", **asked).status_code == 404
    room.do("click", user="ada", **asked)
    sent = payload(room)
    assert sent["container"]["is_ephemeral"]
    assert "message" not in sent
    hook = WebhookClient(sent["response_url"])
    hook.send(text="stopping", replace_original=True)
    assert room.texts("ada") == ["stopping"]
    hook.send(delete_original=True)
    assert room.texts("ada") == []


def test_a_reader_dismisses_only_their_own_ephemerals(room: Room) -> None:
    ts = room.bot.chat_postEphemeral(channel=LAB, user=ADA, text="psst")["message_ts"]
    assert room.do("dismiss", user="lin", ts=ts).status_code == 404
    assert room.do("dismiss", user="ada", ts=ts).status_code == 200
    posted = room.bot.chat_postMessage(channel=LAB, text="for all")["ts"]
    assert room.do("dismiss", user="ada", ts=posted).status_code == 409


def test_a_trigger_opens_one_form_within_three_seconds(room: Room) -> None:
    room.do("slash", text="launch")
    trigger = room.door.seen[0].form()["trigger_id"]
    room.bot.views_open(trigger_id=trigger, view=FORM)
    room.do("slash", text="launch")
    late = room.door.seen[1].form()["trigger_id"]
    room.clock.ahead += 4
    for name, error in (
        (trigger, "exchanged_trigger_id"),
        (late, "expired_trigger_id"),
        ("1.2.3", "invalid_trigger_id"),
    ):
        with pytest.raises(SlackApiError) as caught:
            room.bot.views_open(trigger_id=name, view=FORM)
        assert caught.value.response["error"] == error


def opened(room: Room) -> Json:
    room.do("slash", text="launch")
    trigger = room.door.seen[-1].form()["trigger_id"]
    found: Json = room.bot.views_open(trigger_id=trigger, view=FORM)["view"]
    return found


def test_a_form_is_sent_with_what_was_typed_and_then_closes(room: Room) -> None:
    view = opened(room)
    assert [v["id"] for v in room.state("ada")["views"]] == [view["id"]]
    room.do("submit", user="ada", view=view["id"], values={"kind": {"kind": "p3.2xlarge"}})
    sent = payload(room)
    assert sent["type"] == "view_submission"
    typed = sent["view"]["state"]["values"]["kind"]["kind"]
    assert typed == {"type": "plain_text_input", "value": "p3.2xlarge"}
    assert room.state("ada")["views"] == []


def test_a_form_with_errors_stays_open_and_a_text_answer_is_trouble(room: Room) -> None:
    view = opened(room)
    wrong = {"response_action": "errors", "errors": {"kind": "no such type"}}
    room.door.answer = lambda seen: JSONResponse(wrong)
    answer = room.do("submit", user="ada", view=view["id"], values={}).json()
    assert answer["errors"] == {"kind": "no such type"}
    room.door.answer = lambda seen: Response("thanks")
    assert "trouble" in room.do("submit", user="ada", view=view["id"], values={}).json()["shown"]
    assert room.state("ada")["views"]
    assert room.do("submit", user="lin", view=view["id"], values={}).status_code == 404
    assert room.do("close", user="ada", view=view["id"]).json() == {"closed": True}
    assert room.state("ada")["views"] == []


def test_a_form_is_updated_by_its_newest_hash_only(room: Room) -> None:
    view = opened(room)
    changed = FORM | {"title": plain("Changed")}
    room.bot.views_update(view_id=view["id"], view=changed, hash=view["hash"])
    assert room.state("ada")["views"][0]["title"]["text"] == "Changed"
    with pytest.raises(SlackApiError) as caught:
        room.bot.views_update(view_id=view["id"], view=changed, hash=view["hash"])
    assert caught.value.response["error"] == "hash_conflict"


def test_opening_home_sends_the_event_and_shows_what_is_published(room: Room) -> None:
    room.do("home", user="ada")
    event = json.loads(room.door.seen[0].body)
    assert (event["type"], event["event"]["type"]) == ("event_callback", "app_home_opened")
    room.bot.views_publish(user_id=ADA, view={"type": "home", "blocks": [{"type": "divider"}]})
    assert room.state("ada")["home"]["blocks"][0]["type"] == "divider"
    assert room.state("lin")["home"] is None


def test_of_several_buttons_with_one_name_the_one_with_that_value_is_pressed(room: Room) -> None:
    def row(value: str) -> dict[str, object]:
        text = {"type": "plain_text", "text": "Stop"}
        button = {"type": "button", "action_id": "stop", "value": value, "text": text}
        return {"type": "actions", "elements": [button]}

    words = {"type": "context", "elements": [{"type": "mrkdwn", "text": "as of now"}]}
    shown = {"type": "home", "blocks": [row("m1:1"), words, row("m2:1")]}
    room.bot.views_publish(user_id=ADA, view=shown)
    home = room.state("ada")["home"]["id"]
    room.do("click", user="ada", view=home, action_id="stop", value="m2:1")
    payload = json.loads(room.door.seen[-1].form()["payload"])
    assert payload["actions"][0]["value"] == "m2:1"
    assert "response_url" not in payload
    assert "channel" not in payload


def test_a_failed_event_is_sent_once_more_and_a_failed_command_is_not(room: Room) -> None:
    room.door.answer = lambda seen: Response("no", 500)
    room.do("home", user="ada")
    once, again = room.door.seen
    assert once.body == again.body
    assert again.headers["x-slack-retry-num"] == "1"
    assert again.headers["x-slack-retry-reason"] == "http_error"
    room.do("slash", text="list")
    assert len(room.door.seen) == 3


def test_what_a_person_types_cannot_mention_or_link(room: Room) -> None:
    room.do("say", user="lin", text="<!channel> & <@U1>")
    assert room.texts("ada") == ["&lt;!channel&gt; &amp; &lt;@U1&gt;"]


def test_the_world_is_shown_and_told(room: Room) -> None:
    assert room.do("world", do="grant-quota", request="q-1").json() == {"done": "grant-quota"}
    assert room.commands == [{"do": "grant-quota", "request": "q-1"}]
    refused = room.do("world", request="q-1")
    assert (refused.status_code, refused.json()["message"]) == (400, "a command has a do")
    state = room.state()
    assert state["world"]["counts"]["instances"] == 1


def test_the_log_tells_the_time_of_each_delivery_and_no_contents(room: Room) -> None:
    room.do("slash", text="key add ssh-ed25519 AAAA")
    [entry] = room.state()["deliveries"]
    assert (entry["kind"], entry["what"], entry["status"]) == ("command", "/gpu key", 200)
    assert "AAAA" not in json.dumps(entry)


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:80"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_page_can_neither_act_nor_look(room: Room, headers: dict[str, str]) -> None:
    acted = room.http.post("/sandbox/slash", json={"text": "x"}, headers=headers)
    assert acted.status_code == 403
    assert room.http.get("/sandbox.json", headers=headers).status_code == 403
    assert room.http.get("/sandbox/state", headers=headers).status_code == 403
    assert room.door.seen == []


def test_a_form_post_or_broken_json_is_not_taken(room: Room) -> None:
    assert room.http.post("/sandbox/slash", data={"text": "x"}).status_code == 415
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'"x"', b"\xff"):
        answer = room.http.post("/sandbox/slash", content=body, headers=headers)
        assert answer.status_code == 400
    assert room.do("slash", text=3).status_code == 400
    large = room.http.post("/sandbox/slash", content=b'"' + b"x" * 1_000_001, headers=headers)
    assert large.status_code == 413


def test_the_own_page_may_act_and_look(room: Room) -> None:
    headers = {"Origin": room.url, "Sec-Fetch-Site": "same-origin"}
    assert room.http.post("/sandbox/slash", json={"text": "x"}, headers=headers).status_code == 200
    assert room.http.get("/sandbox.json").json()["signing_secret"]


def test_the_page_comes_with_a_policy_that_runs_nothing_foreign(room: Room) -> None:
    page = room.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert room.http.get("/page/app.js").headers["content-type"].startswith("text/javascript")
    assert room.http.get("/page/../server.py").status_code == 404
    assert room.http.get("/page/nothing.js").status_code == 404


def test_direct_messages_between_people_are_theirs(room: Room) -> None:
    room.do("say", user="ada", channel="D06ADA00L1N", text="secret")
    assert room.texts("lin", "D06ADA00L1N") == ["secret"]
    stranger = room.http.get("/sandbox/state", params={"user": "sam", "channel": "D06ADA00L1N"})
    assert stranger.status_code == 403
    room.do("slash", user="lin", channel="D06ADA00L1N", text="list")
    form = room.door.seen[0].form()
    assert (form["channel_name"], form["user_id"]) == ("directmessage", LIN)


def test_a_moment_that_is_picked_arrives_in_seconds_and_without_a_value(room: Room) -> None:
    click(room, action_id="until/m-1:4", value=1_795_003_600)
    [action] = payload(room)["actions"]
    assert (action["type"], action["selected_date_time"]) == ("datetimepicker", 1_795_003_600)
    assert "value" not in action
