"""Follows a saved image: made, copied where launches want it, told when ready, removed.

The row says what there is to be, one entry for each region; whoever follows it holds it for as long
as a function lives, makes what is missing and writes what EC2 says. CreateImage and CopyImage are
safe to repeat because the name in EC2 is the row's own: what is there under it is found.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core import lifecycle as life
from core import messages
from core.blocks import Message
from core.faults import CloudError, FaultKind
from core.flows import tabs
from core.flows.house import House
from core.flows.speak import for_good_let_go, say
from core.model import ImageCopy, ImageState, SavedImage
from core.ports import ROW_NAMES, OwnImage, StaleRow
from core.refusals import what_to_say
from core.saved_images import RETRY_COPY

SOON = timedelta(seconds=20)
SOON_FOR = timedelta(minutes=15)
LATER = timedelta(minutes=1)
# An image whose call had no answer shows by then, or never; one that is not shown then is gone.
SHOWS = timedelta(minutes=5)
_LATER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
_MADE, _FAILED = "available", frozenset({"failed", "error", "invalid", "deregistered"})


def follow(house: House, name: str) -> None:
    """Bring one saved image as far as it will go now, and arrange the next look."""
    row, now = house.ledger.row(SavedImage, name), house.clock()
    if row is None or row.due_at is None or row.due_at > now + timedelta(seconds=1):
        return
    try:
        mine = house.ledger.save_row(replace(row, due_at=now + life.SENDER_LIVES), row)
        _work(house, mine)
    except StaleRow:
        return  # somebody else is at it


def _work(house: House, row: SavedImage) -> None:
    if not row.leaving:
        before, row = row, replace(row, copies=_looked_at(house, row))
        if row.copies[0].state is not ImageState.FAILED:
            return _written(house, before, row)
        # The first one failed: what there is of it is removed, and then its owner is told.
        row = house.ledger.save_row(replace(row, leaving=True), before)
    return _leave(house, row)


# ---- made and copied ------------------------------------------------------------------------


def _looked_at(house: House, row: SavedImage) -> tuple[ImageCopy, ...]:
    now = house.clock()
    found = (_look(house, row, copy) for copy in row.copies)
    return tuple(c for c in found if c.until is None or c.until > now or c.image)


def _look(house: House, row: SavedImage, copy: ImageCopy) -> ImageCopy:
    """One region's copy as it is after what could be done about it now."""
    try:
        match copy.state:
            case ImageState.AVAILABLE:
                return copy
            case ImageState.FAILED:
                return replace(copy, image="") if _removed(house, row, copy) else copy
            case ImageState.PENDING:
                return _awaited(house, row, copy) if copy.image else _made(house, row, copy)
    except CloudError as error:
        if error.fault.kind in _LATER or copy.image:
            return copy
        return _failed(house, copy, what_to_say(error.fault))


def _made(house: House, row: SavedImage, copy: ImageCopy) -> ImageCopy:
    home, name, tags = row.copies[0], ami_name(house, row), _tags(house, row)
    if copy.region == home.region:
        made = house.own_images.make(copy.region, row.instance, name, tags)
        return replace(copy, image=made)
    if home.state is not ImageState.AVAILABLE:
        return copy
    made = house.own_images.copy(copy.region, home.region, home.image, name, tags)
    return replace(copy, image=made)


def _awaited(house: House, row: SavedImage, copy: ImageCopy) -> ImageCopy:
    own = house.own_images.own(copy.region, copy.image)
    if own is None:
        lost = house.clock() > copy.began + SHOWS
        return _failed(house, copy, "somebody removed it outside the bot.") if lost else copy
    copy = replace(copy, snapshots=own.snapshots)
    if own.state in _FAILED:
        return _failed(house, copy, "EC2 says that making it failed.")
    return replace(copy, state=ImageState.AVAILABLE) if own.state == _MADE else copy


def _failed(house: House, copy: ImageCopy, reason: str) -> ImageCopy:
    until = house.clock() + RETRY_COPY
    return replace(copy, state=ImageState.FAILED, reason=reason, until=until)


