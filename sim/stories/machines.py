"""Stories of machines: launched, stopped, started, extended, taken back, kept and put away."""

from datetime import timedelta

from sim.stories.telling import (
    HOUR,
    MINUTE,
    Acts,
    Story,
    account,
    choose,
    control,
    instance_of,
    latest,
    named,
    new_account,
    press,
    retyped,
    say,
    until,
    wait,
)
from sim.struck import Struck
from sim.town import LIN


def _launch(here: Struck) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand for 2h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "stop bert")
    yield say(here, "start bert for 1h")
    yield wait(here, 5 * MINUTE)
    yield say(here, "end bert")
    yield wait(here, 4 * MINUTE)


def _spot(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge spot or on-demand in us-east-1 for 3h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "launch g5.xlarge spot or on-demand in us-east-1 for 3h name bert")
    yield say(here, "stop")
    yield wait(here, 6 * MINUTE)
    yield say(here, "stop all yes")
    yield wait(here, 6 * MINUTE)


def _deadline(here: Struck) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand for 20m name bert")
    yield until(here, lambda: latest(here, "extend") is not None, 30 * MINUTE)
    yield press(here, latest(here, "extend"), "extend")
    yield wait(here, 2 * MINUTE)
    yield say(here, "extend bert 10m")
    yield wait(here, 70 * MINUTE)


def _outside(here: Struck) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    if (id := instance_of(here, "bert")) is not None:
        yield control(here, do="stop-outside", instance=id)
    yield wait(here, 12 * MINUTE)
    if (m := named(here, "bert")) is not None and m.instance is not None:
        yield retyped(here, m.instance.id, "p3.8xlarge")
    yield say(here, "start bert for 1h")
    yield wait(here, 5 * MINUTE)
    if (id := instance_of(here, "bert")) is not None:
        yield control(here, do="terminate-outside", instance=id)
    yield wait(here, 12 * MINUTE)


def _hangs(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield control(here, do="settings", stop=1500)
    yield say(here, "stop bert")
    yield wait(here, 30 * MINUTE)
    yield control(here, do="settings", stop=30)
    yield wait(here, 5 * MINUTE)


def _interrupted(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge spot in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    if (id := instance_of(here, "bert")) is not None:
        yield control(here, do="interrupt", instance=id)
    yield wait(here, 20 * MINUTE)


def _recovered(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge spot recover in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    if (id := instance_of(here, "bert")) is not None:
        yield control(here, do="rebalance", instance=id)
        yield wait(here, 4 * MINUTE)
    if (id := instance_of(here, "bert")) is not None:
        yield control(here, do="interrupt", instance=id)
    yield wait(here, 25 * MINUTE)


def _kept(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge spot keep in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 12 * MINUTE)
    yield say(here, "start bert")
    yield wait(here, 12 * MINUTE)


def _start_elsewhere(here: Struck) -> Acts:
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 5 * MINUTE)
    yield control(here, do="fill-zone", region="us-east-1", zone="us-east-1a")
    yield say(here, "start bert for 1h")
    yield wait(here, 3 * MINUTE)
    yield press(here, latest(here, "choose-0"), "choose-0")
    yield wait(here, 12 * MINUTE)


def _wall(here: Struck) -> Acts:
    here.control(do="settings", quota_decision=200)  # longer than a message waits to come again
    yield say(here, "launch p3.2xlarge spot in us-east-1 for 2h name bert")
    yield choose(here, "launch when")
    yield wait(here, 25 * MINUTE)
    yield say(here, "quota p3.2xlarge in us-east-1")
    yield say(here, "quota raise g5.xlarge in us-east-1")
    yield wait(here, 25 * MINUTE)


def _full(here: Struck) -> Acts:
    here.control(do="fill-zone", region="us-east-1")
    yield say(here, "launch p3.2xlarge spot in us-east-1 for 2h name bert keep trying")
    yield wait(here, 6 * MINUTE)
    yield control(here, do="free-zone", region="us-east-1")
    yield wait(here, 12 * MINUTE)


def _ways_on(here: Struck) -> Acts:
    here.control(do="fill-zone", region="us-east-1", type="p3.2xlarge", market="spot")
    yield say(here, "launch p3.2xlarge spot in us-east-1 for 2h name bert")
    yield wait(here, 2 * MINUTE)
    yield choose(here, "On-demand")
    yield wait(here, 6 * MINUTE)


def _group(here: Struck) -> Acts:
    for zone in ("us-east-1a", "us-east-1c"):
        here.control(do="fill-zone", region="us-east-1", zone=zone, room=2)
    yield say(here, "launch g5.xlarge x3 on-demand in us-east-1 for 2h name bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "stop bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "start bert for 1h")
    yield wait(here, 6 * MINUTE)


def _short_group(here: Struck) -> Acts:
    here.control(do="fill-zone", region="us-east-1", room=0)
    here.control(do="fill-zone", region="us-east-1", zone="us-east-1a", room=2)
    yield say(here, "launch g5.xlarge x3 on-demand in us-east-1 for 4h name bert")
    yield wait(here, 12 * MINUTE)
    yield press(here, here.card(0) if here.ledger.everything() else None, "more")
    yield wait(here, 3 * MINUTE)
    yield control(here, do="free-zone", region="us-east-1")
    yield wait(here, 15 * MINUTE)


def _two_regions() -> Struck:
    here = account()
    here.with_quota("us-west-2")
    return here


def _data(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge on-demand data 100 in us-east-1 for 4h name bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "end bert")
    yield wait(here, 6 * MINUTE)
    yield say(here, "launch g5.xlarge on-demand data 100 in us-west-2 for 4h name emil")
    yield wait(here, 15 * MINUTE)
    yield say(here, "data")


def _saved(here: Struck) -> Acts:
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "save bert as bert-env")
    yield wait(here, 8 * MINUTE)
    yield say(here, "images")
    yield say(here, "launch g5.xlarge on-demand image bert-env in us-west-2 for 4h name emil")
    yield wait(here, 12 * MINUTE)


def _shelf(here: Struck) -> Acts:
    here.strikes_every = 10 * MINUTE  # half a day passes
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 2h name bert")
    yield wait(here, 15 * MINUTE)
    yield say(here, "stop bert yes")
    yield until(here, lambda: latest(here, "shelf-keep") is not None, 40 * HOUR)
    yield press(here, latest(here, "shelf-keep"), "shelf-keep")
    yield wait(here, 62 * HOUR)
    yield say(here, "allow 203.0.113.7")
    yield say(here, "start bert for 4h")
    yield wait(here, 45 * MINUTE)


def _schedule(here: Struck) -> Acts:
    here.strikes_every = 2 * MINUTE
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 1h name bert")
    yield wait(here, 6 * MINUTE)
    starts = (here.now + 2 * HOUR).replace(minute=0, second=0, microsecond=0)
    days = "mon,tue,wed,thu,fri,sat,sun"
    yield say(here, f"schedule bert {days} {starts:%H:%M}-{starts + HOUR:%H:%M}")
    yield say(here, "stop bert yes")
    yield wait(here, starts - 20 * MINUTE - here.now)
    yield press(here, latest(here, "schedule-skip"), "schedule-skip")
    skipped = [a.message for a in here.chat.answers][-1]
    yield press(here, skipped, "schedule-undo")
    yield say(here, "schedule")
    yield wait(here, starts + 100 * MINUTE - here.now)
    yield say(here, "schedule bert off")


def _idle(here: Struck) -> Acts:
    here.beating = True
    yield say(here, "launch p3.2xlarge on-demand in us-east-1 for 8h idle 30m name bert")
    yield wait(here, 12 * MINUTE)
    if (id := instance_of(here, "bert")) is not None:
        yield control(here, do="load", instance=id, ssh=0)
    yield until(here, lambda: latest(here, "idle-keep") is not None, HOUR)
    yield press(here, latest(here, "idle-keep"), "idle-keep")
    yield wait(here, 75 * MINUTE)


def _refused(here: Struck) -> Acts:
    here.control(do="deny", operation="RunInstances", by="scp")
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 14 * MINUTE)  # longer than an attempt's fence
    yield control(here, do="allow", operation="RunInstances")
    yield say(here, "end bert")
    yield wait(here, 3 * MINUTE)


