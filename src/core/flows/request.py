"""What a door hands to a flow: a typed command or a pressed button, already verified."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Request:
    """A slash command. `id` is the same for every delivery of it."""

    id: str
    user: str
    channel: str
    text: str
    response_url: str


@dataclass(frozen=True, kw_only=True)
class Click:
    """A pressed button. `value` carries ids only; everything else is read again.

    `id` is the same for every delivery of one press.
    """

    id: str
    user: str
    channel: str
    action: str
    value: str
    response_url: str


Asked = Request | Click
