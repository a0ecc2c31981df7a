"""vCPU quotas: show them, ask AWS for more, follow the request up, let waiting launches go on."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from core import catalog, commands, messages, policy
from core import lifecycle as life
from core.faults import CloudError, Fault, FaultKind
from core.flows import permits
from core.flows.house import House, rewrite
from core.flows.limits import quota_facts, region_quotas
from core.flows.once import asked_once
from core.flows.request import Request
from core.flows.speak import answer, for_good_let_go, say
from core.model import (
    Hold,
    Machine,
    Market,
    QuotaChange,
    QuotaFacts,
    QuotaRequest,
    QuotaStatus,
    State,
    TypeFacts,
)
from core.ports import StaleRow
from core.quota import ask_for, short
from core.ways import ways_on
from core.words import retyped

SOON = timedelta(seconds=25)  # small requests are often granted within minutes
SOON_FOR = timedelta(minutes=15)
LATER = timedelta(minutes=15)  # a case takes days
UNSHOWN_FOR = timedelta(minutes=45)  # from the approval until the limit shows it, at most
REFUSED_FOR = timedelta(days=3)  # by then an admin has mended what forbids it, or nobody will


def show(house: House, request: Request, wanted: commands.Quota) -> None:
    """Limit, use and open requests in the allowed regions: of one type, or of every family."""
    denied = policy.may_use_region(wanted.region, house.policy) if wanted.region else None
    if denied:
        return answer(house, request.response_url, messages.denied(denied))
    regions = (wanted.region,) if wanted.region else house.policy.regions
    kind = _meant(house, wanted.instance_type, regions, request.text)
    if isinstance(kind, commands.UsageError):
        return answer(house, request.response_url, messages.usage(kind))
    once = asked_once(house)
    rows = tuple((region, _in_region(once, region, kind)) for region in regions)
    asked = tuple(r for r in house.ledger.quota_requests() if r.region in regions)
    return answer(house, request.response_url, messages.quotas(rows, asked, kind))


def _in_region(house: House, region: str, kind: TypeFacts | None) -> tuple[QuotaFacts, ...] | Fault:
    """A region that AWS does not answer for is shown as such; the others are no worse for it."""
    try:
        if kind is None:
            return region_quotas(house, region)
        return tuple(quota_facts(house, region, kind.name, market) for market in Market)
    except CloudError as error:
        return error.fault


def _meant(
    house: House, said: str | None, regions: tuple[str, ...], text: str
) -> TypeFacts | commands.UsageError | None:
    """The type of that name, else the smallest that has that GPU or that much memory."""
    if said is None:
        return None
    for region in regions:
        kind = house.cloud.type_facts(region, said)
        if kind is not None:
            return kind
    known = tuple(t for region in regions for t in house.cloud.gpu_types(region))
    return catalog.by_gpu(said, known) or _unknown(said, regions[0], known, text)


def raise_(house: House, request: Request, wanted: commands.QuotaRaise) -> None:
    """Ask AWS for enough vCPUs to launch `count` more of a type."""
    region = wanted.region or house.policy.region
    person = house.chat.person(request.user)
    denied = permits.may_launch(house, person, request.channel)
    denied = denied or policy.may_use_region(region, house.policy)
    if denied:
        return answer(house, request.response_url, messages.denied(denied))
    kind = _meant(house, wanted.instance_type, (region,), request.text)
    if isinstance(kind, commands.UsageError):
        return answer(house, request.response_url, messages.usage(kind))
    assert kind is not None
    market = wanted.market or Market.ON_DEMAND
    denied = policy.may_have(kind.name, market, region, house.policy)
    if denied:
        return answer(house, request.response_url, messages.denied(denied))
    facts = quota_facts(house, region, kind.name, market)
    needed = kind.vcpus * wanted.count
    if not short(facts, needed):
        return answer(house, request.response_url, messages.quota_enough(facts, needed))
    return _ask_and_say(house, request, facts, ask_for(facts, needed))


def _unknown(
    said: str, region: str, known: tuple[TypeFacts, ...], text: str
) -> commands.UsageError:
    near = catalog.closest_name(said, tuple(t.name for t in known))
    return commands.UsageError(
        what=f"EC2 does not know {said} in {region}. Nothing was asked of AWS.",
        nearest=retyped(text, said, near) if near else None,
        topic="quota",
    )


def _ask_and_say(house: House, request: Request, facts: QuotaFacts, total: int) -> None:
    known = house.ledger.quota_request(f"{facts.region}/{facts.code}")
    if known is not None and known.status.is_open:
        return answer(house, request.response_url, messages.quota_already(known))
    asking = messages.quota_asking(facts, total, request.user)
    place = say(house, request.channel, request.user, asking)
    try:
        asked = ask(house, facts, total, request.user, place.channel, place.ts)
    except CloudError as error:
        house.chat.update(place, messages.quota_not_asked(facts, error.fault))
        raise
    return house.chat.update(place, messages.quota_asked(asked))


def ask(
    house: House, facts: QuotaFacts, total: int, by: str, channel: str, thread: str | None
) -> QuotaRequest:
    """Ask AWS for `total` vCPUs, or take over the request that is open, whoever made it; the clock
    follows it up. AWS keeps one open request for a quota."""
    key = f"{facts.region}/{facts.code}"
    known = house.ledger.quota_request(key)
    if known is not None and known.status.is_open:
        return known
    outside = house.quotas.open_change(facts.region, facts.code)
    change = outside or house.quotas.raise_to(facts.region, facts.code, total)
    now = house.clock()
    asked = QuotaRequest(
        region=facts.region,
        code=facts.code,
        name=facts.name,
        before=facts.limit,
        desired=change.desired,
        change_id=change.id,
        status=change.status,
        case_id=change.case_id,
        # The same total is ours, from a delivery that died before it was written down.
        outside=outside is not None and outside.desired != total,
        asked_by=by,
        asked_at=now,
        channel=channel,
        thread=thread,
        due_at=now + SOON,
    )
    house.wakes.wake(f"due/quota/{key}", SOON)
    try:
        return house.ledger.save_quota_request(asked, known)
    except StaleRow:
        # Two people asked at once: AWS keeps one open request, and so does the table.
        return house.ledger.quota_request(key) or asked


def follow(house: House, key: str) -> None:
    """See what AWS decided; tell it once; let the launches that wait for it go on."""
    request = house.ledger.quota_request(key)
    if request is None or request.told or request.due_at is None:
        return
    if request.due_at > house.clock() + timedelta(seconds=1):
        return  # another wake has looked since, or whoever wrote the decision is about to tell it
    try:
        _follow(house, request)
    except StaleRow:
        return  # somebody else follows it at this moment


def _follow(house: House, request: QuotaRequest) -> None:
    if request.status.is_open:
        request = _asked_aws(house, request)
        if request.status.is_open:
            return
    for m in _waiting(house, request.key):
        house.wakes.wake(f"machine/{m.id}")
    _refresh_held(house, request)
    _tell(house, request)


def _refresh_held(house: House, request: QuotaRequest) -> None:
    """Launches that asked and did not wait: their cards show what can be done now."""
    for m in house.ledger.live():
        if m.hold is None or m.hold.asked != request.key or m.state is not State.HELD:
            continue
        try:
            facts = held_for(house, m, m.hold)
        except CloudError:
            continue  # the card stays as it is; its buttons ask again before they act
        what = f"AWS decided on {request.name}: {request.status}"
        rewrite(house, m.id, partial(_if_asked, request.key, facts, house.clock(), what))
        house.wakes.wake(f"machine/{m.id}")


def held_for(house: House, m: Machine, hold: Hold) -> QuotaFacts:
    """Today's numbers of the quota that holds a launch."""
    return quota_facts(
        house,
        hold.region or m.wish.region,
        hold.instance_type or m.wish.instance_type,
        hold.market or m.wish.market,
    )


