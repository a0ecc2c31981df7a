"""Block Kit's rules: what Slack refuses in a message or a form, and in which words.

Only the blocks and elements listed here are known; anything else is refused as Slack refuses an
unknown type, so that a message which passes here also passes there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_MESSAGE_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_CHARTS = 2  # in a message; found on Slack itself, in no reference


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One broken rule and where: `pointer` is a JSON pointer into the payload."""

    message: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], list[Fault]]


def message_faults(blocks: object) -> list[Fault]:
    """Every rule that the blocks of a message break; empty when Slack would take them."""
    found = _array(_MESSAGE_BLOCK, most=MOST_MESSAGE_BLOCKS, least=0)(blocks, "/blocks")
    return found or [*_repeated(blocks, "/blocks"), *_too_many_charts(blocks)]


def view_faults(view: object) -> list[Fault]:
    """Every rule that a form or Home tab breaks."""
    found = _VIEW(view, "/view")
    if found or not isinstance(view, dict):
        return found
    found = _repeated(view["blocks"], "/view/blocks")
    inputs = any(block["type"] == "input" for block in view["blocks"])
    if view["type"] == "modal" and inputs and "submit" not in view:
        found.append(_fault("missing required field: submit", "/view"))
    return found


def _fault(message: str, pointer: str) -> Fault:
    return Fault(message=message, pointer=pointer)


def _string(most: int, least: int = 1, pattern: str | None = None) -> Check:
    def check(value: Any, at: str) -> list[Fault]:
        if not isinstance(value, str):
            return [_fault("must be a string", at)]
        if len(value) < least:
            return [_fault(f"must be more than {least - 1} characters", at)]
        if len(value) > most:
            return [_fault(f"must be less than {most + 1} characters", at)]
        if pattern is not None and not re.fullmatch(pattern, value):
            return [_fault("must be a valid value", at)]
        return []

    return check


def _one_of(*allowed: object) -> Check:
    def check(value: Any, at: str) -> list[Fault]:
        names = ", ".join(map(str, allowed))
        return [] if value in allowed else [_fault(f"must be one of: {names}", at)]

    return check


def _true_or_false(value: Any, at: str) -> list[Fault]:
    return [] if isinstance(value, bool) else [_fault("must be a boolean", at)]


def _number(least: int, most: int) -> Check:
    def check(value: Any, at: str) -> list[Fault]:
        if isinstance(value, bool) or not isinstance(value, int):
            return [_fault("must be an integer", at)]
        return [] if least <= value <= most else [_fault(f"must be {least} to {most}", at)]

    return check


def _array(item: Check, *, most: int, least: int = 1) -> Check:
    def check(value: Any, at: str) -> list[Fault]:
        if not isinstance(value, list):
            return [_fault("must be an array", at)]
        if len(value) > most:
            return [_fault(f"no more than {most} items allowed", at)]
        if len(value) < least:
            return [_fault(f"no fewer than {least} items required", at)]
        return [fault for n, one in enumerate(value) for fault in item(one, f"{at}/{n}")]

    return check


