"""The Home tab: drawn when it is opened and after every change, and never in anybody's way."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from core.blocks import Home
from core.flows import home, route
from core.flows.request import Click, in_person
from core.model import HomeTab, QuotaRoom, State
from sim.chat import MemoryChat
from sim.town import ADA, CHANNEL, LIN, SAM, Town


@dataclass
class SlowChat(MemoryChat):
    """Slack takes its time over a Home tab, and something happens meanwhile."""

    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def publish(self, user: str, home: Home) -> None:
        super().publish(user, home)
        if self.meanwhile:
            self.meanwhile.pop()()


@pytest.fixture
def here() -> Town:
    town = Town()
    town.ready_to_launch()
    town.with_quota()
    return town


def launch(here: Town, user: str = ADA, name: str = "fox") -> None:
    here.type(f"launch g5.xlarge on-demand for 4h name {name} in us-east-1", user)
    here.pass_time(timedelta(minutes=10))


def said(made: Home) -> str:
    return "\n".join(str(block) for block in made.blocks)


def shown(here: Town, user: str = ADA) -> str:
    return said(here.chat.homes[user][-1])


def pressed(here: Town, action: str, user: str = ADA) -> None:
    """A press in the Home tab: no channel, no response_url."""
    [value] = [
        element["value"]
        for block in here.chat.homes[user][-1].blocks
        for element in block.get("elements", ())
        if element.get("action_id") == action
    ]
    click = Click(
        id=f"at-home-{action}-{here.now.timestamp()}",
        user=user,
        channel="",
        action=action,
        value=value,
        response_url=in_person(user),
    )
    route.click(here.house, click)


def test_it_shows_ones_machine_when_it_is_opened(here: Town) -> None:
    launch(here)
    home.opened(here.house, ADA)
    assert "*fox*" in shown(here)
    assert "running and ready" in shown(here)
    home.opened(here.house, LIN)
    assert "You have no machine" in shown(here, LIN)


def test_nobody_who_never_looked_is_drawn_one(here: Town) -> None:
    launch(here)
    assert here.chat.homes == {}
    assert here.ledger.rows(HomeTab) == ()


def test_a_change_is_drawn_within_seconds_and_a_whole_launch_a_few_times(here: Town) -> None:
    home.opened(here.house, ADA)
    before = len(here.chat.homes[ADA])
    here.type("launch g5.xlarge on-demand for 4h name fox in us-east-1", ADA)
    here.pass_time(timedelta(seconds=6))
    assert "*fox*" in shown(here)
    here.pass_time(timedelta(minutes=10))
    assert "running and ready" in shown(here)
    assert len(here.chat.homes[ADA]) - before <= 5


def test_an_admin_sees_the_teams_machines_and_nobody_else_does(here: Town) -> None:
    for user in (SAM, LIN):
        home.opened(here.house, user)
    launch(here)
    assert "The team's other machines" in shown(here, SAM)
    assert "*fox* <@U0ADA>" in shown(here, SAM)
    assert "fox" not in shown(here, LIN)


def test_a_press_at_home_does_its_work_and_is_answered_in_person(here: Town) -> None:
    launch(here)
    home.opened(here.house, ADA)
    answers, directs = len(here.chat.answers), len(here.chat.directs(ADA))
    pressed(here, "stop")
    here.pass_time(timedelta(minutes=5))
    assert here.machine().state is State.STOPPED
    assert len(here.chat.answers) == answers
    assert len(here.chat.directs(ADA)) == directs + 1
    assert "stopped" in shown(here)


def test_a_stopped_machine_starts_from_home_where_channels_are_limited(here: Town) -> None:
    launch(here)
    here.type("stop fox")
    here.pass_time(timedelta(minutes=5))
    policy = replace(here.policy, channels=frozenset({CHANNEL}))
    here.house = replace(here.house, policy=policy)
    home.opened(here.house, ADA)
    pressed(here, "start")
    here.pass_time(timedelta(minutes=5))
    assert here.machine().state is State.RUNNING


def test_a_slack_that_is_away_gets_it_later_and_disturbs_no_step(here: Town) -> None:
    home.opened(here.house, ADA)
    here.type("launch g5.xlarge on-demand for 4h name fox in us-east-1", ADA)
    here.chat.down = True
    here.pass_time(timedelta(minutes=10))
    assert here.machine().state is State.RUNNING
    assert "running and ready" not in shown(here)
    here.chat.down = False
    here.pass_time(timedelta(minutes=2))
    assert "running and ready" in shown(here)
    row = here.ledger.row(HomeTab, ADA)
    assert row is not None
    assert row.due_at is None


def test_opening_it_while_slack_is_away_is_no_error_and_is_made_good(here: Town) -> None:
    here.chat.down = True
    home.opened(here.house, ADA)
    here.chat.down = False
    here.pass_time(timedelta(minutes=3))
    assert "You have no machine" in shown(here)


def test_an_app_without_a_home_tab_is_left_alone(here: Town) -> None:
    here.chat.no_home = True
    home.opened(here.house, ADA)
    assert here.ledger.rows(HomeTab) == ()
    launch(here)
    assert here.machine().state is State.RUNNING


def test_what_changes_while_it_is_drawn_makes_it_due_again() -> None:
    slow = SlowChat()
    town = Town(chat=slow)
    town.ready_to_launch()
    town.with_quota()
    launch(town)
    slow.meanwhile.append(lambda: town.type("extend fox 1h"))
    home.opened(town.house, ADA)
    assert slow.meanwhile == []
    town.pass_time(timedelta(seconds=10))
    assert len(slow.homes[ADA]) == 2


def test_aws_is_asked_about_quotas_once_an_hour_at_most(here: Town) -> None:
    heard = here.hearing("DescribeInstances")
    home.opened(here.house, ADA)
    asked = len(heard)
    for user in (ADA, LIN, SAM):
        home.opened(here.house, user)
    assert len(heard) == asked
    assert "vCPUs free" in shown(here)
    row = here.ledger.row(QuotaRoom, "us-east-1")
    assert row is not None
    here.now += timedelta(hours=2)
    home.opened(here.house, ADA)
    again = here.ledger.row(QuotaRoom, "us-east-1")
    assert again is not None
    assert again.read_at > row.read_at


def test_quotas_that_cannot_be_read_leave_the_rest_as_it_is(here: Town) -> None:
    here.control(do="fault", operation="ListServiceQuotas", code="AccessDeniedException", times=9)
    home.opened(here.house, ADA)
    assert "AWS has not told it yet" in shown(here)


def test_a_doubled_or_early_wake_draws_nothing(here: Town) -> None:
    home.opened(here.house, ADA)
    before = len(here.chat.homes[ADA])
    home.follow(here.house, ADA)
    home.follow(here.house, LIN)
    assert len(here.chat.homes[ADA]) == before
    assert LIN not in here.chat.homes


def test_a_launch_takes_its_room_at_once_without_asking_aws(here: Town) -> None:
    home.opened(here.house, ADA)
    assert "64 G and VT-type on-demand vCPUs free (0 of 64 used)" in shown(here)
    launch(here)
    assert "60 G and VT-type on-demand vCPUs free (4 of 64 used)" in shown(here)
    here.now += timedelta(hours=2)
    home.opened(here.house, ADA)
    assert "60 G and VT-type on-demand vCPUs free (4 of 64 used)" in shown(here)


def test_who_has_no_machine_hears_what_volumes_and_images_cost_all_the_same(here: Town) -> None:
    here.type("launch g5.xlarge on-demand for 4h name fox in us-east-1 data sets 500")
    here.pass_time(timedelta(minutes=10))
    here.type("end fox")
    here.pass_time(timedelta(minutes=5))
    costs = "Data volumes and images cost $40.00 a month: `/gpu data`, `/gpu images`."
    for command in ("", "list"):
        assert f"You have no machine. {costs}" in here.type(command)[0].text
        assert "nothing here costs money" in here.type(command, LIN)[0].text
    assert f"Nobody has a machine. {costs}" in here.type("list all", LIN)[0].text
    home.opened(here.house, ADA)
    home.opened(here.house, LIN)
    assert f"You have no machine. {costs}" in shown(here)
    assert "nothing here costs money" in shown(here, LIN)
    here.type("data delete sets yes")
    here.pass_time(timedelta(minutes=5))
    assert "nothing here costs money" in here.type("")[0].text
