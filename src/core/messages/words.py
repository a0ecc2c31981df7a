"""The small change of every message: how names, money, lengths, places and causes are said."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from core import meter, price
from core.bills import bill_of
from core.blocks import code, escape, user, when
from core.disks import disk_of
from core.lifecycle import awaits_image, ends_at, hourly_now
from core.messages import endings, many
from core.messages.wishes import launch_again as launch_again
from core.messages.wishes import markets as markets
from core.messages.wishes import refusal as refusal
from core.messages.wishes import regions as regions
from core.messages.wishes import root_disk as root_disk
from core.messages.wishes import same_launch as same_launch
from core.messages.wishes import types as types
from core.messages.wishes import wanted as wanted
from core.messages.wishes import without_capacity as without_capacity
from core.messages.wishes import zones_tried as zones_tried
from core.model import (
    Cause,
    ChoiceKind,
    Desire,
    Gpu,
    Hold,
    Machine,
    Market,
    Placement,
    QuotaFacts,
    State,
)
from core.refusals import meaning

NOTHING = "Nothing was started, so it costs nothing."
KEY_STEP = "`/gpu key add ssh-ed25519 AAAA… you@laptop`"
ADDRESS_STEP = "`/gpu allow &lt;your address&gt;/32`"
_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)  # before anything was ever launched here
SPOT_NOTICE = timedelta(minutes=2)  # between EC2's notice and the end of a spot instance

_STATES = {
    State.REQUESTED: "being looked into",
    State.HELD: "waiting for a decision, not launched",
    State.WAITING: "waiting for AWS to grant the quota, not launched",
    State.LAUNCHING: "being launched",
    State.PENDING: "booting",
    State.RUNNING: "running",
    State.STOPPING: "stopping",
    State.STOPPED: "stopped",
    State.STARTING: "starting",
    State.ENDING: "ending",
    State.ENDED: "ended",
    State.FAILED: "not launched",
}


# ---- money and time -------------------------------------------------------------------------


def at(moment: datetime) -> str:
    """A moment in each reader's own time zone."""
    return when(moment)


def money(amount: Decimal) -> str:
    """USD with cents, ready for markup: `$3.06`, `&lt;$0.01`."""
    return escape(price.dollars(amount))


def hourly(amount: Decimal) -> str:
    """USD per hour, ready for markup: `$0.918/h`."""
    return escape(price.per_hour(amount))


