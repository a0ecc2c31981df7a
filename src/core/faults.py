"""One table: what each AWS error code means, and whether AWS surely did nothing.

The only place that knows AWS's error codes, beside core/refusals.py, which says them to people.
Everybody else asks for the kind.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What a refusal calls for next."""

    CAPACITY = "capacity"  # nothing free here now: another zone, type, region or market
    QUOTA = "quota"  # the account's vCPU quota: ask AWS for more
    THROTTLED = "throttled"  # too many calls: the same again, later
    DENIED = "denied"  # permissions or credentials: an admin
    ACCOUNT = "account"  # not signed up, under verification or blocked: an admin
    IMAGE = "image"
    DISK = "disk"
    KEY = "key"
    NETWORK = "network"
    NOT_OFFERED = "not-offered"  # not this type, in this zone or market
    SPOT_PRICE = "spot-price"
    TOKEN_GONE = "token-gone"  # the client token's machine came and is gone again
    MISMATCH = "mismatch"  # the client token was used with other arguments
    GONE = "gone"  # AWS does not know the thing that was named
    WRONG_STATE = "wrong-state"  # not possible in the state that it is in
    BUG = "bug"  # this program asked wrongly
    UNKNOWN = "unknown"  # no answer, or none that says what AWS did


# After these AWS may have done it, now or at an earlier send of the same token.
_UNSURE = frozenset({FaultKind.UNKNOWN, FaultKind.TOKEN_GONE, FaultKind.MISMATCH})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A refusal or a missing answer of AWS. `message` is AWS's own and not for people."""

    kind: FaultKind
    code: str
    message: str
    operation: str
    zones: tuple[str, ...] = ()  # where EC2 says it has capacity

    @property
    def definite(self) -> bool:
        """Whether AWS certainly did nothing. False for timeouts, 5xx and what nobody knows."""
        return self.kind not in _UNSURE


