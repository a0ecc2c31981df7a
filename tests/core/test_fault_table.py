"""The table against the lists of others: every code that they know, with the kind it calls for.

Codes are facts; each list names where it was read. None of their reactions is taken over: what the
others lump together as "no capacity" has three different next steps here.
"""

import pytest

from core.faults import FaultKind, classify, kind_of, regional
from core.refusals import meaning, next_step, what_to_say

# aws/karpenter-provider-aws, pkg/errors/errors.go: the capacity set, the not-found set, and what
# ToReasonMessage looks for.
KARPENTER = {
    FaultKind.CAPACITY: (
        "InsufficientInstanceCapacity UnfulfillableCapacity InsufficientFreeAddressesInSubnet "
        "ReservationCapacityExceeded"
    ),
    FaultKind.QUOTA: "MaxSpotInstanceCountExceeded VcpuLimitExceeded MaxFleetCountExceeded",
    FaultKind.NOT_OFFERED: "Unsupported",
    FaultKind.DENIED: (
        "UnauthorizedOperation AccessDenied AccessDeniedException AuthFailure "
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted"
    ),
    FaultKind.ACCOUNT: "PendingVerification",
    FaultKind.IMAGE: "InvalidAMIID.Malformed InvalidAMIID.NotFound",
    FaultKind.THROTTLED: "RequestLimitExceeded",
    FaultKind.GONE: "InvalidInstanceID.NotFound QueueDoesNotExist NoSuchEntity",
    FaultKind.WRONG_STATE: "EntityAlreadyExists",
    FaultKind.BUG: (
        "DryRunOperation InvalidLaunchTemplateName.NotFoundException "
        "InvalidLaunchTemplateId.NotFound"
    ),
    FaultKind.UNKNOWN: "InternalError",
}
# aws/aws-parallelcluster-node, slurm_plugin: EC2_ICE_ERROR_CODES and the failure categories of
# cluster_event_publisher.py.
PARALLELCLUSTER = {
    FaultKind.CAPACITY: (
        "InsufficientInstanceCapacity InsufficientHostCapacity "
        "InsufficientReservedInstanceCapacity InsufficientVolumeCapacity LimitedInstanceCapacity"
    ),
    FaultKind.QUOTA: "MaxSpotInstanceCountExceeded VcpuLimitExceeded",
    FaultKind.NOT_OFFERED: "Unsupported",
    FaultKind.SPOT_PRICE: "SpotMaxPriceTooLow",
    FaultKind.DISK: "VolumeLimitExceeded",
    FaultKind.DENIED: "UnauthorizedOperation",
    FaultKind.THROTTLED: "RequestLimitExceeded",
}
# github-aws-runners/terraform-aws-github-runner: the default of scale_errors.
GITHUB_RUNNER = {
    FaultKind.CAPACITY: (
        "UnfulfillableCapacity InsufficientInstanceCapacity InsufficientCapacityOnHost"
    ),
    FaultKind.QUOTA: (
        "MaxSpotInstanceCountExceeded TargetCapacityLimitExceededException ResourceLimitExceeded "
        "MaxSpotFleetRequestCountExceeded"
    ),
    FaultKind.THROTTLED: "RequestLimitExceeded",
}
# skypilot, sky/provision/aws/instance.py: what is asked again; dstack, backends/aws: what may be
# met when a quota is read, and when a volume is attached.
SKYPILOT_AND_DSTACK = {
    FaultKind.THROTTLED: "RequestLimitExceeded TooManyRequestsException",
    FaultKind.UNKNOWN: "ServerInternal ServiceUnavailable InternalError Unavailable",
    FaultKind.DENIED: (
        "AccessDeniedException AuthFailure InvalidClientTokenId RequestExpired "
        "UnrecognizedClientException"
    ),
    FaultKind.WRONG_STATE: "VolumeInUse",
    FaultKind.DISK: "InvalidVolume.ZoneMismatch",
    FaultKind.GONE: "InvalidVolume.NotFound",
}
# "Error codes for the Amazon EC2 API": what the operations that are called here can answer.
AMAZON_EC2 = {
    FaultKind.CAPACITY: (
        "InsufficientAddressCapacity InsufficientCapacity InsufficientInstanceCapacity "
        "InsufficientHostCapacity InsufficientReservedInstanceCapacity InsufficientVolumeCapacity "
        "InsufficientReservedInstancesCapacity InsufficientCapacityOnHost "
        "InsufficientFreeAddressesInSubnet ReservationCapacityExceeded"
    ),
    FaultKind.QUOTA: (
        "InstanceLimitExceeded MaxSpotInstanceCountExceeded MaxSpotFleetRequestCountExceeded "
        "ResourceLimitExceeded ResourceCountExceeded RequestResourceCountExceeded "
        "TargetCapacityLimitExceededException VcpuLimitExceeded"
    ),
    FaultKind.THROTTLED: (
        "RequestLimitExceeded ConcurrentTagAccess ConcurrentSnapshotLimitExceeded "
        "PendingSnapshotLimitExceeded SnapshotCreationPerVolumeRateExceeded "
        "ConcurrentCreateImageNoRebootLimitExceeded"
    ),
    FaultKind.DENIED: (
        "AuthFailure UnauthorizedOperation OperationNotPermitted IncompleteSignature "
        "InvalidClientTokenId MissingAuthenticationToken RequestExpired SignatureDoesNotMatch "
        "InvalidSecurity.RequestHasExpired"
    ),
    FaultKind.ACCOUNT: "Blocked OptInRequired PendingVerification",
    FaultKind.IMAGE: (
        "InvalidAMIID.Malformed InvalidAMIID.NotFound InvalidAMIID.Unavailable InvalidManifest "
        "InvalidAMIAttributeItemValue"
    ),
    FaultKind.DISK: (
        "InvalidBlockDeviceMapping InvalidSnapshot.NotFound InvalidSnapshotID.Malformed "
        "VolumeLimitExceeded MaxIOPSLimitExceeded VolumeIOPSLimit VolumeTypeNotAvailableInZone "
        "VolumeModificationSizeLimitExceeded SnapshotLimitExceeded AttachmentLimitExceeded "
        "InvalidDevice.InUse InvalidVolume.ZoneMismatch InvalidVolumeID.ZoneMismatch "
        "SnapshotCopyUnsupported.InterRegion BootForVolumeTypeUnsupported UnknownVolumeType "
        "EncryptedVolumesNotSupported CustomerKeyHasBeenRevoked"
    ),
    FaultKind.KEY: (
        "InvalidKeyPair.NotFound InvalidKeyPair.Format InvalidKey.Format KeyPairLimitExceeded"
    ),
    FaultKind.NETWORK: (
        "InvalidGroup.NotFound InvalidGroupId.Malformed InvalidSecurityGroupID.NotFound "
        "InvalidSecurityGroupId.Malformed InvalidSubnet InvalidSubnetID.NotFound "
        "InvalidSubnetID.Malformed InvalidVpcID.NotFound DefaultVpcDoesNotExist "
        "VPCIdNotSpecified VPCResourceNotSpecified Gateway.NotAttached AddressLimitExceeded "
        "NetworkInterfaceLimitExceeded PrivateIpAddressLimitExceeded SecurityGroupLimitExceeded "
        "RulesPerSecurityGroupLimitExceeded SecurityGroupsPerInstanceLimitExceeded "
        "SecurityGroupsPerInterfaceLimitExceeded"
    ),
    FaultKind.NOT_OFFERED: (
        "Unsupported UnsupportedHostConfiguration InvalidAvailabilityZone InvalidZone.NotFound "
        "InvalidInstanceType"
    ),
    FaultKind.TOKEN_GONE: "IdempotentInstanceTerminated",
    FaultKind.MISMATCH: "IdempotentParameterMismatch",
    FaultKind.GONE: (
        "InvalidInstanceID.NotFound InvalidVolume.NotFound InvalidAttachment.NotFound "
        "InvalidPermission.NotFound InvalidSpotInstanceRequestID.NotFound"
    ),
    FaultKind.WRONG_STATE: (
        "IncorrectInstanceState IncorrectState IncorrectModificationState InvalidState "
        "InvalidInstanceState DependencyViolation CannotDelete InvalidGroup.InUse VolumeInUse "
        "InvalidSnapshot.InUse InvalidVolumeID.Duplicate InvalidAMIName.Duplicate "
        "InvalidGroup.Duplicate InvalidKeyPair.Duplicate InvalidPermission.Duplicate "
        "UnsupportedOperation"
    ),
    FaultKind.BUG: (
        "DryRunOperation InvalidAction InvalidCharacter InvalidFilter InvalidFormat InvalidID "
        "InvalidInput InvalidInstanceAttributeValue InvalidInstanceID.Malformed InvalidMaxResults "
        "InvalidNextToken InvalidPaginationToken InvalidParameter InvalidParameterCombination "
        "InvalidParameterDependency InvalidParameterValue InvalidQueryParameter InvalidRegion "
        "InvalidRequest InvalidTagKey.Malformed InvalidTime InvalidVolumeID.Malformed "
        "InvalidPermission.Malformed InvalidAMIName.Malformed InvalidGroup.Reserved "
        "FilterLimitExceeded MalformedQueryString MissingAction MissingInput MissingParameter "
        "NoSuchVersion TagLimitExceeded UnknownParameter UnsupportedInstanceAttribute "
        "UnsupportedHibernationConfiguration UnsupportedProtocol UnsupportedTenancy "
        "ValidationError"
    ),
    FaultKind.UNKNOWN: "InternalError InternalFailure ServiceUnavailable Unavailable",
}
LISTS = {
    "karpenter": KARPENTER,
    "parallelcluster": PARALLELCLUSTER,
    "github-runner": GITHUB_RUNNER,
    "skypilot, dstack": SKYPILOT_AND_DSTACK,
    "Amazon EC2": AMAZON_EC2,
}
ROWS = [
    pytest.param(code, kind, id=f"{name}: {code}")
    for name, codes_of in LISTS.items()
    for kind, codes in codes_of.items()
    for code in codes.split()
]
EVERY_CODE = sorted({code for row in ROWS for code in (str(row.values[0]),)})

