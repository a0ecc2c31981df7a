"""What data volumes and saved images cost: a tab for each, which stays when they are gone."""

from dataclasses import replace
from decimal import Decimal

from core import price
from core.flows.house import House
from core.model import DataVolume, ImageState, SavedImage, Tab
from core.ports import StaleRow
from core.stores import kept_up


def of_volume(house: House, key: str, row: DataVolume | None) -> None:
    """Bring the tab of a data volume to what there is of it; `row` None: it is gone."""
    monthly = Decimal(0)
    if row is not None and row.volume is not None:
        monthly += price.disk_monthly(row.gb)
    if row is not None and row.move is not None:
        copies = (row.move.complete, row.move.copied)
        monthly += price.snapshot_monthly(row.gb) * sum(copies)
    owner, _, name = key.partition(".")
    new = Tab(what=f"data-volume/{key}", name=name, owner=owner)
    _keep(house, house.ledger.row(Tab, new.what), new, "data", monthly)


def of_image(house: House, name: str) -> None:
    """Bring the tab of a saved image to what there is of it in all regions."""
    row = house.ledger.row(SavedImage, name)
    what = f"saved-image/{name}"
    known = house.ledger.row(Tab, what)
    if row is None and known is None:
        return
    there = sum(c.state is ImageState.AVAILABLE for c in row.copies) if row else 0
    monthly = price.snapshot_monthly(row.root_gb) * there if row else Decimal(0)
    owner = row.owner if row else known.owner if known else ""
    channel = row.channel if row else known.channel if known else ""
    new = Tab(what=what, name=name, owner=owner, channel=channel)
    _keep(house, known, new, "image", monthly)


def _keep(house: House, seen: Tab | None, new: Tab, kind: str, monthly: Decimal) -> None:
    """A lost race is somebody else who has just written the same."""
    tab = seen or new
    wanted = {kind: monthly / price.HOURS_A_MONTH} if monthly else {}
    stores = kept_up(tab.stores, house.clock(), wanted)
    if stores == tab.stores:
        return
    try:
        house.ledger.save_row(replace(tab, owner=new.owner, stores=stores), seen)
    except StaleRow:
        return
