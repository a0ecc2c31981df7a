"""The page in a real browser: what people see, and what their hands send."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.responses import JSONResponse, Response

from tests.sandbox.slack_room import ADA, LAB, Room

CHROMIUM = Path(os.environ.get("CHROMIUM") or "/usr/bin/chromium")
SCREENSHOT = Path(__file__).parents[2] / "scripts" / "screenshot.py"
pytestmark = [
    pytest.mark.page,
    pytest.mark.skipif(
        not CHROMIUM.is_file(),
        reason=f"the page's tests need a Chromium; there is none at {CHROMIUM}",
    ),
]
Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(label: str, action_id: str, **more: Any) -> Json:
    return {"type": "button", "text": plain(label), "action_id": action_id, "value": "m-1:4"} | more


APP_LINE = '#sidebar button[data-channel="D06ADA0GPU0"]'
CONFIRM: Json = {
    "title": plain("Stop amber-fox?"),
    "text": {"type": "mrkdwn", "text": "The disk is kept: *$0.13* a day."},
    "confirm": plain("Stop it"),
    "deny": plain("Keep running"),
    "style": "danger",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all of this file."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, room: Room) -> Iterator[Page]:
    """The page of the served stand-in, which must not complain while a test runs."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda line: complaints.append(line.text) if "Content Security" in line.text else None,
    )
    opened.goto(room.url)
    expect(opened.locator("#title")).to_have_text("#gpu-lab")
    expect(opened.locator("#user")).to_have_value("ada")
    yield opened
    assert complaints == []
    context.close()


def typed(page: Page, words: str) -> None:
    page.locator("#composer").fill(words)
    page.locator("#composer").press("Enter")


def test_a_typed_command_is_acknowledged_only_to_the_typer(page: Page, room: Room) -> None:
    room.door.answer = lambda seen: JSONResponse({"text": "Looking for *p3.2xlarge* spot…"})
    typed(page, "/gpu launch p3.2xlarge spot")
    message = page.locator(".message.ephemeral")
    expect(message).to_contain_text("Only visible to you")
    expect(message.locator("strong", has_text="p3.2xlarge")).to_be_visible()
    expect(page.locator("#composer")).to_have_value("")
    assert room.door.seen[0].form()["text"] == "launch p3.2xlarge spot"
    message.get_by_role("button", name="Dismiss").click()
    expect(message).to_have_count(0)


def test_a_failed_command_stays_in_the_box(page: Page, room: Room) -> None:
    room.door.answer = lambda seen: Response("no", 500)
    typed(page, "/gpu list")
    expect(page.locator(".message")).to_contain_text("dispatch_failed")
    expect(page.locator("#composer")).to_have_value("/gpu list")


def test_anything_else_is_an_ordinary_message_and_stays_text(page: Page, room: Room) -> None:
    typed(page, "hello <b>you</b> & <script>alert(1)</script>")
    expect(page.locator(".message .said")).to_have_text(
        "hello <b>you</b> & <script>alert(1)</script>"
    )
    assert room.door.seen == []


def test_one_message_is_edited_in_place_and_marked(page: Page, room: Room) -> None:
    ts = str(room.bot.chat_postMessage(channel=LAB, text="checking quota")["ts"])
    message = page.locator(f'.message[data-ts="{ts}"]')
    expect(message).to_contain_text("checking quota")
    expect(message.locator(".tag")).to_have_text("APP")
    room.bot.chat_update(channel=LAB, ts=ts, text="running", blocks=[section("*running*")])
    expect(message).to_contain_text("running(edited)")
    expect(page.locator(".message")).to_have_count(1)


