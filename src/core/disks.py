"""What EBS takes: sizes and speeds of each kind of disk, and why a wish does not fit.

Sizes in GB, throughput in MiB/s. Pure; everything is checked before AWS is called.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core import price
from core.model import Image, Wish


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a kind of disk can be."""

    least_gb: int
    most_gb: int
    least_iops: int
    most_iops: int
    iops_per_gb: int


# "Amazon EBS volume types" in the EC2 user guide, with gp3's larger limits of 2025.
KINDS = {
    "gp3": Limits(least_gb=1, most_gb=65_536, least_iops=3_000, most_iops=80_000, iops_per_gb=500),
    "io2": Limits(least_gb=4, most_gb=65_536, least_iops=100, most_iops=256_000, iops_per_gb=1_000),
}
BASE_IOPS = 3_000  # what gp3 includes, and what an io2 disk gets here when nobody says
BASE_THROUGHPUT = 125
MOST_THROUGHPUT = 2_000
IOPS_FOR_EACH_MIB = 4  # gp3 moves at most a quarter of a MiB/s with each of its IOPS


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk with everything decided. None: what gp3 includes."""

    gb: int
    kind: str = "gp3"
    iops: int | None = None
    throughput: int | None = None

    @property
    def monthly(self) -> Decimal:
        """USD a month."""
        return price.disk_monthly(self.gb, self.kind, self.iops, self.throughput)


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """Why a disk cannot be, and the one word of the command that would cure it.

    `slot` is `disk`, `iops` or `throughput`; `value` None: without it.
    """

    what: str
    slot: str
    value: int | None


def disk_of(wish: Wish, gb: int) -> Disk:
    """The root disk of a wish, once its size is known.

    io2 has no IOPS of its own, and gp3 needs more of them to carry a higher throughput.
    """
    iops = wish.iops
    carried = (wish.throughput or 0) * IOPS_FOR_EACH_MIB
    if iops is None and wish.disk_type == "io2":
        iops = BASE_IOPS
    elif iops is None and carried > BASE_IOPS:
        iops = carried
    return Disk(gb=gb, kind=wish.disk_type, iops=iops, throughput=wish.throughput)


def mapping(disk: Disk) -> dict[str, Any]:
    """The disk as RunInstances' Ebs mapping takes it."""
    ebs: dict[str, Any] = {"VolumeSize": disk.gb, "VolumeType": disk.kind, "Encrypted": True}
    if disk.iops is not None:
        ebs["Iops"] = disk.iops
    if disk.throughput is not None:
        ebs["Throughput"] = disk.throughput
    return ebs


def misfit(wish: Wish, gb: int | None) -> Misfit | None:
    """What EBS would not take of a wish's root disk; None when nothing.

    Without a size only what no size could cure.
    """
    if wish.throughput is not None and wish.disk_type != "gp3":
        what = f"{wish.disk_type} has no throughput of its own: it follows from the IOPS."
        return Misfit(what=what, slot="throughput", value=None)
    disk = disk_of(wish, gb or 0)
    return (_size(disk) if gb else None) or _speed(disk) or (_ratio(disk) if gb else None)


def check(wish: Wish, image: Image, default: int) -> int | str:
    """GB of the root disk, never below what the image needs; a sentence where a wish cannot be."""
    gb = wish.disk_gb if wish.disk_gb is not None else max(default, image.root_gb)
    if gb < image.root_gb:
        return f"The image needs a disk of at least {image.root_gb} GB; {gb} GB is too small."
    wrong = misfit(wish, gb)
    return wrong.what if wrong else gb


def nearest(wish: Wish, image: Image) -> int | None:
    """The root disk's GB with which the same wish would do; None when its size is not the fault."""
    limits = KINDS[wish.disk_type]
    least = max(wish.disk_gb or 0, image.root_gb, limits.least_gb)
    needed = math.ceil((disk_of(wish, least).iops or 0) / limits.iops_per_gb)
    gb = min(max(least, needed), limits.most_gb)
    return gb if isinstance(check(replace(wish, disk_gb=gb), image, gb), int) else None


def _size(disk: Disk) -> Misfit | None:
    limits = KINDS[disk.kind]
    if disk.gb < limits.least_gb:
        what = f"{_a(disk.kind)} disk has {limits.least_gb} GB at least."
        return Misfit(what=what, slot="disk", value=limits.least_gb)
    if disk.gb > limits.most_gb:
        what = f"A disk has at most {limits.most_gb:,} GB; {disk.gb:,} GB is too large."
        return Misfit(what=what, slot="disk", value=limits.most_gb)
    return None


def _speed(disk: Disk) -> Misfit | None:
    limits, iops, throughput = KINDS[disk.kind], disk.iops, disk.throughput
    if throughput is not None and not BASE_THROUGHPUT <= throughput <= MOST_THROUGHPUT:
        what = f"A gp3 disk moves {BASE_THROUGHPUT} to {MOST_THROUGHPUT:,} MiB/s."
        nearer = min(max(throughput, BASE_THROUGHPUT), MOST_THROUGHPUT)
        return Misfit(what=what, slot="throughput", value=nearer)
    if iops is not None and not limits.least_iops <= iops <= limits.most_iops:
        what = f"{_a(disk.kind)} disk has {limits.least_iops:,} to {limits.most_iops:,} IOPS."
        more = " io2 has up to 256,000." if disk.kind == "gp3" and iops > limits.most_iops else ""
        nearer = min(max(iops, limits.least_iops), limits.most_iops)
        return Misfit(what=what + more, slot="iops", value=nearer)
    needed = (throughput or 0) * IOPS_FOR_EACH_MIB
    if iops is not None and iops < needed:
        what = f"{throughput:,} MiB/s need {needed:,} IOPS at least; {iops:,} are too few."
        return Misfit(what=what, slot="iops", value=needed)
    return None


def _ratio(disk: Disk) -> Misfit | None:
    per_gb = KINDS[disk.kind].iops_per_gb
    if disk.iops is None or disk.iops <= max(BASE_IOPS, per_gb * disk.gb):
        return None
    needed = math.ceil(disk.iops / per_gb)
    what = (
        f"{_a(disk.kind)} disk has at most {per_gb:,} IOPS for each GB: {disk.iops:,} IOPS need "
        f"{needed:,} GB, and {disk.gb:,} GB is too small."
    )
    return Misfit(what=what, slot="disk", value=needed)


def _a(kind: str) -> str:
    return f"An {kind}" if kind.startswith("i") else f"A {kind}"
