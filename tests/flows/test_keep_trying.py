"""A launch that waits for capacity: in rounds, quietly, until its time, for whatever would do."""

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.lifecycle.terms import pause
from core.model import Approval, Over, State
from sim.town import REGIONS, SAM, Town, buttons, town

MINUTE = timedelta(minutes=1)


def _full(text: str) -> Town:
    here = Town()
    for region in REGIONS:
        here.with_quota(region)
        here.control(do="fill-zone", region=region)
    here.ready_to_launch()
    here.type(text)
    return here


def test_said_along_with_the_launch_it_needs_no_button_and_takes_whatever_comes_free() -> None:
    here = _full("launch g6e.xlarge or g5.xlarge spot keep trying until 12:00")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.WAITING
    here.control(do="free-zone", region="eu-west-1", zone="eu-west-1b")
    here.pass_time(6 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert (m.placement.instance_type, m.placement.zone) == ("g5.xlarge", "eu-west-1b")
    assert here.counts()["instances"] == 1
    assert here.failures == []


def test_for_so_long_directly_behind_it_is_how_long_it_tries_and_not_how_long_it_runs() -> None:
    here = _full("launch g5.xlarge spot in us-west-2 keep trying for 30m")
    m = here.machine()
    assert m.keep_until == m.launch_by == m.created_at + 30 * MINUTE
    assert m.wish.length == timedelta(hours=4)
    here.pass_time(35 * MINUTE)
    assert here.machine().state is State.FAILED
    assert "keeps trying" not in here.card().text


def test_the_pauses_grow_and_each_round_asks_every_place_once() -> None:
    here = _full("launch g5.xlarge spot in us-west-2 keep trying")
    rounds = []
    calls = here.hearing("RunInstances")
    for _ in range(30):
        before = len(calls)
        here.pass_time(MINUTE)
        rounds.append(len(calls) - before)
    assert set(rounds) == {0, 3}, "three zones sell it, or nothing is asked"
    tried = [minute for minute, count in enumerate(rounds, 1) if count]
    pauses = [b - a for a, b in itertools.pairwise(tried)]
    assert pauses[:3] == [2, 4, 5]
    assert set(pauses[3:]) == {5}


def test_it_goes_on_for_as_long_as_it_was_said() -> None:
    here = _full("launch g5.xlarge spot in us-west-2 keep trying")
    here.strikes_every = 5 * MINUTE  # hours pass in which nothing happens
    here.pass_time(timedelta(hours=7))
    assert here.machine().tries > 60
    here.control(do="free-zone", region="us-west-2")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.failures == []


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 2), (2, 4), (3, 5), (41, 5), (9**9, 5)])
def test_no_number_of_tries_is_too_many(tries: int, minutes: int) -> None:
    assert pause(tries) == minutes * MINUTE


def test_its_one_message_changes_once_a_round_and_says_how_often_and_until_when() -> None:
    here = _full("launch g5.xlarge spot keep trying until 12:00")
    here.pass_time(8 * MINUTE)
    edits = len(here.posted_card().earlier)
    tries = here.machine().tries
    news = len(here.news())
    here.pass_time(30 * MINUTE)
    assert len(here.posted_card().earlier) - edits == here.machine().tries - tries == 6
    assert len(here.news()) == news
    said = here.card().text
    assert f"Tried {here.machine().tries} times, last" in said
    assert "12:00 UTC" in said
    assert "costs nothing" in said
    assert sum("no capacity yet" in h.what for h in here.machine().history) == 1


def test_it_ends_at_its_time_with_a_message_to_its_owner() -> None:
    here = _full("launch g5.xlarge spot keep trying until 10:00")
    here.pass_time(59 * MINUTE)
    assert here.machine().state is State.WAITING
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.FAILED
    assert any("was not launched" in message.text for message in here.news())
    assert set(here.counts().values()) == {0}