DENIED = (
    "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role"
    "/gpu/Slack is not authorized to perform: ec2:RunInstances with an explicit deny in a service "
    "control policy. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm"
)


@pytest.mark.parametrize(("code", "kind"), ROWS)
def test_a_code_that_others_know_has_its_kind_here(code: str, kind: FaultKind) -> None:
    assert kind_of(code) is kind


@pytest.mark.parametrize("code", EVERY_CODE)
def test_a_code_is_told_in_words_of_our_own_with_a_next_step(code: str) -> None:
    for said in (meaning(code), next_step(code)):
        assert said.endswith(".")
        assert code not in said
    assert meaning(code) != next_step(code)
    fault = classify("RunInstances", code, DENIED, 400)
    said = what_to_say(fault)
    assert "arn:" not in said
    assert "4GIOH" not in said
    assert len(said) < 300


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_has_a_sentence_and_a_next_step(kind: FaultKind) -> None:
    code = next(c for codes in (*LISTS.values(),) for c in codes.get(kind, "").split()) or ""
    assert meaning(code)
    assert next_step(code)


@pytest.mark.parametrize(
    ("code", "message", "told", "kind"),
    [
        (
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
            "AuthFailure.RegionNotEnabled",
            FaultKind.ACCOUNT,
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "UnrecognizedClientException.RegionNotEnabled",
            FaultKind.ACCOUNT,
        ),
        (
            "AuthFailure",
            "Not authorized for images: [ami-0123456789abcdef0]",
            "AuthFailure.ImageNotShared",
            FaultKind.IMAGE,
        ),
        (
            "InvalidParameterCombination",
            "The specified instance type is not eligible for Free Tier.",
            "InvalidParameterCombination.FreePlan",
            FaultKind.ACCOUNT,
        ),
        (
            "InvalidParameterValue",
            (
                "The architecture 'x86_64' of the specified instance type does not match the "
                "architecture 'arm64' of the specified AMI."
            ),
            "InvalidParameterValue.WrongArchitecture",
            FaultKind.IMAGE,
        ),
        ("AuthFailure", "something else", "AuthFailure", FaultKind.DENIED),
        ("UnauthorizedOperation", DENIED, "UnauthorizedOperation", FaultKind.DENIED),
    ],
)
def test_where_only_the_text_tells_the_cause_the_code_says_it_afterwards(
    code: str, message: str, told: str, kind: FaultKind
) -> None:
    fault = classify("RunInstances", code, message, 401)
    assert (fault.code, fault.kind, fault.definite) == (told, kind, True)
    assert meaning(told) != meaning(code) or told == code


@pytest.mark.parametrize(
    ("code", "elsewhere"),
    [
        ("OptInRequired", True),
        ("PendingVerification", True),
        ("AuthFailure.RegionNotEnabled", True),
        ("DefaultVpcDoesNotExist", True),
        ("SecurityGroupLimitExceeded", True),
        ("VolumeLimitExceeded", True),
        ("Blocked", False),
        ("UnauthorizedOperation", False),
        ("InvalidParameterValue", False),
        ("InvalidAMIID.NotFound", False),
    ],
)
def test_a_regions_own_trouble_is_told_from_the_accounts(code: str, elsewhere: bool) -> None:
    assert regional(code) is elsewhere
