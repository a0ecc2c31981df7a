"""How far a refusal of EC2 reaches: this zone, a quota, a type, a region, or everything.

Pure. What a refusal rules out is struck from what is still to be tried, and nothing else: an
account that is not enabled for one region may launch in the next, a quota counts one family and
market of one region, and a wrong argument is wrong everywhere.
"""

from enum import StrEnum
from typing import assert_never

from core.catalog import quota_of
from core.faults import Fault, FaultKind, regional
from core.model import Placement


class Scope(StrEnum):
    """What a refusal rules out."""

    PLACEMENT = "placement"  # this type and market in this zone
    TYPE = "type"  # this type in this region
    QUOTA = "quota"  # what draws on the same quota: a family and market in this region
    REGION = "region"
    EVERYTHING = "everything"


# Of kinds that reach otherwise: a zone without such disks, a type that EC2 does not know there.
_EXACT = {
    "VolumeTypeNotAvailableInZone": Scope.PLACEMENT,
    "InvalidInstanceType": Scope.TYPE,
    "UnknownInstanceType": Scope.TYPE,
}


def scope_of(fault: Fault) -> Scope:
    """How far it reaches. Of no use for faults that leave open what EC2 did."""
    exact = _EXACT.get(fault.code)
    if exact is not None:
        return exact
    if regional(fault.code):
        return Scope.REGION
    match fault.kind:
        case FaultKind.CAPACITY | FaultKind.SPOT_PRICE | FaultKind.NOT_OFFERED:
            return Scope.PLACEMENT
        case FaultKind.WRONG_STATE:
            return Scope.PLACEMENT  # UnsupportedOperation: not this type in this market
        case FaultKind.QUOTA:
            return Scope.QUOTA
        case FaultKind.NETWORK | FaultKind.GONE:
            return Scope.REGION  # its group, subnet or VPC
        case (
            FaultKind.DENIED
            | FaultKind.ACCOUNT
            | FaultKind.IMAGE
            | FaultKind.DISK
            | FaultKind.KEY
            | FaultKind.BUG
        ):
            return Scope.EVERYTHING
        case FaultKind.THROTTLED | FaultKind.UNKNOWN | FaultKind.TOKEN_GONE | FaultKind.MISMATCH:
            return Scope.PLACEMENT
        case _:
            assert_never(fault.kind)


def left(placements: tuple[Placement, ...], at: Placement, scope: Scope) -> tuple[Placement, ...]:
    """What may still be tried after `at` was refused with that scope, in the same order."""
    return tuple(p for p in placements if not _struck(p, at, scope))


def _struck(p: Placement, at: Placement, scope: Scope) -> bool:
    here = p.region == at.region
    match scope:
        case Scope.PLACEMENT:
            return p == at
        case Scope.TYPE:
            return here and p.instance_type == at.instance_type
        case Scope.QUOTA:
            return here and _quota(p) == _quota(at)
        case Scope.REGION:
            return here
        case Scope.EVERYTHING:
            return True
        case _:
            assert_never(scope)


def _quota(p: Placement) -> object:
    return quota_of(p.instance_type, p.market)


def suggested_first(
    rest: tuple[Placement, ...], at: Placement, zones: tuple[str, ...]
) -> tuple[Placement, ...]:
    """EC2's capacity message names zones that have some of this type and market: those first."""

    def named(p: Placement) -> bool:
        return p.zone in zones and (p.instance_type, p.market) == (at.instance_type, at.market)

    return tuple(sorted(rest, key=lambda p: not named(p)))
