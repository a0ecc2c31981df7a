"""Reads how much machines are used, as their instances have reported it."""

from collections.abc import Iterable, Mapping

from core.flows.house import House
from core.model import Machine, Usage
from core.ports import UnreadableRow

_FEW = 5  # so many rows are read one by one; of more, all that there are

Used = Mapping[str, tuple[Usage, ...]]


def of(house: House, machines: Iterable[Machine]) -> Used:
    """By the machine's id, a row for each instance that has ever reported."""
    ids = [(m.id, one.id) for m in machines for one in m.instances]
    if len(ids) > _FEW:
        found = {row.instance: row for row in house.ledger.rows(Usage)}
    else:
        rows = (told_by(house, instance) for _, instance in ids)
        found = {row.instance: row for row in rows if row is not None}
    used: dict[str, tuple[Usage, ...]] = {}
    for machine, instance in ids:
        if instance in found:
            used[machine] = (*used.get(machine, ()), found[instance])
    return used


def told_by(house: House, instance: str) -> Usage | None:
    """What an instance has told of itself; nothing where that cannot be read, which is unknown and
    so counts as busy."""
    try:
        return house.ledger.row(Usage, instance)
    except UnreadableRow:
        return None
