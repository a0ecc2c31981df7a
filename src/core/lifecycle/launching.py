"""From a wish to an instance: held, planned, prepared, sent, adopted."""

from dataclasses import replace
from datetime import datetime

from core.faults import FaultKind, kind_of
from core.lifecycle import groups
from core.lifecycle.ends import start_failed
from core.lifecycle.record import closed, told
from core.lifecycle.recovery import resumes_lease
from core.lifecycle.terms import (
    FIRST_RETRY,
    HELD_FOR,
    KEEP_TRYING_FOR,
    LAUNCH_WITHIN,
    WAIT_FOR_IMAGE,
    WAIT_FOR_QUOTA,
    pause,
)
from core.model import (
    Attempt,
    ChoiceKind,
    Grant,
    Hold,
    Instance,
    Lease,
    Machine,
    Placement,
    QuotaRequest,
    Run,
    State,
    Tried,
    Wish,
)
from core.plan import Proceed
from core.saved_images import Coming
from core.times import SHORTEST

_NO_CAPACITY = "no capacity yet"
_APPROVAL = "approval/"
# What stays true from one round of tries to the next.
_LASTING = frozenset({FaultKind.NOT_OFFERED})
# What the same call would meet again: never two calls for one placement in a round.
_STRUCK = frozenset({FaultKind.CAPACITY, FaultKind.SPOT_PRICE, *_LASTING})


def kept_until(wish: Wish, now: datetime) -> datetime | None:
    """Until when a launch without capacity is tried again unasked; None: it is not, or no more."""
    if wish.keep_until is None:
        return None
    ends = wish.keep_until if wish.until is None else min(wish.keep_until, wish.until - SHORTEST)
    return ends if ends > now else None


def latest(wish: Wish, now: datetime) -> datetime:
    """When a launch that is accepted now is given up: nobody is surprised by a machine later."""
    return _at_most(wish, kept_until(wish, now) or now + LAUNCH_WITHIN)


def _at_most(wish: Wish, ends: datetime) -> datetime:
    """How long a launch waits: no longer than what was asked for may run."""
    return min(ends, wish.until) if wish.until else ends


def held(m: Machine, now: datetime, hold: Hold) -> Machine:
    """A launch that a person must decide about; `turn` makes every older button an old one.

    One that was a start from a kept disk is stopped again, and keeps it. One that was wanted until
    a time that has passed is given up at the next look: nothing could come of any button.
    """
    if m.kept is not None:
        return start_failed(m, now, hold.code, hold)
    if m.members:
        return groups.given_up(told(m, now, f"no more: {hold.code or hold.kind}"))
    m = replace(
        m,
        state=State.HELD,
        hold=hold,
        turn=m.turn + 1,
        waits_for=None,
        keep_until=None,
        retry_at=None,
        placements=(),
        launch_by=_at_most(m.wish, now + HELD_FOR),
    )
    more = f" ({hold.code})" if hold.code and hold.code != hold.kind else ""
    return told(m, now, f"held: {hold.kind}{more}")


def chosen(
    m: Machine, now: datetime, by: str | None, what: str, wish: Wish | None = None
) -> Machine:
    """A held launch that goes on, with another wish where there is one.

    `by` is the user who decided, None where AWS did.
    """
    wanted = wish or m.wish
    m = replace(
        m,
        state=State.REQUESTED,
        turn=m.turn + 1,
        hold=None,
        waits_for=None,
        keep_until=kept_until(wanted, now),
        retry_at=None,
        tries=0,
        tried=(),
        wish=wanted,
        launch_by=latest(wanted, now),
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
        launch_by=_at_most(m.wish, now + WAIT_FOR_QUOTA),
    )
    return told(m, now, f"waits for the quota {request.key} (by {by})")


def awaiting_image(m: Machine, now: datetime, key: str, coming: Coming) -> Machine:
    """A launch that goes on when its saved image, the row `key`, is there in the region."""
    m = replace(
        m,
        state=State.WAITING,
        turn=m.turn + 1,
        hold=None,
        waits_for=key,
        waits_in=coming.region,
        placements=(),
        retry_at=None,
        disk_gb=coming.gb,
        launch_by=_at_most(m.wish, now + WAIT_FOR_IMAGE),
    )
    what = "copied" if coming.copied else "made"
    return told(m, now, f"waits for the image {coming.name} to be {what} in {coming.region}")


def awaits_image(m: Machine) -> bool:
    """Whether it is a saved image that this launch waits for, and not AWS's decision."""
    return (m.waits_for or "").startswith("saved-image/")


def awaiting_approval(m: Machine, now: datetime, key: str, until: datetime, by: str) -> Machine:
    """A held launch that goes on when an approver says yes; `key` is the question's."""
    m = replace(
        m,
        state=State.WAITING,
        turn=m.turn + 1,
        waits_for=f"{_APPROVAL}{key}",
        launch_by=until,
    )
    return told(m, now, f"asked for approval (by {by})")


def awaits_approval(m: Machine) -> bool:
    """Whether it is an approver that this launch waits for."""
    return (m.waits_for or "").startswith(_APPROVAL)


def approval_of(m: Machine) -> str:
    """The key of the question that it waits for."""
    return (m.waits_for or "").removeprefix(_APPROVAL)


def granted(m: Machine, now: datetime, grant: Grant) -> Machine:
    """An approver has said yes: it is planned again, on fresh facts."""
    return chosen(replace(m, grant=grant), now, grant.by, "approved")


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


