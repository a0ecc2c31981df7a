"""Many at once: never more than asked for, none lost, and the channel says how many there are."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.blocks import Message
from core.flows.step import step_on_event
from core.model import FINAL, Cause, ChoiceKind, Desire, Machine, Purse, State
from sim.fuse import NEVER, Fuse, fused, guarded
from sim.ledger import MemoryLedger
from sim.town import ADA, CHANNEL, LIN, REGIONS, SAM, Town, buttons, town

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOME = "us-east-1"
ZONES = ("us-east-1a", "us-east-1c", "us-east-1d", "us-east-1f")  # that sell p3.2xlarge


class Called:
    """Counts what is sent to EC2, by operation."""

    def __init__(self, here: Town) -> None:
        self.counts: Counter[str] = Counter()
        for region in REGIONS:
            client = here.house.cloud._ec2(region)  # type: ignore[attr-defined]
            client.meta.events.register("before-parameter-build", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.counts[model.name] += 1


def prepared(**room: int) -> Town:
    """A town with quota for 200; `room` is what a zone (a, c, d, f) has left of everything."""
    here = town(approval_above=Decimal(1000))
    here.with_quota(value=1600)
    here.ready_to_launch()
    limit(here, **room)
    return here


def limit(here: Town, **room: int) -> None:
    for zone, count in room.items():
        here.control(do="fill-zone", region=HOME, zone=f"{HOME}{zone}", room=count)


def launch(here: Town, words: str = "x16 on-demand", *, length: str = "4h") -> Machine:
    here.type(f"launch p3.2xlarge {words} in {HOME} for {length} name fox")
    return here.machine()


def group(here: Town) -> Machine:
    """The row of the first launch."""
    return next(m for m in here.ledger.everything() if m.name == "fox")


def other(here: Town) -> Machine:
    """The row of the launch that tries for the rest."""
    return next(m for m in here.ledger.everything() if m.name == "fox-more")


def card(here: Town) -> Message:
    """The card of the first launch."""
    place = group(here).card
    return next(p.message for p in here.chat.channel(CHANNEL) if p.place == place)


def bought(here: Town, m: Machine | None = None) -> list[dict[str, Any]]:
    """Every instance that EC2 has or had of a machine."""
    id = (m or group(here)).id
    return [i for i in here.world.state()["instances"] if i["tags"].get("gpu:machine") == id]


def up(here: Town) -> list[str]:
    return [i["id"] for i in bought(here) if i["state"] in ("pending", "running")]


# ---- buying ---------------------------------------------------------------------------------


def test_sixteen_over_two_zones_are_two_calls_one_card_and_one_word_when_ready() -> None:
    here = prepared(a=10, c=6)
    called = Called(here)
    launch(here)
    here.until_quiet()
    m = group(here)
    assert (m.state, len(m.members), len(up(here))) == (State.RUNNING, 16, 16)
    assert called.counts["RunInstances"] == 2
    assert Counter(i["zone"] for i in bought(here)) == {"us-east-1a": 10, "us-east-1c": 6}
    assert len(here.ledger.everything()) == 1
    assert len([n for n in here.news() if "ready" in n.text]) == 1
    assert m.tagged == m.lease.deadline if m.lease else False
    assert here.failures == []


def test_when_one_zone_has_them_all_one_call_is_enough() -> None:
    here = prepared()
    called = Called(here)
    launch(here)
    assert called.counts["RunInstances"] == 1
    assert len(up(here)) == 16


def test_a_hundred_are_launched_in_one_go_without_throttling_ourselves() -> None:
    here = prepared(a=60, c=30, d=4)
    called = Called(here)
    launch(here, "x100 on-demand")
    here.until_quiet()
    m = group(here)
    assert (m.state, len(m.members), len(up(here))) == (State.RUNNING, 100, 100)
    assert m.ready_at is not None
    assert called.counts["RunInstances"] == 4
    # A hundred machines bring two hundred events in these seconds: none of them is a read each.
    assert called.counts["DescribeInstances"] < 20
    assert called.counts["DescribeInstanceStatus"] < 20
    called.counts.clear()
    here.type("extend fox 1h")
    assert called.counts["CreateTags"] == 1
    here.type("end fox")
    here.until_quiet()
    assert group(here).state is State.ENDED
    assert called.counts["TerminateInstances"] == 1
    assert set(here.counts().values()) == {0}


def test_without_any_capacity_it_is_a_launch_like_any_other() -> None:
    here = prepared(a=0, c=0, d=0, f=0)
    called = Called(here)
    m = launch(here)
    assert (m.state, m.members) == (State.HELD, ())
    assert called.counts["RunInstances"] == len(ZONES)
    assert "choose" in {b["action_id"].split(":")[0].split("-")[0] for b in buttons(here.card())}


def test_where_the_quota_has_room_for_some_fewer_can_be_launched_at_once() -> None:
    here = prepared()
    here.with_quota(value=83)  # ten of 8 vCPUs, and three more
    launch(here)
    assert group(here).state is State.HELD
    label = "Launch 10 now"
    (fewer,) = [b for b in buttons(here.card()) if label in b["text"]["text"]]
    here.click(fewer["action_id"], fewer["value"])
    m = group(here)
    assert (m.wish.count, len(m.members), len(up(here))) == (10, 10, 10)


def test_a_held_launch_shows_what_all_of_them_cost() -> None:
    here = prepared()
    here.with_quota(value=83)
    launch(here)  # $3.06 each
    said = here.card().text
    assert "from $48.96/h on-demand ($3.06/h each)" in said
    assert "[Launch 10 now at $30.60/h]" in said


def test_above_the_limit_nothing_is_offered_that_costs_as_much_for_all_of_them() -> None:
    here = town(approval_above=Decimal(20))
    for region in REGIONS:
        here.with_quota(region, value=1600)
    here.ready_to_launch()
    m = launch(here)
    assert m.hold is not None
    offered = [c for c in m.hold.choices if c.hourly is not None]
    assert [c.kind for c in offered] == [ChoiceKind.MARKET, ChoiceKind.TYPE]  # no dear us-west-2
    assert all(c.hourly is not None and c.hourly * 16 <= 20 for c in offered)
    assert "up to $48.96/h on-demand ($3.06/h each)" in here.card().text


def test_what_another_took_of_the_quota_meanwhile_ends_the_buying_and_loses_nothing() -> None:
    here = prepared(a=10)
    here.control(do="fault", operation="RunInstances", code="VcpuLimitExceeded")
    here.control(do="clear-faults")
    cloud = here.house.cloud
    run, answers = cloud.run, iter([True])

    def refuse_the_second(region: str, request: Any) -> Any:
        given = run(region, request)
        if next(answers, False):
            here.control(do="fault", operation="RunInstances", code="VcpuLimitExceeded", times=9)
        return given

    here.house = replace(here.house, cloud=_With(cloud, run=refuse_the_second))
    launch(here)
    here.control(do="clear-faults")
    here.until_quiet()
    m = group(here)
    assert (m.state, len(m.members), m.missing) == (State.RUNNING, 10, 6)
    assert len(up(here)) == 10


class _With:
    """A port with some of its methods replaced."""

    def __init__(self, port: Any, **methods: Any) -> None:
        self._port = port
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


# ---- fewer than asked for -------------------------------------------------------------------


def short() -> Town:
    """Thirteen of sixteen run."""
    here = prepared(a=10, c=3, d=0, f=0)
    launch(here)
    here.until_quiet()
    return here


def test_the_missing_ones_are_not_bought_where_machines_may_not_be_launched_any_more() -> None:
    here = short()
    here.house = replace(here.house, policy=replace(here.policy, channels=frozenset({"C0OTHER"})))
    (refused,) = here.press(card(here), "more")
    assert "may not be launched from this channel" in refused.text
    assert group(here).missing == 3


def test_thirteen_of_sixteen_is_said_as_such() -> None:
    here = short()
    m = group(here)
    assert (m.state, len(m.members), m.missing) == (State.RUNNING, 13, 3)
    assert "13 of 16" in card(here).text
    assert "Keep trying for 3" in [b["text"]["text"] for b in buttons(card(here))]


def test_keep_trying_for_three_is_a_launch_of_its_own_with_the_same_end() -> None:
    here = short()
    here.press(card(here), "more")
    m, rest = group(here), other(here)
    assert (rest.name, rest.wish.count, rest.state) == ("fox-more", 3, State.WAITING)
    assert m.lease is not None
    assert rest.wish.until == m.lease.deadline
    assert "more" not in [b["action_id"] for b in buttons(card(here))]
    limit(here, d=16)
    here.pass_time(3 * MINUTE)
    rest = other(here)
    assert (rest.state, len(rest.members)) == (State.RUNNING, 3)
    assert rest.lease is not None
    assert rest.lease.deadline == m.lease.deadline
    assert len(here.world.state()["instances"]) == 16


def test_two_who_press_it_open_one_launch() -> None:
    here = short()
    shown = card(here)
    here.press(shown, "more")
    here.press(shown, "more", user=SAM)
    assert len(here.ledger.everything()) == 2


def test_a_stranger_may_not_press_it() -> None:
    here = short()
    here.press(card(here), "more", user=LIN)
    assert len(here.ledger.everything()) == 1


def test_who_said_keep_trying_is_taken_at_it() -> None:
    here = prepared(a=10, c=3, d=0, f=0)
    launch(here, "x16 on-demand keep trying")
    here.until_quiet(2 * MINUTE)
    m, rest = group(here), other(here)
    assert (len(m.members), m.missing) == (13, 0)
    assert (rest.wish.count, rest.state) == (3, State.WAITING)
    here.type("end fox-more")
    here.pass_time(5 * MINUTE)
    assert len(here.world.state()["instances"]) == 13


def test_a_stop_of_all_means_the_rest_that_the_launch_before_it_has_asked_for() -> None:
    here = prepared(a=10, c=3, d=0, f=0)
    launch(here, "x16 on-demand keep trying")
    stop = here.request("stop all yes")
    here.until_quiet(2 * MINUTE)
    assert other(here).desire is Desire.RUN
    here.deliver(stop)
    assert (group(here).desire, other(here).desire) == (Desire.STOP, Desire.GONE)


def test_a_stop_of_all_does_not_mean_the_rest_that_somebody_has_asked_for_since() -> None:
    here = short()
    stop = here.request("stop all yes")
    here.now += SECOND
    here.press(card(here), "more")
    here.deliver(stop)
    assert (group(here).desire, other(here).desire) == (Desire.STOP, Desire.RUN)


# ---- silence --------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", [0, 1], ids=["first call", "second call"])
@pytest.mark.parametrize("silence", ["timeout-with-effect", "timeout-without-effect"])
def test_silence_never_buys_more_than_was_asked_for(silence: str, attempt: int) -> None:
    here = prepared(a=10, c=6)
    cloud, calls = here.house.cloud, Counter[str]()
    run = cloud.run

    def silent_once(region: str, request: Any) -> Any:
        if calls["run"] == attempt:
            here.control(do="fault", operation="RunInstances", code=silence, times=1)
        calls["run"] += 1
        return run(region, request)

    here.house = replace(here.house, cloud=_With(cloud, run=silent_once))
    launch(here)
    here.pass_time(3 * MINUTE)
    m = group(here)
    assert (m.state, len(m.members), len(bought(here))) == (State.RUNNING, 16, 16)
    assert {one.instance.id for one in m.members} == {i["id"] for i in bought(here)}


def test_what_ec2_shows_late_is_neither_lost_nor_bought_again() -> None:
    here = prepared(a=10)
    cloud = here.house.cloud
    find, run = cloud.find, cloud.run

    def without_answer(region: str, request: Any) -> Any:
        here.control(do="fault", operation="RunInstances", code="timeout-with-effect", times=1)
        return run(region, request)

    partly = _With(cloud, run=without_answer, find=lambda *a: find(*a)[:7])
    here.house = replace(here.house, cloud=partly)
    launch(here)
    here.pass_time(15 * MINUTE)
    m = group(here)
    assert len(bought(here)) == 10
    assert (m.state, len(m.members)) == (State.RUNNING, 10)


def shows_a_part(here: Town, count: int, *, also: str = "") -> Counter[str]:
    """The first call has its effect and no answer; for two minutes the next ones are throttled, and
    EC2 shows so many of those that were bought. `also` is done to the first of them."""
    cloud, calls, whole = here.house.cloud, Counter[str](), here.now + 2 * MINUTE
    find, run = cloud.find, cloud.run

    def silent(region: str, request: Any) -> Any:
        calls["run"] += 1
        code = "timeout-with-effect" if calls["run"] == 1 else "RequestLimitExceeded"
        if here.now < whole:
            here.control(do="fault", operation="RunInstances", code=code, times=1)
        return run(region, request)

    def partly(*asked: Any) -> Any:
        found = find(*asked)
        if also and len(found) > count and calls["done"] == 0:
            calls["done"] += 1
            here.control(do=also, instance=found[0].id)
            found = find(*asked)
        return found[:count] if here.now < whole else found

    here.house = replace(here.house, cloud=_With(cloud, run=silent, find=partly))
    return calls


@pytest.mark.parametrize("also", ["", "terminate-outside"], ids=["", "one of them ended"])
def test_of_a_group_that_is_shown_in_part_the_others_are_not_bought_again(also: str) -> None:
    here = prepared()
    calls = shows_a_part(here, 5, also=also)
    launch(here, "x8 on-demand keep trying")
    assert (group(here).state, calls["run"]) == (State.LAUNCHING, 1)
    here.pass_time(9 * SECOND)
    assert calls["run"] == 1, "a pause before it is asked again"
    here.pass_time(15 * MINUTE)
    assert len(here.world.state()["instances"]) == 8
    m = group(here)
    assert m.state is State.RUNNING
    assert {one.instance.id for one in m.members} == set(up(here))
    assert [row.name for row in here.ledger.everything()] == ["fox"]


def test_a_stop_ends_what_runs_while_another_call_has_no_answer() -> None:
    here = prepared(a=10, c=6)
    cloud, run, calls = here.house.cloud, here.house.cloud.run, Counter[str]()

    def then_silent(region: str, request: Any) -> Any:
        calls["run"] += 1
        if calls["run"] > 1:
            here.control(do="fault", operation="RunInstances", code="timeout-with-effect", times=1)
        return run(region, request)

    here.house = replace(here.house, cloud=_With(cloud, run=then_silent))
    launch(here)
    assert (group(here).state, len(group(here).members)) == (State.LAUNCHING, 10)
    here.type("stop fox")
    assert len(up(here)) <= 6
    here.pass_time(15 * MINUTE)
    assert group(here).state is State.ENDED
    assert group(here).cause is Cause.PERSON
    assert set(here.counts().values()) == {0}


# ---- crashes --------------------------------------------------------------------------------


def _story(here: Town) -> Iterator[Callable[[], object]]:
    asked = here.request(f"launch p3.2xlarge x5 on-demand in {HOME} for 1h name fox")
    yield lambda: here.deliver(asked)
    yield lambda: here.pass_time(2 * MINUTE)
    yield lambda: _press_more(here)
    yield lambda: here.pass_time(2 * MINUTE)
    stop = here.request("stop fox")
    yield lambda: here.deliver(stop)
    yield lambda: here.pass_time(3 * MINUTE)


def _press_more(here: Town) -> None:
    """If it is there: a launch whose function died waits for EC2's answer a little longer."""
    shown = card(here)
    if "more" in [b["action_id"] for b in buttons(shown)]:
        here.press(shown, "more")


