"""Data volumes: what becomes of one in its machine's thread, the list, the question."""

from collections.abc import Mapping

from core import price
from core.blocks import (
    Block,
    Message,
    actions,
    button,
    code,
    context,
    escape,
    message,
    section,
    user,
)
from core.messages import words
from core.messages.buttons import DANGER
from core.model import DataVolume, Machine, VolumeState
from core.refusals import meaning

MOST_LISTED = 60
LISTED_A_BLOCK = 10


def data_news(row: DataVolume, m: Machine) -> Message:
    """What has become of it since its machine was launched."""
    if row.trouble:
        return message(section(_trouble(row, m)))
    if row.move is not None:
        return message(section(_moving(row, m)))
    return message(section(_attached(row, m)))


def _attached(row: DataVolume, m: Machine) -> str:
    wished = m.wish.data_gb or row.gb
    size = ""
    if wished < row.gb:
        size = f" It stays at {row.gb:,} GB: a volume cannot shrink."
    if wished > row.gb:
        more = words.money(price.disk_monthly(wished))
        size = f" It is being grown to {wished:,} GB, for {more} a month from then on."
    return (
        f"Data volume {_name(row)} ({row.gb:,} GB) is attached to {words.name(m)} and appears at "
        f"`/data` within a minute.{size} It stays when the machine ends, and costs "
        f"{_monthly(row)} a month until {code(f'/gpu data delete {row.name}')}."
    )


def _moving(row: DataVolume, m: Machine) -> str:
    assert row.move is not None
    return (
        f"{words.name(m)} came up in {escape(row.move.zone)}, but data volume {_name(row)} "
        f"({row.gb:,} GB) is in {escape(row.zone or '')}: it is being copied there by snapshot, "
        "which can take from minutes to hours. The machine can be used meanwhile; this thread is "
        "told when the volume is there. The old one is deleted only then."
    )


def _trouble(row: DataVolume, m: Machine) -> str:
    safe = " What is on it is safe." if row.used else ""
    why, with_ = escape(meaning(row.trouble)), words.name(m)
    again = "It is tried again every few minutes."
    if row.state is VolumeState.ATTACHED:
        what = f"Data volume {_name(row)} is with {with_}, but could not be changed: {why}"
        return f"{what}{safe} {again}"
    what = f"Data volume {_name(row)} could not be brought to {with_}: {why}"
    return f"{what} The machine runs without it.{safe} {again}"


def data_lost(row: DataVolume) -> Message:
    """EC2 does not show it any more."""
    return message(
        section(
            f"{user(row.owner)}: data volume {_name(row)} ({row.gb:,} GB) is gone. EC2 has not "
            "shown it for ten minutes, so somebody deleted it outside the bot. It costs nothing "
            f"now. A new, empty one: {code(f'/gpu launch … data {row.name} {row.gb}')}"
        )
    )


def data_volumes(rows: tuple[DataVolume, ...], holders: Mapping[str, str], caller: str) -> Message:
    """Each with its size, where it is, who has it, and what it costs a month."""
    if not rows:
        return message(
            section("There is no data volume of yours, so none costs money."),
            context("Make one at a launch: `/gpu launch g5.xlarge data 500`"),
        )
    lines = [_row(row, holders.get(row.key), caller) for row in rows[:MOST_LISTED]]
    more = len(rows) - MOST_LISTED
    if more > 0:
        lines.append(f"… and {more} more")
    chunks = [lines[i : i + LISTED_A_BLOCK] for i in range(0, len(lines), LISTED_A_BLOCK)]
    total = sum((price.disk_monthly(row.gb) for row in rows if row.volume), price.disk_monthly(0))
    count = f"{len(rows)} data volume{'s' if len(rows) != 1 else ''}"
    return message(
        section(f"*{count}*: {words.money(total)} a month, attached or not."),
        *(section("\n".join(chunk)) for chunk in chunks),
        context(
            "Take one along: `/gpu launch g5.xlarge data &lt;name&gt;`",
            "`/gpu data delete &lt;name&gt;`",
        ),
    )


def _row(row: DataVolume, holder: str | None, caller: str) -> str:
    whose = f" {user(row.owner)}" if row.owner != caller else ""
    where = escape(row.zone) if row.zone else "not made yet"
    return f"• {_name(row)}{whose}: {row.gb:,} GB, {where}, {_with_whom(row, holder)}{_cost(row)}"


def _with_whom(row: DataVolume, holder: str | None) -> str:
    if row.state is VolumeState.LEAVING:
        return "being deleted"
    if holder is None:
        return "free"
    if row.move is not None:
        return f"on its way to {escape(holder)} in {escape(row.move.zone)}"
    verb = "attached to" if row.state is VolumeState.ATTACHED else "kept for"
    return f"{verb} {escape(holder)}"


def _cost(row: DataVolume) -> str:
    return f", {_monthly(row)} a month" if row.volume else ""


def data_question(row: DataVolume) -> Message:
    """Object, consequence and cost."""
    value = f"{row.key}:{row.version}"
    row_of_buttons: list[Block] = [
        button("Delete it", "data-delete", value, DANGER),
        button("Keep it", "data-keep", value),
    ]
    return message(
        section(
            f"Data volume {_name(row)} ({row.gb:,} GB) is deleted with everything on it. "
            f"{_monthly(row)} a month is saved. This cannot be undone."
        ),
        actions(*row_of_buttons),
    )


def data_kept() -> Message:
    """Nothing was done."""
    return message(section("Nothing was deleted."))


def data_deleted(row: DataVolume, *, gone: bool) -> Message:
    """It is gone, or on its way."""
    if not gone:
        return message(
            section(
                f"Data volume {_name(row)} is being deleted; `/gpu data` shows when it is gone."
            )
        )
    return message(
        section(f"Data volume {_name(row)} is deleted. That saves {_monthly(row)} a month.")
    )


def data_in_use(row: DataVolume, m: Machine) -> Message:
    """A volume that a machine has is not deleted."""
    return message(
        section(
            f"Data volume {_name(row)} belongs to {words.name(m)}, so it is not deleted. End that "
            f"machine first: {code(f'/gpu end {m.name}')}"
        )
    )


def no_data_volume(name: str, near: str | None) -> Message:
    """There is none of that name among the caller's."""
    meant = f" Did you mean {code(near)}?" if near else " Yours: `/gpu data`"
    return message(section(f"You have no data volume {code(name)}.{meant}"))


def _name(row: DataVolume) -> str:
    return f"*{escape(row.name)}*"


def _monthly(row: DataVolume) -> str:
    return words.money(price.disk_monthly(row.gb))
