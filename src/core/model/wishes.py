"""What somebody asks for, before any fact is known."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Market(StrEnum):
    """How EC2 sells the machine."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for, before any fact is known.

    Type, market and region are the first choice; the `or_…` are as welcome to the person, who said
    them or, for regions, named none at all.
    """

    instance_type: str
    market: Market
    region: str
    or_types: tuple[str, ...] = ()
    or_on_demand: bool = False  # where no spot can be had
    or_regions: tuple[str, ...] = ()
    anywhere: bool = False  # no region was said: those above are simply the allowed ones
    count: int = 1
    length: timedelta | None = None  # how long it may run
    until: datetime | None = None  # or until when; the policy's default where both are None
    keep_until: datetime | None = None  # without capacity: tried again until then, unasked
    image: str = "base"  # a word of core.images, a saved image's name, or ami-…
    disk_gb: int | None = None
    disk_type: str = "gp3"  # gp3 | io2
    iops: int | None = None
    throughput: int | None = None  # MiB/s, gp3 only
    data: str | None = None  # the name of the owner's data volume that comes along
    data_gb: int | None = None  # how large it is made, or grown to; None: as it is
    keep: bool = False  # spot whose disk is kept when it stops (`spot keep`)
    recover: bool = False  # spot that comes back by itself when EC2 takes it
    idle: timedelta | None = None  # stopped when unused for so long; zero: never; None: the default
    project: str = ""  # what its costs are added up under
    why: str = ""  # what its owner tells an approver
    name: str | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """Every type that is welcome, the first choice first."""
        return tuple(dict.fromkeys((self.instance_type, *self.or_types)))

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that is welcome, the first choice first."""
        return tuple(dict.fromkeys((self.region, *self.or_regions)))

    @property
    def markets(self) -> tuple[Market, ...]:
        """Every market that is welcome, the first choice first."""
        more = (Market.ON_DEMAND,) if self.or_on_demand else ()
        return tuple(dict.fromkeys((self.market, *more)))