def _lived(at: int, *, after: bool) -> tuple[Town, Fuse]:
    here = prepared(a=2, c=2, d=0, f=0)
    fuse = fused(here, at, after=after)
    for act in _story(here):
        guarded(act)
    return here, fuse


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_no_member_is_lost_or_bought_twice(after: bool) -> None:
    here, fuse = _lived(NEVER, after=after)
    assert (group(here).state, len(bought(here))) == (State.STOPPED, 4)
    calls = fuse.counted
    for at in (*range(1, 90, 2), *range(90, calls, 11)):
        here, fuse = _lived(at, after=after)
        assert fuse.left <= 0, at
        here.pass_time(12 * MINUTE)
        m = group(here)
        assert len(bought(here)) <= 5, f"call {at}"
        assert m.state in (*FINAL, State.STOPPED), f"call {at}: {m.state}"
        assert up(here) == [], f"call {at}"
        known = {i.id for row in here.ledger.everything() for i in row.instances}
        assert {i["id"] for i in bought(here)} <= known, f"call {at}"
        assert len(here.ledger.everything()) <= 2, f"call {at}"


# ---- news -----------------------------------------------------------------------------------


def then(here: Town, act: Callable[[], object]) -> None:
    """Once, right after a step has written what it read of the group."""
    acts = [act]

    def save(new: Machine, seen: Machine) -> Machine:
        written = here.ledger.save(new, seen)
        if new.looked_at != seen.looked_at and acts:
            acts.pop()()
        return written

    here.house = replace(here.house, ledger=_With(here.ledger, save=save))


