"""What IAM says about one ask: denies before allows, wildcards, and every kind of condition."""

from typing import Any

import pytest

from sim.iam import Ask, Role, arn_like, context_of, holds

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/t"


def statement(effect: str = "Allow", **changes: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "dynamodb:GetItem", "Resource": TABLE, **changes}


def allowed(*statements: dict[str, Any], action: str = "dynamodb:GetItem", **context: Any) -> bool:
    role = Role("r", [{"Version": "2012-10-17", "Statement": list(statements)}])
    made = {key.replace("__", ":"): value for key, value in context.items()}
    return role.decide(Ask(action=action, resource=TABLE, context=context_of(made))).allowed


def test_what_nothing_allows_is_denied() -> None:
    assert not allowed()
    assert not allowed(statement(Action="dynamodb:PutItem"))
    assert not allowed(statement(Resource=f"{TABLE}2"))


def test_one_allow_is_enough_and_one_deny_is_more() -> None:
    assert allowed(statement(), statement(Action="s3:*"))
    assert not allowed(statement(), statement("Deny"))
    assert not allowed(statement("Deny", Action="*", Resource="*"), statement())


def test_a_deny_whose_condition_does_not_hold_denies_nothing() -> None:
    deny = statement("Deny", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
    assert allowed(statement(), deny, aws__RequestedRegion="us-east-1")
    assert not allowed(statement(), deny, aws__RequestedRegion="eu-west-1")


def test_actions_are_compared_whatever_their_case_and_with_wildcards() -> None:
    assert allowed(statement(Action="DynamoDB:getitem"))
    assert allowed(statement(Action="dynamodb:Get*"))
    assert allowed(statement(Action=["s3:*", "dynamodb:?etItem"]))
    assert not allowed(statement(Action="dynamodb:Get?"))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*", True),
        ("arn:aws:ec2:us-east-1:1:instance/i-1", True),
        ("arn:aws:ec2:*:1:instance/*", True),
        ("arn:aws:ec2:*:1:*/*", True),
        ("arn:aws:ec2:*:1:*", True),
        ("arn:aws:ec2:*::instance/*", False),
        ("arn:aws:ec2:*:2:instance/*", False),
        ("arn:aws:ec2:*:instance/*", False),  # a wildcard does not reach over a colon
        ("arn:aws:ec2:us-east-1:1:volume/*", False),
        ("arn:aws:ec2:us-west-?:1:instance/*", False),
        ("arn:aws:ec2:us-east-?:1:instance/i-?", True),
    ],
)
def test_an_arn_is_compared_part_by_part(pattern: str, fits: bool) -> None:
    assert arn_like("arn:aws:ec2:us-east-1:1:instance/i-1", pattern) is fits


