"""What people do with data volumes: take one along at a launch, see them, delete one.

The volumes themselves are made, attached and moved by flows/volume.py.
"""

from dataclasses import replace

from core import commands, disks, late, messages, volumes
from core.commands import UsageError
from core.flows import volume
from core.flows.house import House
from core.flows.request import Asked, Click, Request
from core.flows.speak import answer
from core.model import DataVolume, Machine, VolumeState, Wish
from core.ports import StaleRow
from core.slots import KEYWORDS
from core.words import clean, closest, echo, retyped, split


def key_of(owner: str, wish: Wish) -> str | None:
    """The key of the data volume that comes along."""
    return f"{owner}.{wish.data}" if wish.data else None


# ---- at a launch ----------------------------------------------------------------------------


def claim(house: House, wish: Wish, owner: str, machine: str, text: str) -> UsageError | None:
    """Take the wish's data volume for this machine, or say why it cannot have these disks.

    Nothing is made in EC2 yet. Two launches at once cannot both have it: the row is the lock.
    """
    wrong = _misfit(wish, text)
    key = key_of(owner, wish)
    if wrong or key is None:
        return wrong
    row = house.ledger.row(DataVolume, key)
    refusal = _refusal(house, wish, row, machine, text)
    if refusal or (row is not None and row.machine == machine):
        return refusal
    now = house.clock()
    new = row or DataVolume(
        name=wish.data or "",
        owner=owner,
        gb=wish.data_gb or 0,
        state=VolumeState.WANTED,
        made_at=now,
    )
    try:
        house.ledger.save_row(volumes.claimed(new, machine, wish.data_gb, now), row)
    except StaleRow:
        return _usage(f"Data volume {new.name} has been taken by another launch just now.")
    return None


def unclaim(house: House, wish: Wish, owner: str, machine: str) -> None:
    """The launch came to nothing before it had a row of its own."""
    key = key_of(owner, wish)
    row = house.ledger.row(DataVolume, key) if key else None
    if row is None or row.machine != machine:
        return
    try:
        house.ledger.save_row(replace(row, claimed_at=None), row)
    except StaleRow:
        return
    volume.follow(house, row.key)


def _misfit(wish: Wish, text: str) -> UsageError | None:
    wrong = disks.misfit(wish, wish.disk_gb)
    if wrong is None:
        return None
    return _usage(wrong.what, _reworded(text, wrong))


def _reworded(text: str, wrong: disks.Misfit) -> str:
    """The command with the one word put right that does not fit."""
    words = split(clean(text), frozenset(KEYWORDS))
    if wrong.slot in words:
        at = words.index(wrong.slot)
        right = () if wrong.value is None else (wrong.slot, str(wrong.value))
        return "/gpu " + " ".join((*words[:at], *right, *words[at + 2 :]))
    return "/gpu " + " ".join((*words, wrong.slot, str(wrong.value)))


def _refusal(
    house: House, wish: Wish, row: DataVolume | None, machine: str, text: str
) -> UsageError | None:
    assert wish.data is not None
    if wish.count > 1:
        return _usage(f"A data volume goes to one machine, not to {wish.count}.")
    if row is None:
        return None if wish.data_gb else _unknown(house, wish.data, text)
    if row.state is VolumeState.LEAVING:
        return _usage(f"Data volume {row.name} is being deleted. Try again in a minute.")
    if row.machine in (None, machine):
        return None
    m = house.ledger.machine(row.machine or "")
    if not volumes.is_held(row, m, house.clock()):
        return None
    holder = m.name if m else "another launch"
    return _usage(
        f"Data volume {row.name} belongs to {holder} at the moment, and a volume can be on one "
        "machine only: end that first, or take another volume."
    )


def _unknown(house: House, name: str, text: str) -> UsageError:
    near = closest(name, {row.name for row in house.ledger.rows(DataVolume)})
    meant = retyped(text, name, near) if near else retyped(text, name, f"{name} 100")
    return _usage(
        f"There is no data volume {echo(name)}. To make one, say how large: data {name} 100.", meant
    )


def _usage(what: str, nearest: str | None = None) -> UsageError:
    return UsageError(what=f"{what} Nothing was started.", nearest=nearest, topic="disk")


# ---- seen and deleted -----------------------------------------------------------------------


def list_data(house: House, request: Request) -> None:
    """One's own data volumes; an admin sees everybody's, for everybody pays."""
    every = house.ledger.rows(DataVolume)
    admin = request.user in house.policy.admins
    rows = tuple(row for row in every if admin or row.owner == request.user)
    holders = {row.key: m.name for row in rows if (m := _holder(house, row))}
    answer(house, request.response_url, messages.data_volumes(rows, holders, request.user))


def delete(house: House, request: Request, wanted: commands.DataDelete) -> None:
    """A data volume with everything on it; asked first what is lost."""
    row = _meant(house, request, wanted.data)
    if row is None:
        near = {r.name for r in house.ledger.rows(DataVolume) if r.owner == request.user}
        said = messages.no_data_volume(wanted.data, closest(wanted.data, near))
        return answer(house, request.response_url, said)
    sure = wanted.sure and not late.is_before(request.at, row.made_at)
    if row.state is VolumeState.LEAVING or sure:
        return _delete(house, request, row)
    holder = _holder(house, row)
    if holder is not None:
        return answer(house, request.response_url, messages.data_in_use(row, holder))
    return answer(house, request.response_url, messages.data_question(row))


def delete_click(house: House, click: Click) -> None:
    """The question has named the volume and what is lost; it fits the row as it was then."""
    key, _, version = click.value.rpartition(":")
    row = house.ledger.row(DataVolume, key)
    if row is None or not _may_delete(house, click.user, row):
        return answer(house, click.response_url, messages.old_button(None))
    if str(row.version) != version and row.state is not VolumeState.LEAVING:
        return answer(house, click.response_url, messages.old_button(None))
    return _delete(house, click, row)


def keep_click(house: House, click: Click) -> None:
    """Leave it as it is."""
    answer(house, click.response_url, messages.data_kept())


def _meant(house: House, request: Request, name: str) -> DataVolume | None:
    """The caller's own of that name; for an admin the only one of that name."""
    own = house.ledger.row(DataVolume, f"{request.user}.{name}")
    if own is not None:
        return own
    named = [row for row in house.ledger.rows(DataVolume, whole=True) if row.name == name]
    return named[0] if len(named) == 1 and _may_delete(house, request.user, named[0]) else None


def _may_delete(house: House, user: str, row: DataVolume) -> bool:
    return user == row.owner or user in house.policy.admins


def _delete(house: House, asked: Asked, row: DataVolume) -> None:
    holder = _holder(house, row)
    if holder is not None:
        return answer(house, asked.response_url, messages.data_in_use(row, holder))
    leaving = replace(row, state=VolumeState.LEAVING, due_at=house.clock())
    if row.state is not VolumeState.LEAVING:
        house.ledger.save_row(leaving, row)
    volume.follow(house, row.key)
    gone = house.ledger.row(DataVolume, row.key) is None
    return answer(house, asked.response_url, messages.data_deleted(row, gone=gone))


def _holder(house: House, row: DataVolume) -> Machine | None:
    """The machine that has it or waits for it."""
    m = house.ledger.machine(row.machine) if row.machine else None
    return m if m and volumes.is_held(row, m, house.clock()) else None