def unheard(here: Town, do: str, member: int) -> None:
    """Done to a member, and none of EC2's events of it arrives."""
    here.control(do=do, instance=group(here).members[member].instance.id)
    here.world.tick()


def to_the_next_look(here: Town) -> None:
    """The clock is as late as the queue: nothing else looks at it."""
    due = group(here).due_at
    assert due is not None
    here.strikes_every = HOUR
    here.pass_time(MINUTE)
    here.pass_time(due - SECOND - here.now)


@pytest.mark.parametrize("silent", [True, False], ids=["nothing to say", "its card is edited"])
def test_news_of_a_member_that_comes_while_a_step_goes_to_rest_is_looked_into(silent: bool) -> None:
    here = running()
    here.until_quiet()
    here.control(do="settings", terminate=60, stop=60)  # no later event helps

    def news() -> None:
        unheard(here, "terminate-outside", 0)
        step_on_event(here.house, group(here).id)

    to_the_next_look(here)
    if not silent:
        unheard(here, "stop-outside", 1)
    then(here, news)
    here.pass_time(2 * SECOND)
    assert len(group(here).members) == 4, "it was read before"
    here.pass_time(5 * SECOND)
    assert len(group(here).members) == 3


def test_a_hundred_events_while_a_step_goes_to_rest_are_one_more_look() -> None:
    here = running()
    here.until_quiet()
    id, woken, called = group(here).id, Counter[str](), Called(here)

    def wake(key: str, after: timedelta = timedelta(0)) -> None:
        woken[key] += 1
        here.wakes.wake(key, after)

    here.house = replace(here.house, wakes=_With(here.wakes, wake=wake))

    def events() -> None:
        for _ in range(100):
            step_on_event(here.house, id)

    to_the_next_look(here)
    woken.clear()
    called.counts.clear()
    then(here, events)
    here.pass_time(10 * SECOND)
    assert called.counts["DescribeInstances"] == 2
    assert woken[f"due/machine/{id}"] <= 3
    assert group(here).news_at is None


