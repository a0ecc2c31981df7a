"""EC2 takes a launch and ends the machine before it ran: what is said of it, and what it cost."""

from datetime import timedelta

import pytest

from core.model import Cause, Machine, State
from core.refusals import next_step
from sim.town import Town

MINUTE = timedelta(minutes=1)
HOW = "An admin finds how in docs/deploy.md, *Disks under a key of your own*."


def booting(text: str = "launch p3.2xlarge on-demand for 2h name bert") -> Town:
    """A machine that EC2 has begun to boot."""
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    here.control(do="settings", pending=600)
    here.type(text)
    here.pass_time(MINUTE)
    assert here.machine().state is State.PENDING
    return here


def dies(here: Town, code: str) -> Machine:
    for one in [i for i in here.world.state()["instances"] if i["state"] in ("pending", "running")]:
        here.control(do="terminate-outside", instance=one["id"], code=code)
    here.pass_time(5 * MINUTE)
    m = here.machine()
    assert m.state is State.ENDED
    return m


@pytest.mark.parametrize(
    ("code", "why", "helps"),
    [
        (
            "Client.InternalError",
            "because EC2 could not use its disks",
            f"The account's key for disks may not let the bot use it. {HOW}",
        ),
        (
            "Client.InvalidKMSKey.InvalidState",
            "because EC2 could not use the account's key for disks",
            f"It may be disabled or deleted, or not let the bot use it. {HOW}",
        ),
        (
            "Client.InvalidSnapshot.NotFound",
            "because the snapshot that its disk is made from is not there",
            "Another image may do.",
        ),
        (
            "Client.VolumeLimitExceeded",
            "because the account's quota for disks is used up",
            next_step("VolumeLimitExceeded"),
        ),
        (
            "Server.InsufficientInstanceCapacity",
            "because EC2 had no room for it after all",
            "Another zone, type or market may have some, or the same later.",
        ),
    ],
)
def test_a_machine_that_never_ran_says_why_and_that_nothing_runs_and_what_helps(
    code: str, why: str, helps: str
) -> None:
    here = booting()
    m = dies(here, code)
    said = (
        f"*bert* did not come up, {why}. Nothing is running. Its disk is deleted: nothing is left "
        f"of it that costs money. {helps} To ask again: `/gpu launch p3.2xlarge on-demand for "
        "2h`"
    )
    assert m.cause is Cause.OUTSIDE
    assert here.card().text.splitlines()[0] == said
    assert said in here.news()[-1].text
    assert set(here.counts().values()) == {0}


def test_what_never_ran_is_not_counted() -> None:
    here = booting()
    m = dies(here, "Client.InternalError")
    assert m.runs == ()


def test_a_group_of_which_none_came_up_says_so() -> None:
    here = booting("launch p3.2xlarge x2 on-demand for 2h name bert")
    dies(here, "Client.InternalError")
    assert here.card().text.startswith(
        "*bert* did not come up, because EC2 could not use its disks"
    )


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "from outside (the console or another tool)"),
        (
            "Client.InstanceInitiatedShutdown",
            "from outside (it was shut down on the machine itself)",
        ),
        ("Server.InternalError", "by EC2, after an error of its own"),
        ("Client.SomethingNew", "from outside (the console, the machine itself or another tool)"),
    ],
)
def test_a_machine_that_ran_says_who_ended_it_as_far_as_ec2_does(code: str, why: str) -> None:
    here = booting()
    here.pass_time(15 * MINUTE)
    assert here.machine().ready_at is not None
    m = dies(here, code)
    assert f"*bert* was ended {why}. It ran " in here.card().text
    assert m.runs


def test_a_machine_that_came_up_before_is_not_said_not_to_have_come_up() -> None:
    here = booting()
    here.pass_time(15 * MINUTE)
    m = dies(here, "Client.InternalError")
    assert "did not come up" not in here.card().text
    assert m.runs


def test_whoever_ends_it_while_it_boots_has_ended_it() -> None:
    here = booting()
    here.type("end bert yes")
    here.pass_time(5 * MINUTE)
    assert here.machine().cause is Cause.PERSON
    assert "did not come up" not in here.card().text
