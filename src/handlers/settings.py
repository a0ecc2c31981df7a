"""The environment, read once and frozen: what the template and the admins decided.

Every variable that is missing or wrong is named, all of them in one error, so that a deployment is
mended in one go. Whoever keeps deadlines asks for as much as can be read: a slip in another setting
must not keep machines running.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from core.model import Budget, Policy, Scope
from core.networks import is_everybody
from core.rule_table import RULES
from core.rule_values import BadValue

T = TypeVar("T")

SLACK_API_URL = "https://slack.com/api/"
GITHUB_URL = "https://github.com"
_LEAST_LEASE = 2  # minutes
_LARGEST_DISK = 16384  # GB, the most a gp3 volume holds
_ANY = re.compile(r"\S+")
_URL = re.compile(r"https?://[^/\s?#]+(/[^\s?#]*)?")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_TEAM = re.compile(r"([A-Z][A-Z0-9]+)?")
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")
_USER = re.compile(r"[UW][A-Z0-9]+")
_TOPIC = re.compile(r"(arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]+)?")
_PROFILE = re.compile(r"(arn:[a-z-]+:iam::\d{12}:instance-profile/[\w+=,.@/-]+)?")
_KEY = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")


class BadSettings(Exception):
    """The environment cannot be used; `problems` has one sentence for each variable."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the table, the queue, the secret and Slack are, and what the admins decided."""

    table: str
    queue_url: str
    secret_arn: str
    slack_api_url: str  # ends with a slash
    github_url: str
    here_url: str  # of the door; empty in functions that give no links
    dead_letters: tuple[str, ...]  # URLs of queues; none in functions that do not look at them
    alarm_topic: str  # ARN of where alarms go; empty in functions that do not look at it
    policy: Policy


def read(environ: Mapping[str, str]) -> Settings:
    """The settings in these variables; BadSettings names every one that is missing or wrong."""
    settings, wrong = read_what_can_be(environ)
    if wrong is not None:
        raise wrong
    return settings


def read_what_can_be(environ: Mapping[str, str]) -> tuple[Settings, BadSettings | None]:
    """The same, and what is wrong with them instead of an error.

    What is wrong is left out or has its default, which may allow more than was meant: nothing may
    be launched by these. Without the table, the queue and the stack's name nothing can be done.
    """
    look = _Look(environ)
    table = look.word("TABLE_NAME", _ANY)
    queue_url = look.word("QUEUE_URL", _URL)
    stack = look.word("STACK_NAME", _ANY)
    lost = bool(look.problems)
    settings = Settings(
        table=table,
        queue_url=queue_url,
        secret_arn=look.word("SECRET_ARN", _ANY),
        slack_api_url=look.word("SLACK_API_URL", _URL, SLACK_API_URL).rstrip("/") + "/",
        github_url=look.word("GITHUB_URL", _URL, GITHUB_URL),
        here_url=look.word("HERE_URL", _URL, ""),
        dead_letters=look.words("DEAD_LETTER_URLS", _URL, ""),
        alarm_topic=look.word("ALARM_TOPIC", _TOPIC, ""),
        policy=_policy(look, stack),
    )
    wrong = BadSettings(tuple(look.problems)) if look.problems else None
    if wrong is not None and lost:
        raise wrong
    return settings, wrong


def _policy(look: "_Look", stack: str) -> Policy:
    default = look.number("DEFAULT_LEASE_MINUTES", 240, least=_LEAST_LEASE)
    longest = look.number("LONGEST_LEASE_MINUTES", 1440, least=_LEAST_LEASE)
    if default > longest:
        look.problems.append(
            f"DEFAULT_LEASE_MINUTES is {default}, longer than LONGEST_LEASE_MINUTES ({longest})"
        )
    policy = Policy(
        stack=stack,
        team_id=look.word("SLACK_TEAM_ID", _TEAM, ""),
        regions=look.words("REGIONS", _REGION, "us-east-1"),
        channels=frozenset(look.words("ALLOWED_CHANNELS", _CHANNEL, "")),
        admins=frozenset(look.words("ADMINS", _USER, "")),
        default_lease=timedelta(minutes=default),
        longest_lease=timedelta(minutes=longest),
        default_disk_gb=look.number("DEFAULT_DISK_GB", 50, least=1, most=_LARGEST_DISK),
        approval_above=look.dollars("APPROVAL_ABOVE_USD_PER_HOUR", "10"),
        networks=look.networks("ALLOWED_NETWORKS"),
        instance_profile=look.word("INSTANCE_PROFILE", _PROFILE, ""),
        disk_keys=frozenset(look.words("DISK_KEYS", _KEY, "")),
        approvers=look.rule("APPROVERS", "approvers", "admins"),
        groups=look.rule("ALLOWED_GROUPS", "groups", "all"),
        types=look.rule("ALLOWED_TYPES", "types", "all"),
        markets=look.rule("ALLOWED_MARKETS", "markets", "all"),
        most_count=look.number("MOST_INSTANCES", 100, least=1, most=100),
        most_gpus=look.rule("MOST_GPUS", "most-gpus", "off"),
        largest_disk_gb=look.rule("LARGEST_DISK_GB", "largest-disk", "off"),
        shelf=timedelta(days=look.number("STOPPED_LEASE_DAYS", 7, least=1, most=365)),
        idle=look.rule("IDLE_MINUTES", "idle", "off", unit="m"),
        recover=look.rule("SPOT_RECOVERY", "recover", "off"),
        over_price=look.rule("OVER_PRICE", "over-price", "approve"),
        over_length=look.rule("OVER_LENGTH", "over-length", "block"),
        over=look.rule("OVER_BUDGET", "over-budget", "approve"),
        budgets=_budgets(look),
    )
    largest = policy.largest_disk_gb
    if largest is not None and policy.default_disk_gb > largest:
        look.problems.append(
            f"DEFAULT_DISK_GB is {policy.default_disk_gb}, more than LARGEST_DISK_GB ({largest})"
        )
    return policy


