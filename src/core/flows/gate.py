"""Whether a launch that could be made may be made: price, time and budget, and what was approved.

Asked after everything else is known and before anything is prepared or bought.
"""

from datetime import datetime
from decimal import Decimal

from core import gate
from core import lifecycle as life
from core.budgets import Broken
from core.flows import purse
from core.flows.house import House
from core.gate import Asked
from core.model import Choice, ChoiceKind, Hold, HoldKind, Machine
from core.plan import Proceed

APPROVAL = Choice(kind=ChoiceKind.APPROVAL, value="")


def check(house: House, m: Machine, go: Proceed) -> Hold | None:
    """None: go on, and what it may cost is set aside. Else why not, and what can be done.

    What counts is the dearest place that may be tried, so that no price on the way is a surprise,
    and a dear disk.
    """
    disk = disk_of(house, m, go)
    each = dearest(go) + disk
    asked = _asked(house, m, each)
    granted = gate.covers(m.grant, asked)
    found = _passed(house, m, asked, granted=granted)
    if not found:
        return None
    words = [one.words for one in found]
    if disk:
        words.append(gate.of_disk(disk, m.wish.count))
    if m.grant is not None and not granted:
        words.insert(0, gate.dearer(m.grant, asked))
    return held(each, words, final=any(one.final for one in found))


def dearest(go: Proceed) -> Decimal:
    """USD an hour of one machine in the dearest place that may be tried."""
    return max(at.hourly for at in go.placements)


def disk_of(house: House, m: Machine, go: Proceed | None) -> Decimal:
    """USD an hour of each machine's disk, where it is dearer than the usual one. A kept disk costs
    already, whether its machine starts or not."""
    if m.kept is not None:
        return Decimal(0)
    wished = m.wish.disk_gb or house.policy.default_disk_gb
    gb = max(one.disk_gb for one in go.options) if go else wished
    return gate.disk_hourly(m.wish, gb, house.policy)


def _asked(house: House, m: Machine, each: Decimal) -> Asked:
    length = life.length_wanted(m.wish, house.clock(), house.policy)
    return Asked(hourly=each * m.wish.count, length=length)


def _passed(house: House, m: Machine, asked: Asked, *, granted: bool) -> tuple[Broken, ...]:
    """Every limit that is passed, so that no yes lifts one that was not shown; what it may cost is
    set aside where it is none."""
    limits = () if granted else gate.limits(asked, m.owner, house.policy)
    if limits:
        return (*limits, *_budgets(house, m, asked))
    until = house.clock() + asked.length
    return purse.claim(house, m, hourly=asked.hourly, until=until, forced=granted)


def _budgets(house: House, m: Machine, asked: Asked) -> tuple[Broken, ...]:
    return purse.stands(house, m, hourly=asked.hourly, until=house.clock() + asked.length)


def besides(house: House, m: Machine, each: Decimal) -> tuple[Broken, ...]:
    """What a launch above the price limit passes beside it; nothing is set aside."""
    asked = _asked(house, m, each)
    limits = gate.limits(asked, m.owner, house.policy)
    others = (one for one in limits if one.rule != "approval-above")
    return (*others, *_budgets(house, m, asked))


def extension(house: House, m: Machine, to: datetime, user: str) -> tuple[Broken, ...]:
    """Every limit that an extension by this person would pass; nothing is set aside."""
    hourly = life.hourly_now(m)
    budgets = purse.stands(house, m, hourly=hourly, until=to) if hourly is not None else ()
    return (*gate.beyond(m, to, user, house.policy), *budgets)


def held(each: Decimal, words: list[str], *, final: bool) -> Hold:
    """What may be approved has that as its first way on."""
    return Hold(
        kind=HoldKind.NOT_ALLOWED if final else HoldKind.OVER_LIMIT,
        code="over-limit",
        detail=" ".join(words),
        hourly=each,
        choices=() if final else (APPROVAL,),
    )
