"""vCPU arithmetic: used + in flight + needed against the limit, for one family and market."""

from core.catalog import QuotaRef, quota_of
from core.model import QuotaFacts
from core.ports import InUse


def used(in_use: tuple[InUse, ...], ref: QuotaRef) -> int:
    """vCPUs that pending and running instances take of one quota."""
    return sum(use.vcpus for use in in_use if quota_of(use.instance_type, use.market) == ref)


def short(facts: QuotaFacts, needed: int) -> int:
    """vCPUs that are missing for `needed` more; 0 when there is room."""
    return max(0, needed - facts.room)


def ask_for(facts: QuotaFacts, needed: int) -> int:
    """The new total to ask of AWS, which takes only totals above the limit."""
    return max(facts.limit + 1, facts.used + facts.in_flight + needed)