def _budgets(look: "_Look") -> tuple[Budget, ...]:
    """Those that have a limit at all."""
    team = Budget(
        scope=Scope.TEAM,
        monthly=look.limit("TEAM_BUDGET_USD_PER_MONTH"),
        hourly=look.limit("TEAM_BUDGET_USD_PER_HOUR"),
    )
    person = Budget(
        scope=Scope.PERSON,
        monthly=look.limit("PERSON_BUDGET_USD_PER_MONTH"),
        hourly=look.limit("PERSON_BUDGET_USD_PER_HOUR"),
    )
    return tuple(one for one in (team, person) if (one.monthly, one.hourly) != (None, None))


class _Look:
    """Reads variables and collects what is wrong with them instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def word(self, name: str, form: re.Pattern[str], default: str | None = None) -> str:
        """One word of that form; without a default it must be there."""
        text = self.environ.get(name, "").strip()
        if not text and default is None:
            self.problems.append(f"{name} is missing")
        elif text and not form.fullmatch(text):
            self.problems.append(f"{name} is {text!r}, which is not of the form {form.pattern}")
        return text or default or ""

    def words(self, name: str, form: re.Pattern[str], default: str) -> tuple[str, ...]:
        """Comma-separated words of that form, in their order, each once; others are left out."""
        found = [
            word.strip() for word in (self.environ.get(name, "").strip() or default).split(",")
        ]
        words = tuple(dict.fromkeys(word for word in found if word))
        bad = [word for word in words if not form.fullmatch(word)]
        if bad:
            self.problems.append(
                f"{name} names {', '.join(map(repr, bad))}, not of the form {form.pattern}"
            )
        return tuple(word for word in words if word not in bad)

    def number(self, name: str, default: int, *, least: int, most: int | None = None) -> int:
        """A whole number between `least` and `most`."""
        number = self._parsed(name, str(default), _whole, "a whole number")
        if number is None:
            return default
        if number < least or (most is not None and number > most):
            upper = f" and at most {most}" if most is not None else ""
            self.problems.append(f"{name} is {number}; it must be at least {least}{upper}")
        return number

    def rule(self, name: str, rule: str, default: str, *, unit: str = "") -> Any:
        """A rule's value, read as if an admin had typed it in Slack; `unit` follows a number."""
        kind = RULES[rule].kind
        text = self.environ.get(name, "").strip() or default
        try:
            return kind.read(f"{text}{unit}" if text.isdecimal() else text)
        except BadValue as bad:
            self.problems.append(f"{name}: {bad.what}")
            return kind.read(default)

    def dollars(self, name: str, default: str) -> Decimal:
        """An amount of US dollars, 0 or more."""
        amount = self._parsed(name, default, _amount, "an amount such as 10 or 4.50")
        return Decimal(default) if amount is None else amount

    def limit(self, name: str) -> Decimal | None:
        """An amount of US dollars; None where it is off, as it is when nobody says."""
        off = self.environ.get(name, "").strip().lower() in ("", "off")
        return None if off else self.dollars(name, "0")

    def networks(self, name: str) -> tuple[str, ...]:
        """Comma-separated CIDRs; what is as wide as the world is none."""
        found: list[str] = []
        for text in self.environ.get(name, "").split(","):
            if not text.strip():
                continue
            network = _network(text.strip())
            if network is None:
                self.problems.append(
                    f"{name} names {text.strip()!r}, which is no network such as"
                    " 192.0.2.0/24, or is as wide as the whole world"
                )
            else:
                found.append(network)
        return tuple(dict.fromkeys(found))

    def _parsed(
        self, name: str, default: str, parse: Callable[[str], T | None], meant: str
    ) -> T | None:
        text = self.environ.get(name, "").strip() or default
        value = parse(text)
        if value is None:
            self.problems.append(f"{name} is {text!r}, which is not {meant}")
        return value


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _network(text: str) -> str | None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    return None if is_everybody(network) else str(network)
