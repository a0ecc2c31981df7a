"""What people read, word for word, along the life of one machine."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import lifecycle, messages
from core.blocks import Block, Message
from core.model import (
    Access,
    Attempt,
    Cause,
    Choice,
    ChoiceKind,
    Desire,
    Gpu,
    Hold,
    HoldKind,
    Image,
    Instance,
    Lease,
    Machine,
    Market,
    Notice,
    NoticeKind,
    Placement,
    Policy,
    Profile,
    PublicKey,
    QuotaFacts,
    QuotaRequest,
    QuotaStatus,
    State,
    Tried,
    TypeFacts,
    Wish,
)

T = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DATE = "{date_short_pretty} at {time}"
QUOTA = QuotaFacts(
    code="L-7212CCBC",
    name="All P4, P3 and P2 Spot Instance Requests",
    region="us-east-1",
    limit=0,
    used=0,
)
SPOT = Placement(
    instance_type="p3.2xlarge",
    region="us-east-1",
    zone="us-east-1a",
    subnet="subnet-1",
    market=Market.SPOT,
    hourly=Decimal("0.918"),
)
FACTS = TypeFacts(
    name="p3.2xlarge",
    vcpus=8,
    memory_mib=62464,
    architecture="x86_64",
    gpu=Gpu(name="V100", maker="NVIDIA", count=Decimal(1), memory_mib=16384),
    markets=frozenset(Market),
)
IMAGE = Image(
    id="ami-1",
    name="Deep Learning Base",
    architecture="x86_64",
    root_device="/dev/sda1",
    root_gb=35,
    user="ubuntu",
)
INSTANCE = Instance(
    id="i-0abc",
    region="us-east-1",
    zone="us-east-1a",
    state="running",
    launched_at=T,
    address="203.0.113.9",
    checks_ok=True,
)
POLICY = Policy(
    stack="gpu",
    team_id="T1",
    regions=("us-east-1",),
    channels=frozenset(),
    admins=frozenset(),
    default_lease=4 * HOUR,
    longest_lease=24 * HOUR,
    default_disk_gb=50,
    approval_above=Decimal(10),
)
KEY = PublicKey(fingerprint="SHA256:abcd", text="ssh-ed25519 AAAA", comment="me@laptop", added_at=T)
PROFILE = Profile(user="U1", keys=(KEY,), accesses=(Access(cidr="203.0.113.7/32", until=T),))


def date(at: datetime, fallback: str) -> str:
    return f"<!date^{int(at.timestamp())}^{DATE}|{fallback}>"


def asked_for() -> Machine:
    wish = Wish(instance_type="p3.2xlarge", market=Market.SPOT, region="us-east-1", length=4 * HOUR)
    m = Machine(
        id="m-abc",
        version=1,
        name="amber-fox",
        owner="U1",
        channel="C1",
        wish=wish,
        state=State.REQUESTED,
        desire=Desire.RUN,
        created_at=T,
        launch_by=T + timedelta(minutes=15),
        due_at=T,
    )
    return lifecycle.told(m, T, "asked for")


def at_the_wall() -> Machine:
    hold = Hold(
        kind=HoldKind.QUOTA,
        quota=QUOTA,
        needed=8,
        code="quota",
        choices=(
            Choice(kind=ChoiceKind.ASK_QUOTA, value="8"),
            Choice(kind=ChoiceKind.ASK_AND_LAUNCH, value="8"),
            Choice(kind=ChoiceKind.REGION, value="us-west-2", hourly=Decimal("0.918")),
        ),
    )
    return lifecycle.held(replace(asked_for(), facts=FACTS), T, hold)


def held_for(kind: HoldKind, *choices: Choice, code: str = "", detail: str = "") -> Machine:
    return lifecycle.held(
        asked_for(), T, Hold(kind=kind, choices=choices, code=code, detail=detail)
    )


def trying(market: Market = Market.SPOT) -> Machine:
    at = replace(SPOT, market=market)
    at = at if market is Market.SPOT else replace(at, hourly=Decimal("3.06"))
    return replace(
        asked_for(),
        state=State.LAUNCHING,
        facts=FACTS,
        image=IMAGE,
        disk_gb=50,
        placements=(at,),
        attempt=Attempt(number=1, placement=at, token="t", request="{}"),
        attempts=1,
        lease=lifecycle.lease(4 * HOUR, T, POLICY),
    )


def ready(market: Market = Market.SPOT) -> Machine:
    return lifecycle.seen(lifecycle.adopted(trying(market), T, (INSTANCE,)), T, INSTANCE)


def stopped(by: str = "U2") -> Machine:
    m = replace(ready(Market.ON_DEMAND), owed=())
    m = lifecycle.stopping(lifecycle.unwanted(m, T + HOUR, Cause.PERSON, by), T + HOUR)
    return lifecycle.seen(m, T + 2 * HOUR, replace(INSTANCE, state="stopped", address=None))


def ended(cause: Cause) -> Machine:
    m = lifecycle.ending(replace(ready(), owed=()), T + 2 * HOUR, cause, None)
    m = lifecycle.seen(m, T + 2 * HOUR, replace(INSTANCE, state="terminated"))
    return lifecycle.ended(m, T + 2 * HOUR)


def buttons(message: Message) -> list[Block]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [b for row in rows for b in row if b["type"] == "button"]


def labels(message: Message) -> list[str]:
    return [b["text"]["text"] for b in buttons(message)]


def actions(message: Message) -> list[tuple[str, str]]:
    return [(b["action_id"], b["value"]) for b in buttons(message)]


def primary(message: Message) -> list[str]:
    return [b["text"]["text"] for b in buttons(message) if b.get("style") == "primary"]


# ---- the card -------------------------------------------------------------------------------


def test_the_quota_wall_says_what_is_short_and_that_nothing_runs() -> None:
    m = at_the_wall()
    card = messages.card(m, T)
    assert card.text.splitlines() == [
        (
            "*amber-fox* is not launched. Your account may run 0 P-type spot vCPUs in us-east-1; "
            "this needs 8. Nothing was started, so it costs nothing."
        ),
        "Machine: `p3.2xlarge` spot, us-east-1, 1 x NVIDIA V100, 16 GiB",
        "Owner: <@U1>",
        "Runs for: 4 h",
        "[Ask AWS for 8] [Ask, and launch when granted] [us-west-2 at $0.918/h]",
        (
            f"Asked for by <@U1>. Open until {date(T + 24 * HOUR, '25 Nov 14:00 UTC')}, "
            "or give it up: `/gpu end amber-fox`."
        ),
    ]
    assert actions(card) == [
        ("choose-0", "m-abc:1:0"),
        ("choose-1", "m-abc:1:1"),
        ("choose-2", "m-abc:1:2"),
    ]
    assert primary(card) == ["Ask, and launch when granted"]


def test_the_wall_names_the_key_and_address_that_are_missing_with_their_commands() -> None:
    m = at_the_wall()
    assert m.hold is not None
    lacking = replace(m, hold=replace(m.hold, lacks_key=True, lacks_address=True))
    text = messages.card(lacking, T).text
    assert "`/gpu key add ssh-ed25519 AAAA… you@laptop`" in text
    assert "`/gpu allow &lt;your address&gt;/32`" in text
    only_key = replace(m, hold=replace(m.hold, lacks_key=True))
    assert "/gpu allow" not in messages.card(only_key, T).text


ASKED = QuotaRequest(
    region="us-east-1",
    code="L-7212CCBC",
    name="All P4, P3 and P2 Spot Instance Requests",
    before=0,
    desired=8,
    change_id="req-1",
    status=QuotaStatus.PENDING,
    asked_by="U1",
    asked_at=T,
    channel="C1",
    thread=None,
)


def test_once_aws_has_been_asked_the_wall_only_offers_to_launch_when_granted() -> None:
    m = lifecycle.asked(at_the_wall(), T, ASKED, "U1")
    card = messages.card(m, T)
    assert labels(card) == ["Launch when granted", "us-west-2 at $0.918/h", "Cancel"]
    assert actions(card) == [
        ("choose-1", "m-abc:2:1"),
        ("choose-2", "m-abc:2:2"),
        ("cancel", "m-abc:2"),
    ]
    assert "AWS has been asked for more" in card.text


def test_used_vcpus_are_part_of_the_wall() -> None:
    m = at_the_wall()
    assert m.hold is not None
    facts = replace(QUOTA, limit=8, used=4, in_flight=4)
    m = replace(m, hold=replace(m.hold, quota=facts))
    wall = "Your account may run 8 P-type spot vCPUs in us-east-1 and uses 8 of them; this needs 8."
    assert wall in messages.card(m, T).text


def test_a_launch_that_waits_for_aws_says_until_when_and_can_be_cancelled() -> None:
    m = lifecycle.waiting(at_the_wall(), T, ASKED, "U1")
    card = messages.card(m, T)
    until = date(T + timedelta(days=7), "1 Dec 14:00 UTC")
    assert "waits for AWS, which has been asked for 8" in card.text
    assert until in card.text
    assert actions(card) == [("cancel", "m-abc:2")]


def test_no_capacity_names_the_zones_and_offers_other_markets_and_types_with_prices() -> None:
    m = held_for(
        HoldKind.NO_CAPACITY,
        Choice(kind=ChoiceKind.MARKET, value="on-demand", hourly=Decimal("3.06")),
        Choice(kind=ChoiceKind.TYPE, value="g5.2xlarge", hourly=Decimal("0.45")),
        Choice(kind=ChoiceKind.RETRY, value=""),
    )
    tried = tuple(
        Tried(zone=f"us-east-1{z}", market=Market.SPOT, code="InsufficientInstanceCapacity")
        for z in "ab"
    )
    card = messages.card(replace(m, tried=tried), T)
    assert "EC2 had no capacity for `p3.2xlarge` spot in us-east-1 at the last try, " in card.text
    assert "(us-east-1a, b: no capacity)." in card.text
    assert labels(card) == ["On-demand at $3.06/h", "g5.2xlarge spot at $0.45/h", "Try again"]
    assert primary(card) == ["On-demand at $3.06/h"]


@pytest.mark.parametrize(
    ("kind", "code", "detail", "said"),
    [
        (HoldKind.NOT_OFFERED, "not-offered", "", "EC2 does not offer `p3.2xlarge` in us-east-1."),
        (HoldKind.NOT_OFFERED, "no-such-market", "", "does not sell `p3.2xlarge` as spot"),
        (
            HoldKind.TOO_DEAR,
            "price-limit",
            "10",
            "an approval, $10.00/h (rule `approval-above`)",
        ),
        (HoldKind.REFUSED, "no-default-vpc", "", "There is no default VPC in us-east-1."),
        (HoldKind.REFUSED, "no-subnet", "", "has a public subnet"),
        (HoldKind.REFUSED, "disk", "The image needs 75 GB.", "The image needs 75 GB."),
        (HoldKind.REFUSED, "UnauthorizedOperation", "", "An admin has to look"),
    ],
)
def test_every_refusal_says_why_and_that_nothing_was_started(
    kind: HoldKind, code: str, detail: str, said: str
) -> None:
    card = messages.card(held_for(kind, code=code, detail=detail), T)
    assert said in card.text
    assert "Nothing was started, so it costs nothing." in card.text
    assert labels(card) == ["Cancel"]
    assert "/gpu " in card.text


def test_awss_own_text_is_not_repeated_because_it_may_name_accounts() -> None:
    m = held_for(HoldKind.REFUSED, code="UnauthorizedOperation", detail="arn:aws:iam::1234:role/x")
    assert "1234" not in messages.card(m, T).text


def test_a_launch_without_key_or_address_goes_on_by_itself_afterwards() -> None:
    hold = Hold(kind=HoldKind.NO_ACCESS, lacks_address=True)
    card = messages.card(lifecycle.held(asked_for(), T, hold), T)
    assert "Type this, and the launch goes on by itself:" in card.text
    assert "/gpu allow" in card.text
    assert "/gpu key" not in card.text


def test_the_zone_that_is_tried_and_those_that_refused_are_shown() -> None:
    tried = (Tried(zone="us-east-1b", market=Market.SPOT, code="InsufficientInstanceCapacity"),)
    card = messages.card(replace(trying(), tried=tried), T)
    assert card.text.startswith("*amber-fox*: trying `p3.2xlarge` spot in us-east-1a.")
    assert "Tried: us-east-1b: no capacity" in card.text
    assert actions(card) == [("cancel", "m-abc:0")]


def test_an_unclear_answer_is_said_to_be_one() -> None:
    m = trying()
    assert m.attempt is not None
    unclear = replace(m, attempt=replace(m.attempt, sends=1, last_send=T, unclear=True))
    assert "It may be running" in messages.card(unclear, T).text


def test_a_running_machine_waits_for_ssh_and_can_be_stopped() -> None:
    m = replace(ready(), ready_at=None)
    card = messages.card(m, T)
    assert "is running, waiting for SSH" in card.text
    assert actions(card) == [("stop", "m-abc:1")]


def test_a_ready_machine_shows_price_deadline_and_cost_until_then() -> None:
    card = messages.card(ready(), T)
    assert card.text.splitlines() == [
        "*amber-fox* is ready: `p3.2xlarge` spot in us-east-1a. Connect: `/gpu ssh amber-fox`",
        "Machine: `p3.2xlarge` spot, us-east-1a, 1 x NVIDIA V100, 16 GiB",
        "Owner: <@U1>",
        "Price: $0.918/h spot",
        f"Ends by itself: {date(T + 4 * HOUR, '24 Nov 18:00 UTC')}",
        "Cost until then: $3.69",
        "[Extend 2 h (+$1.84)] [Stop now]",
        (
            "Image Deep Learning Base, 50 GB encrypted disk · Spot: EC2 may take it back with two "
            "minutes' notice; it cannot be stopped"
        ),
    ]
    assert actions(card) == [("extend", "m-abc:1"), ("stop", "m-abc:1")]
    assert primary(card) == ["Extend 2 h (+$1.84)"]


def test_stopping_a_spot_machine_is_confirmed_as_an_end_that_deletes_the_disk() -> None:
    stop = buttons(messages.card(ready(), T))[-1]
    assert stop["style"] == "danger"
    assert stop["confirm"]["title"]["text"] == "End amber-fox?"
    assert "50 GB disk is deleted" in stop["confirm"]["text"]["text"]
    assert "$0.918/h" in stop["confirm"]["text"]["text"]


def test_stopping_an_on_demand_machine_is_confirmed_with_what_its_disk_costs() -> None:
    stop = buttons(messages.card(ready(Market.ON_DEMAND), T))[-1]
    assert stop["confirm"]["title"]["text"] == "Stop amber-fox?"
    assert "50 GB disk is kept and costs $0.13 a day" in stop["confirm"]["text"]["text"]


def test_the_card_of_a_running_machine_is_the_same_an_hour_later() -> None:
    assert messages.card(ready(), T) == messages.card(ready(), T + HOUR)


def test_the_card_tells_no_address_to_the_channel() -> None:
    assert "203.0.113.9" not in json.dumps(messages.card(ready(), T).blocks)


def test_a_stop_is_not_called_done_before_ec2_says_so() -> None:
    m = lifecycle.unwanted(ready(Market.ON_DEMAND), T, Cause.PERSON, "U2")
    for moment in (m, lifecycle.stopping(m, T)):
        card = messages.card(moment, T)
        assert card.text.startswith("*amber-fox* is being stopped by <@U2>.")
        assert buttons(card) == []


def test_a_stopped_machine_says_who_how_long_how_much_and_what_is_kept() -> None:
    card = messages.card(stopped(), T + 9 * HOUR)
    assert card.text.splitlines()[0] == (
        "*amber-fox* was stopped by <@U2>. It ran 2 h and cost $6.13. Its 50 GB disk is kept and "
        "costs $0.13 a day; `/gpu start amber-fox` starts it again at $3.06/h."
    )
    assert actions(card) == [("start", "m-abc"), ("end", "m-abc:1")]
    assert "confirm" in buttons(card)[1]


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (Cause.DEADLINE, "at its deadline"),
        (Cause.SPOT, "because EC2 took the spot capacity back"),
        (Cause.OUTSIDE, "from outside (the console, the machine itself or another tool)"),
    ],
)
def test_an_ended_machine_says_why_and_that_nothing_is_left(cause: Cause, why: str) -> None:
    card = messages.card(ended(cause), T + 9 * HOUR)
    assert card.text.splitlines()[0] == (
        f"*amber-fox* was ended {why}. It ran 2 h and cost $1.85. Its disk is deleted: nothing is "
        "left of it that costs money."
    )
    assert buttons(card) == []


def test_a_failed_launch_says_why_and_how_to_ask_again() -> None:
    m = lifecycle.failed(at_the_wall(), T + 25 * HOUR, Cause.EXPIRED, None)
    first = messages.card(m, T).text.splitlines()[0]
    assert first == (
        "*amber-fox* was not launched because its time ran out before it could be launched. "
        "Nothing was started, so it costs nothing. To ask again: "
        "`/gpu launch p3.2xlarge spot in us-east-1 for 4h`"
    )


# ---- notices --------------------------------------------------------------------------------


def due(m: Machine, kind: NoticeKind, at: datetime = T, detail: str = "") -> Message:
    return messages.notice(m, Notice(kind=kind, at=at, detail=detail), at)


def test_ready_mentions_the_owner_with_the_ssh_line() -> None:
    said = due(ready(), NoticeKind.READY)
    assert said.text.splitlines()[0] == "<@U1> *amber-fox* is ready: `ssh ubuntu@203.0.113.9`"
    assert "$3.69 until then" in said.text


def test_the_warning_offers_to_extend_to_stop_or_to_leave_it() -> None:
    said = due(ready(), NoticeKind.WARNING, T + timedelta(hours=3, minutes=45))
    assert said.text.splitlines() == [
        (
            f"<@U1> *amber-fox* ends by itself {date(T + 4 * HOUR, '24 Nov 18:00 UTC')}. It has "
            "cost $3.46 so far. It is a spot machine: its 50 GB disk is deleted then, so save what "
            "you need."
        ),
        "[Extend 2 h (+$1.84)] [Stop now] [Until 24 Nov 18:00 UTC, or when?]",
        "Or keep it until the time that you choose above, on your own clock",
    ]
    assert actions(said) == [("extend", "m-abc:1"), ("stop", "m-abc:1")]
    (picker,) = [e for b in said.blocks for e in b.get("elements", ()) if "initial_date_time" in e]
    assert picker["action_id"] == "until/m-abc:1"
    assert picker["initial_date_time"] == int((T + 4 * HOUR).timestamp())
    assert "$0.918/h" in picker["confirm"]["text"]["text"]


def test_a_lease_that_cannot_grow_offers_no_extension() -> None:
    m = ready()
    assert m.lease is not None
    full = replace(m, lease=replace(m.lease, hard=m.lease.deadline))
    said = due(full, NoticeKind.WARNING)
    assert labels(said) == ["Stop now"]
    assert "longest time" in said.text


def test_an_interruption_says_until_when_and_how_to_go_on() -> None:
    said = due(ready(), NoticeKind.INTERRUPTED)
    assert date(T + timedelta(minutes=2), "24 Nov 14:02 UTC") in said.text
    assert "Save your work now: its 50 GB disk is deleted." in said.text
    assert "`/gpu launch p3.2xlarge on-demand in us-east-1 for 4h`" in said.text


def test_stopped_is_told_with_the_cost_and_a_way_back() -> None:
    said = due(stopped(), NoticeKind.STOPPED, T + 2 * HOUR)
    assert said.text.startswith("<@U1> *amber-fox* was stopped by <@U2>. It ran 2 h and cost $6.13")
    assert actions(said) == [("start", "m-abc")]


def test_a_start_that_failed_says_that_it_is_still_stopped_and_what_that_costs() -> None:
    said = due(stopped(), NoticeKind.START_FAILED, T, "InsufficientInstanceCapacity")
    assert "EC2 has none of these free there right now." in said.text
    assert "It is still stopped. Its 50 GB disk is kept and costs $0.13 a day" in said.text
    assert labels(said) == ["Try again"]


@pytest.mark.parametrize(
    "kind", [NoticeKind.READY, NoticeKind.WARNING, NoticeKind.STOPPED, NoticeKind.INTERRUPTED]
)
def test_a_late_notice_tells_how_it_is_now_and_has_no_old_buttons(kind: NoticeKind) -> None:
    said = due(ended(Cause.DEADLINE), kind)
    assert "is ended now" in said.text
    assert buttons(said) == []


# ---- extending, old buttons, connecting -----------------------------------------------------


def extended() -> Machine:
    new = lifecycle.extended(ready(), T + HOUR, T + 6 * HOUR, "U3")
    assert isinstance(new, Machine)
    return new


def test_an_extension_answers_with_the_new_deadline_and_cost() -> None:
    said = messages.extended(extended(), T + HOUR)
    assert said.text == (
        f"*amber-fox* runs until {date(T + 6 * HOUR, '24 Nov 20:00 UTC')}. It will have cost $5.54 "
        f"by then ($0.92 so far). You are warned "
        f"{date(T + timedelta(hours=5, minutes=45), '24 Nov 19:45 UTC')}."
    )


def test_a_later_click_is_told_who_was_first() -> None:
    said = messages.old_button(extended())
    assert "extended (by <@U3>)" in said.text
    assert "Nothing was changed." in said.text


def test_a_button_of_nothing_is_answered_too() -> None:
    assert "gone" in messages.old_button(None).text


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("not-running", "so there is no deadline to move"),
        ("too-late", "has reached its deadline"),
        ("beyond-longest", "is the latest"),
        ("not-later", "only a later time extends it"),
        ("decided", "Somebody was first"),
    ],
)
def test_an_extension_that_is_refused_says_why_and_what_the_machine_costs(
    why: str, said: str
) -> None:
    refusal = lifecycle.NotExtended(why=why, latest=T + 24 * HOUR)
    text = messages.extend_refused(extended(), refusal).text
    assert said in text
    assert "was not changed" in text or "Nothing was changed" in text
    assert "$0.918/h" in text


def test_ssh_tells_the_line_the_link_and_who_may_connect() -> None:
    said = messages.ssh(ready(), PROFILE)
    assert "`ssh ubuntu@203.0.113.9`" in said.text
    link = "vscode://vscode-remote/ssh-remote+ubuntu@203.0.113.9/home/ubuntu"
    assert f"<{link}|Open in VS Code>" in said.text
    assert "`203.0.113.7/32` until" in said.text


def test_ssh_says_what_is_missing_when_no_address_is_allowed() -> None:
    said = messages.ssh(ready(), Profile(user="U1"))
    assert "SSH will time out" in said.text
    assert "/gpu allow" in said.text


def test_ssh_to_a_stopped_machine_says_how_to_start_it() -> None:
    said = messages.ssh(stopped(), PROFILE)
    assert "is stopped" in said.text
    assert "`/gpu start amber-fox`" in said.text


def test_a_spot_stop_is_asked_first_with_the_end_named() -> None:
    said = messages.stop_question(ready(), T + HOUR)
    assert "cannot be stopped: it ends, and its 50 GB disk is deleted" in said.text
    assert "has cost $0.92 so far" in said.text
    assert actions(said) == [("end", "m-abc:1"), ("keep", "m-abc")]


def test_stopping_everything_says_which_disks_stay_and_which_go() -> None:
    brave = replace(ready(Market.ON_DEMAND), name="brave-owl")
    said = messages.stop_all_question((ready(), brave, at_the_wall()), T + HOUR)
    assert "*brave-owl*: stopped; the disks are kept, $0.13 a day" in said.text
    assert "*amber-fox*: spot, so ended; the disks are deleted" in said.text
    assert "not launched yet, so given up" in said.text
    named = ".".join(messages.as_asked(m) for m in (ready(), brave, at_the_wall()))
    assert ("stop-all", f"U1:{named}") in actions(said)


def test_every_lease_word_survives_a_machine_without_a_lease() -> None:
    bare = replace(ready(), lease=None)
    assert isinstance(messages.ssh(bare, PROFILE), Message)
    assert isinstance(messages.card(bare, T), Message)
    assert isinstance(due(bare, NoticeKind.READY), Message)


def test_a_second_run_counts_the_first_one_too() -> None:
    lease: Lease = lifecycle.lease(2 * HOUR, T + 9 * HOUR, POLICY)
    m = lifecycle.wants_start(stopped(), T + 9 * HOUR, lease, "U1")
    text = messages.card(replace(m, state=State.STARTING), T).text
    assert "Cost until then: $12.25" in text
