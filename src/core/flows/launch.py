"""Opens a launch: who may, for how long, under which name; then the step takes it on."""

import hashlib
from dataclasses import replace
from datetime import datetime

from core import commands, messages, names, policy
from core import lifecycle as life
from core.blocks import Message
from core.flows import data, images, permits
from core.flows.house import House
from core.flows.meant import types_meant
from core.flows.request import Request
from core.flows.speak import answer
from core.flows.step import step
from core.model import DataVolume, Desire, ImageState, Machine, Market, Person, State, Wish
from core.policy import Denied
from core.ports import Accepted, NameTaken

MOST_NAMES = 14


def launch(house: House, request: Request, wanted: commands.Launch) -> None:
    """Accept and carry on; refusals are answered to the caller alone, and nothing is written."""
    person = house.chat.person(request.user)
    denied = permits.may_launch(house, person, request.channel)
    wish = denied or _wish(house, request, wanted, person)
    if isinstance(wish, Denied):
        return _refused(house, request, wish)
    types = _types(house, wanted, wish, request.text)
    if isinstance(types, commands.UsageError):
        return answer(house, request.response_url, messages.usage(types))
    wish = replace(wish, instance_type=types[0], or_types=types[1:])
    id = names.machine_id(request.id)
    taken = data.claim(house, wish, request.user, id, request.text)
    accepted = messages.usage(taken) if taken else _open(house, request, wish)
    if isinstance(accepted, Message):
        data.unclaim(house, wish, request.user, id)
        return answer(house, request.response_url, accepted)
    if accepted.machine.id != id:
        data.unclaim(house, wish, request.user, id)
        return answer(house, request.response_url, messages.twin(accepted.machine))
    step(house, accepted.machine.id)
    return _say_where(house, request, accepted.machine.id)


def _refused(house: House, request: Request, denied: Denied) -> None:
    """A launch that has been accepted is not refused when its words come once more, and its time
    has passed by then: what its first delivery has not done is done when its row is due."""
    if house.ledger.machine(names.machine_id(request.id)) is None:
        answer(house, request.response_url, messages.denied(denied))


def _wish(house: House, request: Request, wanted: commands.Launch, person: Person) -> Wish | Denied:
    """What was asked for. A time of day is meant as it was typed, however late that is heard."""
    now = house.clock()
    typed = request.at or now
    until = commands.resolve(wanted.until, typed, person.tz) if wanted.until else None
    keep_until = _keep_until(wanted, until, typed, person.tz)
    regions = _regions(house, wanted, person)
    denied = [policy.may_use_region(region, house.policy) for region in regions]
    if wanted.data_gb is not None:
        denied.append(policy.may_be_so_large(wanted.data_gb, house.policy))
    if wanted.keep_until and keep_until is not None and keep_until <= now:
        denied.append(policy.PASSED)
    limit = policy.lease_for(wanted.length, until, person.id, house.policy, now)
    refusal = next(filter(None, denied), limit)
    if isinstance(refusal, Denied):
        return refusal
    market = wanted.market or _usual_market(house)
    recover = wanted.recover or _recovers(house, market, wanted.count)
    return Wish(
        instance_type=wanted.instance_type,
        market=market,
        region=regions[0],
        or_on_demand=wanted.or_on_demand,
        or_regions=regions[1:],
        anywhere=not wanted.region and regions == house.policy.regions,
        count=wanted.count,
        length=limit if until is None and not isinstance(limit, Denied) else None,
        until=until,
        keep_until=keep_until,
        image=wanted.image or "base",
        disk_gb=wanted.disk_gb,
        disk_type=wanted.disk_type or "gp3",
        iops=wanted.iops,
        throughput=wanted.throughput,
        data=wanted.data,
        data_gb=wanted.data_gb,
        keep=wanted.keep or recover,
        recover=recover,
        idle=wanted.idle,
        project=wanted.project or "",
        why=wanted.why or "",
        name=wanted.name,
    )


def _recovers(house: House, market: Market, count: int) -> bool:
    """What counts when nobody says: spot whose disk can be kept, which a group's cannot."""
    return house.policy.recover and market is Market.SPOT and count == 1


def _usual_market(house: House) -> Market:
    """On-demand when nobody says, unless only spot is allowed."""
    allowed = house.policy.markets
    return Market.ON_DEMAND if Market.ON_DEMAND in allowed else Market.SPOT


def _regions(house: House, wanted: commands.Launch, person: Person) -> tuple[str, ...]:
    """Those that were said; else where what comes along is already, else every allowed one."""
    if wanted.region:
        return tuple(dict.fromkeys((wanted.region, *wanted.or_regions)))
    allowed = house.policy.regions
    data = house.ledger.row(DataVolume, f"{person.id}.{wanted.data}") if wanted.data else None
    if data is not None and data.region in allowed:
        return (data.region,)
    saved = images.find_saved(house, wanted.image) if wanted.image else None
    there = {c.region for c in saved.copies if c.state is ImageState.AVAILABLE} if saved else set()
    return tuple(region for region in allowed if region in there) or allowed


def _keep_until(
    wanted: commands.Launch, until: datetime | None, typed: datetime, tz: str
) -> datetime | None:
    if not wanted.keep_trying:
        return None
    if wanted.keep_until:
        return commands.resolve(wanted.keep_until, typed, tz)
    return until or typed + (wanted.keep_for or life.KEEP_TRYING_FOR)


def _types(
    house: House, wanted: commands.Launch, wish: Wish, text: str
) -> tuple[str, ...] | commands.UsageError:
    """Which types are meant, or the word that means nothing here; an image's name comes first."""
    unknown = images.unknown(house, wish.image, text)
    return unknown or types_meant(house, wanted, wish, text)


def _open(house: House, request: Request, wish: Wish) -> Accepted | Message:
    m = _machine(house, request, wish)
    # As it was typed: a second delivery of the same words may come minutes later.
    typed = m.asked_at or m.created_at
    for attempt in range(MOST_NAMES):
        name = wish.name or names.suggestion(m.id, attempt)
        try:
            return house.ledger.open(
                replace(m, name=name), request=request.id, twin=_twin(request), now=typed
            )
        except NameTaken:
            if wish.name:
                return messages.name_taken(wish.name, house.ledger.named(wish.name))
    raise NameTaken(m.id)


def _twin(request: Request) -> str:
    """The same person, place and words within seconds is one wish, typed twice."""
    words = " ".join(sorted(request.text.lower().split()))
    return hashlib.sha256(f"{request.user}\n{request.channel}\n{words}".encode()).hexdigest()[:32]


def _machine(house: House, request: Request, wish: Wish) -> Machine:
    now = house.clock()
    m = Machine(
        id=names.machine_id(request.id),
        version=0,
        name="",
        owner=request.user,
        channel=request.channel,
        wish=wish,
        state=State.REQUESTED,
        desire=Desire.RUN,
        created_at=now,
        asked_at=request.at,
        launch_by=life.latest(wish, now),
        keep_until=life.kept_until(wish, now),
        data=data.key_of(request.user, wish),
        due_at=None,
    )
    return replace(life.told(m, now, "asked for"), due_at=life.due(m, now))


def _say_where(house: House, request: Request, id: str) -> None:
    """Where the bot may not write, the launch is shown in direct messages: say so here."""
    m = house.ledger.machine(id)
    if m is not None and m.card is not None and m.card.channel != request.channel:
        answer(house, request.response_url, messages.here_is_where(m.card))
