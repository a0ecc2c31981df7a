"""Bad days: what the channel says when AWS cannot or will not, and what can be done next.

Each of them is made by a command of the world control, as it can be in the local run.
"""

from datetime import timedelta
from typing import Any

import pytest

from core.model import HoldKind, State
from sim.town import ADA, CHANNEL, SAM, Town, buttons

MINUTE = timedelta(minutes=1)
LAUNCH = "launch p3.2xlarge on-demand in us-east-1 for 2h name bert"


def _town(*, quota: bool = True) -> Town:
    here = Town()
    if quota:
        for region in here.policy.regions:
            here.with_quota(region)
    here.ready_to_launch()
    return here


def _calls(here: Town, operation: str) -> list[str]:
    """The regions in which that operation is asked for from now on."""
    made: list[str] = []
    call = here.world.call

    def counted(service: str, region: str, asked: str, params: Any) -> Any:
        if asked == operation:
            made.append(region)
        return call(service, region, asked, params)

    world: Any = here.world
    world.call = counted
    return made


def _said(here: Town) -> str:
    """The card, with nothing of AWS's internals in it."""
    text = here.card().text
    for internal in ("arn:", "Encoded", "assumed-role", "123456789012", "Traceback"):
        assert internal not in text, text
    assert "Nothing was started" in text or "costs" in text
    return text


def _nothing_is_left(here: Town) -> None:
    here.pass_time(3 * MINUTE)
    assert set(here.counts().values()) == {0}
    assert not here.failures


# ---- the wish -------------------------------------------------------------------------------


def test_no_zone_has_capacity() -> None:
    here = _town()
    here.control(do="fill-zone", region="us-east-1")
    here.type(LAUNCH)
    hold = here.machine().hold
    assert hold is not None
    assert hold.kind is HoldKind.NO_CAPACITY
    assert "no capacity" in _said(here)
    assert buttons(here.card())
    _nothing_is_left(here)


@pytest.mark.parametrize("wish", ["p9.galactic", "zx100", "500TB"])
def test_a_wish_that_nobody_sells_starts_nothing_and_says_so(wish: str) -> None:
    here = _town()
    (answer,) = here.type(f"launch {wish} name bert")
    assert "Nothing was started" in answer.text
    assert here.ledger.named("bert") is None


def test_an_image_for_another_processor_is_refused_before_anything_is_bought() -> None:
    here = _town()
    ssm: Any = here._client("ssm")("us-east-1")
    name = (
        "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
    )
    arm = ssm.get_parameters(Names=[name])["Parameters"][0]["Value"]
    asked = _calls(here, "RunInstances")
    answers = here.type(f"{LAUNCH} image {arm}")
    told = " ".join(
        [a.text for a in answers] + [m.message.text for m in here.chat.channel(CHANNEL)]
    )
    assert "arm64" in told
    assert not asked


# ---- quotas and prices ----------------------------------------------------------------------


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException"])
def test_a_quota_that_cannot_be_read_does_not_keep_anybody_from_launching(code: str) -> None:
    here = _town()
    for operation in ("GetServiceQuota", "ListServiceQuotas", "GetAWSDefaultServiceQuota"):
        here.control(do="fault", operation=operation, code=code, times=50)
    here.type(LAUNCH)
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_without_quota_and_without_reading_it_ec2_says_it_and_the_card_what_helps() -> None:
    here = _town(quota=False)
    for operation in ("GetServiceQuota", "ListServiceQuotas", "GetAWSDefaultServiceQuota"):
        here.control(do="fault", operation=operation, code="AccessDeniedException", times=500)
    asked = _calls(here, "RunInstances")
    here.type(LAUNCH)
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.HELD
    said = _said(here)
    assert "quota" in said
    assert "/gpu quota raise" in said
    assert len(asked) <= 2 * 6
    _nothing_is_left(here)


def test_what_has_no_price_is_not_launched_and_spot_is_offered() -> None:
    here = _town()
    here.control(do="remove-prices", region="us-east-1")
    asked = _calls(here, "RunInstances")
    here.type(LAUNCH)
    assert "no on-demand price" in _said(here)
    assert any("spot" in b["text"]["text"].lower() for b in buttons(here.card()))
    assert not asked


# ---- networks -------------------------------------------------------------------------------


def test_without_a_default_vpc_the_region_is_named_with_the_command_that_makes_one() -> None:
    here = _town()
    here.control(do="remove-default-vpc", region="us-east-1")
    here.type(LAUNCH)
    assert "aws ec2 create-default-vpc --region us-east-1" in _said(here)
    elsewhere = [b for b in buttons(here.card()) if "us-west-2" in b["text"]["text"]]
    here.press(here.card(), elsewhere[0]["action_id"])
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert here.machine().placement is not None


def test_a_region_without_a_default_vpc_is_passed_over_when_none_was_named() -> None:
    here = _town()
    here.control(do="remove-default-vpc", region="us-east-1")
    here.type("launch p3.2xlarge on-demand for 2h name bert")
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    at = here.machine().placement
    assert at is not None
    assert at.region != "us-east-1"


def test_subnets_that_lead_nowhere_are_no_public_subnets() -> None:
    here = _town()
    here.control(do="hide-subnets", region="us-east-1")
    asked = _calls(here, "RunInstances")
    here.type(LAUNCH)
    said = _said(here)
    assert "us-east-1" in said
    assert "internet gateway" in said
    assert not asked


