"""Bad days of an account: what AWS refuses whoever asks, until the world control mends it.

Regions that are not enabled, an account that is blocked or not verified yet, policies of the
organisation that deny a call (with the encoded reason that only STS can read), empty price lists.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from sim.iam import Ask, Context, Decision
from sim.world.errors import AwsError

# What a blocked or unverified account may not do any more.
_MAKING = frozenset({"RunInstances", "StartInstances", "CreateVolume", "CreateFleet"})
DENIERS = {
    "scp": "with an explicit deny in a service control policy",
    "boundary": "with an explicit deny in a permissions boundary",
    "policy": "because no identity-based policy allows the action",
}


@dataclass(frozen=True, kw_only=True)
class Denial:
    """A policy that denies one operation, in one region or everywhere."""

    operation: str
    by: str  # scp | boundary | policy
    region: str | None
    resource: str = "instance/*"  # of the account, in the region


@dataclass(kw_only=True)
class Troubles:
    """What is wrong with the account now. `reasons` are the denials that STS can decode."""

    blocked: bool = False
    disabled: set[str] = field(default_factory=set)  # regions
    unverified: set[str] = field(default_factory=set)  # regions
    unpriced: set[str] = field(default_factory=set)  # regions without any list price
    denials: set[Denial] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)

    def check(self, account: str, service: str, region: str, operation: str) -> None:
        """Refuse a call as AWS does on such a day; nothing on a good one."""
        if region in self.disabled and service != "pricing":
            raise _not_enabled(service)
        for denial in self.denials:
            if denial.operation == operation and denial.region in (None, region):
                raise self._denied(account, service, region, denial)
        if self.blocked and operation in _MAKING:
            raise AwsError(
                "Blocked",
                "This account is currently blocked and not recognized as a valid account. Please "
                "contact aws-verification@amazon.com if you have questions.",
            )
        if region in self.unverified and operation in _MAKING:
            raise AwsError(
                "PendingVerification",
                "Your request for accessing resources in this region is being validated, and you "
                "will not be able to launch additional resources in this region until the "
                "validation is complete.",
            )

    def _denied(self, account: str, service: str, region: str, denial: Denial) -> AwsError:
        action = f"{service.replace('service-quotas', 'servicequotas')}:{denial.operation}"
        who = f"arn:aws:sts::{account}:assumed-role/gpu-Slack/gpu-Slack"
        resource = f"arn:aws:ec2:{region}:{account}:{denial.resource}"
        explicit = denial.by != "policy"
        reason = _reason(
            who=who,
            action=action,
            resource=resource,
            explicit=explicit,
            statements=("DenyCostlyMachines",) if explicit else (),
        )
        return self._refusal(service, who, action, resource, DENIERS[denial.by], reason)

    def not_allowed(self, service: str, who: str, ask: Ask, decision: Decision) -> AwsError:
        """The refusal of a call whose role does not allow what it asks for."""
        if service == "ec2" and ask.action == "iam:CreateServiceLinkedRole":
            return AwsError(
                "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
                "The provided credentials do not have permission to create the service-linked "
                "role for EC2 Spot Instances.",
                status=403,
            )
        reason = _reason(
            who=who,
            action=ask.action,
            resource=ask.resource,
            explicit=decision.explicit,
            statements=tuple(grant.sid for grant in decision.by),
            conditions=ask.context,
        )
        words = (
            "with an explicit deny in an identity-based policy"
            if decision.explicit
            else f"because no identity-based policy allows the {ask.action} action"
        )
        return self._refusal(service, who, ask.action, ask.resource, words, reason)

    def _refusal(
        self, service: str, who: str, action: str, resource: str, words: str, reason: str
    ) -> AwsError:
        refused = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
        if service != "ec2":
            return AwsError("AccessDeniedException", f"{refused} {words}")
        encoded = self._encode(reason)
        return AwsError(
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. {refused} {words}. Encoded "
            f"authorization failure message: {encoded}",
            status=403,
        )

    def _encode(self, reason: str) -> str:
        """As long and as unreadable as AWS's own; the same reason gives the same text."""
        parts = (hashlib.sha512(f"{n}{reason}".encode()).hexdigest() for n in range(8))
        encoded = "".join(parts)
        self.reasons[encoded] = reason
        return encoded


def _not_enabled(service: str) -> AwsError:
    if service == "ec2":
        return AwsError(
            "AuthFailure", "AWS was not able to validate the provided access credentials", 401
        )
    return AwsError(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    )


def _reason(
    *,
    who: str,
    action: str,
    resource: str,
    explicit: bool,
    statements: tuple[str, ...],
    conditions: Context | None = None,
) -> str:
    """What sts:DecodeAuthorizationMessage gives: JSON about the statement that decided."""
    matched = [
        {
            "statementId": sid,
            "effect": "DENY",
            "principals": {"items": [{"value": "AROAEXAMPLE"}]},
            "principalGroups": {"items": []},
            "actions": {"items": [{"value": action}]},
            "resources": {"items": [{"value": "*"}]},
            "conditions": {"items": []},
        }
        for sid in statements
    ]
    met = [
        {"key": key, "values": {"items": [{"value": value} for value in values]}}
        for key, values in (conditions or {}).items()
    ]
    return json.dumps(
        {
            "allowed": False,
            "explicitDeny": explicit,
            "matchedStatements": {"items": matched},
            "failures": {"items": []},
            "context": {
                "principal": {"id": "AROAEXAMPLE:gpu-Slack", "arn": who},
                "action": action,
                "resource": resource,
                "conditions": {"items": met},
            },
        }
    )


# ---- commands -----------------------------------------------------------------------------------


def command(troubles: Troubles, do: str, region: str | None, given: dict[str, Any]) -> None:
    """Carry out one command of the world control; `region` is checked already."""
    match do:
        case "block-account":
            troubles.blocked = True
        case "unblock-account":
            troubles.blocked = False
        case "deny" | "allow":
            _change_denial(troubles, do, region, given)
        case _:
            _change_region(troubles, do, region)


def _change_denial(troubles: Troubles, do: str, region: str | None, given: dict[str, Any]) -> None:
    operation, by = given.get("operation"), str(given.get("by") or "scp")
    if not operation or by not in DENIERS:
        raise ValueError(f"{do} needs an operation, and by as one of {', '.join(DENIERS)}")
    resource = str(given.get("resource") or Denial.resource)
    denial = Denial(operation=str(operation), by=by, region=region, resource=resource)
    if do == "deny":
        troubles.denials.add(denial)
    else:
        troubles.denials = {d for d in troubles.denials if d.operation != operation}


def _change_region(troubles: Troubles, do: str, region: str | None) -> None:
    assert region is not None
    regions = {
        "disable-region": (troubles.disabled, True),
        "enable-region": (troubles.disabled, False),
        "doubt-account": (troubles.unverified, True),
        "verify-account": (troubles.unverified, False),
        "remove-prices": (troubles.unpriced, True),
        "restore-prices": (troubles.unpriced, False),
    }
    where, bad = regions[do]
    (where.add if bad else where.discard)(region)


NAMES = (
    "block-account",
    "unblock-account",
    "deny",
    "allow",
    "disable-region",
    "enable-region",
    "doubt-account",
    "verify-account",
    "remove-prices",
    "restore-prices",
)
ANYWHERE = frozenset({"block-account", "unblock-account", "deny", "allow"})  # no region needed
