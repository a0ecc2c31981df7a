"""Saved images: what becomes of one, the list, the question before one is deleted."""

from datetime import datetime
from decimal import Decimal

from core import price
from core.blocks import Message, actions, button, code, context, escape, message, section, user
from core.images import WORDS
from core.messages import words
from core.messages.buttons import DANGER
from core.model import ImageCopy, ImageState, Machine, SavedImage

MOST_LISTED = 60
LISTED_A_BLOCK = 5


# ---- what becomes of one --------------------------------------------------------------------


def image_being_made(row: SavedImage) -> Message:
    """It has been asked for; the machine goes on meanwhile."""
    said = (
        f"Image {_name(row)} is being made of {escape(row.source)}'s {row.root_gb:,} GB root disk, "
        "which often takes 5 to 20 minutes. "
    )
    if row.running:
        said += (
            f"{escape(row.source)} goes on running, so what it writes at this moment may be half "
            "there; for an exact image stop it first. "
        )
    return message(
        section(f"{said}{user(row.owner)} is told here when it is ready."),
        context("Everybody here can launch it and read what is on it: leave no secrets there."),
    )


def image_ready(row: SavedImage) -> Message:
    """It can be launched; what it costs."""
    return message(
        section(
            f"{user(row.owner)}: image {_name(row)} is ready. {_launch(row)} It costs at most "
            f"{_monthly(row)} a month until {_delete(row)}."
        )
    )


def image_failed(row: SavedImage) -> Message:
    """Nothing came of it, and nothing is left of it."""
    reason = escape(row.copies[0].reason)
    return message(
        section(
            f"{user(row.owner)}: image {_name(row)} could not be made of {escape(row.source)}: "
            f"{reason} Nothing of it is left, so it costs nothing. To try again: "
            f"{code(f'/gpu save {row.source} as {row.name}')}"
        )
    )


def image_deleted(row: SavedImage) -> Message:
    """Gone everywhere, with its snapshots."""
    return message(
        section(
            f"Image {_name(row)} is deleted in {_regions(row)}, with its snapshots. That saves up "
            f"to {_monthly(row)} a month. Machines that were launched from it are as they were."
        )
    )


def image_leaving(row: SavedImage) -> Message:
    """EC2 has not let go of all of it yet."""
    return message(
        section(
            f"Image {_name(row)} is being deleted. EC2 has not let go of all of it yet; the "
            "channel is told when nothing of it costs money any more."
        )
    )


# ---- refusals -------------------------------------------------------------------------------


def image_name_reserved(name: str) -> Message:
    """A word that stands for one of AWS's images."""
    return message(
        section(
            f"{code(name)} stands for one of AWS's images: take another name. Nothing was saved."
        )
    )


def image_name_taken(name: str, row: SavedImage | None) -> Message:
    """Names are the team's."""
    whose = f", {user(row.owner)}'s" if row else ""
    return message(
        section(f"There is an image {code(name)} already{whose}. Nothing was saved."),
        context("Take another name, or delete that one: " + code(f"/gpu images delete {name}")),
    )


def cannot_be_saved(m: Machine) -> Message:
    """Which machines an image can be made of."""
    said = f"No image can be made of {words.name(m)}: "
    if m.kept is not None:
        said += f"only its disk is kept. Start it first: {code(f'/gpu start {m.name}')}"
    elif m.members:
        said += "it is several machines. An image is made of one that was launched alone."
    else:
        said += f"it is {words.state(m)}. It has to run, or to be stopped with its disk kept."
    return message(section(f"{said} Nothing was saved."))


def no_saved_image(name: str, near: str | None) -> Message:
    """There is none of that name."""
    meant = f" Did you mean {code(near)}?" if near else ""
    return message(
        section(f"There is no saved image {code(name)}.{meant} Nothing was deleted."),
        context("All of them: `/gpu images`"),
    )


def image_made_and_gone(name: str) -> Message:
    """The same request once more, after its image was deleted."""
    return message(
        section(
            f"Image {code(name)} was made by this before and is deleted since. It was not made "
            "again, so it costs nothing."
        ),
        context("If you want it nevertheless, type it again."),
    )


def not_your_image(row: SavedImage) -> Message:
    """Everybody may launch it; only its owner or an admin may delete it."""
    return message(
        section(
            f"Image {_name(row)} belongs to {user(row.owner)}: only they or an admin can delete "
            "it. Nothing was deleted."
        )
    )


