"""What machines leave in EC2: removed when they end, looked for once an hour, listed on demand."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core import leftovers, messages, run_instances
from core import lifecycle as life
from core.faults import CloudError, FaultKind
from core.flows.house import House
from core.flows.speak import to_admins
from core.leftovers import Fate, Inventory
from core.model import FINAL, Machine, Remains, StrayWatch
from core.ports import Part, PartKind, StaleRow

LOOKED_FOR_EVERY = timedelta(minutes=55)  # the clock asks once an hour
TOLD_EVERY = timedelta(hours=24)
MOST_NAMED = 20


def tidy(house: House, m: Machine, then: Machine) -> Machine:
    """Delete what the machine brought; the row stays while EC2 still uses any of it, but not for
    long: what runs no more costs nothing, and the look for strays goes on trying."""
    region = m.prepared or (m.placement.region if m.placement else m.wish.region)
    code = ""
    try:
        gone = _cleared(house, m, region, everything=then.state in FINAL)
    except CloudError as error:
        # Where the account may not use the region, nothing was ever made.
        gone = m.group is None and error.fault.kind is FaultKind.ACCOUNT
        code = error.fault.code
    if gone:
        return house.ledger.save(then, m)
    return _held_on(house, m, then, region, code) if then.state in FINAL else m


def _held_on(house: House, m: Machine, then: Machine, region: str, code: str) -> Machine:
    """EC2 does not let go of all of it. After a quarter of an hour it is over all the same."""
    now = house.clock()
    if not life.holds_for_long(m, now):
        to = life.held_on(m, now)
        return m if to == m else house.ledger.save(to, m)
    return house.ledger.save(life.left_behind(then, now, _remains(house, m, region, code)), m)


def _remains(house: House, m: Machine, region: str, code: str) -> Remains:
    """What a last look shows of it."""
    try:
        parts = house.cloud.parts(region, m.id)
    except CloudError as error:
        return Remains(region=region, things=(), monthly=Decimal(0), code=error.fault.code)
    left = [part for part in parts if leftovers.fate(part, m) is not Fate.LEAVE]
    return Remains(
        region=region,
        things=tuple((str(part.kind), part.id) for part in left[:MOST_NAMED]),
        monthly=sum(map(leftovers.monthly, left), Decimal(0)),
        code=code,
    )


def _cleared(house: House, m: Machine, region: str, *, everything: bool) -> bool:
    """Whether its key and group are gone and, of a machine that is over, all the rest."""
    name = run_instances.resource_name(m)
    house.cloud.delete_key(region, name)
    gone = house.cloud.delete_group(region, name)
    return _remove(house, m, house.cloud.parts(region, m.id)) and gone if everything else gone


def _remove(house: House, m: Machine, parts: tuple[Part, ...]) -> bool:
    """Whether nothing is left that could cost money; all that can go now goes."""
    left = [part for part in parts if part.kind not in (PartKind.KEY, PartKind.GROUP)]
    results = [_gone(house, m, part) for part in left]  # each of them, whatever the others say
    return all(results)


def _gone(house: House, m: Machine, part: Part) -> bool:
    match leftovers.fate(part, m):
        case Fate.LEAVE:
            return True
        case Fate.WAIT:
            return False
        case Fate.REMOVE:
            return _removed(house, part)


def _removed(house: House, part: Part) -> bool:
    """Whether it is gone; False while something else still uses it."""
    match part.kind:
        case PartKind.IMAGE:
            house.own_images.remove(part.region, part.id)
        case PartKind.SNAPSHOT:
            return house.disks.delete_snapshot(part.region, part.id)
        case PartKind.VOLUME:
            return house.disks.delete_volume(part.region, part.id)
        case PartKind.SPOT_REQUEST:
            house.cloud.cancel_spot(part.region, part.id)
        case PartKind.KEY:
            house.cloud.delete_key(part.region, part.id)
        case PartKind.GROUP:
            return house.cloud.delete_group(part.region, part.name)
    return True


# ---- looking for strays ---------------------------------------------------------------------


def look_over(house: House, region: str) -> None:
    """Remove what machines that are over have left, and tell the admins once a day of what no row
    knows. Asked for more than once an hour, it does nothing."""
    now = house.clock()
    seen = house.ledger.row(StrayWatch, region)
    if seen is not None and now < seen.looked_at + LOOKED_FOR_EVERY:
        return
    parts = house.cloud.parts(region)
    ids = {part.machine for part in parts if part.machine}
    found = leftovers.strays(parts, {id: house.ledger.machine(id) for id in ids}, now)
    for m, left in found.dead:
        for part in left:
            if leftovers.fate(part, m) is Fate.REMOVE:
                _try_to_remove(house, part)
    before = seen or StrayWatch(region=region, looked_at=now)
    told_at = _tell_admins(house, before, found.unknown)
    try:
        # At the end, so that a look that fails comes again. Two at a time may tell twice.
        house.ledger.save_row(replace(before, looked_at=now, told_at=told_at), seen)
    except StaleRow:
        return  # somebody else has looked


def _try_to_remove(house: House, part: Part) -> None:
    """One that cannot go now keeps no other from going: the next hour is the retry."""
    try:
        _removed(house, part)
    except CloudError:
        return


def _tell_admins(house: House, watch: StrayWatch, unknown: tuple[Part, ...]) -> datetime | None:
    """When they were told last."""
    now = house.clock()
    if not unknown or (watch.told_at is not None and now < watch.told_at + TOLD_EVERY):
        return watch.told_at
    to_admins(house, messages.strays(watch.region, unknown))
    return now


# ---- listing --------------------------------------------------------------------------------


def inventory(house: House, m: Machine) -> Inventory | None:
    """What EC2 shows of the machine; None where it cannot be read now."""
    regions = dict.fromkeys(
        region
        for region in (
            m.placement.region if m.placement else None,
            m.prepared,
            m.kept.region if m.kept else None,
        )
        if region
    )
    try:
        return Inventory(
            instances=tuple(i for r in regions for i in house.cloud.look_all(r, m.id)),
            parts=tuple(part for r in regions for part in house.cloud.parts(r, m.id)),
        )
    except CloudError:
        return None
