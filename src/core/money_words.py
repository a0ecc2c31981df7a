"""Reads the commands about money, rules, hours and deeds: the words behind `cost`, `budget`, …."""

import re
from datetime import timedelta
from decimal import Decimal

from core.model import Scope
from core.slots import Wrong, read
from core.times import Hours, weekday_of
from core.wants import (
    Audit,
    BudgetSet,
    BudgetShow,
    Cost,
    Idle,
    PolicySet,
    PolicyShow,
    ScheduleList,
    ScheduleSet,
    ScheduleSkip,
)
from core.words import echo

_CHANNEL = re.compile(r"<#([cg][a-z0-9]{1,20})(?:\|[^<>]*)?>")
_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")
_AMOUNT = re.compile(r"\$?([0-9]{1,9}(?:[.,][0-9]{1,2})?)(?:\s*(?:usd|\$))?(/h|/hour|/month|/mo)?")
_ME = frozenset({"me", "mine"})
_OFF = frozenset({"off", "none", "no", "never"})
_SETS = {
    "weekdays": (0, 1, 2, 3, 4),
    "weekends": (5, 6),
    "daily": tuple(range(7)),
    "everyday": tuple(range(7)),
}
_SPAN = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?-([0-9]{1,2})(?::([0-9]{2}))?")


# ---- what was spent, and who did what ---------------------------------------------------------


def read_cost(words: tuple[str, ...]) -> Cost:
    """`cost`, `cost me`, `cost week @kim`, `cost 2026-11 csv`, `cost project bert`."""
    rest, period, csv = _period(words)
    others = tuple(word for word in rest if word.lower() not in _ME)
    found = read(others, 1, frozenset({"user", "all", "project"}))
    return Cost(
        period=period or "month",
        user=found.get("user"),
        mine=len(others) < len(rest),
        project=found.get("project"),
        csv=csv,
    )


def read_audit(words: tuple[str, ...]) -> Audit:
    """`audit`, `audit month @kim csv`, `audit amber-fox`."""
    rest, period, csv = _period(words)
    found = read(rest, 1, frozenset({"user", "bare-name", "name", "all"}))
    return Audit(
        period=period or "week", user=found.get("user"), machine=found.get("name"), csv=csv
    )


def _period(words: tuple[str, ...]) -> tuple[tuple[str, ...], str | None, bool]:
    """The words without those about the time and the form; the time; whether as CSV."""
    rest, period, csv = [words[0]], None, False
    for word in (word.lower() for word in words[1:]):
        if word in ("csv", "export"):
            csv = True
        elif word in ("week", "month") or _MONTH.fullmatch(word):
            if period is not None:
                raise Wrong("Say one stretch of time.", [(words[0], word)])
            period = word
        else:
            rest.append(word)
    return tuple(rest), period, csv


# ---- budgets ----------------------------------------------------------------------------------


def read_budget(words: tuple[str, ...]) -> BudgetShow | BudgetSet:
    """`budget`, `budget team 2000`, `budget each 20/h`, `budget @kim off`, `budget #ml 500`."""
    low = [word.lower() for word in words[1:] if word.lower() not in ("set", "for", "per")]
    if low in ([], ["list"], ["show"]):
        return BudgetShow()
    scope, who = _whose(low[0])
    if len(low) < 2:
        raise Wrong("Say how much: US dollars a month, or an hour.", [("budget", *low, "500")])
    hourly = low[-1].endswith(("/h", "/hour")) or low[2:3] in (["hour"], ["hourly"], ["h"])
    if low[1] in _OFF:
        return BudgetSet(scope=scope, who=who, hourly=hourly)
    amount = _AMOUNT.fullmatch(low[1])
    if amount is None:
        raise Wrong(
            f"{echo(low[1])} is not an amount; write 500 for a month or 20/h.",
            [("budget", low[0], "500")],
        )
    return BudgetSet(
        scope=scope, who=who, amount=Decimal(amount[1].replace(",", ".")), hourly=hourly
    )


