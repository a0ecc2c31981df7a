"""The Home tab: drawn when somebody opens it, and again soon after anything in it has changed."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from core import budgeting, costs, messages, periods
from core.blocks import Home
from core.faults import CloudError
from core.flows import spending, usage
from core.flows.cost import called
from core.flows.house import House
from core.flows.limits import region_quotas
from core.flows.speak import passing
from core.model import HomeTab, Machine, QuotaRoom
from core.ports import ChatError, StaleRow

FRESH = timedelta(hours=1)  # for so long a look at the quotas is good enough for a glance
_AGAIN = timedelta(minutes=1)  # after Slack did not answer, or whoever drew it has died
_EARLY = timedelta(seconds=1)


def opened(house: House, user: str) -> None:
    """Somebody looks at it: draw it now, and keep it true from now on."""
    row = house.ledger.row(HomeTab, user)
    with suppress(StaleRow):  # somebody else draws it at this moment
        house.ledger.save_row(replace(row or HomeTab(user=user), due_at=house.clock()), row)
    follow(house, user)


def follow(house: House, user: str) -> None:
    """Draw it if that is due. What changes meanwhile makes it due again.

    A Slack that is away is asked again in a minute; one that says no is not asked again before the
    person opens it the next time.
    """
    row = house.ledger.row(HomeTab, user)
    if row is None or row.due_at is None or row.due_at > house.clock() + _EARLY:
        return
    try:
        row = house.ledger.save_row(replace(row, due_at=house.clock() + _AGAIN), row)
        house.chat.publish(user, drawn(house, user))
        house.ledger.save_row(replace(row, due_at=None), row)
    except ChatError as error:
        if not passing(error):
            _forget(house, row)
    except StaleRow:
        return


def _forget(house: House, row: HomeTab) -> None:
    with suppress(StaleRow):  # it has been opened again
        house.ledger.drop_row(row)


def drawn(house: House, user: str) -> Home:
    """What stands in it, as the rows are now; AWS is asked about quotas once an hour at most."""
    now = house.clock()
    mine = house.ledger.of_owner(user)
    others: tuple[Machine, ...] = ()
    if user in house.policy.admins:
        others = tuple(m for m in house.ledger.live() if m.owner != user)
    month = periods.period("month", now)
    bills = spending.bills(house, month.before)
    report = costs.report(bills, month, now)
    bars = costs.series(bills, report.days, lambda bill: bill.owner)
    return messages.home_tab(
        user,
        mine,
        tuple(sorted(others, key=lambda m: (m.owner, m.created_at))),
        report,
        bars,
        called(house, (key for key, _ in bars if key != costs.OTHERS)),
        budgeting.states(house.policy.budgets, user, bills, now),
        quota_room(house),
        usage.of(house, (*mine, *others)),
        now,
    )


def quota_room(house: House) -> QuotaRoom | None:
    """The default region's quotas as AWS told them lately; None where it has never told them."""
    region, now = house.policy.region, house.clock()
    known = house.ledger.row(QuotaRoom, region)
    if known is not None and now - known.read_at < FRESH:
        return known
    try:
        read = QuotaRoom(region=region, facts=region_quotas(house, region), read_at=now)
    except CloudError:
        return known  # it says how old it is
    try:
        return house.ledger.save_row(replace(read, version=known.version if known else 0), known)
    except StaleRow:
        return read
