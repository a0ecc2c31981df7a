"""The hand-made signature is botocore's, byte for byte, and the door brings no library along."""

import calendar
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore import auth as botocore_auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.aws_post import endpoint, signed

ROOT = Path(__file__).resolve().parents[2]
HOSTS = (
    "sqs.us-east-1.amazonaws.com",
    "sqs.cn-north-1.amazonaws.com.cn",
    "127.0.0.1:4566",
    "localhost:443",
    "example.com:8443",
)


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=2000) | st.text(max_size=500).map(lambda t: t.encode("utf-8")),
    host=st.sampled_from(HOSTS),
    path=st.sampled_from(["/", "/a/b", "/123456789012/gpu-Queue-ABC"]),
    service=st.sampled_from([("sqs", "1.0"), ("secretsmanager", "1.1")]),
    region=st.sampled_from(["us-east-1", "eu-west-1", "us-gov-west-1"]),
    target=st.sampled_from(["AmazonSQS.SendMessage", "a  b", " padded "]),
    token=st.sampled_from(["", "IQoJb3JpZ2luX2VjE+/=="]),
    key=st.text("abcXYZ0123+/", min_size=1, max_size=40),
    at=st.integers(0, 4_102_444_800),
)
def test_our_signature_is_botocores(
    body: bytes,
    host: str,
    path: str,
    service: tuple[str, str],
    region: str,
    target: str,
    token: str,
    key: str,
    at: int,
) -> None:
    name, version = service
    headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": target}
    environ = {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": key,
        "AWS_SESSION_TOKEN": token,
    }
    ours = signed(
        host,
        path,
        headers,
        body,
        service=name,
        region=region,
        environ=environ,
        at=time.gmtime(at),
    )
    scheme = "https" if host.endswith(("443", "com", "cn")) and ":8" not in host else "http"
    theirs = AWSRequest("POST", f"{scheme}://{host}{path}", headers=dict(headers), data=body)
    credentials = Credentials("ASIAEXAMPLE", key, token or None)
    _sign_at(SigV4Auth(credentials, name, region), theirs, at)
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours["x-amz-date"] == theirs.headers["X-Amz-Date"]


def _sign_at(auth: SigV4Auth, request: AWSRequest, at: int) -> None:
    """botocore reads the clock itself, so it is given one that stands still."""

    def still(remove_tzinfo: bool = True) -> datetime:
        moment = datetime.fromtimestamp(at, UTC)
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    real = botocore_auth.get_current_datetime  # type: ignore[attr-defined]
    botocore_auth.get_current_datetime = still  # type: ignore[attr-defined]
    try:
        auth.add_auth(request)
    finally:
        botocore_auth.get_current_datetime = real  # type: ignore[attr-defined]
    assert calendar.timegm(time.gmtime(at)) == at


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "https://default/"),
        ({"AWS_ENDPOINT_URL": "http://all"}, "http://all"),
        ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SQS": "http://one"}, "http://one"),
        ({"AWS_ENDPOINT_URL_SQS": ""}, "https://default/"),
    ],
)
def test_endpoints_are_found_as_the_sdks_find_them(environ: dict[str, str], expected: str) -> None:
    assert endpoint("SQS", "https://default/", environ) == expected


def test_the_door_imports_nothing_but_pythons_own() -> None:
    code = (
        "import sys; before = set(sys.modules); sys.path.insert(0, 'src'); import handlers.door;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "['core', 'handlers']"
