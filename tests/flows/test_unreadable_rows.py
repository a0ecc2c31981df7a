"""One row that another version has written: nobody can read it, and nobody else is worse for it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.flows import budgets, home, purse
from core.model import (
    Budget,
    Cause,
    DataVolume,
    Desire,
    Doom,
    Full,
    Machine,
    Market,
    Over,
    Purse,
    Scope,
    State,
    VolumeState,
)
from core.ports import UnreadableRow
from sim.town import ADA, LIN, POLICY, SAM, Town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LAUNCH = "launch p3.2xlarge on-demand for 20h name"
HOME = "203.0.113.7/32"


def _town(**policy: Any) -> Town:
    """Ada has bert, and Sam carl."""
    here = Town(policy=replace(POLICY, **policy))
    here.with_quota()
    for user, name in ((ADA, "bert"), (SAM, "carl")):
        here.ready_to_launch(user)
        here.type(f"{LAUNCH} {name}", user)
        here.until_quiet()
    here.ready_to_launch(LIN)
    return here


def _named(here: Town, name: str) -> Machine:
    return next(m for m in here.ledger.everything() if m.name == name)


def _spoil(here: Town, name: str) -> str:
    m = _named(here, name)
    here.ledger.make_unreadable(f"machine/{m.id}")
    return m.id


def _open_to(here: Town, name: str) -> set[str]:
    """From where its group lets in."""
    m = _named(here, name)
    assert m.prepared is not None
    ec2: Any = here._client("ec2")(m.prepared)
    (group,) = ec2.describe_security_groups(GroupIds=[m.group])["SecurityGroups"]
    return {r["CidrIp"] for rule in group["IpPermissions"] for r in rule.get("IpRanges", ())}


@pytest.mark.parametrize("over", list(Over))
def test_others_launch_and_their_addresses_close_in_time(over: Over) -> None:
    here = _town(over=over, budgets=(Budget(scope=Scope.TEAM, monthly=Decimal(1000)),))
    spoilt = _spoil(here, "carl")
    here.type("allow 198.51.100.9 for 1h")
    here.type(f"{LAUNCH} emil", LIN)
    here.pass_time(HOUR + 2 * MINUTE)
    assert _named(here, "emil").state is State.RUNNING
    assert _open_to(here, "bert") == {HOME}
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == [HOME]
    budgets.watch(here.house)
    # The sweep and its own wake tell of the row, and of nothing else.
    assert {type(error) for error in here.failures} == {UnreadableRow}
    assert {str(error) for error in here.failures} == {f"machine/{spoilt}"}


def test_it_is_neither_ended_nor_forgotten_and_lives_on_once_it_can_be_read() -> None:
    here = _town()
    spoilt = _spoil(here, "carl")
    here.pass_time(2 * HOUR)
    instance = _named(here, "carl").instance
    assert instance is not None
    assert instance.id in {one.id for one in here.world.instances() if one.state == "running"}
    here.ledger.make_readable(f"machine/{spoilt}")
    here.pass_time(2 * MINUTE)
    assert here.ledger.live() == (_named(here, "bert"), _named(here, "carl"))
    here.type("stop carl", SAM)
    here.pass_time(5 * MINUTE)
    assert _named(here, "carl").state is State.STOPPED


def test_an_address_that_expired_meanwhile_closes_on_it_once_it_can_be_read() -> None:
    here = _town()
    here.type("allow 198.51.100.9 for 1h")
    spoilt = _spoil(here, "bert")
    here.pass_time(2 * HOUR)
    here.ledger.make_readable(f"machine/{spoilt}")
    here.pass_time(2 * MINUTE)
    assert _open_to(here, "bert") == {HOME}
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == [HOME]


def test_what_is_set_aside_for_it_stays_set_aside() -> None:
    here = _town(over=Over.BLOCK, budgets=(Budget(scope=Scope.TEAM, monthly=Decimal(1000)),))
    before = here.ledger.row(Purse, purse.KEY)
    spoilt = _spoil(here, "carl")
    assert before is not None
    assert spoilt in {one.machine for one in before.commitments}
    purse.settle(here.house)
    after = here.ledger.row(Purse, purse.KEY)
    assert after is not None
    assert after.commitments == before.commitments


def test_its_neighbour_is_not_taken_for_the_only_one_that_can_be_meant() -> None:
    here = _town()
    here.type(f"{LAUNCH} emil")
    here.until_quiet()
    _spoil(here, "bert")
    with pytest.raises(UnreadableRow):
        here.type("stop")
    here.type("stop emil")
    here.pass_time(5 * MINUTE)
    assert _named(here, "emil").state is State.STOPPED


def test_a_volume_is_not_the_only_one_of_its_name_because_another_cannot_be_read() -> None:
    here = Town()
    for user in (ADA, LIN):
        row = DataVolume(
            name="bert", owner=user, gb=100, state=VolumeState.WANTED, made_at=here.now
        )
        here.ledger.save_row(row, None)
    here.ledger.make_unreadable(f"data-volume/{ADA}.bert")
    with pytest.raises(UnreadableRow):
        here.type("data delete bert yes", SAM)
    assert here.ledger.row(DataVolume, f"{LIN}.bert") is not None


def test_a_hint_that_cannot_be_read_stops_no_launch() -> None:
    here = _town()
    full = Full(
        region="us-east-1",
        zone="us-east-1a",
        instance_type="p3.2xlarge",
        market=Market.ON_DEMAND,
        until=here.now + HOUR,
    )
    here.ledger.save_row(full, None)
    here.ledger.make_unreadable(f"full/{full.key}")
    here.type(f"{LAUNCH} emil", LIN)
    here.until_quiet()
    assert _named(here, "emil").state is State.RUNNING


def test_an_address_is_closed_by_hand_on_every_other() -> None:
    here = _town()
    _spoil(here, "carl")
    here.type(f"allow remove {HOME}")
    assert _open_to(here, "bert") == set()


def test_what_an_ended_machine_has_cost_stops_nobodys_view_of_the_money_and_no_launch() -> None:
    here = _town(over=Over.BLOCK, budgets=(Budget(scope=Scope.TEAM, monthly=Decimal(1000)),))
    here.type("end bert")
    here.pass_time(5 * MINUTE)
    here.ledger.make_unreadable(f"bill/{_named(here, 'bert').id}")
    assert "carl" in here.type("cost", LIN)[0].text
    assert "*1 machine*" in here.type("", SAM)[0].text
    here.type(f"{LAUNCH} emil", LIN)
    here.until_quiet()
    assert _named(here, "emil").state is State.RUNNING
    assert here.failures == []


@pytest.mark.parametrize("command", ["", "list", "list all", "show bert", "idle bert 30m"])
def test_how_much_it_is_used_is_unknown_where_that_cannot_be_read(command: str) -> None:
    here = _town()
    here.beating = True
    here.pass_time(12 * MINUTE)
    instance = _named(here, "bert").instance
    assert instance is not None
    here.ledger.make_unreadable(f"usage/{instance.id}")
    assert "bert" in here.type(command)[0].text
    assert "carl" in here.type("list all", SAM)[0].text
    home.opened(here.house, ADA)
    assert "bert" in str(here.chat.homes[ADA][-1].blocks)


def test_what_cannot_be_read_counts_as_busy_and_its_machine_runs_on() -> None:
    here = _town()
    here.beating = True
    here.pass_time(30 * MINUTE)
    m = _named(here, "bert")
    assert m.instance is not None
    here.ledger.make_unreadable(f"usage/{m.instance.id}")
    here.ledger.save(replace(m, doom=Doom(at=here.now, cause=Cause.IDLE), due_at=here.now), m)
    here.beating = False
    here.pass_time(10 * MINUTE)
    m = _named(here, "bert")
    assert (m.state, m.desire, m.doom) == (State.RUNNING, Desire.RUN, None)
