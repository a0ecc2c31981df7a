"""Block Kit in small pieces, and Slack's limits: what a message may hold lives here alone.

Every piece is a plain dict, ready for JSON. What is too long is cut with an ellipsis, never sent as
it is, because Slack refuses a whole message for one piece that is over its limit.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.words import visible

Block = dict[str, Any]

MOST_BLOCKS = 50
MOST_HOME_BLOCKS = 100
MOST_TEXT = 3000  # characters of a message's own text; chat.update refuses more than 4,000
MOST_SECTION = 3000
MOST_FIELD = 2000
MOST_FIELDS = 10
MOST_HEADER = 150
MOST_CONTEXT_PIECES = 10
MOST_CONTEXT_TEXT = 2000
MOST_BUTTONS = 25
MOST_LABEL = 75
MOST_VALUE = 2000
MOST_ACTION_ID = 255
MOST_CONFIRM_TITLE = 100
MOST_CONFIRM_TEXT = 300
MOST_CONFIRM_LABEL = 30

MOST_CHART_TITLE = 50
MOST_CHART_LABEL = 20
MOST_AXIS_LABEL = 50
MOST_SERIES = 6
MOST_POINTS = 20

CHART = "data_visualization"
DATE_AND_TIME = "{date_short_pretty} at {time}"
TIME_ONLY = "{time}"

# A cut may not leave half of an entity (`&am`) or half of a tag (`<!date^17…`) at the end.
_HALF_ENTITY = re.compile(r"&[a-z]{0,4}\Z")
_HALF_TAG = re.compile(r"<[^<>]*\Z")
_SILENT = frozenset({"divider", CHART})


@dataclass(frozen=True, kw_only=True)
class Message:
    """What Slack is given. `text` says in words what the blocks say: notifications show it."""

    text: str
    blocks: tuple[Block, ...] = ()

    def without_charts(self) -> "Message | None":
        """The same for a workspace that has no charts yet; None where there is none in it anyway.

        Whoever sends a chart says what it shows in another block, too.
        """
        plain = tuple(block for block in self.blocks if block["type"] != CHART)
        return replace(self, blocks=plain) if len(plain) < len(self.blocks) else None


@dataclass(frozen=True, kw_only=True)
class Home:
    """What stands in one person's Home tab."""

    blocks: tuple[Block, ...]

    def without_charts(self) -> "Home | None":
        """The same without charts; None where there is none in it anyway."""
        plain = tuple(block for block in self.blocks if block["type"] != CHART)
        return Home(blocks=plain) if len(plain) < len(self.blocks) else None


def home(*blocks: Block) -> Home:
    """A Home tab within Slack's limits: the last of more than a hundred blocks are dropped."""
    return Home(blocks=blocks[:MOST_HOME_BLOCKS])


def message(*blocks: Block) -> Message:
    """A message within Slack's limits whose text is everything that its blocks say, in their order.

    At most 50 blocks: the last ones are dropped. Every caller passes at least one.
    """
    kept = blocks[:MOST_BLOCKS]
    return Message(
        text=cut("\n".join(_spoken(b) for b in kept if b["type"] not in _SILENT), MOST_TEXT),
        blocks=kept,
    )


def _spoken(block: Block) -> str:
    """A block's words, for notifications and screen readers: buttons as `[label]`."""
    match block["type"]:
        case "actions":
            return " ".join(_spoken_element(element) for element in block["elements"])
        case "context":
            return " · ".join(e["text"] for e in block["elements"])
        case "section" if "fields" in block:
            return "\n".join(_spoken_field(f["text"]) for f in block["fields"])
        case _:
            return str(block["text"]["text"])


def _spoken_element(element: Block) -> str:
    if element["type"] == "datetimepicker":
        return f"[Until {utc(datetime.fromtimestamp(element['initial_date_time'], UTC))}, or when?]"
    return f"[{element['text']['text']}]"


def _spoken_field(text: str) -> str:
    name, _, value = text.partition("*\n")
    return f"{name[1:]}: {value.replace(chr(10), ', ')}"


# ---- words ----------------------------------------------------------------------------------


def escape(text: str) -> str:
    """Somebody's words as nothing but words: no mention, no link, no control or bidi character."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """Somebody's words in a code span; a backtick would end it, so it becomes an apostrophe."""
    return f"`{escape(text).replace('`', chr(39))}`"


def when(at: datetime, style: str = DATE_AND_TIME) -> str:
    """A moment in each reader's own time zone. `style`: Slack's date tokens. Not for buttons."""
    return f"<!date^{int(at.timestamp())}^{style}|{utc(at)}>"


def utc(at: datetime) -> str:
    """A moment for where Slack renders no dates: buttons, confirmations, notifications."""
    return at.astimezone(UTC).strftime("%d %b %H:%M UTC").lstrip("0")


def user(id: str) -> str:
    """A mention, which notifies; ids are letters and digits, so nothing else gets through."""
    return f"<@{''.join(c for c in id if c.isascii() and c.isalnum())}>"


