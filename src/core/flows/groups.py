"""Several machines at once: what a group does that one machine cannot: come up short, and partly.

A launch that got fewer than it asked for goes on with those. The others can be tried for as a
launch of their own, which has a name, a card and an end; the two are never one row again.
"""

from dataclasses import replace
from datetime import datetime

from core import lifecycle as life
from core import names
from core.faults import CloudError
from core.flows.house import House, machine_key
from core.model import Desire, Machine, State, Wish
from core.ports import NameTaken

MOST_NAMES = 10
LONGEST_NAME = 31  # what the commands take


def settle(house: House, m: Machine) -> Machine:
    """No zone is left to try: go on with what there is. Who said `keep trying` is taken at it."""
    if m.missing > 0 and m.wish.keep_until is not None and m.desire is Desire.RUN:
        rest = open_rest(house, m)
        return house.ledger.save(life.split(life.gathered(m), house.clock(), rest.name), m)
    return house.ledger.save(life.gathered(m), m)


def start(house: House, m: Machine) -> tuple[str, ...]:
    """StartInstances zone by zone, for a zone without capacity keeps nothing from the others.

    The ids that EC2 accepted; CloudError where it accepted none.
    """
    assert m.instance is not None
    started: list[str] = []
    failed: CloudError | None = None
    for zone, _ in life.spread(m):
        ids = [one.id for one in m.instances if one.zone == zone and one.state == "stopped"]
        try:
            house.cloud.start(m.instance.region, *ids)
        except CloudError as error:
            failed = error
        else:
            started += ids
    if failed is not None and not started:
        raise failed
    return tuple(started)


def open_rest(house: House, m: Machine, at: datetime | None = None) -> Machine:
    """The launch of the missing ones: one for each group, however often this is carried out.

    `at`: when the door took the click that wants it; without one the group's own launch did.
    """
    request = names.request_id(house.policy.team_id, "rest", m.id)
    rest = replace(_rest(house, m, names.machine_id(request)), asked_at=at or m.asked_at)
    for attempt in range(MOST_NAMES):
        name = _name(m, rest.id, attempt)
        try:
            opened = house.ledger.open(
                replace(rest, name=name), request=request, twin=request, now=rest.created_at
            )
        except NameTaken:
            continue
        house.wakes.wake(machine_key(opened.machine))
        return opened.machine
    raise NameTaken(rest.id)


def _name(m: Machine, rest: str, attempt: int) -> str:
    """amber-fox-more, or a name of its own where that is taken or too long to be typed."""
    name = f"{m.name}-more"
    return names.suggestion(rest, attempt) if attempt or len(name) > LONGEST_NAME else name


def _rest(house: House, m: Machine, id: str) -> Machine:
    """It waits a minute before its first try, for every zone has refused just now."""
    now = house.clock()
    wish = _wish(m, now)
    assert wish.keep_until is not None
    rest = Machine(
        id=id,
        version=0,
        name="",
        owner=m.owner,
        channel=m.channel,
        wish=wish,
        state=State.WAITING,
        desire=Desire.RUN,
        created_at=now,
        launch_by=wish.keep_until,
        due_at=None,
        keep_until=wish.keep_until,
        retry_at=now + life.FIRST_RETRY,
        shared=m.shared,
    )
    rest = life.told(rest, now, f"asked for: the rest of {m.name}")
    return replace(rest, due_at=life.due(rest, now))


def _wish(m: Machine, now: datetime) -> Wish:
    """The same, as long as the group itself may run."""
    assert m.lease is not None
    latest = m.wish.keep_until or now + life.KEEP_TRYING_FOR
    return replace(
        m.wish,
        count=m.missing,
        name=None,
        length=None,
        until=m.lease.deadline,
        keep_until=min(latest, m.lease.deadline),
    )
