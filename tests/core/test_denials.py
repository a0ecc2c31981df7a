"""Why a policy denied: read out of AWS's words and out of what STS decodes, whatever they hold."""

import json
from typing import Any

import pytest

from core.denials import LONGEST_MESSAGE, Refused, encoded, plain, read, refused

BLOB = "4GIOHlTkIaWHQD0Q0m6XSnuUMCm-1abcd_EFGH"
WORDS = f"You are not authorized. Encoded authorization failure message: {BLOB}"


def _decoded(**changes: Any) -> str:
    told: dict[str, Any] = {
        "allowed": False,
        "explicitDeny": True,
        "matchedStatements": {"items": [{"statementId": "NoBigOnes"}, {"statementId": ""}]},
        "context": {
            "principal": {"id": "AROA:x", "arn": "arn:aws:sts::1:assumed-role/gpu/x"},
            "action": "ec2:RunInstances",
            "resource": "arn:aws:ec2:us-east-1:1:instance/*",
            "conditions": {
                "items": [
                    {"key": "ec2:InstanceType", "values": {"items": [{"value": "p5.48xlarge"}]}}
                ]
            },
        },
    }
    return json.dumps({**told, **changes})


def test_the_encoded_reason_is_found_and_taken_out_of_the_words() -> None:
    assert encoded(WORDS) == BLOB
    assert plain(WORDS) == "You are not authorized."


@pytest.mark.parametrize("words", ["", "no", "Encoded authorization failure message: <script>"])
def test_words_without_an_encoded_reason_have_none(words: str) -> None:
    assert encoded(words) is None


def test_the_decision_names_statement_call_and_conditions() -> None:
    found = read(_decoded())
    assert found is not None
    assert found.explicit
    assert found.statements == ("NoBigOnes", "without an id")
    assert (found.action, found.resource) == (
        "ec2:RunInstances",
        "arn:aws:ec2:us-east-1:1:instance/*",
    )
    assert found.conditions == ("ec2:InstanceType = p5.48xlarge",)


def test_without_any_statement_nothing_allowed_it() -> None:
    found = read(_decoded(explicitDeny=False, matchedStatements={"items": []}))
    assert found is not None
    assert not found.explicit
    assert found.statements == ()


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "null", "{}", '{"context": 1, "explicitDeny": true}', "7"]
)
def test_what_is_not_of_the_known_form_says_nothing(text: str) -> None:
    assert read(text) is None


def test_a_refusal_survives_being_kept_in_a_row() -> None:
    told = Refused(operation="RunInstances", code="UnauthorizedOperation", message="a\nb\nc")
    assert refused(told.as_text()) == told


def test_a_kept_refusal_is_bounded_but_keeps_the_longest_reason_of_sts() -> None:
    longest = "x" * 500 + " Encoded authorization failure message: " + "A" * 10_240
    kept = refused(Refused(operation="o", code="c", message=longest).as_text())
    assert encoded(kept.message) == "A" * 10_240
    endless = Refused(operation="o", code="c", message="y" * 10**6).as_text()
    assert len(endless) < LONGEST_MESSAGE + 10
