"""One table: what each AWS error code means, whether AWS surely did nothing, what people hear.

The only place that knows AWS's error codes. Everybody else asks for the kind.
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


# Codes of EC2, Service Quotas, Pricing and SSM. Sources: "Error codes for the Amazon EC2 API", the
# services' botocore models, and what Karpenter and ParallelCluster treat as lack of capacity.
_CODES: dict[FaultKind, str] = {
    FaultKind.CAPACITY: (
        "InsufficientInstanceCapacity InsufficientHostCapacity InsufficientCapacity "
        "InsufficientReservedInstanceCapacity ReservationCapacityExceeded UnfulfillableCapacity "
        "InsufficientCapacityOnHost InsufficientVolumeCapacity InsufficientAddressCapacity "
        # A subnet stands in one zone, so the next zone has addresses of its own.
        "InsufficientFreeAddressesInSubnet"
    ),
    FaultKind.QUOTA: (
        "VcpuLimitExceeded InstanceLimitExceeded MaxSpotInstanceCountExceeded "
        "MaxFleetCountExceeded MaxSpotFleetRequestCountExceeded "
        "TargetCapacityLimitExceededException"
    ),
    FaultKind.THROTTLED: (
        "RequestLimitExceeded Throttling ThrottlingException ThrottledException RequestThrottled "
        "RequestThrottledException EC2ThrottledException TooManyRequests TooManyRequestsException "
        "BandwidthLimitExceeded SlowDown ConcurrentTagAccess"
    ),
    FaultKind.DENIED: (
        "UnauthorizedOperation AccessDenied AccessDeniedException AuthFailure "
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted DependencyAccessDenied "
        "DependencyAccessDeniedException OperationNotPermitted OperationNotPermittedException "
        "NotAuthorized InvalidClientTokenId InvalidClientToken SignatureDoesNotMatch "
        "IncompleteSignature MissingAuthenticationToken UnrecognizedClientException ExpiredToken "
        "ExpiredTokenException RequestExpired NoCredentials"
    ),
    FaultKind.ACCOUNT: (
        "OptInRequired PendingVerification Blocked AccountDisabled SubscriptionRequiredException "
        "SubscriptionRequired AWSServiceAccessNotEnabledException"
    ),
    FaultKind.IMAGE: (
        "InvalidAMIID.NotFound InvalidAMIID.Malformed InvalidAMIID.Unavailable "
        "InvalidAMIName.NotFound InvalidAMIAttributeItemValue"
    ),
    FaultKind.DISK: (
        "InvalidBlockDeviceMapping InvalidBlockDeviceMappings InvalidSnapshot.NotFound "
        "VolumeLimitExceeded MaxIOPSLimitExceeded VolumeTypeNotAvailableInZone "
        "InvalidKmsKey.NotFound InvalidKmsKey.InvalidState KmsKeyNotAccessible"
    ),
    FaultKind.KEY: (
        "InvalidKeyPair.NotFound InvalidKeyPair.Format InvalidKey.Format KeyPairLimitExceeded"
    ),
    FaultKind.NETWORK: (
        "InvalidGroup.NotFound InvalidGroupId.Malformed InvalidSecurityGroupID.NotFound "
        "InvalidSubnet InvalidSubnetID.NotFound InvalidVpcID.NotFound DefaultVpcDoesNotExist "
        "VPCIdNotSpecified MissingDefaultSubnet NoDefaultSubnet SecurityGroupLimitExceeded "
        "RulesPerSecurityGroupLimitExceeded SecurityGroupsPerInstanceLimitExceeded "
        "NetworkInterfaceLimitExceeded AddressLimitExceeded"
    ),
    FaultKind.NOT_OFFERED: (
        "Unsupported UnsupportedHostConfiguration InvalidInstanceType UnknownInstanceType "
        "InstanceTypeNotSupported InvalidAvailabilityZone UnavailableInstanceType"
    ),
    FaultKind.SPOT_PRICE: "SpotMaxPriceTooLow",
    FaultKind.TOKEN_GONE: "IdempotentInstanceTerminated",
    FaultKind.MISMATCH: "IdempotentParameterMismatch",
    FaultKind.GONE: (
        "InvalidInstanceID.NotFound InvalidPermission.NotFound InvalidVolume.NotFound "
        "InvalidSpotInstanceRequestID.NotFound NoSuchResourceException ParameterNotFound "
        "NotFoundException ResourceNotFoundException"
    ),
    FaultKind.WRONG_STATE: (
        "IncorrectInstanceState IncorrectState InvalidState InvalidInstanceState "
        "IncorrectSpotRequestState UnsupportedOperation DependencyViolation InvalidGroup.InUse "
        "InvalidGroup.Duplicate InvalidKeyPair.Duplicate InvalidPermission.Duplicate "
        "ResourceAlreadyExistsException InvalidResourceStateException QuotaExceededException"
    ),
    FaultKind.BUG: (
        "InvalidParameterValue InvalidParameterCombination InvalidParameter MissingParameter "
        "UnknownParameter InvalidInput MalformedQueryString InvalidAction InvalidQueryParameter "
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

_SENTENCES: dict[FaultKind, str] = {
    FaultKind.CAPACITY: "EC2 has none of these free there right now.",
    FaultKind.QUOTA: "The account's vCPU quota is used up.",
    FaultKind.THROTTLED: "AWS is taking too many requests from this account; it is tried again.",
    FaultKind.DENIED: "AWS does not let the bot do this. An admin has to look at its permissions.",
    FaultKind.ACCOUNT: "The AWS account or region is not ready for this. An admin has to look.",
    FaultKind.IMAGE: "The machine image cannot be used here.",
    FaultKind.DISK: "EC2 does not accept the disk that was asked for.",
    FaultKind.KEY: "EC2 does not accept the SSH key.",
    FaultKind.NETWORK: "The region's network is not as the bot needs it. An admin has to look.",
    FaultKind.NOT_OFFERED: "EC2 does not sell this type there in this way.",
    FaultKind.SPOT_PRICE: "The spot price rose above what was offered.",
    FaultKind.TOKEN_GONE: "The machine came up and was ended again from elsewhere.",
    FaultKind.MISMATCH: "EC2 has seen this launch before with other details.",
    FaultKind.GONE: "AWS does not know it any more.",
    FaultKind.WRONG_STATE: "That is not possible in the state it is in.",
    FaultKind.BUG: "The bot asked AWS for something that is not valid. That is our mistake.",
    FaultKind.UNKNOWN: "AWS gave no clear answer.",
}
# Where the kind's sentence would mislead.
_EXACT: dict[str, str] = {
    "InsufficientFreeAddressesInSubnet": "The subnet there has no free addresses.",
    "InsufficientVolumeCapacity": "EC2 has no disk space free there right now.",
    "InsufficientAddressCapacity": "EC2 has no public addresses free there right now.",
    "OptInRequired": "The AWS account has not been enabled for this region or for EC2 yet.",
    "PendingVerification": (
        "AWS is still verifying the account for this region, which often takes less than two hours."
    ),
    "Blocked": "AWS has blocked the account. An admin has to talk to AWS Support.",
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": (
        "The account has never used spot: an admin has to allow its service-linked role once."
    ),
    "ExpiredToken": "The bot's AWS credentials have expired.",
    "RequestExpired": "The bot's AWS request came too late.",
    "VolumeLimitExceeded": "The account's quota for disks is used up.",
    "MaxIOPSLimitExceeded": "The account's quota for disk IOPS is used up.",
    "SecurityGroupLimitExceeded": "The account's quota for security groups is used up.",
    "RulesPerSecurityGroupLimitExceeded": "The security group has no room for another address.",
    "KeyPairLimitExceeded": "The account's quota for key pairs is used up.",
    "DependencyViolation": "Something still uses it.",
    "UnsupportedOperation": "EC2 does not offer that for this machine.",
    "ResourceAlreadyExistsException": "AWS has an open request for this quota already.",
    "QuotaExceededException": "AWS has too many open quota requests of this account.",
}

_ZONE = re.compile(r"\b[a-z]{2}(?:-[a-z]+){1,2}-\d(?:-[a-z]{3}-\d)?[a-z]\b")
_ORIGIN = re.compile(r"^(?:Client|Server)\.(?=[A-Z])")


def kind_of(code: str, status: int = 400) -> FaultKind:
    """The kind of an AWS error code, with or without StateReason's `Client.` or `Server.` in front.

    A code that is not in the table is told by its form, but only where `status` (HTTP) says that
    the request was refused: an unknown 5xx, or none at all (0), says nothing.
    """
    bare = _ORIGIN.sub("", code)
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


def classify(operation: str, code: str, message: str, status: int) -> Fault:
    """What an error of AWS means. `status` is the HTTP status, 0 where there was no answer.

    The code decides, not the status: EC2 says InsufficientInstanceCapacity with HTTP 500, and has
    certainly done nothing then.
    """
    kind = kind_of(code, status)
    zones = _zones_with_room(message) if kind is FaultKind.CAPACITY else ()
    return Fault(kind=kind, code=code, message=message, operation=operation, zones=zones)


def _zones_with_room(message: str) -> tuple[str, ...]:
    """From EC2's "You can currently get … capacity by … choosing us-east-1a, us-east-1b."."""
    _, found, tail = message.partition("choosing ")
    return tuple(dict.fromkeys(_ZONE.findall(tail))) if found else ()


def meaning(code: str) -> str:
    """A sentence for a person about an AWS error code; never empty, never AWS's own words."""
    bare = _ORIGIN.sub("", code)
    return _EXACT.get(bare) or _SENTENCES[kind_of(bare)]


def what_to_say(fault: Fault) -> str:
    """A sentence for a person about a fault; never empty, never AWS's own words."""
    return _EXACT.get(_ORIGIN.sub("", fault.code)) or _SENTENCES[fault.kind]