def _if_asked(key: str, facts: QuotaFacts, now: datetime, what: str, m: Machine) -> Machine:
    still = m.state is State.HELD and m.hold is not None and m.hold.asked == key
    return looked_at_again(m, facts, now, what) if still else m


def looked_at_again(m: Machine, facts: QuotaFacts, now: datetime, what: str) -> Machine:
    """A launch held for its quota, with today's numbers and the ways on that they leave."""
    assert m.hold is not None
    hold = replace(m.hold, quota=facts, asked=None)
    return life.reheld(m, now, replace(hold, choices=ways_on(hold, (), m.wish)), what)


def _asked_aws(house: House, request: QuotaRequest) -> QuotaRequest:
    now, change = house.clock(), None
    try:
        change = house.quotas.change(request.region, request.change_id)
        granted = None
        if not change.status.is_open:
            # The status does not say how much was granted: the applied limit does.
            _, _, granted = house.quotas.limit(request.region, request.name, request.code)
    except CloudError as error:
        return _not_told(house, request, change, error.fault)
    new = replace(
        request,
        status=change.status,
        case_id=change.case_id,
        granted=granted,
        refused_since=None,
    )
    if change.status.is_open:
        return _later(house, new, now, seen=request)
    if _will_show(new, now):
        since = request.approved_at or now
        waits = replace(new, status=request.status, granted=None, approved_at=since)
        return _later(house, waits, now, seen=request)
    return _decided(house, new, request)


