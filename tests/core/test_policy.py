"""Who may do what, where and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from core import policy as rules
from core.commands import parse
from core.model import Desire, Machine, Market, Person, Policy, State, Wish
from core.policy import Denied
from core.wants import Launch

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
H = timedelta(hours=1)


def policy(
    *, channels: frozenset[str] = frozenset(), longest: timedelta = 24 * H, team: str = "T1"
) -> Policy:
    return Policy(
        stack="gpu",
        team_id=team,
        regions=("us-east-1", "us-west-2", "eu-west-1"),
        channels=channels,
        admins=frozenset({"USAM"}),
        default_lease=4 * H,
        longest_lease=longest,
        default_disk_gb=50,
        approval_above=Decimal(10),
    )


def person(*, team: str = "T1", active: bool = True, member: bool = True) -> Person:
    return Person(id="UADA", team_id=team, name="Ada", tz="UTC", active=active, member=member)


def machine(owner: str = "UADA") -> Machine:
    return Machine(
        id="m-1",
        version=1,
        name="amber-fox",
        owner=owner,
        channel="C1",
        wish=Wish(instance_type="p3.2xlarge", market=Market.SPOT, region="us-east-1"),
        state=State.RUNNING,
        desire=Desire.RUN,
        created_at=NOW,
        launch_by=NOW,
        due_at=NOW,
    )


@pytest.mark.parametrize(
    ("team", "active", "member", "listed"),
    list(product(["T1", "T2", ""], [True, False], [True, False], [True, False, None])),
)
def test_only_active_full_members_launch_and_only_from_listed_channels(
    team: str, active: bool, member: bool, listed: bool | None
) -> None:
    channels = {True: frozenset({"C1"}), False: frozenset({"C9"}), None: frozenset[str]()}[listed]
    who = person(team=team, active=active, member=member)
    allowed = team == "T1" and active and member
    pressed = rules.may_press(who, policy(channels=channels))
    launched = rules.may_launch(who, "C1", policy(channels=channels), grouped=False)
    assert (pressed is None) is allowed
    assert (launched is None) is (allowed and listed is not False)


def test_without_a_home_workspace_every_signed_one_is_home() -> None:
    assert rules.may_press(person(team="T9"), policy(team="")) is None


def test_who_is_in_no_group_is_told_so_and_whom_slack_does_not_tell_about_is_not() -> None:
    grouped = replace(policy(), groups=frozenset({"S1"}))
    outside = rules.may_launch(person(), "C1", grouped, grouped=False)
    unknown = rules.may_launch(person(), "C1", grouped, grouped=None)
    assert outside is not None
    assert unknown is not None
    assert "Only members of certain user groups" in outside.what
    assert "Slack does not tell" in unknown.what
    assert rules.may_launch(person(), "C1", grouped, grouped=True) is None


def test_a_machine_is_its_owners_and_the_admins() -> None:
    assert rules.may_touch("UADA", machine(), policy()) is None
    assert rules.may_touch("USAM", machine(), policy()) is None
    denied = rules.may_touch("ULIN", machine(), policy())
    assert denied is not None
    assert "amber-fox" in denied.what
    assert rules.may_touch("", machine(), policy()) is not None


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1"])
def test_allowed_regions_may_be_used(region: str) -> None:
    assert rules.may_use_region(region, policy()) is None


@pytest.mark.parametrize(
    ("region", "near"),
    [("us-west2", "us-west-2"), ("useast1", "us-east-1"), ("eu-west-3", "eu-west-1"), ("zz", "us")],
)
def test_another_region_is_answered_with_the_nearest(region: str, near: str) -> None:
    denied = rules.may_use_region(region, policy())
    assert denied is not None
    assert denied.next is not None
    assert f"in {near}" in denied.next


def lease(
    length: timedelta | None = None,
    until: datetime | None = None,
    user: str = "UADA",
    longest: timedelta = 24 * H,
) -> timedelta | Denied:
    return rules.lease_for(length, until, user, policy(longest=longest), NOW)


@pytest.mark.parametrize(
    ("length", "until", "granted"),
    [
        (None, None, 4 * H),
        (timedelta(minutes=2), None, timedelta(minutes=2)),
        (24 * H, None, 24 * H),
        (None, NOW + 6 * H, 6 * H),
        (5 * H, NOW + 6 * H, 6 * H),
    ],
)
def test_a_lease_within_the_limits_is_granted(
    length: timedelta | None, until: datetime | None, granted: timedelta
) -> None:
    assert lease(length, until) == granted


@pytest.mark.parametrize(
    ("length", "until", "word"),
    [
        (timedelta(minutes=2) - timedelta(seconds=1), None, "2 minutes"),
        (timedelta(0), None, "2 minutes"),
        (-H, None, "2 minutes"),
        (24 * H + timedelta(seconds=1), None, "24 hours"),
        (None, NOW + 25 * H, "24 hours"),
        (None, NOW, "passed"),
        (None, NOW - H, "passed"),
        (None, NOW + timedelta(minutes=1), "2 minutes"),
        (timedelta(days=99999), None, "24 hours"),
    ],
)
def test_a_lease_outside_the_limits_is_denied(
    length: timedelta | None, until: datetime | None, word: str
) -> None:
    denied = lease(length, until)
    assert isinstance(denied, Denied)
    assert word in denied.what
    assert denied.next


def test_admins_have_seven_days() -> None:
    assert lease(timedelta(days=7), user="USAM") == timedelta(days=7)
    assert isinstance(lease(timedelta(days=7, seconds=1), user="USAM"), Denied)
    assert lease(timedelta(days=9), user="USAM", longest=timedelta(days=9)) == timedelta(days=9)


def test_a_default_above_the_longest_is_cut_to_it() -> None:
    assert lease(longest=2 * H) == 2 * H


@pytest.mark.parametrize("longest", [24 * H, 90 * timedelta(minutes=1), timedelta(minutes=2)])
def test_the_length_that_is_offered_instead_is_one_that_is_granted(longest: timedelta) -> None:
    denied = lease(99 * H, longest=longest)
    assert isinstance(denied, Denied)
    assert denied.next is not None
    words = denied.next.split("`")[1]
    command = parse(f"launch p3.2xlarge {words}")
    assert isinstance(command, Launch)
    assert lease(command.length, longest=longest) == longest
