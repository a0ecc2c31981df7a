"""What each step does to the stage. A step is a plain value, so that a list of them can be written
down, shortened and done again; it names things by name or by number, and where what it means is not
there (any more) it does nothing.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from core import names
from core.flows.request import Click, Request
from core.model import Budget, Over, Policy, Profile, Scope
from sim.direct import Direct
from sim.history.log import Function
from sim.history.stage import How, Stage, Trap
from sim.town import ADA, CHANNEL, GUS, LIN, SAM, TEAM, Town, buttons
from sim.world.data import load_quotas

Step = Mapping[str, Any]
PEOPLE = {"ada": ADA, "lin": LIN, "sam": SAM, "gus": GUS, "eve": "U0EVE"}
MEMBERS = frozenset({ADA, LIN, SAM})
OTHER_PROFILE = "arn:aws:iam::123456789012:instance-profile/gpu-machine-2"
SECOND = timedelta(seconds=1)
GONE = frozenset({"shutting-down", "terminated"})
DEPLOYS: Mapping[str, Mapping[str, Any]] = {
    "image": {},
    "profile": {"instance_profile": OTHER_PROFILE},
    "lease": {"default_lease": timedelta(hours=1), "longest_lease": timedelta(hours=8)},
    "disk": {"default_disk_gb": 80},
    "price": {"approval_above": Decimal(2)},
}


def open_account(stage: Stage, step: Step) -> None:
    """The world as it is when the history begins: quota, money, how slow EC2 is to show things
    and to know of them."""
    for quota in load_quotas():
        stage.control(
            do="set-quota", region="us-east-1", code=quota.code, value=step.get("quota", 64)
        )
    if step.get("budget"):
        budget = Budget(scope=Scope.TEAM, hourly=Decimal(str(step["budget"])))
        _policy(stage, {"budgets": (budget,), "over": Over(step.get("over", "block"))})
    if step.get("above"):
        _policy(stage, {"approval_above": Decimal(str(step["above"]))})
    if step.get("slow"):
        stage.control(do="settings", visible_after=step["slow"])
    if step.get("late"):
        stage.control(do="settings", access_visible_after=step["late"])
    if step.get("quota", 64) < 64:
        stage.control(do="settings", quota_decision=None)  # a step decides
    stage.beating = bool(step.get("beating"))


def say(stage: Stage, step: Step) -> None:
    """Somebody types a command; it is delivered once or several times, at once or late."""
    user = PEOPLE[step["who"]]
    nonce = next(stage._nonce)
    asked = Request(
        id=names.request_id(TEAM, "slash", f"trigger-{nonce}"),
        user=user,
        channel=CHANNEL,
        text=step["text"],
        response_url=f"https://hooks.slack.com/commands/{nonce}",
        at=stage.own_time(Function.DOOR),
    )
    stage.log.asked.append(asked)
    for seconds in step.get("after", (0,)):
        stage.queue.ask(asked, seconds * SECOND)
    stage.pass_time(timedelta(0))


def press(stage: Stage, step: Step) -> None:
    """Somebody presses a button that stands, or once stood, in a message; perhaps twice."""
    posted = stage.chat.everything()
    if not posted:
        return
    found = posted[-1 - step["message"] % len(posted)]
    versions = [*found.earlier, found.message]
    seen = buttons(versions[-1 - step.get("version", 0) % len(versions)])
    if not seen:
        return
    button = seen[step["button"] % len(seen)]
    for _ in range(step.get("times", 1)):
        nonce = next(stage._nonce)
        pressed = Click(
            id=names.request_id(TEAM, "click", f"trigger-{nonce}"),
            user=PEOPLE[step["who"]],
            channel=CHANNEL,
            action=button["action_id"],
            value=str(button.get("value", "")),
            response_url=f"https://hooks.slack.com/actions/{nonce}",
            at=stage.own_time(Function.DOOR),
        )
        stage.log.asked.append(pressed)
        for seconds in step.get("after", (0,)):
            stage.queue.ask(pressed, seconds * SECOND)
    stage.pass_time(timedelta(0))


def wait(stage: Stage, step: Step) -> None:
    """Time goes by."""
    stage.pass_time(step["seconds"] * SECOND)


# ---- AWS ------------------------------------------------------------------------------------


def fault(stage: Stage, step: Step) -> None:
    """The next calls of an operation fail."""
    stage.control(
        do="fault", operation=step["operation"], code=step["code"], times=step.get("times", 1)
    )


def slow(stage: Stage, step: Step) -> None:
    """EC2 shows what is new so late; never later than the fence waits for."""
    stage.control(do="settings", visible_after=step["seconds"])


def zone(stage: Stage, step: Step) -> None:
    """A zone, or a region, is full or has room again."""
    where = {"region": step.get("region", "us-east-1"), "zone": step.get("zone")}
    if step.get("room") is None:
        stage.control(do="free-zone", **where)
    else:
        stage.control(do="fill-zone", room=step["room"], **where)


def outside(stage: Stage, step: Step) -> None:
    """Somebody at the console, or EC2 itself, does something to one of the instances."""
    ours = [i for i in stage.world.instances() if i.tags.get("gpu:stack") == stage.policy.stack]
    what = step["what"]
    by_ec2 = what in ("interrupt", "rebalance")  # which does so to spot only
    fits = [i for i in ours if i.state not in GONE and (i.market == "spot" or not by_ec2)]
    if not fits:
        return
    one = fits[step["which"] % len(fits)]
    if what == "start":
        with contextlib.suppress(ClientError, BotoCoreError):
            stage.console(one.zone[:-1]).start_instances(InstanceIds=[one.id])
    elif what == "tag":
        _edit_tag(stage, one, step.get("value"))
    else:
        do = {"stop": "stop-outside", "terminate": "terminate-outside"}.get(what, what)
        with contextlib.suppress(ValueError):  # it is not in a state for that
            stage.control(do=do, instance=one.id)
    stage.log.outside[one.id] = stage.now
    stage.pass_time(timedelta(0))


def _edit_tag(stage: Stage, one: Any, value: Any) -> None:
    """The deadline that the machine and the sweep go by: later, nonsense or gone."""
    later = isinstance(value, int)
    said = str(int(stage.now.timestamp()) + value) if later else value
    tag = {"Key": "gpu:deadline"} | ({"Value": said} if value is not None else {})
    console = stage.console(one.zone[:-1])
    edit = console.create_tags if value is not None else console.delete_tags
    with contextlib.suppress(ClientError, BotoCoreError):  # AWS fails for others, too
        edit(Resources=[one.id], Tags=[tag])
    stage.log.edited[one.id] = stage.now


def quota(stage: Stage, step: Step) -> None:
    """AWS decides on the requests that it has: grants, grants a part, or denies them."""
    for request in stage.world.state()["quota_requests"]:
        if request["status"] not in ("PENDING", "CASE_OPENED"):
            continue
        if step["decide"] == "deny":
            stage.control(do="deny-quota", request=request["id"])
        else:
            part = {"value": request["desired"] // 2} if step["decide"] == "part" else {}
            stage.control(do="grant-quota", request=request["id"], **part)


# ---- the deployment -------------------------------------------------------------------------


def trap(stage: Stage, step: Step) -> None:
    """Something will happen at one of the next calls of a function."""
    then = step.get("then")
    act: Callable[[], None] | None = (lambda: carry_out(stage, then)) if then else None
    stage.traps.append(
        Trap(
            how=How(step["how"]),
            left=step.get("at", 1),
            call=step.get("call", ""),
            seconds=step.get("seconds", 0),
            then=act,
        )
    )


def queue(stage: Stage, step: Step) -> None:
    """The next wakes are lost, doubled or late; or the queue gives the newest first."""
    count = step.get("count", 1)
    match step["how"]:
        case "lose":
            stage.queue.lose += count
        case "double":
            stage.queue.double += count
        case "late":
            stage.queue.delay += count
            stage.queue.delay_by = step["seconds"] * SECOND
        case "backwards":
            stage.queue.backwards = not stage.queue.backwards
        case "events":
            stage.lose_events += count


def minutes(stage: Stage, step: Step) -> None:
    """The clock leaves out some minutes."""
    stage.skip_minutes += step["skip"]


def skew(stage: Stage, step: Step) -> None:
    """A function's own clock goes wrong by so many seconds."""
    stage.skews[Function(step["function"])] = step["seconds"] * SECOND