# ---- living together ------------------------------------------------------------------------


def running(words: str = "x4 on-demand", **room: int) -> Town:
    here = prepared(**room)
    launch(here, words)
    here.until_quiet()
    assert group(here).ready_at is not None
    return here


def test_a_spot_member_that_is_taken_back_leaves_the_others_and_their_price() -> None:
    here = running("x4 spot")
    each = group(here).members[0].placement.hourly
    here.control(do="interrupt", instance=up(here)[1])
    here.pass_time(4 * MINUTE)
    m = group(here)
    assert (m.state, len(m.members), m.lost) == (State.RUNNING, 3, 1)
    assert m.runs[-1].hourly == 3 * each
    assert (m.runs[-2].hourly, m.runs[-2].instances) == (3 * each, 4)  # its first hour is free
    assert "3 of 4" in card(here).text


def test_when_all_are_taken_back_the_group_ends() -> None:
    here = running("x3 spot")
    for id in up(here):
        here.control(do="interrupt", instance=id)
    here.pass_time(6 * MINUTE)
    assert (group(here).state, group(here).cause) == (State.ENDED, Cause.SPOT)
    assert set(here.counts().values()) == {0}


def test_stop_and_start_are_for_all_of_them() -> None:
    here = running("x4 on-demand", a=3, c=9)
    called = Called(here)
    here.type("stop fox")
    here.until_quiet()
    assert group(here).state is State.STOPPED
    assert {i["state"] for i in bought(here)} == {"stopped"}
    assert called.counts["StopInstances"] == 1
    here.control(do="free-zone", region=HOME)
    here.type("start fox")
    here.until_quiet()
    m = group(here)
    assert (m.state, len(up(here))) == (State.RUNNING, 4)
    assert m.ready_at is not None
    assert called.counts["StartInstances"] == 2  # one for each zone
    assert m.runs[-1].hourly == m.hourly


