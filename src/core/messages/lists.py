"""Machines as lists: the caller's now, the team's, and one with its history."""

from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from core import price
from core.blocks import Block, Message, actions, code, context, divider, escape, message, section
from core.leftovers import Inventory
from core.lifecycle import ends_at, hourly_now
from core.messages import buttons, schedules, words
from core.messages.admins import part_line
from core.messages.cards import card
from core.messages.uses import Used, drawn, now_used
from core.model import ALIVE, FINAL, Desire, Instance, Machine, Profile, Schedule, State

MOST_LISTED = 60
LISTED_A_BLOCK = 6
MOST_HISTORY = 20
MOST_BUTTONS = 3
MOST_IN_EC2 = 30  # a section holds 3,000 characters

_UNKNOWN: Used = MappingProxyType({})
_BILLED = ALIVE | {State.STOPPING, State.ENDING}


def overview(
    machines: tuple[Machine, ...],
    profile: Profile,
    now: datetime,
    used: Used = _UNKNOWN,
    month: Decimal = Decimal(0),
    stored: Decimal = Decimal(0),
) -> Message:
    """The caller's machines, what they cost, and the likeliest next steps. `month`: USD that the
    caller has spent since it began; `stored`: USD a month of data volumes and images."""
    missing = words.access_steps(lacks_key=not profile.keys, lacks_address=not profile.accesses)
    steps = [section(f"Before you can log in to a machine:\n{missing}")] if missing else []
    hints = context(
        "Launch one: `/gpu launch g5.xlarge spot for 2h`",
        "All machines: `/gpu list all`",
        "`/gpu help`",
    )
    spent = f"You have spent {words.money(month)} this month: `/gpu cost`."
    if not machines:
        none = no_machine("You have no machine", stored)
        return message(section(f"{none}\n{spent}"), *steps, hints)
    head = section(f"{totals(machines, now)}\n{spent}")
    blocks = [head, *_rows(machines, now, everyone=False, used=used)]
    row = _next_steps(machines)
    if row:
        blocks.append(actions(*row))
    return message(*blocks, *steps, hints)


def listing(
    machines: tuple[Machine, ...],
    now: datetime,
    used: Used = _UNKNOWN,
    *,
    everyone: bool,
    silent_since: datetime | None = None,
    stored: Decimal = Decimal(0),
) -> Message:
    """Machines that are not over, with what each costs; sixty at most.

    `silent_since`: the clock has not run since then, so nothing here stops by itself for certain.
    `stored`: USD a month of their data volumes and images, where there is no machine.
    """
    if not machines:
        none = "Nobody has a machine" if everyone else "You have no machine"
        hint = context("Launch one: `/gpu launch g5.xlarge spot for 2h`")
        return message(section(no_machine(none, stored)), hint)
    more = "One of them: `/gpu show &lt;name&gt;`"
    hints = [more] if everyone else [more, "Everybody's: `/gpu list all`"]
    lines = _rows(machines, now, everyone=everyone, used=used)
    warning = [section(_silent(silent_since))] if silent_since else []
    return message(*warning, section(totals(machines, now)), *lines, context(*hints))


def no_machine(none: str, stored: Decimal) -> str:
    """None, and what costs money all the same."""
    if not stored:
        return f"{none}, so nothing here costs money."
    each = words.money(stored)
    return f"{none}. Data volumes and images cost {each} a month: `/gpu data`, `/gpu images`."


def _silent(since: datetime) -> str:
    return (
        f":warning: The bot's clock has not run since {words.at(since)}: machines may run past "
        "their deadlines. `/gpu stop` works. Admins see why with `/gpu doctor`."
    )


def totals(machines: tuple[Machine, ...], now: datetime) -> str:
    """3 machines: 1 runs for $0.918/h, stopped disks cost $0.13 a day; $1.84 so far."""
    billed = [m for m in machines if m.state in _BILLED]
    stopped = [m for m in machines if m.state is State.STOPPED]
    each = sum((hourly_now(m) or Decimal(0) for m in billed), Decimal(0))
    parts = []
    if billed:
        parts.append(f"{len(billed)} up for {words.hourly(each)}")
    if stopped:
        daily = sum((words.stopped_daily(m) for m in stopped), Decimal(0))
        parts.append(f"{len(stopped)} stopped, whose disks cost {words.money(daily)} a day")
    other = len(machines) - len(billed) - len(stopped)
    if other:
        parts.append(f"{other} not running")
    so_far = sum((words.cost_so_far(m, now) for m in machines), Decimal(0))
    count = f"{len(machines)} machine{'s' if len(machines) != 1 else ''}"
    return f"*{count}*: {', '.join(parts)}. So far: {words.money(so_far)}."


def _rows(
    machines: tuple[Machine, ...], now: datetime, *, everyone: bool, used: Used
) -> list[Block]:
    """Several machines to a block, because a message holds fifty blocks."""
    lines = rows(machines, now, everyone=everyone, used=used)
    chunks = [lines[i : i + LISTED_A_BLOCK] for i in range(0, len(lines), LISTED_A_BLOCK)]
    return [section("\n".join(chunk)) for chunk in chunks]


def rows(
    machines: tuple[Machine, ...], now: datetime, *, everyone: bool, used: Used = _UNKNOWN
) -> list[str]:
    """A line for each machine, sixty at most, and one that says how many more there are."""
    lines = [_row(m, now, used, everyone=everyone) for m in machines[:MOST_LISTED]]
    more = len(machines) - MOST_LISTED
    return [*lines, f"… and {more} more"] if more > 0 else lines


