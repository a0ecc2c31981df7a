"""The Home tab: drawn when somebody opens it, and again soon after anything in it has changed."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from core import budgeting, costs, messages, periods, policy
from core.blocks import Home
from core.flows import room, rules, spending, usage
from core.flows.cost import called
from core.flows.house import House
from core.flows.speak import passing
from core.model import HomeTab, Machine
from core.ports import ChatError, StaleRow

_AGAIN = timedelta(minutes=1)  # after Slack did not answer, or whoever drew it has died
_EARLY = timedelta(seconds=1)


def opened(house: House, user: str) -> None:
    """Somebody looks at it: draw it now, and keep it true from now on. For full members only."""
    house = rules.ruled(house)
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
        return None
    try:
        row = house.ledger.save_row(replace(row, due_at=house.clock() + _AGAIN), row)
        if policy.may_press(house.chat.person(user), house.policy):
            return _forget(house, row)
        house.chat.publish(user, drawn(house, user))
        house.ledger.save_row(replace(row, due_at=None), row)
    except ChatError as error:
        if not passing(error):
            _forget(house, row)
    except StaleRow:
        return None


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
        room.quota_room(house),
        usage.of(house, (*mine, *others)),
        now,
        costs.lasting_monthly((bill for bill in bills if bill.owner == user), now),
    )