def image_in_use(row: SavedImage, machines: tuple[Machine, ...]) -> Message:
    """A launch needs it at this moment."""
    verb = "is" if len(machines) == 1 else "are"
    return message(
        section(
            f"{words.names(machines)} {verb} being launched from image {_name(row)} now, so it is "
            f"not deleted. Try again once that is over: {_delete(row)}"
        )
    )


# ---- the question ---------------------------------------------------------------------------


def image_question(row: SavedImage, now: datetime) -> Message:
    """Object, consequence and cost."""
    value = f"{row.name}:{image_stamp(row)}"
    buttons = (
        button("Delete it", "image-delete", value, DANGER),
        button("Keep it", "image-keep", value),
    )
    return message(
        section(
            f"Image {_name(row)} ({row.root_gb:,} GB, {_age(row, now)} old) is deleted in "
            f"{_regions(row)}, with its snapshots. That saves up to {_monthly(row)} a month. "
            "Nobody can launch it then; this cannot be undone."
        ),
        actions(*buttons),
    )


def image_stamp(row: SavedImage) -> str:
    """What tells an image from an earlier one of the same name."""
    return str(int(row.made_at.timestamp()))


def image_kept(name: str) -> Message:
    """Nothing was done."""
    return message(section(f"Image {code(name)} stays. Nothing was deleted."))


# ---- the list -------------------------------------------------------------------------------


def saved_images(rows: tuple[SavedImage, ...], now: datetime) -> Message:
    """Each with its owner, size, cost, age and regions, and how to launch it."""
    own = f"AWS's own, free of charge: {', '.join(code(word) for word in WORDS)}"
    if not rows:
        return message(
            section("No image is saved, so none costs money."),
            context("Save a machine's disk: `/gpu save amber-fox as bert-env`", own),
        )
    lines = [_row(row, now) for row in sorted(rows, key=lambda r: r.name)[:MOST_LISTED]]
    more = len(rows) - MOST_LISTED
    if more > 0:
        lines.append(f"… and {more} more")
    chunks = [lines[i : i + LISTED_A_BLOCK] for i in range(0, len(lines), LISTED_A_BLOCK)]
    total = sum((_cost(row) for row in rows), Decimal(0))
    count = f"{len(rows)} saved image{'s' if len(rows) != 1 else ''}"
    return message(
        section(f"*{count}*: at most {words.money(total)} a month."),
        *(section("\n".join(chunk)) for chunk in chunks),
        context("Delete one: `/gpu images delete &lt;name&gt;`", own),
    )


def _row(row: SavedImage, now: datetime) -> str:
    return (
        f"• {_name(row)} of {user(row.owner)}: {row.root_gb:,} GB, {escape(row.architecture)}, "
        f"{_age(row, now)} old, at most {_monthly(row)} a month; {_where(row)}. {_launch(row)}"
    )


def _where(row: SavedImage) -> str:
    if row.leaving:
        return "being deleted"
    return ", ".join(_copy(row, copy) for copy in row.copies)


def _copy(row: SavedImage, copy: ImageCopy) -> str:
    region = escape(copy.region)
    match copy.state:
        case ImageState.AVAILABLE:
            return region
        case ImageState.PENDING:
            verb = "made" if copy is row.copies[0] else "copied"
            return f"{region} (being {verb})"
        case ImageState.FAILED:
            return f"{region} (the copy failed)"


# ---- in words -------------------------------------------------------------------------------


def _name(row: SavedImage) -> str:
    return f"*{escape(row.name)}*"


def _launch(row: SavedImage) -> str:
    return f"Launch it: {code(f'/gpu launch {row.source_type} image {row.name}')}"


def _delete(row: SavedImage) -> str:
    return code(f"/gpu images delete {row.name}")


def _regions(row: SavedImage) -> str:
    return ", ".join(escape(copy.region) for copy in row.copies)


def _age(row: SavedImage, now: datetime) -> str:
    return words.length(now - row.made_at)


def _cost(row: SavedImage) -> Decimal:
    """USD a month of every copy that EC2 has; one whose call had no answer may be there, too."""
    there = sum(1 for copy in row.copies if copy.image)
    return price.snapshot_monthly(row.root_gb * max(1, there))


def _monthly(row: SavedImage) -> str:
    return words.money(_cost(row))
