"""Saved images: made of a machine, told when ready, launched, copied, listed, deleted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.blocks import Message
from core.model import ImageState, SavedImage, State
from sim.town import ADA, CHANNEL, LIN, SAM, Town, buttons

MINUTE = timedelta(minutes=1)
HOME, AWAY = "us-east-1", "eu-west-1"


def running(text: str = "launch g5.xlarge in us-east-1 name amber-fox") -> Town:
    here = Town()
    here.ready_to_launch()
    for region in (HOME, AWAY):
        here.with_quota(region)
    here.type(text)
    here.until_quiet()
    assert here.machine().state is State.RUNNING
    return here


def saved(here: Town, name: str = "bert-env") -> Town:
    here.type(f"save amber-fox as {name}")
    here.pass_time(3 * MINUTE)
    assert row(here, name).copies[0].state is ImageState.AVAILABLE
    return here


def row(here: Town, name: str = "bert-env") -> SavedImage:
    found = here.ledger.row(SavedImage, name)
    assert found is not None
    return found


def said(messages: list[Message]) -> str:
    return "\n".join(m.text for m in messages)


def ec2(here: Town, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.world.state()[kind]
    return found


# ---- save -----------------------------------------------------------------------------------


def test_an_image_is_made_and_its_owner_is_told_with_what_it_costs() -> None:
    here = running()
    here.type("save amber-fox as bert-env")
    assert "is being made" in said(here.news())
    assert "goes on running" in said(here.news())
    here.pass_time(3 * MINUTE)
    last = here.news()[-1].text
    assert f"<@{ADA}>" in last
    assert "*bert-env* is ready" in last
    assert "$2.50 a month" in last  # 50 GB at $0.05
    assert "/gpu launch g5.xlarge image bert-env" in last
    (image,) = ec2(here, "images")
    assert image["tags"]["gpu:image"] == "bert-env"
    assert image["tags"]["gpu:stack"] == "gpu"
    assert image["encrypted"]
    assert not here.failures


def test_it_is_told_once_and_nobody_looks_any_more() -> None:
    here = saved(running())
    here.pass_time(30 * MINUTE)
    assert said(here.news()).count("is ready. Launch it") == 1
    assert row(here).due_at is None


def test_a_stopped_machine_is_saved_without_a_warning() -> None:
    here = running()
    here.type("stop amber-fox")
    here.until_quiet()
    saved(here)
    assert "half there" not in said(here.news())


def test_a_data_volume_is_not_part_of_the_image() -> None:
    here = running("launch g5.xlarge in us-east-1 name amber-fox data 500")
    here.pass_time(5 * MINUTE)
    saved(here)
    (image,) = ec2(here, "images")
    assert len(image["snapshots"]) == 1


@pytest.mark.parametrize(
    ("text", "user", "word"),
    [
        ("save amber-fox as base", ADA, "another name"),
        ("save amber-fox as ubuntu", ADA, "another name"),
        ("save amber-fox as bert-env", LIN, "belongs to"),
        ("save nobody as bert-env", ADA, "No machine"),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_made(text: str, user: str, word: str) -> None:
    here = running()
    assert word in said(here.type(text, user))
    here.pass_time(2 * MINUTE)
    assert not ec2(here, "images")
    assert not here.ledger.rows(SavedImage)


def test_what_costs_money_is_not_begun_from_a_channel_that_may_not_launch() -> None:
    here = running()
    here.house = replace(here.house, policy=replace(here.policy, channels=frozenset({CHANNEL})))
    assert "may not be launched from this channel" in said(
        here.type("save amber-fox as bert-env", channel="C0OTHER")
    )
    assert here.ledger.row(SavedImage, "bert-env") is None


def test_an_admin_may_save_anybodys_machine() -> None:
    here = running()
    here.type("save amber-fox as bert-env", SAM)
    here.pass_time(3 * MINUTE)
    assert row(here).owner == SAM


def test_a_name_that_is_taken_is_refused() -> None:
    here = saved(running())
    assert "already" in said(here.type("save amber-fox as bert-env"))
    assert len(ec2(here, "images")) == 1


def test_a_machine_that_is_not_up_yet_cannot_be_saved() -> None:
    here = Town()
    here.ready_to_launch()
    here.type("launch g5.xlarge in us-east-1 name amber-fox")  # held: no quota
    assert "No image can be made" in said(here.type("save amber-fox as bert-env"))


def test_delivered_twice_it_is_one_image() -> None:
    here = running()
    request = here.request("save amber-fox as bert-env")
    here.deliver(request)
    here.deliver(request)
    here.pass_time(3 * MINUTE)
    here.deliver(request)
    assert len(ec2(here, "images")) == 1
    assert said(here.news()).count("is being made") == 1


def test_an_answer_that_is_lost_makes_no_second_image() -> None:
    here = running()
    here.control(do="fault", operation="CreateImage", code="timeout-with-effect")
    here.type("save amber-fox as bert-env")
    here.pass_time(5 * MINUTE)
    assert len(ec2(here, "images")) == 1
    assert row(here).copies[0].state is ImageState.AVAILABLE


def test_when_ec2_is_busy_it_is_made_a_little_later() -> None:
    here = running()
    here.control(do="fault", operation="CreateImage", code="RequestLimitExceeded", times=3)
    saved(here)
    assert len(ec2(here, "images")) == 1


def test_a_refusal_is_told_and_the_name_is_free_again() -> None:
    here = running()
    here.control(do="fault", operation="CreateImage", code="UnauthorizedOperation")
    here.type("save amber-fox as bert-env")
    here.pass_time(2 * MINUTE)
    assert "could not be made" in said(here.news())
    assert "costs nothing" in said(here.news())
    assert here.ledger.row(SavedImage, "bert-env") is None
    saved(here)


def test_a_failed_image_leaves_nothing_behind() -> None:
    here = running()
    here.type("save amber-fox as bert-env")
    (image,) = ec2(here, "images")
    here.control(do="fail-image", region=HOME, image=image["id"])
    here.pass_time(3 * MINUTE)
    assert "could not be made" in said(here.news())
    assert not ec2(here, "images")
    assert not ec2(here, "snapshots")
    assert here.ledger.row(SavedImage, "bert-env") is None


def test_an_image_outlives_its_machine() -> None:
    here = saved(running())
    here.type("end amber-fox")
    here.pass_time(timedelta(hours=3))
    assert len(ec2(here, "images")) == 1
    assert len(ec2(here, "snapshots")) == 1


# ---- launch ---------------------------------------------------------------------------------


def test_a_saved_image_is_launched_where_it_is() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env", LIN)
    here.type("launch g5.xlarge image bert-env name two")
    here.until_quiet()
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.region == HOME
    assert m.image is not None
    assert m.image.id == row(here).copies[0].image
    assert (m.image.name, m.image.user) == ("bert-env", "ubuntu")


def test_in_another_region_it_is_copied_first_and_the_launch_goes_on_by_itself() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env in eu-west-1 name two")
    m = here.machine()
    assert m.state is State.WAITING
    assert "waits for image `bert-env`" in here.card().text
    assert "being copied to eu-west-1" in here.card().text
    assert "$2.50 a month" in here.card().text
    assert "none runs yet" in here.card().text
    here.pass_time(5 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.region == AWAY
    copy = next(i for i in ec2(here, "images") if i["region"] == AWAY)
    assert m.image is not None
    assert m.image.id == copy["id"]
    assert copy["encrypted"]
    assert not here.failures


def test_two_launches_wait_for_one_copy() -> None:
    here = saved(running())
    for name in ("two", "three"):
        here.type(f"launch g5.xlarge image bert-env in eu-west-1 name {name}")
    here.pass_time(5 * MINUTE)
    assert [m.state for m in here.ledger.everything()[1:]] == [State.RUNNING] * 2
    assert len([i for i in ec2(here, "images") if i["region"] == AWAY]) == 1


def test_a_launch_waits_for_an_image_that_is_still_being_made() -> None:
    here = running()
    here.type("save amber-fox as bert-env")
    here.type("launch g5.xlarge image bert-env in us-east-1 name two")
    assert here.machine().state is State.WAITING
    assert "being made in us-east-1" in here.card().text
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_launch_waits_for_the_copy_although_the_image_is_where_there_is_no_quota() -> None:
    here = saved(running())
    here.control(do="set-quota", region=HOME, code="L-DB2E81BA", value=4)  # the first has it all
    reads = here.hearing("DescribeInstanceTypes")
    here.type("launch g5.xlarge image bert-env in us-east-1 or eu-west-1 name two")
    assert here.machine().state is State.WAITING
    assert len(reads) <= 4
    assert len(here.posted_card().earlier) <= 3
    assert sum("waits for the image" in h.what for h in here.machine().history) == 1
    here.pass_time(10 * MINUTE)
    m = here.machine()
    assert m.state is State.RUNNING
    assert m.placement is not None
    assert m.placement.region == AWAY


def test_a_copy_that_fails_is_said_and_removed() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env in eu-west-1 name two")
    here.pass_time(timedelta(seconds=10))
    copy = next(i for i in ec2(here, "images") if i["region"] == AWAY)
    here.control(do="fail-image", region=AWAY, image=copy["id"])
    here.pass_time(3 * MINUTE)
    assert here.machine().state is State.HELD
    assert "could not be copied to eu-west-1" in here.card().text
    assert [i["region"] for i in ec2(here, "images")] == [HOME]
    here.pass_time(15 * MINUTE)
    here.type("launch g5.xlarge image bert-env in eu-west-1 name three")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_waiting_launch_can_be_cancelled() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env in eu-west-1 name two")
    here.press(here.card(), "cancel")
    here.pass_time(5 * MINUTE)
    assert here.machine().state is State.FAILED
    assert here.counts()["instances"] == 1


def test_the_wrong_architecture_is_said_before_anything_is_copied() -> None:
    here = saved(running())
    here.type("launch g5g.xlarge image bert-env in us-west-2 name two")
    assert here.machine().state is State.HELD
    assert "bert-env is for x86_64, but g5g.xlarge is arm64" in here.card().text
    assert len(ec2(here, "images")) == 1


def test_the_disk_is_as_large_as_the_images() -> None:
    here = saved(running("launch g5.xlarge in us-east-1 name amber-fox disk 120"))
    here.type("launch g5.xlarge image bert-env name two")
    here.until_quiet()
    assert here.machine().disk_gb == 120


def test_an_image_that_was_removed_outside_is_said() -> None:
    here = saved(running())
    here.house.own_images.remove(HOME, row(here).copies[0].image)
    here.type("launch g5.xlarge image bert-env in us-east-1 name two")
    assert here.machine().state is State.HELD
    assert "somebody removed it" in here.card().text


def test_an_unknown_image_is_refused_with_what_was_probably_meant() -> None:
    here = saved(running())
    assert "image pytorch" in said(here.type("launch g5.xlarge image pytroch"))
    assert "image bert-env" in said(here.type("launch g5.xlarge image bert-emv"))
    assert len(here.ledger.everything()) == 1


# ---- list and delete ------------------------------------------------------------------------


def test_the_list_says_whose_how_large_how_dear_how_old_and_where() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env in eu-west-1 name two")
    here.pass_time(timedelta(hours=2))
    text = said(here.type("images", LIN))
    for part in ("bert-env", f"<@{ADA}>", "50 GB", "$5.00 a month", "2 h", HOME, AWAY, "x86_64"):
        assert part in text
    assert "/gpu launch g5.xlarge image bert-env" in text


def test_without_images_the_list_says_how_to_make_one() -> None:
    assert "/gpu save" in said(Town().type("images"))


def test_deleting_asks_first_and_then_leaves_nothing() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env in eu-west-1 name two")
    here.pass_time(5 * MINUTE)
    (question,) = here.type("images delete bert-env")
    assert "$5.00 a month" in question.text
    assert len(ec2(here, "images")) == 2
    (done,) = here.press(question, "image-delete")
    assert "deleted" in done.text
    assert not ec2(here, "images")
    assert not ec2(here, "snapshots")
    assert here.ledger.row(SavedImage, "bert-env") is None
    assert here.machine().state is State.RUNNING


def test_yes_skips_the_question() -> None:
    here = saved(running())
    here.type("images delete bert-env yes")
    assert not ec2(here, "images")


def test_a_yes_that_comes_again_asks_about_an_image_that_was_saved_anew() -> None:
    here = saved(running())
    delete = here.request("images delete bert-env yes")
    here.deliver(delete)
    assert not ec2(here, "images")
    here.pass_time(MINUTE)
    saved(here)
    (question,) = here.deliver(delete)
    assert "$" in question.text
    assert len(ec2(here, "images")) == 1
    here.type("images delete bert-env yes")
    assert not ec2(here, "images")


def test_a_save_that_comes_again_after_its_image_was_deleted_makes_none() -> None:
    here = running()
    save = here.request("save amber-fox as bert-env")
    here.deliver(save)
    here.pass_time(3 * MINUTE)
    here.type("images delete bert-env yes")
    here.pass_time(3 * MINUTE)
    assert "is deleted since" in said(here.deliver(save))
    here.pass_time(3 * MINUTE)
    assert not ec2(here, "images")
    saved(here)  # typed again it is another wish


def test_keeping_it_changes_nothing() -> None:
    here = saved(running())
    (question,) = here.type("images delete bert-env")
    assert "stays" in said(here.press(question, "image-keep"))
    assert len(ec2(here, "images")) == 1


def test_an_old_question_does_not_delete_an_image_that_was_saved_anew() -> None:
    here = saved(running())
    (question,) = here.type("images delete bert-env")
    here.type("images delete bert-env yes")
    saved(here)
    here.press(question, "image-delete")
    assert len(ec2(here, "images")) == 1


def test_only_the_owner_or_an_admin_deletes() -> None:
    here = saved(running())
    (answer,) = here.type("images delete bert-env yes", LIN)
    assert "belongs to" in answer.text
    assert not buttons(answer)
    assert len(ec2(here, "images")) == 1
    here.type("images delete bert-env yes", SAM)
    assert not ec2(here, "images")


def test_an_image_is_not_deleted_under_a_launch() -> None:
    here = saved(running())
    here.type("launch g5.xlarge image bert-env in eu-west-1 name two")
    assert "being launched" in said(here.type("images delete bert-env yes"))
    assert ec2(here, "images")


@pytest.mark.parametrize("operation", ["DeregisterImage", "DeleteSnapshot", "DescribeSnapshots"])
def test_what_cannot_be_deleted_now_is_deleted_later_and_told(operation: str) -> None:
    here = saved(running())
    here.control(do="fault", operation=operation, code="RequestLimitExceeded", times=3)
    assert "is being deleted" in said(here.type("images delete bert-env yes"))
    here.pass_time(10 * MINUTE)
    assert not ec2(here, "images")
    assert not ec2(here, "snapshots")
    assert "is deleted in us-east-1" in said(here.news())
    assert here.ledger.row(SavedImage, "bert-env") is None


def test_an_image_whose_making_had_no_answer_is_deleted_all_the_same() -> None:
    here = running()
    here.control(do="fault", operation="CreateImage", code="timeout-with-effect")
    here.type("save amber-fox as bert-env")
    here.type("images delete bert-env yes")
    here.pass_time(15 * MINUTE)
    assert not ec2(here, "images")
    assert not ec2(here, "snapshots")
    assert here.ledger.row(SavedImage, "bert-env") is None


def test_a_name_nobody_knows_is_refused_with_the_nearest() -> None:
    here = saved(running())
    assert "`bert-env`" in said(here.type("images delete bert-emv"))
