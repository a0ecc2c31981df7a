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

    What counts is the dearest place that may be tried, so that no price on the way is a surprise.
    """
    now = house.clock()
    each = max(at.hourly for at in go.placements)
    asked = Asked(hourly=each * m.wish.count, length=life.length_wanted(m.wish, now, house.policy))
    granted = gate.covers(m.grant, asked)
    found = () if granted else gate.limits(asked, m.owner, house.policy)
    if not found:
        until = now + asked.length
        found = purse.claim(house, m, hourly=asked.hourly, until=until, forced=granted)
    if not found:
        return None
    words = [one.words for one in found]
    if m.grant is not None:
        words.insert(0, gate.dearer(m.grant, asked))
    return held(each, words, final=any(one.final for one in found))


def extension(house: House, m: Machine, to: datetime, user: str) -> tuple[Broken, ...]:
    """Every limit that an extension by this person would pass; nothing is set aside."""
    budgets = purse.stands(house, m, hourly=m.hourly, until=to) if m.hourly is not None else ()
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