def test_a_button_is_pressed_once_confirmed(page: Page, room: Room) -> None:
    elements = [
        button("Extend 2 h (+$1.84)", "extend", style="primary"),
        button("Stop now", "stop", style="danger", confirm=CONFIRM),
    ]
    blocks = [{"type": "actions", "elements": elements}]
    room.bot.chat_postMessage(channel=LAB, text="card", blocks=blocks)
    page.locator('button[data-action="stop"]').click()
    dialog = page.locator("#confirm")
    expect(dialog).to_contain_text("Stop amber-fox?")
    expect(dialog.locator("strong")).to_have_text("$0.13")
    dialog.get_by_role("button", name="Keep running").click()
    expect(dialog).to_be_hidden()
    assert room.door.seen == []
    page.locator('button[data-action="stop"]').click()
    with page.expect_response("**/sandbox/click"):
        dialog.get_by_role("button", name="Stop it").click()
    with page.expect_response("**/sandbox/click"):
        page.locator('button[data-action="extend"]').click()
    pressed = [json.loads(seen.form()["payload"])["actions"][0] for seen in room.door.seen]
    assert [(one["action_id"], one["value"]) for one in pressed] == [
        ("stop", "m-1:4"),
        ("extend", "m-1:4"),
    ]


def test_a_click_that_times_out_or_fails_says_so(page: Page, room: Room) -> None:
    room.door.answer = lambda seen: Response("no", 500)
    blocks = [{"type": "actions", "elements": [button("Extend", "extend")]}]
    room.bot.chat_postMessage(channel=LAB, text="card", blocks=blocks)
    page.locator('button[data-action="extend"]').click()
    expect(page.locator("#toast")).to_contain_text("trouble connecting")


def test_times_are_in_each_readers_own_zone(page: Page, room: Room) -> None:
    # 30 June 2027, 17:30 UTC: half past six in London, half past ten in Los Angeles.
    words = "stops <!date^1814376600^{date_short_pretty} at {time}|17:30 UTC>"
    room.bot.chat_postMessage(channel=LAB, text=words)
    said = page.locator(".message .said")
    expect(said).to_have_text("stops Jun 30, 2027 at 18:30")
    page.locator("#user").select_option("lin")
    expect(said).to_have_text("stops Jun 30, 2027 at 10:30 AM")


def test_mrkdwn_is_drawn_as_slack_draws_it(page: Page, room: Room) -> None:
    words = (
        f"*bold* _italic_ ~gone~ `code <x>` <https://a.b/c|a link> <@{ADA}> <#{LAB}> a*b*c "
        "<javascript:alert(1)|bad> &lt;b&gt;"
    )
    room.bot.chat_postMessage(channel=LAB, text=words.replace("<x>", "&lt;x&gt;"))
    said = page.locator(".message .said")
    expect(said.locator("strong")).to_have_text("bold")
    expect(said.locator("em")).to_have_text("italic")
    expect(said.locator("s")).to_have_text("gone")
    expect(said.locator("code")).to_have_text("code <x>")
    expect(said.locator("a")).to_have_attribute("href", "https://a.b/c")
    expect(said.locator(".mention.mine")).to_have_text("@ada")
    expect(said).to_contain_text("#gpu-lab")
    expect(said).to_contain_text("a*b*c")
    expect(said.locator("a")).to_have_count(1)
    expect(said).to_contain_text("<b>")


def test_replies_stand_under_their_message(page: Page, room: Room) -> None:
    ts = str(room.bot.chat_postMessage(channel=LAB, text="card")["ts"])
    room.bot.chat_postMessage(channel=LAB, thread_ts=ts, text="```ssh ubuntu@54.12.3.4```")
    thread = page.locator(f'.message[data-ts="{ts}"] .thread')
    expect(thread.locator("summary")).to_have_text("1 reply")
    expect(thread.locator("pre")).to_have_text("ssh ubuntu@54.12.3.4")


def test_a_direct_message_shows_in_the_sidebar_until_it_is_read(page: Page, room: Room) -> None:
    room.bot.chat_postMessage(channel=ADA, text="amber-fox stops soon")
    line = page.locator(APP_LINE)
    expect(line).to_have_class("called")
    line.click()
    expect(page.locator(".message")).to_contain_text("amber-fox stops soon")
    expect(line).not_to_have_class("called")


