"""What a machine has cost, by EC2's own times: for its instance, its address and its disk."""

from datetime import datetime, timedelta
from decimal import Decimal

from core import meter
from core.bills import bill_of
from core.model import State
from sim.town import CHANNEL, Town

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
DISK_HOURLY = Decimal("0.08") * 100 / 730


def launched(words: str = "launch g5.xlarge for 6h disk 100") -> Town:
    town = Town()
    town.with_quota()
    town.ready_to_launch()
    town.type(words, channel=CHANNEL)
    town.until_quiet()
    assert town.machine().state is State.RUNNING
    return town


def test_it_is_billed_from_running_to_stopping_and_its_disk_from_the_launch_on() -> None:
    town = launched()
    launch = town.machine().stores[0].started_at
    (run,) = town.machine().runs
    assert run.started_at - launch == 4 * SECOND  # what the world takes to boot it
    town.pass_time(HOUR)
    stopped_at = town.now
    town.type("stop")
    town.until_quiet()
    m = town.machine()
    assert m.state is State.STOPPED
    assert m.runs[0].ended_at == stopped_at
    assert [(s.kind, s.ended_at, s.hourly) for s in m.stores] == [("disk", None, DISK_HOURLY)]
    town.pass_time(HOUR)
    town.press(town.type("end")[-1], "end")
    town.until_quiet()
    assert_over(town, stopped_at, launch)


def assert_over(town: Town, stopped_at: datetime, launch: datetime) -> None:
    m = town.machine()
    assert m.state is State.ENDED
    assert all(s.ended_at is not None and s.ended_at <= town.now for s in m.stores)
    (run,), (disk,) = m.runs, m.stores
    assert run.ended_at == stopped_at
    assert disk.ended_at is not None
    ran = Decimal((stopped_at - run.started_at) // SECOND)
    stood = Decimal((disk.ended_at - launch) // SECOND)
    due = ran * (run.hourly + Decimal("0.005")) / 3600 + stood * DISK_HOURLY / 3600
    (bill,) = town.ledger.bills(launch, town.now)
    assert abs(meter.spent(bill, launch, town.now) - due) < Decimal("0.001")
    assert bill == bill_of(m)


def test_without_any_news_of_ec2_the_start_is_the_launch_and_the_end_is_still_exact() -> None:
    town = launched()
    town.pass_time(HOUR)
    town.wakes.lost = True
    stopped_at = town.now
    town.type("stop")
    town.pass_time(timedelta(minutes=5))
    town.wakes.lost = False
    town.pass_time(timedelta(minutes=5))
    assert town.machine().state is State.STOPPED
    assert town.machine().runs[0].ended_at == stopped_at