def _forgotten(here: Struck) -> Acts:
    """The table is restored from a copy of yesterday: no row knows the machine any more."""
    here.unknown_for = HOUR
    yield say(here, "launch g5.xlarge spot in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    here.lost_cards = {m.card for m in here.ledger.everything()}
    yield here.ledger.forget
    yield wait(here, 40 * MINUTE)


def _strangers(here: Struck) -> Acts:
    """Another one's machine is not one's own; then an hour in which strays are looked for."""
    yield say(here, "launch g5.xlarge on-demand in us-east-1 for 4h name bert")
    yield wait(here, 5 * MINUTE)
    yield say(here, "stop bert", LIN)
    yield say(here, "end bert")
    yield wait(here, HOUR)


MACHINES = (
    Story(name="launch", acts=_launch, prepare=account),
    Story(name="spot", acts=_spot, prepare=account),
    Story(name="deadline", acts=_deadline, prepare=account),
    Story(name="outside", acts=_outside, prepare=account),
    Story(name="hangs", acts=_hangs, prepare=account),
    Story(name="interrupted", acts=_interrupted, prepare=account),
    Story(name="recovered", acts=_recovered, prepare=account),
    Story(name="kept", acts=_kept, prepare=account),
    Story(name="start-elsewhere", acts=_start_elsewhere, prepare=account),
    Story(name="wall", acts=_wall, prepare=new_account),
    Story(name="full", acts=_full, prepare=account),
    Story(name="ways-on", acts=_ways_on, prepare=account),
    Story(name="group", acts=_group, prepare=account, most=3),
    Story(name="short-group", acts=_short_group, prepare=account, most=3),
    Story(name="data", acts=_data, prepare=_two_regions),
    Story(name="saved", acts=_saved, prepare=_two_regions),
    Story(name="shelf", acts=_shelf, prepare=lambda: account(shelf=timedelta(days=2))),
    Story(name="schedule", acts=_schedule, prepare=account),
    Story(name="idle", acts=_idle, prepare=account),
    Story(name="refused", acts=_refused, prepare=account),
    Story(name="forgotten", acts=_forgotten, prepare=account, leaves=frozenset({"groups", "keys"})),
    Story(name="strangers", acts=_strangers, prepare=account),
)
