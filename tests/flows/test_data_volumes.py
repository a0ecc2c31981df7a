"""Data volumes outlive their machines, follow them to other zones, and are never lost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.flows import tabs
from core.model import DataVolume, State, Tab, VolumeState
from sim.blows import Blow
from sim.fuse import fused, guarded
from sim.struck import Struck
from sim.town import ADA, CHANNEL, LIN, SAM, Town, buttons, person

KEY = f"{ADA}.bert"
LAUNCH = "launch g5.xlarge on-demand for 1h in us-east-1"
MINUTES = timedelta(minutes=1)


def _town() -> Town:
    here = Town()
    for region in ("us-east-1", "us-west-2"):
        here.with_quota(region)
    here.ready_to_launch()
    return here


def _launch(here: Town, more: str, minutes: int = 3) -> Any:
    answers = here.type(f"{LAUNCH} {more}")
    here.pass_time(minutes * MINUTES)
    return answers


def _end(here: Town, name: str) -> None:
    here.type(f"end {name}")
    here.pass_time(3 * MINUTES)


def _row(here: Town) -> DataVolume | None:
    return here.ledger.row(DataVolume, KEY)


def _volumes(here: Town) -> list[dict[str, Any]]:
    return [v for v in here.world.state()["volumes"] if v["tags"].get("gpu:data") == KEY]


def _full_but(here: Town, zone: str) -> None:
    region = zone[:-1]
    here.control(do="fill-zone", region=region)
    here.control(do="free-zone", region=region, zone=zone)


def test_it_is_made_where_the_machine_comes_up_and_outlives_it() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    (made,) = _volumes(here)
    instance = here.machine().instance
    assert instance is not None
    assert (made["gb"], made["encrypted"], made["instance"]) == (500, True, instance.id)
    assert any("is attached to *amber*" in m.text and "$40.00" in m.text for m in here.news())
    _end(here, "amber")
    (left,) = _volumes(here)
    assert (left["id"], left["state"]) == (made["id"], "available")
    row = _row(here)
    assert row is not None
    assert (row.state, row.machine, row.due_at) == (VolumeState.FREE, None, None)
    assert here.failures == []


def test_the_next_launch_goes_to_its_zone_and_has_it() -> None:
    here = _town()
    _full_but(here, "us-east-1b")
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    here.control(do="free-zone", region="us-east-1")
    here.type("launch g5.xlarge on-demand for 1h data bert name fox")
    here.pass_time(3 * MINUTES)
    instance = here.machine().instance
    assert instance is not None
    assert instance.zone == "us-east-1b"
    assert [v["instance"] for v in _volumes(here)] == [instance.id]


@pytest.mark.parametrize("zone", ["us-east-1b", "us-west-2a"])
def test_it_follows_by_snapshot_and_the_old_one_goes_last(zone: str) -> None:
    here = _town()
    _full_but(here, "us-east-1a")
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    (old,) = _volumes(here)
    _full_but(here, zone)
    here.type(f"launch g5.xlarge on-demand for 1h in {zone[:-1]} data bert name fox")
    here.pass_time(10 * timedelta(seconds=1))
    assert old["id"] in {v["id"] for v in _volumes(here)}
    here.pass_time(6 * MINUTES)
    (new,) = _volumes(here)
    instance = here.machine().instance
    assert instance is not None
    assert (new["zone"], new["instance"]) == (zone, instance.id)
    assert new["content"] == old["content"]
    assert here.world.state()["snapshots"] == []
    assert any("copied there by snapshot" in m.text for m in here.news())


def test_a_machine_that_ends_on_the_way_leaves_it_where_it_was() -> None:
    here = _town()
    _full_but(here, "us-east-1a")
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    (old,) = _volumes(here)
    _full_but(here, "us-east-1b")
    here.control(do="settings", snapshot=600)
    _launch(here, "data bert name fox", minutes=1)
    assert here.world.state()["snapshots"] != []
    _end(here, "fox")
    here.pass_time(5 * MINUTES)
    assert [v["id"] for v in _volumes(here)] == [old["id"]]
    assert here.world.state()["snapshots"] == []


def test_two_machines_cannot_have_it() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    (answer,) = here.type(f"{LAUNCH} data bert name fox")
    assert "belongs to amber" in answer.text
    assert "Nothing was started." in answer.text
    assert len(here.world.state()["instances"]) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("data bert", "There is no data volume `bert`"),
        ("x3 data bert 500", "one machine"),
        ("io2 disk 20 iops 30000", "30 GB"),
        ("io2 disk 200 throughput 500", "no throughput"),
        ("disk 200 iops 3000 throughput 1000", "4,000 IOPS"),
    ],
)
def test_disks_that_cannot_be_start_nothing(words: str, said: str) -> None:
    here = _town()
    (answer,) = here.type(f"{LAUNCH} {words}")
    assert said in answer.text
    assert here.ledger.everything() == ()
    assert here.ledger.rows(DataVolume) == ()


def test_a_root_disk_is_as_fast_as_was_wished() -> None:
    here = _town()
    _launch(here, "disk 200 io2 iops 8000")
    (root,) = here.world.state()["volumes"]
    assert (root["gb"], root["kind"], root["iops"], root["encrypted"]) == (200, "io2", 8000, True)


def test_a_larger_wish_grows_it_and_a_smaller_one_says_that_it_cannot_shrink() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    _launch(here, "data bert 600 name fox", minutes=15)
    assert [v["gb"] for v in _volumes(here)] == [600]
    _end(here, "fox")
    _launch(here, "data bert 100 name owl")
    assert [v["gb"] for v in _volumes(here)] == [600]
    assert any("cannot shrink" in m.text for m in here.news())


def test_a_launch_that_comes_to_nothing_leaves_it_as_large_as_it_is() -> None:
    here = _town()
    _launch(here, "data bert 100 name amber")
    _end(here, "amber")
    here.control(do="fill-zone", region="us-east-1")
    _launch(here, "data bert 5000 name fox")
    assert "100 GB" in here.type("data")[0].text
    here.type("end fox")
    here.pass_time(5 * MINUTES)
    assert "*bert*: 100 GB, us-east-1a, free, $8.00 a month" in here.type("data")[0].text
    (tab,) = here.ledger.rows(Tab)
    assert [round(store.hourly * 730, 2) for store in tab.stores] == [8]
    here.control(do="free-zone", region="us-east-1")
    _launch(here, "data bert name owl", minutes=15)
    assert [(v["gb"], v["state"]) for v in _volumes(here)] == [(100, "in-use")]
    assert here.failures == []


def test_what_grows_is_told_and_counted_as_soon_as_it_is_larger() -> None:
    here = _town()
    _launch(here, "data bert 100 name amber")
    _end(here, "amber")
    _launch(here, "data bert 600 name fox")
    assert any("being grown to 600 GB, for $48.00 a month" in m.text for m in here.news())
    (tab,) = here.ledger.rows(Tab)
    assert [round(store.hourly * 730, 2) for store in tab.stores] == [8, 48]


def test_a_volume_whose_row_says_more_than_there_is_of_it_is_not_grown_to_that() -> None:
    here = _town()
    _launch(here, "data bert 100 name amber")
    _end(here, "amber")
    row = _row(here)
    assert row is not None
    here.ledger.save_row(replace(row, gb=5000), row)  # as a launch left it once
    _launch(here, "data bert name owl", minutes=15)
    row = _row(here)
    assert row is not None
    assert (row.gb, [v["gb"] for v in _volumes(here)]) == (100, [100])


@pytest.mark.parametrize("zone", ["us-east-1b", "us-west-2a"])
def test_a_larger_wish_elsewhere_makes_it_larger_there(zone: str) -> None:
    here = _to_be_moved()
    (old,) = _volumes(here)
    _full_but(here, zone)
    here.type(f"launch g5.xlarge on-demand for 1h in {zone[:-1]} data bert 700 name fox")
    here.pass_time(8 * MINUTES)
    (new,) = _volumes(here)
    assert (new["zone"], new["gb"], new["content"]) == (zone, 700, old["content"])
    assert new["state"] == "in-use"
    row = _row(here)
    assert row is not None
    assert row.gb == 700


def test_a_used_up_disk_quota_is_said_and_the_machine_runs() -> None:
    here = _town()
    here.control(do="fault", operation="CreateVolume", code="VolumeLimitExceeded", times=2)
    _launch(here, "data bert 500 name amber", minutes=2)
    assert here.machine().state is State.RUNNING
    assert any("could not be brought to *amber*" in m.text for m in here.news())
    here.pass_time(15 * MINUTES)
    assert [v["state"] for v in _volumes(here)] == ["in-use"]


def test_a_launch_that_comes_to_nothing_leaves_no_volume() -> None:
    here = _town()
    here.control(do="fill-zone", region="us-east-1")
    _launch(here, "data bert 500 name amber")
    here.type("end amber")
    here.pass_time(5 * MINUTES)
    assert _row(here) is None
    assert _volumes(here) == []


def test_deleting_is_asked_first_and_refused_while_a_machine_has_it() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    assert "belongs to *amber*" in here.type("data delete bert yes")[0].text
    _end(here, "amber")
    (question,) = here.type("data delete bert")
    assert "$40.00 a month is saved" in question.text
    assert "There is no button" not in here.press(question, "data-delete", LIN)[0].text
    assert len(_volumes(here)) == 1
    here.press(question, "data-delete")
    assert _volumes(here) == []
    assert _row(here) is None


def test_an_end_that_nobody_answers_for_does_not_count_it_for_ever() -> None:
    here = Struck()
    here.with_quota("us-east-1")
    here.ready_to_launch()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    here.striker.awake = True
    here.striker.plan = lambda number, port, name: (
        Blow.LOST_ANSWER if name == "drop_row" and not here.striker.struck else None
    )
    here.type("data delete bert yes")
    here.pass_time(3 * MINUTES)
    assert len(here.striker.struck) == 1
    (tab,) = here.ledger.rows(Tab)
    assert all(store.ended_at is not None for store in tab.stores)
    assert _row(here) is None


@pytest.mark.parametrize("at", ["drop_row", "save_row"])
def test_who_had_read_it_before_it_went_does_not_count_it_on(at: str) -> None:
    """Another function brings the tab to what it has read, just before the last call or after."""
    here = _town()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    (row,), ledger = here.ledger.rows(DataVolume), here.ledger

    class Races:
        raced = False

        def __getattr__(self, name: str) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                if name == at and not self.raced and (name != "save_row" or is_tab(args[0])):
                    self.raced = True
                    tabs.of_volume(replace(here.house, ledger=ledger), replace(row, gb=600))
                return getattr(ledger, name)(*args, **kwargs)

            return call

    def is_tab(one: object) -> bool:
        return isinstance(one, Tab)

    races: Any = Races()
    here.house = replace(here.house, ledger=races)
    here.type("data delete bert yes")
    assert races.raced
    (tab,) = ledger.rows(Tab)
    assert all(store.ended_at is not None for store in tab.stores)


def test_a_yes_that_comes_again_asks_about_a_volume_that_was_made_since() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    delete = here.request("data delete bert yes")
    here.deliver(delete)
    assert _volumes(here) == []
    here.pass_time(MINUTES)
    _launch(here, "data bert 500 name carl")
    _end(here, "carl")
    (question,) = here.deliver(delete)
    assert "a month is saved" in question.text
    assert len(_volumes(here)) == 1
    here.type("data delete bert yes")
    assert _volumes(here) == []


def test_an_admin_sees_and_deletes_everybodys_and_others_only_their_own() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    assert "bert" not in here.type("data", LIN)[0].text
    assert f"<@{ADA}>" in here.type("data", SAM)[0].text
    (refused,) = here.type("data delete bert yes", LIN)
    assert "You have no data volume" in refused.text
    assert buttons(refused) == []
    here.type("data delete bert yes", SAM)
    assert _volumes(here) == []


def test_a_volume_deleted_outside_is_told_and_forgotten() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    (gone,) = _volumes(here)
    here._client("ec2")("us-east-1").delete_volume(VolumeId=gone["id"])
    _launch(here, "data bert name fox", minutes=20)
    assert _row(here) is None
    assert any("is gone" in m.text for m in here.news())


def test_a_volume_deleted_outside_is_forgotten_where_its_owner_has_left() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    (gone,) = _volumes(here)
    here._client("ec2")("us-east-1").delete_volume(VolumeId=gone["id"])
    _launch(here, "data bert name fox")
    here.chat.add(replace(person(ADA, "ada"), active=False))
    here.chat.closed.add(CHANNEL)
    here.pass_time(60 * MINUTES)
    assert _row(here) is None
    assert not [key for key in here.ledger.due(here.now) if key.startswith("data-volume/")]
    assert here.failures == []


def _move(here: Town) -> list[Callable[[], object]]:
    request = here.request(f"{LAUNCH} data bert name fox")
    return [
        lambda: here.deliver(request),
        lambda: here.pass_time(4 * MINUTES),
    ]


def _to_be_moved() -> Town:
    here = _town()
    _full_but(here, "us-east-1a")
    _launch(here, "data bert 500 name amber")
    _end(here, "amber")
    _full_but(here, "us-east-1b")
    return here


@pytest.mark.usefixtures("without_wire")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_of_a_move_the_data_arrives_once(after: bool) -> None:
    calls = 0
    for at in range(1, 60):
        here = _to_be_moved()
        (old,) = _volumes(here)
        fuse = fused(here, at, after=after, ports=("disks",))
        for act in _move(here):
            guarded(act)
        if not fuse.burnt:
            break
        calls = at
        here.pass_time(5 * MINUTES)
        (volume,) = _volumes(here)
        assert (volume["zone"], volume["state"]) == ("us-east-1b", "in-use"), at
        assert volume["content"] == old["content"], at
        assert here.world.state()["snapshots"] == [], at
    assert calls > 12


def test_the_end_of_its_machine_says_that_the_volume_stays() -> None:
    here = _town()
    _launch(here, "data bert 500 name amber")
    assert "Data volume bert" in here.card().text
    _end(here, "amber")
    assert "data volume *bert* stays" in here.card().text
    assert "nothing is left" not in here.card().text
