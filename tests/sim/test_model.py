"""The protocol of a launch, searched in small rooms; `make model` searches larger ones."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from core import lifecycle as life
from sim.model import SMALL, search, stuck
from sim.protocol import FULL, GONE, UNKNOWN, Model
from sim.protocol_mutants import MUTANTS, Mutant
from sim.protocol_rows import SENT, Code
from sim.town import REGIONS, Town


@pytest.mark.parametrize("room", SMALL)
def test_nothing_is_doubled_lost_or_ended_early_and_every_history_can_end(room: str) -> None:
    code = Code()
    found = search(Model(code=code, bounds=SMALL[room]))
    assert found.wrong == "", found.history
    assert len(found.worlds) > 20_000
    assert stuck(code, found.worlds) is None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_rule_is_needed(mutant: Mutant) -> None:
    found = search(mutant.model())
    assert found.wrong.startswith(mutant.leads_to)
    assert found.history


def test_the_worker_of_the_model_is_the_code_that_ships() -> None:
    code = Code()
    assert code.next_move is life.next_move
    first = code.next_call(code.first, False, ())
    assert first.name == "save"
    opened, looked = code.next_call(code.first, False, (("ok",),))
    assert code.facts[opened].attempt == 1
    assert code.next_call(opened, looked, ()).sends
    assert code.next_call(opened, looked, (("ok",),)).args == ("t1",)
    unsure = code.next_call(opened, looked, (("ok",), UNKNOWN))
    assert code.rows[unsure.row].attempt.unclear
    refused = code.next_call(opened, looked, (("ok",), FULL))
    assert code.rows[refused.row].attempt is None


def test_time_is_told_apart_where_the_code_tells_it_apart() -> None:
    moment, again, dead, fence = SENT
    assert moment < life.RESEND_AFTER
    assert life.RESEND_AFTER * life.MOST_SENDS <= again < life.SENDER_LIVES < dead < life.FENCE
    assert fence >= max(life.FENCE, life.ABSENT_FOR)


# ---- EC2 in the model is EC2 in the simulated world -------------------------------------------


@pytest.fixture
def sold() -> tuple[Town, Any, dict[str, Any]]:
    """A running spot machine, EC2's client, and the call that has bought it."""
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    heard = here.hearing("RunInstances")
    here.type("launch g5.xlarge spot in us-east-1 for 2h name bert")
    here.until_quiet()
    call = {name: value for name, value in heard[-1].items() if name != "Region"}
    return here, here._client("ec2")(REGIONS[0]), call


def test_a_token_buys_once_and_is_known_while_its_machine_is_up(sold: Any) -> None:
    here, ec2, call = sold
    again = ec2.run_instances(**call)["Instances"]
    assert [one["InstanceId"] for one in again] == [here.machine().instance.id]
    assert here.counts()["instances"] == 1


def test_the_token_of_a_machine_that_is_gone_buys_nothing(sold: Any) -> None:
    here, ec2, call = sold
    ec2.terminate_instances(InstanceIds=[here.machine().instance.id])
    with pytest.raises(ClientError, match=str(GONE[1])):
        ec2.run_instances(**call)


def test_the_token_of_a_refused_call_is_a_new_one(sold: Any) -> None:
    here, ec2, call = sold
    here.control(do="fill-zone", region=REGIONS[0])
    other = {**call, "ClientToken": "another"}
    with pytest.raises(ClientError, match=str(FULL[1])):
        ec2.run_instances(**other)
    here.control(do="free-zone", region=REGIONS[0])
    bought = ec2.run_instances(**other)["Instances"]
    assert bought[0]["InstanceId"] != here.machine().instance.id


def test_a_new_machine_is_shown_late(sold: Any) -> None:
    here, ec2, call = sold
    here.control(do="settings", visible_after=60)
    (new,) = ec2.run_instances(**{**call, "ClientToken": "another"})["Instances"]
    shown = ec2.describe_instances()["Reservations"]
    assert new["InstanceId"] not in str(shown)
