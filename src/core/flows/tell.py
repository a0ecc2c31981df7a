"""What people ask to see: their machines, everybody's, one with its history, how to connect."""

from decimal import Decimal

from core import commands, costs, messages, meter
from core.budgets import month_of
from core.flows import admitted, fingerprints, leftovers, pulse, spending, usage
from core.flows.find import by_name, find
from core.flows.house import House
from core.flows.request import Request
from core.flows.speak import answer
from core.model import ALIVE, Schedule


def overview(house: House, request: Request) -> None:
    """The caller's machines, what they cost, and the likeliest next steps."""
    mine = house.ledger.of_owner(request.user)
    profile, now = admitted.profile(house, request.user), house.clock()
    began, _ = month_of(now)
    bills = [bill for bill in spending.bills(house, began) if bill.owner == request.user]
    month = meter.total(bills, began, now)
    used, stored = usage.of(house, mine), costs.lasting_monthly(bills, now)
    said = messages.overview(mine, profile, now, used, month, stored)
    answer(house, request.response_url, said)


def listing(house: House, request: Request, wanted: commands.ListMachines) -> None:
    """The caller's machines, or the whole team's."""
    found = house.ledger.live() if wanted.everyone else house.ledger.of_owner(request.user)
    ordered = tuple(sorted(found, key=lambda m: (m.owner, m.created_at)))
    used = usage.of(house, ordered)
    silent = pulse.silent_since(house)
    message = messages.listing(
        ordered,
        house.clock(),
        used,
        everyone=wanted.everyone,
        silent_since=silent,
        stored=Decimal(0) if ordered else _stored(house, request.user, everyone=wanted.everyone),
    )
    answer(house, request.response_url, message)


def _stored(house: House, user: str, *, everyone: bool) -> Decimal:
    bills = (bill for bill in spending.lasting(house) if everyone or bill.owner == user)
    return costs.lasting_monthly(bills, house.clock())


def show(house: House, request: Request, wanted: commands.Show) -> None:
    """One machine with its history; everybody may look, for everybody pays."""
    if wanted.name:
        m = by_name(house, request, wanted.name)
    else:
        m = find(house, request, None, "show", lambda _: True)
    if m is not None:
        found = leftovers.inventory(house, m)
        used = usage.of(house, (m,))
        row = house.ledger.row(Schedule, m.id)
        said = messages.show(m, house.clock(), found, used, row)
        answer(house, request.response_url, said)


def ssh(house: House, request: Request, wanted: commands.Ssh) -> None:
    """How to connect. An address is told only to those who may touch it or are let in."""
    m = house.ledger.named(wanted.name) if wanted.name else None
    guest = m is not None and request.user in m.shared
    if m is None or not guest:
        m = find(house, request, wanted.name, "ssh", lambda m: m.state in ALIVE)
    if m is None:
        return
    m = fingerprints.learned(house, m)
    profile = admitted.profile(house, request.user if guest else m.owner)
    managed = bool(house.policy.instance_profile)
    answer(house, request.response_url, messages.ssh(m, profile, session_manager=managed))


def help_(house: House, request: Request, wanted: commands.Help) -> None:
    """Short, with examples that work when pasted."""
    answer(house, request.response_url, messages.help(wanted.topic))
