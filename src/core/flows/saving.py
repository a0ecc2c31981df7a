"""What people do about saved images: make one of a machine, list them, delete one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from core import commands, images, late, messages
from core import lifecycle as life
from core.flows import permits
from core.flows.find import find
from core.flows.house import MOST_RACES, House, rewrite
from core.flows.image_rows import follow
from core.flows.request import Asked, Click, Request
from core.flows.speak import answer, for_good_let_go, say
from core.model import ImageCopy, ImageState, Machine, SavedImage, State
from core.ports import StaleRow
from core.saved_images import can_be_saved

# A launch from an image that goes now would come to nothing.
_LAUNCHING = frozenset({State.REQUESTED, State.WAITING, State.LAUNCHING})


# ---- save -----------------------------------------------------------------------------------


def save(house: House, request: Request, wanted: commands.Save) -> None:
    """Make an image of a machine's root disk; who asked is told here when it is ready."""
    there = house.ledger.row(SavedImage, wanted.image)
    if there is not None and there.request == request.id:
        return _begin(house, request, there)  # delivered again: what it began goes on
    m = find(house, request, wanted.name, "save", can_be_saved)
    if m is None:
        return None
    if there is None and request.id in m.heard:  # delivered again: it was made, and deleted since
        return answer(house, request.response_url, messages.image_made_and_gone(wanted.image))
    person = house.chat.person(request.user)
    denied = permits.may_launch(house, person, request.channel)
    if denied:
        return answer(house, request.response_url, messages.denied(denied))
    if images.is_word(wanted.image) or wanted.image.startswith("ami-"):
        return answer(house, request.response_url, messages.image_name_reserved(wanted.image))
    if not can_be_saved(m):
        return answer(house, request.response_url, messages.cannot_be_saved(m))
    if there is None:
        there = _open(house, request, m, wanted.image)
    if there is None or there.request != request.id:
        return answer(house, request.response_url, messages.image_name_taken(wanted.image, there))
    return _begin(house, request, there)


def _open(house: House, request: Request, m: Machine, name: str) -> SavedImage | None:
    """The row, written before anything is made; None when somebody took the name just now."""
    try:
        return house.ledger.save_row(_row(house.clock(), request, m, name), None)
    except StaleRow:
        return house.ledger.row(SavedImage, name)


def _row(now: datetime, request: Request, m: Machine, name: str) -> SavedImage:
    assert m.instance is not None
    assert m.image is not None
    home = ImageCopy(region=m.instance.region, image="", state=ImageState.PENDING, began=now)
    return SavedImage(
        name=name,
        owner=request.user,
        source=m.name,
        source_type=m.facts.name if m.facts else m.wish.instance_type,
        instance=m.instance.id,
        running=m.state is State.RUNNING,
        channel=request.channel,
        made_at=now,
        architecture=m.image.architecture,
        user=m.image.user,
        root_gb=m.disk_gb or m.image.root_gb,
        origin=m.image.origin or m.image.name,
        copies=(home,),
        request=request.id,
        due_at=now,
    )


def _begin(house: House, request: Request, row: SavedImage) -> None:
    """Say that it is being made, then make it. A crash in between leaves that to the clock.

    The machine remembers the request, for its image's row may be deleted before it comes again.
    """
    m = house.ledger.named(row.source)
    if m is not None and request.id not in m.heard:
        rewrite(house, m.id, lambda one: life.heard(one, request.id))
    if row.place is None:
        with for_good_let_go():
            place = say(house, row.channel, row.owner, messages.image_being_made(row))
            _change(house, row.name, lambda now: replace(now, place=place))
            if place.channel != row.channel:
                answer(house, request.response_url, messages.here_is_where(place))
    follow(house, row.name)


def _change(
    house: House, name: str, change: Callable[[SavedImage], SavedImage]
) -> SavedImage | None:
    """The row as changed, whoever else writes it; None when there is none (any more)."""
    for _ in range(MOST_RACES):
        row = house.ledger.row(SavedImage, name)
        if row is None:
            return None
        try:
            return house.ledger.save_row(change(row), row)
        except StaleRow:
            continue  # somebody follows it at this moment: read again
    raise StaleRow(name)


# ---- list -----------------------------------------------------------------------------------


def list_images(house: House, request: Request) -> None:
    """Every saved image with its size, cost and age: they are the team's, and so is the bill."""
    rows = house.ledger.rows(SavedImage)
    answer(house, request.response_url, messages.saved_images(rows, house.clock()))


# ---- delete ---------------------------------------------------------------------------------


def delete(house: House, request: Request, wanted: commands.ImageDelete) -> None:
    """Ask first, unless `yes` was said; then the image goes in every region, snapshots too."""
    row = _deletable(house, request, wanted.image)
    if row is None:
        return None
    if not wanted.sure or late.is_before(request.at, row.made_at):
        return answer(house, request.response_url, messages.image_question(row, house.clock()))
    return _delete(house, request, row)


def delete_click(house: House, click: Click) -> None:
    """The question has named the image; one that was saved anew since then is another."""
    name, _, stamp = click.value.partition(":")
    row = _deletable(house, click, name)
    if row is None:
        return None
    if stamp != messages.image_stamp(row):
        return answer(house, click.response_url, messages.old_button(None))
    return _delete(house, click, row)


def keep_click(house: House, click: Click) -> None:
    """Leave it as it is, and say so."""
    answer(house, click.response_url, messages.image_kept(click.value.partition(":")[0]))


def _deletable(house: House, asked: Asked, name: str) -> SavedImage | None:
    """The image, if the caller may delete it now; None when the caller has been told why not."""
    row = house.ledger.row(SavedImage, name)
    if row is None:
        near = images.meant(name, tuple(r.name for r in house.ledger.rows(SavedImage)))
        answer(house, asked.response_url, messages.no_saved_image(name, near))
        return None
    if asked.user != row.owner and asked.user not in house.policy.admins:
        answer(house, asked.response_url, messages.not_your_image(row))
        return None
    users = tuple(m for m in house.ledger.live() if m.wish.image == name and m.state in _LAUNCHING)
    if users:
        answer(house, asked.response_url, messages.image_in_use(row, users))
        return None
    return row


def _delete(house: House, asked: Asked, row: SavedImage) -> None:
    def leaving(now: SavedImage) -> SavedImage:
        if now.made_at != row.made_at:
            return now  # that one is gone, and another one has its name
        return replace(now, leaving=True, due_at=house.clock())

    _change(house, row.name, leaving)
    follow(house, row.name)
    left = house.ledger.row(SavedImage, row.name)
    gone = left is None or left.made_at != row.made_at
    said = messages.image_deleted(row) if gone else messages.image_leaving(row)
    answer(house, asked.response_url, said)