def _row(m: Machine, now: datetime, used: Used, *, everyone: bool) -> str:
    whose = f" {words.owner(m)}" if everyone else ""
    use = now_used(m, used, now) if m.state in ALIVE else ""
    busy = f", {use}" if use else ""
    return f"• {words.name(m)}{whose}: {words.state(m)}, {words.what(m)}{_money(m, now)}{busy}"


def _money(m: Machine, now: datetime) -> str:
    if m.state is State.STOPPED:
        lies = m.shelf is not None and m.kept is None and not m.members and m.desire is Desire.STOP
        away = f", put away {words.at(m.shelf.until)}" if m.shelf and lies else ""
        return f", disk {words.kept_daily(m)} a day, cost {words.spent(m, now)}{away}"
    if m.state not in _BILLED:
        return ""
    hourly = hourly_now(m)
    each = f", {words.hourly(hourly)}" if hourly is not None else ""
    return f"{each}, {words.spent(m, now)} so far{_ends(m, now)}"


def _ends(m: Machine, now: datetime) -> str:
    """How long it has left, and when that is."""
    stops = ends_at(m)
    if stops is None or m.desire is not Desire.RUN:
        return ""
    verb = "stops" if m.can_stop else "ends"
    left = stops - now
    within = f" (in {words.length(left)})" if left > timedelta(0) else ""
    return f", {verb} {words.at(stops)}{within}{words.why_sooner(m)}"


def _lies(m: Machine) -> str:
    """When a stopped machine is put away, or asked about."""
    if m.shelf is None or m.state is not State.STOPPED or m.desire is not Desire.STOP:
        return ""
    stays = m.kept is not None or bool(m.members)
    verb = "Its owner is asked about it again" if stays else "Put away as a snapshot"
    return f"{verb} {words.at(m.shelf.until)} unless it is kept: {code(f'/gpu extend {m.name}')}"


def _next_steps(machines: tuple[Machine, ...]) -> list[Block]:
    """For the machine that ends first: extend, stop; for one that is stopped: start."""
    up = [m for m in machines if m.state in ALIVE and m.lease and m.desire is Desire.RUN]
    first = min(up, key=lambda m: ends_at(m) or m.created_at, default=None)
    stopped = next(
        (m for m in machines if m.state is State.STOPPED and m.desire is Desire.STOP), None
    )
    found: list[Block | None] = []
    if first is not None:
        found.append(buttons.extend_button(first, f"Extend {first.name}"))
        found.append(buttons.stop_button(first, f"Stop {first.name}"))
    if stopped is not None:
        style = None if found and found[0] else buttons.PRIMARY
        found.append(buttons.start_button(stopped, f"Start {stopped.name}", style))
    return [b for b in found if b is not None][:MOST_BUTTONS]


def show(
    m: Machine,
    now: datetime,
    inventory: Inventory | None = None,
    used: Used = _UNKNOWN,
    schedule: Schedule | None = None,
) -> Message:
    """One machine as its card shows it, how much it is used, what it has in EC2 and what that
    costs, and its history, newest last. `inventory` is None where EC2 cannot be read now."""
    shown = card(m, now)
    blocks = [b for b in shown.blocks if b["type"] != "actions"]
    if m.runs and m.state not in FINAL:
        ran = f"Ran {words.ran(m, now)} so far, for {words.spent(m, now)}"
        blocks.append(context(ran))
    blocks += [context(line) for line in (_lies(m), schedules.line(m, schedule, now)) if line]
    if m.state in ALIVE:
        blocks += drawn(m, used, now)
    blocks += _in_ec2(m, inventory)
    lines = [f"{words.at(h.at)}: {words.happened(h.what)}" for h in m.history[-MOST_HISTORY:]]
    if lines:
        blocks += [divider(), section("*History*\n" + "\n".join(lines))]
    return message(*blocks, context(_ids(m)))


def _in_ec2(m: Machine, found: Inventory | None) -> list[Block]:
    """Everything that it has brought, each thing with its price, and what outlives it."""
    if found is None:
        return [context("EC2 cannot be read now, so what it has there is not listed.")]
    if not found.instances and not found.parts:
        return [context("It has nothing in EC2.")]
    lines = [line for one in found.instances for line in _instance(m, one)]
    lines += [part_line(part) for part in found.parts]
    shown = lines[:MOST_IN_EC2]
    if len(lines) > len(shown):
        shown.append(f"… and {len(lines) - len(shown)} more")
    total = f"About {words.money(found.monthly)} a month whether it runs or not"
    kept = ", and all but what outlives it is deleted when it ends" if found.parts else ""
    return [divider(), section("*In EC2*\n" + "\n".join(shown)), context(f"{total}{kept}.")]


def _instance(m: Machine, one: Instance) -> list[str]:
    """The instance, and its public address, which is billed by itself."""
    if one.state == "terminated":
        return []
    billed = one.state in ("pending", "running")
    at = next((each.placement for each in m.members if each.instance.id == one.id), m.placement)
    hourly = f", {words.hourly(at.hourly)}" if billed and at else ""
    lines = [f"• instance {code(one.id)}: {escape(one.state)} in {escape(one.zone)}{hourly}"]
    if one.address:
        each = words.hourly(price.PUBLIC_IPV4_HOURLY)
        lines.append(f"• public address of {code(one.id)}: {each} while it runs")
    return lines


def _ids(m: Machine) -> str:
    instance = f", instance {code(m.instance.id)}" if m.instance else ""
    where = f" in {escape(words.region(m))}"
    return f"Machine {code(m.id)}{instance}{where}"
