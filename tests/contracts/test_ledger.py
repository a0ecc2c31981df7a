"""One set of promises, held by the ledger in memory and by the table alike."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from adapters.ledger import Table
from core.bills import bill_of
from core.flows import purse
from core.model import (
    Access,
    Approval,
    Asking,
    Attempt,
    Budget,
    BudgetWatch,
    Cause,
    Choice,
    ChoiceKind,
    Commitment,
    DataVolume,
    Deed,
    Desire,
    Full,
    Gpu,
    Happening,
    Hold,
    HoldKind,
    HomeTab,
    Image,
    ImageCopy,
    ImageState,
    Instance,
    KeyDelivery,
    Lease,
    Machine,
    Market,
    Notice,
    NoticeKind,
    OneTimeLink,
    Over,
    Place,
    Placement,
    Profile,
    PublicKey,
    Pulse,
    Purse,
    QuotaFacts,
    QuotaRequest,
    QuotaRoom,
    QuotaStatus,
    Reconciled,
    RegionOffers,
    RuleChange,
    Rules,
    Run,
    Sample,
    SavedImage,
    Schedule,
    Scope,
    SentCommand,
    State,
    Store,
    StrayWatch,
    SweepWatch,
    Tab,
    Tried,
    TypeFacts,
    Usage,
    VolumeState,
    Wish,
    Zone,
)
from core.ports import ROW_NAMES, Ledger, NameTaken, StaleRow, UnreadableRow
from sim.ledger import MemoryLedger
from sim.town import POLICY, Town

MANY = 50
NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
CHANGE = RuleChange(rule="types", value="g5", was="all", by="U1", at=NOW, request="slash-1")


class OneAtATime:
    """moto's tables are not safe for threads: each call is let through alone, as DynamoDB would."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator":
            return found

        def alone(**arguments: Any) -> Any:
            with self._lock:
                return found(**arguments)

        return alone


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="gpu",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "due", "AttributeType": "S"},
                {"AttributeName": "due_at", "AttributeType": "N"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "due",
                    "KeySchema": [
                        {"AttributeName": "due", "KeyType": "HASH"},
                        {"AttributeName": "due_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        yield Table(cast(Any, OneAtATime(client)), "gpu", pause=lambda seconds: None)


def a_machine(id: str = "m-one", name: str = "amber-fox", owner: str = "U1") -> Machine:
    return Machine(
        id=id,
        version=0,
        name=name,
        owner=owner,
        channel="C1",
        wish=Wish(instance_type="p3.2xlarge", market=Market.SPOT, region="us-east-1"),
        state=State.REQUESTED,
        desire=Desire.RUN,
        created_at=NOW,
        launch_by=NOW + timedelta(minutes=15),
        due_at=NOW + timedelta(minutes=1),
    )


def a_full_machine() -> Machine:
    """Every field holds something, so that a field which does not survive the table shows."""
    at = Placement(
        instance_type="p3.2xlarge",
        region="us-east-1",
        zone="us-east-1a",
        subnet="subnet-1",
        market=Market.SPOT,
        hourly=Decimal("0.9180"),
    )
    gpu = Gpu(name="V100", maker="NVIDIA", count=Decimal("0.125"), memory_mib=16384)
    return replace(
        a_machine(),
        wish=Wish(
            instance_type="p3.2xlarge",
            market=Market.SPOT,
            region="us-east-1",
            length=timedelta(hours=1, microseconds=7),
            until=NOW,
            image="pytorch",
            disk_gb=100,
            name="amber-fox",
        ),
        turn=2,
        hold=Hold(
            kind=HoldKind.QUOTA,
            choices=(Choice(kind=ChoiceKind.ASK_QUOTA, value="8", hourly=Decimal("3.06")),),
            quota=QuotaFacts(
                code="L-7212CCBC", name="All P Spot", region="us-east-1", limit=0, used=0
            ),
            needed=8,
            asked="us-east-1/L-7212CCBC",
            lacks_key=True,
        ),
        waits_for="us-east-1/L-7212CCBC",
        facts=TypeFacts(
            name="p3.2xlarge",
            vcpus=8,
            memory_mib=62464,
            architecture="x86_64",
            gpu=gpu,
            markets=frozenset({Market.SPOT, Market.ON_DEMAND}),
        ),
        image=Image(
            id="ami-1",
            name="Deep Learning Base",
            architecture="x86_64",
            root_device="/dev/sda1",
            root_gb=35,
            user="ubuntu",
        ),
        disk_gb=100,
        group="sg-1",
        prepared="us-east-1",
        placements=(at, replace(at, zone="us-east-1b")),
        placement=at,
        attempts=2,
        attempt=Attempt(
            number=2,
            placement=at,
            token="m-one-2-abc",
            request='{"MinCount": 1}',
            sends=1,
            last_send=NOW,
            unclear=True,
        ),
        tried=(Tried(zone="us-east-1c", market=Market.SPOT, code="InsufficientInstanceCapacity"),),
        instance=an_instance(),
        lease=Lease(
            length=timedelta(hours=1),
            started_at=NOW,
            deadline=NOW + timedelta(hours=1),
            warn_at=NOW + timedelta(minutes=45),
            hard=NOW + timedelta(days=1),
            version=3,
            warned=True,
        ),
        runs=(Run(started_at=NOW, ended_at=None, hourly=Decimal("0.9180")),),
        ready_at=NOW,
        ended_by="U2",
        cause=Cause.DEADLINE,
        card=Place(channel="C1", ts="1.000001"),
        shown="abcd",
        owed=(Notice(kind=NoticeKind.READY, at=NOW, detail="<é>"),),
        unseen=1,
        history=(Happening(at=NOW, what="asked for"),),
    )


def an_instance(id: str = "i-1") -> Instance:
    return Instance(
        id=id,
        region="us-east-1",
        zone="us-east-1a",
        state="running",
        launched_at=NOW,
        address="203.0.113.9",
        reason="Client.UserInitiatedShutdown",
        checks_ok=True,
    )


def opened(
    ledger: Ledger,
    machine: Machine,
    *,
    request: str = "",
    twin: str = "",
    now: datetime = NOW,
) -> Machine:
    accepted = ledger.open(
        machine, request=request or f"r-{machine.id}", twin=twin or f"t-{machine.id}", now=now
    )
    assert accepted.fresh
    return accepted.machine


def final(machine: Machine) -> Machine:
    return replace(machine, state=State.ENDED, due_at=None)


# ---- opening --------------------------------------------------------------------------------


def test_a_new_machine_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    machine = opened(ledger, a_full_machine())
    assert machine.version == 1
    assert ledger.machine("m-one") == machine == replace(a_full_machine(), version=1)


def test_an_unknown_machine_is_none(ledger: Ledger) -> None:
    assert ledger.machine("m-none") is None


def test_a_redelivered_request_gets_the_machine_it_made(ledger: Ledger) -> None:
    first = opened(ledger, a_machine(), request="r1")
    later = NOW + timedelta(hours=1)
    again = ledger.open(
        replace(a_machine(), created_at=later), request="r1", twin="other", now=later
    )
    assert (again.machine, again.fresh) == (first, False)


def test_a_redelivery_sees_what_became_of_the_machine(ledger: Ledger) -> None:
    first = opened(ledger, a_machine(), request="r1")
    held = ledger.save(replace(first, state=State.HELD), first)
    again = ledger.open(a_machine(), request="r1", twin="t", now=NOW)
    assert again.machine == held


def test_a_redelivery_for_a_machine_that_has_ended_makes_no_second_one(ledger: Ledger) -> None:
    first = opened(ledger, a_machine(), request="r1")
    ended = ledger.save(final(first), first)
    again = ledger.open(a_machine(), request="r1", twin="t2", now=NOW + timedelta(days=1))
    assert (again.machine, again.fresh) == (ended, False)
    assert ledger.live() == ()


def test_the_same_words_within_thirty_seconds_are_the_same_wish(ledger: Ledger) -> None:
    first = opened(ledger, a_machine(), request="r1", twin="t")
    soon = NOW + timedelta(seconds=29)
    second = ledger.open(a_machine("m-two", "bold-bat"), request="r2", twin="t", now=soon)
    assert (second.machine, second.fresh) == (first, False)
    assert ledger.machine("m-two") is None
    assert ledger.named("bold-bat") is None


def test_the_same_words_after_thirty_seconds_are_another_wish(ledger: Ledger) -> None:
    opened(ledger, a_machine(), request="r1", twin="t")
    then = NOW + timedelta(seconds=30)
    second = ledger.open(a_machine("m-two", "bold-bat"), request="r2", twin="t", now=then)
    assert (second.machine.id, second.fresh) == ("m-two", True)


def test_a_twin_that_is_delivered_again_later_still_buys_nothing(ledger: Ledger) -> None:
    first = opened(ledger, a_machine(), request="r1", twin="t")
    two = a_machine("m-two", "bold-bat")
    ledger.open(two, request="r2", twin="t", now=NOW + timedelta(seconds=5))
    late = ledger.open(two, request="r2", twin="t", now=NOW + timedelta(minutes=5))
    assert (late.machine, late.fresh) == (first, False)
    assert ledger.machine("m-two") is None


def test_a_twin_comes_before_a_taken_name(ledger: Ledger) -> None:
    first = opened(ledger, a_machine(), request="r1", twin="t")
    second = ledger.open(a_machine("m-two"), request="r2", twin="t", now=NOW)
    assert second.machine == first


def test_a_name_that_a_live_machine_has_is_refused_and_nothing_is_written(ledger: Ledger) -> None:
    opened(ledger, a_machine())
    with pytest.raises(NameTaken):
        ledger.open(a_machine("m-two"), request="r2", twin="t2", now=NOW)
    assert ledger.machine("m-two") is None
    assert [m.id for m in ledger.of_owner("U1")] == ["m-one"]
    # Neither the request nor the twin stayed behind: another name goes through at once.
    assert opened(ledger, a_machine("m-two", "bold-bat"), request="r2", twin="t2").id == "m-two"


def test_a_name_is_free_again_once_its_machine_is_final(ledger: Ledger) -> None:
    first = opened(ledger, a_machine())
    ledger.save(final(first), first)
    assert ledger.named("amber-fox") is None
    second = opened(ledger, a_machine("m-two"))
    assert ledger.named("amber-fox") == second


def test_the_words_of_a_final_machine_do_not_free_the_name_of_its_successor(
    ledger: Ledger,
) -> None:
    first = opened(ledger, a_machine())
    ended = ledger.save(final(first), first)
    second = opened(ledger, a_machine("m-two"))
    ledger.save(replace(ended, shown="later"), ended)
    assert ledger.named("amber-fox") == second
    assert ledger.of_owner("U1") == (second,)


# ---- writing --------------------------------------------------------------------------------


def test_every_write_counts_the_version(ledger: Ledger) -> None:
    first = opened(ledger, a_machine())
    second = ledger.save(replace(first, state=State.HELD), first)
    third = ledger.save(replace(second, state=State.REQUESTED), second)
    assert (first.version, second.version, third.version) == (1, 2, 3)
    assert ledger.machine("m-one") == third


def test_a_write_on_an_old_reading_is_refused_and_changes_nothing(ledger: Ledger) -> None:
    first = opened(ledger, a_machine())
    newer = ledger.save(replace(first, state=State.HELD), first)
    with pytest.raises(StaleRow):
        ledger.save(replace(final(first), instance=an_instance()), first)
    assert ledger.machine("m-one") == newer
    assert ledger.named("amber-fox") == newer
    assert ledger.by_instance("i-1") is None


def test_a_row_that_was_never_opened_cannot_be_saved(ledger: Ledger) -> None:
    with pytest.raises(StaleRow):
        ledger.save(a_machine(), replace(a_machine(), version=1))
    assert ledger.machine("m-one") is None


def test_id_name_and_owner_cannot_be_changed(ledger: Ledger) -> None:
    first = opened(ledger, a_machine())
    for other in ({"id": "m-x"}, {"name": "x"}, {"owner": "U2"}):
        with pytest.raises(ValueError, match="never change"):
            ledger.save(replace(first, **other), first)  # type: ignore[arg-type]


def test_of_many_writers_on_one_reading_exactly_one_wins(ledger: Ledger) -> None:
    first = opened(ledger, a_machine())
    won: list[Machine] = []
    gate = threading.Barrier(8)

    def write(number: int) -> None:
        gate.wait()
        try:
            won.append(ledger.save(replace(first, shown=str(number)), first))
        except StaleRow:
            return

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert ledger.machine("m-one") == won[0]


def test_of_many_launches_for_one_name_exactly_one_wins(ledger: Ledger) -> None:
    won: list[str] = []
    gate = threading.Barrier(6)

    def launch(number: int) -> None:
        gate.wait()
        try:
            won.append(opened(ledger, a_machine(f"m-{number}")).id)
        except NameTaken:
            return

    threads = [threading.Thread(target=launch, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert [m.id for m in ledger.live()] == won


# ---- finding --------------------------------------------------------------------------------


def test_a_machine_is_found_by_its_instance_also_when_it_is_final(ledger: Ledger) -> None:
    first = opened(ledger, a_machine())
    assert ledger.by_instance("i-1") is None
    bought = ledger.save(replace(first, instance=an_instance()), first)
    assert ledger.by_instance("i-1") == bought
    ended = ledger.save(final(bought), bought)
    assert ledger.by_instance("i-1") == ended


def test_a_person_sees_own_live_machines_the_oldest_first(ledger: Ledger) -> None:
    old = replace(a_machine("m-z", "old-owl"), created_at=NOW - timedelta(hours=1))
    opened(ledger, a_machine("m-a", "new-newt"))
    opened(ledger, old)
    opened(ledger, a_machine("m-b", "other-otter", owner="U2"))
    gone = opened(ledger, a_machine("m-c", "gone-goat"))
    ledger.save(final(gone), gone)
    assert [m.id for m in ledger.of_owner("U1")] == ["m-z", "m-a"]
    assert [m.id for m in ledger.of_owner("U2")] == ["m-b"]
    assert ledger.of_owner("U3") == ()


def test_live_holds_every_machine_that_is_not_final_even_one_with_no_appointment(
    ledger: Ledger,
) -> None:
    opened(ledger, a_machine("m-a", "a"))
    opened(ledger, replace(a_machine("m-b", "b"), due_at=None))
    gone = opened(ledger, a_machine("m-c", "c"))
    owing = replace(gone, state=State.ENDED, due_at=NOW)
    ledger.save(owing, gone)
    assert [m.id for m in ledger.live()] == ["m-a", "m-b"]


def test_live_goes_beyond_one_batch_of_reads(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.ledger.BATCH", 3)
    for number in range(7):
        opened(ledger, a_machine(f"m-{number}", f"n-{number}"))
    assert len(ledger.live()) == 7
    assert len(ledger.of_owner("U1")) == 7


# ---- time -----------------------------------------------------------------------------------


def test_every_live_machine_is_watched_with_the_time_when_it_is_due(ledger: Ledger) -> None:
    opened(ledger, replace(a_machine("m-a", "a"), due_at=NOW))
    opened(ledger, replace(a_machine("m-b", "b"), due_at=None))
    gone = opened(ledger, replace(a_machine("m-c", "c"), due_at=NOW))
    ledger.save(replace(gone, state=State.ENDED, due_at=None), gone)
    ledger.save_quota_request(a_quota_request(due_at=NOW), None)
    watched = ledger.watched()
    assert set(watched) == {"m-a", "m-b"}
    assert watched["m-a"] == NOW
    assert watched["m-b"] > NOW + timedelta(days=9000)


def test_many_rows_are_read_at_once_and_those_that_are_not_there_are_left_out(
    ledger: Ledger,
) -> None:
    here = opened(ledger, a_machine("m-a", "a"))
    ended = opened(ledger, a_machine("m-b", "b"))
    ended = ledger.save(replace(ended, state=State.ENDED, due_at=None), ended)
    assert ledger.machines(["m-a", "m-nobody", "m-b", ""]) == {"m-a": here, "m-b": ended}
    assert ledger.machines([]) == {}


def test_instances_lead_to_their_machines_many_at_once(ledger: Ledger) -> None:
    first = opened(ledger, a_machine("m-a", "a"))
    one = Instance(
        id="i-1", region="us-east-1", zone="us-east-1a", state="running", launched_at=NOW
    )
    ledger.save(replace(first, instance=one), first)
    assert ledger.owners(["i-1", "i-nobodys"]) == {"i-1": "m-a"}


def test_what_is_due_comes_longest_overdue_first(ledger: Ledger) -> None:
    opened(ledger, replace(a_machine("m-a", "a"), due_at=NOW))
    opened(ledger, replace(a_machine("m-b", "b"), due_at=NOW - timedelta(minutes=1)))
    opened(ledger, replace(a_machine("m-c", "c"), due_at=NOW + timedelta(microseconds=1)))
    opened(ledger, replace(a_machine("m-d", "d"), due_at=None))
    assert ledger.due(NOW) == ("machine/m-b", "machine/m-a")


def test_a_final_machine_is_due_only_while_it_owes_words(ledger: Ledger) -> None:
    first = opened(ledger, replace(a_machine(), due_at=NOW))
    ended = ledger.save(replace(first, state=State.ENDED), first)
    assert ledger.due(NOW) == ("machine/m-one",)
    ledger.save(replace(ended, due_at=None), ended)
    assert ledger.due(NOW + timedelta(days=9000)) == ()


def test_moving_the_appointment_moves_it_in_the_index(ledger: Ledger) -> None:
    first = opened(ledger, replace(a_machine(), due_at=NOW))
    ledger.save(replace(first, due_at=NOW + timedelta(hours=1)), first)
    assert ledger.due(NOW) == ()
    assert ledger.due(NOW + timedelta(hours=1)) == ("machine/m-one",)


def test_quota_requests_and_profiles_are_due_like_machines(ledger: Ledger) -> None:
    opened(ledger, replace(a_machine(), due_at=NOW))
    ledger.save_quota_request(a_quota_request(due_at=NOW - timedelta(seconds=2)), None)
    ledger.save_profile(
        Profile(user="U1", accesses=(Access(cidr="1.2.3.4/32", until=NOW),)), Profile(user="U1")
    )
    assert set(ledger.due(NOW)) == {
        "machine/m-one",
        "quota/us-east-1/L-7212CCBC",
        "profile/U1",
    }
    assert ledger.due(NOW)[0] == "quota/us-east-1/L-7212CCBC"


# ---- profiles -------------------------------------------------------------------------------

KEY = PublicKey(fingerprint="SHA256:abc", text="ssh-ed25519 AAAA", comment="ada@ü", added_at=NOW)


def test_somebody_new_has_an_empty_profile(ledger: Ledger) -> None:
    assert ledger.profile("U1") == Profile(user="U1", version=0)


def test_a_profile_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    wanted = Profile(user="U1", keys=(KEY,), accesses=(Access(cidr="2001:db8::1/128", until=NOW),))
    saved = ledger.save_profile(wanted, ledger.profile("U1"))
    assert saved.version == 1
    assert ledger.profile("U1") == saved == replace(wanted, version=1)


def test_two_changes_of_one_reading_of_a_profile_cannot_both_be_written(ledger: Ledger) -> None:
    seen = ledger.profile("U1")
    first = ledger.save_profile(replace(seen, keys=(KEY,)), seen)
    with pytest.raises(StaleRow):
        ledger.save_profile(seen, seen)
    ledger.save_profile(replace(first, keys=()), first)
    with pytest.raises(StaleRow):
        ledger.save_profile(seen, first)


def test_a_profile_is_due_when_its_first_address_expires(ledger: Ledger) -> None:
    later = Access(cidr="1.2.3.4/32", until=NOW + timedelta(hours=2))
    first = Access(cidr="5.6.7.8/32", until=NOW + timedelta(hours=1))
    saved = ledger.save_profile(Profile(user="U1", accesses=(later, first)), ledger.profile("U1"))
    assert ledger.due(NOW + timedelta(minutes=59)) == ()
    assert ledger.due(NOW + timedelta(hours=1)) == ("profile/U1",)
    ledger.save_profile(replace(saved, accesses=()), saved)
    assert ledger.due(NOW + timedelta(days=1)) == ()


# ---- quota requests -------------------------------------------------------------------------


def a_quota_request(
    status: QuotaStatus = QuotaStatus.PENDING, due_at: datetime | None = NOW
) -> QuotaRequest:
    return QuotaRequest(
        region="us-east-1",
        code="L-7212CCBC",
        name="All P4, P3 and P2 Spot Instance Requests",
        before=0,
        desired=8,
        change_id="change-1",
        status=status,
        asked_by="U1",
        asked_at=NOW,
        channel="C1",
        thread=None,
        due_at=due_at,
    )


def test_a_quota_request_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    saved = ledger.save_quota_request(a_quota_request(), None)
    assert saved == replace(a_quota_request(), version=1)
    assert ledger.quota_request("us-east-1/L-7212CCBC") == saved
    assert ledger.quota_request("us-west-2/L-7212CCBC") is None


def test_two_people_who_ask_at_once_leave_one_request(ledger: Ledger) -> None:
    first = ledger.save_quota_request(a_quota_request(), None)
    with pytest.raises(StaleRow):
        ledger.save_quota_request(replace(a_quota_request(), asked_by="U2"), None)
    assert ledger.quota_request(first.key) == first


def test_only_what_aws_has_still_to_decide_is_listed(ledger: Ledger) -> None:
    open_ = ledger.save_quota_request(a_quota_request(due_at=None), None)
    assert ledger.quota_requests() == (open_,)
    decided = replace(open_, status=QuotaStatus.APPROVED, granted=8)
    saved = ledger.save_quota_request(decided, open_)
    assert ledger.quota_requests() == ()
    assert ledger.quota_request(open_.key) == saved


def test_a_new_request_takes_the_place_of_one_that_was_decided(ledger: Ledger) -> None:
    old = ledger.save_quota_request(a_quota_request(QuotaStatus.DENIED, due_at=None), None)
    new = ledger.save_quota_request(replace(a_quota_request(), change_id="change-2"), old)
    assert new.version == 2
    assert ledger.quota_requests() == (new,)


# ---- the lesser kinds of rows ---------------------------------------------------------------


def a_volume(name: str = "data", owner: str = "U1", **more: Any) -> DataVolume:
    return DataVolume(name=name, owner=owner, gb=500, state=VolumeState.WANTED, made_at=NOW, **more)


def a_saved_image() -> SavedImage:
    return SavedImage(
        name="bert-env",
        owner="U1",
        source="amber-fox",
        source_type="g5.xlarge",
        instance="i-1",
        channel="C1",
        made_at=NOW,
        architecture="x86_64",
        user="ubuntu",
        root_gb=50,
        copies=(
            ImageCopy(
                region="us-east-1",
                image="ami-1",
                state=ImageState.AVAILABLE,
                began=NOW,
                snapshots=("snap-1", "snap-2"),
            ),
        ),
        place=Place(channel="C1", ts="1.2"),
        due_at=NOW + timedelta(minutes=1),
    )


ROWS: tuple[Any, ...] = (
    a_volume(region="us-east-1", zone="us-east-1a", volume="vol-1", machine="m-one"),
    a_saved_image(),
    Full(
        region="us-east-1",
        zone="us-east-1a",
        instance_type="g5.xlarge",
        market=Market.SPOT,
        until=NOW,
    ),
    RegionOffers(
        region="us-east-1",
        read_at=NOW,
        types=(
            TypeFacts(
                name="g5.xlarge",
                vcpus=4,
                memory_mib=16384,
                architecture="x86_64",
                gpu=Gpu(name="A10G", maker="NVIDIA", count=Decimal(1), memory_mib=22888),
                markets=frozenset({Market.SPOT}),
            ),
        ),
        zones=(Zone(name="us-east-1a", id="use1-az1"),),
        sold=(("g5.xlarge", ("us-east-1a",)),),
    ),
    StrayWatch(region="us-east-1", looked_at=NOW, told_at=NOW, due_at=None),
    Pulse(at=NOW, failed=("AuthFailure",)),
    SweepWatch(untold=("us-east-1/stop/i-1",), told_at=NOW, due_at=NOW),
    KeyDelivery(
        machine="m-one",
        request="r",
        added=("U2",),
        since=NOW,
        sent=(SentCommand(id="c-1", instances=("i-1", "i-2")),),
        done=("i-1",),
    ),
    OneTimeLink(id="abc", user="U1", until=NOW, length=timedelta(hours=12), used_at=NOW),
    Approval(
        id="m-one.1",
        asking=Asking.LAUNCH,
        machine="m-one",
        name="amber-fox",
        requester="U1",
        channel="C1",
        turn=1,
        what="a p5.48xlarge",
        hourly=Decimal("55.04"),
        length=timedelta(hours=8),
        total=Decimal("440.32"),
        until=None,
        broken=("above the price limit",),
        why="Paper deadline",
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=8),
        remind_at=NOW + timedelta(minutes=15),
        places=(Place(channel="C1", ts="1.2"),),
    ),
    HomeTab(user="U1", due_at=NOW),
    QuotaRoom(
        region="us-east-1",
        facts=(QuotaFacts(code="L-1", name="n", region="us-east-1", limit=8, used=4),),
        read_at=NOW,
    ),
    BudgetWatch(month="2026-11", told=("team//monthly/80",), looked_at=NOW),
    Purse(
        commitments=(
            Commitment(
                machine="m-one",
                owner="U1",
                channel="C1",
                hourly=Decimal("3.06"),
                since=NOW,
                until=NOW + timedelta(hours=4),
            ),
        )
    ),
    Reconciled(day="2026-11-22", ours=Decimal("12.34"), theirs=None, why="AccessDeniedException"),
    Rules(
        changed=(CHANGE,),
        news=(replace(CHANGE, told=True),),
        budgets=(Budget(scope=Scope.TEAM, monthly=Decimal(2000)),),
        by="U1",
        at=NOW,
    ),
    Schedule(
        machine="m-one",
        owner="U1",
        days=(0, 1, 2, 3, 4),
        starts=(9, 0),
        stops=(18, 0),
        tz="Europe/Berlin",
        skipped=(NOW.date(),),
        started=NOW.date(),
    ),
    Tab(
        what="data-volume/U1.bert",
        name="bert",
        owner="U1",
        stores=(Store(kind="data", started_at=NOW, ended_at=None, hourly=Decimal("0.0547")),),
    ),
    Usage(
        instance="i-0abc",
        machine="m-one",
        samples=(Sample(at=NOW, gpu=93, cpu=None, ssh=1),),
        used_at=NOW,
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_row_of_any_kind_is_read_back_as_it_was_written(ledger: Ledger, row: Any) -> None:
    saved = ledger.save_row(row, None)
    assert saved == replace(row, version=1)
    assert ledger.row(type(row), row.key) == saved
    assert ledger.rows(type(row)) == (saved,)


def test_there_is_a_sample_of_every_kind_of_row() -> None:
    assert {type(row) for row in ROWS} == set(ROW_NAMES)


def test_rows_of_a_kind_come_by_key_and_apart_from_other_kinds(ledger: Ledger) -> None:
    bert, ada = ledger.save_row(a_volume("bert"), None), ledger.save_row(a_volume("ada"), None)
    ledger.save_row(a_saved_image(), None)
    assert ledger.rows(DataVolume) == (ada, bert)
    assert ledger.row(DataVolume, "U1.carl") is None


def test_the_second_of_two_who_write_a_row_at_once_is_told(ledger: Ledger) -> None:
    first = ledger.save_row(a_volume(), None)
    with pytest.raises(StaleRow):
        ledger.save_row(a_volume(machine="m-two"), None)
    ledger.save_row(replace(first, machine="m-one"), first)
    with pytest.raises(StaleRow):
        ledger.save_row(replace(first, machine="m-two"), first)
    found = ledger.row(DataVolume, first.key)
    assert found is not None
    assert found.machine == "m-one"


def test_a_row_is_woken_by_its_kind_and_key_when_it_is_due(ledger: Ledger) -> None:
    saved = ledger.save_row(a_saved_image(), None)
    assert ledger.due(NOW) == ()
    assert ledger.due(NOW + timedelta(minutes=1)) == ("saved-image/bert-env",)
    assert ledger.live() == ()
    ledger.save_row(replace(saved, due_at=None), saved)
    assert ledger.due(NOW + timedelta(days=1)) == ()


def test_a_row_is_dropped_unless_somebody_wrote_it_since(ledger: Ledger) -> None:
    first = ledger.save_row(a_volume(), None)
    second = ledger.save_row(replace(first, gb=600), first)
    with pytest.raises(StaleRow):
        ledger.drop_row(first)
    ledger.drop_row(second)
    ledger.drop_row(second)
    assert ledger.rows(DataVolume) == ()
    assert ledger.save_row(a_volume(), None).version == 1


# ---- rows of another version ----------------------------------------------------------------


def spoil(ledger: Ledger, key: str, pk: str, sk: str) -> None:
    """Another version has written it: its key in the wakes, and in the table."""
    if isinstance(ledger, MemoryLedger):
        return ledger.make_unreadable(key)
    client: Any = cast(Any, ledger)._client
    row = client.get_item(TableName="gpu", Key={"pk": {"S": pk}, "sk": {"S": sk}})["Item"]
    client.put_item(TableName="gpu", Item={**row, "schema": {"N": "999"}})
    return None


def test_a_machine_that_cannot_be_read_is_left_out_of_lists_and_an_error_alone(
    ledger: Ledger,
) -> None:
    bert = opened(ledger, a_machine("m-a", "bert"), request="r-a", twin="t-a")
    second = replace(a_machine("m-b", "carl"), due_at=NOW)
    carl = opened(ledger, second, request="r-b", twin="t-b")
    emil = opened(ledger, a_machine("m-c", "emil", "U2"), request="r-c", twin="t-c")
    spoil(ledger, "machine/m-b", "M#m-b", "M")
    assert ledger.live() == (bert, emil)
    assert ledger.of_owner("U1") == (bert,)
    assert ledger.of_owner("U2", whole=True) == (emil,)
    assert isinstance(ledger.machines(["m-b"])["m-b"], UnreadableRow)
    assert ledger.due(NOW) == ("machine/m-b",)
    assert "m-b" in ledger.watched()
    with pytest.raises(UnreadableRow):
        ledger.of_owner("U1", whole=True)
    with pytest.raises(UnreadableRow):
        ledger.machine("m-b")
    with pytest.raises(UnreadableRow):
        ledger.named("carl")
    with pytest.raises(UnreadableRow):
        opened(ledger, a_machine("m-d", "fred"), request="r-b", twin="t-d")
    assert ledger.save(carl, carl) == ledger.machine("m-b")  # whoever has read it may write it
    assert len(ledger.live()) == 3


def test_a_row_of_any_kind_that_cannot_be_read_is_left_out_of_lists(ledger: Ledger) -> None:
    ada, bert = ledger.save_row(a_volume("ada"), None), ledger.save_row(a_volume("bert"), None)
    spoil(ledger, f"data-volume/{bert.key}", "R#data-volume", bert.key)
    assert ledger.rows(DataVolume) == (ada,)
    with pytest.raises(UnreadableRow):
        ledger.rows(DataVolume, whole=True)
    with pytest.raises(UnreadableRow):
        ledger.row(DataVolume, bert.key)
    ledger.save_row(bert, bert)
    assert len(ledger.rows(DataVolume, whole=True)) == 2


def test_a_quota_request_that_cannot_be_read_hides_no_other(ledger: Ledger) -> None:
    one = ledger.save_quota_request(a_quota_request(), None)
    other = ledger.save_quota_request(replace(a_quota_request(), region="us-west-2"), None)
    spoil(ledger, f"quota/{other.key}", "Q#us-west-2#L-7212CCBC", "Q")
    assert ledger.quota_requests() == (one,)
    with pytest.raises(UnreadableRow):
        ledger.quota_request(other.key)


def test_a_bill_that_cannot_be_read_hides_no_other(ledger: Ledger) -> None:
    end = Happening(at=NOW, what="ended")
    run = Run(started_at=NOW, ended_at=NOW, hourly=Decimal("0.918"))
    for id, name in (("m-a", "bert"), ("m-b", "carl")):
        m = opened(ledger, a_machine(id, name), request=f"r-{id}", twin=f"t-{id}")
        ledger.save(replace(m, state=State.ENDED, runs=(run,), history=(end,), due_at=None), m)
    spoil(ledger, "bill/m-b", f"BILL#{NOW:%Y-%m}", f"{NOW:%Y-%m-%dT%H:%M:%S.%f}#m-b")
    assert [bill.machine for bill in ledger.bills(NOW, NOW)] == ["m-a"]


def test_a_deed_that_cannot_be_read_hides_no_other(ledger: Ledger) -> None:
    for id in ("a", "b"):
        ledger.add_deed(Deed(at=NOW, id=id, who="U1", did="stop", answer="Stopping."))
    spoil(ledger, "audit/b", f"AUDIT#{NOW:%Y-%m}", f"{NOW:%Y-%m-%dT%H:%M:%S.%f}#b")
    assert [deed.id for deed in ledger.deeds(NOW, NOW + timedelta(days=1))] == ["a"]


# ---- bills and deeds ------------------------------------------------------------------------


def test_a_machine_that_ends_leaves_its_bill_and_a_living_one_none(ledger: Ledger) -> None:
    opened = ledger.open(a_machine(), request="r-1", twin="t-1", now=NOW).machine
    run = Run(started_at=NOW, ended_at=NOW + timedelta(hours=1), hourly=Decimal("0.918"))
    stopped = ledger.save(replace(opened, state=State.STOPPED, runs=(run,)), opened)
    assert ledger.bills(NOW - timedelta(days=90), NOW + timedelta(days=90)) == ()
    end = Happening(at=NOW + timedelta(hours=2), what="ended")
    ended = ledger.save(replace(stopped, state=State.ENDED, history=(end,), due_at=None), stopped)
    (bill,) = ledger.bills(NOW - timedelta(days=90), NOW + timedelta(days=90))
    assert bill == bill_of(ended)
    assert (bill.owner, bill.runs, bill.ended_at) == (ended.owner, (run,), end.at)
    assert ledger.bills(end.at + timedelta(seconds=1), NOW + timedelta(days=90)) == ()
    assert ledger.bills(NOW - timedelta(days=90), end.at - timedelta(seconds=1)) == ()


def test_a_deed_is_added_once_and_found_in_its_time(ledger: Ledger) -> None:
    def deed(id: str, at: datetime) -> Deed:
        return Deed(at=at, id=id, who="U1", did="stop", answer="Stopping.", machine="amber-fox")

    last_month, today = deed("a", NOW - timedelta(days=40)), deed("b", NOW)
    for one in (today, last_month, replace(today, answer="Something else.")):
        ledger.add_deed(one)
    assert ledger.deeds(NOW - timedelta(days=60), NOW + timedelta(days=1)) == (last_month, today)
    assert ledger.deeds(NOW - timedelta(days=1), NOW) == ()


def test_of_many_claims_on_the_last_money_exactly_one_passes(ledger: Ledger) -> None:
    budget = Budget(scope=Scope.TEAM, monthly=Decimal(20))
    policy = replace(POLICY, over=Over.BLOCK, budgets=(budget,))
    house = replace(Town().house, ledger=ledger, policy=policy)
    rows = [
        opened(ledger, a_machine(f"m-{n}", f"bert-{n}", f"U{n}"), request=f"r-{n}", twin=f"t-{n}")
        for n in range(MANY)
    ]
    until = house.clock() + timedelta(hours=4)
    gate, refused = threading.Barrier(MANY), list[bool]()

    def claim(m: Machine) -> None:
        gate.wait()
        refused.append(bool(purse.claim(house, m, hourly=Decimal("3.06"), until=until)))

    threads = [threading.Thread(target=claim, args=(m,)) for m in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), refused.count(False)) == (MANY, 1)
    row = ledger.row(Purse, purse.KEY)
    assert row is not None and len(row.commitments) == 1


@pytest.mark.parametrize("word", ["x" * 1100, "x" * 3000, "\u00e9" * 1500])
def test_a_word_that_no_key_can_be_names_nothing(ledger: Ledger, word: str) -> None:
    assert ledger.machine(word) is None
    assert ledger.named(word) is None
    assert ledger.row(SavedImage, word) is None


def test_nothing_is_found_under_no_name(ledger: Ledger) -> None:
    assert ledger.machine("") is None
    assert ledger.row(Approval, "") is None
