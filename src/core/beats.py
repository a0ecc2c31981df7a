"""What a machine reports of itself, the token that it does so with, and whether both are good.

Pure, and the standard library only, for the door carries it. The token names the machine and is
good for that machine alone; the key that signs is derived from Slack's signing secret for this
purpose and this deployment, so nothing else that is signed with it can pass for a token. A machine
keeps the token of its first boot: it has no end; once its machine has ended, nothing is done with
what it reports.
No time of the machine's own clock is in a report: it says how long ago, and how long it is up.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LARGEST = 4096  # bytes of a report
MOST_LOOKS = 30
_LONGEST_AGO = 3600  # seconds
_LONGEST_UP = 10**9
_MOST_PEOPLE = 10_000
_TOKEN = re.compile(r"(?P<machine>m-[a-z2-7]{10})\.(?P<mark>[A-Za-z0-9_-]{43})", re.ASCII)
_LONGEST_TOKEN = 56
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}", re.ASCII)
_BOOT = re.compile(r"[0-9a-f-]{36}", re.ASCII)
FIELDS = {"instance", "boot", "up", "samples"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One minute of a machine, `ago` seconds before the report was sent. Per cent, or unknown."""

    ago: int
    gpu: int | None
    cpu: int | None
    ssh: int | None  # people logged in


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one instance tells: `up` is how many seconds ago it booted, `boot` names that boot."""

    instance: str
    boot: str
    up: int
    looks: tuple[Look, ...]


def make(secret: str, stack: str, machine: str) -> str:
    """The token of that machine. `secret` is Slack's signing secret, `stack` the deployment."""
    return f"{machine}.{_mark(secret, stack, machine)}"


def read(token: object, secrets: tuple[bytes, ...], stack: str) -> str | None:
    """Whose token it is, if one of the secrets made it; in constant time, and never an error."""
    short = isinstance(token, str) and len(token) <= _LONGEST_TOKEN
    found = _TOKEN.fullmatch(token) if isinstance(token, str) and short else None
    if found is None:
        return None
    good = False
    for secret in secrets:  # every one, always: the time taken must not tell which one fits
        wanted = _mark(secret.decode(), stack, found["machine"])
        good |= hmac.compare_digest(wanted, found["mark"])
    return found["machine"] if good else None


def parse(raw: bytes) -> Report | None:
    """The report, if it is one of exactly the form that the machines send; never an error."""
    if len(raw) > LARGEST:
        return None
    try:
        return known(json.loads(raw.decode()))
    except (ValueError, RecursionError):
        return None


def known(told: Any) -> Report | None:
    """The same of values that were read from JSON already."""
    if not isinstance(told, dict) or set(told) != FIELDS:
        return None
    instance, boot, samples = told["instance"], told["boot"], told["samples"]
    if not _is(instance, _INSTANCE) or not _is(boot, _BOOT):
        return None
    if not _within(told["up"], _LONGEST_UP) or not isinstance(samples, list):
        return None
    if not 0 < len(samples) <= MOST_LOOKS or not all(_is_look(one) for one in samples):
        return None
    looks = (Look(ago=ago, gpu=gpu, cpu=cpu, ssh=ssh) for ago, gpu, cpu, ssh in samples)
    return Report(instance=instance, boot=boot, up=told["up"], looks=tuple(looks))


def plain(report: Report) -> Mapping[str, object]:
    """The report as it was sent, to be written as JSON."""
    samples = [[look.ago, look.gpu, look.cpu, look.ssh] for look in report.looks]
    return {
        "instance": report.instance,
        "boot": report.boot,
        "up": report.up,
        "samples": samples,
    }


def _is_look(one: object) -> bool:
    if not isinstance(one, list) or len(one) != 4:
        return False
    most = (100, 100, _MOST_PEOPLE)
    figures = all(v is None or _within(v, m) for v, m in zip(one[1:], most, strict=True))
    return _within(one[0], _LONGEST_AGO) and figures


def _is(value: object, form: re.Pattern[str]) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _within(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _mark(secret: str, stack: str, machine: str) -> str:
    key = hmac.digest(secret.encode(), f"gpu heartbeat 1 {stack}".encode(), "sha256")
    raw = hmac.digest(key, machine.encode(), "sha256")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
