"""What people read about quotas, keys, addresses and lists; and that help only names what works."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import commands, messages
from core.blocks import Message
from core.commands import UsageError
from core.faults import Fault, FaultKind, classify
from core.messages import guide, words
from core.model import (
    Access,
    Desire,
    Happening,
    Instance,
    Lease,
    Machine,
    Market,
    Place,
    Placement,
    Profile,
    PublicKey,
    QuotaFacts,
    QuotaRequest,
    QuotaStatus,
    Run,
    State,
    TypeFacts,
    Wish,
)
from core.policy import Denied

T = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOON = "<!date^1795521600^{date_short_pretty} at {time}|24 Nov 12:00 UTC>"
FACTS = QuotaFacts(
    code="L-7212CCBC",
    name="All P4, P3 and P2 Spot Instance Requests",
    region="us-east-1",
    limit=0,
    used=0,
)
ASKED = QuotaRequest(
    region="us-east-1",
    code="L-7212CCBC",
    name="All P4, P3 and P2 Spot Instance Requests",
    before=0,
    desired=8,
    change_id="req-1",
    status=QuotaStatus.PENDING,
    asked_by="U1",
    asked_at=T - 2 * HOUR,
    channel="C1",
    thread="1.0",
)
KEY = PublicKey(
    fingerprint="SHA256:abcd", text="ssh-ed25519 AAAA", comment="me@laptop", added_at=T - 2 * HOUR
)
ACCESS = Access(cidr="203.0.113.7/32", until=T - 2 * HOUR)


def machine(name: str = "amber-fox", state: State = State.RUNNING) -> Machine:
    at = Placement(
        instance_type="p3.2xlarge",
        region="us-east-1",
        zone="us-east-1a",
        subnet="subnet-1",
        market=Market.ON_DEMAND,
        hourly=Decimal("3.06"),
    )
    lease = Lease(
        length=4 * HOUR, started_at=T, deadline=T + 4 * HOUR, warn_at=T, hard=T + 24 * HOUR
    )
    up = state is State.RUNNING
    return Machine(
        id=f"m-{name}",
        version=1,
        name=name,
        owner="U1",
        channel="C1",
        wish=Wish(instance_type="p3.2xlarge", market=Market.ON_DEMAND, region="us-east-1"),
        state=state,
        desire=Desire.RUN if up else Desire.STOP,
        created_at=T,
        launch_by=T,
        due_at=T,
        disk_gb=50,
        placement=at,
        instance=Instance(
            id="i-1", region="us-east-1", zone="us-east-1a", state="running", launched_at=T
        ),
        lease=lease,
        runs=(Run(started_at=T, ended_at=None if up else T + HOUR, hourly=at.hourly),),
        ready_at=T if up else None,
    )


def labels(message: Message) -> list[str]:
    rows = [b["elements"] for b in message.blocks if b["type"] == "actions"]
    return [made["text"]["text"] for row in rows for made in row]


# ---- quotas ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("All P4, P3 and P2 Spot Instance Requests", "P-type spot vCPUs"),
        ("All P5 Spot Instance Requests", "P5-type spot vCPUs"),
        ("Running On-Demand P instances", "P-type on-demand vCPUs"),
        ("Running On-Demand G and VT instances", "G and VT-type on-demand vCPUs"),
        ("All G and VT Spot Instance Requests", "G and VT-type spot vCPUs"),
        ("Running On-Demand Trn instances", "Trn-type on-demand vCPUs"),
        (
            "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
            "Standard-type on-demand vCPUs",
        ),
    ],
)
def test_a_quota_is_called_by_its_family_and_market(name: str, said: str) -> None:
    assert words.vcpus_of(name) == said


def test_quotas_show_limit_use_room_and_what_has_been_asked() -> None:
    busy = replace(FACTS, limit=16, used=4, in_flight=4)
    none = replace(FACTS, name="All Inf Spot Instance Requests", code="L-9")
    asleep = Fault(kind=FaultKind.THROTTLED, code="Throttling", message="slow", operation="x")
    said = messages.quotas((("us-east-1", (busy, none)), ("us-west-2", asleep)), (ASKED,))
    assert said.text.splitlines() == [
        "*vCPUs that this account may run*",
        "*us-east-1*",
        "• *P-type spot*: limit 16, used 4, 4 being launched, free 8",
        "• limit 0, spot: Inf",
        "*us-west-2*",
        (
            "• not known now: AWS is taking too many requests from this account; it is tried "
            "again. Nothing has to be done."
        ),
        "*Asked of AWS*",
        f"• P-type spot vCPUs in us-east-1: 0 → 8, AWS is deciding; asked by <@U1> {NOON}",
        (
            "One type: `/gpu quota g5.xlarge` · "
            "More of it: `/gpu quota raise g5.xlarge spot in us-east-1` or "
            "`/gpu quota raise g5.xlarge on-demand in us-east-1`"
        ),
    ]


def test_the_quota_of_a_type_says_how_many_of_it_fit() -> None:
    kind = TypeFacts(
        name="p3.2xlarge",
        vcpus=8,
        memory_mib=62464,
        architecture="x86_64",
        gpu=None,
        markets=frozenset(Market),
    )
    room = replace(FACTS, limit=20, used=2)
    said = messages.quotas((("us-east-1", (room, replace(FACTS, unsure=True))),), (), kind)
    assert said.text.splitlines()[:4] == [
        "`p3.2xlarge` needs 8 vCPUs. *vCPUs that this account may run*",
        "*us-east-1*",
        "• *P-type spot*: limit 20, used 2, free 18: room for 2",
        (
            "• *P-type spot*: limit 0, used 0, free 0: room for none (AWS does not say which quota "
            "counts this type; this has the most room)"
        ),
    ]


def test_a_request_made_without_the_bot_is_shown_and_not_made_again() -> None:
    said = messages.quota_asked(replace(ASKED, outside=True, desired=16)).text
    assert "open request already: 16 P-type spot vCPUs in us-east-1 (now 0)" in said
    assert "made without this bot" in said
    assert "in this thread" in said


def test_asking_aws_says_that_it_costs_nothing_and_where_the_answer_comes() -> None:
    assert messages.quota_asking(FACTS, 8, "U1").text == (
        "<@U1> asks AWS for 8 P-type spot vCPUs in us-east-1 (now 0)… Asking costs nothing."
    )
    asked = messages.quota_asked(replace(ASKED, case_id="17"))
    assert "What AWS says is told in this thread." in asked.text
    assert "AWS request req-1, case 17" in asked.text


def test_asking_twice_or_for_what_is_there_asks_nothing() -> None:
    assert "Nothing more was asked" in messages.quota_already(ASKED).text
    enough = messages.quota_enough(replace(FACTS, limit=16, used=8), 8).text
    assert "8 are free, and 8 are needed. Nothing was asked of AWS" in enough


@pytest.mark.parametrize(
    ("status", "granted", "said", "then"),
    [
        (QuotaStatus.APPROVED, 8, "AWS granted it: 8 P-type", "*amber-fox* goes on by itself now."),
        (QuotaStatus.APPROVED, None, "AWS granted it: 8 P-type", "goes on by itself now."),
        (QuotaStatus.APPROVED, 4, "AWS granted a part: 4 of the 8", "is looked at again"),
        (QuotaStatus.APPROVED, 0, "the limit still shows 0", "is looked at again"),
        (QuotaStatus.DENIED, 0, "refused. The limit is 0. Nothing was started.", "is looked at"),
        (QuotaStatus.CASE_CLOSED, 8, "AWS granted it: 8 P-type", "goes on by itself now."),
        (QuotaStatus.CASE_CLOSED, 4, "AWS granted a part: 4 of the 8", "is looked at again"),
        (QuotaStatus.CASE_CLOSED, 0, "AWS did not grant 8 P-type", "is looked at again"),
        (QuotaStatus.CASE_CLOSED, None, "the case was closed", "is looked at again"),
        (QuotaStatus.UNKNOWN, None, "is not known: for days AWS has not let", "is looked at again"),
    ],
)
def test_what_aws_decided_is_told_with_what_it_means_for_waiting_launches(
    status: QuotaStatus, granted: int | None, said: str, then: str
) -> None:
    request = replace(ASKED, status=status, granted=granted)
    text = messages.quota_outcome(request, (machine(),)).text
    assert text.startswith("<@U1> ")
    assert said in text
    assert then in text


def test_of_a_case_that_was_closed_with_a_raised_limit_no_refusal_is_told() -> None:
    request = replace(ASKED, status=QuotaStatus.CASE_CLOSED, before=4, granted=8)
    said = messages.quota_outcome(request, ()).text
    assert "AWS granted it: 8 P-type" in said and "(before: 4)" in said
    assert "did not grant" not in said and "No launch waited for it" in said


def test_a_grant_that_nobody_waited_for_starts_nothing() -> None:
    request = replace(ASKED, status=QuotaStatus.APPROVED, granted=8)
    assert "nothing was started" in messages.quota_outcome(request, ()).text


# ---- keys and addresses ---------------------------------------------------------------------


def test_keys_are_numbered_as_they_are_removed_and_their_material_is_not_shown() -> None:
    text = messages.keys(Profile(user="U1", keys=(KEY, KEY))).text
    assert f"2. `SHA256:abcd` me@laptop (ssh-ed25519, added {NOON})" in text
    assert "/gpu key remove 1" in text
    assert "ssh-ed25519 AAAA)" not in text


def test_without_a_key_the_way_to_make_one_is_told() -> None:
    text = messages.keys(Profile(user="U1")).text
    assert "`ssh-keygen -t ed25519`" in text
    assert "`/gpu key add ssh-ed25519 AAAA… you@laptop`" in text


def test_a_key_that_was_missing_lets_the_launch_go_on() -> None:
    assert "*amber-fox* goes on now" in messages.key_added(KEY, (machine(),)).text
    assert "goes on" not in messages.key_added(KEY, ()).text


def test_a_removed_key_is_still_on_machines_that_run() -> None:
    assert "authorized_keys" in messages.key_removed(KEY).text


def test_addresses_are_shown_with_their_end_and_how_to_close_them() -> None:
    text = messages.accesses(Profile(user="U1", accesses=(ACCESS,))).text
    assert f"• `203.0.113.7/32` until {NOON}" in text
    assert "`/gpu allow remove 203.0.113.7/32`" in text
    assert "<https://checkip.amazonaws.com|checkip.amazonaws.com>" in text


def test_an_opened_address_says_on_which_machines_and_a_closed_one_too() -> None:
    opened = messages.access_added((ACCESS,), (machine(),)).text
    assert "Open on *amber-fox* now." in opened
    assert (
        "Closed on *amber-fox*." in messages.access_removed(("203.0.113.7/32",), (machine(),)).text
    )


# ---- lists ----------------------------------------------------------------------------------


def test_the_overview_counts_what_runs_and_what_disks_cost_and_offers_next_steps() -> None:
    mine = (machine(), machine("brave-owl", State.STOPPED))
    said = messages.overview(mine, Profile(user="U1", keys=(KEY,), accesses=(ACCESS,)), T + HOUR)
    first = said.text.splitlines()[0]
    assert first == (
        "*2 machines*: 1 up for $3.06/h, 1 stopped, whose disks cost $0.13 a day. So far: $6.13."
    )
    assert labels(said) == ["Extend amber-fox 2 h (+$6.12)", "Stop amber-fox", "Start brave-owl"]


def test_an_empty_overview_says_so_and_what_is_missing_before_a_launch() -> None:
    text = messages.overview((), Profile(user="U1"), T).text
    assert text.startswith("You have no machine, so nothing here costs money.")
    assert "/gpu key add" in text
    assert "/gpu allow" in text


def test_everybodys_machines_are_listed_with_their_owners() -> None:
    assert "• *amber-fox* <@U1>: running and ready" in (
        messages.listing((machine(),), T, everyone=True).text
    )
    assert "<@U1>" not in messages.listing((machine(),), T, everyone=False).text
    assert "Nobody has a machine" in messages.listing((), T, everyone=True).text


def test_a_long_list_says_how_many_more_there_are() -> None:
    text = messages.listing((machine(),) * 70, T, everyone=False)
    assert "… and 10 more" in str(text.blocks)


def test_a_machine_is_shown_with_its_history_in_words_and_its_ids_last() -> None:
    m = machine()
    lines = ("us-east-1b spot: InsufficientInstanceCapacity", "extended (by U3)")
    history = tuple(Happening(at=T, what=line) for line in lines)
    text = messages.show(replace(m, history=history), T + HOUR).text
    assert "us-east-1b spot: no capacity" in text
    assert "extended (by <@U3>)" in text
    assert "Ran 1 h so far, for $3.07" in text
    assert text.splitlines()[-1] == "Machine `m-amber-fox`, instance `i-1` in us-east-1"


# ---- answers --------------------------------------------------------------------------------


def test_a_usage_error_offers_the_nearest_command_and_says_that_nothing_was_started() -> None:
    said = messages.usage(
        UsageError(what="There is no command lauch.", nearest="/gpu launch", topic="launch")
    )
    assert said.text.splitlines() == [
        "There is no command lauch. Nothing was started or changed.",
        "Try `/gpu launch`",
        "Examples: `/gpu help launch`",
    ]


def test_nothing_was_started_is_said_once() -> None:
    text = messages.usage(UsageError(what="No. Nothing was started.")).text
    assert text.count("othing was") == 1


def test_a_rule_that_says_no_tells_the_next_step() -> None:
    text = messages.denied(
        Denied(rule="channels", what="Not in this channel.", next="Use <#C1>.")
    ).text
    assert text == "Not in this channel. Nothing was started or changed.\nUse &lt;#C1&gt;."


def test_the_same_command_twice_says_that_there_is_one_machine() -> None:
    text = messages.twin(machine()).text
    assert "that is *amber-fox*, running and ready" in text
    assert "No second machine was started." in text


def test_a_name_that_is_taken_says_whose_it_is_by_a_mention_and_nothing_else_is_one() -> None:
    text = messages.name_taken("bert", machine("bert")).text
    assert "called `bert` is there already (<@U1>'s). Nothing was started." in text
    text = messages.name_taken("<!channel> <@U9>", None).text
    assert "<" not in text and "there already. Nothing was started." in text


def test_somebody_elses_machine_stays_as_it_is() -> None:
    text = messages.not_yours(machine()).text
    assert "belongs to <@U1>" in text
    assert "Nothing was changed" in text


def test_a_name_that_is_not_there_shows_those_that_are() -> None:
    text = messages.no_machine("amber-foks", (machine(),)).text
    assert "called `amber-foks`" in text
    assert "Did you mean `amber-fox`?" in text
    assert "• *amber-fox*: running and ready" in text


def test_several_machines_are_told_apart_by_pasteable_commands() -> None:
    text = messages.which_machine((machine(), machine("brave-owl")), "stop").text
    assert "• `/gpu stop amber-fox`: running and ready" in text
    assert "• `/gpu stop brave-owl`: running and ready" in text


def test_trouble_has_a_reference_and_says_what_may_run() -> None:
    text = messages.trouble("r-7f3a", "amber-fox may be running.").text
    assert "amber-fox may be running." in text
    assert "Reference `r-7f3a`" in text


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("UnauthorizedOperation", 403, "Nothing was started by this."),
        ("InternalError", 500, "Whether it took effect is not certain."),
    ],
)
def test_when_aws_refuses_it_is_said_whether_anything_may_have_happened(
    code: str, status: int, said: str
) -> None:
    fault = classify("StopInstances", code, "arn:aws:iam::1234:role/x", status)
    text = messages.aws_refused("r-7f3a", fault).text
    assert said in text
    assert code in text
    assert "`r-7f3a`" in text
    assert "1234" not in text


def test_a_request_that_came_too_late_was_not_carried_out() -> None:
    text = messages.too_late(T, "launch g5.xlarge").text
    assert text.startswith("`launch g5.xlarge` of <!date^")
    assert "nothing was started or changed" in text
    assert messages.too_late(T, "").text.startswith("What you pressed on <!date^")


def test_where_the_launch_is_shown_is_said() -> None:
    assert "direct messages" in messages.here_is_where(Place(channel="D1", ts="1.0")).text


# ---- help -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [command for examples in guide.TOPICS.values() for command, _ in examples]
)
def test_every_example_in_the_help_is_a_command_that_works_when_pasted(command: str) -> None:
    if "AAAA…" in command:
        return  # stands for the reader's own key
    # Slack sends a mention as the person's id.
    parsed = commands.parse(command.removeprefix("/gpu ").replace("@kim", "<@U0KIM|kim>"))
    assert not isinstance(parsed, UsageError), parsed


def test_the_help_names_every_topic_and_says_so_of_one_that_does_not_exist() -> None:
    text = messages.help(None).text
    assert all(topic in text for topic in guide.TOPICS)
    assert messages.help("EXTEND").text.startswith("`/gpu extend 2h`")
    assert messages.help("<b>").text.startswith("There is no help on &lt;b&gt;.")
