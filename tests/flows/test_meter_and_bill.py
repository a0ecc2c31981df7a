"""The meter against the bill that the world itself has kept: two books that share no arithmetic."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from core import meter
from core.flows import spending
from sim.town import Town, town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Life = Callable[[Town], None]


def _town(**policy: object) -> Town:
    here = town(approval_above=Decimal(1000), longest_lease=timedelta(days=7), **policy)
    for region in here.policy.regions:
        here.with_quota(region, 1000)
    here.ready_to_launch()
    return here


def _books(here: Town) -> tuple[Decimal, Decimal]:
    """(ours, the world's) of all that was ever spent."""
    began = here.now - timedelta(days=400)
    ours = meter.total(spending.bills(here.house, began), began, here.now)
    return ours, here.world.bill(began, here.now, here.policy.stack)


def _is_right(here: Town, within: str) -> None:
    ours, theirs = _books(here)
    assert theirs > 0
    assert abs(ours - theirs) <= Decimal(within), (ours, theirs, _by_machine(here))


def _by_machine(here: Town) -> dict[str, tuple[Decimal, Decimal]]:
    began = here.now - timedelta(days=400)
    ours = {b.machine: meter.spent(b, began, here.now) for b in spending.bills(here.house, began)}
    theirs: dict[str, Decimal] = {}
    for _, _, machine, usd in here.world.bill_lines(began, here.now, here.policy.stack):
        theirs[machine] = theirs.get(machine, Decimal(0)) + usd
    return {id: (ours.get(id, Decimal(0)), theirs.get(id, Decimal(0))) for id in {*ours, *theirs}}


def _on_demand(here: Town) -> None:
    here.type("launch g5.xlarge on-demand for 5h name bert")
    here.pass_time(6 * HOUR)


def _spot_with_changes(here: Town) -> None:
    here.type("launch g5.xlarge spot for 2d name bert")
    here.pass_time(timedelta(hours=50))


def _stop_and_start(here: Town) -> None:
    here.type("launch g5.xlarge on-demand for 5h name bert")
    here.pass_time(2 * MINUTE)
    for _ in range(3):
        here.type("stop bert")
        here.pass_time(MINUTE)
        here.type("start bert for 1h")
        here.pass_time(timedelta(seconds=40))
    here.type("stop bert")
    here.pass_time(3 * HOUR)


def _kept(here: Town) -> None:
    here.type("launch g5.xlarge spot keep in us-east-1 for 9h name bert")
    here.pass_time(5 * HOUR)
    here.type("stop bert")
    here.pass_time(30 * HOUR)
    here.type("allow 203.0.113.7")
    here.type("start bert for 3h")
    here.pass_time(12 * HOUR)


def _io2(here: Town) -> None:
    here.type("launch g5.xlarge on-demand disk 200 io2 iops 8000 for 5h name bert")
    here.pass_time(9 * HOUR)


def _several(here: Town) -> None:
    here.type("launch g5.xlarge on-demand x4 in us-east-1 for 5h name bert")
    here.pass_time(2 * HOUR)
    up = [i["id"] for i in here.world.state()["instances"] if i["state"] == "running"]
    here.control(do="terminate-outside", instance=up[0])
    here.pass_time(7 * HOUR)


def _outside(here: Town) -> None:
    here.type("launch g5.xlarge on-demand for 5h name bert")
    here.pass_time(2 * HOUR + timedelta(seconds=17))
    (up,) = here.world.state()["instances"]
    here.control(do="stop-outside", instance=up["id"])
    here.pass_time(HOUR)


def _interrupted(here: Town) -> None:
    here.type("launch g5.xlarge spot for 5h name bert")
    here.pass_time(2 * HOUR + timedelta(seconds=17))
    (up,) = here.world.state()["instances"]
    here.control(do="interrupt", instance=up["id"])
    here.pass_time(HOUR)


def _taken_at_once(here: Town) -> None:
    here.type("launch g5.xlarge spot for 5h name bert")
    here.pass_time(timedelta(minutes=40, seconds=17))
    (up,) = here.world.state()["instances"]
    here.control(do="interrupt", instance=up["id"])
    here.pass_time(HOUR)


def _taken_and_back(here: Town) -> None:
    here.type("launch g5.xlarge spot keep recover for 5h name bert")
    here.pass_time(timedelta(minutes=40, seconds=17))
    (up,) = here.world.state()["instances"]
    here.control(do="interrupt", instance=up["id"])
    here.pass_time(9 * HOUR)


def _some_taken_at_once(here: Town) -> None:
    here.type("launch g5.xlarge spot x4 in us-east-1 for 110m name bert")
    here.pass_time(timedelta(minutes=40, seconds=17))
    up = [i["id"] for i in here.world.state()["instances"] if i["state"] == "running"]
    here.control(do="interrupt", instance=up[0])
    here.control(do="interrupt", instance=up[1])
    here.pass_time(HOUR)
    here.control(do="interrupt", instance=up[2])  # after its first hour: paid for
    here.pass_time(7 * HOUR)


def _all_taken_at_once(here: Town) -> None:
    here.type("launch g5.xlarge spot x2 in us-east-1 for 5h name bert")
    here.pass_time(timedelta(minutes=20))
    for one in here.world.state()["instances"]:
        here.control(do="interrupt", instance=one["id"])
    here.pass_time(HOUR)


def _data(here: Town) -> None:
    here.type("launch g5.xlarge on-demand data 300 in us-east-1 for 3h name bert")
    here.pass_time(5 * HOUR)
    here.type("end bert")
    here.pass_time(20 * HOUR)
    here.type("data delete data yes")
    here.pass_time(5 * HOUR)


def _saved(here: Town) -> None:
    here.type("launch g5.xlarge on-demand in us-east-1 for 3h name bert")
    here.pass_time(HOUR)
    here.type("save bert as bert-env")
    here.pass_time(20 * HOUR)
    here.type("images delete bert-env yes")
    here.pass_time(5 * HOUR)


def _put_away(here: Town) -> None:
    here.type("launch g5.xlarge on-demand in us-east-1 for 3h name bert")
    here.pass_time(4 * HOUR)
    here.strikes_every = timedelta(minutes=20)
    here.pass_time(timedelta(days=9))


LIVES: dict[str, tuple[Life, str]] = {
    # How far the books may be apart, in USD: seconds between what EC2 does and when it is seen.
    "on-demand": (_on_demand, "0.001"),
    "spot whose price moves": (_spot_with_changes, "0.001"),
    "stopped and started within minutes": (_stop_and_start, "0.002"),
    "a kept disk": (_kept, "0.005"),
    "a fast disk": (_io2, "0.005"),
    "several of which one is ended": (_several, "0.01"),
    "stopped from inside": (_outside, "0.001"),
    "taken back": (_interrupted, "0.001"),
    "taken back within its first hour": (_taken_at_once, "0.001"),
    "taken back within its first hour, and come again": (_taken_and_back, "0.005"),
    "several of which some are taken back at once": (_some_taken_at_once, "0.02"),
    "several of which all are taken back at once": (_all_taken_at_once, "0.01"),
    "a data volume": (_data, "0.005"),
    "a saved image": (_saved, "0.005"),
    "put away": (_put_away, "0.01"),
}


@pytest.mark.parametrize("name", LIVES)
def test_our_meter_and_the_worlds_bill_agree(name: str) -> None:
    live, within = LIVES[name]
    here = _town()
    live(here)
    _is_right(here, within)
    for m in here.ledger.live():
        here.type(f"end {m.name}")
    here.pass_time(10 * MINUTE)
    _is_right(here, within)


def test_they_agree_without_any_event_of_ec2(monkeypatch: pytest.MonkeyPatch) -> None:
    here = _town()
    monkeypatch.setattr(here, "_bring_events", here.world.tick)
    _on_demand(here)
    _is_right(here, "0.005")


def test_the_cost_on_the_card_is_all_of_it() -> None:
    here = _town()
    _io2(here)
    ours, _ = _books(here)
    assert f"${ours.quantize(Decimal('0.01'))}" in here.type("list")[0].text


def test_what_ec2_takes_back_within_an_hour_costs_its_address_and_disk_only() -> None:
    here = _town()
    _taken_at_once(here)
    ours, theirs = _books(here)
    (bill,) = spending.bills(here.house, here.now - timedelta(days=1))
    assert 0 < ours < Decimal("0.015")  # 43 minutes of an address and of 50 GB
    assert abs(ours - theirs) <= Decimal("0.001")
    assert [run.taken for run in bill.runs] == [True]
    assert bill.runs[0].hourly > Decimal("0.1")  # what it cost is still known


def test_what_a_person_ends_within_its_first_hour_is_paid_for() -> None:
    here = _town()
    here.type("launch g5.xlarge spot for 5h name bert")
    here.pass_time(timedelta(minutes=40))
    (up,) = here.world.state()["instances"]
    here.control(do="interrupt", instance=up["id"])  # the notice, of two minutes
    here.type("end bert")
    here.pass_time(10 * MINUTE)
    ours, theirs = _books(here)
    assert ours > Decimal("0.1")
    assert abs(ours - theirs) <= Decimal("0.001")


def test_what_was_spent_in_parts_is_what_was_spent() -> None:
    here = _town()
    _stop_and_start(here)
    began = here.now - timedelta(days=1)
    (bill,) = spending.bills(here.house, began)
    for minutes in range(0, 300, 7):
        middle = began + timedelta(hours=18) + minutes * MINUTE
        first, second = meter.spent(bill, began, middle), meter.spent(bill, middle, here.now)
        assert first >= 0 and second >= 0
        assert first + second == meter.spent(bill, began, here.now)
