"""From a wish to an instance: held, planned, prepared, sent, adopted."""

from dataclasses import replace
from datetime import datetime

from core.lifecycle.record import told
from core.lifecycle.terms import (
    FIRST_RETRY,
    HELD_FOR,
    KEEP_TRYING_FOR,
    LAUNCH_WITHIN,
    LONGEST_RETRY,
    WAIT_FOR_QUOTA,
)
from core.model import (
    Attempt,
    ChoiceKind,
    Hold,
    Instance,
    Lease,
    Machine,
    QuotaRequest,
    Run,
    State,
    Tried,
    TypeFacts,
)
from core.plan import Proceed


def held(m: Machine, now: datetime, hold: Hold) -> Machine:
    """A launch that a person must decide about; `turn` makes every older button an old one."""
    m = replace(
        m,
        state=State.HELD,
        hold=hold,
        turn=m.turn + 1,
        waits_for=None,
        keep_until=None,
        retry_at=None,
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
        keep_until=None,
        retry_at=None,
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


def keeps_trying(m: Machine, now: datetime, by: str) -> Machine:
    """A launch without capacity that tries again and again, the first time at once."""
    until = m.wish.until or now + KEEP_TRYING_FOR
    m = replace(
        m,
        state=State.WAITING,
        turn=m.turn + 1,
        hold=None,
        keep_until=until,
        retry_at=now,
        tries=0,
        launch_by=until,
    )
    return told(m, now, f"keeps trying (by {by})")


def resting(m: Machine, now: datetime) -> Machine:
    """Every zone has refused once more: the next try comes after a longer pause."""
    pause = min(FIRST_RETRY * 2**m.tries, LONGEST_RETRY)
    m = replace(m, state=State.WAITING, placements=(), retry_at=now + pause, tries=m.tries + 1)
    return told(m, now, "no capacity yet")


def trying_again(m: Machine) -> Machine:
    """The pause is over: everything is looked at afresh, for prices and quotas change."""
    return replace(m, state=State.REQUESTED, retry_at=None, tried=(), placements=())


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
