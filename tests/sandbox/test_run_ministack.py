"""MiniStack as the local run uses it: a small stack of functions, queue and rules, for real."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox import ministack
from sandbox.deploy import Deployed, NotDeployed, deploy, read_template, zipped
from sandbox.drive import wait_for
from sandbox.events import Bus, ring
from sandbox.logs import copier
from sandbox.options import Options
from sandbox.serve import PortTaken, check_free, listen

PYTHON = Path(os.environ.get("SANDBOX_MINISTACK") or Options.ministack)
needs_ministack = pytest.mark.skipif(
    not PYTHON.exists(), reason=f"no MiniStack: `make install-ministack` makes {PYTHON}"
)

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  SlackSigningSecret: {Type: String, NoEcho: true}
Globals:
  Function:
    Runtime: python3.13
    Architectures: [arm64]
    Environment: {Variables: {QUEUE_URL: !Ref Queue}}
Resources:
  Queue:
    Type: AWS::SQS::Queue
  Door:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: Door
      Handler: door.handler
      FunctionUrlConfig: {AuthType: NONE}
      Policies:
        - Version: 2012-10-17
          Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]
  Clock:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: Clock
      Handler: clock.handler
      Events:
        Ec2:
          Type: EventBridgeRule
          Properties: {Pattern: {source: [aws.ec2], detail: {state: [running]}}}
Outputs:
  SlackUrl: {Value: !Sub "${DoorUrl.FunctionUrl}slack"}
"""
DOOR = """
import json, os, boto3

def handler(event, context):
    sent = boto3.client("sqs").send_message(
        QueueUrl=os.environ["QUEUE_URL"], MessageBody=event["rawPath"])
    try:
        boto3.client("sqs").purge_queue(QueueUrl=os.environ["QUEUE_URL"])
        purged = "purged"
    except Exception as error:
        purged = type(error).__name__
    ec2 = os.environ["AWS_ENDPOINT_URL_EC2"]
    return {"statusCode": 200, "body": json.dumps({"id": sent["MessageId"], "ec2": ec2,
        "purged": purged, "profile": os.environ.get("AWS_PROFILE"),
        "python": "%d.%d" % __import__("sys").version_info[:2]})}
"""
CLOCK = "def handler(event, context):\n    print('heard', event['detail-type'], event['detail'])\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ministack.MiniStack]:
    os.environ["AWS_PROFILE"] = "not-to-be-seen"
    started = ministack.start(
        python=PYTHON,
        port=_free_port(),
        folder=tmp_path_factory.mktemp("ministack"),
        endpoints={"AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:1"},
    )
    del os.environ["AWS_PROFILE"]
    yield started
    started.stop()
    assert started.process.poll() is not None


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    (folder / "template.yaml").write_text(TEMPLATE)
    for name, code in (("Door", DOOR), ("Clock", CLOCK)):
        (folder / name).mkdir()
        (folder / name / f"{name.lower()}.py").write_text(code)
    return folder


@pytest.fixture(scope="module")
def deployed(stack: ministack.MiniStack, build: Path) -> Deployed:
    known = {"SlackSigningSecret": "s" * 32, "NotAParameterOfThisTemplate": "x"}
    return deploy(stack, build, name="gpu", parameters=known)