def _object(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    known = required | (optional or {})

    def check(value: Any, at: str) -> list[Fault]:
        if not isinstance(value, dict):
            return [_fault("must be an object", at)]
        found = [_fault(f"missing required field: {k}", at) for k in required if k not in value]
        for key, one in value.items():
            if key not in known:
                found.append(_fault(f"invalid additional property: {key}", at))
            else:
                found += known[key](one, f"{at}/{key}")
        return found

    return check


def _by_type(kinds: dict[str, Check]) -> Check:
    def check(value: Any, at: str) -> list[Fault]:
        if not isinstance(value, dict):
            return [_fault("must be an object", at)]
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in kinds:
            return [_fault(f"unsupported type: {kind}", f"{at}/type")]
        return kinds[kind](value, at)

    return check


def _named(
    kind: str, required: dict[str, Check], optional: dict[str, Check] | None = None
) -> dict[str, Check]:
    return {kind: _object({"type": _one_of(kind)} | required, optional)}


def _plain(most: int, least: int = 1) -> Check:
    return _by_type(_named("plain_text", {"text": _string(most, least)}, {"emoji": _true_or_false}))


def _rich(most: int, least: int = 1) -> Check:
    return _by_type(
        _named("plain_text", {"text": _string(most, least)}, {"emoji": _true_or_false})
        | _named("mrkdwn", {"text": _string(most, least)}, {"verbatim": _true_or_false})
    )


def _repeated(blocks: Any, at: str) -> list[Fault]:
    """block_id is unique in a message, action_id in its block."""
    found: list[Fault] = []
    seen: set[str] = set()
    for n, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id is not None and block_id in seen:
            found.append(_fault(f'`block_id` "{block_id}" already exists', f"{at}/{n}/block_id"))
        seen |= {block_id} if block_id else set()
        actions: set[str] = set()
        for m, element in enumerate(block.get("elements", ())):
            name = element.get("action_id")
            if name is not None and name in actions:
                words = f'`action_id` "{name}" already exists for block_id "{block_id or ""}"'
                found.append(_fault(words, f"{at}/{n}/elements/{m}/action_id"))
            actions |= {name} if name else set()
    return found


_ID = _string(255)
_URL = _string(3000, pattern=r"(?s)[a-z][a-z0-9+.-]*:.+")
_STYLE = _one_of("primary", "danger")
_CONFIRM = _object(
    {"title": _plain(100), "text": _rich(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": _STYLE},
)
_OPTION = _object(
    {"text": _plain(75), "value": _string(150)}, {"description": _plain(75), "url": _URL}
)
_CHOICE = _object({"text": _rich(75), "value": _string(150)}, {"description": _rich(75)})
_GROUP = _object({"label": _plain(75), "options": _array(_OPTION, most=100)})
_ACTING: dict[str, Check] = {"action_id": _ID, "confirm": _CONFIRM}
_FOCUSED: dict[str, Check] = {"focus_on_load": _true_or_false}
_HINTED: dict[str, Check] = {"placeholder": _plain(150)}

_BUTTON = _named(
    "button",
    {"text": _plain(75)},
    _ACTING
    | {
        "value": _string(2000),
        "url": _URL,
        "style": _STYLE,
        "accessibility_label": _string(75),
    },
)
_IMAGE = _named("image", {"image_url": _URL, "alt_text": _string(2000)})
_SELECTS = (
    _named(
        "static_select",
        {},
        _ACTING
        | _FOCUSED
        | _HINTED
        | {
            "options": _array(_OPTION, most=100),
            "option_groups": _array(_GROUP, most=100),
            "initial_option": _OPTION,
        },
    )
    | _named("users_select", {}, _ACTING | _FOCUSED | _HINTED | {"initial_user": _string(20)})
    | _named(
        "channels_select",
        {},
        _ACTING
        | _FOCUSED
        | _HINTED
        | {"initial_channel": _string(20), "response_url_enabled": _true_or_false},
    )
    | _named("overflow", {"options": _array(_OPTION, most=5)}, _ACTING)
    | _named(
        "radio_buttons",
        {"options": _array(_CHOICE, most=10)},
        _ACTING | _FOCUSED | {"initial_option": _CHOICE},
    )
    | _named(
        "checkboxes",
        {"options": _array(_CHOICE, most=10)},
        _ACTING | _FOCUSED | {"initial_options": _array(_CHOICE, most=10)},
    )
    | _named(
        "datepicker",
        {},
        _ACTING | _FOCUSED | _HINTED | {"initial_date": _string(10, 10, r"\d{4}-\d{2}-\d{2}")},
    )
    | _named(
        "timepicker",
        {},
        _ACTING | _FOCUSED | _HINTED | {"initial_time": _string(5, 5, r"\d{2}:\d{2}")},
    )
)
# Stands in actions and inputs only, takes no placeholder; its moment is ten digits of seconds.
_MOMENT = _named(
    "datetimepicker",
    {},
    _ACTING | _FOCUSED | {"initial_date_time": _number(1_000_000_000, 9_999_999_999)},
)
_DISPATCH = _object(
    {"trigger_actions_on": _array(_one_of("on_enter_pressed", "on_character_entered"), most=2)}
)
_TYPED: dict[str, Check] = (
    {"action_id": _ID, "dispatch_action_config": _DISPATCH} | _FOCUSED | _HINTED
)
_FIELDS = (
    _named(
        "plain_text_input",
        {},
        _TYPED
        | {
            "initial_value": _string(3000, 0),
            "multiline": _true_or_false,
            "min_length": _number(0, 3000),
            "max_length": _number(1, 3000),
        },
    )
    | _named(
        "number_input",
        {"is_decimal_allowed": _true_or_false},
        _TYPED | {"initial_value": _string(30), "min_value": _string(30), "max_value": _string(30)},
    )
    | _named("url_text_input", {}, _TYPED | {"initial_value": _string(3000)})
)

_BLOCK_ID: dict[str, Check] = {"block_id": _ID}
_SECTION = _object(
    {"type": _one_of("section")},
    _BLOCK_ID
    | {
        "text": _rich(3000),
        "fields": _array(_rich(2000), most=10),
        "accessory": _by_type(_BUTTON | _IMAGE | _SELECTS),
        "expand": _true_or_false,
    },
)


def _section(value: Any, at: str) -> list[Fault]:
    found = _SECTION(value, at)
    if not found and "text" not in value and "fields" not in value:
        found.append(_fault("missing required field: text", at))
    return found


_CONTEXT_PIECE = _by_type(
    _IMAGE
    | _named("plain_text", {"text": _string(3000)}, {"emoji": _true_or_false})
    | _named("mrkdwn", {"text": _string(3000)}, {"verbatim": _true_or_false})
)
_EVERYWHERE: dict[str, Check] = (
    {"section": _section}
    | _named("divider", {}, _BLOCK_ID)
    | _named("header", {"text": _plain(150)}, _BLOCK_ID)
    | _named("context", {"elements": _array(_CONTEXT_PIECE, most=10)}, _BLOCK_ID)
    | _named(
        "actions", {"elements": _array(_by_type(_BUTTON | _SELECTS | _MOMENT), most=25)}, _BLOCK_ID
    )
    | _named(
        "image",
        {"image_url": _URL, "alt_text": _string(2000)},
        _BLOCK_ID | {"title": _plain(2000)},
    )
    | _named(
        "input",
        {"label": _plain(2000), "element": _by_type(_SELECTS | _MOMENT | _FIELDS)},
        _BLOCK_ID
        | {"hint": _plain(2000), "optional": _true_or_false, "dispatch_action": _true_or_false},
    )
)


# ---- charts: in messages only -------------------------------------------------------------------


def _figure(value: Any, at: str) -> list[Fault]:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return [] if good else [_fault("must be a number", at)]


_POINT = _object({"label": _string(20), "value": _figure})
_SERIES = _object({"name": _string(20), "data": _array(_POINT, most=20)})
_AXES = _object(
    {"categories": _array(_string(20), most=20)}, {"x_label": _string(50), "y_label": _string(50)}
)
_LINES: dict[str, Check] = {"series": _array(_SERIES, most=6), "axis_config": _AXES}
_CHART = _by_type(
    {name: one for kind in ("line", "bar", "area") for name, one in _named(kind, _LINES).items()}
    | _named("pie", {"segments": _array(_POINT, most=6)})
)
_CHART_BLOCK = _object(
    {"type": _one_of("data_visualization"), "title": _string(50), "chart": _CHART}, _BLOCK_ID
)


def _chart(value: Any, at: str) -> list[Fault]:
    """Every series has a name of its own and a value for every category."""
    found = _CHART_BLOCK(value, at)
    if found or value["chart"]["type"] == "pie":
        return found
    wanted = value["chart"]["axis_config"]["categories"]
    names = [series["name"] for series in value["chart"]["series"]]
    if len(set(names)) < len(names):
        found.append(_fault("series names must be unique", f"{at}/chart/series"))
    for n, series in enumerate(value["chart"]["series"]):
        if [point["label"] for point in series["data"]] != wanted:
            words = "data labels must match axis_config.categories"
            found.append(_fault(words, f"{at}/chart/series/{n}/data"))
    return found


def _too_many_charts(blocks: Any) -> list[Fault]:
    charts = [block for block in blocks if block["type"] == "data_visualization"]
    if len(charts) <= MOST_CHARTS:
        return []
    return [_fault(f"no more than {MOST_CHARTS} data_visualization blocks allowed", "/blocks")]


_MESSAGE_BLOCK = _by_type(_EVERYWHERE | {"data_visualization": _chart})
_VIEW_BLOCKS = _array(_by_type(_EVERYWHERE), most=MOST_VIEW_BLOCKS, least=0)
_VIEW_EXTRAS: dict[str, Check] = {
    "callback_id": _string(255, 0),
    "private_metadata": _string(3000, 0),
    "external_id": _string(255, 0),
}
_VIEW = _by_type(
    _named("home", {"blocks": _VIEW_BLOCKS}, _VIEW_EXTRAS)
    | _named(
        "modal",
        {"blocks": _VIEW_BLOCKS, "title": _plain(24)},
        _VIEW_EXTRAS
        | {
            "submit": _plain(24),
            "close": _plain(24),
            "clear_on_close": _true_or_false,
            "notify_on_close": _true_or_false,
            "submit_disabled": _true_or_false,
        },
    )
)