def _whose(word: str) -> tuple[Scope, str]:
    if word in ("team", "all", "everybody"):
        return Scope.TEAM, ""
    if word in ("each", "person", "people", "everyone"):
        return Scope.PERSON, ""
    if word in ("channel", "channels"):
        return Scope.CHANNEL, ""
    channel = _CHANNEL.fullmatch(word)
    if channel:
        return Scope.CHANNEL, channel[1].upper()
    found = read((word,), 0, frozenset({"user"}))
    return Scope.PERSON, str(found["user"])


# ---- rules ------------------------------------------------------------------------------------


def read_policy(words: tuple[str, ...]) -> PolicyShow | PolicySet:
    """`policy`, `policy set longest-lease 12h`, `policy reset longest-lease`."""
    low = [word.lower() for word in words[1:]]
    if low in ([], ["list"], ["show"]):
        return PolicyShow()
    if low[0] in ("reset", "unset") and len(low) == 2:
        return PolicySet(rule=low[1])
    rest = list(words[2:]) if low[0] == "set" else list(words[1:])
    if len(rest) < 2:
        raise Wrong("Say which rule, and its new value.", [("policy",)])
    return PolicySet(rule=rest[0].lower(), value=" ".join(rest[1:]))


# ---- idle and hours ---------------------------------------------------------------------------


def read_idle(words: tuple[str, ...]) -> Idle:
    """`idle amber-fox 30m`, `idle off`."""
    off = any(word.lower() in _OFF for word in words[1:])
    rest = tuple(word for word in words if word.lower() not in _OFF)
    found = read(rest, 1, frozenset({"bare-name", "name", "length"}))
    length = timedelta(0) if off else found.get("length")
    if length is None:
        raise Wrong("Say after how long unused it stops, or off.", [(*words, "30m")])
    return Idle(name=found.get("name"), length=length)


def read_schedule(words: tuple[str, ...]) -> ScheduleList | ScheduleSet | ScheduleSkip:
    """`schedule amber-fox weekdays 9:00-18:00`, `… off`, `… skip`."""
    low = [word.lower() for word in words[1:]]
    if low in ([], ["list"]):
        return ScheduleList()
    days, hours, rest = _hours(low)
    off, skip = any(word in _OFF for word in rest), "skip" in rest
    names = [word for word in rest if word not in _OFF and word != "skip"]
    found = read((words[0], *names), 1, frozenset({"bare-name", "name"}))
    name = found.get("name")
    if skip:
        return ScheduleSkip(name=name)
    if off:
        return ScheduleSet(name=name)
    if hours is None:
        raise Wrong(
            "Say on which days and from when to when.",
            [(words[0], *names, "weekdays", "9:00-18:00")],
        )
    starts, stops = hours
    return ScheduleSet(
        name=name, hours=Hours(days=days or tuple(range(7)), starts=starts, stops=stops)
    )


def _hours(
    low: list[str],
) -> tuple[tuple[int, ...], tuple[tuple[int, int], tuple[int, int]] | None, list[str]]:
    """Days, (start, stop), and the words that are neither."""
    days: set[int] = set()
    span: tuple[tuple[int, int], tuple[int, int]] | None = None
    rest: list[str] = []
    for word in (part for one in low for part in one.split(",") if part):
        day = weekday_of(word)
        found = _SPAN.fullmatch(word)
        if word in _SETS:
            days |= set(_SETS[word])
        elif day is not None:
            days.add(day)
        elif found:
            span = _moment(found[1], found[2]), _moment(found[3], found[4])
        else:
            rest.append(word)
    return tuple(sorted(days)), span, rest


def _moment(hour: str, minute: str | None) -> tuple[int, int]:
    at = int(hour), int(minute or 0)
    if at[0] > 23 or at[1] > 59:
        raise Wrong(f"{hour}:{minute or '00'} is not a time of day.", [])
    return at
