"""Every value of every example event is replaced by every kind of wrong one, and signed.

First through the door, then what the door queued through the queue's own door behind it: nothing is
an error at either, and nothing comes back to the queue for ever.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handlers.door import Door
from handlers.queued import FromAnotherVersion
from handlers.slack import serve
from sim.town import ADA, CHANNEL, TEAM, Town

EVENTS = Path(__file__).parents[2] / "events"
MISSING = object()
WRONG = [
    None,
    0,
    -1,
    10**30,
    1.5,
    True,
    "",
    "x",
    "\x00\u202e<!channel>",
    "A" * 5000,
    [],
    {},
    [[]],
    [{"id": "x"}],
    {"id": 7},
    MISSING,
]
Path_ = tuple[str | int, ...]


def nodes(value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Every place in a JSON value, its own included."""
    yield at
    match value:
        case dict():
            for name, part in value.items():
                yield from nodes(part, (*at, name))
        case list():
            for index, part in enumerate(value):
                yield from nodes(part, (*at, index))


def replaced(value: Any, at: Path_, by: Any) -> Any:
    """The same with one place changed; `MISSING` takes it out."""
    if not at:
        return None if by is MISSING else by
    changed = copy.deepcopy(value)
    place = changed
    for step in at[:-1]:
        place = place[step]
    if by is MISSING:
        del place[at[-1]]
    else:
        place[at[-1]] = by
    return changed


def every_mutant(value: Any) -> Iterator[Any]:
    for at in nodes(value):
        for wrong in WRONG:
            yield replaced(value, at, wrong)


def example(name: str) -> dict[str, Any]:
    """An example as of ada, in the home workspace of the tests."""
    text = (EVENTS / name).read_text()
    for before, after in (("U0EXAMPLE1", ADA), ("T0EXAMPLE1", TEAM), ("C0EXAMPLE1", CHANNEL)):
        text = text.replace(before, after)
    read: dict[str, Any] = json.loads(text)
    return read


FORMS = {"command": "function_url_slash_command.json", "click": "function_url_button.json"}


def form_of(name: str) -> dict[str, Any]:
    return dict(parse_qsl(example(name)["body"], keep_blank_values=True))


@pytest.fixture
def ours(aws: Any) -> Door:
    """A door of the workspace that the examples come from."""
    return Door({**aws.environ, "SLACK_TEAM_ID": TEAM}, now=lambda: 1_795_000_000)


class Behind:
    """The queue's own door over one town, in which every machine of the examples is missing."""

    def __init__(self) -> None:
        self.town = Town()
        self.served = 0

    def takes(self, message: dict[str, Any]) -> None:
        """As the queue delivers it; an exception is one that would come back ten times."""
        record = example("sqs_command.json")["Records"][0]
        body = json.dumps({**message, "received_at": self.town.now.timestamp()})
        serve(self.town.house, SQSRecord({**record, "body": body}))
        self.served += 1

    def takes_all(self, aws: Any) -> None:
        while aws.queued:
            self.takes(aws.queued.pop())


@pytest.mark.parametrize("name", sorted(path.name for path in EVENTS.glob("function_url_*.json")))
def test_whatever_stands_in_a_request_around_its_body_is_no_error(
    aws: Any, ours: Door, name: str
) -> None:
    for mutant in every_mutant(example(name)):
        event = mutant if isinstance(mutant, dict) else {"body": mutant}
        assert 400 <= ours.answer(event)["statusCode"] < 500
    assert not aws.queued


def test_whatever_stands_in_a_signed_command_is_taken_or_refused_and_never_comes_back(
    aws: Any, slack: Any, ours: Door
) -> None:
    behind = Behind()
    for mutant in every_mutant({**form_of(FORMS["command"]), "text": "list"}):
        body = urlencode(mutant if isinstance(mutant, dict) else {"x": str(mutant)})
        assert ours.answer(slack.event(body.encode()))["statusCode"] in (200, 400, 401)
        behind.takes_all(aws)
    assert behind.served > 100


def test_whatever_stands_in_a_signed_click_is_taken_or_refused_and_never_comes_back(
    aws: Any, slack: Any, ours: Door
) -> None:
    behind = Behind()
    for mutant in every_mutant(json.loads(form_of(FORMS["click"])["payload"])):
        body = urlencode({"payload": json.dumps(mutant)})
        assert ours.answer(slack.event(body.encode()))["statusCode"] in (200, 400, 401)
        behind.takes_all(aws)
    assert behind.served > 500


def test_whatever_stands_in_a_signed_event_is_taken_or_refused_and_never_comes_back(
    aws: Any, slack: Any, ours: Door
) -> None:
    behind = Behind()
    told = json.loads(example("sqs_event.json")["Records"][0]["body"])["body"]
    for mutant in every_mutant(json.loads(told)):
        status = ours.answer(slack.json(mutant))["statusCode"]
        assert status in (200, 400, 401)
        behind.takes_all(aws)
    assert behind.served > 200


@pytest.mark.parametrize("name", sorted(path.name for path in EVENTS.glob("sqs_*.json")))
def test_whatever_stands_in_a_message_of_the_queue_is_dropped_or_of_another_version(
    name: str,
) -> None:
    here, kept = Town(), set()
    record = example(name)["Records"][0]
    for mutant in every_mutant(json.loads(record["body"])):
        try:
            serve(here.house, SQSRecord({**record, "body": json.dumps(mutant)}))
        except FromAnotherVersion as error:
            kept.add(str(error))
        except ValueError as error:  # a wake whose kind only a newer deployment can know
            assert "nobody knows the wake" in str(error)
            kept.add("wake")
    assert kept