def test_a_form_keeps_what_was_typed_shows_errors_and_closes(page: Page, room: Room) -> None:
    element = {"type": "plain_text_input", "action_id": "kind"}
    block = {"type": "input", "block_id": "kind", "label": plain("Type"), "element": element}
    form = {"type": "modal", "title": plain("Launch"), "submit": plain("Go"), "blocks": [block]}
    typed(page, "/gpu launch")
    expect(page.locator("#w-log li")).to_contain_text("/gpu launch")
    trigger = room.door.seen[0].form()["trigger_id"]
    room.bot.views_open(trigger_id=trigger, view=form)
    field = page.get_by_label("Type", exact=True)
    field.fill("p3.2xlarge")
    wrong = {"response_action": "errors", "errors": {"kind": "not offered there"}}
    room.door.answer = lambda seen: JSONResponse(wrong)
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".wrong")).to_have_text("not offered there")
    expect(field).to_have_value("p3.2xlarge")
    room.door.answer = lambda seen: Response("")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#view")).to_be_hidden()
    sent = json.loads(room.door.seen[-1].form()["payload"])
    assert sent["view"]["state"]["values"]["kind"]["kind"]["value"] == "p3.2xlarge"


def test_the_world_is_shown_and_changed_from_its_panel(page: Page, room: Room) -> None:
    world = page.locator("#world")
    expect(world).to_contain_text("amber-fox")
    with page.expect_response("**/sandbox/world"):
        world.get_by_role("button", name="Grant").click()
    with page.expect_response("**/sandbox/world"):
        world.get_by_role("button", name="Interrupt").click()
    page.locator("#w-zone").select_option("a")
    with page.expect_response("**/sandbox/world"):
        world.get_by_role("button", name="Fill").click()
    with page.expect_response("**/sandbox/world"):
        world.get_by_role("button", name="Free").click()
    assert room.commands == [
        {"do": "grant-quota", "request": "q-1"},
        {"do": "interrupt", "instance": "i-0fox"},
        {"do": "fill-zone", "region": "us-east-1", "zone": "us-east-1a"},
        {"do": "free-zone", "region": "us-east-1", "zone": "us-east-1a"},
    ]


def test_the_home_tab_is_opened_and_drawn(page: Page, room: Room) -> None:
    page.locator(APP_LINE).click()
    page.get_by_role("tab", name="Home").click()
    expect(page.locator("#home")).to_contain_text("not published")
    room.bot.views_publish(user_id=ADA, view={"type": "home", "blocks": [section("*Yours*")]})
    expect(page.locator("#home strong")).to_have_text("Yours")


def test_slack_down_is_switched_from_the_page(page: Page, room: Room) -> None:
    page.get_by_label("Slack down").check()
    expect(page.locator("#banner")).to_contain_text("503")
    assert room.workspace.slack_down


def test_everything_works_from_the_keyboard(page: Page, room: Room) -> None:
    blocks = [{"type": "actions", "elements": [button("Extend", "extend")]}]
    room.bot.chat_postMessage(channel=LAB, text="card", blocks=blocks)
    extend = page.get_by_role("button", name="Extend")
    expect(extend).to_be_visible()
    expect(page.locator("#composer")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        if extend.evaluate("node => node === document.activeElement"):
            break
    expect(extend).to_be_focused()
    with page.expect_response("**/sandbox/click"):
        page.keyboard.press("Enter")
    assert len(room.door.seen) == 1


def test_every_control_has_a_name(page: Page, room: Room) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea')]
            .filter((node) => !node.closest('dialog'))
            .filter((node) => !(node.labels?.length || node.getAttribute('aria-label')
                || node.textContent.trim()))
            .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    expect(page).to_have_title(re.compile("gpu-lab"))


def test_a_picture_of_the_page_is_taken_by_the_script(room: Room, tmp_path: Path) -> None:
    room.bot.chat_postMessage(channel=LAB, text="card")
    out = tmp_path / "docs" / "channel.png"

    def run(browser: Path, to: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCREENSHOT), room.url, str(to), "--size", "800x600"]
        environment = os.environ | {"CHROMIUM": str(browser)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert run(CHROMIUM, out).returncode == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    without = run(tmp_path / "none", tmp_path / "other.png")
    assert without.returncode == 3
    assert "no Chromium" in without.stderr
