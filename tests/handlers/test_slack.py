"""The queue's door: real records go through Bolt to their flow, over the world in memory."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from core.model import Machine, OneTimeLink, State, Usage
from core.ports import ChatError
from handlers.queued import FromAnotherVersion
from handlers.slack import serve
from sim.town import ADA, CHANNEL, TEAM, Town, value_of

EVENTS = Path(__file__).parents[2] / "events"


def _record(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    record: dict[str, Any] = event["Records"][0]
    return record


def _with(record: dict[str, Any], **message: Any) -> SQSRecord:
    body = {**json.loads(record["body"]), **message}
    return SQSRecord({**record, "body": json.dumps(body)})


def _slash(here: Town, text: str, *, trigger: str = "1.2.abc", received: float = 0) -> SQSRecord:
    form = {
        "command": "/gpu",
        "text": text,
        "team_id": TEAM,
        "user_id": ADA,
        "channel_id": CHANNEL,
        "trigger_id": trigger,
        "response_url": f"https://hooks.slack.com/commands/{trigger}",
    }
    at = received or here.now.timestamp()
    return _with(_record("sqs_command.json"), body=urlencode(form), received_at=at)


def _button(here: Town, action: str, value: str) -> SQSRecord:
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": ADA, "team_id": TEAM},
        "channel": {"id": CHANNEL},
        "trigger_id": "1.2.3",
        "response_url": "https://hooks.slack.com/actions/1",
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value}],
    }
    body = urlencode({"payload": json.dumps(payload)})
    return _with(_record("sqs_interaction.json"), body=body, received_at=here.now.timestamp())


def test_a_command_in_the_queue_reaches_its_flow() -> None:
    here = Town()
    serve(here.house, _slash(here, "launch p3.2xlarge spot"))
    assert here.machine().state is State.HELD


def test_a_record_that_comes_twice_is_one_machine() -> None:
    here = Town()
    record = _slash(here, "launch p3.2xlarge spot")
    serve(here.house, record)
    serve(here.house, record)
    assert len(here.ledger.everything()) == 1


def test_a_button_in_the_queue_reaches_its_flow() -> None:
    here = Town()
    serve(here.house, _slash(here, "launch p3.2xlarge spot"))
    serve(here.house, _button(here, "choose-1", value_of(here.card(), "choose-1")))
    assert here.machine().state is State.WAITING


def test_a_wake_in_the_queue_looks_at_its_machine() -> None:
    here = Town()
    serve(here.house, _slash(here, "launch p3.2xlarge spot"))
    before = here.machine().version
    serve(here.house, _with(_record("sqs_wake.json"), key=f"machine/{here.machine().id}"))
    assert here.machine().state is State.HELD
    assert here.machine().version >= before


def test_an_event_that_nobody_listens_to_is_taken_off_the_queue() -> None:
    here = Town()
    body = json.dumps({"type": "event_callback", "team_id": TEAM, "event": {"type": "app_mention"}})
    record = _with(
        _record("sqs_command.json"),
        kind="event",
        body=body,
        content_type="application/json",
        received_at=here.now.timestamp(),
    )
    serve(here.house, record)
    assert here.ledger.everything() == ()


def test_a_command_that_waited_a_quarter_of_an_hour_is_refused_and_said_so() -> None:
    here = Town()
    late = here.now.timestamp() - 16 * 60
    serve(here.house, _slash(here, "launch p3.2xlarge spot", received=late))
    assert here.ledger.everything() == ()
    assert "nothing was started" in here.chat.answers[-1].message.text.lower()


def test_aws_refusing_a_look_up_is_told_with_a_reference_and_not_repeated() -> None:
    here = Town()
    here.control(do="fault", operation="GetServiceQuota", code="AccessDeniedException", times=99)
    serve(here.house, _slash(here, "quota raise g5.xlarge spot"))
    assert "059f36b4" in here.chat.answers[-1].message.text


def test_a_failure_of_our_own_is_told_once_and_delivered_again() -> None:
    here = Town()
    serve(here.house, _slash(here, "launch p3.2xlarge spot"))
    here.chat.blind = "missing_scope"  # nobody says who that is: a launch cannot be allowed
    record = _slash(here, "launch g5.xlarge spot", trigger="9.9.z")
    with pytest.raises(ChatError):
        serve(here.house, record)
    said = len(here.chat.answers)
    again = dict(record.raw_event)
    again["attributes"] = {**again["attributes"], "ApproximateReceiveCount": "2"}
    with pytest.raises(ChatError):
        serve(here.house, SQSRecord(again))
    assert len(here.chat.answers) == said


class _Table:
    """A table that does not take what `breaks` says, nor gives rows where it is `mute`."""

    def __init__(self, real: Any, breaks: Callable[[Machine], bool]) -> None:
        self.real, self.breaks, self.mute, self.broken = real, breaks, False, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def machine(self, id: str) -> Any:
        if self.mute and self.broken:
            raise RuntimeError("the table does not answer")
        return self.real.machine(id)

    def save(self, new: Machine, seen: Machine) -> Machine:
        if not self.broken and self.breaks(new):
            self.broken = True
            raise RuntimeError("the table does not answer")
        saved: Machine = self.real.save(new, seen)
        return saved


@pytest.mark.parametrize("mute", [False, True])
@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (lambda m: m.instance is not None, "*bert* may be running and cost money"),
        (lambda m: m.prepared is not None, "nothing runs for it now"),
    ],
    ids=["after", "before"],
)
def test_where_a_launch_fails_here_what_is_said_of_what_runs_is_true(
    breaks: Callable[[Machine], bool], said: str, *, mute: bool
) -> None:
    here = Town(wire=False)
    here.with_quota()
    here.ready_to_launch()
    table = _Table(here.ledger, breaks)
    table.mute = mute
    here.house = replace(here.house, ledger=table)
    with pytest.raises(RuntimeError):
        serve(here.house, _slash(here, "launch g5.xlarge on-demand in us-east-1 name bert"))
    told = here.chat.answers[-1].message.text
    assert ("is not known now: `/gpu list` shows it" if mute else said) in told
    assert here.counts()["instances"] == (1 if "may be running" in said else 0)


def test_where_a_launch_fails_before_it_is_written_down_nothing_was_started() -> None:
    here = Town(wire=False)
    here.chat.blind = "missing_scope"
    with pytest.raises(ChatError):
        serve(here.house, _slash(here, "launch g5.xlarge on-demand in us-east-1 name bert"))
    assert "Nothing was started by it so far." in here.chat.answers[-1].message.text


def test_a_pressed_link_in_the_queue_opens_the_address() -> None:
    here = Town()
    serve(here.house, _slash(here, "allow me for 1h"))
    (link,) = here.ledger.rows(OneTimeLink)
    pressed = {"kind": "here", "link": link.id, "user": ADA, "address": "198.51.100.9"}
    record = _with(_record("sqs_wake.json"), received_at=here.now.timestamp(), **pressed)
    serve(here.house, record)
    assert [a.cidr for a in here.ledger.profile(ADA).accesses] == ["198.51.100.9/32"]


def _home(here: Town, tab: str) -> SQSRecord:
    record = _record("sqs_event.json")
    event = json.loads(json.loads(record["body"])["body"])
    event["team_id"] = TEAM
    event["event"] |= {"user": ADA, "tab": tab}
    return _with(record, body=json.dumps(event), received_at=here.now.timestamp())


def test_the_home_tab_is_drawn_when_somebody_opens_it() -> None:
    here = Town()
    serve(here.house, _home(here, "messages"))
    assert here.chat.homes == {}
    serve(here.house, _home(here, "home"))
    assert len(here.chat.homes[ADA]) == 1


def test_a_button_of_the_home_tab_is_answered_in_direct_messages() -> None:
    here = Town()
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": ADA, "team_id": TEAM},
        "container": {"type": "view", "view_id": "V0EXAMPLE1"},
        "view": {"type": "home"},
        "trigger_id": "1.2.3",
        "actions": [{"type": "button", "action_id": "stop", "block_id": "b", "value": "m-gone:1"}],
    }
    body = urlencode({"payload": json.dumps(payload)})
    record = _with(_record("sqs_interaction.json"), body=body, received_at=here.now.timestamp())
    serve(here.house, record)
    assert len(here.chat.directs(ADA)) == 1
    assert here.chat.answers == []


def test_a_report_of_a_machine_in_the_queue_is_remembered() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    serve(here.house, _slash(here, "launch p3.2xlarge spot name bert"))
    here.until_quiet()
    (instance,) = here.machine().instances
    told = {"instance": instance.id, "boot": "0" * 36, "up": 60, "samples": [[0, 93, 40, 1]]}
    beat = {"kind": "beat", "machine": here.machine().id, **told}
    record = _with(_record("sqs_wake.json"), received_at=here.now.timestamp(), **beat)
    serve(here.house, record)
    serve(here.house, record)
    (usage,) = here.ledger.rows(Usage)
    assert [(s.gpu, s.cpu, s.ssh) for s in usage.samples] == [(93, 40, 1)]


def test_a_picked_moment_moves_the_deadline_of_the_machine_in_its_name() -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    serve(here.house, _slash(here, "launch p3.2xlarge on-demand for 2h"))
    here.until_quiet()
    lease = here.machine().lease
    assert lease is not None
    later = lease.deadline + timedelta(minutes=40)
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": ADA, "team_id": TEAM},
        "channel": {"id": CHANNEL},
        "trigger_id": "1.2.4",
        "response_url": "https://hooks.slack.com/actions/1",
        "actions": [
            {
                "type": "datetimepicker",
                "action_id": f"until/{here.machine().id}:{lease.version}",
                "block_id": "b",
                "selected_date_time": int(later.timestamp()),
            }
        ],
    }
    body = urlencode({"payload": json.dumps(payload)})
    record = _with(_record("sqs_interaction.json"), body=body, received_at=here.now.timestamp())
    serve(here.house, record)
    moved = here.machine().lease
    assert moved is not None
    assert moved.deadline == later.replace(microsecond=0)


@pytest.mark.parametrize("word", ["payload", "payload=x", "type", "{", '{"type":"event_callback"}'])
def test_no_word_of_a_command_makes_it_something_else(word: str) -> None:
    here = Town()
    serve(here.house, _slash(here, f"launch p3.2xlarge spot why {word}"))
    assert here.machine().wish.why == word


def test_a_whole_enterprises_button_names_its_workspace_by_its_user() -> None:
    here = Town()
    serve(here.house, _slash(here, "launch p3.2xlarge spot"))
    record = _button(here, "choose-1", value_of(here.card(), "choose-1"))
    form = json.loads(parse_qs(json.loads(record.body)["body"])["payload"][0])
    body = urlencode({"payload": json.dumps({**form, "team": None, "enterprise": {"id": "E0X"}})})
    serve(here.house, _with(record.raw_event, body=body))
    assert here.machine().state is State.WAITING


def test_a_form_that_nobody_here_shows_is_taken_off_the_queue() -> None:
    here = Town()
    payload = {"type": "view_submission", "team": {"id": TEAM}, "user": {"id": ADA}, "view": {}}
    body = urlencode({"payload": json.dumps(payload)})
    record = _record("sqs_interaction.json")
    serve(here.house, _with(record, body=body, received_at=here.now.timestamp()))
    assert here.chat.answers == []


def test_what_cannot_be_read_is_dropped_with_a_line_and_not_tried_ten_times(
    caplog: pytest.LogCaptureFixture,
) -> None:
    here = Town()
    serve(here.house, _with(_record("sqs_command.json"), body="team_id=T0X&user_id=nobody"))
    (told,) = caplog.records
    assert (told.levelname, told.message) == ("ERROR", "dropped, for it cannot be read")
    assert "nobody" not in str(vars(told))


@pytest.mark.parametrize("odd", [{"v": 2}, {"kind": "tomorrow"}])
def test_what_another_version_has_written_is_kept_for_it(odd: dict[str, Any]) -> None:
    here = Town()
    with pytest.raises(FromAnotherVersion):
        serve(here.house, _with(_record("sqs_command.json"), **odd))


def test_whom_slack_does_not_know_is_told_so_once_and_not_ten_times() -> None:
    here = Town()
    here.chat._people.clear()
    serve(here.house, _slash(here, "launch p3.2xlarge spot"))
    serve(here.house, _button(here, "start", "m-x"))
    assert ["`members`" in answer.message.text for answer in here.chat.answers] == [True, True]


@pytest.mark.parametrize("seconds", [99_999_999_999, 253_402_300_799, 10**30, -1, 1.5, True, "1"])
def test_no_picked_moment_at_all_is_an_error(seconds: Any) -> None:
    here = Town()
    here.with_quota()
    here.ready_to_launch()
    serve(here.house, _slash(here, "launch p3.2xlarge on-demand for 2h"))
    here.until_quiet()
    before = here.machine().lease
    assert before is not None
    name = f"until/{here.machine().id}:{before.version}"
    action = {"type": "datetimepicker", "action_id": name, "selected_date_time": seconds}
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": ADA},
        "trigger_id": "1.2.4",
        "actions": [action],
    }
    body = urlencode({"payload": json.dumps(payload)})
    record = _with(_record("sqs_interaction.json"), body=body, received_at=here.now.timestamp())
    serve(here.house, record)
    assert here.machine().lease == before