def resting(m: Machine, now: datetime, hold: Hold | None = None) -> Machine:
    """It could not be had this time either: the next try comes after a longer pause.

    `hold` is what stands in the way where it is not capacity, and may be gone by then. The history
    keeps one line for all the tries.
    """
    if m.history and m.history[-1].what.startswith(_NO_CAPACITY):
        m = replace(m, history=m.history[:-1])
    tries = m.tries + 1
    m = replace(
        m,
        state=State.WAITING,
        hold=hold,
        placements=(),
        retry_at=_next_try(m, now),
        tries=tries,
        launch_by=m.keep_until or m.launch_by,
    )
    return told(m, now, _NO_CAPACITY if tries == 1 else f"{_NO_CAPACITY}, {tries} tries")


def _next_try(m: Machine, now: datetime) -> datetime:
    """After a pause that grows; and once more shortly before the end."""
    following = now + pause(m.tries)
    last = (m.keep_until or m.launch_by) - FIRST_RETRY
    return last if now < last < following else following


def trying_again(m: Machine) -> Machine:
    """The pause is over: everything is looked at afresh, for prices and quotas change."""
    lasting = tuple(t for t in m.tried if kind_of(t.code) in _LASTING)
    return replace(m, state=State.REQUESTED, retry_at=None, hold=None, tried=lasting, placements=())


def tries_quietly(m: Machine) -> bool:
    """Whether it is being tried again: its message changes once a round, not with every zone."""
    unbought = m.state in (State.REQUESTED, State.WAITING, State.LAUNCHING)
    return unbought and m.keep_until is not None and m.tries > 0


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


def planned(m: Machine, now: datetime, go: Proceed) -> Machine:
    """A launch that knows where to try: everywhere but where it has been refused in this round."""
    refused = {(t.instance_type, t.market, t.zone) for t in m.tried if kind_of(t.code) in _STRUCK}
    placements = tuple(
        p for p in go.placements if (p.instance_type, p.market, p.zone) not in refused
    )
    m = replace(
        m,
        state=State.LAUNCHING,
        hold=None,
        options=go.options,
        placements=placements,
    )
    if placements:
        m = fitted(m, placements[0])
    if tries_quietly(m):
        return m
    for region, code in go.unread:
        m = told(m, now, f"{region} left out: {code}")
    return told(m, now, "planned: " + ", ".join(dict.fromkeys(p.zone for p in placements)))


def fitted(m: Machine, at: Placement) -> Machine:
    """The row with what would be launched there: type, image and disk."""
    here = at.region, at.instance_type
    option = next((o for o in m.options if (o.region, o.type.name) == here), None)
    if option is None:
        return m
    return replace(m, facts=option.type, image=option.image, disk_gb=option.disk_gb)


def replanned(m: Machine) -> Machine:
    """Something has changed since the plan was made: look at everything again."""
    if m.members:
        return groups.given_up(m)
    before = State.REQUESTED if m.kept is None else State.STOPPED
    return replace(m, state=before, placements=())


def refused(
    m: Machine, now: datetime, code: str, rest: tuple[Placement, ...] | None = None
) -> Machine:
    """The open attempt was refused for certain: close it and strike its placement.

    `rest` is what may still be tried; None: everything but this placement.
    """
    attempt = m.attempt
    assert attempt is not None
    at = attempt.placement
    if rest is None:
        rest = tuple(p for p in m.placements if p != at)
    tried = Tried(zone=at.zone, market=at.market, code=code, instance_type=at.instance_type)
    m = replace(
        m,
        attempt=None,
        lease=m.lease if m.kept or m.members else None,
        placements=rest,
        tried=(*m.tried, tried),
    )
    return m if tries_quietly(m) else told(m, now, f"{at.zone} {at.market}: {code}")


def preparing(m: Machine, now: datetime, region: str) -> Machine:
    """Written before the group and the key are made: from here on there is something to tidy."""
    return replace(m, prepared=region, prepared_at=now)


def opened(m: Machine, attempt: Attempt, lease: Lease, group: str) -> Machine:
    """An attempt is frozen in the row; nothing has been sent."""
    before = m.lease.version if m.lease else 0
    return replace(
        m,
        attempts=attempt.number,
        attempt=attempt,
        lease=m.lease if resumes_lease(m) else replace(lease, version=before + 1),
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


def unsent(m: Machine) -> Machine:
    """The only send has certainly done nothing, and is to go out again: it does not count."""
    assert m.attempt is not None
    return replace(m, attempt=replace(m.attempt, sends=0))


def adopted(m: Machine, now: datetime, found: tuple[Instance, ...]) -> Machine:
    """EC2 has the machine: it gets its id even when nobody wants it any more, so as to be ended.

    One attempt has one token, hence one machine; a living one before one that is gone.
    """
    assert m.attempt is not None
    if m.is_group:
        return groups.grown(m, now, found)
    instance = sorted(found, key=lambda one: one.state in groups.GONE)[0]
    at = m.attempt.placement
    run = Run(started_at=instance.launched_at, ended_at=None, hourly=at.hourly)
    m = replace(
        m,
        state=State.ENDING if m.state is State.ENDING else State.PENDING,
        attempt=None,
        placements=(),
        placement=at,
        instance=instance,
        tagged=m.lease.deadline if m.lease else None,
        unseen=0,
        runs=(*closed(m.runs, now), run),
    )
    return told(m, now, f"launched in {at.zone} ({instance.id})")