@needs_ministack
def test_the_function_url_answers_and_the_function_has_its_role_and_no_more(
    stack: ministack.MiniStack, deployed: Deployed
) -> None:
    answer = _post(stack, deployed, "/slack")
    assert answer["ec2"] == "http://127.0.0.1:1"
    assert answer["purged"] == "ClientError", "the role allows SendMessage only"
    assert answer["profile"] is None, "the person's own environment leaks into functions"
    assert answer["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    queue = deployed.resources["Queue"]
    got = stack.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert [m["Body"] for m in got] == ["/slack"]


@needs_ministack
def test_an_event_reaches_the_rule_that_asks_for_it_in_its_own_region_only(
    stack: ministack.MiniStack, deployed: Deployed, tmp_path: Path
) -> None:
    bus = Bus(stack)
    assert bus.deliver(_event("stopped", "us-east-1")) == ()
    assert bus.deliver(_event("running", "eu-west-1")) == ()
    (reached,) = bus.deliver(_event("running", "us-east-1"))
    assert reached.endswith(deployed.resources["Clock"])
    group = f"/aws/lambda/{deployed.resources['Clock']}"
    turn = copier(stack, {"Clock": group}, tmp_path)
    log = tmp_path / "Clock.log"
    wait_for(lambda: (turn(), "running" in log.read_text())[1], "word of the event")
    ring(stack, deployed.resources["Clock"])()
    wait_for(lambda: (turn(), "Scheduled Event" in log.read_text())[1], "word of the schedule")
    turn()
    text = log.read_text()
    assert text.count("heard") == 2 and "stopped" not in text, text


def test_unpacked_functions_that_nothing_runs_any_more_are_deleted(tmp_path: Path) -> None:
    used, left, new = (tmp_path / "tmp" / f"ministack-lambda-{n}" for n in ("used", "left", "new"))
    for one in (used, left, new):
        (one / "code").mkdir(parents=True)
        (one / "_worker.py").write_text("print('up', flush=True)\ninput()\n")
    for one in (used, left):
        os.utime(one, (1, 1))
    worker = subprocess.Popen(
        [sys.executable, str(used / "_worker.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdout and worker.stdout.readline() == b"up\n"
    ministack.tidier(tmp_path)()
    worker.communicate(b"\n", timeout=60)
    assert used.exists() and new.exists()
    assert not left.exists()


@needs_ministack
def test_a_stack_that_cannot_be_made_says_why(stack: ministack.MiniStack, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE.replace("CodeUri: Door", "CodeUri: Missing"))
    with pytest.raises((NotDeployed, ClientError), match=r"Missing|exist"):
        deploy(stack, tmp_path, name="other", parameters={})


def test_short_tags_become_their_long_forms(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "AWSTemplateFormatVersion: 2010-09-09\n"
        "a: !Ref B\nb: !GetAtt C.Arn\nc: !Sub '${D}/x'\nd: !If [E, !Ref F, !Ref AWS::NoValue]\n"
        "e: !Join ['', [a, !Ref B]]\nf: !Equals [!Ref G, '']\n"
    )
    assert read_template(path) == {
        "AWSTemplateFormatVersion": "2010-09-09",
        "a": {"Ref": "B"},
        "b": {"Fn::GetAtt": ["C", "Arn"]},
        "c": {"Fn::Sub": "${D}/x"},
        "d": {"Fn::If": ["E", {"Ref": "F"}, {"Ref": "AWS::NoValue"}]},
        "e": {"Fn::Join": ["", ["a", {"Ref": "B"}]]},
        "f": {"Fn::Equals": [{"Ref": "G"}, ""]},
    }


def test_the_same_folder_is_the_same_zip(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("x = 1\n")
    first = zipped(tmp_path)
    os.utime(tmp_path / "pkg" / "a.py", (1, 1))
    assert zipped(tmp_path) == first
    assert zipfile.ZipFile(BytesIO(first)).namelist() == ["pkg/a.py"]


def test_a_port_in_use_is_found_before_anything_starts() -> None:
    port = _free_port()
    bound = listen(port)
    try:
        with pytest.raises(PortTaken, match=str(port)):
            check_free(port)
    finally:
        bound.close()
    check_free(port)


def _post(stack: ministack.MiniStack, deployed: Deployed, path: str) -> dict[str, Any]:
    host = deployed.function_url.partition("://")[2]
    request = urllib.request.Request(f"{stack.endpoint}{path}", b"x=1", {"Host": host})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body: dict[str, Any] = json.load(answer)
    return body


def _event(state: str, region: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": ministack.ACCOUNT,
        "time": "2026-11-24T00:00:00Z",
        "region": region,
        "resources": [f"arn:aws:ec2:{region}:{ministack.ACCOUNT}:instance/i-1"],
        "detail": {"instance-id": "i-1", "state": state},
    }


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
