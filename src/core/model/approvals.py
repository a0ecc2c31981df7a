"""What was asked of an approver, and the trail of what everybody did."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.model.machines import Place


class Asking(StrEnum):
    """What is to be approved."""

    LAUNCH = "launch"
    START = "start"  # of a stopped machine
    EXTEND = "extend"


class Verdict(StrEnum):
    """What became of it."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # its machine was given up or has moved on


@dataclass(frozen=True, kw_only=True)
class Approval:
    """One question to the approvers. It fits exactly what they were shown, and is used once."""

    id: str
    asking: Asking
    machine: str  # id
    name: str
    requester: str
    channel: str
    turn: int  # of the machine, or the version of its lease: another one is another question
    what: str  # `8 x p5.48xlarge spot in us-east-1`, in words
    hourly: Decimal  # USD at most
    length: timedelta
    total: Decimal  # USD at most
    until: datetime | None  # the deadline that an extension asks for
    broken: tuple[str, ...]  # the rules that it passes, in words
    why: str  # the requester's own words
    asked_at: datetime
    expires_at: datetime
    remind_at: datetime | None
    reminders: int = 0
    verdict: Verdict = Verdict.OPEN
    decided_by: str | None = None
    decided_at: datetime | None = None
    places: tuple[Place, ...] = ()  # its messages
    told: bool = False  # the requester has heard the end of it
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its id."""
        return self.id


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One line of the audit trail: it is only ever added, never changed."""

    at: datetime
    id: str  # of the request, so that a redelivery is the same line
    who: str  # a user id, or `gpu` for the bot itself
    did: str  # the command or button, without anything secret
    answer: str  # what the person was told, or what came of it
    machine: str = ""  # its name
    channel: str = ""
