"""The legal moves of a machine, and what is due at `now`.

Pure: `next_move` looks at one row and says the one thing to do next; the `…ed` functions are the
transitions and give the next row. `flows/step.py` carries moves out and writes with a condition,
so a lost race is simply another reading. Nothing here trusts who triggered the look.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from core.model import (
    ALIVE,
    UNBOUGHT,
    Attempt,
    Cause,
    ChoiceKind,
    Desire,
    Happening,
    Hold,
    Instance,
    Lease,
    Machine,
    Notice,
    NoticeKind,
    Place,
    Placement,
    Policy,
    QuotaRequest,
    Run,
    State,
    Tried,
    TypeFacts,
    Wish,
)
from core.plan import Proceed

LAUNCH_WITHIN = timedelta(minutes=15)  # an accepted launch is sent by then or never
HELD_FOR = timedelta(hours=24)  # a person may take this long to decide
WAIT_FOR_QUOTA = timedelta(days=7)
# The sender lives no longer than its Lambda (60 s); until then its answer may still be written.
SENDER_LIVES = timedelta(seconds=75)
# The sender's life, its socket timeouts, and five minutes for EC2 to apply and to show: after this
# an attempt that no read has found is known not to exist.
FENCE = SENDER_LIVES + timedelta(seconds=25) + timedelta(minutes=5)
MOST_SENDS = 3
RESEND_AFTER = timedelta(seconds=10)
POLL = timedelta(seconds=10)
CHECK = timedelta(minutes=10)  # how often a running machine is held against EC2
CHECK_STOPPED = timedelta(days=1)
RETRY_WORDS = timedelta(seconds=30)
RETRY_TAG = timedelta(seconds=30)
RETRY_TIDY = timedelta(minutes=1)
RETRY_LOOK = timedelta(minutes=1)
WARN_BEFORE = timedelta(minutes=15)
ABSENT_READS = 3
ABSENT_FOR = timedelta(minutes=10)
MOST_HISTORY = 60
MOST_STARTS = 3
START_ARRIVES = timedelta(minutes=5)  # a start that was sent shows by then, or never
MOST_HEARD = 10

_RUNNING_WORDS = frozenset({"pending", "running"})
_GONE_WORDS = frozenset({"shutting-down", "terminated"})


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Nothing to do before `until` (None: never again)."""

    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """Write this row; nothing has to be done outside for it."""

    to: Machine


@dataclass(frozen=True, kw_only=True)
class Look:
    """Read the instance from EC2."""


@dataclass(frozen=True, kw_only=True)
class Resolve:
    """Find by tag whether the open attempt bought a machine; `last` when the fence has passed."""

    last: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Gather the facts and decide where to launch, or why not."""


@dataclass(frozen=True, kw_only=True)
class AwaitQuota:
    """See whether AWS has decided on the quota request that this launch waits for."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """Prepare group and key, freeze the next attempt and record it, without sending."""

    placement: Placement


@dataclass(frozen=True, kw_only=True)
class Send:
    """Send the open attempt."""


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Every placement has refused: hold the launch and offer what else there is."""


@dataclass(frozen=True, kw_only=True)
class StartIt:
    """StartInstances."""


@dataclass(frozen=True, kw_only=True)
class StopIt:
    """StopInstances."""


@dataclass(frozen=True, kw_only=True)
class EndIt:
    """TerminateInstances."""


@dataclass(frozen=True, kw_only=True)
class Retag:
    """Move the deadline tag on the instance to where the lease is: the sweep reads only tags."""


@dataclass(frozen=True, kw_only=True)
class Tidy:
    """Delete the group and the key; `then` is the row once they are gone."""

    then: Machine


Move = (
    Rest
    | Change
    | Look
    | Resolve
    | Plan
    | AwaitQuota
    | Open
    | Send
    | GiveUp
    | StartIt
    | StopIt
    | EndIt
    | Retag
    | Tidy
)


