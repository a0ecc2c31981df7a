"""Images that somebody saved: of which machines, where they are, which types they suit."""

from dataclasses import dataclass
from datetime import timedelta

from core.images import check
from core.model import (
    Desire,
    Image,
    ImageCopy,
    ImageState,
    Machine,
    SavedImage,
    State,
    TypeFacts,
)

RETRY_COPY = timedelta(minutes=10)  # what AWS could not copy is not copied again before that


@dataclass(frozen=True, kw_only=True)
class Coming:
    """A saved image that is not ready in a region yet: being made, being copied, or to be copied.

    A launch from it waits for the row of that name; `begun` is False where nobody copies it yet.
    """

    name: str
    region: str
    copied: bool
    begun: bool
    gb: int


def saved_in(saved: SavedImage, region: str) -> ImageCopy | Coming | str:
    """The saved image in a region: to launch from, to wait for, or why there is none."""
    copy = next((c for c in saved.copies if c.region == region), None)
    if saved.leaving:
        return f"The image {saved.name} is being deleted."
    if copy is not None and copy.state is ImageState.AVAILABLE:
        return copy
    if copy is not None and copy.state is ImageState.FAILED:
        again = int(RETRY_COPY.total_seconds()) // 60
        return (
            f"The image {saved.name} could not be copied to {region}: {copy.reason} It can be "
            f"tried again {again} minutes after that."
        )
    return Coming(
        name=saved.name,
        region=region,
        copied=region != saved.copies[0].region,
        begun=copy is not None,
        gb=saved.root_gb,
    )


def unfit_saved(saved: SavedImage, kind: TypeFacts) -> str | None:
    """Why a saved image does not work on a type, told before it is copied anywhere for it."""
    like = Image(
        id="",
        name=saved.name,
        architecture=saved.architecture,
        root_device="",
        root_gb=saved.root_gb,
        user=saved.user,
        origin=saved.origin or saved.name,
    )
    return check(like, kind)


def can_be_saved(m: Machine) -> bool:
    """Whether there is one instance with a disk to make an image of: it runs, or is stopped."""
    there = m.state in (State.RUNNING, State.STOPPED) and m.desire is not Desire.GONE
    return there and m.instance is not None and m.kept is None and not m.members