def slack(stage: Stage, step: Step) -> None:
    """Slack takes nothing for a while; it may say for how long."""
    length = step["seconds"] * SECOND
    stage.slack_away(length, length if step.get("busy") else None)


def deploy(stage: Stage, step: Step) -> None:
    """Another version is deployed under way: what it would launch is not what the old one would."""
    stage.other_images = stage.other_images or step["what"] == "image"
    _policy(stage, DEPLOYS[step["what"]])


def _policy(stage: Stage, changes: Mapping[str, Any]) -> None:
    policy: Policy = replace(stage.policy, **changes)
    stage.policy = policy
    stage.open_house(replace(stage.bare, policy=policy))


def leaves(stage: Stage, step: Step) -> None:
    """Somebody is in the workspace no more."""
    known = stage.chat.known(PEOPLE[step["who"]])
    if known is not None:
        stage.chat.add(replace(known, active=False))


def dead(stage: Stage, _: Step) -> None:
    """From here on no function of the deployment runs any more."""
    stage.dead = True
    stage.log.died = stage.now


ACTS: Mapping[str, Callable[[Stage, Step], None]] = {
    "account": open_account,
    "say": say,
    "press": press,
    "wait": wait,
    "fault": fault,
    "slow": slow,
    "zone": zone,
    "outside": outside,
    "quota": quota,
    "trap": trap,
    "queue": queue,
    "minutes": minutes,
    "skew": skew,
    "slack": slack,
    "deploy": deploy,
    "leaves": leaves,
    "dead": dead,
}


