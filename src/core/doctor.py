"""What the doctor finds: from facts to what is right, what is wrong, and what mends it.

Pure. A look that failed is no finding of its own: it is said as what could not be checked, unless
AWS said that the bot may not look.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.blocks import code, escape, user, when
from core.faults import Fault, FaultKind
from core.model import Image, Machine, Network, Pulse, QuotaRequest, Reconciled
from core.ports import BAD_TOKEN, AlarmMail, Limit, Trial
from core.quota import is_accelerated
from core.refusals import meaning, next_step

SILENT_AFTER = timedelta(minutes=3)  # the clock runs every minute, and a run ends within one
# What the Slack app asks for; manifest.yaml says the same.
SCOPES = frozenset(
    {"chat:write", "commands", "files:write", "im:write", "usergroups:read", "users:read"}
)
NOT_THERE = "user_not_in_channel"
_AWS_KEY = "alias/aws/ebs"
_NOT_ALLOWED = frozenset({FaultKind.DENIED, FaultKind.ACCOUNT})
_NO_ANSWER = frozenset({FaultKind.UNKNOWN, FaultKind.THROTTLED})
# A launch is let into its machine's own group only; with no machine there is none to try it with.
_GROUP = re.compile(r"on resource: \S*:security-group/\S+ because no identity-based policy")
_PROFILE = re.compile(r"iamInstanceProfile|iam:PassRole", re.IGNORECASE)
_POLICY = (
    "Deploy this version's template again. What somebody has changed by hand in IAM has to be put "
    "back by hand; if a policy of the organisation denies it, its owners have to allow it."
)


class Sign(StrEnum):
    """What came of one check."""

    RIGHT = "right"
    WRONG = "wrong"
    UNCLEAR = "unclear"  # it could not be checked


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: `said` and `fix` are ready for Slack's markup. `where`: a region, or nothing."""

    topic: str
    sign: Sign
    said: str
    fix: str = ""
    where: str = ""


def right(topic: str, said: str, where: str = "") -> Finding:
    """All is well with it."""
    return Finding(topic=topic, sign=Sign.RIGHT, said=said, where=where)


def wrong(topic: str, said: str, fix: str, where: str = "") -> Finding:
    """Something is to be mended, and how."""
    return Finding(topic=topic, sign=Sign.WRONG, said=said, fix=fix, where=where)


def unclear(topic: str, said: str, where: str = "") -> Finding:
    """It could not be checked, and why."""
    return Finding(topic=topic, sign=Sign.UNCLEAR, said=said, where=where)


def no_look(topic: str, fault: Fault, where: str = "") -> Finding:
    """AWS did not let the bot look, or did not answer."""
    said = f"{code(fault.operation)} answered {code(fault.code)}. {escape(meaning(fault.code))}"
    if fault.kind in _NOT_ALLOWED:
        return wrong(topic, said, _mending(fault), where)
    return unclear(topic, said, where)


def _mending(fault: Fault) -> str:
    if fault.kind is FaultKind.DENIED:
        return _POLICY
    return escape(next_step(fault.code))


# ---- AWS, one region ------------------------------------------------------------------------


def launching(region: str, trials: Iterable[Trial], *, own_group: bool) -> Finding:
    """Whether RunInstances would go through, in both markets."""
    topic = "Launching"
    for fault in (trial.fault for trial in trials if trial.fault):
        if fault.kind in _NO_ANSWER:
            return no_look(topic, fault, region)
        if not own_group and _GROUP.search(fault.message):
            return unclear(
                topic,
                "no refusal but the one that is meant: a launch is let into its machine's own "
                "security group only, and no machine is there to borrow one from. Ask again "
                "while one is.",
                region,
            )
        said = f"{code('RunInstances')} answered {code(fault.code)}. {escape(meaning(fault.code))}"
        return wrong(topic, said, _launch_fix(fault), region)
    return right(topic, "spot and on-demand would be let through", region)


def _launch_fix(fault: Fault) -> str:
    if _PROFILE.search(fault.message):
        return (
            "The machines' role is missing or may not be given: deploy the stack again, which "
            f"makes {code('MachineRole')} and {code('MachineProfile')}."
        )
    return _mending(fault)


