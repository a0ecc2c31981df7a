"""The roles of the template as they come out once it is deployed: every parameter filled in.

This module alone knows CloudFormation's functions. It reads the template as CloudFormation has it,
after the SAM transform, so that what SAM adds to a role is there too.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from core.model import Policy
from sim.iam import Role

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
FUNCTIONS = ("Door", "Slack", "Clock", "Ec2Events")
# What AWS's own managed policies allow that SAM attaches.
_OF_AWS = {
    "AWSLambdaBasicExecutionRole": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "WriteLogs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "*",
            }
        ],
    }
}
_NAMED_BY_ARN = frozenset({"AWS::SNS::Topic"})  # what a Ref gives of it
_NOTHING = object()  # AWS::NoValue
Template = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a deployment is told. `names` are resources whose name is not <stack>-<logical id>."""

    stack: str = "gpu"
    region: str = "us-east-1"
    account: str = "123456789012"
    parameters: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """The value of gpu:stack on everything that it makes."""
        return f"{self.stack}.{self.region}"


def transformed(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template after the SAM transform; not to be changed."""
    return _transformed(path.read_text("utf-8"))


@cache
def _transformed(text: str) -> dict[str, Any]:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = yaml_parse(text)
    template["Globals"]["Function"]["CodeUri"] = "s3://an-artifact-bucket/code.zip"
    made = Translator({}, Parser(), None).translate(template, {})
    assert isinstance(made, dict)
    return made


def documents(template: Template, role: str, at: Deployment) -> Iterator[dict[str, Any]]:
    """The policies of a role of the template, by its logical id, with everything filled in."""
    fill = _Filled(template, at)
    properties = template["Resources"][role]["Properties"]
    for policy in properties.get("Policies", ()):
        yield fill(policy["PolicyDocument"])
    for arn in fill.chosen(properties.get("ManagedPolicyArns", ())):
        if isinstance(arn, dict) and "Ref" in arn:
            yield fill(template["Resources"][arn["Ref"]]["Properties"]["PolicyDocument"])
        else:
            yield _OF_AWS[str(fill(arn)).rpartition("/")[2]]


def role(function: str, at: Deployment, template: Template | None = None) -> Role:
    """The role of a function, or `MachineRole`, in that deployment."""
    logical = function if function == "MachineRole" else f"{function}Role"
    return Role(function, documents(template or transformed(), logical, at))


class _Filled:
    """Fills in a value of the template."""

    def __init__(self, template: Template, at: Deployment) -> None:
        self._template = template
        self._at = at
        self._pseudo = {
            "AWS::StackName": at.stack,
            "AWS::Region": at.region,
            "AWS::AccountId": at.account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _NOTHING,
        }

    def __call__(self, value: Any) -> Any:
        if isinstance(value, dict):
            if len(value) == 1:
                ((name, inner),) = value.items()
                if name == "Ref" or name.startswith("Fn::"):
                    return self._function(name, inner)
            filled = {key: self(one) for key, one in value.items()}
            return {key: one for key, one in filled.items() if one is not _NOTHING}
        if isinstance(value, list):
            return [one for one in map(self, value) if one is not _NOTHING]
        return value

    def chosen(self, several: Iterable[Any]) -> Iterator[Any]:
        """What is not left out by a condition, with nothing else filled in."""
        for one in several:
            if isinstance(one, dict) and "Fn::If" in one:
                condition, yes, no = one["Fn::If"]
                one = yes if self._is(self._template["Conditions"][condition]) else no
            if one != {"Ref": "AWS::NoValue"}:
                yield one

    def _function(self, name: str, inner: Any) -> Any:
        match name, inner:
            case "Ref", str():
                return self._ref(inner)
            case "Fn::GetAtt", _:
                return self._attribute(*(inner.split(".", 1) if isinstance(inner, str) else inner))
            case "Fn::Sub", str():
                return self._sub(inner, {})
            case "Fn::Sub", [text, names]:
                return self._sub(text, names)
            case "Fn::Join", [between, parts]:
                return str(between).join(map(str, self(parts)))
            case "Fn::Split", [between, text]:
                return str(self(text)).split(between)
            case "Fn::If", [condition, yes, no]:
                return self(yes if self._is(self._template["Conditions"][condition]) else no)
        raise ValueError(f"a function that is not known: {name}")

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        parameter = self._template.get("Parameters", {}).get(name)
        if parameter is None:
            if self._template["Resources"][name]["Type"] in _NAMED_BY_ARN:
                return self._attribute(name, "Arn")
            return self._at.names.get(name, f"{self._at.stack}-{name}")
        value = str(self._at.parameters.get(name, parameter.get("Default", "")))
        return value.split(",") if parameter["Type"] == "CommaDelimitedList" else value

    def _sub(self, text: str, names: Mapping[str, Any]) -> str:
        def found(match: re.Match[str]) -> str:
            name = match[1]
            if name in names:
                return str(self(names[name]))
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", found, text)

    def _attribute(self, name: str, attribute: str) -> str:
        at, kind = self._at, self._template["Resources"][name]["Type"]
        own = at.names.get(name, f"{at.stack}-{name}")
        here = f"{at.region}:{at.account}"
        known = {
            ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{here}:table/{own}",
            ("AWS::SNS::Topic", "Arn"): f"arn:aws:sns:{here}:{own}",
            ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{here}:{own}",
            ("AWS::SecretsManager::Secret", "Id"): f"arn:aws:secretsmanager:{here}:secret:{own}",
            ("AWS::IAM::Role", "Arn"): f"arn:aws:iam::{at.account}:role/{own}",
            ("AWS::IAM::InstanceProfile", "Arn"): (
                f"arn:aws:iam::{at.account}:instance-profile/{own}"
            ),
        }
        return known[kind, attribute]

    def _is(self, condition: Any) -> bool:
        ((name, inner),) = condition.items()
        if name == "Fn::Not":
            return not self._is(inner[0])
        if name == "Fn::Equals":
            return bool(self(inner[0]) == self(inner[1]))
        raise ValueError(f"a condition that is not known: {name}")


# ---- of a policy as the functions read it ---------------------------------------------------


def of_policy(function: str, policy: Policy, profile: str) -> Role:
    """The role of a function in a deployment whose settings come out as this policy."""
    return _of_policy(function, policy.stack, policy.regions, policy.types, profile)


@cache
def _of_policy(
    function: str, mark: str, regions: tuple[str, ...], types: tuple[str, ...], profile: str
) -> Role:
    machine = profile.rpartition("/")[2]
    at = Deployment(
        parameters={"Regions": ",".join(regions), "AllowedTypes": ",".join(types) or "all"},
        names={"MachineRole": machine, "MachineProfile": machine},
    )
    made = json.dumps(list(documents(transformed(), f"{function}Role", at)))
    # The simulated deployments have shorter marks than <stack>.<region>.
    return Role(function, json.loads(made.replace(f'"{at.mark}"', json.dumps(mark))))


def main() -> None:
    """Print the template after the SAM transform, for tools that read no SAM."""
    print(json.dumps(transformed(), indent=1))


if __name__ == "__main__":
    main()