def test_a_deadline_that_is_nearer_than_its_time_ends_it() -> None:
    here = _full("launch g5.xlarge spot until 10:00 keep trying until 12:00")
    here.pass_time(58 * MINUTE + timedelta(seconds=30))
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.FAILED
    assert here.counts()["instances"] == 0


def test_it_can_be_cancelled_between_two_rounds() -> None:
    here = _full("launch g5.xlarge spot keep trying")
    here.pass_time(10 * MINUTE)
    here.press(here.card(), "cancel")
    here.pass_time(2 * MINUTE)
    assert here.machine().state is State.FAILED
    assert set(here.counts().values()) == {0}


def test_a_quota_that_others_use_up_meanwhile_is_waited_for() -> None:
    here = _full("launch g5.xlarge spot in us-west-2 keep trying")
    spot = "L-3819A6DF"
    here.control(do="set-quota", region="us-west-2", code=spot, value=4)
    here.pass_time(2 * MINUTE)
    other = here._client("ec2")("us-west-2")
    here.control(do="free-zone", region="us-west-2")
    image = here.machine().image
    assert image is not None
    bought = other.run_instances(
        ImageId=image.id,
        InstanceType="g5.xlarge",
        MinCount=1,
        MaxCount=1,
        InstanceMarketOptions={"MarketType": "spot"},
    )
    here.pass_time(6 * MINUTE)
    assert here.machine().state is State.WAITING
    assert "and uses 4 of them" in here.card().text
    other.terminate_instances(InstanceIds=[bought["Instances"][0]["InstanceId"]])
    here.pass_time(12 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_what_no_waiting_changes_is_asked_about_at_once() -> None:
    here = Town()  # a new account: its quota is 0
    here.ready_to_launch()
    here.type("launch g5.xlarge spot in us-east-1 keep trying until 12:00")
    here.pass_time(MINUTE)
    assert here.machine().state is State.HELD


# ---- what costs more than goes without an approval ---------------------------------------------

DEAR = "launch p4d.24xlarge on-demand in us-east-1 keep trying until 18:00 for 2h"


def _dear(**policy: Any) -> Town:
    here = town(approval_above=Decimal(10), **policy)
    here.with_quota(value=512)
    here.ready_to_launch()
    return here


def test_a_list_price_above_the_limit_is_asked_about_and_tried_for_after_the_yes() -> None:
    here = _dear()
    here.control(do="fill-zone", region="us-east-1")
    here.type(DEAR)
    assert here.machine().state is State.HELD
    assert "Ask an approver" in [b["text"]["text"] for b in buttons(here.card())]
    here.press(here.card(), "choose-0")
    here.pass_time(timedelta(seconds=5))
    here.click("approve", here.ledger.rows(Approval)[0].key, SAM)
    here.pass_time(10 * MINUTE)
    m = here.machine()
    assert m.state is State.WAITING
    assert m.keep_until == m.wish.keep_until
    here.control(do="free-zone", region="us-east-1")
    here.pass_time(6 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_list_price_that_no_approver_may_lift_is_not_waited_for() -> None:
    here = _dear(over_price=Over.BLOCK)
    here.type(DEAR)
    assert here.machine().state is State.HELD
    assert "Spot at" in here.card().text


def _limited(here: Town, limit: str) -> None:
    """The limit moves instead of the prices."""
    policy = replace(here.house.policy, approval_above=Decimal(limit))
    here.house = replace(here.house, policy=policy)


def test_a_spot_price_is_asked_about_at_first_and_waited_for_where_it_rises_later() -> None:
    here = _full("launch g5.xlarge spot in us-west-2 keep trying")
    _limited(here, "0.1")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.WAITING
    assert "costs more than goes without an approval" in here.card().text
    here.type("launch g6.xlarge spot in us-west-2 keep trying")
    assert here.machine().state is State.HELD
    assert "Ask an approver" in here.card().text
    _limited(here, "10")
    here.control(do="free-zone", region="us-west-2")
    here.pass_time(10 * MINUTE)
    assert here.machine(0).state is State.RUNNING