def length(span: timedelta) -> str:
    """`45 s`, `12 min`, `4 h`, `1 h 30 min`, `2 d 3 h`: the two largest units, rounded down."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    days, rest = divmod(seconds // 60, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def spent(m: Machine, now: datetime) -> str:
    """All that it has cost up to `now`: running, address, disks and snapshots."""
    return money(cost_so_far(m, now))


def spent_at_rest(m: Machine, now: datetime) -> str:
    """What it has cost up to its last change, for a message that time alone may not edit."""
    ran, kept = [run.ended_at for run in m.runs], [store.ended_at for store in m.stores]
    last = max((end for end in (*ran, *kept) if end is not None), default=now)
    return spent(m, last if all(ran) else now)


def cost_so_far(m: Machine, now: datetime) -> Decimal:
    """The same in USD."""
    return meter.spent(bill_of(m), _BEFORE, now)


def ran(m: Machine, now: datetime) -> str:
    """How long it has run in all, up to `now`."""
    spans = ((run.ended_at or now) - run.started_at for run in m.runs)
    return length(sum((max(s, timedelta(0)) for s in spans), timedelta(0)))


def ends(m: Machine) -> str:
    """When it stops by itself, and why where that is before its deadline."""
    stops = ends_at(m)
    if stops is None:
        return "when it is told to"
    return f"{at(stops)}{why_sooner(m)}"


def why_sooner(m: Machine) -> str:
    """Why it stops before its deadline; empty where it does not."""
    if m.doom is None or not is_doomed(m):
        return ""
    if m.doom.cause is Cause.IDLE:
        return " for being unused unless somebody keeps it"
    return " because its budget is spent"


def is_doomed(m: Machine) -> bool:
    """Whether something else stops it before its lease does."""
    return m.lease is not None and ends_at(m) != m.lease.deadline


def until_deadline(m: Machine) -> str | None:
    """What it will have cost when it stops by itself; None while there is no lease or no price."""
    each, stops = price_of(m), ends_at(m)
    if m.lease is None or stops is None or each is None:
        return None
    by_then = cost_so_far(m, stops)
    if not m.runs or m.runs[-1].ended_at is not None:
        by_then += price.cost(each, stops - m.lease.started_at)
    return money(by_then)


def price_of(m: Machine) -> Decimal | None:
    """USD per hour of its instances that run, or of all of them before they do."""
    if m.placement and not (m.kept and m.attempt):
        return hourly_now(m)
    at = m.attempt.placement if m.attempt else next(iter(m.placements), None)
    return at.hourly * m.wish.count if at else None


def stopped_daily(m: Machine) -> Decimal:
    """USD a day of all its disks while it is stopped."""
    gb = disk_gb(m)
    wished = disk_of(m.wish, gb)
    each = price.stopped_daily(gb, wished.kind, wished.iops, wished.throughput)
    if m.kept is None:
        return each * max(1, len(m.members))
    held = each if m.kept.volume or m.kept.instance else Decimal(0)
    return held + (price.daily(price.snapshot_monthly(gb)) if m.kept.complete else 0)


def kept_daily(m: Machine) -> str:
    """What its disk costs a day while it is stopped."""
    return money(stopped_daily(m))


def disk(m: Machine) -> str:
    """`50 GB disk`; of a group `set of 16 disks (50 GB each)`."""
    return many.disk(m, disk_gb(m))


def disk_gb(m: Machine) -> int:
    """GB of its root disk."""
    return m.disk_gb or (m.image.root_gb if m.image else 0)


# ---- names and places -----------------------------------------------------------------------


def name(m: Machine) -> str:
    """The name people say."""
    return f"*{escape(m.name)}*"


def owner(m: Machine) -> str:
    """Whose it is, as a mention."""
    return user(m.owner)


def region(m: Machine) -> str:
    """Where it runs or is to run."""
    return m.placement.region if m.placement else m.wish.region


def zone(m: Machine) -> str:
    """The zone it runs in or is being tried in, else the region; of a group, how many where."""
    if m.members:
        return many.zones(m)
    at = placement(m)
    return at.zone if at else m.wish.region


def placement(m: Machine) -> Placement | None:
    """Where it runs, or where it is being tried: a kept disk elsewhere than where it ran."""
    trying = m.attempt.placement if m.attempt else None
    return trying or m.placement if m.kept else m.placement or trying


def kind(m: Machine) -> str:
    """The type that runs or is being tried, else what was asked for; how many of it first."""
    at = placement(m)
    return many.number(m) + code(at.instance_type) if at else types(m.wish)


def market(m: Machine) -> str:
    """The market that it runs in or is being tried in, else what was asked for."""
    if m.members:
        return " and ".join(sorted({one.placement.market.value for one in m.members}))
    at = placement(m)
    return at.market.value if at else markets(m.wish)


def what(m: Machine) -> str:
    """`p3.2xlarge` spot in us-east-1a."""
    at = placement(m)
    return f"{kind(m)} {market(m)} in {escape(zone(m))}" if at else wanted(m.wish)


def gpu(it: Gpu) -> str:
    """1 x NVIDIA V100, 16 GiB; of a part: 1/8 of an NVIDIA L4, 3 GiB."""
    told = it.maker and not it.name.lower().startswith(it.maker.lower())
    label = escape(f"{it.maker} {it.name}" if told else it.name)
    size = f"{round(it.memory_mib / 1024)} GiB"
    if Decimal(0) < it.count < 1:
        part = Fraction(it.count).limit_denominator(64)
        return f"{part} of an {label}, {size}"
    each = " each" if it.count > 1 else ""
    return f"{format(it.count.normalize(), 'f')} x {label}, {size}{each}"


def names(machines: Iterable[Machine]) -> str:
    """*amber-fox*, *brave-owl*; at most ten by name."""
    all_of_them = tuple(machines)
    said = ", ".join(name(m) for m in all_of_them[:10])
    more = len(all_of_them) - 10
    return f"{said} and {more} more" if more > 0 else said


# ---- states and reasons ---------------------------------------------------------------------


def state(m: Machine) -> str:
    """Its state in a few words, a decision that is not carried out yet included."""
    if m.desire is Desire.GONE and m.state not in (State.ENDED, State.FAILED):
        return "ending"
    if m.desire is Desire.STOP and m.state in (State.PENDING, State.RUNNING, State.STARTING):
        return "stopping"
    if m.desire is Desire.RUN and m.state is State.STOPPED:
        return "starting"
    if m.state is State.WAITING and m.retry_at is not None:
        return "trying for capacity now and then, not launched"
    if m.state is State.WAITING and awaits_image(m):
        return "waiting for its image, not launched"
    if m.state is State.RUNNING:
        return "running and ready" if m.ready_at else "running, waiting for SSH"
    return _STATES[m.state]


def reason(m: Machine) -> str:
    """Why it was stopped, ended or not launched: `by @kim`, `at its deadline`."""
    match m.cause:
        case Cause.PERSON:
            return f"by {user(m.ended_by)}" if m.ended_by else "by a person"
        case Cause.DEADLINE:
            return "at its deadline"
        case Cause.SPOT:
            return "because EC2 took the spot capacity back"
        case Cause.OUTSIDE:
            return endings.why(m)
        case Cause.EXPIRED:
            return "because its time ran out before it could be launched"
        case Cause.REFUSED:
            return "because EC2 refused it"
        case Cause.BARRED:
            return "because its owner may not launch it any more"
        case Cause.LOST:
            return "because EC2 never said what became of the launch"
        case Cause.IDLE:
            return "because nobody was using it"
        case Cause.BUDGET:
            return "because its budget is spent"
        case None:
            return "for a reason that was not recorded"


def quota_family(quota_name: str) -> str:
    """`P-type`, `P5-type`, `G and VT-type`, out of the name that Service Quotas gives."""
    core = re.sub(r"^(All|Running)\s+|\s+(Instance Requests|instances)$", "", quota_name)
    core = re.sub(r"^(On-Demand|Spot)\s+|\s+(On-Demand|Spot)$", "", core)
    core = re.sub(r"\s*\(.*\)$", "", core).strip() or quota_name
    families = re.split(r",\s*|\s+and\s+", core)
    letters = {family.rstrip("0123456789") for family in families}
    if len(families) > 1 and len(letters) == 1:
        core = letters.pop()
    return f"{escape(core)}-type"


def quota_market(quota_name: str) -> str:
    """`spot` or `on-demand`: which of the two a quota counts."""
    return Market.SPOT.value if "spot" in quota_name.lower() else Market.ON_DEMAND.value


def vcpus_of(quota_name: str) -> str:
    """`P-type spot vCPUs`."""
    return f"{quota_family(quota_name)} {quota_market(quota_name)} vCPUs"


def quota_wall(facts: QuotaFacts, needed: int) -> str:
    """Your account may run 0 P-type spot vCPUs in us-east-1; this needs 8."""
    busy = facts.used + facts.in_flight
    used = f" and uses {busy} of them" if busy else ""
    where = escape(facts.region)
    return (
        f"Your account may run {facts.limit} {vcpus_of(facts.name)} in {where}{used}; "
        f"this needs {needed}."
    )


def asked_total(hold: Hold) -> str | None:
    """The number of vCPUs that the hold's buttons ask AWS for."""
    asks = (ChoiceKind.ASK_QUOTA, ChoiceKind.ASK_AND_LAUNCH)
    return next((escape(c.value) for c in hold.choices if c.kind in asks), None)


