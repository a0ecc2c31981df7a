"""What AWS's refusals mean to a person: what happened, and what helps. Never AWS's own words."""

from core.faults import Fault, FaultKind, bare_code, kind_of

# (what happened, what helps)
_SENTENCES: dict[FaultKind, tuple[str, str]] = {
    FaultKind.CAPACITY: (
        "EC2 has none of these free there right now.",
        "Another zone, type, market or region may have one, or it is tried again for a while.",
    ),
    FaultKind.QUOTA: (
        "The account's vCPU quota is used up.",
        (
            "AWS can be asked for more: /gpu quota raise. Another type, market or region may have "
            "room."
        ),
    ),
    FaultKind.THROTTLED: (
        "AWS is taking too many requests from this account; it is tried again.",
        "Nothing has to be done.",
    ),
    FaultKind.DENIED: (
        "AWS does not let the bot do this.",
        "An admin has to look at its permissions.",
    ),
    FaultKind.ACCOUNT: (
        "The AWS account or region is not ready for this.",
        "An admin has to look at the account; another region may do.",
    ),
    FaultKind.IMAGE: ("The machine image cannot be used here.", "Another image may do."),
    FaultKind.DISK: (
        "EC2 does not accept the disk that was asked for.",
        "Another size or kind of disk may do.",
    ),
    FaultKind.KEY: (
        "EC2 does not accept the SSH key.",
        "Another key may do: /gpu key add, with an RSA or ED25519 key.",
    ),
    FaultKind.NETWORK: (
        "The region's network is not as the bot needs it.",
        "An admin has to look at it; another region may do.",
    ),
    FaultKind.NOT_OFFERED: (
        "EC2 does not sell this type there in this way.",
        "Another zone, market, type or region may do: /gpu types shows what is sold where.",
    ),
    FaultKind.SPOT_PRICE: (
        "The spot price rose above what was offered.",
        "It can be tried again, or taken on-demand.",
    ),
    FaultKind.TOKEN_GONE: (
        "The machine came up and was ended again from elsewhere.",
        "It can be launched again.",
    ),
    FaultKind.MISMATCH: (
        "EC2 has seen this launch before with other details.",
        "It can be launched again.",
    ),
    FaultKind.GONE: ("AWS does not know it any more.", "/gpu list shows what is there."),
    FaultKind.WRONG_STATE: (
        "That is not possible in the state it is in.",
        "It may be in a minute: /gpu list shows the state.",
    ),
    FaultKind.BUG: (
        "The bot asked AWS for something that is not valid. That is our mistake.",
        "An admin can report it with the code; another type, image or disk may do meanwhile.",
    ),
    FaultKind.UNKNOWN: (
        "AWS gave no clear answer.",
        "It can be tried again in a minute: /gpu list shows what is there.",
    ),
}
_SUPPORT = "An admin has to talk to AWS Support."
_MORE_EBS = "An admin can ask AWS for more of Amazon EBS's quotas; a smaller disk may do meanwhile."
_NOT_ENABLED = (
    "The region does not seem to be enabled for the AWS account.",
    "An admin can enable it in AWS's console, under Account; another region may do meanwhile.",
)
# The codes whose kind's sentences would mislead.
_EXACT: dict[str, tuple[str, str]] = {
    "InsufficientFreeAddressesInSubnet": (
        "The subnet there has no free addresses.",
        "Another zone may do; an admin can free addresses or add a subnet.",
    ),
    "InsufficientVolumeCapacity": (
        "EC2 has no disk space free there right now.",
        "Another zone or kind of disk may do, or the same later.",
    ),
    "InsufficientAddressCapacity": (
        "EC2 has no public addresses free there right now.",
        "Another region may do, or the same later.",
    ),
    "ResourceLimitExceeded": (
        "One of the account's quotas in EC2 is used up.",
        "It may be free again in some minutes; an admin can ask AWS for more.",
    ),
    "ResourceCountExceeded": (
        "EC2 does not launch that many at once.",
        "Fewer at once may do.",
    ),
    "OptInRequired": (
        "The AWS account has not been enabled for this region or for EC2 yet.",
        "An admin can enable it in AWS's console, under Account; another region may do meanwhile.",
    ),
    "AuthFailure.RegionNotEnabled": _NOT_ENABLED,
    "UnrecognizedClientException.RegionNotEnabled": _NOT_ENABLED,
    "PendingVerification": (
        (
            "AWS is still verifying the account for this region, which often takes less than two "
            "hours."
        ),
        "It can be tried again then; another region may do now.",
    ),
    "Blocked": ("AWS has blocked the account.", _SUPPORT),
    "AccountDisabled": ("AWS has closed the account.", _SUPPORT),
    "InvalidParameterCombination.FreePlan": (
        "The AWS account is on the free plan, which has no GPU machines.",
        "An admin can upgrade it to the paid plan in AWS's billing console.",
    ),
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": (
        "The account has never used spot, and the bot may not create the role that spot needs.",
        (
            "An admin can once: aws iam create-service-linked-role --aws-service-name "
            "spot.amazonaws.com; on-demand needs none."
        ),
    ),
    "AuthFailure.ImageNotShared": (
        "The image belongs to somebody who has not shared it with this AWS account.",
        "Its owner can share it; another image may do.",
    ),
    "InvalidParameterValue.WrongArchitecture": (
        "The image is made for another kind of processor than this type has.",
        "An image or a type of the other architecture (x86_64 or arm64) may do.",
    ),
    "OperationNotPermitted": (
        "EC2 does not permit it for this machine; it may be protected against it.",
        "An admin has to look at the machine in AWS's console.",
    ),
    "ExpiredToken": (
        "The bot's AWS credentials have expired.",
        "It can be tried again in a minute.",
    ),
    "RequestExpired": (
        "The bot's AWS request came too late.",
        "It can be tried again in a minute.",
    ),
    "VolumeLimitExceeded": ("The account's quota for disks is used up.", _MORE_EBS),
    "MaxIOPSLimitExceeded": ("The account's quota for disk IOPS is used up.", _MORE_EBS),
    "SnapshotLimitExceeded": (
        "The account's quota for snapshots is used up.",
        (
            "Snapshots or saved images that nobody needs can go: /gpu images; an admin can ask AWS "
            "for more."
        ),
    ),
    "VolumeModificationRateExceeded": (
        "The disk has been changed too often lately.",
        "EBS lets it be changed again within a day.",
    ),
    "AttachmentLimitExceeded": (
        "The machine has as many disks as it can take.",
        "Another type may take more.",
    ),
    "InvalidVolume.ZoneMismatch": (
        "The disk is in another zone than the machine.",
        "It can be moved there by snapshot.",
    ),
    "InvalidVolumeID.ZoneMismatch": (
        "The disk is in another zone than the machine.",
        "It can be moved there by snapshot.",
    ),
    "SecurityGroupLimitExceeded": (
        "The account's quota for security groups is used up.",
        "An admin can ask AWS for more or delete old ones; another region may do.",
    ),
    "RulesPerSecurityGroupLimitExceeded": (
        "The security group has no room for another address.",
        "Addresses that nobody needs can go: /gpu allow shows them.",
    ),
    "KeyPairLimitExceeded": (
        "The account's quota for key pairs is used up.",
        "An admin can ask AWS for more or delete old ones; another region may do.",
    ),
    "DependencyViolation": ("Something still uses it.", "It is tried again by itself."),
    "VolumeInUse": ("A machine still uses the disk.", "It is free once that machine has let go."),
    "InvalidSnapshot.InUse": (
        "An image still uses the snapshot.",
        "It is free once the image is gone.",
    ),
    "InvalidAMIName.Duplicate": ("There is an image of that name.", "Another name may do."),
    "UnsupportedOperation": (
        "EC2 does not offer that for this machine.",
        "Another type or market may.",
    ),
    "ResourceAlreadyExistsException": (
        "AWS has an open request for this quota already.",
        "/gpu quota shows it.",
    ),
    "QuotaExceededException": (
        "AWS has too many open quota requests of this account.",
        "It can be asked again once AWS has decided on some: /gpu quota shows them.",
    ),
}


def meaning(code: str) -> str:
    """What happened, in one sentence, by an AWS error code; never empty."""
    return _words(code, kind_of(code))[0]


def next_step(code: str) -> str:
    """What helps after an AWS error code, in one sentence, or that nothing need be done."""
    return _words(code, kind_of(code))[1]


def what_to_say(fault: Fault) -> str:
    """What happened and what helps; never empty."""
    return " ".join(_words(fault.code, fault.kind))


def _words(code: str, kind: FaultKind) -> tuple[str, str]:
    return _EXACT.get(bare_code(code)) or _SENTENCES[kind]
