"""Why a launch waits for a person, and the ways on."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.model.quotas import QuotaFacts
from core.model.wishes import Market


class HoldKind(StrEnum):
    """Why a launch waits for a person."""

    QUOTA = "quota"
    NO_CAPACITY = "no-capacity"
    NOT_OFFERED = "not-offered"
    NO_ACCESS = "no-access"  # no key, no allowed address, or neither
    TOO_DEAR = "too-dear"  # above the price limit
    OVER_LIMIT = "over-limit"  # above what may be spent, or how long it may run
    NOT_ALLOWED = "not-allowed"  # by the policy, whoever approves
    REFUSED = "refused"  # EC2 said no for a reason that another try does not change


class ChoiceKind(StrEnum):
    """What a button of a held launch does."""

    ASK_QUOTA = "ask-quota"
    ASK_AND_LAUNCH = "ask-and-launch"
    MARKET = "market"
    TYPE = "type"
    REGION = "region"
    DISK = "disk"
    IMAGE = "image"
    COUNT = "count"  # fewer at once
    ZONE = "zone"  # elsewhere, from a snapshot of the disk
    KEEP_TRYING = "keep-trying"
    RETRY = "retry"
    APPROVAL = "approval"  # ask an approver


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One way on. `value` is a market, type, region or number of vCPUs; buttons carry its index."""

    kind: ChoiceKind
    value: str
    hourly: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A launch that cannot go on by itself: why, and the ways on."""

    kind: HoldKind
    choices: tuple[Choice, ...] = ()
    quota: QuotaFacts | None = None
    needed: int = 0  # vCPUs; where a rule limits a number: the most that it allows
    hourly: Decimal | None = None  # of the cheapest zone, where the price is known
    asked: str | None = None  # key of the QuotaRequest that was made from this hold
    lacks_key: bool = False
    lacks_address: bool = False
    code: str = ""  # EC2's error code, or the rule's name
    detail: str = ""
    also: str = ""  # what a launch above the price limit passes besides, in words
    # What it is about, of all that the wish leaves open; "" and None: its first choice.
    instance_type: str = ""
    market: Market | None = None
    region: str = ""