def managing(region: str, trials: tuple[Trial, ...], m: Machine | None, topic: str) -> Finding:
    """Whether these calls would go through. `m`: on whose things they were tried, if on any's."""
    refused = [trial for trial in trials if trial.fault and trial.fault.kind in _NOT_ALLOWED]
    silent = [trial.fault for trial in trials if trial.fault and trial.fault.kind in _NO_ANSWER]
    if refused:
        which = ", ".join(code(trial.operation) for trial in refused)
        codes = ", ".join(sorted({code(trial.fault.code) for trial in refused if trial.fault}))
        return wrong(topic, f"{which} answered {codes}", _POLICY, region)
    if silent:
        return no_look(topic, silent[0], region)
    said = ", ".join(code(trial.operation) for trial in trials)
    on = f", tried on *{escape(m.name)}*" if m else ""
    return right(topic, f"{said} would be let through{on}", region)


def no_machine(region: str) -> Finding:
    """Nothing is there to try it on: AWS asks whose it is before it says what is allowed."""
    return unclear(
        "Stopping, starting, ending",
        "no machine of this bot is there to try it on. Ask again while one runs.",
        region,
    )


def network(region: str, found: Network | None) -> Finding:
    """Machines stand in the default VPC, in subnets that lead to the internet."""
    create = code(f"aws ec2 create-default-vpc --region {region}")
    if found is None:
        return wrong(
            "Network", "there is no default VPC", f"Make it, which is free: {create}", region
        )
    if not found.subnets and not found.full:
        return wrong(
            "Network",
            "no subnet of the default VPC leads to an internet gateway",
            f"In VPC's console, route 0.0.0.0/0 of {code(found.vpc)} to an internet gateway.",
            region,
        )
    if not found.subnets:
        return wrong(
            "Network",
            "the public subnets have no address left",
            f"Add a public subnet to {code(found.vpc)}, or end what uses the addresses.",
            region,
        )
    return right("Network", "there are public subnets", region)


def quotas(region: str, limits: Iterable[Limit], asked: Iterable[QuotaRequest]) -> Finding:
    """Whether any GPU may run there, and what AWS has still to decide."""
    some = [one for one in limits if is_accelerated(one.name) and one.vcpus > 0]
    waiting = [one for one in asked if one.region == region]
    deciding = "; ".join(f"{escape(one.name)}: {one.before} → {one.desired}" for one in waiting)
    if some:
        more = f"; AWS is deciding on {deciding}" if deciding else ""
        return right("GPU quotas", f"{len(some)} are above 0{more}", region)
    said = "every GPU quota is 0, so that no GPU machine can run there"
    if deciding:
        return wrong("GPU quotas", said, f"AWS is deciding on {deciding}: wait for it.", region)
    spot = code(f"/gpu quota raise g5.xlarge spot in {region}")
    return wrong("GPU quotas", said, f"Ask AWS for more, which is free: {spot}", region)


def disk_key(region: str, key: str, named: frozenset[str]) -> Finding:
    """Whether the bot may use the key that new disks are encrypted with: a launch is taken without,
    and the machine ends at once, which no dry run tells."""
    if key.endswith(_AWS_KEY):
        return right("Disks", "are encrypted with AWS's own key", region)
    if key in named:
        said = f"are encrypted with the account's key {code(key)}, which {code('DiskKeys')} names"
        return right("Disks", said, region)
    return wrong(
        "Disks",
        f"are encrypted with the account's key {code(key)}, which the bot has no right to use: "
        "machines end as soon as they are launched",
        f"Deploy again with the key's ARN in {code('DiskKeys')}. Spot needs a grant besides: "
        "docs/deploy.md, *Disks under a key of your own*.",
        region,
    )


def image(region: str, found: Image | None) -> Finding:
    """AWS's Deep Learning AMI, from which machines start when nobody says."""
    if found is None:
        fix = f"Launch from an image of your own there: {code('image ami-…')}"
        return wrong("Image", "AWS's Deep Learning AMI was not found", fix, region)
    return right("Image", escape(found.name), region)


# ---- what looks at the bot, and what it looks at ----------------------------------------------


def is_silent(pulse: Pulse | None, now: datetime) -> bool:
    """Whether the clock has stood still for too long; not where it has never been heard."""
    return pulse is not None and now - pulse.at > SILENT_AFTER


def clock(pulse: Pulse | None, now: datetime) -> Finding:
    """Whether deadlines are looked after."""
    look = "Its log: the stack's Clock function; docs/operations.md, *ClockSilentAlarm*."
    if pulse is None:
        said = "it has never come to the end of a run, as is right in a deployment's first minutes"
        return wrong("Clock", said, f"Ask again in a few minutes. {look}")
    if is_silent(pulse, now):
        said = f"it has not run since {when(pulse.at)}: deadlines may be missed"
        return wrong("Clock", said, look)
    if pulse.failed:
        codes = ", ".join(code(one) for one in pulse.failed)
        return wrong("Clock", f"its last run, {when(pulse.at)}, could not sweep all: {codes}", look)
    return right("Clock", f"last run {when(pulse.at)}, everything swept")


