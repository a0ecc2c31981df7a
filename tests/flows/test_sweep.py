"""The sweep over a whole account: its own machines and nobody else's, in few calls, whatever is
missing, wrong or away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.flows import strangers
from core.flows.sweep import TOLD_AFTER, Report, sweep
from core.flows.wake import on_wake
from core.flows.watch import NotInTime
from core.model import Machine, State, SweepWatch
from core.ports import UnreadableRow
from core.reconcile import MOST_UNEXPLAINED
from sim.fleet import Fleet
from sim.town import POLICY, SAM, Town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ACTS = ("StopInstances", "TerminateInstances")


def _minutes(fleet: Fleet, number: int) -> list[Report]:
    reports = []
    for _ in range(number):
        fleet.now += MINUTE
        reports.append(sweep(fleet.watch))
    return reports


def _stopped(reports: list[Report]) -> list[str]:
    return [one.tagged.instance.id for r in reports for one in r.done if one.action != "wake"]


def _acts(fleet: Fleet) -> int:
    return sum(fleet.calls[act] for act in ACTS)


def _past_every_deadline(fleet: Fleet) -> None:
    fleet.now += 25 * HOUR


def _wakes(fleet: Fleet) -> list[str]:
    return list(iter(lambda: fleet.wakes.pop(fleet.now), None))


# ---- in few calls ---------------------------------------------------------------------------


def test_ten_thousand_machines_in_twelve_regions_are_swept_in_one_run_of_few_calls() -> None:
    fleet = Fleet(10_000, 12)
    report = sweep(fleet.watch)
    assert report.looked_at == 10_000
    assert (report.done, report.failed, report.unread, report.roused) == ((), (), {}, ())
    assert fleet.calls == {"DescribeInstances": 13}  # a page for each region, two for the largest
    assert fleet.ledger.reads == {"Query": 2, "BatchGetItem": 100}


def test_thousands_that_are_overdue_are_stopped_a_hundred_in_a_call() -> None:
    fleet = Fleet(1_000, 3)
    _past_every_deadline(fleet)
    report = sweep(fleet.watch)
    assert len(_stopped([report])) == 1_000
    assert _acts(fleet) == 12  # 384 are in the first region, 308 in each other
    assert len(fleet.up()) == 0
    assert len(_wakes(fleet)) == 1_000


# ---- nobody else's --------------------------------------------------------------------------


def _foreign(fleet: Fleet) -> set[str]:
    """Five hundred machines of others, some of which look much like ours."""
    past = str(int((fleet.now - HOUR).timestamp()))
    looks: list[dict[str, str]] = [
        {},
        {"Name": "database"},
        {"gpu:stack": f"{POLICY.stack}2", "gpu:deadline": past, "gpu:machine": "m-0"},
        {"gpu:stack": f"{POLICY.stack}.us-west-2", "gpu:deadline": past, "gpu:machine": "m-1"},
        {"gpu:stack": POLICY.stack.upper(), "gpu:deadline": past},
        {"gpu:machine": "m-2", "gpu:deadline": past, "gpu:owner": "U0ADA"},
        {"gpu:stack": "", "gpu:deadline": past},
        {"GPU:Stack": POLICY.stack, "gpu:deadline": past},
        {"gpu:stacks": POLICY.stack, "gpu:deadline": past},
        {"project": POLICY.stack},
    ]
    bought = [fleet.buy(region, 10, look) for region in fleet.regions for look in looks]
    return {id for some in bought for id in some}


def test_five_hundred_machines_of_others_are_never_touched_whatever_the_ledger_says() -> None:
    fleet = Fleet(40, 5)
    foreign = _foreign(fleet)
    assert len(foreign) == 500
    reports = _minutes(fleet, 3)
    fleet.ledger.lose(*(m.id for m in fleet.ledger.live()))
    reports += _minutes(fleet, 20)
    _past_every_deadline(fleet)
    reports += _minutes(fleet, 3)
    assert fleet.up() == foreign
    assert foreign.isdisjoint(_stopped(reports))


# ---- what no row knows ----------------------------------------------------------------------


def test_of_a_lost_table_three_a_minute_are_stopped_in_all_regions_together() -> None:
    fleet = Fleet(40, 5)
    fleet.ledger.lose(*(m.id for m in fleet.ledger.live()))
    reports = _minutes(fleet, 5)
    assert [len(_stopped([one])) for one in reports] == [MOST_UNEXPLAINED] * 5
    assert len(fleet.up()) == 25


def test_three_that_cannot_be_stopped_save_no_others() -> None:
    fleet = Fleet(12, 1)
    fleet.ledger.lose(*(m.id for m in fleet.ledger.live()))
    protected = sorted(fleet.up())[:3]
    client: Any = fleet.clients[fleet.regions[0]]
    stop = client.stop_instances

    def refusing(**params: Any) -> Any:
        if set(params["InstanceIds"]) & set(protected):
            raise client.exceptions.from_code("OperationNotPermitted")(
                {"Error": {"Code": "OperationNotPermitted", "Message": "no"}}, "StopInstances"
            )
        return stop(**params)

    client.stop_instances = refusing
    reports = _minutes(fleet, 8)
    assert fleet.up() == set(protected)
    assert all(len(_stopped([one])) <= MOST_UNEXPLAINED for one in reports)


def test_young_machines_are_left_alone_even_if_no_row_has_them() -> None:
    fleet = Fleet(1, 1)
    later = str(int((fleet.now + HOUR).timestamp()))
    tags = {"gpu:stack": POLICY.stack, "gpu:machine": "m-new", "gpu:deadline": later}
    (young,) = fleet.buy(fleet.regions[0], 1, tags)
    assert _stopped(_minutes(fleet, 14)) == []
    assert _stopped(_minutes(fleet, 2)) == [young]


def test_what_was_stopped_unknown_is_left_for_the_slack_function_to_tell() -> None:
    fleet = Fleet(2, 1)
    fleet.ledger.lose("m-0")
    (report,) = _minutes(fleet, 1)
    (id,) = _stopped([report])
    at = int(fleet.now.timestamp())
    assert _wakes(fleet) == []
    fleet.now += TOLD_AFTER
    assert _wakes(fleet) == [f"swept/{fleet.regions[0]}/stop/{at}/{id}"]


def test_of_many_at_once_each_is_told_in_a_wake_that_can_be_read() -> None:
    fleet = Fleet(40, 1)
    fleet.ledger.lose(*(m.id for m in fleet.ledger.live()))
    _past_every_deadline(fleet)
    stopped = _stopped(_minutes(fleet, 1))
    assert len(stopped) == 40
    fleet.now += TOLD_AFTER
    keys = _wakes(fleet)  # each of which the queue's reader has read
    assert sorted(id for key in keys for id in key.split("/")[-1].split(",")) == sorted(stopped)


def test_a_word_that_cannot_be_left_keeps_nothing_from_being_stopped() -> None:
    fleet = Fleet(2, 1)
    fleet.ledger.lose("m-0")
    wakes: Any = fleet.wakes
    fault = RuntimeError("no queue")

    def fails(key: str, after: timedelta = timedelta(0)) -> None:
        raise fault

    wakes.wake = fails
    (report,) = _minutes(fleet, 1)
    assert len(_stopped([report])) == 1
    assert report.failed == (fault,)


def test_a_word_that_the_queue_does_not_take_at_once_is_left_after_the_stop() -> None:
    fleet = Fleet(2, 1)
    fleet.ledger.lose("m-0")
    wakes: Any = fleet.wakes
    send, refusals = wakes.send, [RuntimeError("no queue just now")]

    def fails_once(key: str, after: timedelta) -> None:
        if refusals:
            raise refusals.pop()
        send(key, after)

    wakes.send = fails_once
    (report,) = _minutes(fleet, 1)
    (id,) = _stopped([report])
    assert report.failed == ()
    fleet.now += TOLD_AFTER
    assert [key.rpartition("/")[2] for key in _wakes(fleet)] == [id]


# ---- tags that somebody has edited ----------------------------------------------------------


def _first(fleet: Fleet) -> Machine:
    m = fleet.ledger.machine("m-0")
    assert m is not None
    return m


def _id(fleet: Fleet) -> str:
    m = _first(fleet)
    assert m.instance is not None
    return m.instance.id


@pytest.mark.parametrize("name", ["", "m-1", "m-nobody"])
def test_a_machine_whose_name_tag_was_edited_is_known_by_its_instance(name: str) -> None:
    fleet = Fleet(3, 1)
    fleet.untag(fleet.regions[0], _id(fleet), "gpu:machine")
    if name:
        fleet.tag(fleet.regions[0], _id(fleet), "gpu:machine", name)
    assert _stopped(_minutes(fleet, 5)) == []
    _past_every_deadline(fleet)
    assert _id(fleet) in _stopped(_minutes(fleet, 3))


def test_a_machine_without_our_mark_is_not_acted_on_and_its_row_is_looked_at() -> None:
    fleet = Fleet(3, 1)
    fleet.untag(fleet.regions[0], _id(fleet), "gpu:stack")
    reports = _minutes(fleet, 1)
    assert reports[0].roused == (("m-0", "EC2 shows its instance no more"),)
    _past_every_deadline(fleet)
    assert _id(fleet) not in _stopped(_minutes(fleet, 5))
    assert fleet.up() == {_id(fleet)}


def test_a_machine_without_a_deadline_tag_goes_by_its_row() -> None:
    fleet = Fleet(3, 1)
    fleet.untag(fleet.regions[0], _id(fleet), "gpu:deadline")
    assert _stopped(_minutes(fleet, 5)) == []
    _past_every_deadline(fleet)
    assert _id(fleet) in _stopped(_minutes(fleet, 3))


def test_without_rows_and_without_deadlines_there_is_still_a_brake() -> None:
    fleet = Fleet(20, 2)
    for m in fleet.ledger.live():
        assert m.instance is not None
        fleet.untag(m.instance.region, m.instance.id, "gpu:deadline")
    fleet.ledger.lose(*(m.id for m in fleet.ledger.live()))
    _past_every_deadline(fleet)
    assert [len(_stopped([one])) for one in _minutes(fleet, 3)] == [MOST_UNEXPLAINED] * 3


# ---- reads that fail ------------------------------------------------------------------------


def _fault(fleet: Fleet, region: str, code: str = "InternalError", times: int = 1) -> None:
    command = {"do": "fault", "operation": "DescribeInstances", "code": code, "times": times}
    fleet.worlds[region].control(command)


@pytest.mark.parametrize("code", ["InternalError", "timeout-without-effect", "AuthFailure"])
def test_from_a_region_that_cannot_be_read_nothing_is_concluded_and_the_others_are_swept(
    code: str,
) -> None:
    fleet = Fleet(30, 3)
    away, *others = fleet.regions
    _past_every_deadline(fleet)
    _fault(fleet, away, code)
    report = sweep(fleet.watch)
    assert list(report.unread) == [away]
    assert {one.tagged.instance.region for one in report.done} == set(others)
    assert (report.roused, report.failed) == ((), ())
    assert fleet.worlds[away].up()
    sweep(fleet.watch)
    assert fleet.up() == set()


def test_a_second_page_that_fails_makes_the_first_one_worth_nothing() -> None:
    fleet = Fleet(1_100, 1)
    fleet.ledger.lose(*(m.id for m in fleet.ledger.live()[:50]))
    client: Any = fleet.clients[fleet.regions[0]]
    answer = client._answer

    def failing(operation: str, params: dict[str, Any]) -> Any:
        if "NextToken" in params:
            _fault(fleet, fleet.regions[0])
        return answer(operation, params)

    client._answer = failing
    (report,) = _minutes(fleet, 1)
    assert list(report.unread) == list(fleet.regions)
    assert (report.done, report.roused, report.looked_at) == ((), (), 0)


def test_an_empty_answer_has_rows_looked_at_and_nothing_else() -> None:
    fleet = Fleet(5, 1)
    client: Any = fleet.clients[fleet.regions[0]]
    client._answer = lambda operation, params: {"Reservations": []}
    (report,) = _minutes(fleet, 1)
    assert {id for id, _ in report.roused} == {f"m-{n}" for n in range(5)}
    assert report.done == ()


def test_rows_that_cannot_be_read_condemn_nobody() -> None:
    fleet = Fleet(5, 1)
    fleet.untag(fleet.regions[0], _id(fleet), "gpu:deadline")
    ledger: Any = fleet.ledger

    def unreadable(id: str) -> None:
        raise UnreadableRow(id)

    ledger.machine = unreadable
    fleet.now += 23 * HOUR
    (report,) = _minutes(fleet, 1)
    assert report.done == ()
    assert len(report.failed) == 5
    _past_every_deadline(fleet)
    assert len(_stopped(_minutes(fleet, 3))) == 4
    assert fleet.up() == {_id_of(fleet)}


def _id_of(fleet: Fleet) -> str:
    return next(iter(fleet.up()))


def test_a_region_or_a_batch_of_rows_that_hangs_is_not_waited_for() -> None:
    fleet = Fleet(30, 3)
    _past_every_deadline(fleet)

    def without_the_last(looks: Any) -> Any:
        """As if the last one hung."""
        done = [look() for look in looks[:-1]] if len(looks) > 1 else [look() for look in looks]
        return (*done, *([None] if len(looks) > 1 else []))

    report = sweep(replace(fleet.watch, together=without_the_last))
    assert isinstance(report.unread[fleet.regions[-1]], NotInTime)
    assert {one.tagged.instance.region for one in report.done} <= set(fleet.regions[:-1])
    assert report.done


# ---- rows that nobody looks at --------------------------------------------------------------


@pytest.mark.parametrize("due_in", [None, timedelta(hours=26), timedelta(days=400)])
def test_a_live_row_without_a_near_appointment_is_woken(due_in: timedelta | None) -> None:
    fleet = Fleet(3, 1)
    fleet.ledger.spoil("m-0", due_at=fleet.now + due_in if due_in else None)
    (report,) = _minutes(fleet, 1)
    assert report.roused == (("m-0", "nobody would look at it again"),)
    assert _wakes(fleet) == ["machine/m-0"]


def test_a_live_row_that_the_index_has_lost_is_found_by_its_instance() -> None:
    fleet = Fleet(3, 1)
    ledger: Any = fleet.ledger
    watched = ledger.watched
    ledger.watched = lambda: {id: at for id, at in watched().items() if id != "m-0"}
    (report,) = _minutes(fleet, 1)
    assert report.roused == (("m-0", "nobody would look at it again"),)


def test_a_row_whose_instance_is_gone_is_woken_until_it_has_seen_so() -> None:
    fleet = Fleet(3, 1)
    client = fleet.clients[fleet.regions[0]]
    client.terminate_instances(InstanceIds=[_id(fleet)])
    fleet.now += 5 * MINUTE
    (report,) = _minutes(fleet, 1)
    assert report.roused == (("m-0", "EC2 shows its instance no more"),)
    fleet.ledger.spoil("m-0", unseen=1)
    assert _minutes(fleet, 1)[0].roused == ()


def _running() -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def test_a_machine_that_ended_unheard_while_its_row_slept_is_known_to_be_gone_in_minutes() -> None:
    here = _running()
    m = here.machine()
    assert m.instance is not None
    here.ledger.save(replace(m, due_at=here.now + timedelta(hours=20)), m)
    here._client("ec2")("us-east-1").terminate_instances(InstanceIds=[m.instance.id])
    here.world.tick()
    here.now += 5 * timedelta(seconds=1)
    here.now += MINUTE
    here.world.tick()  # its events are lost
    here.pass_time(15 * MINUTE)
    assert here.machine().state is State.ENDED
    assert here.failures == []


# ---- who is told ----------------------------------------------------------------------------


def _told(here: Town) -> list[str]:
    return [one.message.text for one in here.chat.directs(SAM) if "no row" in one.message.text]


def test_admins_are_told_at_once_and_then_of_many_together_and_each_is_in_the_audit_trail() -> None:
    here = Town()
    at = int(here.now.timestamp())
    on_wake(here.house, f"swept/us-east-1/stop/{at}/i-1,i-2")
    assert len(_told(here)) == 1
    assert "2 instances" in _told(here)[0]
    for number in range(3, 12):
        here.pass_time(MINUTE)
        on_wake(here.house, f"swept/us-east-1/terminate/{at + number}/i-{number}")
    assert len(_told(here)) == 1
    here.pass_time(strangers.TOLD_EVERY)
    assert len(_told(here)) == 2
    assert "9 instances" in _told(here)[1]
    here.pass_time(HOUR)
    assert len(_told(here)) == 2
    row = here.ledger.row(SweepWatch, SweepWatch().key)
    assert row is not None
    assert row.untold == ()
    lines = here.ledger.deeds(here.now - timedelta(days=1), here.now)
    assert sum("no row knows" in one.did for one in lines) == 11


def test_a_wake_that_comes_twice_tells_once() -> None:
    here = Town()
    wake = f"swept/us-east-1/stop/{int(here.now.timestamp())}/i-1"
    on_wake(here.house, wake)
    on_wake(here.house, wake)
    here.pass_time(HOUR)
    assert len(here.ledger.deeds(here.now - timedelta(days=1), here.now)) == 1
    assert len(_told(here)) == 1


def test_a_region_taken_out_of_the_policy_is_swept_while_a_row_has_something_there() -> None:
    here = _running()
    here.control(do="settings", guest=None)  # or the machine would stop itself
    (id,) = here.world.up()
    there = here.hearing("DescribeInstances")
    here.policy = replace(here.policy, regions=("us-west-2",))
    here.now += 25 * HOUR
    report = sweep(here.watch())
    assert report.looked_at == 1
    assert [(one.tagged.instance.id, one.action) for one in report.done] == [(id, "stop")]
    assert (report.failed, dict(report.unread)) == ((), {})
    assert here.world.up() == ()
    assert len([call for call in there if call["Region"] == "us-east-1"]) == 1
    here.pass_time(5 * MINUTE)
    here.type("end bert yes")
    here.pass_time(5 * MINUTE)
    there.clear()
    sweep(here.watch())
    assert [call for call in there if call["Region"] == "us-east-1"] == []


def test_of_what_ec2_did_not_stop_nothing_is_said() -> None:
    here = _running()
    (id,) = here.world.up()
    on_wake(here.house, f"swept/us-east-1/stop/{int(here.now.timestamp())}/{id}")
    here.pass_time(HOUR)
    assert _told(here) == []
    assert f"swept.{id}" not in [one.id for one in here.ledger.deeds(here.now - HOUR, here.now)]


def test_what_no_row_knows_is_stopped_and_told_without_anybody_asking() -> None:
    here = _running()
    ec2: Any = here._client("ec2")("us-east-1")
    shown = ec2.describe_instances()["Reservations"][0]["Instances"][0]
    tags = [
        {"Key": "gpu:stack", "Value": here.policy.stack},
        {"Key": "gpu:machine", "Value": "m-unheard-of"},
    ]
    bought = ec2.run_instances(
        ImageId=shown["ImageId"],
        InstanceType="g5.xlarge",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"][0]["InstanceId"]
    here.pass_time(20 * MINUTE)
    assert bought not in here.world.up()
    assert len(here.world.up()) == 1
    (said,) = _told(here)
    assert bought in said
    assert here.failures == []