def next_move(m: Machine, now: datetime, *, looked: bool) -> Move:
    """The one thing to do next. `looked`: the instance was read from EC2 a moment ago."""
    match m.state:
        case State.ENDED | State.FAILED:
            return Rest(until=due(m, now))
        case State.REQUESTED | State.HELD | State.WAITING:
            return _unbought(m, now)
        case State.LAUNCHING:
            return _attempt(m, now) if m.attempt else _launching(m, now)
        case State.PENDING | State.RUNNING | State.STARTING:
            return _alive(m, now, looked)
        case State.STOPPING:
            return _stopping(m, now, looked)
        case State.STOPPED:
            return _stopped(m, now, looked)
        case State.ENDING:
            return _ending(m, now, looked)
        case _:
            assert_never(m.state)


def due(m: Machine, now: datetime) -> datetime | None:
    """When somebody must look at the row again; None when nothing can happen to it any more."""
    natural = _natural_due(m, now)
    if natural is not None and natural <= now:
        # It was due and could not be done: not at once again, or one wake would breed the next.
        natural = now + POLL
    if not m.owed:
        return natural
    words = now + RETRY_WORDS
    return words if natural is None else min(words, natural)


def _natural_due(m: Machine, now: datetime) -> datetime | None:
    match m.state:
        case State.ENDED | State.FAILED:
            return None
        case State.HELD:
            stuck = m.prepared is not None or m.desire is not Desire.RUN
            return now + RETRY_TIDY if stuck else m.launch_by
        case State.WAITING:
            return min(m.launch_by, now + CHECK)
        case State.REQUESTED:
            return now + timedelta(minutes=1)
        case State.LAUNCHING:
            return _attempt_due(m, now)
        case State.PENDING | State.STARTING | State.STOPPING | State.ENDING:
            return now + POLL
        case State.RUNNING:
            return _running_due(m, now)
        case State.STOPPED:
            soon = m.desire is not Desire.STOP or _start_may_arrive(m, now)
            return now + (POLL if soon else CHECK_STOPPED)
        case _:
            assert_never(m.state)


def _attempt_due(m: Machine, now: datetime) -> datetime:
    attempt = m.attempt
    if attempt is None or attempt.last_send is None:
        return now + POLL
    if not attempt.unclear:
        return max(now, attempt.last_send + SENDER_LIVES)
    if attempt.sends < MOST_SENDS:
        return max(now, attempt.last_send + RESEND_AFTER * attempt.sends)
    return max(now + POLL, min(now + timedelta(minutes=1), attempt.last_send + FENCE))


def _running_due(m: Machine, now: datetime) -> datetime:
    times = [now + (CHECK if m.ready_at else POLL)]
    if m.unseen:
        times.append(now + RETRY_LOOK)
    if m.lease:
        times.append(m.lease.deadline)
        if not m.lease.warned:
            times.append(m.lease.warn_at)
        if m.tagged != m.lease.deadline:
            times.append(now + RETRY_TAG)
    return min(times)


def _unbought(m: Machine, now: datetime) -> Move:
    if m.desire is not Desire.RUN:
        return _failed_after_tidy(m, now, m.cause or Cause.PERSON, m.ended_by)
    if now >= m.launch_by:
        return _failed_after_tidy(m, now, Cause.EXPIRED, None)
    if m.state is State.REQUESTED:
        return Plan()
    if m.state is State.WAITING:
        return AwaitQuota()
    return _tidy(m, now, tidied(m)) if m.prepared else Rest(until=due(m, now))


def _failed_after_tidy(m: Machine, now: datetime, cause: Cause, by: str | None) -> Move:
    final = failed(m, now, cause, by)
    return _tidy(m, now, final) if m.prepared else Change(to=final)


def _tidy(m: Machine, now: datetime, then: Machine) -> Move:
    """Once nobody can be making what is to be deleted: a step may have set out and not said yet."""
    making = m.prepared_at is not None and m.group is None
    if making and m.prepared_at and now < m.prepared_at + SENDER_LIVES:
        return Rest(until=m.prepared_at + SENDER_LIVES)
    return Tidy(then=then)


