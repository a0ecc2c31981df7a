"""The world's machines report their use as the program in their user data would."""

from datetime import timedelta

import pytest

from core import beats
from sim.town import Town

MINUTE = timedelta(minutes=1)


def _running() -> tuple[Town, str]:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type("launch p3.2xlarge on-demand for 8h")
    here.until_quiet(2 * MINUTE)
    here.world.reports()
    return here, here.world.state()["instances"][0]["id"]


def _told(here: Town) -> list[tuple[int | None, int | None, int | None]]:
    found = []
    for _, body in here.world.reports():
        report = beats.parse(body)
        assert report is not None
        found += [(look.gpu, look.cpu, look.ssh) for look in report.looks]
    return found


def test_five_minutes_of_what_the_control_said_come_in_one_report() -> None:
    here, one = _running()
    assert _told(here) == []
    here.control(do="load", instance=one, gpu=93, ssh=0)
    here.pass_time(5 * MINUTE)
    assert _told(here)[-3:] == [(93, 3, 0)] * 3
    assert _told(here) == []
    here.control(do="load", instance=one, gpu=None)
    here.pass_time(5 * MINUTE)
    assert _told(here)[-1] == (None, 3, 0)


def test_a_silent_or_stopped_machine_reports_nothing() -> None:
    here, one = _running()
    here.control(do="load", instance=one, silent=True)
    here.pass_time(11 * MINUTE)
    assert _told(here) == []
    here.control(do="load", instance=one, gpu=0)
    here.pass_time(5 * MINUTE)
    assert _told(here)
    here.type("stop")
    here.pass_time(11 * MINUTE)
    assert _told(here) == []


@pytest.mark.parametrize("load", [{"gpu": 101}, {"cpu": -1}, {"ssh": "1"}, {"gpu": True}])
def test_a_load_that_is_none_is_refused(load: dict[str, object]) -> None:
    here, one = _running()
    with pytest.raises(ValueError, match="whole number"):
        here.control(do="load", instance=one, **load)
