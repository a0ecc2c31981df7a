"""What counts as unused: only what is known for certain, for the whole time, after first use."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import idle
from core.beats import MOST_LOOKS, Look, Report
from core.model import (
    Desire,
    Instance,
    Machine,
    Market,
    Member,
    Placement,
    Policy,
    Sample,
    State,
    Usage,
    Wish,
)

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE, TWO = "i-00000001", "i-00000002"
POLICY = Policy(
    stack="gpu",
    team_id="T0HOME",
    regions=("us-east-1",),
    channels=frozenset(),
    admins=frozenset(),
    default_lease=timedelta(hours=4),
    longest_lease=timedelta(hours=24),
    default_disk_gb=50,
    approval_above=Decimal(10),
)
BUSY = (93, 40, 1)
QUIET = (0, 3, 0)
Figures = tuple[int | None, int | None, int | None]


def instance(id: str) -> Instance:
    return Instance(
        id=id, region="us-east-1", zone="us-east-1a", state="running", launched_at=START
    )


def machine(window: timedelta | None = 30 * MINUTE, **changes: Any) -> Machine:
    wish = Wish(instance_type="g5.xlarge", market=Market.ON_DEMAND, region="us-east-1", idle=window)
    row = Machine(
        id="m-aaaaaaaaaa",
        version=1,
        name="bert",
        owner="U0ADA",
        channel="C0LAB",
        wish=wish,
        state=State.RUNNING,
        desire=Desire.RUN,
        created_at=START,
        launch_by=START,
        due_at=None,
        instance=instance(ONE),
    )
    return replace(row, **changes)


def group() -> Machine:
    at = Placement(
        instance_type="g5.xlarge",
        region="us-east-1",
        zone="us-east-1a",
        subnet="subnet-1",
        market=Market.ON_DEMAND,
        hourly=Decimal(1),
    )
    members = tuple(
        Member(number=n, instance=instance(id), placement=at) for n, id in enumerate((ONE, TWO), 1)
    )
    return machine(members=members)


def told(
    *minutes: Figures,
    since: datetime = START,
    usage: Usage | None = None,
    id: str = ONE,
) -> Usage:
    """The row after a report every five minutes; the first of these was sampled at `since`."""
    row = usage or Usage(instance=id, machine="m-aaaaaaaaaa")
    for first in range(0, len(minutes), 5):
        some = minutes[first : first + 5]
        at = since + (first + len(some) - 1) * MINUTE
        looks = tuple(
            Look(ago=60 * (len(some) - 1 - n), gpu=gpu, cpu=cpu, ssh=ssh)
            for n, (gpu, cpu, ssh) in enumerate(some)
        )
        up = int((at - START).total_seconds())
        row = idle.heard(row, Report(instance=row.instance, boot="b1", up=up, looks=looks), at)
    return row


def asks(*minutes: Figures, m: Machine | None = None) -> bool:
    now = START + (len(minutes) - 1) * MINUTE
    return idle.asks(m or machine(), (told(*minutes),), POLICY, now)


@pytest.mark.parametrize(
    ("minutes", "asked"),
    [
        ([BUSY] * 5 + [QUIET] * 31, True),
        ([BUSY] * 5 + [QUIET] * 30, False),  # 29 minutes only lie between these
        ([QUIET] * 200, False),  # nobody has used it yet: it is new
        ([BUSY] * 5 + [QUIET] * 15 + [(5, 3, 0)] + [QUIET] * 15, False),
        ([BUSY] * 5 + [QUIET] * 15 + [(0, 10, 0)] + [QUIET] * 15, False),
        ([BUSY] * 5 + [QUIET] * 15 + [(0, 3, 1)] + [QUIET] * 15, False),
        ([BUSY] * 5 + [QUIET] * 15 + [(None, 3, 0)] + [QUIET] * 15, False),
        ([BUSY] * 5 + [QUIET] * 15 + [(0, None, 0)] + [QUIET] * 15, False),
        ([BUSY] * 5 + [QUIET] * 15 + [(0, 3, None)] + [QUIET] * 15, False),
        ([BUSY] * 5 + [(4, 9, 0)] * 31, True),
        ([(0, 60, 0)] + [QUIET] * 31, True),  # used by its processors alone
        ([(0, 49, 0)] + [QUIET] * 40, False),  # a first boot is no use
    ],
)
def test_it_is_asked_about_when_every_minute_of_the_window_shows_no_use(
    minutes: list[Figures], asked: bool
) -> None:
    assert asks(*minutes) is asked


@pytest.mark.parametrize("missing", [1, 2, 3, 5, 20])
def test_a_gap_is_unknown_and_the_window_begins_after_it(missing: int) -> None:
    before = told(*[BUSY] * 5, *[QUIET] * 30)
    after = START + (34 + missing) * MINUTE
    row = told(*[QUIET] * 10, since=after, usage=before)
    now = after + 9 * MINUTE
    assert idle.asks(machine(), (row,), POLICY, now) is (missing <= 3)
    assert row.quiet_since == (after if missing > 3 else START + 5 * MINUTE)


def test_a_machine_that_has_fallen_silent_is_in_use() -> None:
    row, last = told(*[BUSY] * 5, *[QUIET] * 60), START + 64 * MINUTE
    assert idle.asks(machine(), (row,), POLICY, last + idle.FRESH)
    assert not idle.asks(machine(), (row,), POLICY, last + idle.FRESH + timedelta(seconds=1))
    assert not idle.asks(machine(), (), POLICY, last)


@pytest.mark.parametrize(
    ("wish", "default", "wanted"),
    [
        (None, None, None),
        (None, 60 * MINUTE, 60 * MINUTE),
        (30 * MINUTE, 60 * MINUTE, 30 * MINUTE),
        (timedelta(0), 60 * MINUTE, None),
        (timedelta(0), None, None),
    ],
)
def test_the_wish_counts_and_else_the_default_and_off_is_never(
    wish: timedelta | None, default: timedelta | None, wanted: timedelta | None
) -> None:
    assert idle.window(machine(wish), replace(POLICY, idle=default)) == wanted
    asked = idle.asks(
        machine(wish),
        (told(*[BUSY] * 5, *[QUIET] * 90),),
        replace(POLICY, idle=default),
        START + 94 * MINUTE,
    )
    assert asked is (wanted is not None)


def test_what_was_before_its_start_or_before_somebody_kept_it_does_not_count() -> None:
    row, now = told(*[BUSY] * 5, *[QUIET] * 60), START + 64 * MINUTE
    kept = machine(idle_from=now - 10 * MINUTE)
    again = machine(instance=replace(instance(ONE), launched_at=now - 10 * MINUTE))
    assert idle.idle_since(machine(), (row,), now) == START + 5 * MINUTE
    for m in (kept, again):
        assert idle.idle_since(m, (row,), now) == now - 10 * MINUTE
        assert not idle.asks(m, (row,), POLICY, now)


def test_a_group_is_unused_when_every_one_of_it_is_and_one_of_it_was_used() -> None:
    now = START + 44 * MINUTE
    used, never = told(*[BUSY] * 5, *[QUIET] * 40), told(*[QUIET] * 45, id=TWO)
    assert idle.asks(group(), (used, never), POLICY, now)
    assert not idle.asks(group(), (used,), POLICY, now)
    busy = told(*[QUIET] * 44, BUSY, id=TWO)
    assert not idle.asks(group(), (used, busy), POLICY, now)
    assert not idle.asks(group(), (replace(used, used_at=None), never), POLICY, now)


def test_a_row_of_another_instance_says_nothing() -> None:
    other = told(*[BUSY] * 5, *[QUIET] * 40, id=TWO)
    assert idle.idle_since(machine(), (other,), START + 44 * MINUTE) is None


def test_an_old_report_that_comes_again_changes_nothing() -> None:
    report = Report(instance=ONE, boot="b1", up=300, looks=(Look(ago=0, gpu=0, cpu=0, ssh=0),))
    row = idle.heard(Usage(instance=ONE, machine="m"), report, START + 5 * MINUTE)
    for _ in range(12):
        row = told(BUSY, since=row.samples[-1].at + MINUTE, usage=row)
    for later in (MINUTE, 10 * MINUTE, 60 * MINUTE):
        assert idle.heard(row, report, row.samples[-1].at + later) is row


def test_a_report_that_is_delivered_twice_or_out_of_order_changes_nothing() -> None:
    first = told(*[BUSY] * 5)
    row = told(*[QUIET] * 5, since=START + 5 * MINUTE, usage=first)
    again = told(*[QUIET] * 5, since=START + 5 * MINUTE, usage=row)
    assert again is row
    assert told(*[BUSY] * 5, usage=row) is row


def test_a_machine_that_boots_again_is_believed() -> None:
    row = told(*[BUSY] * 5)
    at = START + 12 * MINUTE
    looks = (Look(ago=0, gpu=0, cpu=0, ssh=0),)
    again = idle.heard(row, Report(instance=ONE, boot="b2", up=120, looks=looks), at)
    assert again.samples[-1].at == at
    assert (again.boot, again.up) == ("b2", 120)


def test_a_row_stays_small_and_still_knows_since_when() -> None:
    row = told(*[BUSY] * 5, *[QUIET] * (3 * 24 * 60))
    assert len(row.samples) < 180
    assert row.quiet_since == START + 5 * MINUTE
    assert row.samples[-1].at - row.samples[0].at <= idle.KEEP + idle.SLOT
    times = [sample.at for sample in row.samples]
    assert times == sorted(set(times))


figures = st.tuples(
    st.none() | st.integers(0, 100), st.none() | st.integers(0, 100), st.none() | st.integers(0, 3)
)


@given(st.lists(st.just(QUIET) | figures, min_size=1, max_size=120), st.integers(0, 30))
def test_whatever_is_reported_it_is_idle_only_if_the_whole_window_was_quiet_and_known(
    minutes: list[Figures], silence: int
) -> None:
    minutes = [BUSY, *minutes]
    now = START + (len(minutes) - 1 + silence) * MINUTE
    row = told(*minutes)
    asked = idle.asks(machine(), (row,), POLICY, now)
    last = [Sample(at=START, gpu=g, cpu=c, ssh=s) for g, c, s in minutes[-31:]]
    quiet = len(minutes) > 31 and all(idle.quiet(sample) for sample in last)
    assert asked is (quiet and silence <= 7)


@given(st.lists(st.tuples(st.integers(0, 90), figures), min_size=1, max_size=40))
def test_whatever_comes_in_whatever_order_time_in_a_row_goes_one_way(
    reports: list[tuple[int, Figures]],
) -> None:
    row = Usage(instance=ONE, machine="m")
    for minute, (gpu, cpu, ssh) in reports:
        at = START + minute * MINUTE
        looks = (Look(ago=0, gpu=gpu, cpu=cpu, ssh=ssh),)
        row = idle.heard(row, Report(instance=ONE, boot="b1", up=minute * 60, looks=looks), at)
    times = [sample.at for sample in row.samples]
    assert times == sorted(set(times))
    assert row.quiet_since is None or row.quiet_since <= times[-1]


def test_a_report_holds_more_than_two_of_the_usual_ones() -> None:
    assert 2 * (timedelta(minutes=5) / MINUTE) <= MOST_LOOKS
