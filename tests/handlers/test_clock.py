"""The clock's function: each of its parts is done though another fails, and the alarms hear it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.faults import CloudError
from core.flows import pulse
from core.model import Pulse, State
from handlers import clock, wiring
from sim.blows import Blow, Striker, StruckPort
from sim.town import Town

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


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