def _launching(m: Machine, now: datetime) -> Move:
    if m.desire is not Desire.RUN:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if now >= m.launch_by or (m.wish.until and now >= m.wish.until):
        return Change(to=ending(m, now, Cause.EXPIRED, None))
    if not m.placements:
        return GiveUp()
    if m.prepared and m.prepared != m.placements[0].region:
        return Tidy(then=tidied(m))
    return Open(placement=m.placements[0])


def _attempt(m: Machine, now: datetime) -> Move:
    attempt = m.attempt
    assert attempt is not None
    wanted = m.desire is Desire.RUN and m.state is State.LAUNCHING and now < m.launch_by
    if attempt.last_send is None:
        return Send() if wanted else Change(to=replace(m, attempt=None))
    if not attempt.unclear and now < attempt.last_send + SENDER_LIVES:
        return Rest(until=due(m, now))  # its sender may still be writing the answer
    return Resolve(last=now >= attempt.last_send + FENCE)


def after_unfound(m: Machine, now: datetime) -> Move:
    """What follows when EC2 shows nothing of the open attempt before its fence has passed."""
    attempt = m.attempt
    assert attempt is not None
    assert attempt.last_send is not None
    wanted = m.desire is Desire.RUN and m.state is State.LAUNCHING and now < m.launch_by
    rested = now >= attempt.last_send + RESEND_AFTER * attempt.sends
    if wanted and attempt.sends < MOST_SENDS and rested:
        return Send()
    return Rest(until=due(m, now))


def _alive(m: Machine, now: datetime, looked: bool) -> Move:
    if not looked:
        return Look()
    if m.desire is Desire.GONE:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if m.desire is Desire.STOP:
        return Change(to=stopping(m, now))
    if m.lease and now >= m.lease.deadline:
        return Change(to=unwanted(m, now, Cause.DEADLINE, None))
    if m.state is State.STARTING and m.instance and m.instance.state in ("stopped", "stopping"):
        if m.instance.state == "stopping":
            return Rest(until=due(m, now))
        if m.starts >= MOST_STARTS:
            return Change(to=start_failed(m, now, "DidNotStayUp"))
        return StartIt()
    if m.state is State.RUNNING and m.lease and not m.lease.warned and now >= m.lease.warn_at:
        return Change(to=_warned(m, now))
    if m.lease and m.tagged != m.lease.deadline:
        return Retag()
    return Rest(until=due(m, now))


def _stopping(m: Machine, now: datetime, looked: bool) -> Move:
    if not looked:
        return Look()
    if m.desire is Desire.GONE:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if m.instance and m.instance.state in _RUNNING_WORDS:
        return StopIt()
    return Rest(until=due(m, now))


def _stopped(m: Machine, now: datetime, looked: bool) -> Move:
    if not looked:
        return Look()
    if m.desire is Desire.GONE:
        return Change(to=ending(m, now, m.cause or Cause.PERSON, m.ended_by))
    if m.desire is Desire.RUN:
        return Change(to=replace(m, state=State.STARTING, unseen=0))
    return Rest(until=due(m, now))


def _ending(m: Machine, now: datetime, looked: bool) -> Move:
    if m.attempt:
        return _attempt(m, now)
    if m.instance is None:
        return _tidy(m, now, ended(m, now))
    if not looked:
        return Look()
    if m.instance.state == "terminated":
        return Tidy(then=ended(m, now))
    if m.instance.state == "shutting-down":
        return Rest(until=due(m, now))
    return EndIt()


# ---- transitions ----------------------------------------------------------------------------


def told(m: Machine, now: datetime, what: str) -> Machine:
    """The row with one more line of history."""
    return replace(m, history=(*m.history, Happening(at=now, what=what))[-MOST_HISTORY:])


def heard(m: Machine, request: str) -> Machine:
    """The row that has carried out this request: a second delivery of it changes nothing."""
    return replace(m, heard=(*m.heard, request)[-MOST_HEARD:])


def owing(m: Machine, now: datetime, kind: NoticeKind, detail: str = "") -> Machine:
    """The row with one more message owed."""
    return replace(m, owed=(*m.owed, Notice(kind=kind, at=now, detail=detail)))


def paid(m: Machine, notice: Notice) -> Machine:
    """The row without that message, once Slack has it."""
    if notice not in m.owed:
        return m
    return replace(m, owed=tuple(n for n in m.owed if n != notice))


