"""What IAM says about one call of one role: explicit denies, allows, wildcards and conditions.

Identity policies only: no role here has a boundary or a session policy, and nothing that is called
has a policy of its own. What is not understood raises ValueError: an operator that is passed over
would look like a right that is not there.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

Context = Mapping[str, tuple[str, ...]]
Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One thing that a call wants to be allowed; most calls want several.

    `context` has condition keys in lower case, as IAM compares them. `gone`: what it is about does
    not exist, and the service says that before it asks for any right.
    """

    action: str
    resource: str
    context: Context
    gone: bool = False


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A statement's resource pattern that fitted an ask."""

    sid: str
    resource: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`by`: what denied it where `explicit`, else what allowed it; nothing where nothing did."""

    allowed: bool
    explicit: bool
    by: tuple[Grant, ...]


class Role:
    """What one role may do."""

    def __init__(self, name: str, documents: Iterable[Document]) -> None:
        """`documents` are its policies, inline or attached, with everything resolved in them."""
        self.name = name
        self.documents = tuple(documents)
        every = (one for document in self.documents for one in listed(document["Statement"]))
        self.statements = tuple(map(_statement, every))
        self._of_action: dict[str, tuple[Statement, ...]] = {}
        self._anywhere: dict[tuple[str, tuple[str, ...]], Decision] = {}

    def decide(self, ask: Ask) -> Decision:
        """One deny is enough to deny, one allow is needed to allow."""
        if ask.resource != "*" or len(ask.context) > 2:
            return self._decide(ask)
        # What only looks is most of what is called, and differs in nothing but its region.
        key = (ask.action, ask.context.get("aws:requestedregion", ()))
        if key not in self._anywhere:
            self._anywhere[key] = self._decide(ask)
        return self._anywhere[key]

    def _decide(self, ask: Ask) -> Decision:
        fitting = [(s, g) for s in self._about(ask.action) if (g := s.fits(ask))]
        denied = tuple(g for s, g in fitting if s.deny)
        allowed = tuple(g for s, g in fitting if not s.deny)
        if denied:
            return Decision(allowed=False, explicit=True, by=denied)
        return Decision(allowed=bool(allowed), explicit=False, by=allowed)

    def _about(self, action: str) -> tuple["Statement", ...]:
        if action not in self._of_action:
            self._of_action[action] = tuple(s for s in self.statements if s.about(action))
        return self._of_action[action]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy, as it is compared."""

    sid: str
    deny: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]  # operator, key, values

    def about(self, action: str) -> bool:
        return any(_like(action.lower(), one.lower()) for one in self.actions)

    def fits(self, ask: Ask) -> Grant | None:
        found = next((one for one in self.resources if arn_like(ask.resource, one)), None)
        if found is None:
            return None
        if not all(holds(*condition, ask.context) for condition in self.conditions):
            return None
        return Grant(sid=self.sid, resource=found)


_KNOWN = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})


def _statement(one: Document) -> Statement:
    unknown = set(one) - _KNOWN
    if unknown or one["Effect"] not in ("Allow", "Deny"):
        raise ValueError(f"a statement of a kind that is not known: {json.dumps(one)}")
    conditions = tuple(
        (operator, key, tuple(_text(value) for value in listed(values)))
        for operator, keys in one.get("Condition", {}).items()
        for key, values in keys.items()
    )
    for operator, _, _ in conditions:
        _read(operator)
    made = Statement(
        sid=str(one.get("Sid", "")),
        deny=one["Effect"] == "Deny",
        actions=tuple(str(action) for action in listed(one["Action"])),
        resources=tuple(str(resource) for resource in listed(one["Resource"])),
        conditions=conditions,
    )
    if "${" in json.dumps([made.resources, conditions]):
        raise ValueError(f"{made.sid}: a variable that is not resolved")
    return made


def listed(value: Any) -> list[Any]:
    """One of something, or several, as several."""
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---- wildcards ----------------------------------------------------------------------------------


@cache
def _pattern(text: str) -> re.Pattern[str]:
    parts = ({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text)
    return re.compile("".join(parts), re.DOTALL)


def _like(value: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


@cache
def arn_like(arn: str, pattern: str) -> bool:
    """Part by part: a wildcard does not reach over a colon, except in the last part."""
    if pattern == "*" or arn == pattern:
        return True
    parts, patterns = arn.split(":", 5), pattern.split(":", 5)
    if len(parts) != len(patterns):
        return False
    return all(_like(part, one) for part, one in zip(parts, patterns, strict=True))


# ---- conditions ---------------------------------------------------------------------------------

_Test = Callable[[str, str], bool]


def _number(compare: Callable[[float, float], bool]) -> _Test:
    def test(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return test


# operator: (the test of one value, whether it is turned round)
_OPERATORS: Mapping[str, tuple[_Test, bool]] = {
    "StringEquals": (lambda value, wanted: value == wanted, False),
    "StringNotEquals": (lambda value, wanted: value == wanted, True),
    "StringEqualsIgnoreCase": (lambda value, wanted: value.lower() == wanted.lower(), False),
    "StringNotEqualsIgnoreCase": (lambda value, wanted: value.lower() == wanted.lower(), True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (arn_like, False),
    "ArnLike": (arn_like, False),
    "ArnNotEquals": (arn_like, True),
    "ArnNotLike": (arn_like, True),
    "Bool": (lambda value, wanted: value.lower() == wanted.lower(), False),
    "NumericEquals": (_number(lambda a, b: a == b), False),
    "NumericNotEquals": (_number(lambda a, b: a == b), True),
    "NumericLessThan": (_number(lambda a, b: a < b), False),
    "NumericLessThanEquals": (_number(lambda a, b: a <= b), False),
    "NumericGreaterThan": (_number(lambda a, b: a > b), False),
    "NumericGreaterThanEquals": (_number(lambda a, b: a >= b), False),
}


@cache
def _read(operator: str) -> tuple[str, str, bool]:
    """(set operator, plain operator, if exists); ValueError for one that is not known."""
    some, _, rest = operator.rpartition(":")
    plain = rest.removesuffix("IfExists")
    known = plain in _OPERATORS or operator == "Null"
    if not known or some not in ("", "ForAllValues", "ForAnyValue"):
        raise ValueError(f"a condition operator that is not known: {operator}")
    return some, plain, plain != rest


def holds(operator: str, key: str, wanted: tuple[str, ...], context: Context) -> bool:
    """Whether one line of a condition holds. Several wanted values are alternatives."""
    found = context.get(key.lower(), ())
    some, plain, if_exists = _read(operator)
    if plain == "Null":
        return any(one == str(not found).lower() for one in wanted)
    test, negated = _OPERATORS[plain]

    def fits(value: str) -> bool:
        return any(test(value, one) for one in wanted) is not negated

    if some == "ForAllValues":
        return all(fits(value) for value in found)
    if not found:
        return if_exists or (negated and not some)
    # A key with several values under a plain operator is more than AWS defines; one of them is
    # enough for what is wanted, and each counts against what is not.
    return all(fits(v) for v in found) if negated and not some else any(fits(v) for v in found)


def context_of(pairs: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """{condition key: value or values} as an ask has it; None leaves a key out."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in pairs.items():
        if value is not None:
            several = value if isinstance(value, (list, tuple)) else (value,)
            found[key.lower()] = tuple(_text(one) for one in several)
    return found
