"""Why a policy denied a call: what is in AWS's refusal, and in the reason that STS decodes from it.

Pure. For admins only: both name accounts, roles and policies.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

LONGEST_MESSAGE = 11_000  # STS takes 10,240 characters of encoded reason
_ENCODED = re.compile(r"[Ee]ncoded authorization failure message:\s*([A-Za-z0-9+/=_-]{20,10240})")


@dataclass(frozen=True, kw_only=True)
class Denial:
    """The decision about one call. `statements` are the ids of those that decided, if any did."""

    explicit: bool  # a statement denies it; else none allows it
    action: str
    resource: str
    principal: str
    statements: tuple[str, ...]
    conditions: tuple[str, ...]  # "ec2:InstanceType = p5.48xlarge", as the call had them


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What AWS refused, as a row keeps it until the admins have been told."""

    operation: str
    code: str
    message: str

    def as_text(self) -> str:
        """One line each for operation and code, then AWS's words."""
        return f"{self.operation}\n{self.code}\n{self.message[:LONGEST_MESSAGE]}"


def refused(text: str) -> Refused:
    """Out of what `as_text` wrote."""
    operation, code, message = [*text.split("\n", 2), "", ""][:3]
    return Refused(operation=operation, code=code, message=message)


def encoded(message: str) -> str | None:
    """The encoded reason in AWS's words; None where there is none, as outside EC2."""
    found = _ENCODED.search(message)
    return found[1] if found else None


def plain(message: str) -> str:
    """AWS's words without the encoded reason, which nobody can read."""
    return _ENCODED.sub("", message).strip()


def read(decoded: str) -> Denial | None:
    """What DecodeAuthorizationMessage gave; None where it is not of the form that is known."""
    try:
        told = json.loads(decoded)
        context = told["context"]
        return Denial(
            explicit=bool(told["explicitDeny"]),
            action=str(context["action"]),
            resource=str(context["resource"]),
            principal=str(context["principal"]["arn"]),
            statements=tuple(
                str(one.get("statementId") or "without an id")
                for one in _items(told["matchedStatements"])
            ),
            conditions=tuple(_condition(one) for one in _items(context.get("conditions") or {})),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _items(listed: dict[str, Any]) -> list[dict[str, Any]]:
    return list(listed.get("items") or ())


def _condition(one: dict[str, Any]) -> str:
    values = ", ".join(str(value["value"]) for value in _items(one["values"]))
    return f"{one['key']} = {values}"