def claimed(m: Machine, notice: Notice, mine: Notice) -> Machine:
    """The row in which one owed message has changed hands."""
    if notice not in m.owed:
        return m
    return replace(m, owed=tuple(mine if n == notice else n for n in m.owed))


def carded(m: Machine, place: Place, digest: str) -> Machine:
    """The row that knows where its card stands and what it shows."""
    return replace(m, card=place, shown=digest)


def held(m: Machine, now: datetime, hold: Hold) -> Machine:
    """A launch that a person must decide about; `turn` makes every older button an old one."""
    m = replace(
        m,
        state=State.HELD,
        hold=hold,
        turn=m.turn + 1,
        waits_for=None,
        placements=(),
        launch_by=now + HELD_FOR,
    )
    more = f" ({hold.code})" if hold.code and hold.code != hold.kind else ""
    return told(m, now, f"held: {hold.kind}{more}")


def chosen(m: Machine, now: datetime, by: str | None, what: str, **wish: object) -> Machine:
    """A held launch that goes on with a changed wish (`market`, `instance_type` or `region`).

    `by` is the user who decided, None where AWS did.
    """
    m = replace(
        m,
        state=State.REQUESTED,
        turn=m.turn + 1,
        hold=None,
        waits_for=None,
        tried=(),
        wish=replace(m.wish, **wish),  # type: ignore[arg-type]  # keys are Wish's own
        launch_by=now + LAUNCH_WITHIN,
    )
    return told(m, now, f"{what} (by {by})" if by else what)


def waiting(m: Machine, now: datetime, request: QuotaRequest, by: str) -> Machine:
    """A launch that goes on when AWS has granted the quota."""
    assert m.hold is not None
    m = replace(
        m,
        state=State.WAITING,
        turn=m.turn + 1,
        hold=_with_total(m.hold, request.desired),
        waits_for=request.key,
        launch_by=now + WAIT_FOR_QUOTA,
    )
    return told(m, now, f"waits for the quota {request.key} (by {by})")


def asked(m: Machine, now: datetime, request: QuotaRequest, by: str) -> Machine:
    """A held launch whose quota request has been made, without waiting for it."""
    assert m.hold is not None
    hold = replace(_with_total(m.hold, request.desired), asked=request.key)
    m = replace(m, turn=m.turn + 1, hold=hold)
    return told(m, now, f"asked AWS for the quota {request.key} (by {by})")


def _with_total(hold: Hold, total: int) -> Hold:
    """What AWS has really been asked for: an open request of somebody else may be another one."""
    asks = (ChoiceKind.ASK_QUOTA, ChoiceKind.ASK_AND_LAUNCH)
    changed = (replace(c, value=str(total)) if c.kind in asks else c for c in hold.choices)
    return replace(hold, choices=tuple(changed))


def reheld(m: Machine, now: datetime, hold: Hold, what: str) -> Machine:
    """A held launch whose reason has been looked at again; older buttons are old ones."""
    return told(replace(m, turn=m.turn + 1, hold=hold), now, what)


def planned(m: Machine, now: datetime, facts: TypeFacts, go: Proceed) -> Machine:
    """A launch that knows where to try."""
    m = replace(
        m,
        state=State.LAUNCHING,
        hold=None,
        facts=facts,
        image=go.image,
        disk_gb=go.disk_gb,
        placements=go.placements,
    )
    return told(m, now, "planned: " + ", ".join(p.zone for p in go.placements))


def replanned(m: Machine) -> Machine:
    """Something has changed since the plan was made: look at everything again."""
    return replace(m, state=State.REQUESTED, placements=())


def refused(m: Machine, now: datetime, code: str, *, drop: frozenset[str] | None = None) -> Machine:
    """The open attempt was refused for certain: close it and strike its placement.

    `drop` strikes every placement in those regions too (a quota is the region's, not the zone's).
    """
    attempt = m.attempt
    assert attempt is not None
    at = attempt.placement
    rest = tuple(p for p in m.placements if p != at and not (drop and p.region in drop))
    m = replace(
        m,
        attempt=None,
        lease=None,
        placements=rest,
        tried=(*m.tried, Tried(zone=at.zone, market=at.market, code=code)),
    )
    return told(m, now, f"{at.zone} {at.market}: {code}")


