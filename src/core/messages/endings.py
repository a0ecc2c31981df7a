"""Why EC2 ended a machine that nobody of ours had ended: its StateReason in words for people."""

from core.lifecycle import never_ran
from core.model import Cause, Machine
from core.refusals import next_step

_OUTSIDE = "from outside (the console, the machine itself or another tool)"
_HOW = "An admin finds how in docs/deploy.md, *Disks under a key of your own*."
# How the code begins: (why, what helps).
_AT_BIRTH: dict[str, tuple[str, str]] = {
    "Client.InternalError": (
        "because EC2 could not use its disks",
        f"The account's key for disks may not let the bot use it. {_HOW}",
    ),
    "Client.InvalidKMSKey": (
        "because EC2 could not use the account's key for disks",
        f"It may be disabled or deleted, or not let the bot use it. {_HOW}",
    ),
    "Client.InvalidSnapshot": (
        "because the snapshot that its disk is made from is not there",
        "Another image may do.",
    ),
    "Client.VolumeLimitExceeded": (
        "because the account's quota for disks is used up",
        next_step("VolumeLimitExceeded"),
    ),
    "Server.InsufficientInstanceCapacity": (
        "because EC2 had no room for it after all",
        "Another zone, type or market may have some, or the same later.",
    ),
}
_LATER = {
    "Client.UserInitiatedShutdown": "from outside (the console or another tool)",
    "Client.InstanceInitiatedShutdown": "from outside (it was shut down on the machine itself)",
    "Server.InternalError": "by EC2, after an error of its own",
}


def did_not_come_up(m: Machine) -> bool:
    """Whether EC2 took the launch and ended it before any of it ran."""
    if m.cause is not Cause.OUTSIDE or m.ready_at is not None or m.instance is None:
        return False
    return all(never_ran(one) for one in (m.instance, *(one.instance for one in m.members)))


def why(m: Machine) -> str:
    """Who or what ended or stopped it, as far as EC2 says. Of a group each may have another end."""
    code = (m.instance.reason if m.instance else None) or ""
    if did_not_come_up(m):
        return _at_birth(code)[0]
    return _OUTSIDE if m.members else _LATER.get(code, _OUTSIDE)


def helps(m: Machine) -> str:
    """What can be done about a machine that did not come up."""
    return _at_birth((m.instance.reason if m.instance else None) or "")[1]


def _at_birth(code: str) -> tuple[str, str]:
    alike = code.replace("InvalidKmsKey", "InvalidKMSKey")
    return next(said for begins, said in _AT_BIRTH.items() if alike.startswith(begins))
