"""The doctor: each check when it is right, when it is wrong, and when it cannot be made."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from core import doctor
from core.flows.pulse import beat
from core.flows.watch import Watch
from core.model import Pulse, QuotaRequest, QuotaStatus, Reconciled, RuleChange, Rules
from core.ports import AlarmMail
from sim.town import ADA, CHANNEL, LIN, PROFILE, SAM, Town, person, town

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
HERE = "us-east-1"


def well(**policy: Any) -> Town:
    """A deployment in one region with nothing wrong: a machine runs, the clock has struck."""
    here = town(regions=(HERE,), **policy)
    here.with_quota()
    here.ready_to_launch()
    here.type("launch g5.xlarge on-demand for 4h")
    here.pass_time(timedelta(minutes=10))
    spent = Reconciled(day="2026-11-23", ours=Decimal(3), theirs=Decimal(3), read_at=here.now)
    here.ledger.save_row(spent, None)
    return here


def looked_over(here: Town, user: str = SAM) -> str:
    (said,) = here.type("doctor", user)
    assert len(said.blocks) <= 50
    return said.text


def line(text: str, topic: str) -> str:
    """What is said of a topic, with what mends it."""
    parts = text.split("\n")
    (at,) = [i for i, part in enumerate(parts) if f"*{topic}*" in part]
    behind = parts[at + 1 :]
    more = next((i for i, part in enumerate(behind) if part.startswith(":")), len(behind))
    return "\n".join(parts[at : at + 1 + more])


def wrong(here: Town, topic: str) -> str:
    found = line(looked_over(here), topic)
    assert found.startswith(":x:"), found
    return found


def unclear(here: Town, topic: str) -> str:
    found = line(looked_over(here), topic)
    assert found.startswith(":grey_question:"), found
    return found


def test_a_deployment_with_nothing_wrong_is_told_so() -> None:
    text = looked_over(well())
    assert text.startswith("*Nothing wrong was found*; 14 are right."), text
    for topic in (
        "Launching",
        "Preparing a launch",
        "Stopping, starting, ending",
        "Image",
        "Network",
    ):
        assert line(text, topic).startswith(f":white_check_mark: *{topic}* in {HERE}: "), text


def test_only_admins_have_it_looked_over() -> None:
    here = well()
    before = len(here.chat.whispers)
    text = looked_over(here, ADA)
    assert "Only admins" in text
    assert "(rule `admins`)" in text
    assert len(here.chat.whispers) == before


def test_the_doctor_only_looks_and_every_call_that_would_change_something_is_a_dry_run() -> None:
    here = well()
    heard = here.hearing("*")
    counts, machines = here.counts(), here.ledger.everything()
    looked_over(here)
    assert here.counts() == counts
    assert here.ledger.everything() == machines
    trials = [call for call in heard if "DryRun" in call]
    assert len(trials) == 2 + 3 + 6
    assert all(call["DryRun"] is True for call in trials)
    looks = [call for call in heard if "DryRun" not in call]
    assert looks  # Describe… alone: the next test holds their names


def test_no_call_of_the_doctor_but_dry_runs_changes_anything() -> None:
    here = well()
    called: list[tuple[str, dict[str, Any]]] = []
    real = here.world.call

    def listening(service: str, region: str, operation: str, params: Any) -> Any:
        called.append((operation, dict(params)))
        return real(service, region, operation, params)

    here.world.call = listening  # type: ignore[method-assign]
    looked_over(here)
    assert called
    for operation, params in called:
        assert params.get("DryRun") or operation.startswith(("Describe", "Get", "List")), operation


# ---- disks ----------------------------------------------------------------------------------

KEY = f"arn:aws:kms:{HERE}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_disks_under_awss_own_key_need_nothing() -> None:
    found = line(looked_over(well()), "Disks")
    assert found == f":white_check_mark: *Disks* in {HERE}: are encrypted with AWS's own key."


def test_a_key_of_the_accounts_own_that_is_not_named_is_wrong() -> None:
    for named in (frozenset[str](), frozenset({KEY.replace("1234abcd", "4321abcd")})):
        here = well(disk_keys=named)
        here.control(do="disk-key", region=HERE, key=KEY)
        found = wrong(here, "Disks")
        assert f"the account's key `{KEY}`, which the bot has no right to use" in found
        assert "`DiskKeys`" in found
        assert "docs/deploy.md, *Disks under a key of your own*" in found


def test_a_key_of_the_accounts_own_that_is_named_is_right() -> None:
    here = well(disk_keys=frozenset({KEY}))
    here.control(do="disk-key", region=HERE, key=KEY)
    assert line(looked_over(here), "Disks").startswith(":white_check_mark:")


def test_a_region_without_an_answer_about_its_key_says_so() -> None:
    here = well()
    here.control(do="fault", operation="GetEbsDefaultKmsKeyId", code="InternalError", times=9)
    assert "`GetEbsDefaultKmsKeyId` answered `InternalError`" in unclear(here, "Disks")


# ---- permissions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "topic"),
    [
        ("RunInstances", "Launching"),
        ("CreateSecurityGroup", "Preparing a launch"),
        ("ImportKeyPair", "Preparing a launch"),
        ("CreateVolume", "Preparing a launch"),
        ("StartInstances", "Stopping, starting, ending"),
        ("StopInstances", "Stopping, starting, ending"),
        ("TerminateInstances", "Stopping, starting, ending"),
        ("CreateTags", "Stopping, starting, ending"),
        ("CreateImage", "Stopping, starting, ending"),
        ("AuthorizeSecurityGroupIngress", "Stopping, starting, ending"),
        ("DescribeVpcs", "AWS"),
        ("ListServiceQuotas", "GPU quotas"),
    ],
)
def test_a_permission_that_is_missing_is_named(operation: str, topic: str) -> None:
    here = well()
    here.control(do="deny", operation=operation, by="scp")
    said = wrong(here, topic)
    assert operation in said
    assert f"in {HERE}" in said
    assert "Deploy this version's template again" in said


def test_with_no_machine_to_borrow_a_group_from_a_launch_is_not_called_wrong() -> None:
    """The template lets a launch into marked groups only; the default one is not."""
    here = town(regions=(HERE,))
    here.control(
        do="deny", operation="RunInstances", by="policy", resource="security-group/sg-0default"
    )
    assert "ask again while one is" in unclear(here, "Launching").lower()
    assert "no machine of this bot" in unclear(here, "Stopping, starting, ending")


def test_but_a_policy_of_the_organisation_is_told_even_then() -> None:
    here = town(regions=(HERE,))
    here.control(
        do="deny", operation="RunInstances", by="scp", resource="security-group/sg-0default"
    )
    assert "UnauthorizedOperation" in wrong(here, "Launching")


@pytest.mark.parametrize(
    ("types", "tried"),
    [
        ((), "g4dn.xlarge"),
        (("g5", "p3.2xlarge"), "g5.xlarge"),
        (("p3.2xlarge",), "p3.2xlarge"),
        (("p4d",), "p4d.24xlarge"),
    ],
)
def test_a_launch_is_tried_with_a_type_that_the_rules_allow(
    types: tuple[str, ...], tried: str
) -> None:
    """AWS is told to let no others through."""
    here = town(regions=(HERE,), types=types)
    heard = here.hearing("RunInstances")
    looked_over(here)
    assert {call["InstanceType"] for call in heard} == {tried}


def test_where_no_allowed_type_is_sold_nothing_is_tried() -> None:
    here = town(regions=(HERE,), types=("zz9.xlarge",))
    heard = here.hearing("RunInstances")
    assert "no type that the rules allow" in unclear(here, "Launching")
    assert heard == []


def test_a_missing_machine_role_is_told_as_such() -> None:
    here = well()
    here.control(do="instance-profile", arn=PROFILE, gone=True)
    said = wrong(here, "Launching")
    assert "MachineProfile" in said
    assert "deploy the stack again" in said


def test_a_region_that_does_not_answer_is_unclear_and_the_others_are_told() -> None:
    here = town(regions=(HERE, "us-west-2"))
    here.control(do="fault", operation="DescribeVpcs", code="InternalError", region=HERE)
    text = looked_over(here)
    assert f":grey_question: *AWS* in {HERE}: " in text
    assert ":white_check_mark: *Network* in us-west-2" in text


def test_what_takes_too_long_is_told_as_that() -> None:
    here = well()

    def impatient(looks: Sequence[Callable[[], T]]) -> tuple[T | None, ...]:
        return (*(look() for look in looks[:-1]), None)

    here.house = replace(here.house, together=impatient)
    assert "no answer in time" in unclear(here, "AWS")


# ---- the region -----------------------------------------------------------------------------


def test_a_region_without_a_default_vpc_is_wrong() -> None:
    here = town(regions=(HERE,))
    here.control(do="remove-default-vpc", region=HERE)
    assert f"`aws ec2 create-default-vpc --region {HERE}`" in wrong(here, "Network")


def test_a_new_account_has_no_gpu_quota_and_hears_how_to_ask() -> None:
    here = town(regions=(HERE,))
    assert f"`/gpu quota raise g5.xlarge spot in {HERE}`" in wrong(here, "GPU quotas")


def test_a_request_that_aws_has_still_to_decide_is_told() -> None:
    here = town(regions=(HERE,))
    asked = QuotaRequest(
        region=HERE,
        code="L-1",
        name="All G and VT Spot Instance Requests",
        before=0,
        desired=8,
        change_id="1",
        status=QuotaStatus.CASE_OPENED,
        asked_by=ADA,
        asked_at=here.now,
        channel=CHANNEL,
        thread=None,
        due_at=here.now,
    )
    here.ledger.save_quota_request(asked, None)
    assert "AWS is deciding on All G and VT Spot Instance Requests: 0 → 8" in wrong(
        here, "GPU quotas"
    )


def test_the_same_in_several_regions_is_said_once() -> None:
    text = looked_over(town())
    regions = "us-east-1, us-west-2, eu-west-1"
    assert f":x: *GPU quotas* in {regions}: every GPU quota is 0" in text
    assert "`, and the same in the others." in line(text, "GPU quotas")


def test_an_image_that_is_not_there_is_wrong() -> None:
    assert "`image ami-…`" in doctor.image(HERE, None).fix


# ---- the bot's own house ----------------------------------------------------------------------


def test_a_clock_that_has_never_run_and_one_that_stands_still_are_wrong() -> None:
    assert "never come to the end of a run" in wrong(town(regions=(HERE,)), "Clock")
    here = well()
    here.now += timedelta(minutes=4)
    said = wrong(here, "Clock")
    assert "has not run since <!date^" in said
    assert "ClockSilent" in said


def test_a_clock_that_cannot_sweep_says_why() -> None:
    here = well()
    here.control(do="deny", operation="DescribeInstances", by="scp")
    here.pass_time(timedelta(minutes=1))
    here.failures.clear()
    assert "could not sweep all: `UnauthorizedOperation`" in wrong(here, "Clock")


def test_the_clock_leaves_one_row_whoever_ends_first() -> None:
    here = well()
    watch = Watch(
        cloud=here.house.cloud,
        ledger=here.ledger,
        wakes=here.wakes,
        policy=here.policy,
        clock=here.clock,
    )
    for failed in ((), (ValueError("x"), ValueError("y"))):
        here.now += timedelta(minutes=1)
        beat(watch, failed)
    (row,) = here.ledger.rows(Pulse)
    assert (row.at, row.failed) == (here.now, ("ValueError",))


def test_the_list_says_that_the_clock_stands_still() -> None:
    here = well()
    assert "clock" not in here.type("list")[0].text
    here.now += timedelta(minutes=4)
    said = here.type("list")[0].text
    assert said.startswith(":warning: The bot's clock has not run since")
    assert "/gpu doctor" in said


def test_dead_letters_are_counted() -> None:
    here = well()
    here.watchers.letters["gpu-DeadLetters"] = 3
    assert "3 in `gpu-DeadLetters`" in wrong(here, "Failed messages")


def test_alarms_that_reach_nobody_are_wrong() -> None:
    here = well()
    here.watchers.mail = AlarmMail(confirmed=0, waiting=0)
    assert "`AlarmEmail`" in wrong(here, "Alarms")
    here.watchers.mail = AlarmMail(confirmed=0, waiting=1)
    assert "has not been confirmed" in wrong(here, "Alarms")


def test_rules_that_do_not_count_are_named() -> None:
    here = well()
    change = RuleChange(
        rule="default-lease", value="nonsense", was="4h", by=SAM, at=here.now, request="r"
    )
    here.ledger.save_row(Rules(changed=(change,)), None)
    assert "`/gpu policy reset default-lease`" in wrong(here, "Rules")


def test_a_bill_that_tells_nothing_lacks_its_tag() -> None:
    here = well()
    (row,) = here.ledger.rows(Reconciled)
    row = here.ledger.save_row(replace(row, theirs=Decimal(0)), row)
    assert "activate `gpu:stack`" in wrong(here, "AWS's bill")
    row = here.ledger.save_row(replace(row, theirs=None, why="AccessDeniedException"), row)
    assert "Cost Explorer" in wrong(here, "AWS's bill")
    here.ledger.save_row(replace(row, ours=Decimal(0), theirs=None, why=""), row)
    assert "nothing was spent" in unclear(here, "AWS's bill")


# ---- Slack ----------------------------------------------------------------------------------


def test_a_scope_that_is_missing_is_named() -> None:
    here = well()
    here.chat.missing_scopes = frozenset({"files:write"})
    said = wrong(here, "Slack app")
    assert "`files:write`" in said
    assert "reinstall" in said


def test_the_scopes_are_the_manifests() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yaml").read_text("utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == doctor.SCOPES


def test_a_token_that_slack_does_not_take_is_told_as_such() -> None:
    assert "secret" in doctor.slack_refuses("invalid_auth").fix
    assert doctor.slack_refuses("unreachable").sign is doctor.Sign.UNCLEAR


def test_it_answers_while_slack_takes_no_token_and_says_so() -> None:
    here = well()
    here.chat.bad_token = True
    said = wrong(here, "Slack app")
    assert "`invalid_auth`" in said
    assert "Rotating the secrets" in said
    assert "*Channels*" not in looked_over(here)
    assert "Only admins" in looked_over(here, ADA)


def test_an_admin_who_is_no_full_member_any_more_is_refused() -> None:
    here = well(admins=frozenset({SAM, LIN}))
    here.chat.add(person(LIN, "lin", member=False))
    assert "Guests" in looked_over(here, LIN)


def test_a_channel_that_the_bot_is_not_in_is_wrong() -> None:
    here = well()
    here.chat.closed.add(CHANNEL)
    assert "`/invite @gpu`" in wrong(here, "Channels")


def test_each_channel_of_the_rule_is_tried_by_a_word_to_the_admin_alone() -> None:
    here = well(channels=frozenset({CHANNEL, "C0OTHER"}))
    looked_over(here)
    assert [(channel, user) for channel, user, _ in here.chat.whispers] == [
        (CHANNEL, SAM),
        ("C0OTHER", SAM),
    ]


def test_a_channel_that_the_admin_is_not_in_is_unclear() -> None:
    here = well()
    here.chat.away.add(SAM)
    assert f"<@{SAM}> is not in" in unclear(here, "Channels")


def test_another_admin_may_too() -> None:
    here = well(admins=frozenset({SAM, LIN}))
    here.chat.add(person(LIN, "lin"))
    assert "right" in looked_over(here, LIN)
