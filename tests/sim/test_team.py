"""A team in simulated days: `make team` runs months of it."""

from datetime import timedelta
from decimal import Decimal

from sim.team import months


def test_days_of_a_team_leave_nothing_late_nothing_unsaid_and_the_right_bill() -> None:
    report = months(people=8, days=3, seed=1)
    assert report.machines > 8
    assert report.overdue == []
    assert report.worst <= timedelta(minutes=1)
    assert report.warned_twice == []
    assert report.unsaid == []
    assert report.failures == []
    # A cent for each machine: those of a group are told of one look (five seconds) apart.
    assert abs(report.ours - report.theirs) <= Decimal("0.01") * report.machines