def test_a_zone_that_is_full_at_the_start_keeps_only_its_own_down() -> None:
    here = running("x4 on-demand", a=3, c=9)
    here.type("stop fox")
    here.until_quiet()
    limit(here, a=3, c=0)
    here.type("start fox")
    here.until_quiet()
    m = group(here)
    assert (m.state, len(up(here))) == (State.RUNNING, 3)
    assert "1 stopped" in card(here).text
    here.type("end fox")
    here.until_quiet()
    assert set(here.counts().values()) == {0}


def test_a_start_that_no_zone_can_serve_leaves_them_all_stopped() -> None:
    here = running()
    here.type("stop fox")
    here.until_quiet()
    here.control(do="fill-zone", region=HOME)
    here.type("start fox")
    here.until_quiet()
    assert group(here).state is State.STOPPED
    assert up(here) == []


def test_one_that_is_stopped_in_the_console_does_not_stop_the_others() -> None:
    here = running()
    here.control(do="stop-outside", instance=up(here)[0])
    here.pass_time(15 * MINUTE)
    m = group(here)
    assert (m.state, len(up(here))) == (State.RUNNING, 3)
    assert "1 stopped" in card(here).text
    here.type("stop fox")
    here.until_quiet()
    assert group(here).state is State.STOPPED


