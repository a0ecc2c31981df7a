"""What a door hands to a flow: a typed command or a pressed button, already verified.

`response_url` is where the answer goes: Slack's own or, where it gives none (a button of the Home
tab), `in_person(user)`, which means the person's direct messages.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Request:
    """A slash command. `id` and `at`, when the door took it, are the same for every delivery."""

    id: str
    user: str
    channel: str
    text: str
    response_url: str
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Click:
    """A pressed button. `value` carries ids only; everything else is read again.

    `id` and `at`, when the door took it, are the same for every delivery of one press.
    """

    id: str
    user: str
    channel: str
    action: str
    value: str
    response_url: str
    at: datetime | None = None


Asked = Request | Click

_IN_PERSON = "dm:"


def in_person(user: str) -> str:
    """Stands for a response_url where there is none."""
    return f"{_IN_PERSON}{user}"


def who_in_person(response_url: str) -> str | None:
    """Whom to answer in direct messages; None where there is a response_url."""
    return response_url.removeprefix(_IN_PERSON) if response_url.startswith(_IN_PERSON) else None