def preparing(m: Machine, now: datetime, region: str) -> Machine:
    """Written before the group and the key are made: from here on there is something to tidy."""
    return replace(m, prepared=region, prepared_at=now)


def tidied(m: Machine) -> Machine:
    """Its group and its key are gone."""
    return replace(m, prepared=None, prepared_at=None, group=None)


def opened(m: Machine, attempt: Attempt, lease: Lease, group: str) -> Machine:
    """An attempt is frozen in the row; nothing has been sent."""
    return replace(
        m,
        attempts=attempt.number,
        attempt=attempt,
        lease=lease,
        group=group,
    )


def sending(m: Machine, now: datetime) -> Machine:
    """Written before each send: from here on EC2 may have the machine."""
    assert m.attempt is not None
    attempt = replace(m.attempt, sends=m.attempt.sends + 1, last_send=now, unclear=False)
    return replace(m, attempt=attempt)


def unclear(m: Machine) -> Machine:
    """The last send had no answer that says what EC2 did."""
    assert m.attempt is not None
    return replace(m, attempt=replace(m.attempt, unclear=True))


def adopted(m: Machine, now: datetime, instance: Instance) -> Machine:
    """EC2 has the machine: it gets its id even when nobody wants it any more, so as to be ended."""
    assert m.attempt is not None
    at = m.attempt.placement
    m = replace(
        m,
        state=State.ENDING if m.state is State.ENDING else State.PENDING,
        attempt=None,
        placements=(),
        placement=at,
        instance=instance,
        tagged=m.lease.deadline if m.lease else None,
        unseen=0,
        runs=(Run(started_at=instance.launched_at, ended_at=None, hourly=at.hourly),),
    )
    return told(m, now, f"launched in {at.zone} ({instance.id})")


def seen(m: Machine, now: datetime, instance: Instance | None) -> Machine:
    """The row after a good read of EC2: reality wins over what the row believed."""
    if instance is None:
        return _unseen(m, now)
    m = replace(m, instance=instance, unseen=0, unseen_since=None)
    match instance.state:
        case "pending" | "running":
            return _seen_up(m, now, instance)
        case "stopping" | "stopped":
            return _seen_stopped(m, now, instance)
        case "shutting-down" | "terminated":
            return _seen_gone(m, now, instance)
        case _:
            return m


def _unseen(m: Machine, now: datetime) -> Machine:
    since = m.unseen_since or now
    m = replace(m, unseen=m.unseen + 1, unseen_since=since)
    assert m.instance is not None
    if m.unseen < ABSENT_READS or now < since + ABSENT_FOR:
        return m
    gone = replace(m.instance, state="terminated", reason="NotFound")
    m = replace(m, instance=gone)
    return m if m.state is State.ENDING else ending(m, now, Cause.OUTSIDE, None)


def _seen_up(m: Machine, now: datetime, instance: Instance) -> Machine:
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        if _start_may_arrive(m, now):
            # A start of ours was on its way when somebody stopped it: the stop stands.
            return replace(m, state=State.STOPPING)
        m = told(replace(m, desire=Desire.RUN), now, "started outside the bot")
    if m.state in (State.STOPPED, State.STARTING) and instance.state == "running":
        m = _restarted(m, instance)
    if m.state is State.PENDING and instance.state == "running":
        m = told(replace(m, state=State.RUNNING), now, "running, waiting for SSH")
    if m.state is State.RUNNING and m.ready_at is None and instance.checks_ok:
        m = told(replace(m, ready_at=now), now, "ready")
        m = owing(m, now, NoticeKind.READY)
    return m


def _start_may_arrive(m: Machine, now: datetime) -> bool:
    return m.start_sent is not None and now < m.start_sent + START_ARRIVES


def starting(m: Machine, now: datetime) -> Machine:
    """Written before each StartInstances: from here on EC2 may start it, whatever is said since."""
    return replace(m, starts=m.starts + 1, start_sent=now)


