"""vCPU quotas: which one a type draws on, told by AWS's names for them, and the arithmetic.

Used + in flight + needed against the limit, for one family, market and region.
"""

import re
from collections.abc import Iterable

from core.catalog import QuotaRef, family, quota_of
from core.model import Market, QuotaFacts
from core.ports import InUse

_NAME = re.compile(
    r"(?:(?P<spot>All (?P<s>.+) Spot Instance Requests)|Running On-Demand (?P<d>.+) instances)"
)
# Families without accelerators: their quotas are of no interest here.
_PLAIN = frozenset({"a", "c", "d", "h", "hpc", "i", "m", "r", "t", "u", "x", "z"})
_SAME_LETTERS = {"gr": "g"}
_SPOKEN = {"high memory": "u"}


def families(quota_name: str) -> frozenset[str]:
    """The families that a quota of EC2 counts, as its name tells: `{"p4", "p3", "p2"}`, `{"g",
    "vt"}`. Empty for a name of another form."""
    found = _NAME.fullmatch(quota_name)
    if found is None:
        return frozenset()
    words = str(found["s"] or found["d"]).lower()
    inner = re.search(r"\((.*)\)", words)
    listed = re.split(r",\s*|\s+and\s+", inner[1] if inner else words)
    return frozenset(_SPOKEN.get(word.strip(), word.strip()) for word in listed)


def market_of(quota_name: str) -> Market:
    """Which of the two markets a quota counts."""
    return Market.SPOT if "spot" in quota_name.lower() else Market.ON_DEMAND


def is_accelerated(quota_name: str) -> bool:
    """Whether it is a vCPU quota of a family with accelerators."""
    found = families(quota_name)
    return bool(found) and not found & _PLAIN


def quota_for(instance_type: str, market: Market, names: Iterable[str]) -> str | None:
    """Of these quotas the one that counts the type: that of its generation before that of its
    letter (`All P5 Spot …` before `All P …`). None where no name tells."""
    fitting = [
        (fit, name)
        for name in names
        if market_of(name) is market and (fit := _fit(family(instance_type), families(name)))
    ]
    return max(fitting)[1] if fitting else None


def _fit(name: str, listed: frozenset[str]) -> int:
    """How closely one of the listed families fits that of a type; 0 when none does."""
    letters = re.match(r"[a-z]*", name)
    kind = letters.group() if letters else ""
    same = {kind, _SAME_LETTERS.get(kind, kind)}
    generations = [f for f in listed if f[-1:].isdigit()]
    exact = [len(f) for f in generations if re.match(rf"{re.escape(f)}(?!\d)", name)]
    return max(exact, default=1 if same & listed else 0)


def same_quota(wanted: str, names: Iterable[str]) -> str | None:
    """The quota that AWS lists for a name it does not: the same market, and all its families."""
    if wanted in (names := tuple(names)):
        return wanted
    needed = families(wanted)
    alike = (
        name
        for name in names
        if needed and needed <= families(name) and market_of(name) is market_of(wanted)
    )
    return next(alike, None)


def used(in_use: tuple[InUse, ...], ref: QuotaRef) -> int:
    """vCPUs that pending and running instances take of one quota."""
    return sum(use.vcpus for use in in_use if quota_of(use.instance_type, use.market) == ref)


def short(facts: QuotaFacts, needed: int) -> int:
    """vCPUs that are missing for `needed` more; 0 when there is room."""
    return max(0, needed - facts.room)


def ask_for(facts: QuotaFacts, needed: int) -> int:
    """The new total to ask of AWS, which takes only totals above the limit."""
    return max(facts.limit + 1, facts.used + facts.in_flight + needed)
