"""The page for the night: each alarm has its paragraph, and what it says to type can be typed."""

import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from samtranslator.yaml_helper import yaml_parse

from core import commands

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
DOCTOR = (ROOT / "src" / "core" / "doctor.py").read_text("utf-8")
# Of the command line itself, on every command.
GLOBAL = {"query", "output", "region"}


@cache
def resources() -> dict[str, Any]:
    parsed = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    found: dict[str, Any] = parsed["Resources"]
    return found


def alarms() -> dict[str, Any]:
    return {
        name: one["Properties"]
        for name, one in resources().items()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }


def paragraphs() -> dict[str, str]:
    """Of each heading below *The alarms*."""
    section = PAGE.split("\n## The alarms\n")[1].split("\n## ")[0]
    parts = re.split(r"(?m)^### (\w+)$", section)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def typed() -> list[str]:
    """Every command of AWS's command line on the page."""
    blocks = "\n".join(re.findall(r"(?s)```\n(.*?)```", PAGE))
    inline = "\n".join(re.findall(r"`((?:aws|log) [^`]+)`", PAGE))
    found = re.findall(r"\baws [a-z0-9-]+ [a-z-]+[^|;\n]*", f"{blocks}\n{inline}")
    return list(dict.fromkeys(found))


def parts_of(command: str) -> tuple[str, str, set[str]]:
    """Service, operation, options, whatever the shell puts into their values."""
    plain = re.sub(r"\$\(.*?\)", "X", command).replace('"$(res', "X")
    words = [word for word in re.split(r"\s+", plain) if word]
    options = {word[2:] for word in words if re.fullmatch(r"--[a-z][a-z-]+", word)}
    return words[1], words[2], options


def test_each_alarm_has_its_paragraph_and_each_paragraph_its_alarm() -> None:
    assert set(paragraphs()) == set(alarms())
    assert len(alarms()) >= 11


@pytest.mark.parametrize("name", sorted(alarms()))
def test_a_paragraph_says_what_it_means_what_goes_on_and_what_to_type(name: str) -> None:
    said = paragraphs()[name]
    means, meanwhile, type_ = (said.index(f"**{w}:**") for w in ("Means", "Meanwhile", "Type"))
    assert means < meanwhile < type_
    assert "`" in said[type_:] or "as above" in said[type_:]


@pytest.mark.parametrize("name", sorted(alarms()))
def test_an_alarm_s_mail_says_the_same_in_short_and_where_the_rest_is(name: str) -> None:
    alarm = alarms()[name]
    said = alarm["AlarmDescription"]
    assert said.endswith(f". docs/operations.md, {name}"), said
    assert len(said) <= 1024
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_there_are_commands_on_the_page() -> None:
    assert len(typed()) > 20
    assert any("start-message-move-task" in command for command in typed())


@pytest.mark.parametrize("command", typed())
def test_what_is_to_be_typed_is_known_to_aws(command: str) -> None:
    service, operation, options = parts_of(command)
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if (service, operation) == ("sts", "get-caller-identity"):
        return
    assert operation in operations, command
    shape = model.operation_model(operations[operation]).input_shape
    known = {xform_name(name, "-") for name in shape.members} if shape else set()
    known |= {f"no-{name}" for name in known} | GLOBAL
    assert options <= known, (command, options - known)


def test_what_res_is_asked_for_is_in_the_template() -> None:
    asked = set(re.findall(r"\$\((?:res|arn) (\w+)\)", PAGE)) | set(
        re.findall(r"`?\blog (\w+Logs)\b", PAGE)
    )
    assert {"DeadLetters", "Queue", "Secret", "SlackLogs", "Clock"} <= asked
    assert asked <= set(resources())


def test_the_first_lines_are_a_shell_s() -> None:
    first = re.findall(r"(?s)```\n(.*?)```", PAGE)[0]
    for line in first.splitlines():
        shlex.split(line, comments=True)  # ValueError where a quote is not closed
    assert {line.split("(")[0] for line in first.splitlines()[1:]} == {"res", "arn", "log"}


@pytest.mark.parametrize("text", re.findall(r"`/gpu ?([^`]*)`", PAGE))
def test_every_command_for_slack_is_the_parser_s(text: str) -> None:
    parsed = commands.parse(text if text.split()[:1] != ["policy"] else "policy")
    assert not isinstance(parsed, commands.UsageError), text


@pytest.mark.parametrize("named", re.findall(r"docs/operations\.md, \*(.+?)\*", DOCTOR))
def test_where_the_doctor_sends_people_there_is_a_heading(named: str) -> None:
    assert re.search(rf"(?m)^##+ {re.escape(named)}$", PAGE), named


def test_where_the_page_sends_people_there_is_a_heading() -> None:
    for named in re.findall(r"\*([A-Z][a-z]+(?: \w+){2,4})\*", PAGE):
        if "→" not in named and named not in ("Concurrent executions",):
            assert re.search(rf"(?m)^##+ {re.escape(named)}$", PAGE), named


def test_the_secret_s_text_is_frozen() -> None:
    """CloudFormation writes the secret when this text changes: a deployment would then put the
    parameters over what was rotated by hand. What is new gets a secret of its own."""
    assert resources()["Secret"]["Properties"]["SecretString"] == {
        "Fn::Sub": '{"signing_secret":"${SlackSigningSecret}",'
        '"previous_signing_secret":"${SlackPreviousSigningSecret}",'
        '"bot_token":"${SlackBotToken}"}'
    }


def test_the_dashboard_shows_every_metric_that_an_alarm_watches() -> None:
    body = resources()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", body))["widgets"]
    shown = {
        (str(row[0]), str(row[1]), str(row[3]))
        for widget in widgets
        for row in _spelled_out(widget["properties"]["metrics"])
    }
    for name, alarm in alarms().items():
        ((_, value),) = [(d["Name"], d["Value"]) for d in alarm["Dimensions"]]
        of = value["Ref"] if "Ref" in value else ".".join(value["Fn::GetAtt"])
        if "Ec2Events" not in name and name != "DeadLettersOldAlarm":  # of no use at a look
            assert (alarm["Namespace"], alarm["MetricName"], of) in shown, name


def test_what_is_delayed_does_not_ring_for_a_queue_that_is_behind() -> None:
    alarm = alarms()["QueueAgeAlarm"]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Minimum", 60, 5)


def _spelled_out(rows: list[list[Any]]) -> list[list[Any]]:
    """A dot in CloudWatch's metrics is what stands there in the line above."""
    full: list[list[Any]] = []
    for row in rows:
        above = full[-1] if full else row
        full.append([above[at] if word == "." else word for at, word in enumerate(row[:4])])
    return full
