"""The second lease: how long a stopped machine may lie there, and how it is put away.

Put away means: its disk is a snapshot with an image, from which it starts in any zone; instance and
disk are gone. Several instances cannot be put away as one, and what is a snapshot already cannot be
put away further: their owner is asked again and again, and nothing is deleted unasked.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from core.lifecycle.record import owing, told
from core.lifecycle.terms import ASK_AGAIN, ASK_BEFORE, LONGEST
from core.model import Desire, Kept, Machine, NoticeKind, Shelf, State


def shelved(m: Machine, now: datetime, length: timedelta) -> Machine:
    """A stopped machine with its second lease, if it has none yet; any other without one."""
    lies = m.state is State.STOPPED and m.desire is Desire.STOP
    if not lies:
        return m if m.shelf is None or m.state is State.STOPPED else replace(m, shelf=None)
    return m if m.shelf else replace(m, shelf=_shelf(now, _length(m, length)))


def _length(m: Machine, length: timedelta) -> timedelta:
    return ASK_AGAIN if _is_put_away(m) else length


def shelf_length(m: Machine) -> timedelta:
    """How long it lies there between two questions, and what [Keep] adds. Rows of before this was
    written have no length, only an end that may have been moved."""
    assert m.shelf is not None
    told = m.shelf.length or min(m.shelf.until - m.shelf.since, ASK_AGAIN)
    return _length(m, told)


def _is_put_away(m: Machine) -> bool:
    """Whether its disk lies there as a snapshot only."""
    return m.kept is not None and m.kept.instance is None


def _shelf(now: datetime, length: timedelta, version: int = 1) -> Shelf:
    lead = min(ASK_BEFORE, length / 4)
    until = now + length
    return Shelf(since=now, until=until, ask_at=until - lead, version=version, length=length)


def most_longer(m: Machine, now: datetime) -> timedelta:
    """How much longer it may lie there: it is asked about within a year. May be below zero."""
    assert m.shelf is not None
    return now + LONGEST - max(m.shelf.until, now)


def kept_longer(m: Machine, now: datetime, length: timedelta, by: str) -> Machine | None:
    """Its owner wants it to lie there on: so long from now, or from the end where that is later.

    None where that is longer than it may.
    """
    assert m.shelf is not None
    if length > most_longer(m, now):
        return None
    until = max(m.shelf.until, now) + length
    lead = min(ASK_BEFORE, length / 4)
    shelf = replace(
        m.shelf, until=until, ask_at=until - lead, asked=False, version=m.shelf.version + 1
    )
    m = replace(m, shelf=shelf, kept=_staying(m.kept, now))
    return told(m, now, f"stays stopped longer (by {by})")


def is_sealed(m: Machine) -> bool:
    """Whether it is too late to keep its instance: EC2 may have been told to end it."""
    return m.kept is not None and m.kept.sealed


def _staying(kept: Kept | None, now: datetime) -> Kept | None:
    """What was being put away stays where it is; what was made for that goes again."""
    if kept is None or not kept.parting or kept.sealed:
        return kept
    return replace(kept, parting=False, staying=now, trouble="", again_at=None)


def next_on_shelf(m: Machine, now: datetime) -> Machine | None:
    """The row of a stopped machine whose time has come: asked about, put away; None: not yet."""
    shelf = m.shelf
    if shelf is None or m.desire is not Desire.STOP:
        return None
    if now >= shelf.until:
        return _asked_again(m, now, shelf) if _stays(m) else _putting_away(m, now)
    return _asked(m, now, shelf) if now >= shelf.ask_at and not shelf.asked else None


def _stays(m: Machine) -> bool:
    return bool(m.members) or m.kept is not None


def _asked(m: Machine, now: datetime, shelf: Shelf) -> Machine:
    m = replace(m, shelf=replace(shelf, asked=True))
    return owing(told(m, now, "asked whether it is still needed"), now, NoticeKind.SHELF)


def _asked_again(m: Machine, now: datetime, shelf: Shelf) -> Machine:
    """Nobody has answered, and there is nothing to be done unasked: the next time comes."""
    return replace(m, shelf=_shelf(now, shelf_length(m), shelf.version + 1))


def _putting_away(m: Machine, now: datetime) -> Machine:
    assert m.instance is not None
    gb = m.disk_gb or (m.image.root_gb if m.image else 0)
    at = m.instance
    kept = Kept(region=at.region, zone=at.zone, gb=gb, instance=at.id, parting=True)
    return told(replace(m, kept=kept), now, "nobody said to keep it: its disk becomes a snapshot")


def sealed(m: Machine) -> Machine:
    """Written before its instance is ended: whoever wants to keep it from here on is too late."""
    assert m.kept is not None
    return replace(m, kept=replace(m.kept, parting=True, staying=None, sealed=True))


def parted(m: Machine, now: datetime) -> Machine:
    """The image can be started from: the stopped instance goes, and its disk with it."""
    assert m.kept is not None
    assert m.kept.instance is not None
    gone = replace(m.instance, state="terminated", ended_at=now) if m.instance else None
    spare = (*m.kept.spare, m.kept.instance)
    kept = replace(
        m.kept,
        instance=None,
        parting=False,
        sealed=False,
        spare=spare,
        trouble="",
        again_at=None,
    )
    m = replace(m, kept=kept, instance=gone, shelf=None)
    return owing(told(m, now, "put away: its disk is a snapshot"), now, NoticeKind.ARCHIVED)


def shelf_due(m: Machine) -> datetime | None:
    """When somebody must look because of the second lease."""
    if m.shelf is None or m.desire is not Desire.STOP:
        return None
    return m.shelf.until if m.shelf.asked else m.shelf.ask_at
