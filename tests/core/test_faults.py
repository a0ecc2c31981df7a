"""The fault table: every code that AWS is known to answer with has a meaning and a sentence."""

import pytest

from core.faults import (
    CloudError,
    Fault,
    FaultKind,
    classify,
    kind_of,
)
from core.refusals import meaning, what_to_say

FULL = (
    "We currently do not have sufficient p3.2xlarge capacity in the Availability Zone you "
    "requested (us-east-1c). Our system will be working on provisioning additional capacity. You "
    "can currently get p3.2xlarge capacity by not specifying an Availability Zone in your request "
    "or choosing us-east-1a, us-east-1b."
)

TABLE = {
    FaultKind.CAPACITY: [
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientReservedInstanceCapacity",
        "ReservationCapacityExceeded",
        "UnfulfillableCapacity",
        "InsufficientCapacity",
        "InsufficientFreeAddressesInSubnet",
    ],
    FaultKind.QUOTA: [
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "MaxFleetCountExceeded",
        "MaxSpotFleetRequestCountExceeded",
        "TargetCapacityLimitExceededException",
    ],
    FaultKind.THROTTLED: [
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ],
    FaultKind.DENIED: [
        "UnauthorizedOperation",
        "AccessDeniedException",
        "AuthFailure",
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        "DependencyAccessDeniedException",
        "ExpiredToken",
        "OperationNotPermitted",
    ],
    FaultKind.ACCOUNT: ["OptInRequired", "PendingVerification", "Blocked"],
    FaultKind.IMAGE: [
        "InvalidAMIID.NotFound",
        "InvalidAMIID.Malformed",
        "InvalidAMIID.Unavailable",
    ],
    FaultKind.DISK: ["InvalidBlockDeviceMapping", "VolumeLimitExceeded", "MaxIOPSLimitExceeded"],
    FaultKind.KEY: ["InvalidKeyPair.NotFound", "InvalidKey.Format"],
    FaultKind.NETWORK: [
        "InvalidGroup.NotFound",
        "InvalidSubnetID.NotFound",
        "RulesPerSecurityGroupLimitExceeded",
        "SecurityGroupLimitExceeded",
    ],
    FaultKind.NOT_OFFERED: ["Unsupported", "InvalidInstanceType"],
    FaultKind.SPOT_PRICE: ["SpotMaxPriceTooLow"],
    FaultKind.TOKEN_GONE: ["IdempotentInstanceTerminated"],
    FaultKind.MISMATCH: ["IdempotentParameterMismatch"],
    FaultKind.GONE: [
        "InvalidInstanceID.NotFound",
        "NoSuchResourceException",
        "ParameterNotFound",
        "InvalidSomethingNew.NotFound",
    ],
    FaultKind.WRONG_STATE: [
        "IncorrectInstanceState",
        "UnsupportedOperation",
        "DependencyViolation",
        "InvalidGroup.Duplicate",
        "ResourceAlreadyExistsException",
        "QuotaExceededException",
    ],
    FaultKind.BUG: [
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "MissingParameter",
        "IllegalArgumentException",
        "InvalidLaunchTemplateId.NotFound",
        "InvalidSomethingNew.Malformed",
        "DryRunOperation",
    ],
    FaultKind.UNKNOWN: ["ServerInternal", "InternalError", "Unavailable", "SomethingNew", ""],
}
ROWS = [(code, kind) for kind, codes in TABLE.items() for code in codes]


def test_every_kind_of_fault_is_in_the_table() -> None:
    assert set(TABLE) == set(FaultKind)


@pytest.mark.parametrize(("code", "kind"), ROWS)
def test_a_code_has_its_kind_and_a_sentence_of_our_own(code: str, kind: FaultKind) -> None:
    fault = classify("RunInstances", code, "AWS's own words, id acl-123", 400)
    assert fault.kind is kind
    said = what_to_say(fault)
    assert said.endswith(".")
    assert "AWS's own words" not in said
    assert meaning(code)


@pytest.mark.parametrize(("code", "kind"), ROWS)
def test_only_what_leaves_no_doubt_is_definite(code: str, kind: FaultKind) -> None:
    unsure = {FaultKind.UNKNOWN, FaultKind.TOKEN_GONE, FaultKind.MISMATCH}
    assert classify("RunInstances", code, "", 400).definite is (kind not in unsure)


def test_lack_of_capacity_is_definite_although_ec2_says_it_with_http_500() -> None:
    fault = classify("RunInstances", "InsufficientInstanceCapacity", FULL, 500)
    assert fault.definite
    assert fault.zones == ("us-east-1a", "us-east-1b")


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_an_unknown_code_of_a_broken_answer_says_nothing(status: int) -> None:
    fault = classify("RunInstances", "InvalidThing.NotFound", "", status)
    assert fault.kind is FaultKind.UNKNOWN
    assert not fault.definite


def test_a_throttled_call_did_nothing_even_with_http_503() -> None:
    assert classify("RunInstances", "RequestLimitExceeded", "", 503).definite


@pytest.mark.parametrize(
    ("message", "zones"),
    [
        (FULL, ("us-east-1a", "us-east-1b")),
        ("There is no capacity in us-east-1c.", ()),
        (
            "… choosing us-west-2-lax-1a, eu-west-1b, eu-west-1b.",
            ("us-west-2-lax-1a", "eu-west-1b"),
        ),
        ("… choosing ap-southeast-2c.", ("ap-southeast-2c",)),
        ("", ()),
    ],
)
def test_zones_with_room_are_read_from_the_capacity_message(
    message: str, zones: tuple[str, ...]
) -> None:
    assert classify("RunInstances", "InsufficientInstanceCapacity", message, 500).zones == zones


def test_zones_are_read_from_no_other_message() -> None:
    assert classify("RunInstances", "Unsupported", FULL, 400).zones == ()


def test_the_origin_in_a_state_reason_makes_no_difference() -> None:
    assert kind_of("Server.InsufficientInstanceCapacity") is FaultKind.CAPACITY
    assert kind_of("Client.VolumeLimitExceeded") is FaultKind.DISK
    assert meaning("Client.VolumeLimitExceeded") == meaning("VolumeLimitExceeded")


def test_a_cloud_error_carries_its_fault_and_survives_a_context_manager() -> None:
    fault = Fault(kind=FaultKind.GONE, code="X.NotFound", message="no", operation="StopInstances")
    with pytest.raises(CloudError, match=r"StopInstances: X\.NotFound") as caught:
        raise CloudError(fault)
    assert caught.value.fault is fault