def link(url: str, label: str) -> str:
    """A link; `url` is our own, never somebody's words."""
    return f"<{url.replace('|', '%7C').replace('>', '%3E')}|{escape(label)}>"


def cut(text: str, most: int) -> str:
    """At most `most` characters, ending in an ellipsis and in no half-open tag if it was longer."""
    if len(text) <= most:
        return text
    short = text[: most - 1]
    short = _HALF_TAG.sub("", _HALF_ENTITY.sub("", short))
    return short.rstrip() + "…"


# ---- blocks ---------------------------------------------------------------------------------


def _mrkdwn(text: str, most: int) -> Block:
    # An empty text is refused by Slack; a dash is the smallest honest thing to say instead.
    # `verbatim` keeps Slack from making links out of bare words, such as a name that looks like an
    # address; explicit tags, which only `when`, `user` and `link` write, still work.
    return {"type": "mrkdwn", "text": cut(text, most) or "-", "verbatim": True}


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": _plain_cut(text, most), "emoji": False}


def _plain_cut(text: str, most: int) -> str:
    return cut(_bare(text), most) or "-"


def _bare(text: str) -> str:
    """Words for where there is no markup and hence no escaping: nothing in them can be a tag."""
    return visible(text).replace("<", "(").replace(">", ")")


def section(markdown: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": _mrkdwn(markdown, MOST_SECTION)}


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Label and value, two a line; at most ten."""
    cells = [_mrkdwn(f"*{name}*\n{value}", MOST_FIELD) for name, value in pairs[:MOST_FIELDS]]
    return {"type": "section", "fields": cells}


def header(words: str) -> Block:
    """A title, without markup."""
    return {"type": "header", "text": _plain(words, MOST_HEADER)}


def context(*pieces: str) -> Block:
    """Small print."""
    cells = [_mrkdwn(piece, MOST_CONTEXT_TEXT) for piece in pieces[:MOST_CONTEXT_PIECES]]
    return {"type": "context", "elements": cells}


def divider() -> Block:
    return {"type": "divider"}


def line_chart(
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[Decimal]]],
    *,
    x_label: str,
    y_label: str,
) -> Block:
    """Lines over the same labels; names and labels are told apart, six lines and twenty at most."""
    return _chart("line", title, labels, series, x_label, y_label)


def bar_chart(
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[Decimal]]],
    *,
    x_label: str,
    y_label: str,
) -> Block:
    """Bars side by side over the same labels, under the limits of lines."""
    return _chart("bar", title, labels, series, x_label, y_label)


def _chart(
    kind: str,
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[Decimal]]],
    x_label: str,
    y_label: str,
) -> Block:
    names = [_plain_cut(label, MOST_CHART_LABEL) for label in labels[:MOST_POINTS]]
    lines = [
        {
            "name": _plain_cut(name, MOST_CHART_LABEL),
            "data": [
                {"label": label, "value": float(value)}
                for label, value in zip(names, values, strict=False)
            ],
        }
        for name, values in series[:MOST_SERIES]
    ]
    axes = {
        "categories": names,
        "x_label": _plain_cut(x_label, MOST_AXIS_LABEL),
        "y_label": _plain_cut(y_label, MOST_AXIS_LABEL),
    }
    return {
        "type": CHART,
        "title": _plain_cut(title, MOST_CHART_TITLE),
        "chart": {"type": kind, "series": lines, "axis_config": axes},
    }


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons[:MOST_BUTTONS])}


def button(
    label: str,
    action_id: str,
    value: str,
    style: str | None = None,
    confirm: Block | None = None,
) -> Block:
    """A button. `style` is "primary" or "danger"; `value` carries ids only."""
    made: Block = {
        "type": "button",
        "text": _plain(label, MOST_LABEL),
        "action_id": action_id[:MOST_ACTION_ID],
        "value": value[:MOST_VALUE],
    }
    if style is not None:
        made["style"] = style
    if confirm is not None:
        made["confirm"] = confirm
    return made


def datetime_picker(action_id: str, initial: datetime, confirm: Block) -> Block:
    """A date and a time on the reader's own clock. It carries no value: ids are in `action_id`.

    Date and time are chosen one after the other, and each choice acts: so it asks first.
    """
    return {
        "type": "datetimepicker",
        "action_id": action_id[:MOST_ACTION_ID],
        "initial_date_time": int(initial.timestamp()),
        "confirm": confirm,
    }


def confirm(title: str, text: str, yes: str, no: str, *, danger: bool = True) -> Block:
    """The question before a dangerous button acts."""
    made: Block = {
        "title": _plain(title, MOST_CONFIRM_TITLE),
        "text": _plain(text, MOST_CONFIRM_TEXT),
        "confirm": _plain(yes, MOST_CONFIRM_LABEL),
        "deny": _plain(no, MOST_CONFIRM_LABEL),
    }
    if danger:
        made["style"] = "danger"
    return made