def _written(house: House, seen: SavedImage, row: SavedImage) -> None:
    """Tell that it is ready while the row is still held, write, wake the launches that wait."""
    if row.copies[0].state is ImageState.AVAILABLE and not row.told:
        _tell(house, row, messages.image_ready(row))
        row = replace(row, told=True)
    tabs.of_image(house, row)  # while the row is held: a crash in between is looked at again
    row = house.ledger.save_row(replace(row, due_at=_due(row, house.clock())), seen)
    if row.copies != seen.copies:
        _wake_waiting(house, row)
    if row.due_at is not None:
        after = max(timedelta(seconds=1), row.due_at - house.clock())
        house.wakes.wake(f"due/{_key(row)}", after)


def _due(row: SavedImage, now: datetime) -> datetime | None:
    times = [_copy_due(copy, now) for copy in row.copies]
    return min((t for t in times if t is not None), default=None)


def _copy_due(copy: ImageCopy, now: datetime) -> datetime | None:
    if copy.state is ImageState.PENDING:
        return now + (SOON if now < copy.began + SOON_FOR else LATER)
    if copy.state is ImageState.FAILED:
        return now + LATER if copy.image else copy.until
    return None


def _wake_waiting(house: House, row: SavedImage) -> None:
    for m in house.ledger.live():
        if m.waits_for == _key(row):
            house.wakes.wake(f"machine/{m.id}")


# ---- removed --------------------------------------------------------------------------------


def _leave(house: House, row: SavedImage) -> None:
    """The row goes last, once nothing is left in any region that costs money."""
    gone = [_gone(house, row, copy) for copy in row.copies]
    if not all(gone):
        later = house.ledger.save_row(replace(row, due_at=house.clock() + LATER), row)
        return house.wakes.wake(f"due/{_key(later)}", LATER)
    failed = row.copies[0].state is ImageState.FAILED
    _tell(house, row, messages.image_failed(row) if failed else messages.image_deleted(row))
    tabs.of_image(house, replace(row, copies=()))
    house.ledger.drop_row(row)
    return _wake_waiting(house, row)


def _gone(house: House, row: SavedImage, copy: ImageCopy) -> bool:
    try:
        return _removed(house, row, copy)
    except CloudError:
        return False  # looked at again in a minute


def _removed(house: House, row: SavedImage, copy: ImageCopy) -> bool:
    """The image first, for EC2 keeps the snapshots of one that is registered."""
    own = _in_ec2(house, row, copy)
    if own is not None:
        house.own_images.remove(copy.region, own.image.id)
    marked = house.disks.snapshots(copy.region, "gpu:image", row.name)
    known = {*copy.snapshots, *(own.snapshots if own else ()), *(s.id for s in marked)}
    deleted = [house.disks.delete_snapshot(copy.region, one) for one in sorted(known)]
    unanswered = copy.state is ImageState.PENDING and not copy.image and own is None
    return all(deleted) and not (unanswered and house.clock() < copy.began + SHOWS)


def _in_ec2(house: House, row: SavedImage, copy: ImageCopy) -> OwnImage | None:
    if copy.image:
        return house.own_images.own(copy.region, copy.image)
    return house.own_images.named(copy.region, ami_name(house, row))


# ---- names and words ------------------------------------------------------------------------


def ami_name(house: House, row: SavedImage) -> str:
    """What it is called in EC2: the same in every region, and another one when saved anew."""
    return f"{house.policy.stack[:60]}/{row.name}/{row.made_at:%Y%m%d%H%M%S}"


def _tags(house: House, row: SavedImage) -> Mapping[str, str]:
    return {
        "Name": row.name,
        "gpu:stack": house.policy.stack,
        "gpu:image": row.name,
        "gpu:owner": row.owner,
        "gpu:user": row.user,
        "gpu:origin": row.origin[:256],
    }


def _key(row: SavedImage) -> str:
    return f"{ROW_NAMES[SavedImage]}/{row.key}"


def _tell(house: House, row: SavedImage, message: Message) -> None:
    """In the thread of its first message. What Slack will never take is let go."""
    thread = row.place.ts if row.place and row.place.channel == row.channel else None
    with for_good_let_go():
        say(house, row.channel, row.owner, message, thread)
