"""Block Kit pieces keep Slack's limits, and text stays text."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import blocks

AT = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


def test_a_date_is_shown_in_each_readers_own_zone_with_utc_where_none_is() -> None:
    shown = blocks.when(AT)
    assert (
        shown == f"<!date^{int(AT.timestamp())}^{{date_short_pretty}} at {{time}}|24 Nov 18:00 UTC>"
    )


def test_a_time_can_be_shown_without_its_date() -> None:
    assert blocks.when(AT, blocks.TIME_ONLY).startswith(f"<!date^{int(AT.timestamp())}^{{time}}|")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U123>", "&lt;@U123&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;", "&amp;lt;"),
        ("one\ntwo", "one two"),
        ("gnp\u202eevil", "gnpevil"),  # right-to-left override
        ("a\u200bb\x00c\x1bd", "abcd"),  # zero width, NUL, escape
    ],
)
def test_somebodys_words_are_nothing_but_words(typed: str, shown: str) -> None:
    assert blocks.escape(typed) == shown


def test_a_backtick_does_not_end_a_code_span() -> None:
    assert blocks.code("a`<b>") == "`a'&lt;b&gt;`"


def test_a_mention_holds_an_id_and_nothing_else() -> None:
    assert blocks.user("U12> <!channel>") == "<@U12channel>"


def test_a_link_cannot_be_broken_out_of() -> None:
    assert blocks.link("https://x.test/a|b>", "c|<d>") == "<https://x.test/a%7Cb%3E|c|&lt;d&gt;>"


def test_a_cut_leaves_no_half_open_tag_and_no_half_entity() -> None:
    assert blocks.cut(f"see {blocks.when(AT)}", 12) == "see…"
    assert blocks.cut("a&amp;b", 5) == "a…"
    assert blocks.cut("short", 5) == "short"


def test_a_message_says_in_its_text_what_its_blocks_say() -> None:
    made = blocks.message(
        blocks.header("Title"),
        blocks.section("*bold* words"),
        blocks.fields([("Owner", "<@U1>"), ("Machine", "one\ntwo")]),
        blocks.divider(),
        blocks.actions(blocks.button("Yes", "yes", "1"), blocks.button("No", "no", "1")),
        blocks.context("small", "print"),
    )
    assert made.text.splitlines() == [
        "Title",
        "*bold* words",
        "Owner: <@U1>",
        "Machine: one, two",
        "[Yes] [No]",
        "small · print",
    ]


def test_a_message_holds_at_most_fifty_blocks_and_three_thousand_characters() -> None:
    made = blocks.message(*[blocks.section("x" * 200) for _ in range(80)])
    assert len(made.blocks) == 50
    assert len(made.text) == 3000


def test_bare_words_never_become_links_by_themselves() -> None:
    assert blocks.section("evil.example")["text"]["verbatim"] is True


def test_what_is_empty_is_shown_as_a_dash_because_slack_refuses_it() -> None:
    assert blocks.section("")["text"]["text"] == "-"
    assert blocks.button("", "a", "b")["text"]["text"] == "-"


def test_a_dialog_keeps_slacks_lengths() -> None:
    made = blocks.confirm("t" * 400, "x" * 400, "y" * 400, "n" * 400)
    lengths = [len(made[part]["text"]) for part in ("title", "text", "confirm", "deny")]
    assert lengths == [100, 300, 30, 30]
    assert made["style"] == "danger"
    assert "style" not in blocks.confirm("t", "x", "y", "n", danger=False)


def test_a_row_holds_at_most_twenty_five_buttons_and_a_list_ten_fields() -> None:
    buttons = [blocks.button("b", f"a{i}", "v") for i in range(40)]
    assert len(blocks.actions(*buttons)["elements"]) == 25
    assert len(blocks.fields([("a", "b")] * 20)["fields"]) == 10


@given(st.text(max_size=400))
def test_no_text_can_make_a_tag(typed: str) -> None:
    shown = blocks.escape(typed)
    assert "<" not in shown
    assert ">" not in shown
    json.dumps(shown).encode()


@given(st.text(max_size=400))
def test_no_label_can_make_a_tag_or_grow_too_long(typed: str) -> None:
    label = blocks.button(typed, "a", "v")["text"]["text"]
    assert 1 <= len(label) <= 75
    assert "<" not in label
    assert ">" not in label


@given(st.text(alphabet="<>&;abc|^!`", max_size=60), st.integers(1, 60))
def test_a_cut_is_never_longer_than_asked(text: str, most: int) -> None:
    assert len(blocks.cut(text, most)) <= most
