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
_UNIT = r"(?:(?: ?/ ?| (?:an? |per )?)(?:(?P<hourly>h|hours?|hourly)|mo|months?|monthly))?"
_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3}){1,2}(?:\.[0-9]{1,2})?|[0-9]{1,9}(?:[.,][0-9]{1,2})?"
_AMOUNT = re.compile(rf"\$? ?(?P<number>{_NUMBER})(?: ?(?:usd|\$))?{_UNIT}")
_NOTHING = re.compile(rf"(?:off|none|no|never){_UNIT}")
_SPACED = re.compile(r"\$? ?([0-9]{1,3}(?: [0-9]{3})+)")
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
    low = [word.lower() for word in words[1:] if word.lower() not in ("set", "for")]
    low = low[1:] if low[:1] == ["per"] else low
    if low in ([], ["list"], ["show"]):
        return BudgetShow()
    scope, who = _whose(low[0])
    if len(low) < 2:
        raise Wrong("Say how much: US dollars a month, or an hour.", [("budget", *low, "500")])
    said = " ".join(low[1:])
    off, amount = _NOTHING.fullmatch(said), _AMOUNT.fullmatch(said)
    if off:
        return BudgetSet(scope=scope, who=who, hourly=off["hourly"] is not None)
    if amount is None:
        raise _no_amount(low)
    hourly = amount["hourly"] is not None
    return BudgetSet(scope=scope, who=who, amount=_dollars(amount["number"]), hourly=hourly)


def _dollars(number: str) -> Decimal:
    """A comma before three digits parts thousands; another one is a decimal point."""
    return Decimal(re.sub(",(?=[0-9]{3})", "", number).replace(",", "."))


def _no_amount(low: list[str]) -> Wrong:
    """Not all of it is understood: no budget is ever set from half an amount."""
    whose, first, rest = low[0], low[1], " ".join(low[2:])
    spaced = _SPACED.match(" ".join(low[1:]))
    begun = first in _OFF or _AMOUNT.fullmatch(first) is not None
    what = f"{echo(first)} is not an amount"
    if spaced or begun:
        what = f"{echo(rest)} is not understood behind {echo(first)}"
    fixes = [("budget", whose, "500")]
    if spaced or begun:
        fixes.insert(0, ("budget", whose, spaced[1].replace(" ", "") if spaced else first))
    return Wrong(f"{what}; write 500 for a month or 20/h.", fixes)


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
    if off and "length" in found:
        raise Wrong("Say either after how long or off, not both.", [rest])
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
    if (bool(days or hours), off, skip).count(True) > 1:
        meant = [word for word in low if word not in _OFF and word != "skip"]
        one = ("off",) if off else ("skip",)
        raise Wrong(
            "Say one of these: hours, off or skip.", [(words[0], *meant), (words[0], *names, *one)]
        )
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
    parts = [part for one in low for part in one.split(",") if part]
    for at, word in enumerate(parts):
        day = weekday_of(word)
        found = _SPAN.fullmatch(word)
        if word in _SETS:
            days |= set(_SETS[word])
        elif day is not None:
            days.add(day)
        elif found and span is not None:
            raise _second_span(parts, at)
        elif found:
            span = _moment(found[1], found[2]), _moment(found[3], found[4])
        else:
            rest.append(word)
    return tuple(sorted(days)), span, rest


def _second_span(parts: list[str], at: int) -> Wrong:
    """A schedule has one span of hours; what was said up to the end of the first is offered."""
    first = next(n for n, word in enumerate(parts) if _SPAN.fullmatch(word))
    later = [
        word
        for word in parts[first + 1 :]
        if word not in _SETS and weekday_of(word) is None and not _SPAN.fullmatch(word)
    ]
    return Wrong(
        f"A schedule has one span of hours, the same on each of its days; {echo(parts[at])} is a "
        "second one.",
        [("schedule", *later, *parts[: first + 1])],
    )


def _moment(hour: str, minute: str | None) -> tuple[int, int]:
    at = int(hour), int(minute or 0)
    if at[0] > 23 or at[1] > 59:
        raise Wrong(f"{hour}:{minute or '00'} is not a time of day.", [])
    return at
