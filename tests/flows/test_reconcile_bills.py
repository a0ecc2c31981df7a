"""AWS's own bill is read once a day and stands beside ours, whatever it says or does not say."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.flows import reconcile_bills
from core.flows.wake import on_wake
from core.model import Reconciled
from sim.town import Town, town

HOUR = timedelta(hours=1)
READ = "GetCostAndUsage"


def _town() -> Town:
    here = town(approval_above=Decimal(1000), longest_lease=timedelta(days=7))
    for region in here.policy.regions:
        here.with_quota(region, 1000)
    here.ready_to_launch()
    return here


@pytest.fixture
def here() -> Town:
    """A machine has run since Tuesday, 9:00; it is Thursday, 11:00, and AWS was not asked today."""
    town = _town()
    town.strikes_every = timedelta(minutes=10)  # at :01, :11, … and :41
    town.type("launch g5.xlarge on-demand in us-east-1 for 6d name bert")
    town.pass_time(timedelta(days=2, hours=2))
    return town


def _hear(here: Town) -> list[Any]:
    """Every question to Cost Explorer from now on."""
    heard: list[Any] = []
    events = here._under_role("ce")("us-east-1").meta.events
    events.register(f"provide-client-params.cost-explorer.{READ}", lambda **_: heard.append(READ))
    return heard


def _rows(here: Town) -> dict[str, Reconciled]:
    return {row.day: row for row in here.ledger.rows(Reconciled)}


@pytest.mark.usefixtures("without_wire")
def test_every_finished_day_is_told_to_the_cent_over_a_week() -> None:
    here = _town()
    here.strikes_every = timedelta(minutes=10)
    here.type("launch g5.xlarge on-demand in us-east-1 for 5d name bert")
    here.type("launch g5.xlarge spot in us-west-2 for 2d name fox")
    here.type("launch p3.2xlarge on-demand data 300 in us-east-1 for 1d name owl")
    here.pass_time(timedelta(days=3))
    here.type("stop bert")
    here.pass_time(timedelta(days=1))
    here.type("start bert for 8h")
    here.pass_time(timedelta(days=1, hours=6))
    rows = _rows(here)
    assert {f"2026-11-{day}" for day in (24, 25, 26, 27, 28)} <= rows.keys()
    for row in rows.values():
        assert row.theirs is not None
        assert abs(row.ours - row.theirs) < Decimal("0.01"), row
        if row.day >= "2026-11-24":
            assert row.ours > Decimal("0.05")
    assert not here.failures
    [answer] = here.type("cost")
    assert "AWS's own bill for 2026-11-28: $" in answer.text
    assert "no difference" in answer.text


def test_it_is_read_once_a_day_from_noon_on(here: Town) -> None:
    asked = _hear(here)
    here.pass_time(HOUR)  # until 12:00
    assert not asked
    here.pass_time(12 * HOUR)
    assert len(asked) == 1
    here.pass_time(24 * HOUR)
    assert len(asked) == 2


def test_a_second_delivery_reads_nothing(here: Town) -> None:
    here.pass_time(2 * HOUR)
    before, asked = _rows(here), _hear(here)
    for _ in range(3):
        on_wake(here.house, "invoices/days")
    assert not asked
    assert _rows(here) == before


def test_two_at_the_same_time_leave_what_one_would(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.now = datetime(2026, 11, 26, 12, 41, tzinfo=UTC)
    before = _rows(here)
    ask = here.house.invoices.by_day

    def meanwhile(first: Any, after: Any) -> Any:
        monkeypatch.setattr(here.house.invoices, "by_day", ask)
        reconcile_bills.look(here.house)  # the other delivery, from first to last
        return ask(first, after)

    monkeypatch.setattr(here.house.invoices, "by_day", meanwhile)
    reconcile_bills.look(here.house)
    after = _rows(here)
    assert "2026-11-25" not in before
    assert after["2026-11-25"].version == 1
    assert after["2026-11-24"].version == before["2026-11-24"].version + 1


def test_killed_between_two_days_all_are_read_again(here: Town) -> None:
    here.now = datetime(2026, 11, 26, 12, 41, tzinfo=UTC)
    reconcile_bills.look(here.house)
    whole = _rows(here)
    here.ledger.drop_row(whole["2026-11-25"])  # as if nobody had come so far
    reconcile_bills.look(here.house)
    assert _rows(here)["2026-11-25"] == whole["2026-11-25"]


def test_who_may_not_read_it_is_told_why_once_a_day(here: Town) -> None:
    here.control(do="cost-explorer", readable=False)
    asked = _hear(here)
    here.pass_time(12 * HOUR)
    assert len(asked) == 1
    row = _rows(here)["2026-11-25"]
    assert (row.theirs, row.why) == (None, "AccessDeniedException")
    [answer] = here.type("cost")
    assert "for 2026-11-25 cannot be read (`AccessDeniedException`); ours $" in answer.text
    here.control(do="cost-explorer", readable=True)
    here.pass_time(24 * HOUR)
    row = _rows(here)["2026-11-25"]
    assert row.theirs is not None and row.why == ""


def test_what_was_read_stands_when_it_may_not_be_read_any_more(here: Town) -> None:
    here.pass_time(2 * HOUR)
    before = _rows(here)["2026-11-25"]
    here.control(do="cost-explorer", readable=False)
    here.pass_time(24 * HOUR)
    after = _rows(here)["2026-11-25"]
    assert after.theirs == before.theirs is not None
    assert after.read_at != before.read_at
    assert _rows(here)["2026-11-26"].why == "AccessDeniedException"


@pytest.mark.parametrize("code", ["InternalError", "ThrottlingException", "timeout-without-effect"])
def test_no_answer_is_asked_for_again_in_an_hour(here: Town, code: str) -> None:
    here.control(do="fault", operation=READ, code=code, times=2)
    asked = _hear(here)
    here.pass_time(2 * HOUR)  # until 13:00
    row = _rows(here)["2026-11-25"]
    assert row.theirs is None and row.why and row.read_at is None
    here.pass_time(10 * HOUR)
    assert len(asked) == 3
    assert _rows(here)["2026-11-25"].theirs is not None
    assert not here.failures


def test_a_day_that_aws_does_not_know_yet_is_no_difference(here: Town) -> None:
    here.control(do="cost-explorer", late=40)
    here.pass_time(2 * HOUR)
    assert (_rows(here)["2026-11-25"].theirs, _rows(here)["2026-11-25"].why) == (None, "")
    [answer] = here.type("cost")
    assert "AWS's own bill for 2026-11-25 cannot be read yet; ours $" in answer.text
    here.pass_time(48 * HOUR)
    row = _rows(here)["2026-11-25"]
    assert row.theirs is not None and abs(row.ours - row.theirs) < Decimal("0.01")


def test_half_a_day_is_told_as_one_that_may_grow(here: Town) -> None:
    here.control(do="cost-explorer", late=18)  # it knows yesterday until six in the evening
    here.pass_time(2 * HOUR)
    [answer] = here.type("cost")
    [told] = [line for line in answer.text.splitlines() if "2026-11-25" in line]
    assert told.endswith("; AWS may still add to it")
    here.pass_time(24 * HOUR)
    [answer] = here.type("cost")
    [told] = [line for line in answer.text.splitlines() if "2026-11-25" in line]
    assert told.endswith("; no difference")


def test_a_tag_that_was_never_activated_is_named(here: Town) -> None:
    here.control(do="cost-explorer", activated=False)
    here.pass_time(2 * HOUR)
    assert _rows(here)["2026-11-24"].theirs == 0
    [answer] = here.type("cost")
    assert "for 2026-11-24 has nothing marked `gpu:stack`; ours $" in answer.text
    assert "activates that cost-allocation tag once" in answer.text


def test_a_month_of_nothing_is_nothing_on_both_sides() -> None:
    here = town()
    here.pass_time(8 * HOUR)
    assert {(row.ours, row.theirs) for row in _rows(here).values()} == {(Decimal(0), Decimal(0))}


def test_aws_is_asked_by_nobody_but_the_clock(here: Town) -> None:
    asked = _hear(here)
    for text in ("cost", "list", "budget", "cost week"):
        here.type(text)
    assert not asked


def test_what_it_cannot_name_is_not_caught(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    here.now = datetime(2026, 11, 26, 12, 41, tzinfo=UTC)

    def broken(*_: Any) -> Any:
        raise KeyError("ResultsByTime")

    monkeypatch.setattr(here.house.invoices, "by_day", broken)
    with pytest.raises(KeyError):
        reconcile_bills.look(here.house)
    assert not _rows(here).keys() & {"2026-11-25"}
