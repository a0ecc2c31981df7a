"""What is said a day ahead of a deadline, and about machines that lie stopped for long."""

from datetime import datetime, timedelta
from decimal import Decimal

from core import price
from core.blocks import Block, Message, actions, button, code, context, message, section
from core.lifecycle import LONGEST, most_longer, shelf_length
from core.messages import buttons, in_store, words
from core.model import ALIVE, Desire, Machine, Notice, NoticeKind, State

_DAYS_A_MONTH = price.HOURS_A_MONTH / 24


def notice(m: Machine, owed: Notice, now: datetime) -> Message:
    """The message that is owed, as true now as it was when it fell due."""
    match owed.kind:
        case NoticeKind.EVE:
            return _eve(m)
        case NoticeKind.SHELF:
            return _asked(m)
        case _:
            return _archived(m)


# ---- a day ahead ----------------------------------------------------------------------------


def _eve(m: Machine) -> Message:
    if m.state not in ALIVE or m.desire is not Desire.RUN or m.lease is None:
        late = f"{words.name(m)} came near its deadline and is {words.state(m)} now."
        return message(section(f"{words.owner(m)} {late}"))
    verb = "stops" if m.can_stop else "ends"
    extend = buttons.extend_button(m)
    cost = words.until_deadline(m)
    then = f" It will have cost {cost} by then." if cost else ""
    row = [*([extend] if extend else []), buttons.stop_button(m)]
    return message(
        section(
            f"{words.owner(m)} {words.name(m)} {verb} by itself {words.ends(m)}, "
            f"which is within a day.{then} You are warned again {words.at(m.lease.warn_at)}."
        ),
        actions(*row, buttons.until_picker(m)),
        context("Or keep it until the time that you choose above, on your own clock"),
    )


# ---- the second lease -----------------------------------------------------------------------


def monthly(m: Machine) -> Decimal:
    """USD a month of a stopped machine as it lies there."""
    return words.stopped_daily(m) * _DAYS_A_MONTH


def put_away_monthly(m: Machine) -> Decimal:
    """USD a month of its disk as a snapshot, at most."""
    return price.snapshot_monthly(words.disk_gb(m))


def _asked(m: Machine) -> Message:
    """Keep it, start it, end it; or else."""
    if m.state is not State.STOPPED or m.desire is not Desire.STOP or m.shelf is None:
        return message(section(f"{words.owner(m)} {words.name(m)} is {words.state(m)} now."))
    since = words.at(m.shelf.since)
    cost = words.money(monthly(m))
    return message(
        section(
            f"{words.owner(m)} {words.name(m)} lies stopped since {since} and costs {cost} a "
            f"month. {_or_else(m)}"
        ),
        actions(keep_button(m), buttons.start_button(m, style=None), buttons.end_button(m)),
    )


def _or_else(m: Machine) -> str:
    assert m.shelf is not None
    until = words.at(m.shelf.until)
    if m.members:
        return f"Is it still needed? Nothing is deleted unasked; you are asked again {until}."
    if m.kept is not None:
        return (
            "Its disk is a snapshot already, which is never deleted unasked. Is it still needed? "
            f"You are asked again {until}."
        )
    return (
        f"If nobody says to keep it by {until}, its disk becomes a snapshot for at most "
        f"{words.money(put_away_monthly(m))} a month and the rest is removed. It can be started "
        "again then, too."
    )


def keep_button(m: Machine) -> Block:
    """[Keep 7 more days]: the first click decides."""
    assert m.shelf is not None
    label = f"Keep {words.length(more(m))} more"
    return button(label, "shelf-keep", f"{m.id}:{m.shelf.version}", buttons.PRIMARY)


def more(m: Machine) -> timedelta:
    """What [Keep] adds: as long as it lies there between two questions, in whole days."""
    days = round(shelf_length(m) / timedelta(days=1))
    return timedelta(days=min(30, max(1, days)))


def kept(m: Machine) -> Message:
    """It lies there on."""
    assert m.shelf is not None
    return message(
        section(
            f"{words.name(m)} stays stopped as it is until {words.at(m.shelf.until)}. "
            f"{in_store.disk(m)}: {words.money(monthly(m))} a month.{_withdrawn(m)}"
        )
    )


def kept_too_long(m: Machine, now: datetime) -> Message:
    """Nobody would be asked about it within a year, so it lies there as long as before."""
    assert m.shelf is not None
    days = most_longer(m, now) // timedelta(days=1)
    more = f"Longer by {days} d at most: {code(f'/gpu extend {m.name} {days}d')}"
    later = f"You are asked about it before that: {words.at(m.shelf.ask_at)}"
    return message(
        section(
            f"{words.name(m)} may lie stopped for {words.length(LONGEST)} from now at most, "
            f"until {words.at(now + LONGEST)}. Nothing was changed: it stays until "
            f"{words.at(m.shelf.until)}. {in_store.disk(m)}: {words.money(monthly(m))} a month."
        ),
        context(more if days > 0 else later),
    )


def _withdrawn(m: Machine) -> str:
    if m.kept is None or m.kept.staying is None:
        return ""
    return " It was being put away already: the snapshot that was made for that is deleted."


def too_late(m: Machine) -> Message:
    """EC2 may have been told already to end the instance that it should have stayed."""
    after = words.money(put_away_monthly(m))
    return message(
        section(
            f"{words.name(m)} is being put away, and it is too late to keep it as it is. Its disk "
            f"is a snapshot, which costs {after} a month at most and is never deleted unasked."
        ),
        context(f"It can be started from it: {code(f'/gpu start {m.name}')}"),
    )


def _archived(m: Machine) -> Message:
    disk = f"{words.disk(m)}"
    before = words.money(price.disk_monthly(words.disk_gb(m)))
    after = words.money(put_away_monthly(m))
    blocks = [
        section(
            f"{words.owner(m)} {words.name(m)} was put away, because nobody said to keep it: its "
            f"{disk} is a snapshot now, and the instance is gone. It cost {before} a month, and "
            f"costs {after} a month at most from now on. {code(f'/gpu start {m.name}')} starts it "
            "again, in any zone of its region."
        )
    ]
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        blocks.append(actions(buttons.start_button(m), buttons.end_button(m)))
    return message(*blocks)