def _will_show(new: QuotaRequest, now: datetime) -> bool:
    """Whether it is approved and not there yet. Until it is, the request stays open: a launch that
    went on now would be held by the old limit, and AWS asked a second time."""
    if new.status is not QuotaStatus.APPROVED or not new.is_unshown:
        return False
    return now < (new.approved_at or now) + UNSHOWN_FOR


def _not_told(
    house: House, request: QuotaRequest, change: QuotaChange | None, fault: Fault
) -> QuotaRequest:
    """A no is asked about again, too; after some days what is known by then is all there is."""
    now = house.clock()
    if fault.kind in (FaultKind.UNKNOWN, FaultKind.THROTTLED):
        return _later(house, request, now)
    since = request.refused_since or now
    if now < since + REFUSED_FOR:
        return _later(house, replace(request, refused_since=since), now, seen=request)
    status = change.status if change else QuotaStatus.UNKNOWN
    return _decided(house, replace(request, status=status), request)


def _decided(house: House, new: QuotaRequest, seen: QuotaRequest) -> QuotaRequest:
    # Whoever writes the decision tells it; another one only once that function cannot live longer.
    due_at = house.clock() + life.SENDER_LIVES
    return house.ledger.save_quota_request(replace(new, due_at=due_at), seen)


def _later(
    house: House, request: QuotaRequest, now: datetime, *, seen: QuotaRequest | None = None
) -> QuotaRequest:
    since = request.approved_at or request.asked_at
    soon = now < since + SOON_FOR and request.refused_since is None
    pause = SOON if soon else LATER
    later = replace(request, due_at=now + pause)
    later = house.ledger.save_quota_request(later, seen or request)
    house.wakes.wake(f"due/quota/{request.key}", pause)
    return later


def _waiting(house: House, key: str) -> tuple[Machine, ...]:
    return tuple(m for m in house.ledger.live() if m.waits_for == key)


def _tell(house: House, request: QuotaRequest) -> None:
    message = messages.quota_outcome(request, _waiting(house, request.key))
    with for_good_let_go():
        say(house, request.channel, request.asked_by, message, request.thread)
    house.ledger.save_quota_request(replace(request, told=True, due_at=None), request)


def resume(house: House, m: Machine) -> Machine:
    """A waiting launch goes on once AWS has decided, for or against: the plan looks again."""
    request = house.ledger.quota_request(m.waits_for or "")
    if request is None or request.status.is_open:
        return m
    what = f"AWS decided on {request.name}: {request.status}"
    return house.ledger.save(life.chosen(m, house.clock(), None, what), m)