def _restarted(m: Machine, instance: Instance) -> Machine:
    assert m.placement is not None
    run = Run(started_at=instance.launched_at, ended_at=None, hourly=m.placement.hourly)
    return replace(
        m,
        state=State.RUNNING,
        ready_at=None,
        cause=None,
        ended_by=None,
        runs=(*_closed(m.runs, None), run),
    )


def _seen_stopped(m: Machine, now: datetime, instance: Instance) -> Machine:
    if m.state in (State.STOPPED, State.STARTING, State.ENDING):
        return m
    if m.desire is Desire.RUN:
        m = replace(m, cause=Cause.OUTSIDE, ended_by=None, desire=Desire.STOP)
    m = replace(m, state=State.STOPPING, runs=_closed(m.runs, now))
    if instance.state == "stopping":
        return m
    if m.desire is Desire.GONE:
        return replace(m, state=State.STOPPED, ready_at=None)  # on its way to the end
    m = told(replace(m, state=State.STOPPED, ready_at=None), now, "stopped")
    return owing(m, now, NoticeKind.STOPPED)


def _seen_gone(m: Machine, now: datetime, instance: Instance) -> Machine:
    m = replace(m, runs=_closed(m.runs, now))
    if m.state is State.ENDING:
        return m
    spot = (instance.reason or "").startswith("Server.Spot")
    if m.desire is Desire.RUN or m.state is State.STOPPED:
        return ending(m, now, Cause.SPOT if spot else Cause.OUTSIDE, None)
    return ending(m, now, m.cause or Cause.PERSON, m.ended_by)


def _closed(runs: tuple[Run, ...], now: datetime | None) -> tuple[Run, ...]:
    """The same stretches with the last one ended; `None` ends it where it began."""
    if not runs or runs[-1].ended_at is not None:
        return runs
    last = runs[-1]
    return (*runs[:-1], replace(last, ended_at=now or last.started_at))


def unwanted(
    m: Machine, now: datetime, cause: Cause, by: str | None, *, end: bool = False
) -> Machine:
    """Nobody wants it to run any more: it stops, or ends where it cannot stop or `end` says so."""
    gone = end or not m.can_stop or m.state in UNBOUGHT or m.state is State.LAUNCHING
    if m.desire is Desire.GONE or (m.desire is Desire.STOP and not gone):
        return m
    desire = Desire.GONE if gone else Desire.STOP
    m = replace(m, desire=desire, cause=cause, ended_by=by, turn=m.turn + 1)
    return told(m, now, f"to {'end' if gone else 'stop'}: {cause}" + (f" (by {by})" if by else ""))


def stopping(m: Machine, now: datetime) -> Machine:
    """From here on no path keeps it running."""
    return replace(m, state=State.STOPPING, unseen=0)


def ending(m: Machine, now: datetime, cause: Cause, by: str | None) -> Machine:
    """From here on no path keeps it at all."""
    m = replace(m, state=State.ENDING, desire=Desire.GONE, cause=cause, ended_by=by, unseen=0)
    return told(m, now, f"ending: {cause}")


def ended(m: Machine, now: datetime) -> Machine:
    """Nothing of it is alive and nothing can come: the slot and the name are free."""
    if m.instance is None:
        return failed(m, now, m.cause or Cause.REFUSED, m.ended_by)
    m = replace(tidied(m), state=State.ENDED, runs=_closed(m.runs, now))
    m = told(m, now, "ended")
    # `due_at` stays until this has been told: whoever dies before that is followed by another.
    return owing(m, now, NoticeKind.ENDED)


def failed(m: Machine, now: datetime, cause: Cause, by: str | None) -> Machine:
    """A launch that came to nothing. Those who had waited long are told in a new message."""
    waited = m.state is State.WAITING or now > m.created_at + LAUNCH_WITHIN
    m = replace(tidied(m), state=State.FAILED, cause=cause, ended_by=by, lease=None)
    m = told(m, now, f"failed: {cause}")
    if waited and cause is not Cause.PERSON:
        m = owing(m, now, NoticeKind.FAILED)
    return m


