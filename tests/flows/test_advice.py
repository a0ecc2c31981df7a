"""EC2's rebalance advice reaches the owner once; the two-minute notice says what is saved."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.faults import CloudError
from core.model import Market, State
from core.news import bring, wake_key
from sim.town import Town

MINUTE = timedelta(minutes=1)
EVENT = Path(__file__).parents[2] / "events" / "ec2_rebalance.json"


def _running(more: str) -> Town:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.type(f"launch g5.xlarge {more} in us-east-1 for 2h name bert")
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.RUNNING
    return here


def _advise(here: Town) -> None:
    instance = here.machine().instance
    assert instance is not None
    here.control(do="rebalance", instance=instance.id)
    here.pass_time(MINUTE)
    assert here.failures == []


def _advice(here: Town) -> list[str]:
    return [m.text for m in here.news() if "may take" in m.text]


def test_the_wake_names_the_instance_that_it_is_about() -> None:
    event = json.loads(EVENT.read_text("utf-8"))
    assert wake_key(event, "m-1") == "advice/machine/m-1/i-0123456789abcdef0"


def _event(here: Town) -> tuple[str, dict[str, Any]]:
    """What EC2 says now, about which instance."""
    instance = here.machine().instance
    assert instance is not None
    here.control(do="rebalance", instance=instance.id)
    (told,) = here.world.tick()
    return instance.id, told


def test_what_cannot_be_brought_on_its_way_is_asked_for_again() -> None:
    here = _running("spot")
    _, told = _event(here)
    here.wakes.lost = True
    with pytest.raises(CloudError):  # then Lambda calls again: no row would know of it
        bring(told, here.ledger, here.wakes)
    here.wakes.lost = False
    bring(told, here.ledger, here.wakes)
    here.pass_time(MINUTE)
    assert len(_advice(here)) == 1


def test_news_of_instances_of_others_are_let_go() -> None:
    here = _running("spot")
    here.wakes.lost = True
    bring(json.loads(EVENT.read_text("utf-8")), here.ledger, here.wakes)


def test_the_world_tells_it_as_eventbridge_does() -> None:
    here = _running("spot")
    id, told = _event(here)
    example = json.loads(EVENT.read_text("utf-8"))
    assert told.keys() == example.keys()
    assert told["detail-type"] == example["detail-type"]
    assert told["detail"] == {"instance-id": id}
    assert told["resources"] == [f"arn:aws:ec2:us-east-1:{told['account']}:instance/{id}"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("spot", "its 50 GB disk is deleted: save now what you need."),
        ("spot keep", "what runs on it is lost and its 50 GB disk is kept.\n"),
        ("spot recover", "its 50 GB disk is kept. Then it comes back by itself."),
        ("spot data bert 20", "Its data volume *bert* stays."),
        ("spot x2", "EC2 may take some of *bert* back soon"),
    ],
)
def test_the_owner_reads_once_what_would_be_lost(more: str, says: str) -> None:
    here = _running(more)
    _advise(here)
    _advise(here)
    (said,) = _advice(here)
    assert said.startswith(f"<@{here.machine().owner}> EC2 may take")
    assert says in said
    assert "It need not come to that" in said
    assert here.machine().state is State.RUNNING


def test_what_came_back_may_be_advised_of_again() -> None:
    here = _running("spot recover")
    _advise(here)
    instance = here.machine().instance
    assert instance is not None
    here.control(do="interrupt", instance=instance.id)
    here.pass_time(6 * MINUTE)
    assert here.machine().recoveries == 1
    here.wakes.wake(f"advice/machine/{here.machine().id}/{instance.id}")
    here.pass_time(MINUTE)
    assert len(_advice(here)) == 1  # a late word about the one that is gone
    _advise(here)
    assert len(_advice(here)) == 2


def test_advice_after_the_notice_or_the_stop_says_nothing_new() -> None:
    here = _running("spot keep")
    instance = here.machine().instance
    assert instance is not None
    here.control(do="interrupt", instance=instance.id)
    here.pass_time(timedelta(seconds=10))
    _advise(here)
    here.pass_time(5 * MINUTE)
    here.wakes.wake(f"advice/machine/{here.machine().id}/{instance.id}")
    here.pass_time(MINUTE)
    assert _advice(here) == []
    assert here.machine().state is State.STOPPED


def test_only_living_spot_machines_are_advised_of() -> None:
    here = _running("on-demand")
    m = here.machine()
    assert m.instance is not None
    assert m.market is Market.ON_DEMAND
    with pytest.raises(ValueError, match="no living spot"):
        here.control(do="rebalance", instance=m.instance.id)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("spot", "Save your work now: its 50 GB disk is deleted. Connect"),
        ("spot data bert 20", "its 50 GB disk is deleted. Its data volume *bert* stays."),
        ("spot keep", "its 50 GB disk is kept, to start again from. Connect"),
        ("spot recover", "to start again from. Then it comes back by itself. Connect"),
    ],
)
def test_the_two_minute_notice_says_what_is_saved(more: str, says: str) -> None:
    here = _running(more)
    instance = here.machine().instance
    assert instance is not None
    here.control(do="interrupt", instance=instance.id)
    here.pass_time(MINUTE)
    (said,) = [m.text for m in here.news() if "back and ends it" in m.text]
    assert says in said
