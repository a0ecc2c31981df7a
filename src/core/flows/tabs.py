"""What data volumes and saved images cost: a tab for each, which stays when they are gone."""

from dataclasses import replace
from decimal import Decimal

from core import price
from core.flows.house import House
from core.model import DataVolume, ImageState, SavedImage, Store, Tab
from core.ports import StaleRow


def of_volume(house: House, key: str, row: DataVolume | None) -> None:
    """Bring the tab of a data volume to what there is of it; `row` None: it is gone."""
    monthly = Decimal(0)
    if row is not None and row.volume is not None:
        monthly += price.disk_monthly(row.gb)
    if row is not None and row.move is not None:
        copies = (row.move.complete, row.move.copied)
        monthly += price.snapshot_monthly(row.gb) * sum(copies)
    owner, _, name = key.partition(".")
    _keep(house, Tab(what=f"data-volume/{key}", name=name, owner=owner), "data", monthly)


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
    _keep(house, Tab(what=what, name=name, owner=owner, channel=channel), "image", monthly)


def _keep(house: House, new: Tab, kind: str, monthly: Decimal) -> None:
    """A lost race is somebody else who has just written the same."""
    seen = house.ledger.row(Tab, new.what)
    tab = seen or new
    stores = _stretched(tab.stores, kind, monthly / price.HOURS_A_MONTH, house)
    if stores == tab.stores:
        return
    try:
        house.ledger.save_row(replace(tab, owner=new.owner, stores=stores), seen)
    except StaleRow:
        return


def _stretched(
    stores: tuple[Store, ...], kind: str, hourly: Decimal, house: House
) -> tuple[Store, ...]:
    now = house.clock()
    last = stores[-1] if stores and stores[-1].ended_at is None else None
    if hourly == (last.hourly if last else 0):
        return stores
    closed = (*stores[:-1], replace(last, ended_at=now)) if last else stores
    new = Store(kind=kind, started_at=now, ended_at=None, hourly=hourly)
    return (*closed, new) if hourly else closed
