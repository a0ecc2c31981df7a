"""Opens a launch: who may, for how long, under which name; then the step takes it on."""

import hashlib
from dataclasses import replace
from datetime import datetime

from core import catalog, commands, messages, names, policy
from core import lifecycle as life
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer
from core.flows.step import step
from core.model import Desire, Machine, Market, Person, State, Wish
from core.policy import Denied
from core.ports import Accepted, NameTaken
from core.words import retyped

MOST_NAMES = 14


def launch(house: House, request: Request, wanted: commands.Launch) -> None:
    """Accept and carry on; refusals are answered to the caller alone, and nothing is written."""
    person = house.chat.person(request.user)
    denied = policy.may_launch(person, request.channel, house.policy)
    wish = denied or _wish(house, wanted, person)
    if isinstance(wish, Denied):
        return answer(house, request.response_url, messages.denied(wish))
    kind = _type(house, wish, request.text)
    if isinstance(kind, commands.UsageError):
        return answer(house, request.response_url, messages.usage(kind))
    accepted = _open(house, request, replace(wish, instance_type=kind))
    if isinstance(accepted, commands.UsageError):
        return answer(house, request.response_url, messages.usage(accepted))
    if accepted.machine.id != names.machine_id(request.id):
        return answer(house, request.response_url, messages.twin(accepted.machine))
    step(house, accepted.machine.id)
    return _say_where(house, request, accepted.machine.id)


def _wish(house: House, wanted: commands.Launch, person: Person) -> Wish | Denied:
    now = house.clock()
    until = commands.resolve(wanted.until, now, person.tz) if wanted.until else None
    region = wanted.region or house.policy.region
    bad_region = policy.may_use_region(region, house.policy)
    if bad_region:
        return bad_region
    limit = policy.lease_for(wanted.length, until, person.id, house.policy, now)
    if isinstance(limit, Denied):
        return limit
    return Wish(
        instance_type=wanted.instance_type,
        market=wanted.market or Market.ON_DEMAND,
        region=region,
        length=limit if until is None else None,
        until=until,
        image=wanted.image or "base",
        disk_gb=wanted.disk_gb,
        name=wanted.name,
    )


def _type(house: House, wish: Wish, text: str) -> str | commands.UsageError:
    """The type that was meant: by name, or the smallest with that GPU or that much GPU memory.

    A type that AWS has retired, or sells in another region only, is kept as it was said: the plan
    then offers what comes nearest. A name that no region knows is a slip, and nothing is started.
    """
    said = wish.instance_type
    regions = dict.fromkeys((wish.region, *house.policy.regions))
    if any(house.cloud.type_facts(region, said) for region in regions):
        return said
    living = house.cloud.gpu_types(wish.region)
    fitting = catalog.by_gpu(said, tuple(t for t in living if wish.market in t.markets))
    if fitting is not None:
        return fitting.name
    if catalog.retired(said):
        return said
    near = catalog.closest_name(said, tuple(t.name for t in living))
    return commands.UsageError(
        what=f"EC2 has no GPU type called {said} in {wish.region}. Nothing was started.",
        nearest=retyped(text, said, near) if near else None,
        topic="launch",
    )


def _open(house: House, request: Request, wish: Wish) -> Accepted | commands.UsageError:
    m = _machine(house, request, wish)
    for attempt in range(MOST_NAMES):
        name = wish.name or names.suggestion(m.id, attempt)
        try:
            return house.ledger.open(
                replace(m, name=name), request=request.id, twin=_twin(request), now=m.created_at
            )
        except NameTaken:
            if wish.name:
                return _taken(house, wish.name)
    raise NameTaken(m.id)


def _taken(house: House, name: str) -> commands.UsageError:
    holder = house.ledger.named(name)
    whose = f" (<@{holder.owner}>'s)" if holder else ""
    return commands.UsageError(
        what=f"A machine called {name} is there already{whose}. Nothing was started. Take another "
        "name, or none: then one is made up.",
        topic="launch",
    )


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
        launch_by=_launch_by(now, wish),
        due_at=None,
    )
    return replace(life.told(m, now, "asked for"), due_at=life.due(m, now))


def _launch_by(now: datetime, wish: Wish) -> datetime:
    latest = now + life.LAUNCH_WITHIN
    return min(latest, wish.until) if wish.until else latest


def _say_where(house: House, request: Request, id: str) -> None:
    """Where the bot may not write, the launch is shown in direct messages: say so here."""
    m = house.ledger.machine(id)
    if m is not None and m.card is not None and m.card.channel != request.channel:
        answer(house, request.response_url, messages.here_is_where(m.card))