def access_steps(*, lacks_key: bool, lacks_address: bool) -> str:
    """The commands that put a key and an address in place, one a line."""
    lines = []
    if lacks_key:
        lines.append(f"• your public key: {KEY_STEP}")
    if lacks_address:
        lines.append(f"• the address you connect from: {ADDRESS_STEP}")
    return "\n".join(lines)


def happened(line: str) -> str:
    """A line of history for people: ids of people become mentions, codes become words."""
    said = escape(line)
    said = re.sub(r"^(\S+ (?:spot|on-demand)): (\S+)$", _tried, said)
    said = re.sub(r"^not started: (\S+)$", _not_started, said)
    said = re.sub(r"^to (stop|end): person \(by ", r"to \1 (by ", said)
    said = re.sub(r"^(?:ask-quota|ask-and-launch) (\d+)", r"asked AWS for \1", said)
    said = re.sub(r"^(?:market|type|region|count) (\S+)", r"changed to \1", said)
    said = re.sub(r"^(\S+ left out): (\S+)$", _left_out, said)
    said = re.sub(r"(?<=shared with )([A-Z0-9]+)", lambda found: user(found[1]), said)
    return re.sub(r"\(by ([A-Z0-9]+)\)", lambda found: f"(by {user(found[1])})", said)


def _tried(found: re.Match[str]) -> str:
    return f"{found[1]}: {refusal(found[2])}"


def _left_out(found: re.Match[str]) -> str:
    return f"{found[1]}: {meaning(found[2])}"


def _not_started(found: re.Match[str]) -> str:
    return f"not started: {meaning(found[1])}"