def carry_out(stage: Stage, step: Step) -> None:
    """One step."""
    if stage.dead and step["do"] not in ("wait", "outside"):
        return
    ACTS[step["do"]](stage, step)


# ---- before it begins -----------------------------------------------------------------------


def new_stage(make: Callable[[], Stage] = Stage) -> Stage:
    """A deployment with three people who may log in, in an account that others use, too."""
    stage = make()
    stage.control(do="instance-profile", arn=OTHER_PROFILE)
    for user in (ADA, LIN, SAM):
        stage.ledger.save_profile(replace(_profile(), user=user, version=0), Profile(user=user))
    _foreigners(stage)
    stage.log.begin(stage.world)
    return stage


@cache
def _profile() -> Profile:
    """A key and an address, as the commands leave them."""
    here = Town(wire=False)
    here.ready_to_launch(ADA)
    return here.ledger.profile(ADA)


def _foreigners(stage: Stage) -> None:
    """Others' instances: one without our tags, one of another deployment whose time is over."""
    console = Direct(stage.world, "ec2", "us-east-1")
    pattern = [{"Name": "name", "Values": ["Deep Learning Base*"]}]
    image = console.describe_images(Filters=pattern)["Images"][-1]["ImageId"]
    other = {
        "gpu:stack": "other",
        "gpu:machine": "m-other",
        "gpu:deadline": "1",
        "gpu:attempt": "1",
    }
    for tags in ({"Name": "theirs"}, other):
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        console.run_instances(
            ImageId=image,
            InstanceType="m5.large",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
        )
    stage.pass_time(30 * SECOND)