def dead_letters(counts: Mapping[str, int]) -> Finding:
    """What failed ten times and waits for somebody."""
    left = {name: count for name, count in counts.items() if count}
    if left:
        said = ", ".join(f"{count} in {code(name)}" for name, count in sorted(left.items()))
        fix = "Read one, mend the cause, send them back: docs/operations.md, *DeadLettersAlarm*."
        return wrong("Failed messages", said, fix)
    return right("Failed messages", "none")


def alarm_mail(found: AlarmMail) -> Finding:
    """Alarms are told outside of Slack, because the bot may be what is broken."""
    if not found.confirmed and not found.waiting:
        fix = f"Deploy again with the parameter {code('AlarmEmail')}."
        return wrong("Alarms", "they reach nobody: no address is set", fix)
    if not found.confirmed:
        fix = "Open the mail *AWS Notification - Subscription Confirmation* there and confirm it."
        return wrong("Alarms", "they reach nobody: the address has not been confirmed", fix)
    return right("Alarms", "mailed to a confirmed address")


def rules_unreadable() -> Finding:
    """A newer version wrote the row."""
    return wrong(
        "Rules",
        "what admins have changed cannot be read; the template's rules count",
        "Deploy the newest version again: docs/operations.md, *When the rules cannot be read*.",
    )


def rules(ignored: tuple[str, ...]) -> Finding:
    """Whether all that admins have changed counts."""
    if ignored:
        which = ", ".join(code(name) for name in ignored)
        reset = code(f"/gpu policy reset {ignored[0]}")
        return wrong(
            "Rules", f"what was changed of {which} does not count", f"Set it anew: {reset}"
        )
    return right("Rules", "readable, and all of them count")


def bills(days: Iterable[Reconciled]) -> Finding:
    """Whether AWS's bill can be told apart by our tag: zero beside our own figure says no."""
    known = [day for day in days if day.read_at is not None]
    refused = sorted({day.why for day in known if day.why})
    if refused:
        fix = "Switch Cost Explorer on: Billing console, *Cost Explorer*; it takes a day."
        return wrong("AWS's bill", f"AWS does not tell it: {code(refused[-1])}", fix)
    spent = [day for day in known if day.ours >= Decimal("0.05")]
    if spent and not any(day.theirs for day in spent):
        fix = (
            f"In the payer's Billing console, *Cost allocation tags*, activate {code('gpu:stack')};"
            " it takes a day."
        )
        return wrong("AWS's bill", "AWS tells nothing of what this bot's machines cost", fix)
    if not spent:
        return unclear("AWS's bill", "nothing was spent on the days that have been compared")
    return right("AWS's bill", "is read once a day and stands beside our own figures")


# ---- Slack ----------------------------------------------------------------------------------


def scopes(found: frozenset[str]) -> Finding:
    """What the installed app may do, against what it needs."""
    missing = sorted(SCOPES - found)
    if missing:
        which = ", ".join(code(one) for one in missing)
        fix = (
            "At api.slack.com/apps, *OAuth &amp; Permissions*, add them to the bot's scopes and "
            "*reinstall* the app."
        )
        return wrong("Slack app", f"it lacks {which}", fix)
    return right("Slack app", "the token works, and the app has every scope")


def slack_refuses(error: str) -> Finding:
    """The token is no good, or Slack is away."""
    if error in BAD_TOKEN:
        fix = "Put the app's bot token into the secret: docs/operations.md, *Rotating the secrets*."
        return wrong("Slack app", f"Slack does not take the bot's token: {code(error)}", fix)
    return unclear("Slack app", f"Slack answered {code(error)}")


def heard_in(channel: str) -> Finding:
    """The bot has just spoken there."""
    return right("Channels", f"it may write in {_channel(channel)}")


def not_heard_in(channel: str, error: str, admin: str) -> Finding:
    """It could not speak there, or the admin could not hear it."""
    name = _channel(channel)
    if error == NOT_THERE:
        return unclear("Channels", f"{user(admin)} is not in {name}, and would not have seen it")
    fix = f"Type {code('/invite @gpu')} there. Until then it writes to people directly."
    return wrong("Channels", f"it is not in {name} ({code(error)})", fix)


def _channel(id: str) -> str:
    """As Slack shows it; ids are letters and digits, so nothing else gets through."""
    return f"<#{''.join(c for c in id if c.isascii() and c.isalnum())}>"
