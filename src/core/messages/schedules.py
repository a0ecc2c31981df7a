"""What is said of the hours at which a machine starts and stops by itself."""

from datetime import date, datetime

from core import hours, price
from core.blocks import Message, actions, button, code, context, escape, message, section
from core.messages import words
from core.model import Machine, Schedule
from core.times import WEEKDAYS

_WEEKDAYS, _EVERY_DAY = (0, 1, 2, 3, 4), tuple(range(7))


def schedule_set(m: Machine, row: Schedule, now: datetime) -> Message:
    """It has hours now."""
    return message(
        section(f"{words.name(m)} runs {spoken(row)}. {_next(m, row, now)}"),
        context(
            f"Not the next time: {code(f'/gpu schedule {m.name} skip')}",
            f"Never: {code(f'/gpu schedule {m.name} off')}",
        ),
    )


def schedule_off(m: Machine) -> Message:
    """It has none any more; what runs goes on to the end of its lease."""
    return message(
        section(f"{words.name(m)} has no schedule: nothing starts it by itself. {_now_is(m)}")
    )


def schedule_wont_do(m: Machine) -> Message:
    """What ends at its deadline is not there to be started again."""
    return message(
        section(
            f"{words.name(m)} cannot have a schedule: it is a spot machine, which ends instead of "
            "stopping, with its disk. Nothing was changed."
        ),
        context("One that can: `/gpu launch g5.xlarge on-demand`, or with `spot keep`"),
    )


def schedules(found: tuple[tuple[Machine, Schedule], ...], now: datetime) -> Message:
    """Whose hours they are, and when each starts next."""
    if not found:
        return message(
            section("None of your machines has a schedule, so nothing starts by itself."),
            context("Give one hours: `/gpu schedule &lt;name&gt; weekdays 9:00-18:00`"),
        )
    lines = (f"• {words.name(m)}: {spoken(row)}. {_next(m, row, now)}" for m, row in found[:20])
    return message(section("\n".join(lines)))


def announced(m: Machine, one: hours.Stretch) -> Message:
    """Half an hour ahead, with the way out."""
    return message(
        section(
            f"{words.owner(m)} {words.name(m)} starts by its schedule {words.at(one.starts)} and "
            f"stops {words.at(one.stops)}.{_cost(m, one)}"
        ),
        actions(button("Skip today", "schedule-skip", f"{m.id}:{one.day.isoformat()}")),
    )


def skipped(m: Machine, day: date, row: Schedule, now: datetime) -> Message:
    """One start less, and the way back."""
    return message(
        section(
            f"{words.name(m)} does not start by its schedule {words.at(hours.on(row, day).starts)}."
            f" {_now_is(m)} {_next(m, row, now)}"
        ),
        actions(button("Undo", "schedule-undo", f"{m.id}:{day.isoformat()}")),
    )


def unskipped(m: Machine, row: Schedule, now: datetime) -> Message:
    """It starts after all."""
    return message(section(f"{words.name(m)} runs {spoken(row)}. {_next(m, row, now)}"))


def not_scheduled(m: Machine) -> Message:
    """There is no start to skip."""
    return message(
        section(f"{words.name(m)} has no start ahead by a schedule, so nothing was changed."),
        context(f"Give it hours: {code(f'/gpu schedule {m.name} weekdays 9:00-18:00')}"),
    )


def start_came(m: Machine) -> Message:
    """Too late to skip."""
    return message(
        section(
            f"{words.name(m)} was due to start already, so nothing was changed. {_now_is(m)} "
            f"To stop it: {code(f'/gpu stop {m.name}')}"
        )
    )


def not_by_schedule(m: Machine, why: str, one: hours.Stretch) -> Message:
    """A start or a longer lease that a rule, a budget or Slack stood against, once that day."""
    return message(
        section(
            f"{words.owner(m)} The schedule of {words.name(m)} could not be kept "
            f"{words.at(one.starts)}. {why} It is {words.state(m)}, and is tried again the next "
            "day that it is to start."
        ),
        context(f"By hand: {code(f'/gpu start {m.name}')}"),
    )


def falls_short(m: Machine, one: hours.Stretch) -> Message:
    """It runs already, and one lease may not last as long as its hours; said once that day."""
    return message(
        section(
            f"{words.owner(m)} {words.name(m)} is to run by its schedule until "
            f"{words.at(one.stops)}, and its lease may not be made that long (rule "
            f"`longest-lease`). It stops {words.ends(m)}, and starts again a moment later: what "
            "runs on it is lost then, and its disk is kept."
        ),
        context(f"Not to start it again today: {code(f'/gpu schedule {m.name} skip')}"),
    )


def keeps_trying(m: Machine, one: hours.Stretch) -> Message:
    """EC2 has no room at the hour of its start; said once."""
    return message(
        section(
            f"{words.owner(m)} EC2 has no room for {words.name(m)}, which was to start by its "
            f"schedule. It is tried again and again until {words.at(one.stops)}; meanwhile only "
            "its disk costs money."
        ),
        context(f"To give up for today: {code(f'/gpu stop {m.name}')}"),
    )


def owner_left(m: Machine) -> Message:
    """To the admins, who are the only ones left to decide."""
    return message(
        section(
            f"{words.owner(m)} is no longer in this workspace, so {words.name(m)} was not started "
            f"by its schedule, and has no schedule any more. {_now_is(m)}"
        ),
        context(f"If nobody needs it: {code(f'/gpu end {m.name}')}"),
    )


def line(m: Machine, row: Schedule | None, now: datetime) -> str:
    """Its hours, where it has some."""
    return f"Runs {spoken(row)}. {_next(m, row, now)}" if row else ""


def spoken(row: Schedule) -> str:
    """weekdays 9:00-18:00 (Europe/Berlin)."""
    if row.days == _EVERY_DAY:
        days = "every day"
    elif row.days == _WEEKDAYS:
        days = "weekdays"
    else:
        days = ", ".join(WEEKDAYS[day][:3].capitalize() for day in row.days)
    return f"{days} {_clock(row.starts)}-{_clock(row.stops)} ({escape(row.tz)})"


def _clock(at: tuple[int, int]) -> str:
    return f"{at[0]}:{at[1]:02}"


def _next(m: Machine, row: Schedule, now: datetime) -> str:
    one = hours.following(row, now)
    if one is None:
        return "No start is ahead."
    when = "Next" if one.starts > now else "Now"  # now: it is to start again within its hours
    return f"{when}: {words.at(one.starts)} until {words.at(one.stops)}.{_cost(m, one)}"


def _cost(m: Machine, one: hours.Stretch) -> str:
    each = m.hourly if m.members else words.price_of(m)  # a start is one of all its members
    if each is None:
        return ""
    total = words.money(price.cost(each, one.stops - one.starts))
    return f" That costs {total} ({words.hourly(each)})."


def _now_is(m: Machine) -> str:
    return f"It is {words.state(m)} now."
