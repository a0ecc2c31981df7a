"""The template gives each function its own work and no more, and names what settings.py reads."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as h_settings
from hypothesis import strategies as st
from samtranslator.yaml_helper import yaml_parse

from adapters.items import deed_key, row_key
from core.flows.pulse import KEY
from core.flows.stuck import METRIC
from core.model import Pulse
from handlers import settings
from sim.roles import Deployment, documents, transformed

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "template.yaml").read_text("utf-8")
FUNCTIONS = ("Door", "Slack", "Clock", "Ec2Events")
# Actions that AWS offers without any resource-level permission.
ON_ANYTHING = re.compile(
    r"ec2:(Describe\w+|GetEbsDefaultKmsKeyId)|pricing:GetProducts|servicequotas:(Get|List)\w+|logs:\w+|xray:\w+"
    r"|ce:GetCostAndUsage|sts:DecodeAuthorizationMessage|ssm:(DescribeInstanceInformation|GetCommandInvocation)"
)


@cache
def raw() -> dict[str, Any]:
    parsed = yaml_parse(TEXT)
    assert isinstance(parsed, dict)
    return parsed


def role(function: str) -> dict[str, Any]:
    properties = transformed()["Resources"][f"{function}Role"]["Properties"]
    assert isinstance(properties, dict)
    return properties


def inline(function: str) -> Iterator[dict[str, Any]]:
    for policy in role(function)["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def managed(function: str) -> Iterator[dict[str, Any]]:
    """Of the policies that stand beside the function in this template."""
    for arn in role(function).get("ManagedPolicyArns", []):
        if isinstance(arn, dict) and "Ref" in arn:
            policy = transformed()["Resources"][arn["Ref"]]["Properties"]
            yield from policy["PolicyDocument"]["Statement"]


def statements(function: str) -> Iterator[dict[str, Any]]:
    yield from inline(function)
    yield from managed(function)


def environment(function: str) -> dict[str, Any]:
    """What a function is told: what all are, and what it alone is."""
    own = raw()["Resources"][function]["Properties"].get("Environment", {}).get("Variables", {})
    return {**raw()["Globals"]["Function"]["Environment"]["Variables"], **own}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(function: str) -> set[str]:
    return {action for one in statements(function) for action in listed(one["Action"])}


def lint(path: Path) -> str:
    command = [sys.executable, "-m", "cfnlint", "--regions", "us-east-1", "--", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_the_template_is_clean() -> None:
    assert lint(ROOT / "template.yaml") == ""


def test_the_transformed_template_is_clean(tmp_path: Path) -> None:
    path = tmp_path / "transformed.json"
    path.write_text(json.dumps(transformed()), "utf-8")
    assert lint(path) == ""


def test_the_door_may_only_hand_on_and_know_slacks_secret() -> None:
    assert actions("Door") == {"sqs:SendMessage", "secretsmanager:GetSecretValue"}


def test_only_slack_launches() -> None:
    assert "ec2:RunInstances" in actions("Slack")
    for function in ("Door", "Clock", "Ec2Events"):
        making = {a for a in actions(function) if re.match(r"ec2:(Run|Create|Import|Start)", a)}
        assert not making


def test_the_clock_may_look_stop_and_wake() -> None:
    mutating = {a for a in actions("Clock") if a.startswith("ec2:") and "Describe" not in a}
    assert mutating == {"ec2:StopInstances", "ec2:TerminateInstances"}
    writes = {a for a in actions("Clock") if re.match(r"dynamodb:(Put|Update|Delete)", a)}
    assert writes == {"dynamodb:PutItem"}
    (own,) = [one for one in statements("Clock") if one["Action"] == "dynamodb:PutItem"]
    assert own["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [row_key(Pulse, KEY)[0]]},
    }
    assert "secretsmanager:GetSecretValue" not in actions("Clock")


def test_ec2s_events_wake_and_do_nothing_else() -> None:
    assert not {a for a in actions("Ec2Events") if a.startswith("ec2:")}
    assert {a for a in actions("Ec2Events") if a.startswith("dynamodb:")} == {"dynamodb:GetItem"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_statement_allows_everything(function: str) -> None:
    for statement in statements(function):
        for action in listed(statement["Action"]):
            assert "*" not in action
            if statement["Effect"] == "Allow" and "*" in listed(statement["Resource"]):
                assert ON_ANYTHING.fullmatch(action), action


@pytest.mark.parametrize("function", FUNCTIONS)
def test_machines_of_others_are_out_of_reach(function: str) -> None:
    touching = re.compile(r"ec2:(Start|Stop|Terminate|Delete|Authorize|Revoke|Cancel)\w+")
    for statement in statements(function):
        touched = [a for a in listed(statement["Action"]) if touching.fullmatch(a)]
        if statement.get("Sid") == "StopWhatHasTheRole":  # which the tag may have been taken off
            assert set(touched) == {"ec2:StopInstances", "ec2:TerminateInstances"}
            assert statement["Condition"] == {
                "ArnEquals": {"ec2:InstanceProfile": {"Fn::GetAtt": ["MachineProfile", "Arn"]}}
            }
        elif touched and statement["Effect"] == "Allow":
            condition = statement["Condition"]["StringEquals"]
            assert condition["aws:ResourceTag/gpu:stack"] == {
                "Fn::Sub": "${AWS::StackName}.${AWS::Region}"
            }


def test_a_launch_must_be_marked_hardened_and_encrypted() -> None:
    launching = [one for one in statements("Slack") if "ec2:RunInstances" in listed(one["Action"])]
    by_sid = {one["Sid"]: one.get("Condition", {}) for one in launching}
    instance = by_sid["LaunchMarkedAndHardened"]["StringEquals"]
    assert instance["ec2:MetadataHttpTokens"] == "required"
    assert instance["aws:RequestTag/gpu:stack"] == {"Fn::Sub": "${AWS::StackName}.${AWS::Region}"}
    elsewhere = by_sid["OnlyInAllowedRegions"]["StringNotEquals"]
    assert elsewhere == {"aws:RequestedRegion": {"Ref": "Regions"}}
    assert "ec2:InstanceType" in by_sid["OnlyAllowedTypes"]["StringNotLike"]
    assert by_sid["LaunchWithEncryptedDisks"]["Bool"] == {"ec2:Encrypted": "true"}


def test_marks_are_given_at_birth_and_only_the_deadline_moves() -> None:
    tagging = [one for one in statements("Slack") if "ec2:CreateTags" in listed(one["Action"])]
    by_sid = {one["Sid"]: one["Condition"] for one in tagging}
    assert set(by_sid) == {"MarkOnlyWhatIsBeingMade", "MoveTheDeadline"}
    assert "ec2:CreateAction" in by_sid["MarkOnlyWhatIsBeingMade"]["StringEquals"]
    moving = by_sid["MoveTheDeadline"]["ForAllValues:StringEquals"]
    assert moving == {"aws:TagKeys": ["gpu:deadline"]}


def test_machines_run_under_a_role_that_reaches_systems_manager_and_nothing_else() -> None:
    own = raw()["Resources"]["MachineRole"]["Properties"]
    (policy,) = own["Policies"]
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert "ManagedPolicyArns" not in own
    assert allowed["Effect"] == "Allow"
    for action in allowed["Action"]:
        assert re.fullmatch(
            r"ssm:UpdateInstanceInformation|(ssmmessages|ec2messages):\w+", action
        ), action
    assert denied["Effect"] == "Deny"
    assert {"ssm:GetParameter*", "secretsmanager:*", "sts:AssumeRole"} <= set(denied["Action"])


def test_only_that_role_may_be_given_and_only_to_ec2() -> None:
    giving = [
        (function, one)
        for function in FUNCTIONS
        for one in statements(function)
        if "iam:PassRole" in listed(one["Action"])
    ]
    ((function, statement),) = giving
    assert function == "Slack"
    assert statement["Resource"] == {"Fn::GetAtt": ["MachineRole", "Arn"]}
    assert statement["Condition"] == {
        "StringEquals": {"iam:PassedToService": {"Fn::Sub": "ec2.${AWS::URLSuffix}"}}
    }


def test_scripts_run_from_one_document_and_on_own_machines_only() -> None:
    by_sid = {s["Sid"]: s for s in statements("Slack") if "ssm:SendCommand" in listed(s["Action"])}
    assert set(by_sid) == {"RunShellScripts", "RunThemOnOwnMachines"}
    assert by_sid["RunShellScripts"]["Resource"]["Fn::Sub"].endswith(":document/AWS-RunShellScript")
    condition = by_sid["RunThemOnOwnMachines"]["Condition"]["StringEquals"]
    assert condition == {
        "ssm:resourceTag/gpu:stack": {"Fn::Sub": "${AWS::StackName}.${AWS::Region}"}
    }


DISK_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("", True),
        (DISK_KEY, True),
        (f"{DISK_KEY}, {DISK_KEY}", True),
        (f"{DISK_KEY},{DISK_KEY.replace(':aws:', ':aws-cn:')}", True),
        (DISK_KEY.replace("key/", "key/mrk-"), True),
        ("alias/aws/ebs", False),
        (DISK_KEY.replace("key/", "alias/"), False),
        (DISK_KEY.partition("/")[2], False),
        (f"{DISK_KEY},", False),
        (f"{DISK_KEY} {DISK_KEY}", False),
        ("*", False),
        (DISK_KEY.replace("1234abcd", "*"), False),
    ],
)
def test_keys_for_disks_are_named_by_the_arns_that_iam_compares(said: str, taken: bool) -> None:
    """An alias or a bare id would be taken by IAM too, and would never fit."""
    pattern = raw()["Parameters"]["DiskKeys"]["AllowedPattern"]
    assert (re.fullmatch(pattern, said) is not None) is taken


def test_without_keys_for_disks_nothing_of_kms_is_granted_or_made() -> None:
    policy = transformed()["Resources"]["SlackUsesDiskKeys"]
    assert policy["Condition"] == "HasDiskKeys"
    kept = {"Ref": "SlackUsesDiskKeys"}
    assert {"Fn::If": ["HasDiskKeys", kept, {"Ref": "AWS::NoValue"}]} in role("Slack")[
        "ManagedPolicyArns"
    ]
    for function in FUNCTIONS:
        assert not {a for a in actions(function) if a.startswith("kms:")}
        assert "SlackUsesDiskKeys" not in json.dumps(role(function)) or function == "Slack"


def test_managed_policies_of_aws_only_write_logs() -> None:
    for function in FUNCTIONS:
        arns = [arn for arn in role(function)["ManagedPolicyArns"] if isinstance(arn, str)]
        assert [arn.rpartition("/")[2] for arn in arns] == ["AWSLambdaBasicExecutionRole"]


def test_the_managed_policy_of_slacks_looks_at_things_and_changes_nothing() -> None:
    looking = raw()["Resources"]["SlackLooks"]["Properties"]["PolicyDocument"]["Statement"]
    for action in (action for one in looking for action in listed(one["Action"])):
        assert re.fullmatch(r"[a-z0-9]+:(Describe|List|Get)\w+", action), action
    for function in ("Door", "Clock", "Ec2Events"):
        assert not list(managed(function))


def test_the_public_url_has_both_permissions_that_it_needs() -> None:
    permissions = [
        one["Properties"]
        for one in transformed()["Resources"].values()
        if one["Type"] == "AWS::Lambda::Permission" and one["Properties"]["Principal"] == "*"
    ]
    assert {one["Action"] for one in permissions} == {
        "lambda:InvokeFunctionUrl",
        "lambda:InvokeFunction",
    }
    for one in permissions:
        assert one["FunctionName"] == {"Ref": "Door"}
        assert one.get("FunctionUrlAuthType") == "NONE" or one.get("InvokedViaFunctionUrl")


def test_every_parameter_can_be_answered_by_a_reader() -> None:
    for name, parameter in raw()["Parameters"].items():
        assert len(parameter["Description"]) > 20, name
    without_default = {name for name, one in raw()["Parameters"].items() if "Default" not in one}
    assert without_default == {"SlackSigningSecret", "SlackBotToken"}
    # `sam deploy --guided` asks for what is NoEcho until something is typed, whatever its default.
    hidden = {name for name, one in raw()["Parameters"].items() if one.get("NoEcho")}
    assert hidden == without_default
    assert raw()["Parameters"]["SlackPreviousSigningSecret"]["AllowedValues"] == [""]


def test_the_functions_get_what_settings_reads() -> None:
    given = set(environment("Slack"))
    source = Path(settings.__file__).read_text("utf-8")
    read = set(re.findall(r"look\.\w+\(\s*\"([A-Z_]+)\"", source))
    assert read
    assert given == read | {"POWERTOOLS_SERVICE_NAME"}


WHERE = {"TABLE_NAME": "t", "QUEUE_URL": "https://q/", "SECRET_ARN": "s", "STACK_NAME": "gpu"}


def parameters() -> dict[str, str]:
    """Which parameter a variable of the Slack function is, word for word."""
    refs = {
        variable: str(value.get("Ref"))
        for variable, value in environment("Slack").items()
        if isinstance(value, dict)
    }
    found = {variable: ref for variable, ref in refs.items() if ref in raw()["Parameters"]}
    return {**found, "REGIONS": "Regions", "HERE_URL": "HereUrl"}  # joined, or the door's own


def test_the_templates_defaults_are_settings_defaults() -> None:
    defaults = {name: str(one.get("Default", "")) for name, one in raw()["Parameters"].items()}
    from_template = {variable: defaults[name] for variable, name in parameters().items()}
    assert settings.read({**WHERE, **from_template}) == settings.read(WHERE)


def pattern_of(variable: str) -> str:
    """What its value must be, as a pattern; of a list that holds for each of its words."""
    one = raw()["Parameters"][parameters()[variable]]
    if one["Type"] == "CommaDelimitedList":
        return f"{one['AllowedPattern']}(, ?{one['AllowedPattern']})*"
    choices = "|".join(re.escape(choice) for choice in one.get("AllowedValues", ()))
    return str(one.get("AllowedPattern", choices))


WORDS = sorted(v for v in parameters() if raw()["Parameters"][parameters()[v]]["Type"] != "Number")
# What no pattern can tell: bits beyond the mask, colons that make no address.
NO_NETWORK = "which is no network such as 192.0.2.0/24"


@pytest.mark.parametrize("variable", WORDS)
@given(data=st.data())
@h_settings(max_examples=40)
def test_what_the_template_takes_the_functions_can_read(variable: str, data: st.DataObject) -> None:
    pattern = re.compile(pattern_of(variable), re.ASCII)
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    environ = {**WHERE, "DEFAULT_DISK_GB": "1", variable: text}
    _, wrong = settings.read_what_can_be(environ)
    problems = wrong.problems if wrong else ()
    assert [one for one in problems if NO_NETWORK not in one] == []


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        ("ADMINS", ["", "U0SAM", "U0SAM,W0KIM", "U0SAM, U0KIM"], ["u0sam", "@sam", "U0SAM U0KIM"]),
        ("ALLOWED_CHANNELS", ["", "C0LAB", "C0LAB, G0ML"], ["#lab", "c0lab", "C0LAB;G0ML"]),
        ("ALLOWED_GROUPS", ["", "S0ML", "s0ml, S0OPS"], ["ml", "SUPPORT", "<!subteam^S0ML>"]),
        ("APPROVERS", ["", "U0SAM", "u0sam,W0KIM"], ["kim", "user", "@kim"]),
        (
            "ALLOWED_NETWORKS",
            ["", "192.0.2.0/24", "10.0.0.0/8, 2001:db8::/48", "198.51.100.7", "2001:DB8::/32"],
            ["0.0.0.0/0", "10.0.0.0/7", "the office", "192.0.2.0-9", "256.0.0.0/8", "::/0"],
        ),
        ("REGIONS", ["us-east-1", "us-gov-west-1,eu-west-1"], ["", "us-east-1a", "US-EAST-1"]),
        ("ALLOWED_TYPES", ["all", "g5", "g5.*, p3.2xlarge", "u-3tb1.56xlarge g5"], ["g5*", "gpu"]),
        ("IDLE_MINUTES", ["off", "5", "30", "10080"], ["4", "0", "10081", "30m"]),
        ("LARGEST_DISK_GB", ["off", "8", "9", "10", "500", "16384"], ["7", "0", "99999", "1TB"]),
        ("MOST_GPUS", ["off", "1", "9999"], ["0", "all"]),
        ("SLACK_API_URL", ["https://slack.com/api/", "http://a:80/"], ["slack.com", "http:///"]),
        ("HERE_URL", ["", "https://here.example", "https://a.b/c/"], ["here", "https://a b"]),
        ("GITHUB_URL", ["https://github.com"], ["", "github.com", "https://a?b"]),
    ],
)
def test_a_slip_is_refused_as_it_is_deployed(
    variable: str, good: list[str], bad: list[str]
) -> None:
    for text in (*good, *bad):
        assert (re.fullmatch(pattern_of(variable), text) is not None) is (text in good), text
    for text in good:
        settings.read({**WHERE, "DEFAULT_DISK_GB": "1", variable: text})


def test_every_handler_exists() -> None:
    for function in FUNCTIONS:
        module, _, name = raw()["Resources"][function]["Properties"]["Handler"].rpartition(".")
        source = (ROOT / "src" / f"{module}.py").read_text("utf-8")
        assert re.search(rf"(?m)^def {name}\(", source)


def test_the_queue_waits_as_long_as_lambda_asks() -> None:
    timeout = raw()["Resources"]["Slack"]["Properties"]["Timeout"]
    queue = raw()["Resources"]["Queue"]["Properties"]
    assert queue["VisibilityTimeout"] > timeout


def test_whoever_takes_the_queue_may_send_itself_the_next_look_for_ever() -> None:
    """Else Lambda stops the chain of looks at a machine after some sixteen of them."""
    functions = {
        name: one["Properties"]
        for name, one in transformed()["Resources"].items()
        if one["Type"] == "AWS::Lambda::Function"
    }
    sources = [
        one["Properties"]["FunctionName"]["Ref"]
        for one in transformed()["Resources"].values()
        if one["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert sources == ["Slack"]
    assert {name: one.get("RecursiveLoop") for name, one in functions.items()} == {
        name: "Allow" if name in sources else None for name in FUNCTIONS
    }


def test_the_ledger_is_kept_and_guarded() -> None:
    table = raw()["Resources"]["Table"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_what_stands_in_the_audit_trail_is_neither_changed_nor_deleted() -> None:
    written = deed_key(datetime(2026, 11, 26, tzinfo=UTC), "m-1")[0]
    denied = [
        one
        for one in statements("Slack")
        if one["Effect"] == "Deny" and "dynamodb:DeleteItem" in one["Action"]
    ]
    (one,) = denied
    assert set(one["Action"]) == {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    pattern = one["Condition"]["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"]
    assert fnmatch(written, pattern)
    assert not fnmatch("M#m-1", pattern)


def test_everything_that_fails_for_good_raises_an_alarm() -> None:
    resources = transformed()["Resources"]
    watched = json.dumps([one for one in resources.values() if one["Type"].endswith("::Alarm")])
    for name in ("DeadLetters", "EventDeadLetters", *FUNCTIONS):
        assert f'"{name}"' in watched or f'"{name}.QueueName"' in watched


def test_a_machine_that_does_not_stop_raises_an_alarm_by_the_functions_own_metric() -> None:
    alarm = raw()["Resources"]["StuckAlarm"]["Properties"]
    source = (ROOT / "src" / "handlers" / "slack.py").read_text("utf-8")
    variables = raw()["Globals"]["Function"]["Environment"]["Variables"]
    assert alarm["MetricName"] == METRIC
    assert f'Metrics(namespace="{alarm["Namespace"]}")' in source
    service = variables["POWERTOOLS_SERVICE_NAME"]
    assert service == {"Ref": "AWS::StackName"}  # two stacks of a region have an alarm each
    assert alarm["Dimensions"] == [{"Name": "service", "Value": service}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_logs_are_not_kept_for_ever() -> None:
    for function in FUNCTIONS:
        group = raw()["Resources"][f"{function}Logs"]["Properties"]
        assert group["RetentionInDays"] == {"Ref": "LogDays"}
        config = transformed()["Resources"][function]["Properties"]["LoggingConfig"]
        assert config == {"LogGroup": {"Ref": f"{function}Logs"}}


def test_the_slack_app_asks_for_no_more_than_it_uses() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yaml").read_text("utf-8"))
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert set(scopes) == {
        "chat:write",
        "commands",
        "files:write",
        "im:write",
        "usergroups:read",
        "users:read",
    }
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/gpu"
    assert command["url"].endswith("/slack")
    assert command["url"] == manifest["settings"]["interactivity"]["request_url"]


def sizes(function: str) -> list[int]:
    """How long IAM finds its policies, inline first, for a long name, many regions and types."""
    stack = "a-stack-name-of-some-thirty-chars"
    resources = transformed()["Resources"]
    at = Deployment(
        stack=stack,
        region="ap-southeast-2",
        parameters={
            "Regions": ",".join(f"ap-southeast-{n}" for n in range(12)),
            "AllowedTypes": ",".join(f"p5en.{n}8xlarge" for n in range(100)),
            "DiskKeys": ",".join(
                f"arn:aws:kms:ap-southeast-{n}:111122223333:key/mrk-{'0' * 32}" for n in range(12)
            ),
        },
        names={name: f"{stack}-{name}-0123456789AB" for name in resources},
    )
    found = documents(transformed(), f"{function}Role", at)
    return [len(json.dumps(one, separators=(",", ":"))) for one in found]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_s_policies_fit_into_what_iam_takes(function: str) -> None:
    """10,240 characters inline, 6,144 of each managed one, ten of those."""
    every, number = sizes(function), len(role(function)["Policies"])
    inline, others = sum(every[:number]), every[number:]
    assert inline < 10_000, f"{inline} of 10,240: move what belongs together into a managed policy"
    assert max(others) < 6_000, f"{others} of 6,144"
    assert len(others) <= 10


def test_a_flood_at_the_door_and_what_it_does_not_take_raise_alarms() -> None:
    resources = raw()["Resources"]
    for name, metric in (("DoorRefusesAlarm", "Url4xxCount"), ("DoorNotTakenAlarm", "Url5xxCount")):
        alarm = resources[name]["Properties"]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "Door"}}]
    dropped = resources["UnreadableAlarm"]["Properties"]
    assert (
        f'add_metric(name="{dropped["MetricName"]}"' in (ROOT / "src/handlers/slack.py").read_text()
    )
    assert dropped["Dimensions"] == resources["StuckAlarm"]["Properties"]["Dimensions"]
