"""What Slack is sent, to the letter, and what becomes of what it answers."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from slack_sdk.web import WebClient

from adapters.slack import Responder, SlackChat, response_origin, upload_origin, web_client
from core.blocks import Message, home, line_chart, section
from core.files import File
from core.flows.speak import passing
from core.model import Place
from core.ports import BAD_TOKEN, ChatError, NotInChannel
from tests.adapters.slack_server import TinySlack, tiny_slack

HELLO = Message(text="hello", blocks=(section("hello"),))
TOKEN = "xoxb-very-secret"


@pytest.fixture
def slack() -> Iterator[TinySlack]:
    with tiny_slack() as made:
        yield made


def chat(slack: TinySlack, team: str = "T1") -> SlackChat:
    return SlackChat(web_client(TOKEN, slack.api), team, Responder(slack.api))


# ---- messages -------------------------------------------------------------------------------


def test_a_message_unfurls_nothing_and_carries_its_blocks(slack: TinySlack) -> None:
    chat(slack).post("C1", HELLO, "1.5")
    assert slack.asked == [
        (
            "chat.postMessage",
            {
                "channel": "C1",
                "text": "hello",
                "blocks": list(HELLO.blocks),
                "thread_ts": "1.5",
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )
    ]


def test_an_edit_without_blocks_takes_the_old_ones_out(slack: TinySlack) -> None:
    place = chat(slack).post("C1", HELLO)
    chat(slack).update(place, Message(text="bye"))
    assert slack.messages["C1", place.ts]["blocks"] == []


def test_direct_messages_are_opened_once(slack: TinySlack) -> None:
    slack.people["U1"] = {"id": "U1"}
    to = chat(slack)
    to.dm("U1", HELLO)
    to.dm("U1", HELLO)
    assert slack.methods() == ["conversations.open", "chat.postMessage", "chat.postMessage"]


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "is_archived"])
def test_where_the_bot_may_not_write_is_told_apart(slack: TinySlack, code: str) -> None:
    slack.refusals.append((200, {}, f'{{"ok": false, "error": "{code}"}}'))
    with pytest.raises(NotInChannel) as caught:
        chat(slack).post("C1", HELLO)
    assert caught.value.code == code


def test_too_many_messages_say_how_long_to_wait(slack: TinySlack) -> None:
    body = '{"ok": false, "error": "ratelimited"}'
    slack.refusals.append((429, {"Retry-After": "7"}, body))
    with pytest.raises(ChatError) as caught:
        chat(slack).post("C1", HELLO)
    assert (caught.value.code, caught.value.retry_after) == ("ratelimited", timedelta(seconds=7))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, '{"ok": false, "error": "invalid_blocks"}', "invalid_blocks"),
        (500, '{"ok": false, "error": "internal_error"}', "internal_error"),
        (503, "<html>sorry</html>", "http_503"),
        (200, "<html>proxy</html>", "http_200"),
        (200, '{"ok": false}', "http_200"),
        (200, "{not json", "unreachable"),
    ],
)
def test_every_other_answer_is_a_chat_error(
    slack: TinySlack, status: int, body: str, code: str
) -> None:
    slack.refusals.append((status, {}, body))
    with pytest.raises(ChatError) as caught:
        chat(slack).post("C1", HELLO)
    assert caught.value.code == code
    assert not isinstance(caught.value, NotInChannel)


def test_nobody_there_is_a_chat_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    to = SlackChat(web_client(TOKEN, f"{base}/api/"), "T1", Responder(f"{base}/api/"))
    with pytest.raises(ChatError) as caught:
        to.post("C1", HELLO)
    assert caught.value.code == "unreachable"
    with pytest.raises(ChatError) as answered:
        to.respond(f"{base}/response/1", HELLO)
    assert answered.value.code == "unreachable"


def test_no_error_tells_the_token_or_the_response_url(slack: TinySlack) -> None:
    errors: list[BaseException | None] = []
    slack.down = True
    calls: list[Callable[[], object]] = [
        lambda: chat(slack).update(Place(channel="C1", ts="1.1"), HELLO),
        lambda: chat(slack).respond(f"{slack.base}/response/secret-path", HELLO),
        lambda: chat(slack).respond("https://evil.example/secret-path", HELLO),
    ]
    for call in calls:
        with pytest.raises(ChatError) as caught:
            call()
        errors += [caught.value, caught.value.__cause__]
    told = " ".join(f"{e} {e!r}" for e in errors if e)
    assert TOKEN not in told
    assert "secret-path" not in told


# ---- people ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "active", "member"),
    [
        ({}, True, True),
        ({"deleted": True}, False, True),
        ({"is_bot": True}, False, True),
        ({"is_restricted": True}, True, False),
        ({"is_ultra_restricted": True}, True, False),
        ({"is_stranger": True}, True, False),
        ({"team_id": "T9"}, True, False),
        ({"team_id": None}, True, False),
        ({"team_id": "T9", "enterprise_user": {"teams": ["T9", "T1"]}}, True, True),
        ({"team_id": "T9", "enterprise_user": {"teams": ["T9"]}}, True, False),
    ],
)
def test_only_full_members_of_the_home_workspace_are_members(
    slack: TinySlack, marks: dict[str, object], active: bool, member: bool
) -> None:
    slack.people["U1"] = {"id": "U1", "team_id": "T1", "name": "ada", **marks}
    person = chat(slack).person("U1")
    assert (person.active, person.member) == (active, member)


def test_without_a_home_workspace_the_token_s_own_is_home(slack: TinySlack) -> None:
    slack.people["U1"] = {"id": "U1", "team_id": "T1", "name": "ada"}
    slack.people["U2"] = {"id": "U2", "team_id": "T2", "name": "eve"}
    to = chat(slack, team="")
    assert to.person("U1").member
    assert not to.person("U2").member
    assert slack.methods().count("auth.test") == 1


def test_a_person_is_asked_for_anew_each_time(slack: TinySlack) -> None:
    slack.people["U1"] = {"id": "U1", "team_id": "T1", "name": "ada"}
    to = chat(slack)
    assert to.person("U1").member
    slack.people["U1"]["is_restricted"] = True
    assert not to.person("U1").member


def test_the_name_is_the_one_that_people_see(slack: TinySlack) -> None:
    profile = {"display_name": "Ada L."}
    slack.people["U1"] = {"id": "U1", "team_id": "T1", "name": "ada", "profile": profile}
    assert chat(slack).person("U1").name == "Ada L."
    assert chat(slack).person("U1").tz == "UTC"


# ---- response_urls --------------------------------------------------------------------------


def test_an_answer_is_for_the_caller_alone(slack: TinySlack) -> None:
    chat(slack).respond(f"{slack.base}/response/1", HELLO, replace=True)
    (sent,) = slack.responses["/response/1"]
    assert (sent["response_type"], sent["replace_original"]) == ("ephemeral", True)
    assert sent["text"] == "hello"


def test_response_urls_of_the_real_slack_are_on_its_hooks_host() -> None:
    assert response_origin("https://slack.com/api/") == "https://hooks.slack.com"
    assert response_origin("http://127.0.0.1:8030/api/") == "http://127.0.0.1:8030"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.slack.com/x",
        "http://hooks.slack.com/x",
        "https://hooks.slack.com",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com:443/x",
        "https://hooks.slack.com:8443/x",
        "https://evil.example/https://hooks.slack.com/x",
        "https://user@hooks.slack.com/x",
        "https://hooks.slack.com\\@evil.example/x",
        "https://hooks.slack.com/x y",
        "https://hooks.slack.com/x\r\nHost: evil.example",
        "https://HOOKS.slack.com/x",
        "https://slack.com/x",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_nothing_is_sent_to_a_url_that_is_not_slack_s(url: str) -> None:
    with pytest.raises(ChatError) as caught:
        Responder().post(url, {"text": "x"})
    assert caught.value.code == "foreign_response_url"


def test_where_a_stand_in_is_used_slack_s_own_urls_are_foreign(slack: TinySlack) -> None:
    with pytest.raises(ChatError) as caught:
        chat(slack).respond("https://hooks.slack.com/x", HELLO)
    assert caught.value.code == "foreign_response_url"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("expired_url", "expired_url"),
        ('{"ok": false, "error": "used_url"}', "used_url"),
        ("<html>Not Found</html>", "http_404"),
        ("[1]", "http_404"),
        ("", "http_404"),
    ],
)
def test_a_refused_answer_is_told_by_slack_s_word(slack: TinySlack, body: str, code: str) -> None:
    slack.refusals.append((404, {}, body))
    with pytest.raises(ChatError) as caught:
        chat(slack).respond(f"{slack.base}/response/1", HELLO)
    assert caught.value.code == code


def test_a_redirect_is_not_followed(slack: TinySlack) -> None:
    slack.refusals.append((302, {"Location": f"{slack.base}/response/2"}, ""))
    with pytest.raises(ChatError) as caught:
        chat(slack).respond(f"{slack.base}/response/1", HELLO)
    assert caught.value.code == "http_302"
    assert slack.responses == {}


def test_an_answer_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        base = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(ChatError) as caught:
            Responder(f"{base}/api/", timeout=0.1).post(f"{base}/response/1", {"text": "x"})
    assert caught.value.code == "unreachable"


# ---- files and Home tabs --------------------------------------------------------------------

TABLE = File(name="gpu.csv", title="Spending", text="a,b\r\n", said="This month")


def test_a_file_goes_to_where_slack_says_and_then_to_the_persons_direct_messages(
    slack: TinySlack,
) -> None:
    slack.people["U1"] = {"id": "U1"}
    chat(slack).upload("U1", TABLE)
    assert slack.uploads == {"/upload/1": TABLE.content}
    asked = dict(slack.asked)
    size = str(len(TABLE.content))
    assert asked["files.getUploadURLExternal"] == {"filename": "gpu.csv", "length": size}
    assert asked["files.completeUploadExternal"] == {
        "files": '[{"id": "F1", "title": "Spending"}]',
        "channel_id": "D1",
        "initial_comment": "This month",
    }


def test_a_file_is_sent_to_no_other_place_than_slacks(slack: TinySlack) -> None:
    answer = '{"ok": true, "upload_url": "https://evil.example/upload", "file_id": "F1"}'
    slack.refusals.append((200, {}, answer))
    with pytest.raises(ChatError) as caught:
        chat(slack).upload("U1", TABLE)
    assert caught.value.code == "foreign_upload_url"
    assert slack.uploads == {}


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ((200, {}, '{"ok": false, "error": "missing_scope"}'), "missing_scope"),
        ((429, {"Retry-After": "3"}, "slow down"), "ratelimited"),
    ],
)
def test_a_file_that_slack_refuses_is_a_chat_error(
    slack: TinySlack, refusal: tuple[int, dict[str, str], str], code: str
) -> None:
    slack.refusals.append(refusal)
    with pytest.raises(ChatError) as caught:
        chat(slack).upload("U1", TABLE)
    assert caught.value.code == code


def test_files_go_to_slacks_own_origin_or_to_the_stand_ins() -> None:
    assert upload_origin("https://slack.com/api/") == "https://files.slack.com"
    assert upload_origin("http://127.0.0.1:4000/api/") == "http://127.0.0.1:4000"


CHART = line_chart("c", ["1"], [("a", [Decimal(1)])], x_label="x", y_label="y")


def test_a_home_tab_that_takes_no_charts_gets_the_words_and_is_asked_once(
    slack: TinySlack,
) -> None:
    slack.people["U1"] = {"id": "U1"}
    slack.charts_at_home = False
    to = chat(slack)
    to.publish("U1", home(section("words"), CHART))
    to.publish("U1", home(section("more words"), CHART))
    assert [[b["type"] for b in view["blocks"]] for view in slack.homes["U1"]] == [["section"]] * 2
    assert slack.methods() == ["views.publish"] * 3


def test_a_home_tab_that_takes_charts_gets_them(slack: TinySlack) -> None:
    slack.people["U1"] = {"id": "U1"}
    chat(slack).publish("U1", home(section("words"), CHART))
    [view] = slack.homes["U1"]
    assert view == {"type": "home", "blocks": [section("words"), CHART]}


def test_a_home_tab_that_is_switched_off_is_a_chat_error(slack: TinySlack) -> None:
    slack.refusals.append((200, {}, '{"ok": false, "error": "not_enabled"}'))
    with pytest.raises(ChatError) as caught:
        chat(slack).publish("U1", home(section("words"), CHART))
    assert caught.value.code == "not_enabled"


def test_who_is_in_a_user_group_is_remembered_for_a_minute(slack: TinySlack) -> None:
    slack.groups["S1"] = ["U1", "U2"]
    now = [100.0]
    asked = SlackChat(web_client(TOKEN, slack.api), "T1", Responder(slack.api), lambda: now[0])
    assert asked.group_members("S1") == {"U1", "U2"}
    slack.groups["S1"] = ["U2"]
    now[0] += 59
    assert asked.group_members("S1") == {"U1", "U2"}
    now[0] += 2
    assert asked.group_members("S1") == {"U2"}
    assert slack.asked == [("usergroups.users.list", {"usergroup": "S1"})] * 2


def test_a_failed_look_at_a_user_group_is_not_remembered(slack: TinySlack) -> None:
    to = chat(slack)
    with pytest.raises(ChatError):
        to.group_members("S1")
    slack.groups["S1"] = ["U1"]
    assert to.group_members("S1") == {"U1"}


# ---- what the doctor asks -------------------------------------------------------------------


def test_a_whisper_is_for_one_person_in_a_channel(slack: TinySlack) -> None:
    chat(slack).whisper("C1", "U1", HELLO)
    (sent,) = slack.whispers
    assert (sent["channel"], sent["user"], sent["text"]) == ("C1", "U1", "hello")
    slack.closed.add("C1")
    with pytest.raises(NotInChannel):
        chat(slack).whisper("C1", "U1", HELLO)


def test_the_scopes_are_those_that_slack_tells_beside_its_answer(slack: TinySlack) -> None:
    assert chat(slack).scopes() == frozenset()
    told = {"X-OAuth-Scopes": "chat:write, commands,,users:read"}
    slack.refusals.append((200, told, '{"ok": true, "team_id": "T1"}'))
    assert chat(slack).scopes() == {"chat:write", "commands", "users:read"}


# ---- a token that is replaced ---------------------------------------------------------------


def _bad(code: str) -> tuple[int, dict[str, str], str]:
    return 200, {}, f'{{"ok": false, "error": "{code}"}}'


@pytest.mark.parametrize("code", sorted(BAD_TOKEN))
def test_a_refused_token_is_replaced_and_the_message_arrives(slack: TinySlack, code: str) -> None:
    refused: list[str] = []

    def renew(token: str) -> WebClient:
        refused.append(token)
        return web_client("xoxb-new", slack.api)

    to = SlackChat(web_client("xoxb-old", slack.api), "T1", Responder(slack.api), renew=renew)
    slack.refusals.append(_bad(code))
    assert to.post("C1", HELLO).channel == "C1"
    assert to.post("C1", HELLO).channel == "C1"
    assert refused == ["xoxb-old"]
    assert slack.tokens == ["xoxb-old", "xoxb-new", "xoxb-new"]


def test_where_there_is_no_newer_token_the_message_stays_owed(slack: TinySlack) -> None:
    slack.refusals.append(_bad("token_revoked"))
    with pytest.raises(ChatError) as caught:
        chat(slack).post("C1", HELLO)
    assert passing(caught.value)


def test_another_refusal_does_not_have_the_token_read_again(slack: TinySlack) -> None:
    def never(token: str) -> WebClient:
        raise AssertionError

    to = SlackChat(web_client("xoxb-1", slack.api), "T1", Responder(slack.api), renew=never)
    slack.refusals.append(_bad("msg_too_long"))
    with pytest.raises(ChatError):
        to.post("C1", HELLO)
