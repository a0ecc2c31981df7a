"""A group moves as the member that is furthest behind does; it buys and loses members itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import lifecycle as life
from core import meter
from core.bills import bill_of
from core.lifecycle import groups
from core.model import (
    Attempt,
    Cause,
    Desire,
    Hold,
    HoldKind,
    Instance,
    Lease,
    Machine,
    Market,
    NoticeKind,
    Placement,
    State,
    Wish,
)
from core.ports import Tagged
from core.reconcile import Action, sweep

T = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LEASE = Lease(
    length=4 * HOUR,
    started_at=T,
    deadline=T + 4 * HOUR,
    warn_at=T + 4 * HOUR - 15 * MINUTE,
    hard=T + 24 * HOUR,
)


def at(zone: str, market: Market = Market.ON_DEMAND, **more: str) -> Placement:
    return Placement(
        instance_type=more.get("type", "g5.xlarge"),
        region=more.get("region", "us-east-1"),
        zone=zone,
        subnet=f"subnet-{zone}",
        market=market,
        hourly=Decimal(1) if market is Market.ON_DEMAND else Decimal("0.4"),
    )


A, B = at("us-east-1a"), at("us-east-1b")


def some(count: int, zone: str = "us-east-1a", state: str = "pending") -> tuple[Instance, ...]:
    return tuple(
        Instance(id=f"i-{zone[-1]}{n}", region="us-east-1", zone=zone, state=state, launched_at=T)
        for n in range(count)
    )


def trying(count: int = 16, placements: tuple[Placement, ...] = (A, B)) -> Machine:
    """A launch of a group whose first attempt is open and has been sent."""
    m = Machine(
        id="m-1",
        version=1,
        name="amber-fox",
        owner="U1",
        channel="C1",
        wish=Wish(
            instance_type="g5.xlarge", market=placements[0].market, region="us-east-1", count=count
        ),
        state=State.LAUNCHING,
        desire=Desire.RUN,
        created_at=T,
        launch_by=T + 15 * MINUTE,
        due_at=T,
        prepared="us-east-1",
        group="sg-1",
        placements=placements,
    )
    return attempting(m, 1, placements[0])


def attempting(m: Machine, number: int, place: Placement) -> Machine:
    attempt = Attempt(number=number, placement=place, token=f"t{number}", request="{}")
    return life.sending(life.opened(m, attempt, m.lease or LEASE, "sg-1"), T)


def ready(count: int, market: Market = Market.ON_DEMAND) -> Machine:
    """A group of which every member runs and answers."""
    m = life.adopted(trying(count, (at("us-east-1a", market),)), T, some(count))
    up = tuple(replace(i, state="running", checks_ok=True) for i in some(count))
    return replace(life.seen_all(m, T + MINUTE, up), owed=())


def as_seen(m: Machine, **states: str) -> tuple[Instance, ...]:
    """What EC2 shows, where these members have another state."""
    return tuple(
        replace(i, state=states[i.id.replace("-", "_")], checks_ok=False)
        if i.id.replace("-", "_") in states
        else i
        for i in m.instances
    )


# ---- buying ---------------------------------------------------------------------------------


def test_what_one_zone_does_not_give_is_asked_of_the_next() -> None:
    m = life.adopted(trying(16), T, some(10))
    assert (m.state, len(m.members), m.missing) == (State.LAUNCHING, 10, 6)
    assert life.next_move(m, T, looked=False) == life.Open(placement=B)
    m = life.adopted(attempting(m, 2, B), T, some(6, "us-east-1b"))
    assert (m.state, len(m.members), m.missing) == (State.PENDING, 16, 0)
    assert [one.number for one in m.members] == list(range(1, 17))
    assert life.spread(m) == (("us-east-1a", 10), ("us-east-1b", 6))


def test_all_members_are_of_one_type_in_one_region() -> None:
    other = (at("us-east-1c", type="g6.xlarge"), at("us-west-2a", region="us-west-2"))
    m = life.adopted(trying(16, (A, *other, B)), T, some(10))
    assert m.placements == (B,)


def test_the_same_instances_in_two_answers_are_members_once() -> None:
    m = life.adopted(trying(16), T, some(10))
    again = life.adopted(attempting(m, 1, A), T, some(10))
    assert [one.instance.id for one in again.members] == [i.id for i in some(10)]


def test_a_refusal_keeps_the_lease_of_those_that_run() -> None:
    m = attempting(life.adopted(trying(16), T, some(10)), 2, B)
    m = life.refused(m, T + SECOND, "InsufficientInstanceCapacity")
    assert m.lease == LEASE
    assert life.next_move(m, T + SECOND, looked=False) == life.GiveUp()


@pytest.mark.parametrize(
    "stuck",
    [
        lambda m: life.held(m, T, Hold(kind=HoldKind.REFUSED, code="UnauthorizedOperation")),
        life.replanned,
    ],
    ids=["held", "replanned"],
)
def test_a_group_that_runs_in_part_is_never_taken_for_unbought(stuck: object) -> None:
    m = life.adopted(trying(16), T, some(10))
    assert callable(stuck)
    after = stuck(m)
    assert after.state is State.LAUNCHING
    assert len(after.members) == 10
    assert life.next_move(after, T, looked=False) == life.GiveUp()


def test_at_the_end_of_its_time_a_launch_goes_on_with_what_it_has() -> None:
    m = life.adopted(trying(16), T, some(10))
    assert life.next_move(m, m.launch_by, looked=False) == life.GiveUp()


@pytest.mark.parametrize(
    ("when", "desire", "cause"),
    [(T, Desire.GONE, Cause.PERSON), (LEASE.deadline, Desire.RUN, Cause.DEADLINE)],
    ids=["a person", "the deadline"],
)
def test_what_runs_ends_though_an_attempt_has_no_answer(
    when: datetime, desire: Desire, cause: Cause
) -> None:
    m = attempting(life.adopted(trying(16), T, some(10)), 2, B)
    m = life.unclear(replace(m, desire=desire))
    move = life.next_move(m, when, looked=False)
    assert isinstance(move, life.Change)
    assert (move.to.state, move.to.cause) == (State.ENDING, cause)
    assert life.next_move(move.to, when, looked=False) == life.Look()
    assert life.next_move(move.to, when, looked=True) == life.EndIt()
    ids = tuple(i.id for i in m.instances)
    ending = life.believed(move.to, "shutting-down", ids)
    assert isinstance(life.next_move(ending, when, looked=True), life.Resolve)


def test_whatever_the_attempt_of_an_ending_group_bought_ends_too() -> None:
    m = attempting(life.adopted(trying(16), T, some(10)), 2, B)
    m = life.ending(m, T, Cause.PERSON, "U1")
    m = life.believed(m, "shutting-down", tuple(i.id for i in m.instances))
    m = life.adopted(m, T, some(3, "us-east-1b"))
    assert (m.state, len(m.members)) == (State.ENDING, 13)
    assert life.next_move(m, T, looked=True) == life.EndIt()


# ---- the one that is behind -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "behind"),
    [
        ({"running", "pending"}, "pending"),
        ({"running", "stopped"}, "running"),
        ({"stopping", "stopped"}, "stopping"),
        ({"stopped", "terminated"}, "stopped"),
        ({"shutting-down", "terminated"}, "shutting-down"),
        ({"terminated"}, "terminated"),
    ],
)
def test_the_representative_is_the_one_that_has_most_before_it(
    states: set[str], behind: str
) -> None:
    m = life.adopted(trying(2), T, some(len(states)))
    members = tuple(
        replace(one, instance=replace(one.instance, state=state))
        for one, state in zip(m.members, sorted(states), strict=True)
    )
    assert groups.behind(replace(m, members=members)).state == behind


def test_a_group_is_ready_once_every_member_answers() -> None:
    m = life.adopted(trying(3), T, some(3))
    up = tuple(replace(i, state="running", checks_ok=True) for i in some(3))
    late = life.seen_all(m, T, (*up[:2], replace(up[2], checks_ok=False)))
    assert (late.state, late.ready_at) == (State.RUNNING, None)
    all_up = life.seen_all(late, T + MINUTE, up)
    assert all_up.ready_at == T + MINUTE
    assert [n.kind for n in all_up.owed] == [NoticeKind.READY]


def test_it_is_stopped_once_every_member_is() -> None:
    m = life.stopping(life.unwanted(ready(3), T, Cause.PERSON, "U1"), T)
    half = life.seen_all(m, T + HOUR, as_seen(m, i_a0="stopped", i_a1="stopping"))
    assert half.state is State.STOPPING
    done = life.seen_all(
        half, T + HOUR, as_seen(half, i_a0="stopped", i_a1="stopped", i_a2="stopped")
    )
    assert done.state is State.STOPPED
    assert done.runs[-1].ended_at == T + HOUR


def test_one_that_somebody_stops_leaves_the_others_running() -> None:
    m = ready(3)
    m = life.seen_all(m, T + HOUR, as_seen(m, i_a1="stopped"))
    assert (m.state, m.desire) == (State.RUNNING, Desire.RUN)
    assert m.runs[-1].hourly == 2


def machines_cost(m: Machine, until: datetime) -> Decimal:
    """USD of its instances up to then, without their addresses and disks."""
    runs = tuple(replace(run, instances=0) for run in m.runs)
    return meter.spent(replace(bill_of(m), runs=runs, stores=()), T, until)


# ---- losing ---------------------------------------------------------------------------------


def test_a_member_that_ends_by_itself_is_counted_and_billed_no_more() -> None:
    m = ready(3, Market.SPOT)
    taken = replace(as_seen(m, i_a1="terminated")[1], reason="Server.SpotInstanceTermination")
    m = life.seen_all(m, T + HOUR, (m.instances[0], taken, m.instances[2]))
    assert (m.state, m.lost, m.missing) == (State.RUNNING, 1, 0)
    assert [one.number for one in m.members] == [1, 3]
    assert m.history[-1].what == "taken back by EC2: 2; 2 are left"
    assert machines_cost(m, T + 2 * HOUR) == Decimal("0.4") * (3 + 2)


def test_numbers_are_never_given_again() -> None:
    m = ready(3)
    m = life.seen_all(m, T, as_seen(m, i_a2="terminated"))
    m = life.seen_all(m, T, (*m.instances, *some(1, "us-east-1b", "running")))
    assert [one.number for one in m.members] == [1, 2, 4]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("Server.SpotInstanceTermination", Cause.SPOT), ("Client.User", Cause.OUTSIDE)],
)
def test_when_the_last_one_is_gone_the_group_ends_for_that_reason(
    reason: str, cause: Cause
) -> None:
    m = ready(2, Market.SPOT)
    gone = tuple(replace(i, state="terminated", reason=reason) for i in m.instances)
    m = life.seen_all(m, T + HOUR, gone)
    assert (m.state, m.cause, len(m.members)) == (State.ENDING, cause, 2)
    assert isinstance(life.next_move(m, T + HOUR, looked=True), life.Tidy)


def test_a_member_that_reads_do_not_show_is_gone_only_after_several_of_them() -> None:
    m, now = ready(2), T
    for _ in range(life.ABSENT_READS):
        m = life.seen_all(m, now, m.instances[:1])
        assert len(m.members) == 2
        now += MINUTE
    m = life.seen_all(m, T + life.ABSENT_FOR, m.instances[:1])
    assert (len(m.members), m.lost, m.unseen) == (1, 1, 0)


def test_one_that_ec2_shows_late_becomes_a_member() -> None:
    m = life.adopted(trying(3, (A,)), T, some(2))
    m = life.seen_all(groups.gathered(m), T, some(3, state="running"))
    assert (len(m.members), m.missing) == (3, 0)
    assert m.runs[-1].hourly == 3


# ---- money ----------------------------------------------------------------------------------


def test_a_group_costs_the_sum_of_its_members_from_when_each_was_bought() -> None:
    m = life.adopted(trying(16), T, some(10))
    assert m.hourly == 10
    m = life.adopted(attempting(m, 2, B), T + 3 * SECOND, some(6, "us-east-1b"))
    assert m.hourly == 16
    second = Decimal(1) / 3600
    assert machines_cost(m, T + HOUR).quantize(Decimal("0.0001")) == (
        (10 * 3600 + 6 * 3597) * second
    ).quantize(Decimal("0.0001"))


def test_a_group_with_one_spot_member_cannot_stop() -> None:
    m = life.adopted(trying(16), T, some(10))
    spot = at("us-east-1b", Market.SPOT)
    m = life.adopted(attempting(m, 2, spot), T, some(6, "us-east-1b"))
    assert not m.can_stop
    assert m.hourly == 10 + Decimal("2.4")


# ---- the sweep ------------------------------------------------------------------------------


def test_no_member_is_a_stranger_to_the_sweep_and_any_other_instance_is() -> None:
    m = ready(3)
    stray = replace(m.instances[0], id="i-stray")
    found = tuple(
        (
            Tagged(
                instance=one,
                machine=m.id,
                owner="U1",
                market=Market.ON_DEMAND,
                deadline=LEASE.deadline,
            ),
            m,
        )
        for one in (*m.instances, stray)
    )
    swept = sweep(found, T + HOUR)
    assert [(s.tagged.instance.id, s.action) for s in swept] == [("i-stray", Action.STOP)]