# Operator, wanted values, what the call has (None: nothing), whether it holds.
CONDITIONS = [
    ("StringEquals", ["a", "b"], "b", True),
    ("StringEquals", ["a"], "A", False),
    ("StringEquals", ["a*"], "ab", False),
    ("StringEquals", ["a"], None, False),
    ("StringEqualsIfExists", ["a"], None, True),
    ("StringEqualsIfExists", ["a"], "b", False),
    ("StringEqualsIgnoreCase", ["a"], "A", True),
    ("StringNotEqualsIgnoreCase", ["a"], "A", False),
    ("StringNotEquals", ["a", "b"], "c", True),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", ["a"], None, True),
    ("StringLike", ["g5.*", "p3.?xlarge"], "p3.2xlarge", True),
    ("StringLike", ["g5.*"], "g5g.xlarge", False),
    ("StringLike", ["g5.*"], None, False),
    ("StringNotLike", ["g*", "p*"], "m5.large", True),
    ("StringNotLike", ["g*", "p*"], "p5.48xlarge", False),
    ("StringNotLike", ["g*"], None, True),
    ("StringNotLikeIfExists", ["g*"], None, True),
    ("ArnEquals", ["arn:aws:iam::1:instance-profile/a"], "arn:aws:iam::1:instance-profile/a", True),
    ("ArnLike", ["arn:aws:iam::*:role/*"], "arn:aws:iam::1:role/a", True),
    ("ArnNotLike", ["arn:aws:iam::*:role/*"], "arn:aws:iam::1:role/a", False),
    ("ArnNotEquals", ["arn:aws:iam::1:role/b"], "arn:aws:iam::1:role/a", True),
    ("ArnEquals", ["arn:aws:iam::1:role/a"], None, False),
    ("Bool", ["true"], True, True),
    ("Bool", [True], "true", True),
    ("Bool", ["true"], False, False),
    ("Bool", ["true"], None, False),
    ("BoolIfExists", ["true"], None, True),
    ("Null", ["true"], None, True),
    ("Null", ["false"], None, False),
    ("Null", ["false"], "x", True),
    ("Null", [False], "x", True),
    ("NumericEquals", ["1"], 1, True),
    ("NumericEquals", ["1"], 2, False),
    ("NumericNotEquals", ["1"], 2, True),
    ("NumericLessThan", ["16"], 15, True),
    ("NumericLessThanEquals", ["16"], 16, True),
    ("NumericGreaterThan", ["16"], 16, False),
    ("NumericGreaterThanEquals", ["16"], 16, True),
    ("NumericLessThan", ["16"], "many", False),
    ("NumericLessThan", ["16"], None, False),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringLike", ["AUDIT#*"], ["AUDIT#2026", "M#1"], False),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "a"], False),
    ("ForAnyValue:StringEquals", ["a"], ["b", "a"], True),
    ("ForAnyValue:StringEquals", ["a"], ["b"], False),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringLike", ["AUDIT#*"], ["M#1", "AUDIT#2026"], True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
]


@pytest.mark.parametrize(("operator", "wanted", "has", "true"), CONDITIONS)
def test_a_condition(operator: str, wanted: list[Any], has: Any, true: bool) -> None:
    values = tuple(str(v).lower() if isinstance(v, bool) else str(v) for v in wanted)
    assert holds(operator, "aws:Key", values, context_of({"AWS:key": has})) is true


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = statement(Condition={"StringEquals": {"a:x": "1"}, "Bool": {"a:y": "true"}})
    assert allowed(both, a__x="1", a__y=True)
    assert not allowed(both, a__x="1", a__y=False)
    assert not allowed(both, a__y=True)


def test_a_key_is_compared_whatever_its_case_its_value_is_not() -> None:
    tagged = statement(Condition={"StringEquals": {"aws:ResourceTag/gpu:stack": "gpu"}})
    assert allowed(tagged, **{"aws__resourcetag/GPU:Stack": "gpu"})
    assert not allowed(tagged, **{"aws__resourcetag/gpu:stack": "GPU"})


@pytest.mark.parametrize(
    "odd",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"ForMostValues:StringEquals": {"a": "b"}}},
        {"NotAction": "s3:*"},
        {"Principal": "*"},
        {"Resource": "arn:aws:s3:::${aws:username}"},
        {"Effect": "Perhaps"},
    ],
)
def test_what_is_not_understood_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not known|not resolved"):
        Role("r", [{"Statement": {**statement(), **odd}}])


def test_a_decision_names_the_statements_that_decided() -> None:
    role = Role("r", [{"Statement": [statement(Sid="A"), statement(Sid="B", Resource="*")]}])
    asked = Ask(action="dynamodb:GetItem", resource=TABLE, context={})
    assert [(g.sid, g.resource) for g in role.decide(asked).by] == [("A", TABLE), ("B", "*")]
    denying = Role("r", [{"Statement": [statement(Sid="A"), statement("Deny", Sid="No")]}])
    decided = denying.decide(asked)
    assert (decided.explicit, [g.sid for g in decided.by]) == (True, ["No"])
