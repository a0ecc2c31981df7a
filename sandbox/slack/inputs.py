"""Buttons, menus and fields: what of them Slack puts into a payload."""

from typing import Any

from sandbox.slack.model import Json, View


class Impossible(Exception):
    """A gesture that nobody could make in Slack: no such message, button or person."""

    def __init__(self, status: int, error: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.error = error
        self.words = words


def element_of(blocks: tuple[Json, ...], action_id: str, value: object = None) -> tuple[str, Json]:
    """The block_id and the element with that action_id; Impossible when there is none.

    An action_id is unique in its block only: of several buttons it is the one with that value.
    """
    found = [
        (str(block["block_id"]), element)
        for block in blocks
        for element in (*block.get("elements", ()), block.get("accessory"), block.get("element"))
        if isinstance(element, dict) and element.get("action_id") == action_id
    ]
    exact = [one for one in found if value is not None and one[1].get("value") == value]
    if found:
        return (exact or found)[0]
    raise Impossible(404, "no_such_action", f"nothing there has the action_id {action_id!r}")


def acted(block_id: str, element: Json, value: object, stamp: str) -> Json:
    """One entry of `actions`. A button's value is the message's own: a given one must match."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block_id,
        "action_ts": stamp,
    }
    if element["type"] == "button":
        if value is not None and value != element.get("value"):
            words = "the button carries another value now"
            raise Impossible(409, "value_differs", words)
        more = {k: element[k] for k in ("text", "value", "style") if k in element}
        return action | more
    return action | _state(element, value)


def values_of(view: View, given: object) -> Json:
    """state.values of a form: what was typed, what was chosen, and what stood there before."""
    typed = given if isinstance(given, dict) else {}
    found: Json = {}
    for block in view.body["blocks"]:
        for element in (*block.get("elements", ()), block.get("accessory"), block.get("element")):
            if not isinstance(element, dict) or "action_id" not in element:
                continue  # words or an image
            if element["type"] == "button":
                continue
            name = element["action_id"]
            block_id = block["block_id"]
            one = typed.get(block_id)
            value = one.get(name) if isinstance(one, dict) else one
            found.setdefault(block_id, {})[name] = _state(element, value)
    return found


def _state(element: Json, value: Any) -> Json:
    """One input's state: a whole state object as Slack writes it, or just the value."""
    if isinstance(value, dict):
        return {"type": element["type"]} | value
    kind = element["type"]
    options = _options(element)
    if kind in ("static_select", "radio_buttons", "overflow"):
        chosen = options.get(value) if value is not None else element.get("initial_option")
        if value is not None and chosen is None:
            raise Impossible(409, "value_differs", f"no option has the value {value!r}")
        return {"type": kind, "selected_option": chosen}
    if kind == "checkboxes":
        wanted = value if isinstance(value, list) else []
        first = element.get("initial_options", [])
        chosen_all = first if value is None else [options[v] for v in wanted if v in options]
        return {"type": kind, "selected_options": chosen_all}
    plain = {
        "users_select": ("selected_user", "initial_user"),
        "channels_select": ("selected_channel", "initial_channel"),
        "datepicker": ("selected_date", "initial_date"),
        "timepicker": ("selected_time", "initial_time"),
        "datetimepicker": ("selected_date_time", "initial_date_time"),
    }
    name, initial = plain.get(kind, ("value", "initial_value"))
    return {"type": kind, name: element.get(initial) if value in (None, "") else value}


def _options(element: Json) -> dict[Any, Json]:
    groups = element.get("option_groups", ())
    grouped = [option for group in groups for option in group["options"]]
    return {option["value"]: option for option in [*element.get("options", ()), *grouped]}