def test_one_that_is_stopped_costs_and_promises_nothing_until_all_are_started() -> None:
    here = running("x3 on-demand")  # $3.06/h each
    here.type("budget team 500", SAM)
    here.control(do="stop-outside", instance=up(here)[0])
    here.pass_time(15 * MINUTE)
    m = group(here)
    assert "Price: $6.12/h" in card(here).text
    for words in ("list", "extend fox 1h", "stop all"):
        (said,) = here.type(words)
        assert "$9.18" not in said.text, words
    assert "1 up for $6.12/h" in here.type("list")[0].text
    extend = next(b for b in buttons(card(here)) if b["action_id"] == "extend")
    assert "+$12.24" in extend["text"]["text"]  # two hours of two
    row = here.ledger.row(Purse, "team")
    assert row is not None
    assert [one.hourly for one in row.commitments] == [2 * m.members[0].placement.hourly]
    here.type("stop fox")
    here.until_quiet()
    assert "starts it again at $9.18/h" in card(here).text


def test_all_of_them_stop_at_the_deadline_and_their_tags_follow_the_lease() -> None:
    here = prepared()
    launch(here, "x4 on-demand", length="1h")
    here.until_quiet()
    here.type("extend fox 30m")
    lease = group(here).lease
    assert lease is not None
    assert {i["tags"]["gpu:deadline"] for i in bought(here)} == {
        str(int(lease.deadline.timestamp()))
    }
    here.pass_time(95 * MINUTE)
    assert group(here).state is State.STOPPED
    assert up(here) == []


def test_the_sweep_stops_all_of_them_when_their_row_is_lost() -> None:
    here = prepared()
    launch(here, "x4 on-demand", length="1h")
    here.until_quiet()
    here.ledger = MemoryLedger()
    here.house = replace(here.house, ledger=here.ledger)
    here.pass_time(70 * MINUTE)
    assert {i["state"] for i in here.world.state()["instances"]} == {"stopped"}


def test_ssh_names_each_of_them_by_number_and_address() -> None:
    here = running("x3 on-demand")
    (answer,) = here.type("ssh fox")
    for one in group(here).members:
        assert one.instance.address
        assert one.instance.address in answer.text
    assert "fox-3" in answer.text


def test_what_a_group_costs_is_what_all_of_them_cost() -> None:
    here = running("x4 on-demand")
    m = group(here)
    assert m.hourly == 4 * m.members[0].placement.hourly
    (answer,) = here.type("list")
    assert "$12.24/h" in answer.text
    assert "4 x `p3.2xlarge`" in answer.text


def test_everybody_elses_machines_are_left_alone() -> None:
    here = prepared()
    here.ready_to_launch(LIN)
    launch(here, "x3 on-demand")
    here.type(f"launch p3.2xlarge on-demand in {HOME} for 4h name owl", LIN)
    here.until_quiet()
    here.type("end fox", ADA)
    here.until_quiet()
    assert [i["state"] for i in bought(here, here.machine())] == ["running"]


def test_the_notice_names_the_member_that_ec2_takes_back_and_the_others_stay() -> None:
    here = running("x4 spot")
    for number in (2, 3):
        instance = next(one.instance.id for one in group(here).members if one.number == number)
        here.control(do="interrupt", instance=instance)
    here.pass_time(20 * SECOND)
    (told,) = [n for n in here.news() if "EC2 takes" in n.text]
    assert "fox-" in told.text
    assert "The others stay" in told.text
    assert "*fox-2*, *fox-3*" in card(here).text
    here.pass_time(5 * MINUTE)
    assert [one.number for one in group(here).members] == [1, 4]
    assert "EC2 takes" not in card(here).text
    here.type("extend fox 1h")
    assert "extended" in group(here).history[-1].what


def test_spot_keep_is_for_one_machine() -> None:
    here = prepared()
    (answer,) = here.type(f"launch p3.2xlarge x2 spot keep in {HOME}")
    assert "single machines only" in answer.text
    assert here.ledger.everything() == ()
