"""What data volumes and saved images cost: a tab for each, which stays when they are gone."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from core import price
from core.flows.house import MOST_RACES, House
from core.model import DataVolume, ImageState, SavedImage, Tab
from core.ports import StaleRow
from core.stores import kept_up


def of_volume(house: House, row: DataVolume, *, gone: bool = False) -> None:
    """Bring the tab of a data volume to what there is of it. One person's volumes of one name have
    one tab, whichever of them it was."""
    monthly = Decimal(0)
    if row.volume is not None and not gone:
        monthly += price.disk_monthly(row.gb)
    if row.move is not None and not gone:
        copies = (row.move.complete, row.move.copied)
        monthly += price.snapshot_monthly(row.gb) * sum(copies)
    new = Tab(what=f"data-volume/{row.key}", name=row.name, owner=row.owner)
    written = _keep(house, lambda: house.ledger.row(Tab, new.what), new, "data", monthly)
    if written and monthly and house.ledger.row(DataVolume, row.key) is None:
        of_volume(house, row, gone=True)  # somebody has dropped it since it was read


def of_image(house: House, row: SavedImage) -> None:
    """Bring the tab of a saved image to what `row` says there is of it in all regions.

    Another image that gets the name later, maybe somebody else's, has a tab of its own.
    """
    there = sum(c.state is ImageState.AVAILABLE for c in row.copies)
    monthly = price.snapshot_monthly(row.root_gb) * there
    what = f"saved-image/{row.name}/{row.made_at:%Y%m%d%H%M%S}"
    new = Tab(what=what, name=row.name, owner=row.owner, channel=row.channel)

    def read() -> Tab | None:
        return house.ledger.row(Tab, what) or _of_its_name(house, row)

    _keep(house, read, new, "image", monthly)


def _of_its_name(house: House, row: SavedImage) -> Tab | None:
    """The tab of an image that is older than tabs that tell images of one name apart: it goes on
    there."""
    old = house.ledger.row(Tab, f"saved-image/{row.name}")
    goes_on = [s for s in old.stores if s.ended_at is None] if old else []
    return old if any(s.started_at >= row.made_at for s in goes_on) else None


def _keep(
    house: House, read: Callable[[], Tab | None], new: Tab, kind: str, monthly: Decimal
) -> bool:
    """Whether it had to be written. Who lost a race reads again: the other one may have known
    less."""
    for _ in range(MOST_RACES):
        seen = read()
        tab = seen or new
        wanted = {kind: monthly / price.HOURS_A_MONTH} if monthly else {}
        stores = kept_up(tab.stores, house.clock(), wanted)
        if stores == tab.stores:
            return False
        try:
            house.ledger.save_row(replace(tab, stores=stores), seen)
        except StaleRow:
            continue
        return True
    raise StaleRow(new.what)
