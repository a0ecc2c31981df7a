"""What outlives a machine: saved images and data volumes; and the watch over what is left."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.model.machines import Place


class ImageState(StrEnum):
    """What became of a saved image or of a copy of it."""

    PENDING = "pending"
    AVAILABLE = "available"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class ImageCopy:
    """A saved image in one region."""

    region: str
    image: str  # ami-…; "" until EC2 has given it an id
    state: ImageState
    began: datetime
    snapshots: tuple[str, ...] = ()
    reason: str = ""  # why it failed
    until: datetime | None = None  # a failed one is remembered until then, lest it be hammered


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """An image that somebody made of a machine; everybody may launch from it."""

    name: str
    owner: str
    source: str  # the machine's name
    source_type: str
    instance: str  # that it is made of
    channel: str
    made_at: datetime
    architecture: str
    user: str  # who logs in
    root_gb: int
    copies: tuple[ImageCopy, ...]  # the one that was made of the machine comes first
    running: bool = False  # while it was made: what was being written may be half there
    origin: str = ""  # name of the image that its machine was launched from
    request: str = ""  # id of the request that made it, so that a redelivery is known
    leaving: bool = False  # it is being deleted
    told: bool = False  # that it is ready has been said
    place: Place | None = None  # its message
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Its name."""
        return self.name


class VolumeState(StrEnum):
    """Where a data volume is in its life."""

    WANTED = "wanted"  # to be made where its machine comes up
    FREE = "free"
    ATTACHED = "attached"
    MOVING = "moving"  # by snapshot, to another zone
    LEAVING = "leaving"  # being deleted


@dataclass(frozen=True, kw_only=True)
class VolumeMove:
    """A data volume on its way to another zone: snapshot, its copy in another region, new volume.

    The old volume stays what it is until the new one has been made.
    """

    region: str
    zone: str
    snapshot: str | None = None  # where it comes from
    complete: bool = False
    copy: str | None = None  # where it goes, if that is another region
    copied: bool = False  # the copy is complete


@dataclass(frozen=True, kw_only=True)
class DataVolume:
    """A disk that outlives its machines: one person's, attached to one machine at a time.

    `serial` counts the volumes and snapshots made for it, so that each has a name of its own.
    `litter` are regions where something of it may lie that is no longer needed.
    """

    name: str
    owner: str
    gb: int
    state: VolumeState
    made_at: datetime
    region: str | None = None
    zone: str | None = None
    volume: str | None = None
    serial: int = 1
    used: bool = False  # it has been given to a machine: there may be something on it
    move: VolumeMove | None = None
    litter: tuple[str, ...] = ()
    machine: str | None = None  # id of the machine that has it or waits for it
    instance: str | None = None  # the one that it was last given to
    claimed_at: datetime | None = None
    missing_since: datetime | None = None  # reads in a row have not found it
    trouble: str = ""  # the code with which EC2 last refused something
    told: str = ""  # what its machine's thread has heard last
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """Whose and which."""
        return f"{self.owner}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class StrayWatch:
    """When a region was last looked over for things that no living machine owns."""

    region: str
    looked_at: datetime
    told_at: datetime | None = None  # when the admins were last told of what nobody knows
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """The region."""
        return self.region


@dataclass(frozen=True, kw_only=True)
class SweepWatch:
    """What the sweep has stopped that no row knew, until the admins have been told of it."""

    untold: tuple[str, ...] = ()  # `<region>/<action>/<instance>`
    told_at: datetime | None = None
    version: int = 0
    due_at: datetime | None = None

    @property
    def key(self) -> str:
        """There is one."""
        return "strangers"
