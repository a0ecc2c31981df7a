"""Deploys what `make build` left, as `sam package` and `sam deploy` would, onto MiniStack.

This module alone knows the built folder's shape: `.aws-sam/build/template.yaml`, in which every
function's CodeUri names a folder beside it. Folders become zips in a bucket, the template is sent
otherwise unchanged, and nothing in it learns that this is not AWS.
"""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.ministack import REGION, MiniStack

BUCKET = "sandbox-artifacts"
DEPLOY_SECONDS = 120.0


class NotDeployed(Exception):
    """The stack did not come up; the message has CloudFormation's own reasons."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The stack as it came out: its outputs, and logical id → physical id of what it holds."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]

    @property
    def function_url(self) -> str:
        """The Function URL as AWS would write it, without a path and without a last slash."""
        for value in self.outputs.values():
            if ".lambda-url." in value:
                scheme, _, rest = value.partition("://")
                return f"{scheme}://{rest.partition('/')[0]}"
        raise NotDeployed("the template has no output with the Function URL")


def deploy(stack: MiniStack, build: Path, *, name: str, parameters: Mapping[str, str]) -> Deployed:
    """Create the stack from the built folder and wait for it. Raises NotDeployed with reasons."""
    template = read_template(build / "template.yaml")
    _upload_code(stack, build, template)
    known = template.get("Parameters", {})
    cloudformation = stack.client("cloudformation")
    body = json.dumps(template)
    _put(stack, "template.json", body.encode())
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=f"{stack.endpoint}/{BUCKET}/template.json",
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in parameters.items()
            if key in known
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    return _wait(cloudformation, name)


def read_template(path: Path) -> dict[str, Any]:
    """The YAML template as plain values, its short tags (!Ref, !GetAtt, …) in their long form."""
    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader=_TemplateLoader)  # noqa: S506 (a SafeLoader)
    if not isinstance(loaded, dict):
        raise NotDeployed(f"{path} is not a template")
    return loaded


def code_folders(build: Path, template: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """(logical id, folder) of every function of the template."""
    for logical, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            yield logical, build / resource["Properties"]["CodeUri"]


def zipped(folder: Path) -> bytes:
    """The folder as a zip whose entries all date from 1980, as `sam package` writes them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


def _text(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


_TemplateLoader.add_multi_constructor("!", _long_form)
# A version such as 2012-10-17 is text in a template, not a date.
_TemplateLoader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def _upload_code(stack: MiniStack, build: Path, template: dict[str, Any]) -> None:
    stack.client("s3").create_bucket(Bucket=BUCKET)
    sent: dict[Path, str] = {}
    for logical, folder in code_folders(build, template):
        if not folder.is_dir():
            raise NotDeployed(f"{folder} is missing: run `make build` first")
        folder = folder.resolve()
        if folder not in sent:
            data = zipped(folder)
            sent[folder] = f"{hashlib.sha256(data).hexdigest()}.zip"
            _put(stack, sent[folder], data)
        properties = template["Resources"][logical]["Properties"]
        properties["CodeUri"] = {"Bucket": BUCKET, "Key": sent[folder]}


def _put(stack: MiniStack, key: str, data: bytes) -> None:
    stack.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)


def _wait(cloudformation: Any, name: str) -> Deployed:
    end = time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < end:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if found["StackStatus"] == "CREATE_COMPLETE":
            return Deployed(
                name=name,
                outputs={o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])},
                resources=_resources(cloudformation, name),
            )
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.2)
    raise NotDeployed(
        f"stack {name} did not come up in {REGION}:\n{_reasons(cloudformation, name)}"
    )


def _resources(cloudformation: Any, name: str) -> dict[str, str]:
    return {
        r["LogicalResourceId"]: r["PhysicalResourceId"]
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        for r in page["StackResourceSummaries"]
    }


def _reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(
        f"{e['LogicalResourceId']}: {e['ResourceStatus']} {e.get('ResourceStatusReason', '')}"
        for e in reversed(events)
        if "FAILED" in e["ResourceStatus"] or "ROLLBACK" in e["ResourceStatus"]
    )
