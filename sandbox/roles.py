"""Who calls, in a local run: the roles as they were deployed, and whose access key is whose.

This module alone knows how MiniStack makes a function's credentials: from its own ARN and its
role's, so that they can be told from outside. A key that is nobody's is refused, so a MiniStack
that does it otherwise is noticed by the first call.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from sandbox.deploy import Deployed
from sandbox.ministack import ACCESS_KEY, MiniStack
from sim.callers import Asked, Caller
from sim.iam import Role


class Stranger(Exception):
    """Nobody in this account has that access key."""


class Callers:
    """The functions' roles by access key, and everything that was asked for under them."""

    def __init__(self) -> None:
        self._callers: Mapping[str, Caller] = {}
        self._heard: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def of(self, access_key: str) -> Caller | None:
        """Who that is; None is the account's root. Raises Stranger."""
        if access_key == ACCESS_KEY:
            return None
        try:
            return self._callers[access_key]
        except KeyError:
            raise Stranger(access_key) from None

    def read(self, stack: MiniStack, deployed: Deployed, functions: tuple[str, ...]) -> None:
        """Take the roles as IAM has them now."""
        asked = stack.client("lambda")
        found = {}
        for function in functions:
            told = asked.get_function_configuration(FunctionName=deployed.resources[function])
            name = str(told["Role"]).rpartition("/")[2]
            role = Role(function, documents(stack.client("iam"), name))
            arn = str(told["Role"]).replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
            found[_access_key(told["FunctionArn"], told["Role"])] = Caller(
                role=role, arn=f"{arn}/{told['FunctionName']}", heard=self._hear
            )
        self._callers = found

    def asked(self) -> list[dict[str, Any]]:
        """What was asked for so far: each action of each function by each grant, as plain JSON."""
        with self._lock:
            return [dict(one) for one in self._heard.values()]

    def _hear(self, asked: Asked) -> None:
        by = [[grant.sid, grant.resource] for grant in asked.decision.by]
        key = (asked.who, asked.ask.action, json.dumps(by) if by else asked.ask.resource)
        with self._lock:
            known = self._heard.setdefault(
                key,
                {
                    "who": asked.who,
                    "action": asked.ask.action,
                    "resource": asked.ask.resource,
                    "context": {k: list(v) for k, v in asked.ask.context.items()},
                    "allowed": asked.decision.allowed,
                    "by": by,
                    "times": 0,
                },
            )
            known["times"] += 1


def _access_key(function: str, role: str) -> str:
    return f"ASIA{hashlib.sha256(f'{function}:{role}'.encode()).hexdigest()[:16].upper()}"


def documents(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    """Every policy of the role that AWS does not manage itself, inline or attached."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        found = iam.get_role_policy(RoleName=role, PolicyName=name)
        yield _document(found["PolicyDocument"])
    for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        if ":aws:policy/" not in one["PolicyArn"]:
            policy = iam.get_policy(PolicyArn=one["PolicyArn"])["Policy"]
            version = iam.get_policy_version(
                PolicyArn=one["PolicyArn"], VersionId=policy["DefaultVersionId"]
            )
            yield _document(version["PolicyVersion"]["Document"])


def _document(told: Any) -> dict[str, Any]:
    found = json.loads(unquote(told)) if isinstance(told, str) else told
    assert isinstance(found, dict)
    return found
