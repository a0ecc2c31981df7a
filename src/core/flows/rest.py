"""The button of a group that came up short: the missing ones become a launch of their own."""

from datetime import datetime

from core import lifecycle as life
from core import messages, policy
from core.flows import permits
from core.flows.again import heard_before
from core.flows.groups import open_rest
from core.flows.house import House, rewrite
from core.flows.request import Click
from core.flows.speak import answer
from core.flows.step import step
from core.model import ALIVE, Desire, Machine


def keep_trying(house: House, click: Click) -> None:
    """Keep trying for those that are missing: the first click decides, later ones hear so."""
    if heard_before(house, click):
        return None
    id, _, turn = click.value.partition(":")
    m = house.ledger.machine(id)
    if m is None or str(m.turn) != turn or not _is_short(m, house.clock()):
        return answer(house, click.response_url, messages.old_button(m))
    if policy.may_touch(click.user, m, house.policy):
        return answer(house, click.response_url, messages.not_yours(m))
    denied = permits.may_launch(house, house.chat.person(click.user), m.channel)
    if denied:
        return answer(house, click.response_url, messages.denied(denied))
    rest = open_rest(house, m, click.at)

    def change(row: Machine) -> Machine:
        if row.missing <= 0:
            return row
        return life.heard(life.split(row, house.clock(), rest.name, click.user), click.id)

    after = rewrite(house, m.id, change)
    return step(house, after.id)


def _is_short(m: Machine, now: datetime) -> bool:
    up = m.state in ALIVE and m.desire is Desire.RUN
    return up and m.missing > 0 and m.lease is not None and now < m.lease.deadline
