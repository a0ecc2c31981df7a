"""Which image a launch gets: one of AWS's, one that somebody saved, or one given by its id.

A saved image that is not in the region of a launch is copied there, and the launch waits for it.
"""

from dataclasses import replace

from core import commands, images
from core import lifecycle as life
from core.flows.house import MOST_RACES, House
from core.model import Image, ImageCopy, ImageState, Machine, SavedImage, TypeFacts, Wish
from core.ports import ROW_NAMES, StaleRow
from core.saved_images import Coming, saved_in, unfit_saved
from core.words import retyped


def find_saved(house: House, name: str) -> SavedImage | None:
    """The saved image of that name, whatever became of it so far."""
    if name.startswith("ami-") or images.is_word(name):
        return None
    return house.ledger.row(SavedImage, name)


def unknown(house: House, name: str, text: str) -> commands.UsageError | None:
    """What to answer where nothing goes by that name; None where something does."""
    if name.startswith("ami-") or images.is_word(name) or find_saved(house, name):
        return None
    saved = tuple(row.name for row in house.ledger.rows(SavedImage) if not row.leaving)
    near = images.meant(name, saved)
    return commands.UsageError(
        what=f"There is no image {name}. Nothing was started. AWS's own are "
        f"{', '.join(images.WORDS)}; `/gpu images` lists the saved ones.",
        nearest=retyped(text, name, near) if near else None,
        topic="images",
    )


def image_for(house: House, wish: Wish, region: str, kind: TypeFacts) -> Image | Coming | str:
    """What a type would boot from in a region; `Coming` where a saved image is not there yet, a
    sentence where there is none. Reads only."""
    found = _found(house, wish.image, region, kind)
    if isinstance(found, Image):
        return images.check(found, kind) or found
    return found


def _found(house: House, name: str, region: str, kind: TypeFacts) -> Image | Coming | str:
    if name.startswith("ami-"):
        given = house.images.by_id(region, name)
        return given or f"There is no image {name} in {region} that this account may use."
    saved = find_saved(house, name)
    if saved is not None:
        return _saved(house, saved, region, kind)
    wanted = images.plan(kind, name)
    if isinstance(wanted, str):
        return wanted
    newest = house.images.newest(region, wanted.parameters, wanted.patterns, wanted.architecture)
    return newest or f"AWS has no {name} image for {kind.name} in {region} now."


def _saved(house: House, saved: SavedImage, region: str, kind: TypeFacts) -> Image | Coming | str:
    there = unfit_saved(saved, kind) or saved_in(saved, region)
    if not isinstance(there, ImageCopy):
        return there
    shown = house.images.by_id(region, there.image)
    if shown is None:
        return (
            f"EC2 has no image {saved.name} in {region} any more: somebody removed it outside the "
            f"bot. Delete the rest of it with `/gpu images delete {saved.name}` and save it anew."
        )
    return replace(shown, name=saved.name, user=saved.user, origin=saved.origin or saved.name)


# ---- a launch that waits for its image ------------------------------------------------------


def await_image(house: House, m: Machine, coming: Coming) -> Machine:
    """The launch waits; the copy is begun unless it is already. Intent first: the row of the image
    says that it is to be copied, and whoever follows the row does it."""
    _begin_copy(house, coming)
    key = f"{ROW_NAMES[SavedImage]}/{coming.name}"
    house.wakes.wake(f"due/{key}")
    to = life.awaiting_image(m, house.clock(), key, coming)
    return house.ledger.save(to, m)


def _begin_copy(house: House, coming: Coming) -> None:
    for _ in range(MOST_RACES):
        row = find_saved(house, coming.name)
        if row is None or row.leaving or any(c.region == coming.region for c in row.copies):
            return
        now = house.clock()
        copy = ImageCopy(region=coming.region, image="", state=ImageState.PENDING, began=now)
        try:
            house.ledger.save_row(replace(row, copies=(*row.copies, copy), due_at=now), row)
        except StaleRow:
            continue  # somebody follows it, or another launch begins a copy: look again
        return


def resume(house: House, m: Machine) -> Machine:
    """A launch that waits for its image goes on when the image is there, or never will be. Where it
    has been all along is none of the regions that it is awaited in."""
    row = find_saved(house, m.wish.image)
    regions = (m.waits_in,) if m.waits_in else m.wish.regions
    there = [saved_in(row, region) for region in regions] if row else []
    arrived = any(isinstance(one, ImageCopy) for one in there)
    if not arrived and any(isinstance(one, Coming) and one.begun for one in there):
        return m
    return house.ledger.save(life.chosen(m, house.clock(), None, "the image was looked at"), m)
