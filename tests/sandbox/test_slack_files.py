"""Files in the stand-in: three calls, each as strict as Slack's, and a page that shows them."""

import httpx
import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack_room import ADA, LAB, RANDOM, Room


def refused(call: object, **given: object) -> str:
    assert callable(call)
    with pytest.raises(SlackApiError) as caught:
        call(**given)
    return str(caught.value.response["error"])


def uploaded(room: Room, content: bytes = b"a,b\r\n1,2\r\n") -> str:
    place = room.bot.files_getUploadURLExternal(filename="gpu.csv", length=len(content))
    assert httpx.post(str(place["upload_url"]), content=content).text == f"OK - {len(content)}"
    return str(place["file_id"])


def test_slacks_own_client_shares_a_file_that_can_be_opened(room: Room) -> None:
    direct = str(room.bot.conversations_open(users=ADA)["channel"]["id"])
    room.bot.files_upload_v2(
        channel=direct, filename="gpu.csv", title="Spending", content="a,b\r\n1,2\r\n"
    )
    [message] = room.state("ada", direct)["messages"]
    [file] = message["files"]
    assert (file["title"], file["name"], file["preview"]) == ("Spending", "gpu.csv", "a,b\n1,2")
    opened = room.http.get(file["url_private"])
    assert opened.content == b"a,b\r\n1,2\r\n"
    assert opened.headers["content-disposition"] == 'attachment; filename="gpu.csv"'


def test_nothing_is_shared_before_its_bytes_are_there_nor_twice(room: Room) -> None:
    place = room.bot.files_getUploadURLExternal(filename="gpu.csv", length=3)
    finish = room.bot.files_completeUploadExternal
    files: list[dict[str, str | None]] = [{"id": str(place["file_id"]), "title": "t"}]
    assert refused(finish, files=files, channel_id=LAB) == "file_not_found"
    wrong = httpx.post(str(place["upload_url"]), content=b"four")
    assert wrong.status_code == 400
    assert httpx.post(str(place["upload_url"]), content=b"abc").status_code == 200
    assert httpx.post(str(place["upload_url"]), content=b"abc").status_code == 400
    finish(files=files, channel_id=LAB)
    assert refused(finish, files=files, channel_id=LAB) == "file_not_found"


def test_a_file_goes_to_a_conversation_that_the_app_is_in(room: Room) -> None:
    finish = room.bot.files_completeUploadExternal
    file = [{"id": uploaded(room), "title": "t"}]
    assert refused(finish, files=file, channel_id="C404") == "channel_not_found"
    assert refused(finish, files=file, channel_id=ADA) == "channel_not_found"
    assert refused(finish, files=file, channel_id=RANDOM) == "not_in_channel"


def test_without_the_scope_nothing_is_taken(room: Room) -> None:
    room.do("settings", files_write=False)
    ask = room.bot.files_getUploadURLExternal
    assert refused(ask, filename="gpu.csv", length=3) == "missing_scope"


@pytest.mark.parametrize(("name", "length"), [("", 3), ("gpu.csv", 0), ("gpu.csv", "many")])
def test_a_place_is_given_for_a_name_and_a_length(room: Room, name: str, length: object) -> None:
    ask = room.bot.files_getUploadURLExternal
    assert refused(ask, filename=name, length=length) == "invalid_arguments"


def test_a_file_that_is_not_shared_cannot_be_opened(room: Room) -> None:
    assert room.http.get(f"/sandbox/files/{uploaded(room)}").status_code == 404
