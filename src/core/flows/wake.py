"""What a wake on the queue means. It never says what to do, only where to look.

`due/…` looks only if the row's own time has come, so a late or doubled wake ends there;
`spot/machine/<id>/<instance>` tells that EC2 gave its two-minute notice, `advice/machine/…` that
there may be one soon, `told/machine/…` when an instance changed its state (core/news.py), `swept/…`
what the sweep has stopped that no row knew (core/flows/sweeping.py); anything else just looks.
"""

from datetime import UTC, datetime

from core import lifecycle as life
from core.flows import (
    access,
    admitted,
    approvals,
    budgets,
    clockwork,
    departed,
    home,
    image_rows,
    leftovers,
    quota,
    reconcile_bills,
    rules,
    sharing,
    strangers,
    unused,
    volume,
)
from core.flows.house import House, rewrite
from core.flows.step import step, step_if_due, step_on_event


def on_wake(house: House, key: str) -> None:
    """Look at one machine, quota request or profile; an unknown key is an error of ours."""
    house = rules.ruled(house)
    how, _, rest = key.partition("/")
    if how == "budgets":
        return budgets.watch(house)
    if how == "invoices":
        return reconcile_bills.look(house)
    if how == "spot":
        return _notice(house, *rest.removeprefix("machine/").split("/"))
    if how == "advice":
        return _advice(house, *rest.removeprefix("machine/").split("/"))
    if how == "told":
        return _told(house, *rest.removeprefix("machine/").split("/"))
    if how == "swept":
        return strangers.noted(house, *rest.split("/"))
    if how == "due":
        kind, _, id = rest.partition("/")
        return _look(house, kind, id, due=True)
    return _look(house, how, rest, due=False)


def _look(house: House, kind: str, id: str, *, due: bool) -> None:
    if kind == "machine":
        return step_if_due(house, id) if due else step_on_event(house, id)
    if kind == "quota":
        return quota.follow(house, id)
    if kind == "profile":
        return access.expire(house, id)
    if kind == "saved-image":
        return image_rows.follow(house, id)
    if kind == "strays":
        once = id == (house.deployed or house.policy).region  # the first of those: once an hour
        if once:  # who may get in first: a region that cannot be looked over keeps nobody in
            rules.look_over(house)
            admitted.unlisted(house)
            departed.look_over(house)
        return leftovers.look_over(house, id)
    if kind == "data-volume":
        return volume.follow_if_due(house, id) if due else volume.follow(house, id)
    if kind == "home-tab":
        return home.follow(house, id)
    if kind == "approval":
        return approvals.follow(house, id)
    if kind == "schedule":
        return clockwork.follow(house, id)
    if kind == "key-delivery":
        return sharing.follow(house, id)
    if kind == "sweep-watch":
        return strangers.tell(house)
    if kind == "usage":
        return unused.forget(house, id)
    raise ValueError(f"nobody knows the wake {kind}/{id}")


def _told(house: House, id: str, instance: str, state: str, epoch: str) -> None:
    """When EC2 bills it is written first: a step may find the machine over, and final."""
    if house.ledger.machine(id) is None:
        return
    at = datetime.fromtimestamp(int(epoch), UTC)
    rewrite(house, id, lambda m: life.timed(m, instance, state, at))
    step_on_event(house, id)


def _notice(house: House, id: str, instance: str = "") -> None:
    if house.ledger.machine(id) is None:
        return
    rewrite(house, id, lambda m: life.interrupted(m, house.clock(), instance))
    step(house, id)


def _advice(house: House, id: str, instance: str) -> None:
    if house.ledger.machine(id) is None:
        return
    rewrite(house, id, lambda m: life.advised(m, house.clock(), instance))
    step(house, id)