class CloudError(Exception):
    """AWS did not do it, or did not say. `fault` tells what is known."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.operation}: {fault.code}: {fault.message}")
        self.fault = fault


# Codes of EC2, Service Quotas, Pricing, SSM, STS and IAM. Sources: "Error codes for the Amazon EC2
# API", the services' botocore models, and the lists of Karpenter, ParallelCluster, github-runner
# and SkyPilot, which tests/core/test_fault_table.py holds against this one.
_CODES: dict[FaultKind, str] = {
    FaultKind.CAPACITY: (
        "InsufficientInstanceCapacity InsufficientHostCapacity InsufficientCapacity "
        "InsufficientReservedInstanceCapacity ReservationCapacityExceeded UnfulfillableCapacity "
        "InsufficientReservedInstancesCapacity InsufficientCapacityOnOutpost "
        "InsufficientCapacityOnHost InsufficientVolumeCapacity InsufficientAddressCapacity "
        # ParallelCluster's own word for fewer instances than the least that was asked for.
        "LimitedInstanceCapacity "
        # A subnet stands in one zone, so the next zone has addresses of its own.
        "InsufficientFreeAddressesInSubnet"
    ),
    FaultKind.QUOTA: (
        "VcpuLimitExceeded InstanceLimitExceeded MaxSpotInstanceCountExceeded "
        "MaxFleetCountExceeded MaxSpotFleetRequestCountExceeded "
        "SpotInstanceRequestLimitExceeded TargetCapacityLimitExceededException "
        "ResourceLimitExceeded ResourceCountExceeded RequestResourceCountExceeded"
    ),
    FaultKind.THROTTLED: (
        "RequestLimitExceeded Throttling ThrottlingException ThrottledException RequestThrottled "
        "RequestThrottledException EC2ThrottledException TooManyRequests TooManyRequestsException "
        "BandwidthLimitExceeded SlowDown ConcurrentTagAccess "
        "SnapshotCreationPerVolumeRateExceeded ConcurrentSnapshotLimitExceeded "
        "PendingSnapshotLimitExceeded ConcurrentCreateImageNoRebootLimitExceeded"
    ),
    FaultKind.DENIED: (
        "UnauthorizedOperation AccessDenied AccessDeniedException AuthFailure "
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted DependencyAccessDenied "
        "DependencyAccessDeniedException OperationNotPermitted OperationNotPermittedException "
        "NotAuthorized InvalidClientTokenId InvalidClientToken SignatureDoesNotMatch "
        "IncompleteSignature MissingAuthenticationToken UnrecognizedClientException ExpiredToken "
        "ExpiredTokenException RequestExpired InvalidSecurity.RequestHasExpired NoCredentials"
    ),
    FaultKind.ACCOUNT: (
        "OptInRequired PendingVerification Blocked AccountDisabled SubscriptionRequiredException "
        "SubscriptionRequired AWSServiceAccessNotEnabledException "
        "AuthFailure.RegionNotEnabled UnrecognizedClientException.RegionNotEnabled "
        "InvalidParameterCombination.FreePlan"
    ),
    FaultKind.IMAGE: (
        "InvalidAMIID.NotFound InvalidAMIID.Malformed InvalidAMIID.Unavailable "
        "InvalidAMIName.NotFound InvalidAMIAttributeItemValue InvalidManifest "
        "AuthFailure.ImageNotShared InvalidParameterValue.WrongArchitecture"
    ),
    FaultKind.DISK: (
        "InvalidBlockDeviceMapping InvalidBlockDeviceMappings InvalidSnapshot.NotFound "
        "InvalidSnapshotID.Malformed SnapshotLimitExceeded SnapshotCopyUnsupported.InterRegion "
        "VolumeLimitExceeded MaxIOPSLimitExceeded VolumeIOPSLimit VolumeTypeNotAvailableInZone "
        "VolumeModificationSizeLimitExceeded VolumeModificationRateExceeded UnknownVolumeType "
        "BootForVolumeTypeUnsupported AttachmentLimitExceeded InvalidDevice.InUse "
        "InvalidVolume.ZoneMismatch InvalidVolumeID.ZoneMismatch EncryptedVolumesNotSupported "
        "InvalidKmsKey.NotFound InvalidKmsKey.InvalidState KmsKeyNotAccessible InvalidKMSKey.Id "
        "CustomerKeyHasBeenRevoked"
    ),
    FaultKind.KEY: (
        "InvalidKeyPair.NotFound InvalidKeyPair.Format InvalidKey.Format KeyPairLimitExceeded"
    ),
    FaultKind.NETWORK: (
        "InvalidGroup.NotFound InvalidGroupId.Malformed InvalidSecurityGroupID.NotFound "
        "InvalidSubnet InvalidSubnetID.NotFound InvalidSubnetID.Malformed InvalidVpcID.NotFound "
        "InvalidSecurityGroupId.Malformed DefaultVpcDoesNotExist "
        "VPCIdNotSpecified MissingDefaultSubnet NoDefaultSubnet SecurityGroupLimitExceeded "
        "RulesPerSecurityGroupLimitExceeded SecurityGroupsPerInstanceLimitExceeded "
        "SecurityGroupsPerInterfaceLimitExceeded NetworkInterfaceLimitExceeded "
        "AddressLimitExceeded PrivateIpAddressLimitExceeded Gateway.NotAttached "
        "VPCResourceNotSpecified"
    ),
    FaultKind.NOT_OFFERED: (
        "Unsupported UnsupportedHostConfiguration InvalidInstanceType UnknownInstanceType "
        "InstanceTypeNotSupported InvalidAvailabilityZone UnavailableInstanceType "
        "InvalidZone.NotFound UnavailableHostRequirements"
    ),
    FaultKind.SPOT_PRICE: "SpotMaxPriceTooLow",
    FaultKind.TOKEN_GONE: "IdempotentInstanceTerminated",
    FaultKind.MISMATCH: "IdempotentParameterMismatch",
    FaultKind.GONE: (
        "InvalidInstanceID.NotFound InvalidPermission.NotFound InvalidVolume.NotFound "
        "InvalidAttachment.NotFound InvalidSpotInstanceRequestID.NotFound NoSuchResourceException "
        "ParameterNotFound NotFoundException ResourceNotFoundException NoSuchEntity "
        "QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue"
    ),
    FaultKind.WRONG_STATE: (
        "IncorrectInstanceState IncorrectState InvalidState InvalidInstanceState "
        "IncorrectSpotRequestState IncorrectModificationState UnsupportedOperation "
        "DependencyViolation CannotDelete InvalidGroup.InUse VolumeInUse InvalidSnapshot.InUse "
        "InvalidVolumeID.Duplicate InvalidAMIName.Duplicate InvalidGroup.Duplicate "
        "InvalidKeyPair.Duplicate InvalidPermission.Duplicate EntityAlreadyExists "
        "ResourceAlreadyExistsException InvalidResourceStateException QuotaExceededException"
    ),
    FaultKind.BUG: (
        "InvalidParameterValue InvalidParameterCombination InvalidParameter MissingParameter "
        "InvalidParameterDependency UnknownParameter InvalidInput MissingInput MissingAction "
        "InvalidCharacter InvalidFormat InvalidInstanceAttributeValue UnsupportedInstanceAttribute "
        "UnsupportedProtocol UnsupportedTenancy UnsupportedHibernationConfiguration "
        "FilterLimitExceeded InvalidMaxResults InvalidNextToken InvalidPaginationToken "
        "InvalidTime InvalidRegion InvalidGroup.Reserved NoSuchVersion "
        "InvalidAuthorizationMessageException "
        "MalformedQueryString InvalidAction InvalidQueryParameter "
        "InvalidInstanceID.Malformed InvalidFilter InvalidID InvalidTagKey.Malformed "
        "TagLimitExceeded InvalidRequest InvalidUserData.Malformed "
        "InvalidLaunchTemplateId.NotFound InvalidLaunchTemplateName.NotFoundException "
        "ValidationException ValidationError "
        "IllegalArgumentException InvalidParameterException InvalidNextTokenException "
        "InvalidPaginationTokenException ExpiredNextTokenException DryRunOperation "
        "ParameterVersionNotFound InvalidKeyId"
    ),
    FaultKind.UNKNOWN: (
        "ServerInternal InternalError InternalFailure InternalServerError InternalErrorException "
        "ServiceException ServiceUnavailable ServiceUnavailableException Unavailable "
        "PriorRequestNotComplete RequestTimeout RequestTimeoutException"
    ),
}
_KINDS: dict[str, FaultKind] = {
    code: kind for kind, codes in _CODES.items() for code in codes.split()
}

# Where AWS's code says little and its text says all; then our own word is added to the code, as
# AWS itself does in AuthFailure.ServiceLinkedRoleCreationNotPermitted.
_TOLD_BY_TEXT: tuple[tuple[str, str, str], ...] = (
    # The credentials are good: the function has just used them for its own table.
    ("AuthFailure", "validate the provided access credentials", "RegionNotEnabled"),
    ("UnrecognizedClientException", "security token", "RegionNotEnabled"),
    ("AuthFailure", "not authorized for images", "ImageNotShared"),
    ("InvalidParameterCombination", "eligible for free tier", "FreePlan"),
    ("InvalidParameterValue", "architecture", "WrongArchitecture"),
)
# One region's own trouble; the account may do it in another.
_REGIONAL_CODES = frozenset(
    {
        "OptInRequired",
        "PendingVerification",
        "AuthFailure.RegionNotEnabled",
        "UnrecognizedClientException.RegionNotEnabled",
        "VolumeLimitExceeded",
        "MaxIOPSLimitExceeded",
        "KeyPairLimitExceeded",
    }
)
# Said of what is not there, and of what was made a moment ago and is not known everywhere yet.
_UNKNOWN_YET = frozenset({"InvalidKeyPair.NotFound", "InvalidGroup.NotFound"})

_ZONE = re.compile(r"\b[a-z]{2}(?:-[a-z]+){1,2}-\d(?:-[a-z]{3}-\d)?[a-z]\b")
_ORIGIN = re.compile(r"^(?:Client|Server)\.(?=[A-Z])")


def kind_of(code: str, status: int = 400) -> FaultKind:
    """The kind of an AWS error code, with or without StateReason's `Client.` or `Server.` in front.

    A code that is not in the table is told by its form, but only where `status` (HTTP) says that
    the request was refused: an unknown 5xx, or none at all (0), says nothing.
    """
    bare = bare_code(code)
    known = _KINDS.get(bare)
    if known is not None:
        return known
    if not 400 <= status < 500:
        return FaultKind.UNKNOWN
    if bare.endswith((".NotFound", "NotFoundException")):
        return FaultKind.GONE
    if bare.endswith(".Malformed"):
        return FaultKind.BUG
    return FaultKind.UNKNOWN


def bare_code(code: str) -> str:
    """The code without the origin that StateReason puts in front of it."""
    return _ORIGIN.sub("", code)


def classify(operation: str, code: str, message: str, status: int) -> Fault:
    """What an error of AWS means. `status` is the HTTP status, 0 where there was no answer.

    The code decides, not the status: EC2 says InsufficientInstanceCapacity with HTTP 500, and has
    certainly done nothing then. Where only AWS's text tells the cause, the code says it afterwards.
    """
    code = _told_by_text(code, message)
    kind = kind_of(code, status)
    zones = _zones_with_room(message) if kind is FaultKind.CAPACITY else ()
    return Fault(kind=kind, code=code, message=message, operation=operation, zones=zones)


def _told_by_text(code: str, message: str) -> str:
    text = message.lower()
    for vague, phrase, word in _TOLD_BY_TEXT:
        if code == vague and phrase in text:
            return f"{code}.{word}"
    return code


def _zones_with_room(message: str) -> tuple[str, ...]:
    """From EC2's "You can currently get … capacity by … choosing us-east-1a, us-east-1b."."""
    _, found, tail = message.partition("choosing ")
    return tuple(dict.fromkeys(_ZONE.findall(tail))) if found else ()


def regional(code: str) -> bool:
    """Whether this is one region's own trouble, so that the same may well be done in another."""
    bare = bare_code(code)
    return bare in _REGIONAL_CODES or _KINDS.get(bare) is FaultKind.NETWORK


def may_come(code: str) -> bool:
    """Whether EC2 may say so of a key or a group only because it is new."""
    return bare_code(code) in _UNKNOWN_YET