def _warned(m: Machine, now: datetime) -> Machine:
    assert m.lease is not None
    m = replace(m, lease=replace(m.lease, warned=True))
    return owing(told(m, now, "warned"), now, NoticeKind.WARNING)


def interrupted(m: Machine, now: datetime) -> Machine:
    """EC2 gave notice that it takes a spot instance back; told once."""
    if m.state not in ALIVE or m.taken_at is not None:
        return m
    m = told(replace(m, taken_at=now), now, "EC2's two-minute notice")
    return owing(m, now, NoticeKind.INTERRUPTED)


def wants_start(m: Machine, now: datetime, lease: Lease, by: str) -> Machine:
    """A stopped machine that is to run again, with a lease of its own.

    The lease's version goes on counting, so that no button of an earlier run fits this one.
    """
    before = m.lease.version if m.lease else 0
    m = replace(m, desire=Desire.RUN, lease=replace(lease, version=before + 1), starts=0)
    return told(m, now, f"to start (by {by})")


def start_failed(m: Machine, now: datetime, code: str) -> Machine:
    """EC2 would not start it: it stays stopped and keeps its disk."""
    m = replace(m, state=State.STOPPED, desire=Desire.STOP)
    return owing(told(m, now, f"not started: {code}"), now, NoticeKind.START_FAILED, code)


# ---- leases ---------------------------------------------------------------------------------


def lease(length: timedelta, now: datetime, policy: Policy) -> Lease:
    """A lease that starts now. `hard`: the policy's longest, or the length where that is more."""
    return Lease(
        length=length,
        started_at=now,
        deadline=now + length,
        warn_at=now + length - _lead(length),
        hard=now + max(length, policy.longest_lease),
    )


def length_wanted(wish: Wish, now: datetime, policy: Policy) -> timedelta:
    """How long the machine is to run if it starts now; not above zero once `until` has passed."""
    if wish.until is not None:
        return wish.until - now
    return wish.length or policy.default_lease


def _lead(length: timedelta) -> timedelta:
    return min(WARN_BEFORE, length / 4)


@dataclass(frozen=True, kw_only=True)
class NotExtended:
    """Why a deadline does not move. `latest`: how far it may."""

    why: str
    latest: datetime | None = None


def latest_for_admins(m: Machine, longest: timedelta) -> datetime | None:
    """How far an admin may extend: `longest` after this run began, where that is later."""
    if m.lease is None or not m.runs:
        return None
    return max(m.lease.hard, m.runs[-1].started_at + longest)


def extended(
    m: Machine, now: datetime, to: datetime, by: str, latest: datetime | None = None
) -> Machine | NotExtended:
    """The machine with its deadline moved to `to` and its warning armed again.

    `latest`: how far this person may go, where that is not the lease's own `hard`.
    """
    if m.lease is None or m.desire is not Desire.RUN or m.state not in ALIVE:
        return NotExtended(why="not-running")
    if now >= m.lease.deadline:
        return NotExtended(why="too-late")
    latest = latest or m.lease.hard
    if to > latest:
        return NotExtended(why="beyond-longest", latest=latest)
    if to <= m.lease.deadline:
        return NotExtended(why="not-later", latest=latest)
    new = replace(
        m.lease,
        started_at=now,
        deadline=to,
        warn_at=to - _lead(to - now),
        version=m.lease.version + 1,
        warned=False,
    )
    return told(replace(m, lease=new), now, f"extended (by {by})")


def retagged(m: Machine) -> Machine:
    """The instance's tag now tells the lease's deadline."""
    return replace(m, tagged=m.lease.deadline if m.lease else None)


def extension(m: Machine) -> timedelta | None:
    """What the Extend button offers: two hours, no more than the lease was, never past `hard`."""
    if m.lease is None or m.taken_at is not None:
        return None
    step = min(timedelta(hours=2), m.lease.length, m.lease.hard - m.lease.deadline)
    return step if step > timedelta(0) else None


def next_decider(m: Machine) -> str:
    """What happened last, in the words of the history; old buttons answer with it."""
    return m.history[-1].what if m.history else "nothing yet"
