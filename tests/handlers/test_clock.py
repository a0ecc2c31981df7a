"""The clock's function: each of its parts is done though another fails, and the alarms hear it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.faults import CloudError
from core.flows import pulse
from core.flows.house import one_by_one
from core.model import Pulse, State
from handlers import clock, wiring
from handlers.settings import BadSettings
from sim.blows import Blow, Striker, StruckPort
from sim.town import Town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WATCH = wiring.watch


class Context:
    function_name = "gpu-Clock"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:gpu-Clock"
    aws_request_id = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A machine runs for one hour."""
    here = Town()
    monkeypatch.setattr(wiring, "watch", here.watch)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand in us-east-1 for 1h name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    here._acting = "Clock"
    yield here
    clock.metrics.clear_metrics()


def strike(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, float], list[CloudError]]:
    """One run: the metrics that it has written, and what it failed with."""
    failed: list[CloudError] = []
    capsys.readouterr()
    try:
        clock.handler({}, Context())
    except ExceptionGroup as group:
        failed = [one for one in group.exceptions if isinstance(one, CloudError)]
        assert len(failed) == len(group.exceptions)
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in one]
    names = ("Due", "Swept", "Unexplained", "UnreadRegions")
    said = json.loads(line)
    return {name: sum(said[name]) for name in names if name in said}, failed


def test_a_run_in_which_all_is_well_counts_what_it_did_and_leaves_its_mark(
    here: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    told, failed = strike(capsys)
    assert here.wakes.due(here.now) == ("budgets/now",)  # as every five minutes
    assert told == {"Due": 1, "Swept": 0, "Unexplained": 0, "UnreadRegions": 0}
    assert not failed
    mark = here.ledger.row(Pulse, pulse.KEY)
    assert mark is not None
    assert (mark.at, mark.failed) == (here.now, ())


def test_what_is_overdue_is_stopped_though_the_table_cannot_say_what_is_due(
    here: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here.now += 2 * HOUR  # this type has no timer of its own that acts so soon
    blow = Striker(plan=lambda n, port, name: Blow.THROTTLED if name == "due" else None, awake=True)
    ledger: Any = StruckPort("ledger", here.house.ledger, blow)
    monkeypatch.setattr(wiring, "watch", lambda: replace(here.watch(), ledger=ledger))
    told, failed = strike(capsys)
    assert [one.fault.code for one in failed] == ["ThrottlingException"]  # the alarm on errors
    assert told == {"Swept": 1, "Unexplained": 0, "UnreadRegions": 0}
    here.pass_time(MINUTE)
    assert not here.world.up()
    mark = here.ledger.row(Pulse, pulse.KEY)
    assert mark is not None


def test_a_region_that_cannot_be_read_has_an_alarm_of_its_own_and_hides_nothing(
    here: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    here.now += 2 * HOUR  # this type has no timer of its own that acts so soon
    here.control(
        do="fault", operation="DescribeInstances", code="InternalError", region="eu-west-1", times=9
    )
    told, failed = strike(capsys)
    assert not failed
    assert (told["Swept"], told["UnreadRegions"]) == (1, 1)
    mark = here.ledger.row(Pulse, pulse.KEY)
    assert mark is not None
    assert mark.failed == ("InternalError",)


# ---- a slip in the settings -------------------------------------------------------------------

SLIPS = [
    ("LONGEST_LEASE_MINUTES", "120"),  # DEFAULT_LEASE_MINUTES is 240
    ("LARGEST_DISK_GB", "40"),  # DEFAULT_DISK_GB is 50
    ("LARGEST_DISK_GB", "5"),
    ("IDLE_MINUTES", "3"),
    ("ALLOWED_TYPES", "g5*"),
    ("ADMINS", "u0sam"),
    ("ALLOWED_CHANNELS", "#gpu-lab"),
    ("ALLOWED_NETWORKS", "192.0.2.1/24"),
    ("REGIONS", "us-east-1, EU-West-1"),
    ("REGIONS", "us_east_1"),
]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function, read anew by each test."""
    for name, value in {
        "TABLE_NAME": "table",
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/queue",
        "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
        "STACK_NAME": "gpu",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    made = (wiring._read, wiring.table, wiring.wakes, wiring._cloud, wiring._sqs)
    for one in made:
        one.cache_clear()
    yield monkeypatch
    for one in made:
        one.cache_clear()


@pytest.fixture
def wired(here: Town, deployed: pytest.MonkeyPatch) -> Town:
    """What the function makes of its environment; only AWS is the town's."""
    ports: dict[str, Any] = {
        "cloud": here.house.cloud,
        "ledger": here.house.ledger,
        "wakes": here.house.wakes,
    }
    watch = lambda: replace(WATCH(here.clock), together=one_by_one, **ports)  # noqa: E731 - short
    deployed.setattr(wiring, "watch", watch)
    return here


@pytest.mark.parametrize(("name", "value"), SLIPS)
def test_a_setting_that_is_wrong_keeps_the_clock_from_nothing_and_is_told_at_the_end(
    name: str,
    value: str,
    wired: Town,
    deployed: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    deployed.setenv(name, value)
    wired.now += 2 * HOUR  # this type has no timer of its own that acts so soon
    with pytest.raises(ExceptionGroup) as told:  # the alarm on errors
        clock.handler({}, Context())
    (wrong,) = told.value.exceptions
    assert isinstance(wrong, BadSettings)
    assert name in str(wrong)
    (line,) = [one for one in caplog.records if "not done" in one.getMessage()]
    assert name in vars(line)["error"]
    (counted,) = [one for one in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in one]
    assert json.loads(counted)["Swept"] == [1.0]
    assert f"due/machine/{wired.machine().id}" in wired.wakes.due(wired.now)
    mark = wired.ledger.row(Pulse, pulse.KEY)
    assert mark is not None
    assert (mark.at, mark.failed) == (wired.now, ("BadSettings",))


@pytest.mark.parametrize(("name", "value"), SLIPS)
def test_it_keeps_news_of_ec2_from_nothing_either_and_nobody_launches_by_it(
    name: str, value: str, deployed: pytest.MonkeyPatch
) -> None:
    deployed.setenv(name, value)
    wiring.table()
    wiring.wakes()  # all that the function for events works with
    with pytest.raises(BadSettings, match=name):
        wiring.house()


@pytest.mark.parametrize("name", ["TABLE_NAME", "QUEUE_URL", "STACK_NAME"])
def test_without_the_table_the_queue_or_the_mark_nothing_can_be_done(
    name: str, deployed: pytest.MonkeyPatch
) -> None:
    deployed.delenv(name)
    with pytest.raises(BadSettings, match=name):
        WATCH()
