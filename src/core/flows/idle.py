"""Machines that nobody uses: what they tell of themselves, the question, the stop."""

from datetime import datetime

from core import commands, idle, messages, policy
from core import lifecycle as life
from core.beats import Report
from core.flows import rules, unused
from core.flows.again import heard_before
from core.flows.find import find
from core.flows.house import House, rewrite
from core.flows.request import Click, Request
from core.flows.speak import answer
from core.flows.step import step
from core.model import FINAL, Desire, Machine


def change(house: House, request: Request, wanted: commands.Idle) -> None:
    """When this machine is stopped for not being used, from now on."""
    if heard_before(house, request):
        return None
    m = find(house, request, wanted.name, "idle", lambda m: m.desire is not Desire.GONE)
    if m is None:
        return None
    if m.state in FINAL or m.desire is Desire.GONE:
        return answer(house, request.response_url, messages.already(m))

    def decision(row: Machine) -> Machine:
        if request.id in row.heard:
            return row
        to = life.idle_after(row, house.clock(), wanted.length, request.user)
        return life.heard(to, request.id)

    after = rewrite(house, m.id, decision)
    step(house, after.id)
    told = bool(unused.usages(house, after))
    said = messages.idle_changed(after, idle.window(after, house.policy), reports=told)
    return answer(house, request.response_url, said)


def beat(house: House, machine: str, report: Report, received: datetime) -> None:
    """A report of one instance, whose token was found good. `received`: when the door took it.

    What it means is looked at even if it tells nothing new: whoever heard it may have died since.
    """
    house = rules.ruled(house)
    m = house.ledger.machine(machine)
    if m is None or report.instance not in {one.id for one in m.instances}:
        return
    unused.remember(house, m, report, received)
    _consider(house, m)


def _consider(house: House, m: Machine) -> None:
    """Ask, take the question back, or have it looked at whose time has come."""
    if m.doom is None and idle.window(m, house.policy) is None:
        return
    now, told = house.clock(), unused.usages(house, m)

    def change(row: Machine) -> Machine:
        if life.is_idle_doomed(row):
            stays = idle.verdict(row, told, now) is not idle.Verdict.SPARE
            return row if stays else life.spared(row, now, unused.why(row, told, now))
        since = idle.idle_since(row, told, now)
        asks = since is not None and idle.asks(row, told, house.policy, now)
        if since is None or not asks or not life.may_be_asked(row, now):
            return row
        return life.idle_asked(row, now, since)

    after = rewrite(house, m.id, change)
    if after.doom != m.doom or (after.doom and after.doom.at <= now):
        step(house, m.id)


def keep_click(house: House, click: Click) -> None:
    """Let it run on, used or not: its owner, whoever shares it, or an admin. The first one wins."""
    if heard_before(house, click):
        return None
    m = house.ledger.machine(click.value)
    if m is None:
        return answer(house, click.response_url, messages.old_button(None))
    if click.user not in m.shared and policy.may_touch(click.user, m, house.policy):
        return answer(house, click.response_url, messages.not_yours(m))

    def decision(row: Machine) -> Machine:
        fits = life.is_idle_doomed(row) and row.desire is Desire.RUN
        kept = life.kept_on(row, house.clock(), click.user)
        return life.heard(kept, click.id) if fits else row

    after = rewrite(house, m.id, decision)
    if click.id not in after.heard:
        return answer(house, click.response_url, messages.old_button(after))
    step(house, after.id)
    return answer(house, click.response_url, messages.kept_on(after, house.policy))