def test_a_zone_whose_subnet_leads_nowhere_is_left_out() -> None:
    here = _town()
    here.control(do="hide-subnets", region="us-east-1", zone="us-east-1a")
    here.type(LAUNCH)
    here.until_quiet(2 * MINUTE)
    at = here.machine().placement
    assert at is not None
    assert at.zone != "us-east-1a"


def test_subnets_without_addresses_are_not_asked_for() -> None:
    here = _town()
    here.control(do="fill-subnets", region="us-east-1")
    asked = _calls(here, "RunInstances")
    here.type(LAUNCH)
    assert "no free addresses" in _said(here)
    assert not asked


def test_addresses_that_go_while_it_is_launched_send_it_to_the_next_zone() -> None:
    here = _town()
    code = "InsufficientFreeAddressesInSubnet"
    here.control(do="fault", operation="RunInstances", code=code)
    asked = _calls(here, "RunInstances")
    here.type(LAUNCH)
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING
    assert len(asked) == 2


# ---- the account ----------------------------------------------------------------------------


def test_a_region_that_is_not_enabled_is_named_as_that_with_a_way_out() -> None:
    here = _town()
    here.control(do="disable-region", region="us-east-1")
    here.type(LAUNCH)
    here.until_quiet(MINUTE)
    said = _said(here)
    assert "us-east-1" in said
    assert "enabled for the AWS account" in said
    assert any("us-west-2" in b["text"]["text"] for b in buttons(here.card()))


def test_a_region_that_is_not_enabled_is_passed_over_when_none_was_named() -> None:
    here = _town()
    here.control(do="disable-region", region="us-east-1")
    here.type("launch p3.2xlarge on-demand for 2h name bert")
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_an_organisations_policy_stops_it_at_once_and_only_admins_read_why() -> None:
    here = _town()
    here.control(do="deny", operation="RunInstances", by="scp")
    asked = _calls(here, "RunInstances")
    here.type(LAUNCH)
    here.until_quiet(MINUTE)
    said = _said(here)
    assert "AWS does not let the bot do this" in said
    assert len(asked) == 1
    (told,) = here.chat.directs(SAM)
    assert "DenyCostlyMachines" in told.message.text
    assert "ec2:RunInstances" in told.message.text
    assert "service control policy" in told.message.text
    assert "Encoded" not in told.message.text
    assert not here.chat.directs(ADA)
    _nothing_is_left(here)


def test_admins_are_told_once_a_launch_however_often_it_is_tried() -> None:
    here = _town()
    here.control(do="deny", operation="RunInstances")
    here.type(LAUNCH)
    here.until_quiet(MINUTE)
    here.press(here.card(), "choose-0")
    here.until_quiet(MINUTE)
    assert here.machine().state is State.HELD
    assert len(here.chat.directs(SAM)) == 1


def test_a_reason_that_sts_does_not_tell_still_reaches_the_admins() -> None:
    here = _town()
    here.control(do="deny", operation="RunInstances", by="policy")
    here.control(do="fault", operation="DecodeAuthorizationMessage", code="AccessDenied", times=9)
    here.type(LAUNCH)
    here.until_quiet(MINUTE)
    (told,) = here.chat.directs(SAM)
    assert "no identity-based policy allows" in told.message.text


def test_a_denied_look_is_told_like_a_denied_launch() -> None:
    here = _town()
    here.control(do="deny", operation="DescribeVpcs")
    here.type(LAUNCH)
    here.until_quiet(MINUTE)
    assert here.machine().state is State.HELD
    _said(here)
    assert len(here.chat.directs(SAM)) == 1


def test_an_account_under_verification_may_wait_and_goes_on_by_itself() -> None:
    here = _town()
    here.control(do="doubt-account", region="us-east-1")
    here.type(LAUNCH)
    here.until_quiet(MINUTE)
    said = _said(here)
    assert "verifying the account" in said
    assert any("us-west-2" in b["text"]["text"] for b in buttons(here.card()))
    keep = [b for b in buttons(here.card()) if "try" in b["text"]["text"].lower()]
    here.press(here.card(), keep[0]["action_id"])
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.WAITING
    here.control(do="verify-account", region="us-east-1")
    here.pass_time(10 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_another_region_is_tried_while_one_is_under_verification() -> None:
    here = _town()
    here.control(do="doubt-account", region="us-east-1")
    here.type("launch p3.2xlarge on-demand for 2h name bert")
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING


def test_a_blocked_account_is_said_to_be_blocked_after_one_call() -> None:
    here = _town()
    here.control(do="block-account")
    asked = _calls(here, "RunInstances")
    here.type("launch p3.2xlarge on-demand for 2h name bert")
    here.until_quiet(MINUTE)
    said = _said(here)
    assert "blocked the account" in said
    assert "AWS Support" in said
    assert len(asked) == 1
    assert len(here.chat.directs(SAM)) == 1
    _nothing_is_left(here)


def test_a_mended_world_launches_again() -> None:
    here = _town()
    here.control(do="block-account")
    here.control(do="remove-default-vpc", region="us-east-1")
    here.control(do="fill-zone", region="us-east-1")
    here.control(do="mend")
    here.type(LAUNCH)
    here.until_quiet(2 * MINUTE)
    assert here.machine().state is State.RUNNING
